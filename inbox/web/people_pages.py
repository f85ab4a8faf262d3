"""People and teams: who is in which, who is away, what each owns; absences, and who may come in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from fastapi import HTTPException, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from inbox.clock import iso
from inbox.errors import AboardError, NotFound
from inbox.flow.admin import stored_sets
from inbox.flow.people import access
from inbox.flow.promises import rehoming
from inbox.store import absences, credentials, people, sessions, workload
from inbox.store.absences import Absence
from inbox.store.database import Conn
from inbox.store.people import Person
from inbox.web.context import frame, page
from inbox.web.desk import desk_of
from inbox.web.noting import note
from inbox.web.visitors import lasts, visitor_of, whence
from inbox.web.zones import zone_of
from routing.hours import DAY_NAMES, Calendar

NOTE = 200
SAID = ("away", "back", "not-away", "ended")


@dataclass(frozen=True, slots=True)
class Member:
    """A person as the page shows them."""

    person: Person
    owned: int
    """Open and waiting threads that they own, of those that the reader sees."""
    away: tuple[Absence, ...]
    """Absences that run or are to come."""
    away_now: bool
    password: bool
    sessions: int


@dataclass(frozen=True, slots=True)
class TeamView:
    """A team as the page shows it."""

    name: str
    title: str
    duty: str
    lead: str
    members: tuple[Member, ...]
    hours: str


def hours_words(hours: Calendar | None) -> str:
    """`Mon to Fri 09:00 to 17:00, Europe/Berlin`; empty where a team says nothing."""
    if hours is None:
        return ""
    if hours.always_open:
        return "at any time"
    runs: list[tuple[int, int]] = []
    for day, windows in enumerate(hours.week):
        if runs and hours.week[runs[-1][0]] == windows and runs[-1][1] == day - 1:
            runs[-1] = (runs[-1][0], day)
        else:
            runs.append((day, day))
    said = []
    for first, last in runs:
        windows = hours.week[first]
        if windows:
            days = DAY_NAMES[first].capitalize()
            days += f" to {DAY_NAMES[last].capitalize()}" if last > first else ""
            said.append(f"{days} {' and '.join(_window(*one) for one in windows)}")
    return f"{', '.join(said) or 'never'}, {hours.zone}"


def _window(begin: int, end: int) -> str:
    return f"{begin // 60:02}:{begin % 60:02} to {end // 60 % 24:02}:{end % 60:02}"


def _members(conn: Conn, request: Request, everybody: Sequence[Person]) -> dict[str, Member]:
    now, idle = desk_of(request).site.clock(), lasts(request).idle
    coming = absences.listing(conn, now)
    owned = workload.owned(conn, visitor_of(request).seer)
    holders, open_ = credentials.holders(conn), sessions.counts(conn, now, idle)
    found = {}
    for one in everybody:
        away = tuple(span for span in coming if span.person_id == one.id)
        away_now = any(span.from_at <= now for span in away)
        found[one.handle] = Member(
            one, owned.get(one.handle, 0), away, away_now, one.id in holders, open_.get(one.id, 0)
        )
    return found


def listing(request: Request) -> Response:
    """Every team with its people, and who is in none."""
    return _listing(request)


def _listing(request: Request, link: str = "", link_for: str = "", wrong: str = "") -> HTMLResponse:
    with desk_of(request).site.db.read() as conn:
        around = frame(conn, request)
        everybody = sorted(
            (one for one in people.everybody(conn).values() if one.active), key=lambda one: one.name
        )
        known = _members(conn, request, everybody)
        files = stored_sets.in_force(conn)
        directory = people.directory(conn) if files is None else files.directory
    teams = tuple(
        TeamView(
            team.name,
            team.title,
            team.duty,
            team.lead,
            tuple(known[handle] for handle in team.members if handle in known),
            hours_words(team.hours),
        )
        for team in directory.teams
    )
    placed = {one.person.handle for team in teams for one in team.members}
    others = tuple(one for handle, one in known.items() if handle not in placed)
    said = request.query_params.get("said", "")
    return page(
        request,
        "people.html",
        around,
        teams=teams,
        others=others,
        everybody=everybody,
        said=said if said in SAID else "",
        link=link,
        link_for=link_for,
        wrong=wrong,
    )


def _text(request: Request, name: str) -> str:
    return str(request.state.form.get(name, "")).strip()[:NOTE]


def day_of(text: str, zone: tzinfo, *, end: bool = False) -> datetime | None:
    """The beginning of a day in a zone, or its end; None for an empty field."""
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
        after = day + timedelta(days=1) if end else day
        return datetime.combine(after, time(), zone).astimezone(UTC)
    except (ValueError, OverflowError):
        raise HTTPException(400, "A day is written as 2026-12-24.") from None


def _house(request: Request) -> rehoming.House:
    """By what threads find somebody else. Raises `NotFound` before the first files are in force."""
    with desk_of(request).site.db.read() as conn:
        files = stored_sets.in_force(conn)
        if files is None:
            raise NotFound("no teams and rules are in force yet")
        return rehoming.house_of(conn, files.directory, files.ruleset.fallback.team)


def leave(request: Request) -> Response:
    """Note that somebody is away: from a day (now where none is given) until a day, included."""
    site = desk_of(request).site
    handle, now = _text(request, "handle"), site.clock()
    zone = zone_of(request)
    begins = max(day_of(_text(request, "from"), zone) or now, now)
    ends = day_of(_text(request, "until"), zone, end=True)
    if ends is not None and ends <= begins:
        return _listing(request, wrong="The last day of an absence is not before its first.")
    wanted = rehoming.Leave(handle, begins, ends, _text(request, "note"))
    rehoming.leave(site.db, _house(request), wanted, now)
    until = None if ends is None else iso(ends)
    note(request, "absence", f"person {handle}", **{"from": iso(begins)}, until=until)
    return RedirectResponse("/people?said=away", 303)


def back(request: Request) -> Response:
    """Somebody is back: their running absence ends now."""
    site, handle = desk_of(request).site, _text(request, "handle")
    now = site.clock()
    try:
        rehoming.come_back(site.db, _house(request), handle, now)
    except NotFound:
        raise
    except AboardError:
        return RedirectResponse("/people?said=not-away", 303)
    note(request, "absence", f"person {handle}", until=iso(now))
    return RedirectResponse("/people?said=back", 303)


def give_link(request: Request) -> Response:
    """Make a one-time link with which somebody sets a password; it is shown this once."""
    site, handle = desk_of(request).site, _text(request, "handle")
    by = visitor_of(request).person
    token = access.give_token(site.db, handle, by, whence(request), site.clock())
    address = str(request.url.replace(path="/sign-in/once", query=f"token={token}"))
    if site.settings.web.trusted_proxies:
        address = f"{site.settings.web.address}/sign-in/once?token={token}"
    answer = _listing(request, address, handle)
    answer.headers["cache-control"] = "no-store"
    return answer


def end_sessions(request: Request) -> Response:
    """End every session of somebody."""
    site, handle = desk_of(request).site, _text(request, "handle")
    with site.db.read() as conn:
        person = people.by_handle(conn, handle)
    by = visitor_of(request).person
    access.end_sessions(site.db, person, by, whence(request), site.clock())
    return RedirectResponse("/people?said=ended", 303)
