"""The tests' own PostgreSQL: it answers, it isolates, and it leaves nothing behind."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from tests.services import postgres
from tests.services.postgres import REPO, Postgres
from tests.services.waiting import until

pytestmark = pytest.mark.postgres


def plain(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


def fill(url: str) -> None:
    with psycopg.connect(plain(url)) as conn:
        conn.execute("create table filled (n integer)")
        conn.execute("insert into filled values (7)")


def test_a_fresh_database_answers_and_is_empty(postgres_url: str) -> None:
    with psycopg.connect(plain(postgres_url)) as conn:
        assert conn.execute("show server_encoding").fetchone() == ("UTF8",)
        tables = conn.execute("select count(*) from pg_tables where schemaname = 'public'")
        assert tables.fetchone() == (0,)


def test_two_databases_do_not_see_each_other(postgres_server: Postgres) -> None:
    one, two = postgres_server.fresh_database(), postgres_server.fresh_database()
    fill(one)
    with psycopg.connect(plain(two)) as conn, pytest.raises(psycopg.errors.UndefinedTable):
        conn.execute("select * from filled")
    postgres_server.drop(one)
    postgres_server.drop(two)


def test_a_prepared_database_is_copied_and_prepared_once(
    postgres_copy: Callable[[Callable[[str], None]], str],
) -> None:
    calls: list[str] = []

    def prepare(url: str) -> None:
        calls.append(url)
        fill(url)

    for _ in range(2):
        with psycopg.connect(plain(postgres_copy(prepare))) as conn:
            assert conn.execute("select n from filled").fetchone() == (7,)
            conn.execute("delete from filled")
    assert len(calls) == 1


@pytest.mark.skipif(
    postgres.given_url() is not None, reason="ABOARD_TEST_POSTGRES is used as it is"
)
def test_the_cluster_is_gone_when_its_last_user_was_killed(postgres_server: Postgres) -> None:
    """A process that starts a cluster and is killed with -9 leaves no server and no folder."""
    program = (
        "import os, signal\n"
        "from tests.services import postgres\n"
        f"with postgres.running('killed-{os.getpid()}') as server:\n"
        "    print(server.admin['host'], flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=REPO, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == -9, done.stderr
    base = Path(done.stdout.strip()).parent
    until(lambda: not base.exists())
