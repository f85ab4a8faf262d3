"""Sites with mail in them: in process for most tests, on a real port for those with a browser."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from inbox.app import appliers, decisions
from inbox.config import Listen, Settings
from inbox.flow.correct import Corrections
from inbox.store import intake, schema
from inbox.store.database import Database
from inbox.web.server import WebServer
from inbox.web.site import Site, build
from tests.services.postgres import Postgres
from tests.web import story

SECRET = b"a secret of the tests, 32 bytes."


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
            secret=SECRET,
            retry=self.retry,
            demo=demo,
            corrections=Corrections(self.db),
            proposals=appliers(self.db, self.settings),
            decisions=decisions(self.db, self.settings),
        )

    def client(self, **how: object) -> TestClient:
        if self.app is None:
            self.app = build(self.site())
        return TestClient(self.app, base_url="http://localhost", follow_redirects=False, **how)  # type: ignore[arg-type]


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
