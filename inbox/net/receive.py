"""From 354 to the answer after the dot: content, checks, memory, and the wait for the commit."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

from inbox.net.batch import GroupCommit
from inbox.net.content import NoRoom, TooMuch, read_content
from inbox.net.door import Doorkeeper, Transaction
from inbox.net.envelope import Received, goes_in_circles


class Receiver:
    """Receives the mails of one connection, one after the other."""

    def __init__(self, door: Doorkeeper, commits: GroupCommit) -> None:
        self._door = door
        self._commits = commits
        self._reserved = 0

    async def receive(
        self,
        stream: asyncio.StreamReader,
        transaction: Transaction,
        mail_of: Callable[[bytes], Received],
    ) -> str:
        """Read one mail and hand it over; the answer to it. `begin_content` was called."""
        door = self._door
        try:
            raw = await read_content(stream, door.settings.most_bytes, self._reserve)
            if goes_in_circles(raw):
                return "554 5.4.6 too many Received fields, this mail goes in circles"
            # From here on only the store decides, and how long it takes is not the peer's fault.
            transaction.due = math.inf
            # Shielded: the mail is accepted whether or not its peer waits for the answer.
            return await asyncio.shield(self._hand_over(mail_of(raw)))
        except TooMuch:
            return door.too_large()
        except NoRoom:
            return door.no_room()
        finally:
            door.caps.release(self._reserved)
            self._reserved = 0

    def _hand_over(self, mail: Received) -> asyncio.Future[str]:
        answer = self._commits.hand_over(mail)
        # The memory is the store's now, also when the peer goes away before the answer.
        size, self._reserved = self._reserved, 0
        answer.add_done_callback(lambda _: self._door.caps.release(size))
        return answer

    def _reserve(self, size: int) -> bool:
        taken = self._door.caps.reserve(size)
        self._reserved += size if taken else 0
        return taken
