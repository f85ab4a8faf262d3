"""The installed Chromium or Chrome, driven by Playwright; no browser is downloaded.

`$CHROMIUM` names a program, else the usual places are tried in turn: distributions have shipped
builds that crash without a screen, so a browser that does not start is not the last word.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserType

PLACES = (
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome",
    "/usr/bin/google-chrome-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
)
"""Nothing is fetched, looked up or updated behind the test's back."""


@cache
def find_all() -> tuple[Path, ...]:
    """Every browser there is, the preferred first."""
    given = os.environ.get("CHROMIUM")
    places = (given,) if given else PLACES
    return tuple(Path(place) for place in places if Path(place).exists())


@cache
def version(program: Path) -> str:
    """What `--version` says, for instance `156.0.8078.79`; `?` when it says nothing."""
    done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=30)
    number = re.search(r"\d+(\.\d+)+", done.stdout)
    return number[0] if number else "?"


def missing() -> str | None:
    """Why tests cannot have a browser here, or None when they can."""
    if not find_all():
        return "no Chromium or Chrome (apt: chromium), or name one in CHROMIUM"
    return driver_problem()


@cache
def driver_problem() -> str | None:
    """Why Playwright's own driver does not start here, in its words, or None when it does."""
    from playwright._impl._driver import compute_driver_executable

    node, _ = compute_driver_executable()
    done = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=30)
    if done.returncode == 0:
        return None
    return f"Playwright's driver does not start (apt: libatomic1): {done.stderr.strip()}"


def describe() -> str:
    """Name and version, for the closing line."""
    programs = find_all()
    return f"Chromium {version(programs[0])}" if programs else "Chromium none"


def flags() -> list[str]:
    """The command line. Root has no sandbox: Chromium refuses to start with one."""
    return [*QUIET, *(["--no-sandbox"] if os.getuid() == 0 else [])]


def _launch(kind: BrowserType) -> Browser:
    from playwright.sync_api import Error

    tried: list[str] = []
    for program in find_all():
        try:
            return kind.launch(executable_path=program, headless=True, args=flags())
        except Error as problem:
            tried.append(f"{program} {version(program)}: {problem}")
    raise RuntimeError("no browser starts:\n" + "\n".join(tried))


@contextmanager
def running() -> Iterator[Browser]:
    """A headless browser. RuntimeError with what each candidate said when none starts."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = _launch(playwright.chromium)
        try:
            yield browser
        finally:
            browser.close()
