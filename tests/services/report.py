"""A pytest plugin that says, above pytest's own closing line, what the tests really ran against."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from tests.services import chromium, dovecot, postgres

SERVICES: dict[str, tuple[str, Callable[[], str]]] = {
    "postgres": ("PostgreSQL", postgres.describe),
    "dovecot": ("Dovecot", dovecot.describe),
    "chromium": ("Chromium", chromium.describe),
}
"""What fixtures note on a test, its name for people, and who says which version it is."""


def counted(reports: list[pytest.TestReport]) -> Counter[str]:
    """How many of the tests ran against each service."""
    return Counter(
        str(service)
        for report in reports
        for name, service in dict.fromkeys(report.user_properties)
        if name == "service"
    )


def reasons(reports: list[pytest.TestReport]) -> Counter[str]:
    """Why tests were skipped, and how many for each reason."""
    return Counter(
        report.longrepr[2].removeprefix("Skipped: ")
        for report in reports
        if isinstance(report.longrepr, tuple)
    )


def line(ran: Counter[str], skipped: Counter[str]) -> str:
    """The closing line from what ran and what did not."""
    parts = [
        f"{describe()}: {ran[key]} tests" if ran[key] else f"{name}: not used"
        for key, (name, describe) in SERVICES.items()
    ]
    total = sum(skipped.values())
    why = "; ".join(f"{count} x {reason}" for reason, count in skipped.most_common())
    return " | ".join([*parts, f"skipped: {total}" + (f" ({why})" if why else "")])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    ran = [
        report
        for outcome in ("passed", "failed")
        for report in terminalreporter.getreports(outcome)
        if report.when == "call"
    ]
    skipped = terminalreporter.getreports("skipped")
    # Asking programs for their version takes a second, so only for those that were used.
    terminalreporter.write_line(line(counted(ran), reasons(skipped)))
