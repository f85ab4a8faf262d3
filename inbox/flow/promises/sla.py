"""The clocks of threads: what has happened is read, `routing.targets` decides, rows follow.

`refresh` is the one way by which targets open, pause, resume and end; filing and desk call it in
their own transaction, after the events are written. What is settled is never touched again. A
target stays under the policy, the set of files and the team's hours that it opened under, unless
its thread is put under another policy by name.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from inbox.flow.admin.admin_set import AdminFiles
from inbox.flow.admin.proof import read_sla
from inbox.flow.admin.stored_sets import in_force
from inbox.flow.promises import changes, sequences, tell
from inbox.store import sets, targets
from inbox.store.database import Conn
from inbox.store.handoffs import Handoff
from inbox.store.targets import PastEvent, StoredTarget, Subject
from inbox.store.threads import Thread
from routing.hours import Calendar, NoOpenHours
from routing.sla import SlaSet, Standing, policy_for
from routing.targets import (
    ACCEPTED,
    CUSTOMER,
    ENDED,
    OFFERED,
    OPEN,
    OWNED,
    RELEASED,
    REPLY,
    STATUS,
    STOPPED,
    TOUCHED,
    Happening,
    Target,
    Terms,
    next_step,
    step_behind,
    steps_of,
    wanted,
)

HUMAN = frozenset({"none", "list"})
"""Kinds of automatic mail that a person wrote after all."""

_HANDOFFS = {
    "handoff-offered": OFFERED,
    "handoff-accepted": ACCEPTED,
    "handoff-declined": ENDED,
    "handoff-returned": ENDED,
    "handoff-withdrawn": ENDED,
}
_DEEDS = frozenset({"note", "tagged"})
UNDOES = "undoes"
"""In an event's data: the number of the event that it takes back."""
REPLIES = frozenset({"reply-queued"})
"""Events that a person's reply leaves as it is put into the outbox."""
KINDS = frozenset({"mail-in", "mail-out", "status-changed", "owner-changed", "assigned"}) | (
    _HANDOFFS.keys() | _DEEDS | REPLIES
)
"""The kinds of events that clocks go by."""


def happening(event: PastEvent) -> Happening | None:
    """An event of the timeline as clocks see it; None where they do not care."""
    data, by_person = event.data, event.actor.startswith("person:")
    what, value = "", ""
    if event.kind == "mail-in" and data.get("automatic", "none") in HUMAN:
        what = "" if "side" in data else CUSTOMER
    elif event.kind == "mail-out" and data.get("automatic", "none") in HUMAN:
        # What our own outbox has delivered counted when it was put there.
        what = "" if "item" in data or event.actor == "aboard" else REPLY
    elif event.kind in REPLIES:
        what = REPLY
    elif event.kind == "status-changed":
        what, value = STATUS, str(data.get("status", ""))
    elif event.kind in ("owner-changed", "assigned"):
        what = OWNED if _is_owned(event) else RELEASED
    elif event.kind in _HANDOFFS:
        what = _HANDOFFS[event.kind]
    elif event.kind in _DEEDS and by_person:
        what = TOUCHED
    return Happening(event.id, event.at, what, value, by_person) if what else None


def _standing_events(past: Sequence[PastEvent]) -> list[PastEvent]:
    """What happened, without what was undone and its undoing: to clocks neither ever was."""
    undone = {int(one.data[UNDOES]) for one in past if UNDOES in one.data}
    return [one for one in past if one.id not in undone and UNDOES not in one.data]


def _is_owned(event: PastEvent) -> bool:
    """Has somebody the thread as their own from here on, or does it wait for its team?"""
    stated = event.data.get("owned")
    if stated is not None:
        return bool(stated)
    return event.kind == "owner-changed" and event.data.get("why") == "claimed it"


@dataclass(slots=True)
class Clocks:
    """The promises in force, and those of earlier sets as targets still need them."""

    sla: SlaSet
    hours: Mapping[str, Calendar]
    """The hours of teams that have their own."""
    _earlier: dict[str, SlaSet] = field(default_factory=dict)
    _terms: dict[tuple[str, str, Under], Terms | None] = field(default_factory=dict)

    def terms(self, conn: Conn, name: str, metric: str, under: Under) -> Terms | None:
        """The terms of a metric under a policy of a set and a team's hours."""
        key = (name, metric, under)
        if key not in self._terms:
            self._terms[key] = self._made(conn, name, metric, under)
        return self._terms[key]

    def _made(self, conn: Conn, name: str, metric: str, under: Under) -> Terms | None:
        sla = self._set(conn, under.policy_set)
        policy = sla.named(name)
        promise = None if policy is None else policy.promises.get(metric)
        if policy is None or promise is None:
            return None
        calendar = sla.calendar(promise, self.hours.get(under.team))
        limit = promise.limit.in_(calendar)
        steps = steps_of(promise.ladder, limit, calendar)
        names = (policy.name, sla.hash, under.team)
        return Terms(*names, calendar, limit, steps, policy.pause, under.why)

    def _set(self, conn: Conn, set_hash: str) -> SlaSet:
        if set_hash == self.sla.hash:
            return self.sla
        if set_hash not in self._earlier:
            texts = sets.by_hash(conn, "sla", set_hash)
            found = None if texts is None else read_sla(texts, None, [])
            # What this program cannot read any more is judged by what is in force.
            self._earlier[set_hash] = self.sla if found is None else replace(found, hash=set_hash)
        return self._earlier[set_hash]


@dataclass(frozen=True, slots=True)
class Under:
    """Which set of files and whose hours a target is under, and why."""

    policy_set: str
    team: str
    why: str = ""


def clocks_of(files: AdminFiles) -> Clocks | None:
    """The clocks of what is in force; None where no promises are known."""
    if files.sla is None:
        return None
    hours = {one.name: one.hours for one in files.directory.teams if one.hours is not None}
    return Clocks(files.sla, hours)


def after_filing(
    conn: Conn, files: AdminFiles, filed: Sequence[tuple[int, bool]], now: datetime
) -> None:
    """Mails were filed in this transaction: (message, whether it is history) each.

    For what was due before history came in, nobody is warned and nothing is sent.
    """
    clocks = clocks_of(files)
    if clocks is None or not filed:
        return
    found = targets.threads_of_messages(conn, [message for message, _ in filed])
    dated = frozenset(message for message, is_dated in filed if is_dated)
    refresh(conn, clocks, set(found.values()), now, dated)


def told(conn: Conn, done: Thread | Handoff, event: int) -> None:
    """What a desk or a handoff calls in its transaction: its thread's clocks follow."""
    files = in_force(conn)
    if files is not None:
        after_deed(lambda: files)(conn, done, event)


def after_deed(
    files: Callable[[], AdminFiles],
) -> Callable[[Conn, Thread | Handoff, int], None]:
    """As `told`, for who has the files in force at hand."""

    def follow_deed(conn: Conn, done: Thread | Handoff, event: int) -> None:
        changes.after_event(conn, files(), event)
        clocks = clocks_of(files())
        if clocks is not None:
            thread_id = done.thread_id if isinstance(done, Handoff) else done.id
            refresh(conn, clocks, [thread_id], None)
        sequences.after_event(conn, files(), event)
        tell.after_event(conn, event)

    return follow_deed


def follow_moved(conn: Conn, thread_ids: Collection[int]) -> None:
    """Mails have come to these threads, or left them, without an event of their own."""
    files = in_force(conn)
    clocks = None if files is None else clocks_of(files)
    if clocks is not None:
        refresh(conn, clocks, thread_ids, None)


def refresh(
    conn: Conn,
    clocks: Clocks,
    thread_ids: Collection[int],
    now: datetime | None,
    dated: Collection[int] = (),
) -> int:
    """Make the targets of these threads say what their events say; how many rows changed.

    `dated` are messages of history: see `after_filing`. Without `now` no target is history.
    """
    there = targets.subjects(conn, thread_ids)
    ids = [one.thread_id for one in there]
    events = targets.histories(conn, ids, KINDS)
    stored = targets.of_threads(conn, ids)
    fresh: list[dict[str, Any]] = []
    changed: list[StoredTarget] = []
    for subject in there:
        if subject.account_kind != "customer":
            continue
        work = Worked(conn, clocks, subject, stored[subject.thread_id])
        past = events[subject.thread_id]
        history = {one.id for one in past if one.message_id in dated}
        try:
            made = list(work.compare(past))
        except NoOpenHours:
            continue  # so few hours are ever open in a calendar: nothing can be promised in it
        for target, row in made:
            if row is None:
                skip = now if target.cycle in history else None
                fresh.append(as_row(subject.thread_id, target, skip))
            elif row.settled_at is None:
                after = follow(conn, row, target)
                if after != row:
                    changed.append(after)
        changed += work.vanished
    targets.insert(conn, fresh)
    targets.save(conn, changed)
    return len(fresh) + len(changed)


class Worked:
    """One thread's history beside its rows."""

    def __init__(
        self, conn: Conn, clocks: Clocks, subject: Subject, rows: Sequence[StoredTarget]
    ) -> None:
        self._conn = conn
        self._clocks = clocks
        self._subject = subject
        self._rows = {(one.metric, one.cycle): one for one in rows}
        self.vanished: list[StoredTarget] = []
        """Open rows that no event accounts for any more."""

    def compare(self, past: Sequence[PastEvent]) -> Iterator[tuple[Target, StoredTarget | None]]:
        """Every target that the history gives, with its row."""
        history = [one for event in _standing_events(past) if (one := happening(event))]
        found = wanted(history, self.terms_for)
        for target in found:
            yield target, self._rows.get((target.metric, target.cycle))
        given = {(one.metric, one.cycle) for one in found}
        last = past[-1].at if past else None
        for key, row in self._rows.items():
            if row.settled_at is None and key not in given:
                at = max(last or row.opened_at, row.opened_at)
                gone = replace(row, state=STOPPED, settled_at=at, next_at=None, paused_at=None)
                self.vanished.append(gone)

    def terms_for(self, metric: str, one: Happening) -> Terms | None:
        """The terms of a target: its row's, else those of the policy that applies now."""
        row, subject = self._rows.get((metric, one.id)), self._subject
        if row is not None and (row.settled_at or not subject.policy):
            return self._stored_terms(row)
        if row is not None and subject.policy == row.policy:
            return self._stored_terms(row)
        return self._fresh_terms(metric)

    def _stored_terms(self, row: StoredTarget) -> Terms | None:
        under = Under(row.policy_set, row.team, "it was under it when it opened")
        return self._clocks.terms(self._conn, row.policy, row.metric, under)

    def _fresh_terms(self, metric: str) -> Terms | None:
        subject, sla = self._subject, self._clocks.sla
        standing = Standing(subject.team, subject.policy, subject.tier, subject.stage)
        chosen = policy_for(sla, standing)
        under = Under(sla.hash, subject.team, chosen.why)
        return self._clocks.terms(self._conn, chosen.policy.name, metric, under)


def as_row(thread_id: int, target: Target, skip_until: datetime | None) -> dict[str, Any]:
    """The row of a target that has none; steps due by `skip_until` are never done."""
    name: str | None = target.first_step
    breached = target.breached_at
    while skip_until is not None and name is not None:
        coming = _coming(target, name)
        if coming is None or coming > skip_until:
            break
        name = step_behind(target.terms, name)
    due = _due(target)
    if skip_until is not None and due is not None and target.state == OPEN and due <= skip_until:
        breached = due
    return {
        "thread_id": thread_id,
        "metric": target.metric,
        "cycle": target.cycle,
        "opened_at": target.opened_at,
        **_standing(target, name, breached),
    }


def follow(conn: Conn, row: StoredTarget, target: Target) -> StoredTarget:
    """The row as it has to be now. What has happened on its ladder stays happened: on another
    policy's ladder it goes on behind the last step of a name that was done."""
    name, terms = row.next_step, target.terms
    if (row.policy, row.policy_set) != (terms.policy, terms.policy_set):
        done = {one["step"] for one in targets.steps_done(conn, [row.id])[row.id]}
        names = [step.name for step, _ in terms.steps]
        behind = max((names.index(one) + 1 for one in done if one in names), default=0)
        name = names[behind] if behind < len(names) else None
    return replace(row, **_standing(target, name, target.breached_at or row.breached_at))


def _standing(target: Target, name: str | None, breached: datetime | None) -> dict[str, Any]:
    terms = target.terms
    running = target.state == OPEN
    return {
        "policy": terms.policy,
        "policy_set": terms.policy_set,
        "team": terms.team,
        "due_at": _due(target),
        "state": target.state,
        "breached_at": breached,
        "paused_at": target.paused_at,
        "used_seconds": target.used // timedelta(seconds=1),
        "resumed_at": target.resumed_at,
        "settled_at": target.settled_at,
        "next_at": _coming(target, name) if running and name is not None else None,
        "next_step": name,
    }


def _due(target: Target) -> datetime | None:
    try:
        return target.due_at
    except NoOpenHours:
        return None  # nobody works in this calendar: no deadline ever comes


def _coming(target: Target, name: str) -> datetime | None:
    try:
        coming = next_step(target, name)
    except NoOpenHours:
        return None
    return None if coming is None else coming.at
