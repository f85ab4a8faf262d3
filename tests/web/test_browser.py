"""The inbox in a real browser: keys, the list that fills itself, forms, and without scripts."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from inbox.flow import active
from inbox.store import threads
from tests.web import story
from tests.web.conftest import Told, serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser


@pytest.fixture
def base(own: Told) -> Iterator[str]:
    with serving(own.site()) as address:
        yield address


@pytest.fixture
def page(chromium: Browser, own: Told, base: str) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    own.enter(context, base)
    opened = context.new_page()
    problems: list[str] = []
    opened.on("console", lambda one: problems.append(one.text) if one.type == "error" else None)
    opened.on("pageerror", lambda one: problems.append(str(one)))
    yield opened
    context.close()
    assert problems == [], "the browser complains"


KEYS_HERE = """
[...document.querySelectorAll('[data-key]')].flatMap((one) => one.dataset.key.split(' '))
"""


def _subject(page: Page) -> str:
    return page.evaluate("document.activeElement.querySelector('.subject bdi')?.textContent ?? ''")


def test_a_thread_is_opened_and_left_by_keys_alone(page: Page, base: str) -> None:
    page.goto(base)
    page.keyboard.press("j")
    first = _subject(page)
    page.keyboard.press("j")
    second = _subject(page)
    assert first and second and first != second
    page.keyboard.press("k")
    assert _subject(page) == first
    page.keyboard.press("o")
    page.wait_for_url("**/threads/*")
    assert page.inner_text("h1") == first
    page.keyboard.press("u")
    page.wait_for_url("**/threads")
    page.keyboard.press("g")
    page.keyboard.press("a")
    page.wait_for_url("**/accounts")


def test_a_deed_pressed_on_a_row_is_for_that_row_and_the_focus_stays(
    page: Page, base: str, own: Told
) -> None:
    page.goto(base)
    page.keyboard.press("j")
    page.keyboard.press("j")
    subject = _subject(page)
    row = page.evaluate("document.activeElement.closest('.row').id")
    page.keyboard.press("e")
    page.wait_for_selector(f"#{row}", state="detached")
    with own.db.read() as conn:
        closed = threads.by_id(conn, int(row[1:]))
    assert (closed.status, closed.subject) == ("closed", subject)
    page.wait_for_selector(".row:focus-within")
    page.keyboard.press("z")
    page.wait_for_selector(f"#{row}")


def test_every_key_of_the_sheet_is_on_a_control_or_built_in(page: Page, base: str) -> None:
    page.goto(f"{base}/threads/1?compose=reply")
    here = set(page.evaluate(KEYS_HERE))
    page.goto(base)
    here |= set(page.evaluate(KEYS_HERE))
    wanted = {"r", "a", "f", "n", "t", "Mod+Enter", "Mod+Shift+Enter", "e", "Shift+E", "h", "i"}
    wanted |= {"Shift+I", "m", "l", "s", "w", "x", ".", *(f"g+{one}" for one in "imtuawsrofelqp")}
    assert wanted - here == set()


def test_single_keys_can_be_switched_off(page: Page, base: str) -> None:
    page.goto(base)
    page.keyboard.press("?")
    page.click("#keys a[href='/preferences']")
    page.wait_for_url("**/preferences")
    page.click("button[value=off] >> nth=0")
    page.wait_for_selector("html[data-keys=off]")
    page.goto(base)
    for key in ("j", "e", "?", "g", "a"):
        page.keyboard.press(key)
    assert page.evaluate("document.activeElement === document.body")
    assert page.url.rstrip("/") == base.rstrip("/")
    assert not page.is_visible("#keys")
    page.keyboard.press("Control+k")
    assert page.is_visible("#palette"), "keys with Ctrl stay"


def test_the_palette_finds_actions_places_and_threads(page: Page, base: str) -> None:
    page.goto(base)
    page.keyboard.press("Control+k")
    page.keyboard.type("kickoff")
    page.wait_for_selector("#palette li:has-text('Kickoff next week?')")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowDown")
    page.fill("#palette-find", "accounts")
    page.wait_for_selector("#palette li:has-text('Accounts')[aria-selected=true]")
    page.keyboard.press("Enter")
    page.wait_for_url("**/accounts")


def test_search_is_one_key_away_and_typing_is_not_a_command(page: Page, base: str) -> None:
    page.goto(base)
    page.keyboard.press("/")
    page.keyboard.type("jokg? thursday")
    assert page.input_value("#find") == "jokg? thursday"
    page.fill("#find", "thursday")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?q=thursday")
    page.keyboard.press("Escape")
    assert page.locator(".hits li").count() == 2


def test_what_was_found_is_left_to_the_search_and_arrows_go_through_a_menu(
    page: Page, base: str
) -> None:
    page.goto(f"{base}/search?q=kickoff")
    page.keyboard.press("j")
    page.keyboard.press("o")
    page.wait_for_url("**/threads/*")
    page.keyboard.press("Shift+I")
    first = page.evaluate("document.activeElement.textContent")
    page.keyboard.press("ArrowDown")
    second = page.evaluate("document.activeElement.textContent")
    page.keyboard.press("ArrowUp")
    assert first == page.evaluate("document.activeElement.textContent") != second
    page.keyboard.press("Escape")
    page.keyboard.press("u")
    page.wait_for_url("**/search?q=kickoff")
    assert page.evaluate("document.activeElement.closest('.row') !== null")


def test_the_sheet_of_keys_opens_and_closes(page: Page, base: str) -> None:
    page.goto(base)
    assert not page.is_visible("#keys")
    page.keyboard.press("?")
    assert page.is_visible("#keys")
    page.keyboard.press("Escape")
    assert not page.is_visible("#keys")
    page.click(".helps [popovertarget=keys]")
    assert page.is_visible("#keys")


def test_new_mail_appears_in_an_open_list_and_is_said(page: Page, base: str, own: Told) -> None:
    page.goto(base)
    page.keyboard.press("j")
    focused = _subject(page)
    made = story.mail("Zoe <zoe@new.example>", "Hello from a new company", "Hi!\n")
    story.put(own.db, own.settings, [made.as_bytes()], at=story.NOW)
    page.wait_for_selector("text=Hello from a new company", timeout=10_000)
    assert page.inner_text("#said") == "1 thread with new mail"
    assert _subject(page) == focused, "the focus stays where it was"


def test_a_reader_further_down_decides_when_the_rows_move(page: Page, base: str, own: Told) -> None:
    page.set_viewport_size({"width": 1280, "height": 240})
    page.goto(base)
    page.evaluate("window.scrollTo(0, 200)")
    made = story.mail("Zoe <zoe@new.example>", "Hello from a new company", "Hi!\n")
    story.put(own.db, own.settings, [made.as_bytes()], at=story.NOW)
    page.wait_for_selector("#fresh:visible", timeout=10_000)
    assert page.inner_text("#fresh") == "1 new, press . to show"
    assert page.locator("text=Hello from a new company").count() == 0
    page.keyboard.press(".")
    page.wait_for_selector("text=Hello from a new company")
    assert not page.is_visible("#fresh")


def test_quarantined_mail_is_tried_again_by_a_click(page: Page, base: str, own: Told) -> None:
    page.goto(f"{base}/quarantine")
    page.click(".held button")
    page.wait_for_url("**/quarantine?retried=1")
    assert own.retried and "1 mail will be tried again" in page.inner_text("main")


def test_the_message_as_sent_shows_its_picture_and_cannot_be_reached(page: Page, base: str) -> None:
    page.goto(f"{base}/search?q=documents")
    page.click(".hits a")
    page.wait_for_selector(".message[id]:target")
    page.click(".message:target .sent summary")
    frame = page.frame_locator(".message:target .sent iframe")
    frame.locator("img[alt=logo]").wait_for()
    assert (
        page.evaluate("document.querySelector('.message:target .sent iframe').contentDocument")
        is None
    )


PATHS = ("/", "/threads/1", "/accounts", "/accounts/1", "/quarantine", "/search?q=kickoff", "/nope",
         "/rules", "/rules/explain", "/messages/1/trace", "/threads/1/near")  # fmt: skip


def _too_wide(
    chromium: Browser, own: Told, base: str, width: int, paths: tuple[str, ...] = PATHS
) -> list[str]:
    context = chromium.new_context(viewport={"width": width, "height": 844})
    own.enter(context, base)
    opened = context.new_page()
    found = []
    for path in paths:
        opened.goto(base + path)
        if opened.evaluate("document.documentElement.scrollWidth") > width:
            found.append(path)
    context.close()
    return found


def test_no_page_is_wider_than_a_telephone(chromium: Browser, own: Told, base: str) -> None:
    assert _too_wide(chromium, own, base, 390, PATHS[1::2]) == []


@pytest.mark.campaign
@pytest.mark.parametrize("width", [320, 700, 1024, 1280, 1440, 2560])
def test_no_page_is_wider_than_its_window(
    chromium: Browser, own: Told, base: str, width: int
) -> None:
    assert _too_wide(chromium, own, base, width) == []


def test_a_thread_is_moved_and_taken_back_by_two_clicks(page: Page, base: str) -> None:
    page.goto(f"{base}/threads/1")
    page.click(".move button:has-text('Compliance')")
    page.wait_for_url("**/threads/1?said=moved")
    assert "Moved to Compliance as Maya Okafor." in page.inner_text(".flash")
    page.click(".flash button")
    page.wait_for_url("**/threads/1?said=back")
    assert "Taken back" in page.inner_text(".flash")


def test_a_pasted_mail_is_traced_and_opens_where_a_rule_matched(page: Page, base: str) -> None:
    page.goto(base)
    page.keyboard.press("g")
    page.keyboard.press("l")
    page.wait_for_url("**/rules")
    page.click("text=Ask them about a mail")
    page.fill("#mail", "From: a@bank.example\nSubject: Our DPA\n\nPlease sign it.\n")
    page.click("text=Ask the rules")
    page.wait_for_selector(".verdict:has-text('data-processing-agreement')")
    assert page.locator(".steps details[open]").count() == 1
    assert page.is_visible(".steps details[open] .answer.yes") and page.is_visible("#test pre")


def test_a_rule_test_is_made_from_an_open_thread(page: Page, base: str) -> None:
    page.goto(f"{base}/threads/1")
    page.click("details[open] >> text=Make a rule test")
    page.wait_for_url("**/trace?rules=now#test")
    assert page.locator("#test pre").is_visible()
    assert "expect:" in page.inner_text("#test pre")


def test_the_rules_page_shows_all_and_a_mail_is_picked_without_scripts(
    chromium: Browser, base: str, own: Told, tmp_path: Path
) -> None:
    rules = tmp_path / "rules"
    shutil.copytree(own.settings.path(own.settings.files.rules), rules)
    first = min(rules.glob("*.yaml"))
    first.write_text(first.read_text().replace("team: compliance", "team: complaince", 1))
    settings = replace(own.settings, files=replace(own.settings.files, rules=rules))
    active.activate(own.db, settings, story.NOW)
    context = chromium.new_context(java_script_enabled=False)
    own.enter(context, base)
    opened = context.new_page()
    opened.goto(f"{base}/rules")
    assert "there is no team `complaince`" in opened.inner_text(".refused")
    assert opened.locator("tr[id^=r-]").count() > 25
    head = opened.locator(".rules thead").inner_text()
    assert all(
        word in head for word in ("Rule", "Asked at", "Tests", "30 days", "Last", "Overruled")
    )
    assert "In force since" in opened.inner_text(".setline")
    opened.click("text=Ask them about a mail")
    opened.click(".picks a >> nth=-1")
    opened.wait_for_url("**/messages/*/trace")
    assert opened.is_visible(".verdict") and opened.locator(".steps > li").count() > 25
    context.close()


def test_without_scripts_mail_is_read_found_and_tried_again(
    chromium: Browser, base: str, own: Told
) -> None:
    context = chromium.new_context(java_script_enabled=False)
    own.enter(context, base)
    opened = context.new_page()
    opened.goto(base)
    opened.click("text=Kickoff next week?")
    opened.wait_for_selector("h1:has-text('Kickoff next week?')")
    opened.click(".message >> nth=0 >> summary >> nth=0")
    assert opened.is_visible(".message .prose:has-text('we signed on Friday')")
    opened.goto(f"{base}/quarantine")
    opened.click(".held button")
    opened.wait_for_url("**/quarantine?retried=1")
    assert own.retried
    context.close()
