"""Why a thread is where it is, and where else it could go: what the thread page's panel shows."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import HTTPException, Request
from starlette.responses import RedirectResponse, Response

from inbox.flow.admin.context import Guess
from inbox.flow.learning import guess
from inbox.flow.working.correct import standing
from inbox.store import people, threads
from inbox.store.assignments import Assignment
from inbox.store.people import Person
from inbox.store.threads import Thread
from inbox.web.context import desk_of, fragment, frame, page
from inbox.web.keys import key
from inbox.web.visitors import visitor_of

TERMS = 4
_BY = {
    "rule": "A rule",
    "classifier": "The classifier",
    "fallback": "The fallback",
    "thread": "The thread it belongs to",
    "person": "A person",
}


@dataclass(frozen=True, slots=True)
class Why:
    """Who decided that a thread is where it is, and what the classifier had to do with it."""

    made: Assignment
    by: str
    person: Person | None
    """Who decided, where a person did."""
    guess: Guess | None
    """What the classifier said when the thread was routed; None where it was not asked."""
    trace: int | None
    """The message whose decision has a trace."""
    undo: int | None
    """The assignment that one click takes back: the last one, where a person made it."""

    @property
    def terms(self) -> tuple[str, ...]:
        """The words that weighed most for the classifier's answer; single letters and shapes such
        as `w#` only where there is nothing that says more to a person."""
        found = [term for term, _ in self.guess.evidence] if self.guess else []
        telling = [term for term in found if "#" not in term and len(term) > 2]
        return tuple((telling or found)[:TERMS])


def why(made: tuple[Assignment, ...], team: str, everybody: dict[int, Person]) -> Why | None:
    """The newest decision that gave a thread to its present team; None where none is on record."""
    stands = standing(made)
    deciding = [one for one in stands if one.team == team]
    if not deciding:
        return None
    one = deciding[0]
    for later in deciding[1:]:
        if later.decided_by in ("rule", "person", "classifier"):
            one = later
    asked = [(guess.stored_guess(each.decision, each.model), each) for each in stands]
    said = next((found for found, each in reversed(asked) if found and each.message_id), None)
    traced = [each.message_id for each in stands if each.message_id is not None]
    last = stands[-1]
    return Why(
        made=one,
        by=_BY[one.decided_by],
        person=everybody.get(one.by_id) if one.by_id is not None else None,
        guess=said,
        trace=one.message_id or (traced[0] if traced else None),
        undo=last.id if last.decided_by == "person" and len(stands) > 1 else None,
    )


def as_whom(request: Request) -> Person | None:
    """The person as whom a correction is made; None where this site offers none, or to a viewer."""
    person = visitor_of(request).person
    return person if person.changes and desk_of(request).site.corrections is not None else None


def near(request: Request) -> Response:
    """The three past threads most like one; `?fragment=near` gives the list alone."""
    thread_id = key(request, "thread_id")
    with desk_of(request).site.db.read() as conn:
        around = frame(conn, request)
        one = threads.by_id(conn, thread_id, around.visitor.seer)
        found = guess.why(conn, one.id, around.visitor.seer)
    listed = found.nearest if found else ()
    if request.query_params.get("fragment") == "near":
        return fragment(request, "_fragments/near.html", around, near=listed)
    return page(request, "near.html", around, near=listed, thread=one)


def move(request: Request) -> Response:
    """Give the thread to the team that the form names, as the acting person."""
    site, visitor = desk_of(request).site, visitor_of(request)
    thread_id = key(request, "thread_id")
    if site.corrections is None:
        raise HTTPException(403, "This site offers no corrections.")
    team = str(request.state.form.get("team", ""))[:80]
    with site.db.read() as conn:
        one: Thread = threads.by_id(conn, thread_id, visitor.seer)
        known = people.team_names(conn)
    if team not in known:
        raise HTTPException(400, "The form does not name a team.")
    if team != one.team:
        site.corrections.correct(one.id, team, visitor.person.handle, site.clock())
        desk_of(request).counts.forget()
    return RedirectResponse(f"/threads/{one.id}?said=moved", 303)


def undo(request: Request) -> Response:
    """Take the thread's last correction back, where it is still the last."""
    site, visitor = desk_of(request).site, visitor_of(request)
    thread_id = key(request, "thread_id")
    given = str(request.state.form.get("assignment", ""))
    if site.corrections is None or not (given.isascii() and given.isdigit() and len(given) < 16):
        raise HTTPException(400, "The form does not say which correction to take back.")
    with site.db.read() as conn:
        threads.by_id(conn, thread_id, visitor.seer)
    by = visitor.person.handle
    done = site.corrections.take_back(thread_id, int(given), by, site.clock())
    desk_of(request).counts.forget()
    return RedirectResponse(f"/threads/{thread_id}?said={'back' if done else 'not-back'}", 303)
