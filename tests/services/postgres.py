"""A private PostgreSQL for the tests; not a place for data, it is deleted at the end of the run.

`ABOARD_TEST_POSTGRES` (a URL whose user may create databases) is used when it is set. Else a
cluster is made from the installed binaries: $PG_BIN, Debian's folder, Homebrew's. It listens on a
Unix socket in a folder of mode 0700 only and does not sync: it has nothing to keep.

All processes of one pytest run share one cluster. Each holds a shared lock on the file `users`;
a guardian process waits for the exclusive lock, which the kernel grants when the last user is
gone, however it ended, and then stops the cluster and removes its folder. So nothing is left
behind by Ctrl-C or kill -9. As root the server runs as `nobody`, because it refuses root.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote
from uuid import uuid4

import psycopg
from psycopg.conninfo import conninfo_to_dict

from tests.services.place import owned_folder, popen_as_server_user, temporary_root

REPO = Path(__file__).resolve().parents[2]
SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "unix_socket_permissions": "0700",
}


def given_url() -> str | None:
    """The database of `ABOARD_TEST_POSTGRES` in the form psycopg takes, or None."""
    url = os.environ.get("ABOARD_TEST_POSTGRES", "")
    return url.replace("postgresql+psycopg://", "postgresql://", 1) or None


@cache
def find_binaries() -> Path | None:
    """The folder with initdb, pg_ctl and postgres (the newest there is), or None."""
    folders = [Path(os.environ["PG_BIN"])] if os.environ.get("PG_BIN") else []
    for root, pattern in (
        ("/usr/lib/postgresql", "*/bin"),
        ("/opt/homebrew/opt", "postgresql*/bin"),
        ("/usr/local/opt", "postgresql*/bin"),
    ):
        found = Path(root).glob(pattern)
        folders += sorted(found, key=lambda f: [int(n) for n in re.findall(r"\d+", str(f))])[::-1]
    return next((f for f in folders if (f / "initdb").exists() and (f / "pg_ctl").exists()), None)


def missing() -> str | None:
    """Why tests cannot have PostgreSQL here, or None when they can."""
    if given_url() or find_binaries():
        return None
    return "no PostgreSQL: set ABOARD_TEST_POSTGRES or PG_BIN, or install it (apt: postgresql)"


@cache
def describe() -> str:
    """Name, version and place, for the closing line."""
    if url := given_url():
        with psycopg.connect(url) as conn:
            version = conn.execute("show server_version").fetchone()
        return f"PostgreSQL {version[0] if version else '?'} (ABOARD_TEST_POSTGRES)"
    binaries = find_binaries()
    if binaries is None:
        return "PostgreSQL none"
    done = subprocess.run([binaries / "postgres", "--version"], capture_output=True, text=True)
    number = re.search(r"\d+(\.\d+)*", done.stdout)
    return f"PostgreSQL {number[0] if number else '?'} ({binaries.parent})"


@dataclass(frozen=True, slots=True)
class Postgres:
    """A server in which every test gets databases of its own."""

    admin: dict[str, Any]
    """psycopg connection parameters of the maintenance database."""
    prefix: str
    _prepared: dict[Callable[[str], None], str] = field(default_factory=dict)

    def url(self, database: str) -> str:
        """The SQLAlchemy URL of a database on this server."""
        parts = {key: str(value) for key, value in self.admin.items() if key != "dbname"}
        user = quote(parts.pop("user", ""), safe="")
        if password := parts.pop("password", None):
            user += ":" + quote(password, safe="")
        query = "&".join(f"{key}={quote(value, safe='')}" for key, value in parts.items())
        return f"postgresql+psycopg://{user}@/{database}?{query}"

    def fresh_database(self, prepare: Callable[[str], None] | None = None) -> str:
        """Create an empty database and return its URL.

        `prepare` takes a URL and fills a database (tables, seed rows). It runs once per process;
        after that every call with the same function gets a copy, which takes a fraction of it.
        It must close its connections: PostgreSQL does not copy a database that is in use.
        """
        template = "template1"
        if prepare is not None:
            if prepare not in self._prepared:
                name = self._create("template1")
                prepare(self.url(name))
                self._prepared[prepare] = name
            template = self._prepared[prepare]
        return self.url(self._create(template))

    def _create(self, template: str) -> str:
        name = f"{self.prefix}_{uuid4().hex[:12]}"
        self._execute(f'create database "{name}" template "{template}"')
        return name

    def drop(self, url: str) -> None:
        """Drop a database of `fresh_database`, with whoever is still connected to it."""
        name = url.partition("?")[0].rpartition("/")[2]
        self._execute(f'drop database if exists "{name}" with (force)')

    def drop_templates(self) -> None:
        """Drop what `prepare` functions made; called once at the end of the process."""
        for name in self._prepared.values():
            self.drop(self.url(name))
        self._prepared.clear()

    def _execute(self, statement: str) -> None:
        with psycopg.connect(**self.admin, autocommit=True) as conn:
            conn.execute(statement.encode())


@contextmanager
def running(run: str) -> Iterator[Postgres]:
    """The PostgreSQL of the test run named `run`; started if this process is the first to ask.

    Raises RuntimeError with the server's own words when it cannot be started.
    """
    prefix = f"aboard_test_{uuid4().hex[:6]}"
    if url := given_url():
        server = Postgres(conninfo_to_dict(url), prefix)
        yield server
        server.drop_templates()
        return
    base = temporary_root() / f"ab-pg-{run}"
    with _use(base):
        yield Postgres(
            {"host": str(base / "socket"), "user": "aboard", "dbname": "postgres"}, prefix
        )


@contextmanager
def _use(base: Path) -> Iterator[None]:
    """Hold the shared lock on the cluster's folder, with a server running in it."""
    while True:
        base.mkdir(mode=0o711, exist_ok=True)
        with (base / "start").open("w") as start, (base / "users").open("w") as users:
            fcntl.flock(start, fcntl.LOCK_EX)
            fcntl.flock(users, fcntl.LOCK_SH)
            # Whoever waited for a guardian that was just cleaning up holds a file that is gone.
            if not _still_there(users, base / "users"):
                continue
            if not (base / "ready").exists():
                _start_guardian(base)
            fcntl.flock(start, fcntl.LOCK_UN)
            yield
            return


def _still_there(file: IO[str], path: Path) -> bool:
    return path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat())


def _start_guardian(base: Path) -> None:
    # A session of its own: Ctrl-C goes to every process of the terminal's group, and a server that
    # stops before the tests do would turn one interrupt into a hundred errors.
    guardian = subprocess.Popen(
        [sys.executable, "-m", "tests.services.postgres", str(base)],
        cwd=REPO,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert guardian.stdout is not None
    with guardian.stdout:
        said = guardian.stdout.read()
    if not said.endswith("ready\n"):
        guardian.wait()
        raise RuntimeError(f"PostgreSQL did not start from {find_binaries()}: {said}")
    # It outlives this process on purpose; without this, Popen warns about that at exit.
    guardian.returncode = 0


def _guard(base: Path) -> None:
    """The guardian: start the cluster, say `ready`, wait until nobody uses it, stop, clean up."""
    binaries = find_binaries()
    if binaries is None:
        sys.exit(missing())
    for name in ("data", "socket"):
        owned_folder(base / name)

    def run(program: str, *words: str) -> None:
        done = subprocess.run(
            [binaries / program, *words],
            cwd=base / "data",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            **popen_as_server_user(),
        )
        if done.returncode:
            log = base / "data" / "log"
            tail = log.read_text()[-2000:] if log.exists() else ""
            sys.stdout.write(f"{program}: {done.stderr}{done.stdout}{tail}")
            shutil.rmtree(base, ignore_errors=True)
            sys.exit(1)

    data = str(base / "data" / "cluster")
    locale = "en_US.UTF-8" if sys.platform == "darwin" else "C.UTF-8"
    run(
        "initdb",
        "-D",
        data,
        "-U",
        "aboard",
        "-A",
        "trust",
        "-N",
        "-E",
        "UTF8",
        f"--locale={locale}",
    )
    settings = SETTINGS | {"unix_socket_directories": str(base / "socket")}
    with (Path(data) / "postgresql.conf").open("a") as conf:
        conf.writelines(f"{key} = '{value}'\n" for key, value in settings.items())
    run("pg_ctl", "-D", data, "-w", "-s", "-l", str(base / "data" / "log"), "start")
    (base / "ready").touch()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    # Whoever reads the output of the test run waits for its last writer; that must not be this one.
    with Path(os.devnull).open("w") as nothing:
        os.dup2(nothing.fileno(), 1)
        os.dup2(nothing.fileno(), 2)
    with (base / "users").open("w") as users:
        fcntl.flock(users, fcntl.LOCK_EX)
        (base / "ready").unlink()
        run("pg_ctl", "-D", data, "-w", "-s", "-m", "immediate", "stop")
        shutil.rmtree(base, ignore_errors=True)


if __name__ == "__main__":
    _guard(Path(sys.argv[1]))
