"""Opens a listening socket where the settings say, or says why it cannot. Knows no protocol."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from inbox.errors import ConfigError
from inbox.listen import Listen
from routing.problems import Problem

BACKLOG = 1024


async def server_on(listen: Listen, session: Callable[[], asyncio.Protocol]) -> asyncio.Server:
    """A server of `session`s at the address; port 0 takes any free one.

    Raises `ConfigError` when the address cannot be had.
    """
    loop = asyncio.get_running_loop()
    try:
        return await loop.create_server(session, listen.host, listen.port, backlog=BACKLOG)
    except OSError as error:
        # A name that is unknown has a negative number; else asyncio's text repeats the address.
        number = error.errno or 0
        why = os.strerror(number) if number > 0 else str(error.strerror or error)
        message = f"`smtp: listen: {listen}` cannot be had: {why}"
        hint = "is another Aboard or a mail server running? Else choose another address or port"
        problem = Problem("smtp.listen", 0, 0, "cannot-listen", message, hint)
        raise ConfigError([problem]) from error
