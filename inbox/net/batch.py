"""Group commit: mails of many connections become one durable transaction. Knows no SMTP and no SQL.

A sync of the disk costs the same for one mail and for thirty. While one batch is being committed
the next one gathers, so the batches grow with the load and a lone mail never waits for company.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from inbox import log
from inbox.errors import StoreError
from inbox.net.envelope import Received

ACCEPTED = "250 2.0.0 Ok: accepted"
LINGER_SECONDS = 0.002
MOST_BATCH = 200

Accept = Callable[[Sequence[Received]], None]
"""Make all of these mails durable, or raise when none is. It blocks, and runs in a thread."""

_FULL = ("disk is full", "disk full", "no space left", "disk quota", "could not extend file")


@dataclass(slots=True)
class _Waiting:
    mail: Received
    answer: asyncio.Future[str]


class GroupCommit:
    """Takes mails from sessions and gives each its SMTP answer when its transaction has ended."""

    def __init__(
        self, accept: Accept, new_incident: Callable[[], str], busy: Callable[[], int]
    ) -> None:
        """`busy()` says how many connections are about to hand over a mail."""
        self._accept = accept
        self._new_incident = new_incident
        self._busy = busy
        self._waiting: list[_Waiting] = []
        self._flusher: asyncio.Task[None] | None = None
        # One thread: the database has one writer, and a second would only queue inside it.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="accept")

    def hand_over(self, mail: Received) -> asyncio.Future[str]:
        """Queue a mail; the future is its answer, `250` only after it is durable."""
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(mail, answer))
        if self._flusher is None:
            self._flusher = asyncio.create_task(self._flush())
        return answer

    async def close(self) -> None:
        """Wait for what is being committed; a transaction in a thread cannot be called back."""
        while self._flusher is not None:
            await asyncio.wait([self._flusher])
        self._thread.shutdown()

    async def _flush(self) -> None:
        try:
            while self._waiting:
                if len(self._waiting) < self._busy():
                    await asyncio.sleep(LINGER_SECONDS)
                batch = self._waiting[:MOST_BATCH]
                del self._waiting[:MOST_BATCH]
                await self._commit(batch)
        finally:
            self._flusher = None

    async def _commit(self, batch: Sequence[_Waiting]) -> None:
        loop = asyncio.get_running_loop()
        mails = [one.mail for one in batch]
        try:
            await loop.run_in_executor(self._thread, self._accept, mails)
        # Whatever goes wrong in there, the peers have to be told to try again: an answer that
        # never comes, or a 5xx, loses their mail.
        except Exception as error:
            await self._failed(batch, error)
        else:
            _answer(batch, ACCEPTED)

    async def _failed(self, batch: Sequence[_Waiting], error: Exception) -> None:
        # The database is ill: that holds for every mail. Anything else may be the fault of one,
        # and then the others must not suffer for it.
        if len(batch) > 1 and not isinstance(error, StoreError | OSError):
            for one in batch:
                await self._commit([one])
            return
        incident = self._new_incident()
        log.intake_failed(incident, error)
        _answer(batch, answer_to(error, incident))


def answer_to(error: Exception, incident: str) -> str:
    """The SMTP answer to a failure inside; it names the incident and tells nothing of the error."""
    if is_full(error):
        return f"452 4.3.1 insufficient storage, try again later (incident {incident})"
    return f"451 4.3.0 try again later (incident {incident})"


def is_full(error: BaseException) -> bool:
    """Does this error say that there is no space left to store mail?"""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    if not isinstance(error, StoreError | OSError):
        return False
    text = str(error).lower()
    return any(words in text for words in _FULL)


def _answer(batch: Sequence[_Waiting], answer: str) -> None:
    for one in batch:
        # A peer that went away in the meantime has cancelled it. Its mail stays accepted.
        if not one.answer.done():
            one.answer.set_result(answer)
