"""Who of ours is told what: written as it happens, in the transaction in which it happens.

A notice is told at most once to a person; nobody is told what they did themselves. The mails that
tell notices are made by `flow.leaving.agent_post`. Nothing here sends.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from inbox.flow.admin.admin_set import AdminFiles
from inbox.store import (
    accounts,
    agent_facts,
    agent_notices,
    followers,
    followup_facts,
    handoffs,
    people,
    threads,
    timeline,
)
from inbox.store.agent_facts import Happened
from inbox.store.agent_notices import NewNotice
from inbox.store.database import Conn
from inbox.store.followup_facts import RuleDeed
from inbox.store.threads import Thread

if TYPE_CHECKING:
    from inbox.flow.promises.climb import Fired

ASSIGNED, MAIL, AT_RISK, BREACHED, HANDOFF, ANSWERED, MENTION, RULE, BOUNCED = (
    *("assigned", "mail", "at-risk", "breached", "handoff", "handoff-ended", "mention", "rule"),
    "bounced",
)
"""Kinds of notices."""
TOLD = "people-told"
ACCOUNT_OWNER = "account-owner"


# --- By rules -----------------------------------------------------------------------------------


def after_filing(conn: Conn, files: AdminFiles, filed: Sequence[tuple[int, bool]]) -> None:
    """Mails were filed in this transaction: (message, whether it is history) each."""
    fresh = [number for number, dated in filed if not dated]
    if not fresh:
        return
    if any(one.actions.notify or one.actions.snooze_for for one in files.ruleset.rules):
        for deed in followup_facts.rule_deeds(conn, fresh):
            carry_out(conn, files, deed, deed.at)
    _owners(conn, agent_facts.of_messages(conn, fresh))


def carry_out(conn: Conn, files: AdminFiles, deed: RuleDeed, now: datetime) -> None:
    """Do what a rule's `notify` and `snooze` say."""
    thread = threads.by_id(conn, deed.thread_id)
    if deed.snooze_for is not None and thread.status != "closed":
        until = now + deed.snooze_for
        threads.save(conn, thread.id, status="snoozed", snoozed_until=until)
        data = {"status": "snoozed", "from": thread.status, "until": until.isoformat()}
        _event(conn, thread, now, f"rule:{deed.rule}", ("status-changed", data))
    handles = _named(conn, files, thread, deed.notify)
    if handles:
        _event(conn, thread, now, f"rule:{deed.rule}", (TOLD, {"to": list(handles)}))
        to = _numbers(conn, handles)
        data = {"rule": deed.rule}
        _add(conn, (f"rule/{deed.event_id}", thread.id, RULE, now), to, data)


def _named(conn: Conn, files: AdminFiles, thread: Thread, names: Sequence[str]) -> tuple[str, ...]:
    """The people behind handles, teams and `account-owner`, each once."""
    teams = {one.name: one.members for one in files.directory.teams}
    owners = accounts.owners_by_account(conn, [thread.account_id]).get(thread.account_id, {})
    found: dict[str, None] = {}
    for name in names:
        if name == ACCOUNT_OWNER:
            owner = owners.get(thread.team)
            listed: Iterable[str] = (owner,) if owner else ()
        else:
            listed = teams.get(name, (name,))
        found.update(dict.fromkeys(listed))
    return tuple(found)


# --- By what happens ----------------------------------------------------------------------------


def after_event(conn: Conn, event_id: int) -> None:
    """Something happened on a thread by somebody's deed."""
    happened = agent_facts.of_event(conn, event_id)
    if happened is None or happened.kind not in _DEEDS:
        return
    _DEEDS[happened.kind](conn, happened)


def step(conn: Conn, fired: Fired, handles: Sequence[str]) -> None:
    """A step of a ladder names these people."""
    target, one = fired.due.target, fired.step
    kind = AT_RISK if one.direction < 0 else BREACHED
    due_at = target.due_at or fired.due_at
    data = {"metric": target.metric, "due": due_at.isoformat(), "step": one.name}
    what = (f"step/{target.id}/{one.name}", target.thread_id, kind, fired.now)
    _add(conn, what, _numbers(conn, handles), data)


def _owners(conn: Conn, happened: Iterable[Happened]) -> None:
    """Owners hear of what came to them, of the customer's next mail and of mail that came back;
    who follows a thread hears of the customer's mail."""
    told: set[tuple[int, int]] = set()
    for one in sorted(happened, key=lambda event: event.kind == "mail-in"):
        if one.kind == "mail-in":
            _customer_wrote(conn, one, told)
        elif one.kind == "mail-bounced":
            data = {name: one.data.get(name) for name in ("address", "of", "status", "reason")}
            _one(conn, one, BOUNCED, one.accountable_id, data)
        elif _comes_to(one):
            _assigned(conn, one)
            told.add((one.thread_id, one.accountable_id))


def _customer_wrote(conn: Conn, one: Happened, told: Collection[tuple[int, int]]) -> None:
    if one.data.get("automatic", "none") not in ("none", "list"):
        return
    listening = [one.accountable_id] if one.owned else []
    listening += [who for who in followers.of_thread(conn, one.thread_id) if who not in listening]
    data: dict[str, Any] = {"from": one.actor.partition(":")[2]}
    if "side" in one.data:
        data["aside"] = True
    for person_id in listening:
        if (one.thread_id, person_id) not in told:
            _one(conn, one, MAIL, person_id, data)


def moved(conn: Conn, event_ids: Collection[int]) -> None:
    """Threads were given to who is there, many at once, by nobody's deed."""
    notices = []
    for one in agent_facts.of_events(conn, event_ids):
        if one.account_kind == "customer" and _comes_to(one):
            person_id, data = one.accountable_id, _assignment(one) | {"by": one.actor}
            key = f"event/{one.id}/{person_id}"
            notices.append(NewNotice(key, person_id, one.thread_id, ASSIGNED, one.at, data))
    agent_notices.add(conn, notices)


def _comes_to(one: Happened) -> bool:
    """Does a thread become somebody's, or come to who answers for it while nobody owns it? Of new
    mail that waits for its team nobody is told."""
    if one.owned:
        return bool(one.data.get("owned"))
    return one.kind == "owner-changed" and one.data.get("to") != one.data.get("from")


def _assignment(one: Happened) -> dict[str, Any]:
    data = {"why": one.data.get("why") or ""}
    return data if one.owned else data | {"owned": False}


def _assigned(conn: Conn, one: Happened) -> None:
    if _comes_to(one):
        _one(conn, one, ASSIGNED, one.accountable_id, _assignment(one))


def _offered(conn: Conn, one: Happened) -> None:
    team = str(one.data.get("team", ""))
    data = {name: one.data.get(name) for name in ("team", "from", "reason", "summary", "asks")}
    # Who may accept it hears of it; who is away is passed over by who sends.
    for handle in sorted(people.members(conn, team)):
        for number in _numbers(conn, [handle]):
            _one(conn, one, HANDOFF, number, data)


def _offer_ended(conn: Conn, one: Happened) -> None:
    number = one.data.get("handoff")
    if number is None:
        return
    made = handoffs.by_id(conn, int(number))
    data = {"team": made.to_team, "state": made.state, "answer": one.data.get("answer") or ""}
    for person_id in {made.by_id, made.giver_id}:
        _one(conn, one, ANSWERED, person_id, data)
    if made.state == "returned":
        known = {one.id for one in people.everybody(conn).values() if one.role == "lead"}
        for person_id in sorted(
            known & agent_facts.members_of(conn, (made.from_team, made.to_team))
        ):
            _one(conn, one, ANSWERED, person_id, data)


def _mentioned(conn: Conn, one: Happened) -> None:
    """Who is named in a note, alone or with their team (`flow.people.mentions`)."""
    named: dict[str, None] = {}
    for name in one.data.get("mentions") or ():
        named.update(dict.fromkeys(sorted(people.members(conn, name)) or (name,)))
    for number in _numbers(conn, named):
        _one(conn, one, MENTION, number, {"text": str(one.data.get("text", ""))[:2000]})


_DEEDS = {
    "assigned": _assigned,
    "owner-changed": _assigned,
    "handoff-offered": _offered,
    "handoff-accepted": _offer_ended,
    "handoff-declined": _offer_ended,
    "handoff-returned": _offer_ended,
    "note": _mentioned,
}


# --- Written down -------------------------------------------------------------------------------


def _numbers(conn: Conn, handles: Iterable[str]) -> tuple[int, ...]:
    """The keys of active people; who is not there is passed over."""
    known = {one.handle: one.id for one in people.everybody(conn).values() if one.active}
    return tuple(known[one] for one in handles if one in known)


def _one(conn: Conn, happened: Happened, kind: str, person_id: int, data: dict[str, Any]) -> None:
    """Tell one person of an event, unless it is their own doing."""
    person = people.by_id(conn, person_id)
    if happened.actor == f"person:{person.handle}" or happened.account_kind != "customer":
        return
    by = {"by": happened.actor}
    what = (f"event/{happened.id}", happened.thread_id, kind, happened.at)
    _add(conn, what, (person_id,), data | by)


def _add(
    conn: Conn, what: tuple[str, int, str, datetime], to: Iterable[int], data: dict[str, Any]
) -> None:
    key, thread_id, kind, at = what
    notices = [
        NewNotice(f"{key}/{person_id}", person_id, thread_id, kind, at, data) for person_id in to
    ]
    agent_notices.add(conn, notices)


def _event(
    conn: Conn, thread: Thread, at: datetime, actor: str, what: tuple[str, dict[str, Any]]
) -> None:
    kind, data = what
    timeline.add(conn, timeline.Event(thread.account_id, thread.id, None, at, kind, actor, data))
