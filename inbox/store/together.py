"""Group commit: threads of one process that write at the same moment share one transaction.

On SQLite there is one writer, and each commit waits for the disk: what several couriers have to
write down goes into the database together. PostgreSQL does that itself; there each writes alone.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from inbox.errors import StoreError
from inbox.store.database import Conn, Database

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class _Wanted:
    """Somebody's work, and what came of it."""

    work: Callable[[Conn], Any]
    result: Any = None
    error: BaseException | None = None
    done: bool = False


class Together:
    """Runs work in writing transactions, shared where several threads ask at once.

    `clean` are errors that work raises before it has written anything: they are its caller's alone,
    and the others' writes stand.
    """

    def __init__(self, db: Database, clean: tuple[type[Exception], ...]) -> None:
        self._db = db
        self._clean = clean
        self._turn = threading.Lock()
        self._lock = threading.Lock()
        self._waiting: list[_Wanted] = []

    def run(self, work: Callable[[Conn], T]) -> T:
        """What `work` returns, once it is committed. Raises what it raises, and `StoreError`.

        Work may be run again where a neighbour's failed, after a rollback of everything.
        """
        wanted = _Wanted(work)
        if not self._db.is_sqlite:
            self._commit([wanted])
            return cast(T, _answer(wanted))
        with self._lock:
            self._waiting.append(wanted)
        with self._turn:
            if not wanted.done:
                with self._lock:
                    batch, self._waiting = self._waiting, []
                self._commit(batch)
        return cast(T, _answer(wanted))

    def _commit(self, batch: list[_Wanted]) -> None:
        for one in batch:
            one.result = one.error = None
        try:
            with self._db.write() as conn:
                for one in batch:
                    try:
                        one.result = one.work(conn)
                    except self._clean as error:
                        one.error = error
        except Exception as error:
            # Whosever failure it was, nothing of the batch is written: each is judged alone, but
            # for a database in trouble, which is everybody's.
            if len(batch) > 1 and not isinstance(error, StoreError):
                for one in batch:
                    self._commit([one])
                return
            for one in batch:
                one.error = error
        for one in batch:
            one.done = True


def _answer(wanted: _Wanted) -> Any:
    if wanted.error is not None:
        raise wanted.error
    return wanted.result
