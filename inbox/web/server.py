"""Serves the web inbox on one address. Signals are the caller's business."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from fastapi import FastAPI

from inbox.config import Listen
from inbox.errors import ConfigError
from inbox.web.live_hub import Hub
from routing.problems import Problem

GRACE_SECONDS = 3
MOST_AT_ONCE = 1000
"""Open connections, streams among them; the next one is told to come back (503)."""


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signal handlers as they are: one command stops several servers."""
        yield


class WebServer:
    """Listens between `start` and `stop`."""

    def __init__(self, app: FastAPI, listen: Listen, *, behind_proxy: bool = False) -> None:
        """Raises `ConfigError` for an address that other machines could reach without TLS."""
        exposed = listen.exposed(behind_proxy=behind_proxy)
        if exposed is not None:
            raise ConfigError([exposed])
        self._listen = listen
        self._live: Hub = app.state.live
        self._server = _Server(
            uvicorn.Config(
                app,
                lifespan="off",
                log_config=None,
                access_log=False,
                ws="none",
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=GRACE_SECONDS,
                limit_concurrency=MOST_AT_ONCE,
            )
        )
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> tuple[str, int]:
        """Listen; the address, with the port that was found where 0 was asked for.

        Raises `ConfigError` when the address cannot be had.
        """
        listening = self._bind()
        self._task = asyncio.create_task(self._server.serve(sockets=[listening]))
        while not self._server.started:
            if self._task.done():
                await self._task
                raise RuntimeError("the web server ended before it had started")
            await asyncio.sleep(0.01)
        host, port = listening.getsockname()[:2]
        return str(host), int(port)

    def _bind(self) -> socket.socket:
        listen = self._listen
        family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
        listening = socket.socket(family, socket.SOCK_STREAM)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((listen.host, listen.port))
        except OSError as error:
            listening.close()
            message = f"`web: listen: {listen}` cannot be had: {error.strerror}"
            hint = "is another Aboard running? Else choose another port"
            problem = Problem("web.listen", 0, 0, "cannot-listen", message, hint)
            raise ConfigError([problem]) from error
        return listening

    async def stop(self) -> None:
        """End the streams, finish what is being answered, for at most three seconds, and stop
        listening."""
        await self._live.close()
        self._server.should_exit = True
        if self._task is not None:
            await self._task
