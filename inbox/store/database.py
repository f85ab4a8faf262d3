"""Open the database; two doors, `read()` and `write()`; what differs between the two dialects.

SQLite runs in WAL mode with `synchronous=FULL`, because a `250` for somebody else's mail rests on
it. `write()` begins IMMEDIATE: a deferred begin would let two connections read the same value and
both write it. Automatic checkpoints are off on every connection: `Database.checkpoint` does it with
the writers of all processes locked out (`gate.py` says why). On PostgreSQL every commit is on disk
when it returns.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import orjson
from sqlalchemy import Connection, CursorResult, Engine, Table, create_engine, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import QueuePool

from inbox.errors import StoreError
from inbox.store.gate import Gate

Conn = Connection
"""What store functions take first. Other rooms annotate with this and import no sqlalchemy."""

WAL_RESET_FIXED = (3, 51, 3)
BUSY_MS = 30_000
CHECKPOINT_MS = 200
_ONE_VIEW = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


class Damaged(StoreError):
    """A page or row cannot be read any more; what lies elsewhere may well be whole."""


def _dumps(value: object) -> str:
    return orjson.dumps(value).decode()


class Database:
    """One database, SQLite or PostgreSQL, with a door for reading and a door for writing."""

    def __init__(self, url: str, *, pool_size: int = 8) -> None:
        try:
            self.url = make_url(url)
        except (ValueError, ArgumentError):  # may hold a password: its words are not told
            how = "write sqlite:///FILE or postgresql://USER@HOST:PORT/NAME"
            raise StoreError(f"the database's address cannot be read; {how}") from None
        backend = self.url.get_backend_name()
        if backend == "postgresql":
            self.url = self.url.set(drivername="postgresql+psycopg")
        elif backend != "sqlite":
            raise StoreError(f"database {url!r}: use sqlite:///FILE or postgresql://HOST/NAME")
        self.is_sqlite = backend == "sqlite"
        if self.is_sqlite and not self.url.database:
            raise StoreError(f"database {url!r}: an in-memory database forgets mail; name a file")
        self._pool_size = pool_size
        self._engine = self._open()
        self._gate = Gate(Path(str(self.url.database)) if self.is_sqlite else None)

    def _open(self) -> Engine:
        options: dict[str, Any] = {
            "json_serializer": _dumps,
            "json_deserializer": orjson.loads,
            "poolclass": QueuePool,
            "pool_size": self._pool_size,
            "max_overflow": 8,
        }
        if not self.is_sqlite:
            options["connect_args"] = _POSTGRESQL_LIMITS
            engine = create_engine(self.url, pool_pre_ping=True, **options)
            event.listen(engine, "connect", _prepare_postgresql)
            return engine
        Path(str(self.url.database)).parent.mkdir(parents=True, exist_ok=True)
        options["connect_args"] = {"check_same_thread": False, "isolation_level": None}
        engine = create_engine(self.url, **options)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine

    @contextmanager
    def write(self) -> Iterator[Conn]:
        """One transaction that may write; committed when the block ends, rolled back if it raises.

        Raises `StoreError` when the database cannot be reached, is locked or is full.
        """
        with (
            _said_plainly(self.url.render_as_string()),
            self._gate.writing(),
            self._engine.connect() as plain,
        ):
            conn = plain.execution_options(writes=True)
            with conn.begin():
                yield conn

    @contextmanager
    def read(self) -> Iterator[Conn]:
        """One consistent view over all statements of the block; never takes the write lock."""
        with _said_plainly(self.url.render_as_string()), self._engine.connect() as plain:
            conn = plain if self.is_sqlite else plain.execution_options(**_ONE_VIEW)
            with conn.begin():
                yield conn

    def checkpoint(self) -> tuple[int, int]:
        """Move the WAL into the database file with writers locked out; (frames, moved).

        On PostgreSQL there is nothing to do. It gives up early where a reader stands in its way,
        because writers wait for it, and moves nothing while a writer is at work; the next call
        moves the rest. Raises `StoreError`.
        """
        if not self.is_sqlite:
            return (0, 0)
        with _said_plainly(self.url.render_as_string()), self._gate.checkpointing() as alone:
            if not alone:
                return (0, 0)
            raw = self._engine.raw_connection()
            try:
                cursor = raw.cursor()
                cursor.execute(f"PRAGMA busy_timeout = {CHECKPOINT_MS}")
                row = cursor.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()
                cursor.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
                return (int(row[1]), int(row[2]))
            except sqlite3.Error:
                raw.invalidate()
                raise
            finally:
                raw.close()

    def now(self, own: Callable[[], datetime]) -> datetime:
        """The clock that all nodes on this database share: the server's, or `own` on SQLite,
        whose nodes are on one machine. Raises `StoreError`."""
        if self.is_sqlite:
            return own()
        with _said_plainly(self.url.render_as_string()), self._engine.connect() as plain:
            told: datetime = plain.execute(text("SELECT clock_timestamp()")).scalar_one()
            return told.astimezone(UTC)

    def engine(self) -> Engine:
        """The engine, for migrations; everything else goes through the two doors."""
        return self._engine

    def close(self) -> None:
        """Give back every connection."""
        self._engine.dispose()


class Within:
    """The writing door of a transaction that is open already: what goes through it is committed,
    or rolled back, with all else of that transaction."""

    def __init__(self, conn: Conn) -> None:
        self._conn = conn

    @contextmanager
    def write(self) -> Iterator[Conn]:
        """That transaction."""
        yield self._conn


@contextmanager
def _said_plainly(url: str) -> Iterator[None]:
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        orig = error.orig if isinstance(error, DBAPIError) else error
        if not _is_out_of_order(orig):
            raise
        kind = Damaged if _is_damaged(orig) else StoreError
        raise kind(f"database {url}: {str(orig).strip() or repr(orig)}") from error
    except PoolTimeout as error:
        raise StoreError(f"database {url}: all connections are in use: {error}") from error


_SQLITE_TROUBLE = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_NOTADB,
    }
)
_POSTGRESQL_TROUBLE = ("08", "25006", "28", "3D", "53", "55P03", "57", "58", "XX")
"""Classes of SQLSTATE that say that the server cannot serve, whatever it is asked."""


def _is_out_of_order(error: object) -> bool:
    """Is it the database that is in trouble, and not one statement or one mail?"""
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorcode", 0) & 0xFF in _SQLITE_TROUBLE
    state = getattr(error, "sqlstate", None)
    if state is None:
        return type(error).__name__ in {"OperationalError", "InterfaceError", "ConnectionTimeout"}
    return str(state).startswith(_POSTGRESQL_TROUBLE)


def _is_damaged(error: object) -> bool:
    """Does it say that what is stored cannot be read (SQLSTATE XX001 and XX002)?"""
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_CORRUPT
    return getattr(error, "sqlstate", None) in ("XX001", "XX002")


_POSTGRESQL_LIMITS = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "options": "-c lock_timeout=30s -c idle_in_transaction_session_timeout=120s",
}
"""A server that is gone without a word must not hold a session of ours for ever."""


def _prepare_postgresql(connection: Any, _record: object) -> None:
    """A commit is on disk when it returns, whatever the server's default is (DESIGN I1)."""
    level = connection.execute("SELECT current_setting('synchronous_commit')").fetchone()[0]
    if level in ("off", "local"):
        connection.execute("SET synchronous_commit = on")
    connection.commit()


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout = {BUSY_MS}",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "wal_autocheckpoint = 0",
        "temp_store = MEMORY",
        "cache_size = -16384",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(conn: Connection) -> None:
    writes = conn.get_execution_options().get("writes", False)
    conn.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def sqlite_version() -> tuple[int, ...]:
    """The version of the SQLite library in this Python."""
    return sqlite3.sqlite_version_info


def has_wal_reset_bug() -> bool:
    """Does this SQLite have the bug that makes the single checkpointer necessary?"""
    return sqlite_version() < WAL_RESET_FIXED


_COUNTED = {"preserve_rowcount": True}


def insert_or_ignore(
    conn: Conn, table: Table, rows: Mapping[str, Any] | Sequence[Mapping[str, Any]]
) -> int:
    """Insert, leaving out rows that collide with a unique key; how many went in (-1: not known)."""
    if conn.dialect.name == "sqlite":
        statement: Any = sqlite.insert(table).on_conflict_do_nothing()
    else:
        statement = postgresql.insert(table).on_conflict_do_nothing()
    return int(conn.execute(statement, rows, execution_options=_COUNTED).rowcount)


def upsert(
    conn: Conn, table: Table, row: Mapping[str, Any], *, key: Sequence[str], set_: Mapping[str, Any]
) -> None:
    """Insert `row`, or where `key` is already there put `set_` into it."""
    module: Any = sqlite if conn.dialect.name == "sqlite" else postgresql
    statement = module.insert(table).values(**row)
    conn.execute(statement.on_conflict_do_update(index_elements=list(key), set_=dict(set_)))


def skip_locked(conn: Conn, statement: Any) -> Any:
    """Lock the selected rows and pass over those that others hold (SQLite has one writer)."""
    if conn.dialect.name == "sqlite":
        return statement
    return statement.with_for_update(skip_locked=True)


def for_update(conn: Conn, statement: Any) -> Any:
    """Lock the selected rows until the transaction ends (SQLite has one writer)."""
    return statement if conn.dialect.name == "sqlite" else statement.with_for_update()


_SCHEMA_LOCK = 0x61626F617264
"""Any number that other programs on the same server are unlikely to lock."""


def only_one(conn: Conn) -> None:
    """Let one transaction at a time pass, on any node; for changes of the schema."""
    if conn.dialect.name != "sqlite":
        conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _SCHEMA_LOCK})


def one_at_a_time(conn: Conn, name: str) -> None:
    """Let one transaction at a time pass that gives this name, on any node; SQLite has one writer.
    Who holds accounts too holds those first."""
    if conn.dialect.name != "sqlite":
        digest = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        key = int.from_bytes(digest, signed=True)
        conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})


class Conflict(Exception):
    """Another transaction changed what this one stands on; the same work may be tried again."""


def is_conflict(error: BaseException) -> bool:
    """Did two transactions stand in each other's way, so that the same work may be tried again?"""
    if isinstance(error, Conflict):
        return True
    if not isinstance(error, DBAPIError):
        return False
    return getattr(error.orig, "sqlstate", None) in {"40001", "40P01", "23505"}


def server_version(conn: Conn) -> str:
    """The version of the PostgreSQL server."""
    return str(conn.scalar(text("SHOW server_version")))


Value = TypeVar("Value", str, int)
MOST_VALUES = 10_000
"""Values in one IN list: SQLite allows 32,766 parameters a statement, PostgreSQL 65,535."""


def portions(values: Iterable[Value]) -> Iterator[list[Value]]:
    """The distinct values in order, in lists short enough for one statement each."""
    ordered = sorted(set(values))
    for start in range(0, len(ordered), MOST_VALUES):
        yield ordered[start : start + MOST_VALUES]


def ping(conn: Conn) -> None:
    """Raise when the database does not answer."""
    conn.execute(text("SELECT 1"))


def new_key(result: CursorResult[Any]) -> int:
    """The key that the database gave to the one row just inserted."""
    key = result.inserted_primary_key
    assert key is not None
    return int(key[0])


class Keys:
    """Keys given out before their rows are written, so that rows can be written in bulk.

    Only inside a writing transaction: on SQLite it holds the one write lock, on PostgreSQL the
    sequence gives every key once.
    """

    def __init__(self, conn: Conn, table: Table, block: int = 50) -> None:
        self._conn = conn
        self._table = table
        self._block = block
        self._keys: Iterator[int] = iter(())

    def take(self) -> int:
        """A key that nobody else has or gets."""
        key = next(self._keys, None)
        if key is None:
            self._keys = self._more()
            key = next(self._keys)
        return key

    def _more(self) -> Iterator[int]:
        if self._conn.dialect.name == "sqlite":
            highest = self._conn.scalar(text(f"SELECT max(id) FROM {self._table.name}")) or 0
            return count(highest + 1)
        found = self._conn.scalars(
            text(
                f"SELECT nextval(pg_get_serial_sequence('{self._table.name}', 'id'))"
                f" FROM generate_series(1, {self._block})"
            )
        )
        return iter(found.all())
