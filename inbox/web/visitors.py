"""Who is asking: from the session cookie to a person, once a request; and whether they may.

The cookie is 256 random bits of which the database holds a hash. Over TLS its name begins with
`__Host-`, which a browser accepts from this very host alone; on loopback there is no TLS.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import quote

from fastapi import HTTPException, Request
from starlette.responses import Response

from inbox import log
from inbox.errors import StoreError
from inbox.flow.people.access import Lasts, Whence, digest
from inbox.store import sessions
from inbox.store.people import Person
from inbox.store.seers import Seer
from inbox.store.sessions import Session
from inbox.web.desk import desk_of
from inbox.web.policy import Policy
from inbox.web.whence import Source, source_of

COOKIE, SECURE_COOKIE = "aboard_session", "__Host-aboard"
NOTED_EVERY = timedelta(minutes=5)
"""How exactly it is known when a session was last used; a page view is no write."""
_COOKIE = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody of ours who is signed in."""

    person: Person
    seer: Seer
    session: Session

    def may(self, policy: str) -> bool:
        """For templates: `may('CHANGE')`, `may('LEAD')`, `may('ADMIN')`."""
        return Policy[policy].admits(self.person.role)


class SignedOut(Exception):
    """Nobody is signed in, and the route is not open."""


def source(request: Request) -> Source:
    """From where the request comes."""
    return source_of(request.scope, desk_of(request).site.settings.web.trusted_proxies)


def whence(request: Request) -> Whence:
    """The same for the audit log."""
    return Whence(source(request).address, request.headers.get("user-agent", "")[:200])


def lasts(request: Request) -> Lasts:
    """How long sessions last, as it is set."""
    web = desk_of(request).site.settings.web
    return Lasts(web.idle, timedelta(days=web.session_days))


def cookie_of(request: Request) -> str | None:
    """The session cookie, or None where it is missing or not of our making."""
    name = SECURE_COOKIE if source(request).secure else COOKIE
    value = request.cookies.get(name, "")
    return value if _COOKIE.fullmatch(value) else None


def give_cookie(request: Request, response: Response, cookie: str) -> None:
    """Let the browser carry a session. It ends with the browser, or in the database."""
    secure = source(request).secure
    name = SECURE_COOKIE if secure else COOKIE
    response.set_cookie(name, cookie, httponly=True, samesite="lax", path="/", secure=secure)


def take_cookie(request: Request, response: Response) -> None:
    """Let the browser forget a session."""
    secure = source(request).secure
    name = SECURE_COOKIE if secure else COOKIE
    response.delete_cookie(name, httponly=True, samesite="lax", path="/", secure=secure)


def found_visitor(request: Request) -> Visitor | None:
    """Who is signed in, looked up once a request; None for nobody."""
    if not hasattr(request.state, "visitor"):
        request.state.visitor = _look_up(request)
    visitor: Visitor | None = request.state.visitor
    return visitor


def _look_up(request: Request) -> Visitor | None:
    cookie = cookie_of(request)
    if cookie is None:
        return None
    site = desk_of(request).site
    now = site.clock()
    with site.db.read() as conn:
        found = sessions.by_digest(conn, digest(cookie), now, lasts(request).idle)
    if found is None:
        return None
    session, person, seer = found
    if now - session.seen_at > NOTED_EVERY and _by_a_person(request):
        try:
            with site.db.write() as conn:
                sessions.seen(conn, session.id, now)
        except StoreError as error:  # a full disk: what can be read is still shown
            log.database_trouble(error)
    return Visitor(person, seer, session)


def visitor_of(request: Request) -> Visitor:
    """Who is signed in. Raises `SignedOut`, which is answered with the way to sign in."""
    visitor = found_visitor(request)
    if visitor is None:
        raise SignedOut
    return visitor


def admit(policy: Policy) -> Callable[[Request], None]:
    """What stands before a route of this policy."""

    def check(request: Request) -> None:
        if policy is Policy.OPEN:
            if request.method not in ("GET", "HEAD"):
                found_visitor(request)  # the form belongs to a session where there is one
            return
        role = visitor_of(request).person.role
        if not policy.admits(role):
            raise HTTPException(403, f"This is for {policy.value}; your role is {role}.")

    return check


_OWN_PATH = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]{0,500}")


def own_path(given: str) -> str:
    """A path of this site to go on to, as it was given; `/` for anything else."""
    return given if _OWN_PATH.fullmatch(given) and not given.startswith("/sign-") else "/"


def is_page(request: Request) -> bool:
    """Does a browser ask for a whole page, and not a script of ours for a part or for news?"""
    headers = request.headers
    asks_for_part = "fragment" in request.query_params or "hx-request" in headers
    streams = "text/event-stream" in headers.get("accept", "")
    return not asks_for_part and not streams and headers.get("sec-fetch-dest", "") != "empty"


OF_OPEN_PAGES = "/live"
"""Below it lies what open pages ask for by themselves."""
ITSELF = "itself"
"""In the address of a page without scripts that asks for itself again."""


def _by_a_person(request: Request) -> bool:
    """Is it a deed or a page that somebody asked for? What an open page fetches, be it news, parts
    or pictures, keeps no session alive: else it would never end while a tab is left open."""
    path = request.url.path
    if path == OF_OPEN_PAGES or path.startswith(f"{OF_OPEN_PAGES}/"):
        return False
    if request.method not in ("GET", "HEAD"):
        return True
    whole = request.headers.get("sec-fetch-dest", "document") == "document"
    return whole and is_page(request) and ITSELF not in request.query_params


def way_in(request: Request) -> str:
    """The address of the sign-in page, which leads back to where somebody wanted to go."""
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    wanted = own_path(wanted)
    return "/sign-in" if wanted == "/" else f"/sign-in?next={quote(wanted, safe='/')}"
