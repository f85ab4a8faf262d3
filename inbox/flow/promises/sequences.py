"""Sequences of follow-ups: they begin with an event, move with an absence, end with their reason.

What asks the customer for something ends when a person of the account writes; what says that we
are late ends with our reply or the thread. Automatic mail, bounces and strangers end nothing.
Called in the transaction of what happened; sends nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from inbox.clock import iso
from inbox.errors import AboardError
from inbox.flow import extras
from inbox.flow.admin.admin_set import AdminFiles
from inbox.flow.leaving.notices import HUMAN, Notices, addressee
from inbox.store import accounts, followup_facts, outbox_desk, planned, targets, threads, timeline
from inbox.store.database import Conn
from inbox.store.followup_facts import FiledMail, Start
from inbox.store.planned import NewSequence, NewStep, PlannedStep
from routing.hours import NoOpenHours
from routing.manners import ASKS, LATE

SLA = "sla:"
"""What the name of a run begins with that a ladder of sla.yaml has planned."""
PLANNED, CANCELLED, MOVED = "follow-ups-planned", "follow-ups-cancelled", "follow-ups-moved"
LONGEST_ABSENCE = timedelta(days=90)
"""Further than that nobody's return date moves anything."""
WROTE = "the customer has written"


def after_event(conn: Conn, files: AdminFiles, event_id: int) -> None:
    """Something happened on a thread: end what has lost its reason, begin what it starts."""
    happened = followup_facts.event(conn, event_id)
    if happened is None or happened.thread_id is None:
        return
    waiting = planned.waiting_of_thread(conn, happened.thread_id)
    end_gone(conn, files, waiting, happened.at)
    on, stage = _starts(happened)
    if on:
        begin(conn, files, happened, (on, stage))


def _starts(happened: Start) -> tuple[str, str]:
    """(`waiting`, `closed`, `handoff`, `stage` or nothing, the stage) that an event means."""
    if happened.kind == "status-changed":
        status = str(happened.data.get("status", ""))
        return (status if status in ("waiting", "closed") else ""), ""
    if happened.kind == "handoff-accepted":
        return "handoff", ""
    if happened.kind == "stage-changed":
        return "stage", str(happened.data.get("stage", ""))
    return "", ""


def begin(conn: Conn, files: AdminFiles, happened: Start, start: tuple[str, str]) -> None:
    """Plan every sequence that this event starts, once per event and person."""
    runs = files.followups.started_by(*start)
    if not runs or happened.thread_id is None:
        return
    notices = Notices(conn, files, None, happened.at)
    about = notices.about(happened.thread_id)
    found = addressee(about, notices.is_ours)
    if about.account.kind != "customer" or found is None:
        return
    for run in runs:
        try:
            steps = [
                NewStep(
                    step=one.name,
                    template=one.template,
                    asks=notices.role(one.template) == ASKS,
                    due_at=about.calendar.add(happened.at, one.after.in_(about.calendar)),
                )
                for one in run.steps
            ]
        except NoOpenHours:
            continue  # nobody works in this calendar: its time never comes
        new = NewSequence(
            run.name, about.account.id, about.thread.id, happened.id, found[0].address, happened.at
        )
        if planned.start(conn, new, steps) is not None:
            listed = [
                {"step": one.step, "template": one.template, "due": iso(one.due_at)}
                for one in steps
            ]
            data = {"sequence": run.name, "to": found[0].address, "steps": listed}
            notices.event(about, PLANNED, data)


# --- What ends them ------------------------------------------------------------------------------


def reason_gone(conn: Conn, one: PlannedStep, *, closes: bool = False) -> str:
    """Why a follow-up has lost its reason; empty where it has not. `closes`: its thread was closed
    as it was put into the outbox."""
    thread = threads.by_id(conn, one.thread_id)
    if one.sequence.startswith(SLA):
        found = _promise_gone(conn, one.sequence.removeprefix(SLA), thread.id, one.cycle)
    else:
        found = "" if closes and thread.status == "closed" else _start_gone(conn, one, thread)
    if not found and one.asks:
        wrote = followup_facts.wrote_since(conn, thread.account_id, one.cycle, one.started_at)
        found = WROTE if wrote else ""
    return found


def _promise_gone(conn: Conn, metric: str, thread_id: int, cycle: int) -> str:
    """A promise ends by our reply, by closing, or by being taken back."""
    for target in targets.of_threads(conn, [thread_id])[thread_id]:
        if (target.metric, target.cycle) == (metric, cycle):
            return "" if target.settled_at is None else f"the promise is {target.state}"
    return "the promise is gone"


def promise_gone(conn: Conn, metric: str, thread_id: int, cycle: int) -> str:
    """Why a mail about a promise has lost its reason; empty where it has not."""
    return _promise_gone(conn, metric, threads.by_id(conn, thread_id).id, cycle)


def _start_gone(conn: Conn, one: PlannedStep, thread: threads.Thread) -> str:
    begun = followup_facts.event(conn, one.cycle)
    if begun is None:
        return "what started it is gone"
    if begun.kind == "status-changed":
        wanted = begun.data.get("status")
        return "" if thread.status == wanted else f"the thread is {thread.status}"
    if begun.kind == "mail-in":
        return "the thread is closed" if thread.status == "closed" else ""
    if begun.kind == "handoff-accepted":
        if thread.status == "closed":
            return "the thread is closed"
        same = thread.team == begun.data.get("team")
        return "" if same else f"the thread is with {thread.team} now"
    stage = accounts.by_id(conn, thread.account_id).stage
    return "" if stage == begun.data.get("stage") else f"the account is at stage {stage}"


def end_gone(conn: Conn, files: AdminFiles, some: Iterable[PlannedStep], now: datetime) -> None:
    """Cancel the runs among these that have lost their reason."""
    gone: dict[int, tuple[PlannedStep, str]] = {}
    for one in some:
        if one.sequence_id not in gone and (why := reason_gone(conn, one)):
            gone[one.sequence_id] = (one, why)
    for one, why in gone.values():
        cancel_run(conn, one, why, now)


def cancel_run(conn: Conn, one: PlannedStep, why: str, now: datetime, actor: str = "") -> None:
    """Cancel what is left of a run, and say so on the timeline."""
    planned.cancel(conn, [one.sequence_id], why, now)
    data = {"sequence": one.sequence, "to": one.recipient, "why": why}
    _note(conn, one, CANCELLED, data, (now, actor or "aboard"))


def _note(
    conn: Conn, one: PlannedStep, kind: str, data: dict[str, str], when: tuple[datetime, str]
) -> None:
    thread = threads.by_id(conn, one.thread_id)
    now, actor = when
    timeline.add(conn, timeline.Event(thread.account_id, thread.id, None, now, kind, actor, data))


def after_filing(
    conn: Conn, files: AdminFiles, filed: Sequence[FiledMail], dated: Collection[int], now: datetime
) -> None:
    """Mails were filed in this transaction; `dated` are messages of history, which end nothing."""
    fresh = [one for one in filed if one.direction == "in" and one.id not in dated]
    human = [one for one in fresh if one.automatic in HUMAN and one.account_kind == "customer"]
    wrote = {one.account_id for one in human if not extras.is_aside(one)}
    if wrote:
        _answered(conn, files, wrote, now)
    for one in fresh:
        if one.automatic == "out-of-office" and one.extras.get("return_on"):
            _move(conn, files, one, now)
    for happened in followup_facts.stage_changes(conn, [one.id for one in fresh]):
        begin(conn, files, happened, _starts(happened))


def _answered(conn: Conn, files: AdminFiles, account_ids: set[int], now: datetime) -> None:
    waiting = planned.waiting_of_accounts(conn, account_ids)
    asking = {one.sequence_id: one for one in waiting if one.asks}
    for one in planned.leaving(conn, account_ids):
        if one.asks and _withdrawn(conn, one, now):
            asking[one.sequence_id] = one
    for one in asking.values():
        cancel_run(conn, one, WROTE, now)
    end_gone(conn, files, (one for one in waiting if one.sequence_id not in asking), now)


def _withdrawn(conn: Conn, one: PlannedStep, now: datetime) -> bool:
    """Was its mail taken back before it left?"""
    assert one.item_id is not None
    try:
        outbox_desk.cancel(conn, one.item_id, now, "answered")
    except AboardError:
        return False  # it is on its way
    planned.save(conn, one.id, state="cancelled", settled_at=now, why=WROTE)
    return True


# --- Out of office -------------------------------------------------------------------------------


def _move(conn: Conn, files: AdminFiles, mail: FiledMail, now: datetime) -> None:
    """Somebody is away: what is planned for them waits until the day after their return."""
    back = min(date.fromisoformat(str(mail.extras["return_on"])), (now + LONGEST_ABSENCE).date())
    notices = Notices(conn, files, None, now)
    runs: dict[int, list[PlannedStep]] = {}
    for one in planned.waiting_of_accounts(conn, [mail.account_id]):
        if one.recipient == mail.from_address and notices.role(one.template) != LATE:
            runs.setdefault(one.sequence_id, []).append(one)
    for steps in runs.values():
        calendar = notices.calendar(threads.by_id(conn, steps[0].thread_id).team)
        midnight = datetime.combine(back + timedelta(days=1), time(), ZoneInfo(calendar.zone))
        try:
            earliest = calendar.next_open(midnight)
            shift = earliest - steps[0].due_at
            if shift <= timedelta(0):
                continue
            for one in steps:
                due = calendar.next_open(one.due_at + shift)
                planned.save(conn, one.id, due_at=due, why=f"back on {back.isoformat()}")
        except NoOpenHours:
            continue
        data = {"sequence": steps[0].sequence, "to": mail.from_address}
        data |= {"return_on": back.isoformat(), "due": iso(earliest)}
        _note(conn, steps[0], MOVED, data, (now, "aboard"))
