"""What people do on a thread's page, as forms: one deed each, with an undo where it is expected."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from fastapi import HTTPException, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from inbox.errors import AboardError, NotFound
from inbox.flow.promises import handoff
from inbox.flow.promises.handoff import Offer
from inbox.flow.texts import when_words
from inbox.flow.working import desk as deciding
from inbox.flow.working.following import follow
from inbox.flow.working.regroup import Regrouping
from inbox.flow.working.undo import undo
from inbox.flow.working.work import Desk
from inbox.store import accounts, handoffs, messages, threads
from inbox.web.composer import Extra
from inbox.web.context import desk_of
from inbox.web.desk import Site
from inbox.web.keys import key
from inbox.web.thread_pages import back, shown
from inbox.web.visitors import visitor_of
from inbox.web.zones import zone_of

FIELDS = (
    *("do", "to", "team", "until", "tags", "untag", "priority", "reason", "summary", "asks"),
    *("answer", "into", "messages", "account", "next"),
)
"""The fields of the forms on a thread's page."""
_NUMBER = re.compile(r"#?([0-9]{1,15})")
_THREAD = re.compile(r"(?:.*/threads/|#)?([0-9]{1,15})(?:[?#].*)?")


@dataclass(slots=True)
class Doing:
    """One deed that a form asks for."""

    request: Request
    thread_id: int
    form: FormData
    run: str = field(default_factory=lambda: secrets.token_urlsafe(9))
    to: int = 0
    """The thread to go to afterwards; the same where it is 0."""

    def text(self, name: str, most: int = 4_000) -> str:
        """What stands in a field."""
        return str(self.form.get(name, ""))[:most].strip()

    def number(self, name: str) -> int:
        """A number in a field. Raises `AboardError`."""
        match = _NUMBER.fullmatch(self.text(name))
        if match is None:
            raise AboardError(f"{self.text(name)[:40]!r} is no number")
        return int(match[1])

    @property
    def site(self) -> Site:
        """The site."""
        return desk_of(self.request).site

    @property
    def handle(self) -> str:
        """Who does it."""
        return visitor_of(self.request).person.handle

    @property
    def desk(self) -> Desk:
        """That person at work."""
        return Desk(self.site.db, self.handle, run=self.run)

    def sees(self, thread_id: int) -> None:
        """Raises `NotFound` for a thread that this person may not see."""
        with self.site.db.read() as conn:
            threads.by_id(conn, thread_id, visitor_of(self.request).seer)


Deed = Callable[[Doing], str]
"""Does it; the key of what the page says then."""


def _claim(it: Doing) -> str:
    it.desk.claim(it.thread_id, it.site.clock())
    return "claimed"


def _release(it: Doing) -> str:
    it.desk.release(it.thread_id, it.site.clock())
    return "released"


def _give(it: Doing) -> str:
    it.desk.give(it.thread_id, it.text("to"), it.site.clock())
    return "given"


def _team(it: Doing) -> str:
    team = it.text("team")
    deciding.assign(it.site.db, it.thread_id, team, it.handle, it.site.clock(), run=it.run)
    return "moved-team"


def _close(it: Doing) -> str:
    it.desk.close(it.thread_id, it.site.clock())
    return "closed"


def _reopen(it: Doing) -> str:
    it.desk.reopen(it.thread_id, it.site.clock())
    return "opened"


def _wait(it: Doing) -> str:
    it.desk.wait(it.thread_id, it.site.clock())
    return "waiting"


def _snooze(it: Doing) -> str:
    until = it.text("until", 80)
    now = it.site.clock()
    when = None if until in ("", "reply") else when_words.instant(until, now, zone_of(it.request))
    it.desk.snooze(it.thread_id, when, now)
    return "snoozed"


def _tag(it: Doing) -> str:
    add = [one for one in re.split(r"[\s,]+", it.text("tags")) if one]
    remove = [str(one)[:80] for one in it.form.getlist("untag")]
    it.desk.tag(it.thread_id, add, remove, it.site.clock())
    return "tagged"


def _priority(it: Doing) -> str:
    it.desk.prioritise(it.thread_id, it.text("priority"), it.site.clock())
    return "priority"


def _follow(it: Doing) -> str:
    follow(it.site.db, it.thread_id, it.handle, it.site.clock(), run=it.run)
    return "followed"


def _unfollow(it: Doing) -> str:
    follow(it.site.db, it.thread_id, it.handle, it.site.clock(), on=False, run=it.run)
    return "unfollowed"


def _offer(it: Doing) -> str:
    asks = tuple(line for line in it.text("asks").splitlines() if line.strip())
    offer = Offer(
        it.thread_id, it.text("team"), it.handle, it.text("reason"), it.text("summary"), asks
    )
    handoff.offer(it.site.db, offer, it.site.clock())
    it.run = ""
    return "offered"


def _offered(it: Doing) -> int:
    seer = visitor_of(it.request).seer
    with it.site.db.read() as conn:
        there = handoffs.open_of(conn, threads.by_id(conn, it.thread_id, seer).id)
    if there is None:
        raise AboardError("the offer has ended already")
    it.run = ""
    return there.id


def _accept(it: Doing) -> str:
    handoff.accept(it.site.db, _offered(it), it.handle, it.site.clock())
    return "accepted"


def _decline(it: Doing) -> str:
    handoff.decline(it.site.db, _offered(it), it.handle, it.text("answer"), it.site.clock())
    return "declined"


def _withdraw(it: Doing) -> str:
    handoff.withdraw(it.site.db, _offered(it), it.handle, it.site.clock())
    return "withdrawn"


def _regrouping(it: Doing) -> Regrouping:
    return Regrouping(it.site.db, it.handle, run=it.run)


def _merge(it: Doing) -> str:
    match = _THREAD.fullmatch(it.text("into", 200))
    if match is None:
        raise AboardError("into which thread? give its number or its address")
    it.sees(int(match[1]))
    it.to = _regrouping(it).merge(it.thread_id, int(match[1]), it.site.clock()).id
    return "merged"


def _split(it: Doing) -> str:
    chosen = [str(one) for one in it.form.getlist("messages")]
    numbers = [int(one) for one in chosen if _NUMBER.fullmatch(one)]
    with it.site.db.read() as conn:
        for one in numbers:
            messages.by_id(conn, one, visitor_of(it.request).seer)
    it.to = _regrouping(it).split(it.thread_id, numbers, it.site.clock()).id
    return "split"


def _move(it: Doing) -> str:
    with it.site.db.read() as conn:
        target = accounts.find(conn, it.text("account", 300))
    _regrouping(it).move(it.thread_id, target.id, it.site.clock())
    return "moved-account"


DEEDS: dict[str, Deed] = {
    "claim": _claim,
    "release": _release,
    "give": _give,
    "team": _team,
    "close": _close,
    "reopen": _reopen,
    "wait": _wait,
    "snooze": _snooze,
    "tag": _tag,
    "priority": _priority,
    "follow": _follow,
    "unfollow": _unfollow,
    "handoff": _offer,
    "accept": _accept,
    "decline": _decline,
    "withdraw": _withdraw,
    "merge": _merge,
    "split": _split,
    "account": _move,
}


def deed(request: Request) -> Response:
    """Do what the form says; what cannot be is said on the page, and nothing typed is lost."""
    it = Doing(request, key(request, "thread_id"), request.state.form)
    it.sees(it.thread_id)
    done = DEEDS.get(it.text("do", 20))
    if done is None:
        raise HTTPException(400, "The form does not say what to do.")
    try:
        said = done(it)
    except AboardError as reason:
        return shown(request, it.thread_id, Extra(problem=str(reason)), status=409)
    desk_of(request).counts.forget()
    if it.text("next") and said in ("closed", "snoozed"):
        return RedirectResponse("/threads", 303)
    return back(it.to or it.thread_id, said, it.run)


def take_back(request: Request) -> Response:
    """Undo what was done under the name that the form brings."""
    thread_id, visitor = key(request, "thread_id"), visitor_of(request)
    site, run = desk_of(request).site, str(request.state.form.get("run", ""))[:40]
    with site.db.read() as conn:
        threads.by_id(conn, thread_id, visitor.seer)
    try:
        done = undo(site.db, run, visitor.person.handle, site.clock())
        left = "; ".join(done.left)
    except NotFound:
        raise
    except AboardError as reason:
        left = str(reason)
    desk_of(request).counts.forget()
    if left:
        return shown(request, thread_id, Extra(problem=f"Not taken back: {left}."), status=409)
    with site.db.read() as conn:
        there = threads.by_id(conn, thread_id, visitor.seer).id
    return back(there, "undone")
