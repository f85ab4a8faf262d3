"""Follow-ups on their way: what ladders ask for, what is planned and due, the last look.

Every mail goes through `flow.leaving.notices`; here is when one is wanted, and what becomes of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from inbox import log
from inbox.errors import StoreError
from inbox.flow.admin.admin_set import AdminFiles
from inbox.flow.admin.stored_sets import in_force
from inbox.flow.leaving import agent_post
from inbox.flow.leaving.compose import Post
from inbox.flow.leaving.deliver import NotNow
from inbox.flow.leaving.notices import About, Done, Notices, Wish, addressee
from inbox.flow.promises import sequences, sla, tell
from inbox.flow.promises.acknowledge import NAME as ACKNOWLEDGEMENT
from inbox.flow.promises.acknowledge import acknowledge, answer
from inbox.flow.promises.climb import Fired
from inbox.mail.letter import Address
from inbox.store import accounts, followup_facts, handoffs, planned, targets, threads
from inbox.store.database import Conn, Database, is_conflict
from inbox.store.followup_facts import FiledMail, RuleDeed
from inbox.store.outbox import Claimed
from inbox.store.planned import NewSequence, NewStep, PlannedStep
from routing.manners import ASKS

BATCH = 50
SOON = timedelta(minutes=1)
"""Until a follow-up is looked at again whose addressee's mail is just being read."""
RETRY_AFTER = timedelta(minutes=5)
MOST_CAUSE = 60
"""Characters of the cause that an item keeps."""
GONE = ("queued", "held", "there")


def after_filing(
    conn: Conn,
    files: AdminFiles,
    post: Post | None,
    filed: Sequence[tuple[int, bool]],
    now: datetime,
) -> None:
    """Mails were filed in this transaction: (message, whether it is history) each."""
    told = files.followups
    numbers = [number for number, _ in filed]
    replies = [one for one in followup_facts.rule_deeds(conn, numbers) if one.reply]
    if not replies and not told.sequences and told.acknowledge.who == "nobody":
        return
    mails = followup_facts.filed_mails(conn, numbers)
    dated = frozenset(number for number, is_dated in filed if is_dated)
    sequences.after_filing(conn, files, mails, dated, now)
    if post is None or not post.mailboxes:
        return
    notices = Notices(conn, files, post, now)
    fresh = {one.id: one for one in mails if one.id not in dated}
    for wanted in replies:
        if wanted.message_id in fresh:
            _answer(notices, fresh[wanted.message_id], wanted)
    for one in fresh.values():
        acknowledge(notices, one)


def _answer(notices: Notices, mail: FiledMail, wanted: RuleDeed) -> None:
    """Do what a rule's `reply` says: now, or as soon as the bounds allow."""
    found = answer(notices, mail, wanted)
    if found is not None:
        wish, done = found
        notices.note(wish, done)
        if done.what in ("later", "parked"):
            plan(notices, wish, done)


def plan(notices: Notices, wish: Wish, done: Done) -> None:
    """What cannot go now becomes a row that people see and the sweep finds."""
    new = NewSequence(
        name=wish.sequence,
        account_id=wish.about.account.id,
        thread_id=wish.about.thread.id,
        cycle=wish.cycle,
        recipient=wish.to.address,
        started_at=notices.now,
    )
    step = NewStep(
        step=wish.step,
        template=wish.template,
        asks=notices.role(wish.template) == ASKS,
        due_at=done.not_before or notices.now,
        state="paused" if done.what == "parked" else "planned",
        why=done.why,
    )
    planned.start(notices.conn, new, [step])


@dataclass(slots=True)
class FollowUps:
    """Effects of ladders (`tick`), the sweep over what is planned, the look before DATA."""

    post: Post
    files: Callable[[Conn], AdminFiles | None] = in_force

    def notify(self, conn: Conn, fired: Fired, handles: tuple[str, ...]) -> None:
        """The timeline names them; those who want it are told by mail."""
        tell.step(conn, fired, handles)

    def follow_up(self, conn: Conn, fired: Fired, template: str) -> str:
        """Send a templated mail to who waits for our answer, in the transaction of the step."""
        notices = self._notices(conn, fired.now)
        target = fired.due.target
        about = notices.about(target.thread_id)
        found = addressee(about, notices.is_ours, unanswered=True)
        if found is None:
            return "nobody-to-write-to"
        wish = Wish(
            about=about,
            template=template,
            to=found[0],
            sequence=f"{sequences.SLA}{target.metric}",
            step=fired.step.name,
            cycle=target.cycle,
            answers=found[1],
            values={"due_at": target.due_at or fired.due_at},
        )
        done = notices.send(wish)
        notices.note(wish, done)
        if done.what in ("later", "parked"):
            plan(notices, wish, done)
        return {"later": "planned", "there": "queued"}.get(done.what, done.what)

    def _notices(self, conn: Conn, now: datetime) -> Notices:
        files = self.files(conn)
        if files is None:
            raise StoreError("nothing that admins own is in force yet")
        return Notices(conn, files, self.post, now)

    # --- What is planned and due --------------------------------------------------------------

    def sweep(self, db: Database, now: datetime, stop: Callable[[], bool] = lambda: False) -> int:
        """Send, put off or cancel every planned follow-up that is due; how many. `StoreError`."""
        total, size = 0, BATCH
        while not stop():
            with db.read() as conn:
                if not planned.any_due(conn, now):
                    break
            done = self._batch(db, now, size)
            if done is None:
                size = 1  # one of them fails: each alone, and that one later
                continue
            if not done:
                break
            total += done
        return total

    def _batch(self, db: Database, now: datetime, size: int) -> int | None:
        """How many were handled; None where one of them failed."""
        last: PlannedStep | None = None
        try:
            with db.write() as conn:
                rows = planned.claim(conn, now, size)
                notices = self._notices(conn, now)
                for one in rows:
                    last = one
                    self.handle(notices, one)
                return len(rows)
        except StoreError:
            raise
        except Exception as error:
            # Whatever it was, it was one of them; the others must not wait for it.
            if is_conflict(error):
                return 0
            log.step_failed(error)
            if size == 1 and last is not None:
                with db.write() as conn:
                    planned.save(conn, last.id, due_at=now + RETRY_AFTER)
            return None

    def handle(self, notices: Notices, one: PlannedStep) -> None:
        """Do what one due follow-up demands now."""
        conn, now = notices.conn, notices.now
        gone = sequences.reason_gone(conn, one)
        if gone:
            sequences.cancel_run(conn, one, gone, now)
            return
        if one.asks and notices.being_read(one.recipient):
            planned.save(conn, one.id, due_at=now + SOON, why="mail of theirs is just being read")
            return
        wish = self.wish_of(notices, one)
        done = notices.send(wish)
        notices.note(wish, done)
        if done.what == "later":
            planned.save(conn, one.id, due_at=done.not_before or now + SOON, why=done.why)
        elif done.what == "parked":
            planned.save(conn, one.id, state="paused", why=done.why)
        else:
            state = "queued" if done.what in GONE else "skipped"
            planned.save(
                conn, one.id, state=state, settled_at=now, why=done.why, item_id=done.item_id
            )
            planned.end_done(conn, one.sequence_id, now)
            if state == "queued" and not self.post.held:
                _act(notices, one, wish.about)

    def wish_of(self, notices: Notices, one: PlannedStep) -> Wish:
        """The mail that a planned follow-up is."""
        about = notices.about(one.thread_id)
        own = [mail for mail in about.mails if mail.from_address == one.recipient]
        values: dict[str, datetime] = {"waiting_since": one.started_at}
        if one.sequence.startswith(sequences.SLA):
            due_at = _due_of(notices.conn, one, about.thread.id)
            values |= {} if due_at is None else {"due_at": due_at}
        return Wish(
            about=about,
            template=one.template,
            to=Address(own[-1].from_name if own else "", one.recipient),
            sequence=one.sequence,
            step=one.step,
            cycle=one.cycle,
            answers=own[-1] if own else None,
            values=values,
            edited=one.edited,
        )

    # --- The last look --------------------------------------------------------------------------

    def recheck(self, conn: Conn, claimed: Claimed, now: datetime) -> str | None:
        """Why an automatic item must not leave after all, right before DATA; None where it may.

        Holds the account, so that what a customer's mail changes is seen or comes after. Raises
        `NotNow` while mail of theirs is being read.
        """
        if claimed.kind == "notice":
            return agent_post.lost_reason(conn, claimed.lease.item_id)
        if claimed.kind != "automatic" or claimed.thread_id is None:
            return None
        account_id = threads.by_id(conn, claimed.thread_id).account_id
        accounts.lock(conn, [account_id])
        notices = self._notices(conn, now)
        one = planned.of_item(conn, claimed.lease.item_id, account_id)
        why = _lost_reason(notices, claimed, one) or self._bounds(notices, claimed)
        return why[:MOST_CAUSE] or None

    def _bounds(self, notices: Notices, claimed: Claimed) -> str:
        """Why the bounds of DESIGN I9 keep it from leaving; empty where they do not."""
        conn = notices.conn
        role = notices.role(claimed.template or "")
        for address in claimed.recipients:
            if role == ASKS and notices.being_read(address):
                raise NotNow(f"mail of {address} is just being read")
            wish = Wish(
                about=notices.about(claimed.thread_id or 0),
                template=claimed.template or "",
                to=Address("", address),
                sequence="",
                step="",
                cycle=0,
                acknowledges=_key(conn, claimed)[0] == ACKNOWLEDGEMENT,
            )
            allowed = notices.permission(wish, leaving=claimed.lease.item_id)
            if not allowed.send:
                return allowed.why
        return ""


def _key(conn: Conn, claimed: Claimed) -> tuple[str, str]:
    """(sequence, cycle) of an automatic item: parts of its key."""
    key = followup_facts.key_of(conn, claimed.lease.item_id)
    _, _, sequence, _, cycle, *_ = (*key.split("/"), "", "", "", "", "")
    return sequence, cycle


def _lost_reason(notices: Notices, claimed: Claimed, one: PlannedStep | None) -> str:
    conn = notices.conn
    if one is not None:
        if one.state == "cancelled":
            return one.why or "cancelled"
        return sequences.reason_gone(conn, one, closes=_closes(notices, one))
    sequence, cycle = _key(conn, claimed)
    if sequence.startswith(sequences.SLA) and claimed.thread_id is not None:
        metric = sequence.removeprefix(sequences.SLA)
        return sequences.promise_gone(conn, metric, claimed.thread_id, int(cycle))
    return ""


def _due_of(conn: Conn, one: PlannedStep, thread_id: int) -> datetime | None:
    metric = one.sequence.removeprefix(sequences.SLA)
    for target in targets.of_threads(conn, [thread_id])[thread_id]:
        if (target.metric, target.cycle) == (metric, one.cycle):
            return target.due_at
    return None


def _closes(notices: Notices, one: PlannedStep) -> bool:
    """Does the step say `then: close`?"""
    return any(
        step.then == "close"
        for run in notices.files.followups.sequences
        if run.name == one.sequence
        for step in run.steps
        if step.name == one.step
    )


def _act(notices: Notices, one: PlannedStep, about: About) -> None:
    """What a step does beside its mail: `then: close`."""
    if not _closes(notices, one) or about.thread.status == "closed":
        return
    conn, thread = notices.conn, about.thread
    offered = handoffs.open_of(conn, thread.id)
    if offered is not None:
        handoffs.settle(conn, offered.id, "withdrawn", None, "the thread was closed", notices.now)
    threads.save(conn, thread.id, status="closed", snoozed_until=None)
    data = {"status": "closed", "from": thread.status, "why": f"{one.sequence}: {one.step}"}
    notices.event(about, "status-changed", data)
    clocks = sla.clocks_of(notices.files)
    if clocks is not None:
        sla.refresh(conn, clocks, [thread.id], None)
