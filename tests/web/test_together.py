"""Two browsers at once, at a real node: mail that arrives, who is there, what the other one does."""

from __future__ import annotations

import re
import smtplib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from inbox.app import appliers, decisions
from inbox.clock import utc_now
from inbox.config import load
from inbox.flow.working.correct import Corrections
from inbox.flow.working.work import Desk
from inbox.store.database import Database
from inbox.web.site import Site
from tests.crash import served
from tests.web.conftest import enter
from tests.web.conftest import serving as in_process

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser
LONGEST = 15_000
"""Milliseconds after which a test fails that waits for what never comes."""


@dataclass
class Node:
    """A node in a process of its own, and a second one, of this process, on the same database."""

    address: str
    other: str
    smtp: int
    db: Database
    folder: Path

    def mail(self, subject: str, number: int, references: str = "") -> None:
        """A customer writes to the real SMTP port."""
        extra = f"In-Reply-To: {references}\nReferences: {references}\n" if references else ""
        text = (
            f"From: Ana Reyes <ana@bank.example>\nTo: {served.OURS}\nSubject: {subject}\n"
            f"Message-ID: <live-{number}@bank.example>\n{extra}\nHello, this is mail {number}.\n"
        )
        with smtplib.SMTP("127.0.0.1", self.smtp, timeout=30) as smtp:
            smtp.sendmail("ana@bank.example", [served.OURS], text)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    folder = tmp_path_factory.mktemp("node")
    served.working_folder(folder)
    with served.serving(folder) as running:
        db = served.opened(folder)
        settings = load(folder / "aboard.yaml", {})
        site = Site(
            db=db,
            settings=settings,
            clock=utc_now,
            retry=lambda numbers: 0,
            corrections=Corrections(db),
            proposals=appliers(db, settings),
            decisions=decisions(db, settings),
        )
        with in_process(site) as other:
            yield Node(f"http://127.0.0.1:{running.web}", other, running.smtp, db, folder)
        db.close()


@contextmanager
def person(chromium: Browser, node: Node, address: str, handle: str) -> Iterator[Page]:
    """A browser of somebody who is signed in."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    enter(node.db, context, address, handle, utc_now())
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda one: problems.append(str(one)))
    yield page
    context.close()
    assert problems == []


def live(page: Page, url: str) -> None:
    """Open a page and wait until its stream is there."""
    page.goto(url)
    page.wait_for_selector("html[data-live=live]", timeout=LONGEST)


def test_mail_to_the_smtp_port_appears_in_an_open_list(chromium: Browser, node: Node) -> None:
    with person(chromium, node, node.address, "tom") as page:
        live(page, f"{node.address}/threads")
        page.evaluate("window.sameDocument = true")
        node.mail("Kickoff on Monday", 1)
        page.wait_for_selector(".row:has-text('Kickoff on Monday')", timeout=LONGEST)
        assert page.evaluate("window.sameDocument"), "without a reload"
        page.wait_for_selector("[data-count=':open']:has-text('1')", timeout=LONGEST)


def test_rows_do_not_move_under_the_pointer(chromium: Browser, node: Node) -> None:
    with person(chromium, node, node.address, "tom") as page:
        node.mail("The first of two", 2)
        live(page, f"{node.address}/threads")
        page.wait_for_selector(".row:has-text('The first of two')", timeout=LONGEST)
        page.hover(".row >> nth=0")
        before = page.locator(".row").evaluate_all("(rows) => rows.map((one) => one.id)")
        node.mail("The second of two", 3)
        page.wait_for_selector("#fresh:visible", timeout=LONGEST)
        assert page.inner_text("#fresh") == "1 new, press . to show"
        assert page.locator(".row").evaluate_all("(rows) => rows.map((one) => one.id)") == before
        page.keyboard.press(".")
        page.wait_for_selector(".row:has-text('The second of two')")


def test_an_open_thread_shows_what_comes_and_keeps_what_is_open(
    chromium: Browser, node: Node
) -> None:
    node.mail("A long story", 10)
    with person(chromium, node, node.address, "tom") as page:
        live(page, f"{node.address}/threads")
        page.click(".row:has-text('A long story') a")
        page.wait_for_selector("html[data-live=live]", timeout=LONGEST)
        page.evaluate("document.querySelector('.message').seen = true")
        thread = int(page.url.rpartition("/")[2].partition("?")[0])
        node.mail("Re: A long story", 11, "<live-10@bank.example>")
        page.wait_for_selector(".message:has-text('this is mail 11')", timeout=LONGEST)
        assert page.evaluate("document.querySelector('.message').seen"), (
            "the others stand untouched"
        )
        Desk(node.db, "maya").note(thread, "They called about it.", utc_now())
        page.wait_for_selector("text=They called about it.", timeout=LONGEST)


def test_two_people_see_each_other_across_processes(chromium: Browser, node: Node) -> None:
    node.mail("Who is here?", 20)
    with (
        person(chromium, node, node.address, "tom") as tom,
        person(chromium, node, node.other, "maya") as maya,
    ):
        live(tom, f"{node.address}/threads")
        live(maya, f"{node.other}/threads")
        tom.click(".row:has-text('Who is here?') a")
        sign = ".row:has-text('Who is here?') .presence"
        maya.wait_for_selector(sign, timeout=LONGEST)
        assert maya.inner_text(sign) == "Tom Alvarez is reading"
        maya.click(".row:has-text('Who is here?') a")
        tom.wait_for_selector(
            ".reading .presence:has-text('Maya Okafor is reading')", timeout=LONGEST
        )
        assert tom.locator(".reading .presence").count() == 1, "not oneself"
        tom.goto(f"{node.address}/threads")
        maya.wait_for_selector(".reading .presence", state="detached", timeout=LONGEST)


def test_two_who_write_see_it_and_a_stale_answer_is_stopped(chromium: Browser, node: Node) -> None:
    node.mail("Two answers", 40)
    with (
        person(chromium, node, node.address, "tom") as tom,
        person(chromium, node, node.other, "maya") as maya,
    ):
        live(tom, f"{node.address}/threads")
        tom.click(".row:has-text('Two answers') a")
        thread = int(re.findall(r"/threads/(\d+)", tom.url)[0])
        for page, address in ((tom, node.address), (maya, node.other)):
            live(page, f"{address}/threads/{thread}?compose=reply")
            page.fill(".compose textarea[name=text]", "Yes, gladly.")
        tom.wait_for_selector(".also-writes:has-text('Maya Okafor is replying')", timeout=LONGEST)
        maya.wait_for_selector(".also-writes:has-text('Tom Alvarez is replying')", timeout=LONGEST)
        node.mail("Re: Two answers", 41, "<live-40@bank.example>")
        tom.wait_for_selector(".message:has-text('this is mail 41')", timeout=LONGEST)
        assert tom.input_value(".compose textarea[name=text]") == "Yes, gladly.", "kept as typed"
        tom.click(".compose button.primary")
        tom.wait_for_selector(".held-card:has-text('Not sent')", timeout=LONGEST)
        assert tom.input_value(".compose textarea[name=text]") == "Yes, gladly."
        tom.click("button[value=anyway]")
        tom.wait_for_selector(".notice.out", timeout=LONGEST)


def test_seven_tabs_of_one_browser_all_live(chromium: Browser, node: Node) -> None:
    context = chromium.new_context()
    enter(node.db, context, node.address, "ines", utc_now())
    tabs = [context.new_page() for _ in range(7)]
    streams: list[str] = []
    for tab in tabs:
        tab.on("request", lambda one: streams.append(one.url) if "/live?" in one.url else None)
        tab.goto(f"{node.address}/threads", timeout=LONGEST)
        tab.wait_for_selector("html[data-live=live]", timeout=LONGEST)
    assert len(streams) == 1, "one stream for all of them"
    node.mail("For every tab", 30)
    for tab in (tabs[6], tabs[0], tabs[3]):
        tab.bring_to_front()
        tab.wait_for_selector(".row:has-text('For every tab')", timeout=LONGEST)
    tabs[0].close()
    node.mail("After the leader went", 31)
    tabs[5].bring_to_front()
    tabs[5].wait_for_selector(".row:has-text('After the leader went')", timeout=LONGEST)
    assert len(streams) == 2, "another tab leads now"
    context.close()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_the_first_way_in_is_a_link_then_a_password(
    chromium: Browser, node: Node, scripts: bool
) -> None:
    """`aboard users reset` prints a link that works once; then name and password."""
    said = served.aboard(node.folder, "users", "reset", "ines")
    link = re.search(r"/sign-in/once\S*", said.stdout)
    assert link, said.stderr
    context = chromium.new_context(java_script_enabled=scripts)
    page = context.new_page()
    page.goto(f"{node.address}/threads?team=support")
    assert "/sign-in" in page.url, "nobody looks in who is not signed in"
    page.goto(node.address + link[0])
    page.fill("#password", "a sentence is good enough")
    page.fill("#again", "a sentence is good enough")
    page.keyboard.press("Enter")
    page.wait_for_selector("h1:has-text('Inbox')")
    page.click("button[title='Sign out']")
    page.wait_for_selector("h1:has-text('Sign in')")
    page.goto(node.address + link[0])
    assert "This link opens nothing" in page.inner_text("h1")
    page.goto(f"{node.address}/accounts")
    page.fill("#name", "ines")
    page.fill("#password", "not this one, sorry")
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=alert]")
    page.fill("#name", "ines")
    page.fill("#password", "a sentence is good enough")
    page.keyboard.press("Enter")
    page.wait_for_url("**/accounts")
    context.close()
