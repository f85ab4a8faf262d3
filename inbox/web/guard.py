"""What stands before every page: the Host allow-list, the security headers, and the last catch.

Plain ASGI, outermost: no answer leaves without its headers, an error page's neither.
"""

from __future__ import annotations

import re
import secrets

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from inbox import log
from inbox.errors import StoreError
from inbox.sections import Web
from inbox.web.render import Renderer
from inbox.web.whence import source_of

PAGE_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "frame-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "content-security-policy": PAGE_POLICY,
    "x-content-type-options": "nosniff",
    # `no-referrer` would make browsers send `Origin: null` with our own forms; this one tells
    # other sites just as little.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "cache-control": "private, no-cache",
}
"""Set on every answer that has not set its own."""

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(?::\d{1,5})?")


class Guard:
    """Lets requests for our own host names through to `app`, and answers for what it raises."""

    def __init__(self, app: ASGIApp, *, web: Web, renderer: Renderer) -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in web.hosts)
        self._proxies = web.trusted_proxies
        self._proxied_only = not web.listen.loopback
        self._renderer = renderer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            # There is none: close before the handshake.
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(send)
        problem = self._refusal(Headers(scope=scope)) or self._in_the_clear(scope)
        problem = problem or _unkept(scope)
        if problem is not None:
            await self._error(*problem)(scope, receive, answer)
            return
        try:
            await self._app(scope, receive, answer)
        except Exception as error:
            # The outermost frame of a request: whatever it was, the visitor gets a number and the
            # log gets the traceback under the same number.
            incident = secrets.token_hex(4)
            log.page_failed(incident, scope["path"], error)
            if answer.begun:
                raise
            if isinstance(error, StoreError):
                await self._error(503, "The database does not answer at the moment.", incident)(
                    scope, receive, answer
                )
            else:
                await self._error(500, "", incident)(scope, receive, answer)

    def _refusal(self, headers: Headers) -> tuple[int, str] | None:
        given = headers.getlist("host")
        match = _HOST.fullmatch(given[0]) if len(given) == 1 else None
        if match is None:
            return 400, "The request does not say which host it is for."
        if match[1].lower() not in self._hosts:
            return 421, "Aboard is not reached by this host name. Add it to `web: hosts:`."
        return None

    def _in_the_clear(self, scope: Scope) -> tuple[int, str] | None:
        """Beyond loopback only what a proxy of ours took over TLS is answered."""
        if not self._proxied_only:
            return None
        source = source_of(scope, self._proxies)
        if source.local or (source.by_proxy and source.secure):
            return None
        return 403, "Aboard is reached over TLS, by its proxy. Ask your admin for its address."

    def _error(self, status: int, detail: str, incident: str = "") -> HTMLResponse:
        return error_page(self._renderer, status, detail, incident)


def _unkept(scope: Scope) -> tuple[int, str] | None:
    """PostgreSQL keeps no NUL."""
    query: bytes = scope.get("query_string", b"")
    if b"%00" in query or b"\0" in query:
        return 400, "The address has a character (NUL) that cannot be kept."
    return None


class _Answer:
    """A `send` that adds the headers and knows whether the answer has begun."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.begun = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.begun = True
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await self._send(message)


def error_page(
    renderer: Renderer, status: int, detail: str = "", incident: str = ""
) -> HTMLResponse:
    """A page that says what went wrong and what to do; needs no database."""
    body = renderer.render("error.html", status=status, detail=detail, incident=incident)
    return HTMLResponse(body, status_code=status)
