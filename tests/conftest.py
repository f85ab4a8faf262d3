"""Fixtures that every test may ask for: databases, an IMAP server, a browser, an SMTP sink.

What is not installed makes a test skip with its reason; what is installed but fails to start makes
it fail. How to use them: tests/README.md.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from inbox.store.database import Database
from tests import databases
from tests.services import chromium as browsers
from tests.services import dovecot as imap
from tests.services import postgres, report
from tests.services import smtp_sink as sinks

if TYPE_CHECKING:
    from playwright.sync_api import Browser

settings.register_profile(
    "suite",
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    max_examples=100,
)
settings.register_profile("campaign", settings.get_profile("suite"), max_examples=5_000)


def pytest_configure(config: pytest.Config) -> None:
    campaign = config.getoption("markexpr", "").strip() == "campaign"
    settings.load_profile("campaign" if campaign else "suite")
    config.pluginmanager.register(report, "aboard-report")


def uses(request: pytest.FixtureRequest, service: str) -> None:
    """Note on the test that it ran against `service`; the closing line counts it."""
    request.node.user_properties.append(("service", service))


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of a SQLite database that does not exist yet."""
    return f"sqlite:///{tmp_path / 'aboard.db'}"


@pytest.fixture(scope="session")
def postgres_run() -> Iterator[postgres.Postgres]:
    """The PostgreSQL of the whole run, for fixtures of wider scope than one test."""
    if reason := postgres.missing():
        pytest.skip(reason)
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or str(os.getpid())
    with postgres.running(run) as server:
        yield server


@pytest.fixture
def postgres_server(
    request: pytest.FixtureRequest, postgres_run: postgres.Postgres
) -> postgres.Postgres:
    """The PostgreSQL of the run. Most tests want `postgres_url` or `db_url` instead."""
    uses(request, "postgres")
    return postgres_run


@pytest.fixture
def postgres_url(postgres_server: postgres.Postgres) -> Iterator[str]:
    """The URL of an empty PostgreSQL database, dropped after the test."""
    url = postgres_server.fresh_database()
    yield url
    postgres_server.drop(url)


@pytest.fixture
def postgres_copy(
    postgres_server: postgres.Postgres,
) -> Iterator[Callable[[Callable[[str], None]], str]]:
    """`postgres_copy(prepare)` gives a database that `prepare(url)` filled; see `fresh_database`."""
    made: list[str] = []

    def copy(prepare: Callable[[str], None]) -> str:
        made.append(postgres_server.fresh_database(prepare))
        return made[-1]

    yield copy
    for url in made:
        postgres_server.drop(url)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def db_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database; the test runs once on SQLite and once on PostgreSQL."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture(scope="session")
def postgres_in_turn(postgres_run: postgres.Postgres) -> Iterator[str]:
    """The PostgreSQL database, our schema in it, that tests empty and use one after the other."""
    url = postgres_run.fresh_database(databases.prepare)
    yield url
    postgres_run.drop(url)


@pytest.fixture(params=databases.BOTH)
def db(request: pytest.FixtureRequest) -> Iterator[Database]:
    """A database with our schema and nothing in it; the test runs on SQLite and PostgreSQL."""
    yield from databases.opened(request, "postgres_in_turn")


@pytest.fixture(scope="session")
def dovecot_run() -> Iterator[imap.Dovecot]:
    """The Dovecot of the whole run, for fixtures of wider scope than one test."""
    if reason := imap.missing():
        pytest.skip(reason)
    with imap.running() as server:
        yield server


@pytest.fixture
def dovecot(request: pytest.FixtureRequest, dovecot_run: imap.Dovecot) -> imap.Dovecot:
    """A running Dovecot; take a mailbox of your own with `new_user()`. You may stop it."""
    uses(request, "dovecot")
    dovecot_run.start()
    return dovecot_run


@pytest.fixture
def smtp_sink() -> Iterator[sinks.SmtpSink]:
    """A running SMTP server that keeps what it gets and answers as its script says."""
    with sinks.running() as sink:
        yield sink


@pytest.fixture(scope="module")
def chromium_run() -> Iterator[Browser]:
    """One browser for the tests of a module.

    Not for the whole run: Playwright's loop runs in this thread as long as the browser does, and
    tests that call `asyncio.run` fail meanwhile.
    """
    if reason := browsers.missing():
        pytest.skip(reason)
    with browsers.running() as browser:
        yield browser


@pytest.fixture
def chromium(request: pytest.FixtureRequest, chromium_run: Browser) -> Browser:
    """A headless Chromium; open a context of your own in it and close it again."""
    uses(request, "chromium")
    return chromium_run
