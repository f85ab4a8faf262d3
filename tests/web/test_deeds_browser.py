"""Deeds in a real browser: seen before the server has answered, and taken back where it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from inbox.flow.working.work import Desk
from inbox.store import threads
from tests.services.waiting import until
from tests.web import story
from tests.web.conftest import Told, serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

pytestmark = pytest.mark.browser


@pytest.fixture
def site(own: Told) -> Iterator[tuple[Told, str]]:
    with serving(own.site()) as address:
        yield own, address


class Held:
    """Requests that change something, held on their way until a test lets them go."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self._routes: list[Route] = []
        self.offline = False
        """Nothing comes through from now on."""
        page.route("**/*", self._hear)

    def _hear(self, route: Route) -> None:
        if route.request.method == "POST" and "/live/" not in route.request.url:
            self._routes.append(route)
        elif self.offline:
            route.abort()
        else:
            route.continue_()

    def next(self) -> Route:
        """The next one that was asked."""
        # A question to the page lets the driver hear what came meanwhile.
        until(lambda: self.page.evaluate("1") and self._routes, 60)
        return self._routes.pop(0)


def visit(chromium: Browser, site: tuple[Told, str], path: str) -> Page:
    told, address = site
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(15_000)
    told.enter(context, address, "agent")
    page = context.new_page()
    page.goto(address + path)
    page.evaluate("window.stayed = true")
    return page


def status(told: Told, number: int = 1) -> str:
    with told.db.read() as conn:
        return threads.by_id(conn, number).status


def test_a_thread_changes_before_the_server_answers_and_goes_back_where_it_refuses(
    chromium: Browser, site: tuple[Told, str]
) -> None:
    told, _ = site
    page = visit(chromium, site, "/threads/1")
    held = Held(page)

    page.keyboard.press("e")
    page.wait_for_selector(".facts .state.closed")
    assert status(told) == "open", "it is seen before it is done"
    held.next().continue_()
    page.wait_for_selector(".flash >> text=Closed.")
    assert status(told) == "closed"
    page.wait_for_selector(".deeds >> text=Reopen")
    page.wait_for_selector(".pane #t1", state="detached")  # the list beside it is of open threads

    page.click(".deeds >> text=Reopen")
    page.wait_for_selector(".facts .state.open")
    held.next().abort()
    page.wait_for_selector(".toast >> text=not known whether it was done")
    page.wait_for_selector(".facts .state.closed")
    page.click(".deeds >> text=Reopen")
    held.next().continue_()
    page.wait_for_selector(".flash >> text=Open again.")
    page.wait_for_selector(".pane #t1.here")

    page.keyboard.press("i")
    page.wait_for_selector(".rail .holder >> text=Priya Raman")
    asked = held.next()
    Desk(told.db, "tom").claim(1, story.NOW)
    asked.continue_()
    page.wait_for_selector(".toast >> text=Tom Alvarez")
    page.wait_for_selector(".rail .holder >> text=Tom Alvarez")
    assert page.evaluate("window.stayed"), "the page was never loaded anew"
    page.context.close()


def test_tags_and_the_star_are_there_at_once_and_focus_stays_in_the_bar(
    chromium: Browser, site: tuple[Told, str]
) -> None:
    told, _ = site
    page = visit(chromium, site, "/threads/1")
    held = Held(page)
    page.keyboard.press("l")
    page.keyboard.type("sso")
    page.keyboard.press("Enter")
    page.wait_for_selector(".facts .chip.tag >> text=sso")
    held.next().continue_()
    page.wait_for_selector(".flash >> text=Tags changed.")
    with told.db.read() as conn:
        assert "sso" in threads.by_id(conn, 1).tags
    assert page.evaluate("document.activeElement.closest('.deeds') !== null")
    page.keyboard.press("s")
    page.wait_for_selector('.deeds [data-key="s"][aria-pressed="true"]')
    held.next().continue_()
    page.wait_for_selector(".flash >> text=You follow it.")
    page.context.close()


def test_a_row_leaves_the_list_before_the_server_answers_and_comes_back_where_it_cannot(
    chromium: Browser, site: tuple[Told, str]
) -> None:
    told, _ = site
    page = visit(chromium, site, "/threads")
    held = Held(page)
    first = page.locator(".row").first.get_attribute("id") or ""
    number = int(first[1:])
    second = page.locator(".row").nth(1).get_attribute("id")

    page.keyboard.press("j")
    page.keyboard.press("e")
    page.wait_for_selector(f"#{first}", state="hidden")
    assert page.evaluate("document.activeElement.closest('.row').id") == second
    held.next().abort()
    page.wait_for_selector(".toast >> text=not known whether it was done")
    page.wait_for_selector(f"#{first}", state="visible")
    assert status(told, number) == "open"

    page.keyboard.press("k")
    page.keyboard.press("e")
    page.wait_for_selector(f"#{first}", state="hidden")
    assert status(told, number) == "open"
    held.next().continue_()
    page.wait_for_selector(".flash >> text=Done on 1 thread.")
    assert status(told, number) == "closed"
    assert page.locator(f"#{first}").count() == 0
    assert page.evaluate("window.stayed"), "the page was never loaded anew"
    page.context.close()


def test_where_the_answer_is_lost_the_page_is_asked_for_before_a_state_is_shown(
    chromium: Browser, site: tuple[Told, str]
) -> None:
    told, address = site
    page = visit(chromium, site, "/threads/1")
    page.add_init_script(
        "AbortSignal.timeout = () => (window.limit = new AbortController()).signal"
    )
    page.goto(f"{address}/threads/1")
    page.evaluate("window.stayed = true")
    held = Held(page)

    def lost() -> None:
        page.wait_for_selector(".toast >> text=not known whether it was done")
        page.wait_for_selector("html:not([data-doing])")

    page.keyboard.press("e")
    page.wait_for_selector(".facts .state.closed")
    asked = held.next()
    asked.fetch()  # it is done, and nobody hears of it
    asked.abort()
    lost()
    page.wait_for_selector(".facts .state.closed")
    assert status(told) == "closed"

    page.click(".deeds >> text=Reopen")
    asked = held.next()
    asked.fetch()
    asked.fulfill(status=504, body="the proxy waited in vain", content_type="text/plain")
    lost()
    page.wait_for_selector(".facts .state.open")
    assert status(told) == "open"

    page.keyboard.press("e")
    held.next().fetch()  # and it hangs
    page.wait_for_selector("html[data-doing]")
    page.evaluate("window.limit.abort(new DOMException('', 'TimeoutError'))")
    lost()
    page.wait_for_selector(".facts .state.closed")
    assert status(told) == "closed"
    assert page.evaluate("window.stayed"), "the page was never loaded anew"
    page.context.close()


def test_rows_are_what_the_server_has_where_the_answer_is_lost(
    chromium: Browser, site: tuple[Told, str]
) -> None:
    told, _ = site
    page = visit(chromium, site, "/threads")
    held = Held(page)
    first = page.locator(".row").first.get_attribute("id") or ""
    page.keyboard.press("j")
    page.wait_for_selector(f"#{first} :focus")
    page.keyboard.press("e")
    page.wait_for_selector(f"#{first}", state="hidden")
    asked = held.next()
    asked.fetch()
    asked.abort()
    page.wait_for_selector(".toast >> text=not known whether it was done")
    page.wait_for_selector(f"#{first}", state="detached")
    assert status(told, int(first[1:])) == "closed"
    page.context.close()


def test_without_a_connection_only_what_was_painted_goes_back(
    chromium: Browser, site: tuple[Told, str]
) -> None:
    page = visit(chromium, site, "/threads/1")
    held = Held(page)
    page.keyboard.press("e")
    page.wait_for_selector(".facts .state.closed")
    asked = held.next()
    page.keyboard.press("l")
    page.keyboard.type("half")  # written while the deed is on its way
    held.offline = True
    asked.abort()
    page.wait_for_selector(".toast >> text=no connection")
    page.wait_for_selector(".facts .state.open")
    assert page.evaluate("document.activeElement.value") == "half"
    assert page.is_visible(".deeds >> text=Close")
    page.context.close()
