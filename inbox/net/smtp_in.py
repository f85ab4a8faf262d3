"""The SMTP ingress: peers hand mail over, `250` means that it is durable. Knows no store.

Here is what all connections share: the port, the door, the batches that are committed together, the
end. One connection is in `smtp_session`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from inbox import log
from inbox.config import Smtp
from inbox.net.batch import Accept, GroupCommit
from inbox.net.door import Doorkeeper
from inbox.net.envelope import Received
from inbox.net.listening import server_on
from inbox.net.smtp_session import SmtpSession
from inbox.net.tls import server_context

__all__ = ["Accept", "Ingress", "Received"]


class Ingress:
    """Listens for SMTP as the settings say.

    `accept` gets every mail and blocks until all of them are durable; it runs in one thread of
    its own. `known_recipient(address)` says whether an address is ours (for `postmaster@domain`,
    whether the domain is); it is asked in the event loop and must not block. `clock` gives
    monotonic seconds, `new_incident` a name under which the log has what a peer is not told.
    Relative paths of certificate and key are taken from the working folder.
    """

    def __init__(
        self,
        settings: Smtp,
        accept: Accept,
        known_recipient: Callable[[str], bool],
        clock: Callable[[], float],
        new_incident: Callable[[], str],
    ) -> None:
        self.settings = settings
        self.door = Doorkeeper(settings, known_recipient)
        self.clock = clock
        self.new_incident = new_incident
        self.sessions: set[SmtpSession] = set()
        self.in_transaction = 0
        self.stopping = False
        self.commits = GroupCommit(accept, new_incident, lambda: self.in_transaction)
        self._tls = server_context(settings)
        self._server: asyncio.Server | None = None
        self._empty = asyncio.Event()

    async def start(self) -> tuple[str, int]:
        """Listen; the address and port really taken (0 is any). Raises `ConfigError`."""
        log.silence("mail.log")  # aiosmtpd's: it names whole addresses
        loop = asyncio.get_running_loop()
        self._server = await server_on(
            self.settings.listen, lambda: SmtpSession(self, self._tls, loop)
        )
        host, port = self._server.sockets[0].getsockname()[:2]
        return str(host), int(port)

    async def stop(self, grace_seconds: float) -> None:
        """Take no more connections, let mails under way end within the grace, end the rest.

        Returns when every transaction that was begun in the store has ended, so a mail is either
        acknowledged or was never accepted, or its peer could not be told any more.
        """
        self.stopping = True
        if self._server is not None:
            self._server.close()
        self._empty.clear()
        for session in list(self.sessions):
            session.wind_down()
        if self.sessions:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._empty.wait(), grace_seconds)
        for session in list(self.sessions):
            session.abort()
        await self.commits.close()
        if self._server is not None:
            await self._server.wait_closed()

    def left(self, session: SmtpSession) -> None:
        """A connection has ended."""
        self.sessions.discard(session)
        if not self.sessions:
            self._empty.set()
