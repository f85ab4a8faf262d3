"""Every page, as people with and without eyes meet it: axe finds nothing, nothing is too wide.

`make screenshots` writes a picture of each into build/screenshots.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from inbox.flow.working import merging
from inbox.store.database import Database
from tests.shared import REPO
from tests.web import story
from tests.web.conftest import Told, serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

pytestmark = pytest.mark.browser
AXE = (Path(__file__).parent / "vendored" / "axe.min.js").read_text(encoding="utf-8")
SCREENSHOTS = REPO / "build" / "screenshots"
ALL_RULES = {
    "type": "tag",
    "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
}
COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
"""What a dark page may have wrong that a light one has not."""
WIDTHS = (1440, 1024, 390)
PAGES = {
    "inbox": "/threads",
    "inbox-all": "/threads?status=all",
    "empty": "/threads?status=snoozed",
    "thread": "/threads/1",
    "message": "/messages/1",
    "trace": "/messages/1/trace",
    "near": "/threads/1/near",
    "account": "/accounts/1",
    "accounts": "/accounts",
    "search": "/search?q=kickoff",
    "search-empty": "/search",
    "rules": "/rules",
    "rules-explain": "/rules/explain",
    "quarantine": "/quarantine",
    "view": "/threads?view=unclaimed",
    "view-empty": "/threads?view=mine",
    "search-threads": "/search?q=is:open",
    "search-nothing": "/search?q=thursday+is:closed",
    "wall": "/wall",
    "report": "/reports/first-response",
    "report-days": "/reports/volume?days=7",
    "report-threads": "/reports/volume/threads?by=team&part=mails",
    "outbox": "/outbox",
    "followups": "/followups",
    "templates": "/templates",
    "template": "/templates/acknowledgement?thread=1",
    "account-merge": "/accounts/1/merge?into=2",
    "account-unmerge": "/accounts/4/unmerge",
    "choices": "/preferences",
    "reply": "/threads/1?compose=reply",
    "note": "/threads/1?compose=note",
    "forward": "/threads/1?compose=forward",
    "me": "/me",
    "mentions": "/mentions",
    "people": "/people",
    "settings": "/settings",
    "audit": "/audit",
    "mailboxes": "/mailboxes",
    "not-here": "/nope",
}
"""Name -> address in the story. A new page is added here, and is tested and pictured with that."""
OUTSIDE = {"sign-in": "/sign-in"}
"""Pages for who is not signed in."""


@pytest.fixture(scope="module")
def base(told_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Told]]:
    """One site for all of these tests, which change nothing in it."""
    path = tmp_path_factory.mktemp("pages") / "own.db"
    shutil.copyfile(told_file, path)
    url = f"sqlite:///{path}"
    db = Database(url)
    told = Told(db, story.settings_for(url))
    merging.merge(db, 4, 2, "maya", story.NOW)
    with serving(told.site(demo=True)) as address:
        yield address, told
    db.close()


def _context(
    chromium: Browser, base: tuple[str, Told], scheme: str, width: int = 1280
) -> BrowserContext:
    address, told = base
    context = chromium.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=scheme,  # type: ignore[arg-type]
        reduced_motion="reduce",
        # axe is put into the page by the driver, which our policy would rightly refuse.
        bypass_csp=True,
    )
    context.add_init_script("if (window === top) {" + AXE + "}")
    told.enter(context, address)
    return context


OPEN_ALL = """
document.querySelectorAll('details').forEach((one) => { one.open = !one.classList.contains('menu'); })
"""


def violations(page: Page, rules: dict[str, object] = ALL_RULES) -> list[str]:
    """What axe says against the page as it is now, one line each."""
    found = page.evaluate(
        "(rules) => axe.run(document, {runOnly: rules, iframes: false, resultTypes: ['violations']})"
        ".then((done) => done.violations.map((one) => [one.id, one.help, one.nodes.map((node) => node.html.slice(0, 160))]))",
        rules,
    )
    return [f"{name}: {said}: {nodes[:3]}" for name, said, nodes in found]


def test_axe_finds_nothing_on_any_page_light_or_dark(
    chromium: Browser, base: tuple[str, Told]
) -> None:
    address, _ = base
    wrong: dict[str, list[str]] = {}
    context = _context(chromium, base, "light")
    page = context.new_page()
    for name, path in {**PAGES, **OUTSIDE}.items():
        if name in OUTSIDE:
            context.clear_cookies()
        page.emulate_media(color_scheme="light", reduced_motion="reduce")
        page.goto(address + path)
        page.evaluate(OPEN_ALL)
        said = violations(page)
        page.emulate_media(color_scheme="dark", reduced_motion="reduce")
        said += [f"dark: {one}" for one in violations(page, COLOURS)]
        if said:
            wrong[name] = said
    context.close()
    assert not wrong, "\n".join(f"{name}: {one}" for name, said in wrong.items() for one in said)


def test_axe_finds_nothing_on_a_telephone_and_in_the_sheets(
    chromium: Browser, base: tuple[str, Told]
) -> None:
    address, _ = base
    context = _context(chromium, base, "light", 390)
    page = context.new_page()
    wrong: dict[str, list[str]] = {}
    for name in ("inbox", "thread", "account", "rules"):
        page.goto(address + PAGES[name])
        if said := violations(page):
            wrong[name] = said
    page.goto(address + PAGES["inbox"])
    page.keyboard.press("?")
    if said := violations(page):
        wrong["keys"] = said
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    if said := violations(page):
        wrong["palette"] = said
    context.close()
    assert not wrong, "\n".join(f"{name}: {one}" for name, said in wrong.items() for one in said)


SMALL_TARGETS = """
() => [...document.querySelectorAll('a, button, input:not([type=hidden]), select, summary, textarea')]
  .filter((one) => one.checkVisibility({visibilityProperty: true}) && !one.closest('.prose, .quiet, p, dd, bdi, td, li > span'))
  .filter((one) => !one.matches('.quiet, .skip'))
  .map((one) => [one.outerHTML.slice(0, 100), one.getBoundingClientRect()])
  .filter(([, box]) => box.width && (box.width < 24 || box.height < 24))
  .map(([html, box]) => `${html} ${Math.round(box.width)}x${Math.round(box.height)}`)
"""
HIDDEN_FOCUS = """
() => {
  const one = document.activeElement;
  if (!one || one === document.body || one.matches('.skip, iframe')) return null;
  const box = one.getBoundingClientRect();
  const inside = box.top < innerHeight && box.bottom > 0 && box.left < innerWidth && box.right > 0;
  const at = document.elementFromPoint(Math.min(Math.max(box.left + box.width / 2, 1), innerWidth - 1),
    Math.min(Math.max(box.top + Math.min(box.height, innerHeight) / 2, 1), innerHeight - 1));
  const seen = inside && (one.contains(at) || at?.contains(one) || one.matches('.quiet'));
  return seen ? null : one.outerHTML.slice(0, 140);
}
"""


def test_the_focus_is_never_hidden_and_no_target_is_small(
    chromium: Browser, base: tuple[str, Told]
) -> None:
    address, _ = base
    wrong: dict[str, list[str]] = {}
    for width in (1280, 390):
        context = _context(chromium, base, "light", width)
        page = context.new_page()
        for name in ("inbox", "thread", "account", "search"):
            page.goto(address + PAGES[name])
            found = page.evaluate(SMALL_TARGETS)
            for _ in range(40):
                page.keyboard.press("Tab")
                if hidden := page.evaluate(HIDDEN_FOCUS):
                    found.append(f"hidden: {hidden}")
            if found:
                wrong[f"{name} {width}"] = found
        context.close()
    assert not wrong, "\n".join(f"{name}: {one}" for name, said in wrong.items() for one in said)


def test_forced_colours_and_no_motion_are_heard(chromium: Browser, base: tuple[str, Told]) -> None:
    address, told = base
    context = chromium.new_context(forced_colors="active", reduced_motion="reduce")
    told.enter(context, address)
    page = context.new_page()
    page.goto(address + PAGES["inbox"])
    page.evaluate("document.querySelector('.row').classList.add('arrived')")
    look = "getComputedStyle(document.querySelector('.row')).animationName"
    assert page.evaluate(look) == "none"
    # The row that is current must be told apart without its background, which the system takes away.
    page.keyboard.press("j")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    context.close()


@pytest.mark.screenshots
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_screenshots(chromium: Browser, base: tuple[str, Told], scheme: str, width: int) -> None:
    """Not a test but pictures to be looked at; `make screenshots` runs it."""
    address, _ = base
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    context = _context(chromium, base, scheme, width)
    page = context.new_page()
    for name, path in {**PAGES, **OUTSIDE}.items():
        if name in OUTSIDE:
            context.clear_cookies()
        page.goto(address + path)
        page.screenshot(path=SCREENSHOTS / f"{name}-{width}-{scheme}.png")
    context.close()
    assert len(list(SCREENSHOTS.glob(f"*-{width}-{scheme}.png"))) >= len(PAGES)
