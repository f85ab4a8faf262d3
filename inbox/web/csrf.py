"""Form tokens: a change is done only for a form that this site gave to this very browser.

The token is an HMAC over a random cookie, so nothing is stored. The request must also come from
our own origin: with two doors, a mistake in one of them opens nothing.
"""

from __future__ import annotations

import hmac
import re
import secrets

from fastapi import HTTPException, Request
from starlette.responses import Response

COOKIE = "aboard_visit"
FIELD = "token"
MOST_FIELD = 1_064_000
"""Bytes of one field; how much a whole request may bring is the route's."""
_VISIT = re.compile(r"[A-Za-z0-9_-]{22,64}")


def new_visit() -> str:
    """A fresh cookie value: 128 random bits."""
    return secrets.token_urlsafe(16)


def visit_of(request: Request) -> str | None:
    """The visit cookie of a request, or None where it is missing or not of our making."""
    value = request.cookies.get(COOKIE, "")
    return value if _VISIT.fullmatch(value) else None


def give_visit(response: Response, visit: str) -> None:
    """Set the cookie; scripts cannot read it and other sites' requests do not carry it."""
    response.set_cookie(COOKIE, visit, httponly=True, samesite="strict", path="/")


def token(secret: bytes, visit: str) -> str:
    """The form token that belongs to a visit, in hexadecimal."""
    return hmac.new(secret, b"form\0" + visit.encode(), "sha256").hexdigest()


def _same_origin(request: Request) -> bool:
    """Do `Origin` and `Sec-Fetch-Site`, as far as the browser sent them, name this site?

    Browsers send Origin with every form post; a program that sends neither has only the token.
    """
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return False
    origin = request.headers.get("origin")
    if origin is None:
        return True
    return origin == f"{request.url.scheme}://{request.headers.get('host', '')}"


async def checked(request: Request) -> None:
    """Refuse a change that no form of ours asked for; leaves the form in `request.state.form`."""
    if not _same_origin(request):
        raise HTTPException(403, "This change was asked for by another site, so it was not made.")
    async with request.form(max_files=0, max_fields=50, max_part_size=MOST_FIELD) as form:
        pass
    given = form.get(FIELD, "")
    visit = visit_of(request)
    secret: bytes = request.app.state.desk.site.secret
    good = (
        visit is not None
        and isinstance(given, str)
        and hmac.compare_digest(token(secret, visit).encode(), given.encode("utf-8", "replace"))
    )
    if not good:
        raise HTTPException(
            403, "This form is too old, or cookies are off. Go back, reload the page and try again."
        )
    request.state.form = form
