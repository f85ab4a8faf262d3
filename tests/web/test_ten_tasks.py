"""The ten tasks of every day, each by mouse, by keyboard alone, and without scripts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from inbox.store import handoffs, outbox_desk, threads, timeline
from inbox.store.database import Database
from inbox.store.threads import Thread
from tests.services.waiting import until
from tests.web.conftest import Told, serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser
MOST_TABS = 80
HANDS = ("mouse", "keys", "no-scripts")


@dataclass
class Hand:
    """Somebody at work: `how` is with what."""

    how: str
    page: Page
    base: str
    db: Database

    def start(self, key: str, selector: str) -> None:
        """Begin a deed: a click on its control, or its key."""
        if self.how == "keys":
            self.page.keyboard.press(key)
        else:
            self.page.click(selector)

    def reach(self, selector: str) -> None:
        """Get to a control: with Tab alone, or with the mouse."""
        if self.how != "keys":
            self.page.click(selector)
            return
        for _ in range(MOST_TABS):
            if self.page.evaluate("(wanted) => document.activeElement.matches(wanted)", selector):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab never comes to {selector}")

    def press(self, selector: str) -> None:
        """Use a button: with Enter, or with a click."""
        if self.how == "keys":
            self.reach(selector)
            self.page.keyboard.press("Enter")
        else:
            self.page.click(selector)

    def write(self, selector: str, text: str) -> None:
        """Type into a field."""
        self.reach(selector)
        self.page.keyboard.type(text)

    def open(self, number: int) -> None:
        """Go to a thread by its address."""
        self.page.goto(f"{self.base}/threads/{number}")

    def thread(self, number: int) -> Thread:
        with self.db.read() as conn:
            return threads.by_id(conn, number)

    def kinds(self, number: int) -> list[str]:
        with self.db.read() as conn:
            rows = timeline.of_thread(conn, number, timeline.Span(limit=40))
        return [row.event.kind for row in rows]


@contextmanager
def at_work(chromium: Browser, own: Told, how: str) -> Iterator[Hand]:
    own.settings = replace(own.settings, send=replace(own.settings.send, host="127.0.0.1", port=9))
    with serving(own.site()) as base:
        context = chromium.new_context(
            viewport={"width": 1440, "height": 900}, java_script_enabled=how != "no-scripts"
        )
        own.enter(context, base, "lead")
        page = context.new_page()
        problems: list[str] = []
        page.on("pageerror", lambda one: problems.append(str(one)))
        page.goto(f"{base}/threads")
        yield Hand(how, page, base, own.db)
        context.close()
        assert problems == []


def find_and_open(hand: Hand) -> None:
    hand.start("/", "#find")
    hand.page.keyboard.type("documents")
    hand.page.keyboard.press("Enter")
    hand.page.wait_for_url("**/search?q=documents")
    assert hand.page.locator(".hits mark").count() >= 1
    if hand.how == "keys":
        hand.page.keyboard.press("Escape")
        hand.page.keyboard.press("j")
        hand.page.keyboard.press("o")
    else:
        hand.page.click(".hits a >> nth=0")
    hand.page.wait_for_selector("h1:has-text('Kickoff next week?')")


def note(hand: Hand) -> None:
    hand.start("n", ".composer a[data-key=n]")
    hand.page.wait_for_selector(".compose textarea[name=text]")
    hand.write(".compose textarea[name=text]", "They are in a hurry.")
    hand.start("Control+Enter", ".compose button.primary")
    hand.page.wait_for_selector("text=They are in a hurry.")
    assert "note" in hand.kinds(1)


def tag(hand: Hand) -> None:
    hand.start("l", "summary[data-key=l]")
    hand.write(".sheet input[name=tags]", "vip")
    hand.page.keyboard.press("Enter")
    hand.page.wait_for_selector(".facts .chip:has-text('vip')")
    until(lambda: "vip" in hand.thread(1).tags)  # it is seen before it is done


def assign(hand: Hand) -> None:
    hand.start("Shift+I", "summary[data-key='Shift+I']")
    hand.press(".sheet button[value=priya]")
    until(lambda: hand.thread(1).claimed_at is not None)


def reply(hand: Hand) -> None:
    hand.start("r", ".composer a[data-key=r]")
    hand.page.wait_for_selector(".compose textarea[name=text]")
    hand.write(".compose textarea[name=text]", "Thursday at ten it is.")
    hand.start("Control+Enter", ".compose button.primary")
    hand.page.wait_for_selector(".notice.out")
    with hand.db.read() as conn:
        items = outbox_desk.listing(conn, outbox_desk.Page(thread_id=1))
    assert len(items) == 1


def hand_off(hand: Hand) -> None:
    hand.open(1)
    hand.start("m", "summary[data-key=m]")
    hand.write(".sheet input[name=reason]", "They ask about their contract")
    hand.page.keyboard.press("Enter")
    hand.page.wait_for_selector(".offer")
    with hand.db.read() as conn:
        assert handoffs.open_of(conn, 1) is not None


def snooze(hand: Hand) -> None:
    hand.open(2)
    hand.start("h", "summary[data-key=h]")
    hand.press(".sheet button[value='tomorrow 9']")
    hand.page.wait_for_selector(".flash")
    assert hand.thread(2).status == "snoozed"


def close(hand: Hand) -> None:
    hand.open(3)
    hand.start("e", ".deeds button[data-key=e]")
    hand.page.wait_for_selector(".flash")
    assert hand.thread(3).status == "closed"


@pytest.mark.parametrize("how", HANDS)
def test_the_ten_tasks_of_every_day(chromium: Browser, own: Told, how: str) -> None:
    """Find and search, open, note, tag, assign, reply, hand off, snooze, close."""
    with at_work(chromium, own, how) as hand:
        for task in (find_and_open, note, tag, assign, reply, hand_off, snooze, close):
            task(hand)
