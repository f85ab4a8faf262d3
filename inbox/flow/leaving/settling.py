"""What an outcome means: for the item, for its recipients, for the thread and its timeline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from inbox.flow import extras
from inbox.mail.joining import ids_of
from inbox.mail.letter import Letter
from inbox.mail.outgoing import (
    ACCEPTED,
    REFUSED,
    WAITING,
    Deferred,
    Outcome,
    RecipientOutcome,
    Rejected,
    Sent,
    Uncertain,
)
from inbox.mail.parse import parse_letter
from inbox.store import (
    accounts,
    outbox,
    outbox_desk,
    outbox_filing,
    people,
    search,
    side_mails,
    timeline,
)
from inbox.store import threads as thread_store
from inbox.store.database import Conn
from inbox.store.outbox import Claimed, Settlement
from inbox.store.outbox_filing import SentMessage
from inbox.store.threads import Thread

FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=4)
AT_ONCE = frozenset({"stopped", "courier-ended"})
"""Causes that are no sign of trouble at the other end."""


@dataclass(frozen=True, slots=True)
class Judged:
    """An item and its outcome; or why it must not leave, as (state, cause)."""

    claimed: Claimed
    outcome: Outcome | None = None
    withdrawn: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Ready:
    """An outcome with the mail read, where it may have reached somebody."""

    judged: Judged
    letter: Letter | None
    words: str = ""


def backoff(attempts: int, jitter: float) -> timedelta:
    """The wait after the n-th attempt: a minute, doubled up to four hours, a quarter more or less.

    `jitter` from 0 to 1 spreads items that failed together.
    """
    wait = min(FIRST_WAIT * (1 << min(attempts - 1, 12)), LONGEST_WAIT)
    return wait * (0.75 + 0.5 * jitter)


def prepare(judged: Judged) -> Ready:
    """Read the mail that is going onto the timeline; work that belongs before the transaction."""
    claimed, outcome = judged.claimed, judged.outcome
    on_timeline = isinstance(outcome, Sent | Uncertain) and claimed.message_id is None
    if not on_timeline or claimed.thread_id is None or claimed.kind == "notice":
        return Ready(judged, None)
    letter = parse_letter(claimed.raw, envelope_from=claimed.reverse_path)
    names = [f"{one.name} {one.address}" for one in (*letter.from_, *letter.to, *letter.cc)]
    return Ready(judged, letter, search.words_of("\n".join((letter.subject, *names, letter.text))))


Told = Callable[[Conn, Thread, int], None]
"""Called in the settling transaction where a reply changed what clocks go by: with the thread as it
is then, and the number of the event."""


@dataclass(frozen=True, slots=True)
class Around:
    """What settling asks of the house around it. `jitter` is from 0 to 1."""

    is_ours: Callable[[str], bool]
    jitter: float
    told: Told


def settle(conn: Conn, ready: Ready, around: Around, now: datetime) -> str:
    """Write everything that follows from an outcome; the item's state. Raises `ItemLost`."""
    judged = ready.judged
    desk = _Desk(conn, ready, around, now)
    done = _settlement(judged, desk.reached_before, around.jitter, now)
    outbox.settle(conn, judged.claimed.lease, done, now)
    message_id = desk.file() if ready.letter is not None else judged.claimed.message_id
    desk.tell(done, message_id)
    return done.state


# --- What becomes of the item ------------------------------------------------------------------


def _settlement(judged: Judged, reached: bool, jitter: float, now: datetime) -> Settlement:
    claimed, outcome = judged.claimed, judged.outcome
    if judged.withdrawn is not None:
        state, cause = judged.withdrawn
        return Settlement(
            "sent" if reached else state, cause, "the rest did not leave" if reached else None
        )
    assert outcome is not None
    if isinstance(outcome, Sent):
        if any(one.state == WAITING for one in outcome.by_recipient):
            waits = "some recipients are asked to wait"
            return _again(claimed, Deferred("recipient", waits, outcome.by_recipient), jitter, now)
        return Settlement("sent", detail=outcome.answer.text, by_recipient=outcome.by_recipient)
    if isinstance(outcome, Rejected):
        by_recipient = outcome.by_recipient or tuple(
            RecipientOutcome(one, REFUSED) for one in claimed.recipients
        )
        state = "sent" if reached else "failed"
        return Settlement(state, outcome.cause, outcome.detail, by_recipient=by_recipient)
    if isinstance(outcome, Uncertain):
        if claimed.kind == "reply":
            same = Deferred("uncertain", outcome.detail, outcome.by_recipient)
            return _again(claimed, same, jitter, now)
        return Settlement(
            "uncertain", "uncertain", outcome.detail, by_recipient=outcome.by_recipient
        )
    done = _again(claimed, outcome, jitter, now)
    if reached and done.state in ("failed", "expired"):
        return Settlement("sent", done.cause, done.detail, by_recipient=done.by_recipient)
    return done


def _again(claimed: Claimed, outcome: Deferred, jitter: float, now: datetime) -> Settlement:
    wait = timedelta(0) if outcome.cause in AT_ONCE else backoff(claimed.attempts, jitter)
    at = now + wait
    if at < claimed.expires_at:
        return Settlement(
            "queued", outcome.cause, outcome.detail, at, by_recipient=outcome.by_recipient
        )
    state = "failed" if claimed.kind == "reply" else "expired"
    if outcome.cause == "uncertain":
        state = "uncertain"
    return Settlement(state, outcome.cause, outcome.detail, by_recipient=outcome.by_recipient)


# --- The thread and its timeline ---------------------------------------------------------------


class _Desk:
    """What one settling transaction sees and writes beside the item."""

    def __init__(self, conn: Conn, ready: Ready, around: Around, now: datetime) -> None:
        self._conn, self._ready, self._around, self._now = conn, ready, around, now
        self._claimed = ready.judged.claimed
        self._thread: Thread | None = None
        if self._claimed.thread_id is not None:
            self._thread = thread_store.by_id(conn, self._claimed.thread_id)
            accounts.lock(conn, {self._thread.account_id})
            self._thread = thread_store.by_id(conn, self._claimed.thread_id)
        self._actor = "aboard"
        if self._claimed.by_id is not None:
            self._actor = f"person:{people.by_id(conn, self._claimed.by_id).handle}"
        self._side = side_mails.is_side(conn, self._claimed.lease.item_id)
        self.reached_before = outbox_filing.accepted_before(conn, self._claimed.lease.item_id)

    def file(self) -> int:
        """Put the mail onto its thread as of its enqueue instant; its message number."""
        letter, thread, claimed = self._ready.letter, self._thread, self._claimed
        assert letter is not None and thread is not None
        number = outbox_filing.already(self._conn, claimed.raw_id)
        if number is None:
            row = _row(letter, thread, claimed)
            outside = [one for one in claimed.recipients if not self._around.is_ours(one)]
            if self._side:  # whom we ask aside belongs to no customer's thread
                row["extras"] = {**row["extras"], extras.SIDE: True}
                outside = []
            files = extras.files_of(letter)
            sent = SentMessage(row, files, self._ready.words, outside)
            number = outbox_filing.file_sent(self._conn, thread, sent, claimed.created_at)
        outbox.note_message(self._conn, claimed.lease.item_id, number)
        return number

    def tell(self, done: Settlement, message_id: int | None) -> None:
        """Write the events, and let the thread wait for the customer where a reply went out."""
        outcome = self._ready.judged.outcome
        if isinstance(outcome, Sent) and not self.reached_before:
            self._sent(outcome, message_id)
        elif isinstance(outcome, Uncertain):
            data = {"detail": outcome.detail, "again": done.state == "queued"}
            self._event("mail-uncertain", data, message_id)
        elif done.state in ("failed", "expired", "cancelled"):
            data = {"cause": done.cause or "", "detail": done.detail or ""}
            self._event(f"mail-{done.state}", data, None)
        refused = [one for one in done.by_recipient if one.state == REFUSED]
        if refused and done.state != "failed":
            data = {"cause": "recipient", "detail": _reasons(refused)}
            self._event("mail-failed", data, message_id, [one.address for one in refused])

    def _sent(self, outcome: Sent, message_id: int | None) -> None:
        claimed, thread = self._claimed, self._thread
        reached = [one.address for one in outcome.by_recipient if one.state == ACCEPTED]
        letter = self._ready.letter
        data: dict[str, Any] = {"verified": "own"}
        data["automatic"] = "none" if claimed.kind == "reply" else "auto-reply"
        if letter is not None:
            data["automatic"] = letter.automatic.kind.value
        if claimed.template:
            data["template"] = claimed.template
        if self._side:
            data["side"] = "yes"
        self._event("mail-out", data, message_id, reached, claimed.created_at)
        if thread is not None and claimed.kind == "reply" and not self._side:
            self._answered(thread, message_id, reached)

    def _answered(self, thread: Thread, message_id: int | None, reached: list[str]) -> None:
        """A person's reply has left: clocks count it as of the instant at which it was written, and
        the thread waits for the customer, unless they have written since."""
        since = self._claimed.created_at
        number = self._event("reply-queued", {}, message_id, reached, since)
        turn = thread.status in ("open", "snoozed")
        if turn and not outbox_desk.answered_since(self._conn, thread.id, since):
            thread_store.save(self._conn, thread.id, status="waiting", snoozed_until=None)
            data = {"status": "waiting", "from": thread.status}
            number = self._event("status-changed", data, None, reached)
        self._around.told(self._conn, thread_store.by_id(self._conn, thread.id), number)

    def _event(
        self,
        kind: str,
        data: dict[str, Any],
        message_id: int | None,
        to: list[str] | None = None,
        at: datetime | None = None,
    ) -> int:
        claimed, thread = self._claimed, self._thread
        account_id = thread.account_id if thread is not None else claimed.account_id
        if account_id is None or claimed.kind == "notice":
            return 0
        shared = {"item": str(claimed.lease.item_id), "kind": claimed.kind}
        event = timeline.Event(
            account_id=account_id,
            thread_id=None if thread is None else thread.id,
            message_id=message_id,
            at=at or self._now,
            kind=kind,
            actor=self._actor,
            data=shared | {"to": list(claimed.recipients) if to is None else to} | data,
        )
        return timeline.add(self._conn, event)


def _reasons(refused: list[RecipientOutcome]) -> str:
    said = [
        f"{one.address}: {one.answer.code} {one.answer.text}" if one.answer else one.address
        for one in refused
    ]
    return "; ".join(said)


def _row(letter: Letter, thread: Thread, claimed: Claimed) -> dict[str, Any]:
    ids = ids_of(letter)
    fields = {"to": letter.to, "cc": letter.cc, "reply_to": letter.reply_to}
    author = letter.from_[0]
    return {
        "thread_id": thread.id,
        "account_id": thread.account_id,
        "contact_id": None,
        "raw_id": claimed.raw_id,
        "direction": "out",
        "mail_id": letter.message_id,
        "content_hash": letter.content_hash,
        "parents": list(ids[1:]),
        "subject": letter.subject,
        "from_name": author.name,
        "from_address": author.address.lower()[:520],
        "recipients": {
            name: [[one.name, one.address] for one in listed]
            for name, listed in fields.items()
            if listed
        },
        "sent_at": letter.date,
        "received_at": claimed.created_at,
        "size": len(claimed.raw),
        "text": letter.text,
        "visible_text": letter.visible_text,
        "has_html": letter.html is not None,
        "language": None,
        "automatic": letter.automatic.kind.value,
        "may_answer": False,
        "verified": "own",
        "extras": extras.of_letter(letter),
        "defects": list(letter.defects),
    }
