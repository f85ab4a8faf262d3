"""Sites with mail in them: in process for most tests, on a real port for those with a browser."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from inbox.app import appliers, decisions
from inbox.config import Listen, Settings
from inbox.flow.people.access import digest
from inbox.flow.working.correct import Corrections
from inbox.store import intake, people, schema, sessions
from inbox.store.database import Database
from inbox.web.server import WebServer
from inbox.web.site import Site, build
from inbox.web.visitors import COOKIE
from routing.teams import Directory, Member
from tests.services.postgres import Postgres
from tests.web import story

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

HANDLES = {"viewer": "noor", "agent": "priya", "lead": "jonas", "admin": "maya"}
"""Role -> who of the shipped teams.yaml has it. Priya and Jonas are of Implementation."""


def alone(db: Database) -> None:
    """Maya is there, and nobody and nothing else: what an admin's files say is not in force."""
    with db.write() as conn:
        people.sync(conn, Directory((Member("maya", "Maya", "maya@aboard.example", "admin"),), ()))


def session_of(db: Database, handle: str, now: datetime = story.NOW) -> str:
    """The cookie of a session of somebody who signed in just now."""
    cookie = secrets.token_urlsafe(32)
    with db.write() as conn:
        person = people.by_handle(conn, handle)
        until = now + timedelta(days=3650)
        new = sessions.New(person.id, digest(cookie), "password", "127.0.0.1", "tests", until)
        sessions.begin(conn, new, now)
    return cookie


def signed_in(
    client: TestClient, db: Database, handle: str, now: datetime = story.NOW
) -> TestClient:
    """The client, from now on with the cookie of a session."""
    client.cookies.set(COOKIE, session_of(db, handle, now))
    return client


def enter(
    db: Database, context: BrowserContext, address: str, handle: str, now: datetime = story.NOW
) -> None:
    """Sign a real browser in at the address that a site is served on."""
    cookie = session_of(db, handle, now)
    context.add_cookies([{"name": COOKIE, "value": cookie, "url": address}])


@dataclass
class Told:
    """A site over a database with the story in it."""

    db: Database
    settings: Settings
    retried: list[Sequence[int] | None] = field(default_factory=list)
    app: FastAPI | None = None

    def retry(self, ledger_ids: Sequence[int] | None) -> int:
        self.retried.append(ledger_ids)
        with self.db.write() as conn:
            return intake.retry(conn, ledger_ids, story.NOW)

    def site(self, *, demo: bool = False) -> Site:
        return Site(
            db=self.db,
            settings=self.settings,
            clock=lambda: story.NOW,
            retry=self.retry,
            demo=demo,
            corrections=Corrections(self.db),
            proposals=appliers(self.db, self.settings),
            decisions=decisions(self.db, self.settings),
        )

    def client(self, role: str | None = "admin", *, handle: str = "", **how: object) -> TestClient:
        """A client that is signed in with a role, or as somebody; with `role=None` as nobody."""
        if self.app is None:
            self.app = build(self.site())
        client = TestClient(self.app, base_url="http://localhost", follow_redirects=False, **how)  # type: ignore[arg-type]
        if role is None and not handle:
            return client
        return signed_in(client, self.db, handle or HANDLES[role or ""])

    def enter(self, context: BrowserContext, address: str, role: str = "admin") -> None:
        """Sign a real browser in at the address that a site is served on."""
        enter(self.db, context, address, HANDLES[role])


@contextmanager
def telling(url: str) -> Iterator[Told]:
    """The whole story in the database at `url`."""
    settings = story.settings_for(url)
    db = Database(url)
    schema.ensure(db)
    story.tell(db, settings)
    yield Told(db, settings)
    db.close()


@pytest.fixture(
    scope="session", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]
)
def told(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Told]:
    """The story on SQLite and on PostgreSQL. Shared by the whole run: do not change it."""
    if request.param == "sqlite":
        with telling(f"sqlite:///{tmp_path_factory.mktemp('web') / 'story.db'}") as made:
            yield made
        return
    server: Postgres = request.getfixturevalue("postgres_run")
    url = server.fresh_database()
    with telling(url) as made:
        yield made
    server.drop(url)


@pytest.fixture(scope="session")
def told_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed SQLite file with the story in it, to be copied."""
    path = tmp_path_factory.mktemp("told") / "story.db"
    with telling(f"sqlite:///{path}"):
        pass
    assert not path.with_name("story.db-wal").exists()
    return path


@pytest.fixture
def own(tmp_path: Path, told_file: Path) -> Iterator[Told]:
    """The story in a SQLite database that the test may change."""
    path = tmp_path / "own.db"
    shutil.copyfile(told_file, path)
    url = f"sqlite:///{path}"
    db = Database(url)
    yield Told(db, story.settings_for(url))
    db.close()


@contextmanager
def serving(site: Site) -> Iterator[str]:
    """The site on a real port of 127.0.0.1; gives its address."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = WebServer(build(site), Listen("127.0.0.1", 0))

    def run(work: Callable[[], object]) -> object:
        return asyncio.run_coroutine_threadsafe(work(), loop).result(30)  # type: ignore[arg-type]

    host, port = run(server.start)  # type: ignore[misc]
    try:
        yield f"http://{host}:{port}"
    finally:
        run(server.stop)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
