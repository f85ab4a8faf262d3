"""Reply: what a person answers on a thread, from the draft to the outbox.

Shown first, as a plan; then put into the outbox in one transaction that looks again whether
something newer arrived. It waits there for the undo window, or until the instant it is to be sent
at. What follows when it has left is in `settling.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from inbox.errors import AboardError, NotFound
from inbox.flow import extras
from inbox.flow.leaving import compose, stale
from inbox.flow.leaving.compose import Composed, Draft, Plan, Post
from inbox.flow.people.audience import Asked, Audience, audience_of
from inbox.flow.people.ownership import OWNER_CHANGED
from inbox.flow.texts.words_html import as_html
from inbox.flow.working.work import Told
from inbox.mail.outgoing import Unsendable
from inbox.mail.writing import File
from inbox.store import (
    accounts,
    deeds,
    drafts,
    messages,
    people,
    side_mails,
    threads,
    timeline,
)
from inbox.store.database import Conn, Database
from inbox.store.deeds import Deed
from inbox.store.messages import Message
from inbox.store.people import Person
from inbox.store.threads import Thread


class StaleReply(AboardError):
    """Something newer arrived, or somebody else is answering; `newer` says what."""

    def __init__(self, newer: tuple[str, ...]) -> None:
        self.newer = newer
        said = "; ".join(newer)
        super().__init__(f"not sent: {said} (read it, then send with --anyway)")


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to answer."""

    thread_id: int
    by: str
    """Handle of the person."""
    text: str
    html: str | None = None
    asked: Asked = field(default_factory=Asked)
    answers_id: int | None = None
    """The message that it answers; the newest that a person wrote to us, where none is named."""
    seen_id: int | None = None
    """The newest message that the person had before them."""
    anyway: bool = False
    at: datetime | None = None
    """Send then, and only if the customer has not answered before."""
    seen_event_id: int | None = None
    """The newest event of the thread that the person had before them."""
    files: tuple[File, ...] = ()
    rich: bool = False
    """Also as HTML, made from the text (`flow.texts.words_html`)."""
    subject: str = ""
    """Instead of `Re:` and that of the answered mail."""
    draft_id: int | None = None
    """The draft that this was written as; it ends, or is there again after an undo."""
    run: str = ""
    """The name under which it is undone (`flow.working.undo`)."""
    key: str = ""
    """Two replies with one key are one; empty: each is its own."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A reply as it would leave."""

    thread: Thread
    person: Person
    answers: Message
    audience: Audience
    draft: Draft
    newer: tuple[str, ...]
    """Why it is stale; empty where it is not."""

    @property
    def is_side(self) -> bool:
        """It answers a mail that the customer is no part of."""
        return extras.is_aside(self.answers)


@dataclass(frozen=True, slots=True)
class Queued:
    """A reply in the outbox."""

    planned: Planned
    item_id: int
    run_after: datetime
    held: bool


def plan(conn: Conn, wish: Wish, post: Post, mails: Sequence[Message] | None = None) -> Planned:
    """The reply as it would leave; changes nothing. `mails` are all of the thread, where they were
    read already. Raises `NotFound`, and `AboardError` where an address cannot be written or nobody
    would get it."""
    thread = threads.by_id(conn, wish.thread_id)
    person = people.at_work(conn, wish.by)
    mails = messages.of_thread(conn, thread.id) if mails is None else mails
    answered = _answered(thread, mails, wish.answers_id)
    if not wish.text.strip():
        raise AboardError("the reply is empty")

    def is_ours(address: str) -> bool:
        return compose.is_mailbox(post.mailboxes, address)

    try:
        chosen = audience_of(conn, thread, answered, wish.asked, is_ours)
    except Unsendable as reason:
        raise AboardError(str(reason)) from reason
    if not chosen.to:
        raise AboardError(f"nobody would get it: message {answered.id} names no one; give --to")
    text = f"{wish.text.strip()}\n\n{compose.quoted(answered)}\n"
    draft = Draft(
        mailbox=mailbox_of(answered, mails, post),
        from_name=title_of(conn, thread.team),
        to=chosen.to,
        cc=chosen.cc,
        subject=wish.subject or compose.reply_subject(answered.subject or thread.subject),
        text=text,
        html=wish.html or (html_of(text, wish.files) if wish.rich else None),
        answers=answered,
        files=wish.files,
    )
    newer = _newer(conn, thread, mails, wish)
    return Planned(thread, person, answered, chosen, draft, newer)


def reply(
    db: Database,
    wish: Wish,
    post: Post,
    now: datetime,
    told: Told = lambda conn, thread, event: None,
    also: Callable[[Conn], None] = lambda conn: None,
) -> Queued:
    """Put a reply into the outbox; it leaves when the undo window is over, or at `wish.at`.

    Who replies to a thread that nobody owns owns it. `also` is done in the same transaction. Raises
    `StaleReply`, and what `plan` raises.
    """
    if wish.at is not None and wish.at <= now:
        raise AboardError(f"{wish.at:%Y-%m-%d %H:%M} UTC has passed; give an instant to come")
    with db.read() as conn:
        planned = plan(conn, wish, post)
    try:
        composed = compose.compose(planned.draft, post, now)
    except Unsendable as reason:
        raise AboardError(str(reason)) from reason
    with db.write() as conn:
        accounts.lock(conn, [planned.thread.account_id])
        thread = threads.by_id(conn, planned.thread.id)
        newer = _newer(conn, thread, messages.of_thread(conn, thread.id), wish)
        if newer and not wish.anyway:
            raise StaleReply(newer)
        run_after = wish.at or now + post.undo_for
        item_id = _enqueue(conn, wish, planned, composed, (post, run_after, now))
        if planned.is_side:
            side_mails.add(conn, item_id, thread.id, [one for one, _ in composed.recipients])
        end_draft(conn, wish.draft_id, item_id, thread, planned.person, (wish.run, now))
        if thread.claimed_at is None and not planned.is_side:
            _own(conn, thread, planned.person, now, told)
        also(conn)
    return Queued(planned, item_id, run_after, post.held)


def _enqueue(
    conn: Conn,
    wish: Wish,
    planned: Planned,
    composed: Composed,
    how: tuple[Post, datetime, datetime],
) -> int:
    post, run_after, now = how
    thread = planned.thread
    entry = Plan(
        key=wish.key or f"reply/{composed.mail_id}",
        kind="reply",
        thread_id=thread.id,
        account_id=thread.account_id,
        by_id=planned.person.id,
        answers_id=planned.answers.id,
        run_after=run_after,
        cancel_if_answered=wish.at is not None and not planned.is_side,
    )
    item_id = compose.enqueue(conn, composed, entry, post, now).item_id
    data = {
        "item": str(item_id),
        "kind": "reply",
        "to": [address for address, _ in composed.recipients],
        "run_after": run_after.isoformat(),
        "held": post.held,
    }
    event = timeline.Event(
        account_id=thread.account_id,
        thread_id=thread.id,
        message_id=None,
        at=now,
        kind="mail-queued",
        actor=f"person:{planned.person.handle}",
        data=data,
    )
    timeline.append(conn, [event])
    return item_id


def _own(conn: Conn, thread: Thread, person: Person, now: datetime, told: Told) -> None:
    """Who replies to a thread that nobody has taken on has taken it on."""
    before = people.by_id(conn, thread.accountable_id).handle
    threads.save(conn, thread.id, accountable_id=person.id, claimed_at=now)
    event = timeline.Event(
        account_id=thread.account_id,
        thread_id=thread.id,
        message_id=None,
        at=now,
        kind=OWNER_CHANGED,
        actor=f"person:{person.handle}",
        data={"to": person.handle, "from": before, "owned": True, "why": "claimed it"},
    )
    number = timeline.add(conn, event)
    told(conn, threads.by_id(conn, thread.id), number)


def _answered(thread: Thread, mails: Sequence[Message], wanted: int | None) -> Message:
    if wanted is not None:
        found = next((one for one in mails if one.id == wanted), None)
        if found is None:
            raise NotFound(f"thread {thread.id} has no message {wanted}")
        return found
    mails = [one for one in mails if not extras.is_aside(one)] or list(mails)
    incoming = [one for one in mails if one.direction == "in"]
    human = [one for one in incoming if one.automatic in ("none", "list")]
    candidates = human or incoming or list(mails)
    if not candidates:
        raise NotFound(f"thread {thread.id} has no message to answer")
    return candidates[-1]


def title_of(conn: Conn, team: str) -> str:
    """The team's name as customers read it."""
    teams = people.directory(conn).teams
    return next((one.title for one in teams if one.name == team), team)


def mailbox_of(answered: Message, mails: Sequence[Message], post: Post) -> str:
    """The mailbox that the customer wrote to: of the answered message, else of an earlier one."""
    for mail in (answered, *reversed(mails)):
        fields = ("to", "cc") if mail.direction == "in" else ()
        addresses = [address for one in fields for _, address in mail.recipients.get(one, ())]
        addresses += [mail.from_address] if mail.direction == "out" else []
        for mailbox in post.mailboxes:
            if any(compose.is_mailbox((mailbox,), one) for one in addresses):
                return mailbox.address
    if not post.mailboxes:
        raise AboardError("no mailbox is configured to send from (setting `mailboxes`)")
    return post.mailboxes[0].address


def _newer(conn: Conn, thread: Thread, mails: Sequence[Message], wish: Wish) -> tuple[str, ...]:
    return stale.newer(conn, thread, mails, stale.Seen(wish.by, wish.seen_id, wish.seen_event_id))


def html_of(text: str, files: Sequence[File]) -> str:
    """The text as HTML, with those pictures that it shows."""
    return as_html(text, {one.name: one.content_id for one in files if one.content_id})


def end_draft(
    conn: Conn,
    draft_id: int | None,
    item_id: int | None,
    thread: Thread,
    person: Person,
    how: tuple[str, datetime],
) -> None:
    """What was written as a draft has been sent; with a run, both can be taken back."""
    run, now = how
    if draft_id is not None and not drafts.end(conn, draft_id, item_id, now):
        raise AboardError("this draft has just been sent, or thrown away: look at the thread")
    if run:
        after = {"item": item_id, "draft": draft_id}
        deeds.add(conn, Deed(run, "send", thread.id, person.id, now, {}, after))
