"""The composer in a real browser: kept as it is typed, sent, taken back, held; two people at once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from inbox.store import drafts, outbox_desk
from tests.services.waiting import until
from tests.web import story
from tests.web.conftest import Told, serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser


@pytest.fixture
def site(own: Told) -> Iterator[tuple[Told, str]]:
    own.settings = replace(own.settings, send=replace(own.settings.send, host="127.0.0.1", port=9))
    with serving(own.site()) as address:
        yield own, address


def visit(chromium: Browser, site: tuple[Told, str], role: str, path: str = "/threads/1") -> Page:
    told, address = site
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(15_000)
    told.enter(context, address, role)
    page = context.new_page()
    page.goto(address + path)
    return page


def kept(told: Told) -> list[drafts.Draft]:
    with told.db.read() as conn:
        return list(drafts.of_thread(conn, 1))


def items(told: Told) -> list[tuple[str, str | None]]:
    with told.db.read() as conn:
        found = outbox_desk.listing(conn, outbox_desk.Page(thread_id=1))
    return [(one.state, one.by) for one in found]


def test_writing_by_keyboard_is_saved_survives_a_reload_leaves_and_comes_back(
    chromium: Browser, site: tuple[Told, str]
) -> None:
    told, _ = site
    page = visit(chromium, site, "agent")
    page.keyboard.press("r")
    page.wait_for_selector("#text")
    page.wait_for_selector("#text:focus")
    page.keyboard.type("Thursday at ten.")
    page.wait_for_selector('[data-saved][data-state="saved"]')
    assert [one.text for one in kept(told)] == ["Thursday at ten."]
    page.reload()
    assert page.input_value("#text") == "Thursday at ten."
    page.focus("#text")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("[data-countdown]")
    assert re.search(r"in \d+ seconds?", page.inner_text("[data-countdown]"))
    assert items(told) == [("queued", "priya")]
    page.keyboard.press("z")
    page.wait_for_selector("#text")
    assert page.input_value("#text") == "Thursday at ten."
    assert items(told) == [("cancelled", "priya")]
    page.context.close()


def test_two_people_answer_at_once_and_the_second_is_held(
    chromium: Browser, site: tuple[Told, str]
) -> None:
    told, _ = site
    first = visit(chromium, site, "agent", "/threads/1?compose=reply#text")
    second = visit(chromium, site, "lead", "/threads/1?compose=reply#text")
    first.fill("#text", "From Priya.")
    second.fill("#text", "From Jonas.")
    first.click('button[value="send"]')
    first.wait_for_selector("[data-countdown]")
    second.click('button[value="send"]')
    second.wait_for_selector(".held-card")
    assert "priya is answering too" in second.inner_text(".held-card")
    assert second.input_value("#text") == "From Jonas."
    assert items(told) == [("queued", "priya")]
    second.click('button[value="anyway"]')
    second.wait_for_selector("[data-countdown]")
    assert sorted(items(told)) == [("queued", "jonas"), ("queued", "priya")]
    first.context.close()
    second.context.close()


def test_a_customers_mail_that_comes_while_one_writes_stands_above_the_draft(
    chromium: Browser, site: tuple[Told, str]
) -> None:
    told, _ = site
    page = visit(chromium, site, "agent", "/threads/1?compose=reply#text")
    page.fill("#text", "Thursday!")
    new = story.mail(
        "Eva König <eva@acme.example>",
        "Re: Kickoff next week?",
        "Please wait until July!\n",
        in_reply_to="<kickoff-1@acme.example>",
        message_id="<july@acme.example>",
    )
    story.put(told.db, told.settings, [new.as_bytes()], story.NOW)
    page.click('button[value="send"]')
    page.wait_for_selector(".held-card")
    assert "Please wait until July!" in page.inner_text(".held-card")
    assert page.input_value("#text") == "Thursday!"
    page.context.close()


def test_a_file_that_is_chosen_goes_along(
    chromium: Browser, site: tuple[Told, str], tmp_path: Path
) -> None:
    plan = tmp_path / "plan.pdf"
    plan.write_bytes(b"%PDF-1.4 x")
    page = visit(chromium, site, "agent", "/threads/1?compose=reply#text")
    page.fill("#text", "See the plan.")
    page.click('summary[data-label="Attach a file"]')
    page.set_input_files('input[name="upload"]', str(plan))
    page.wait_for_selector(".uploads li")
    assert "plan.pdf" in page.inner_text(".uploads")
    assert page.input_value("#text") == "See the plan."
    page.context.close()


def test_a_second_tab_is_told_and_nothing_is_lost(
    chromium: Browser, site: tuple[Told, str]
) -> None:
    told, address = site
    page = visit(chromium, site, "agent", "/threads/1?compose=reply#text")
    page.fill("#text", "One.")
    page.wait_for_selector('[data-saved][data-state="saved"]')
    other = page.context.new_page()
    other.goto(address + "/threads/1")
    other.fill("#text", "One, from the other tab.")
    other.wait_for_selector('[data-saved][data-state="saved"]')
    page.fill("#text", "One, and two.")
    page.wait_for_selector('[data-saved][data-state="conflict"]')
    page.click('button[value="send"]')
    page.wait_for_selector(".held-card")
    assert "One, and two." in page.inner_text(".held-card")
    assert page.input_value("#text") == "One, from the other tab."
    until(lambda: len(kept(told)) == 1)
    assert items(told) == []
    page.context.close()


def test_the_keys_of_the_thread_do_their_deeds(chromium: Browser, site: tuple[Told, str]) -> None:
    page = visit(chromium, site, "agent")
    page.keyboard.press("i")
    page.wait_for_selector("text=It is yours now.")
    page.keyboard.press("z")
    page.wait_for_selector("text=as it was before")
    page.keyboard.press("h")
    page.wait_for_selector(".deeds details[open] .sheet")
    page.keyboard.press("Escape")
    page.keyboard.press("e")
    page.wait_for_selector("text=Closed.")
    page.context.close()
