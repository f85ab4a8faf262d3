"""From the composer to the outbox: reply, note or forward as the draft says, and what follows.

One form is one run (`undo`): the mail, the draft that it was, and the status that the thread
went to are taken back together while the mail waits for its undo window.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from inbox.errors import AboardError
from inbox.flow.leaving import canned, compose
from inbox.flow.leaving.compose import Plan, Post
from inbox.flow.leaving.outbox_deeds import tell_cancelled
from inbox.flow.people.audience import Asked
from inbox.flow.promises import sla
from inbox.flow.working import reply
from inbox.flow.working.desk import assign
from inbox.flow.working.drafts import Drafting, pictures_in, refuse_size
from inbox.flow.working.reply import Wish, end_draft
from inbox.flow.working.undoing import Undoing, Way
from inbox.flow.working.work import Desk, Told
from inbox.mail.letter import Address
from inbox.mail.limits import LimitExceeded
from inbox.mail.opened import OpenedMail
from inbox.mail.outgoing import Unsendable, wire_address
from inbox.mail.writing import File
from inbox.store import (
    accounts,
    drafts,
    ledger,
    messages,
    outbox_desk,
    people,
    side_mails,
    threads,
    timeline,
)
from inbox.store.database import Conn, Database, Within
from inbox.store.deeds import Deed
from inbox.store.drafts import Draft
from inbox.store.threads import Thread

AFTER = ("", "close", "wait")
"""What happens to the thread as the mail is put into the outbox: nothing until it has left, it is
closed, or it waits for the customer at once."""
FORWARDED = "mail-forwarded"


@dataclass(frozen=True, slots=True)
class Ordered:
    """What somebody wants done with a draft."""

    draft_id: int
    thread_id: int
    then: str = ""
    anyway: bool = False
    seen_message_id: int | None = None
    seen_event_id: int | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Gone:
    """What became of it."""

    kind: str
    item_id: int | None
    run_after: datetime | None
    held: bool = False


@dataclass(frozen=True, slots=True)
class Sending:
    """Somebody who sends what they wrote."""

    db: Database
    by: str
    post: Post
    told: Told = sla.told
    run: str = ""

    def send(self, order: Ordered, now: datetime) -> Gone:
        """Put a draft into the outbox, or onto the timeline where it is a note; and do, in the same
        transaction, what the pressed button and the macro ask for beside it.

        Raises `StaleReply` where something newer is there, and the draft stays; `NotFound`,
        `AboardError`.
        """
        if order.then not in AFTER:
            raise AboardError(f"{order.then!r}: after sending a thread is closed or waits")
        with self.db.read() as conn:
            draft = Drafting(self.db, self.by).open(conn, order.draft_id, order.thread_id)
            files = () if draft.kind == "note" else files_of(conn, draft)
        if draft.kind == "note":
            return self._note(draft, order, now)
        if draft.kind == "forward":
            return self._forward(draft, files, order, now)
        return self._reply(draft, files, order, now)

    def _follow(self, conn: Conn, draft: Draft, order: Ordered, now: datetime) -> None:
        """What the pressed button, and the macro that the text came from, do beside sending."""
        within = Within(conn)
        desk = Desk(within, self.by, self.told, self.run)
        known = canned.macros(conn, draft.kind)
        owner = threads.by_id(conn, order.thread_id)
        macro = known.get(str(draft.fields.get("macro") or ""))
        if macro is not None:
            if macro.tags or macro.untag:
                desk.tag(order.thread_id, macro.tags, macro.untag, now)
            if macro.priority:
                desk.prioritise(order.thread_id, macro.priority, now)
            if macro.claim and owner.claimed_at is None:
                desk.claim(order.thread_id, now)
            if macro.team and macro.team != owner.team:
                assign(within, order.thread_id, macro.team, self.by, now, run=self.run)
        then = order.then or ("" if macro is None else macro.then)
        if then == "close":
            desk.close(order.thread_id, now)
        elif then == "wait":
            desk.wait(order.thread_id, now)

    def wish(self, draft: Draft, files: tuple[File, ...], order: Ordered) -> Wish:
        """A draft as a reply that is asked for."""
        said = draft.fields
        asked = Asked(
            bool(said.get("everybody")), tuple(said.get("to") or ()), tuple(said.get("cc") or ())
        )
        answers = said.get("answers")
        return Wish(
            thread_id=order.thread_id,
            by=self.by,
            text=draft.text,
            asked=asked,
            answers_id=int(answers) if answers else None,
            seen_id=order.seen_message_id,
            seen_event_id=order.seen_event_id,
            anyway=order.anyway,
            at=order.at,
            files=files,
            rich=True,
            subject=str(said.get("subject") or ""),
            draft_id=draft.id,
            run=self.run,
        )

    def _reply(self, draft: Draft, files: tuple[File, ...], order: Ordered, now: datetime) -> Gone:
        wish = self.wish(draft, files, order)

        def also(conn: Conn) -> None:
            self._follow(conn, draft, order, now)

        done = reply.reply(self.db, wish, self.post, now, self.told, also)
        return Gone("reply", done.item_id, done.run_after, done.held)

    def _note(self, draft: Draft, order: Ordered, now: datetime) -> Gone:
        with self.db.write() as conn:
            if not drafts.end(conn, draft.id, None, now):
                raise AboardError("this note has been written already: look at the thread")
            writing = Desk(Within(conn), self.by, self.told, self.run)
            writing.note(draft.thread_id, draft.text, now)
            self._follow(conn, draft, order, now)
        return Gone("note", None, None)

    def _forward(
        self, draft: Draft, files: tuple[File, ...], order: Ordered, now: datetime
    ) -> Gone:
        """Mail somebody outside of the thread; the customer is no part of it."""
        mail = self._outside(draft, files)
        try:
            composed = compose.compose(mail, self.post, now)
        except Unsendable as reason:
            raise AboardError(str(reason)) from reason
        run_after = order.at or now + self.post.undo_for
        with self.db.write() as conn:
            person = people.at_work(conn, self.by)
            thread = threads.by_id(conn, order.thread_id)
            accounts.lock(conn, [thread.account_id])
            thread = threads.by_id(conn, thread.id)
            plan = Plan(
                key=f"reply/{composed.mail_id}",
                kind="reply",
                thread_id=thread.id,
                account_id=thread.account_id,
                by_id=person.id,
                run_after=run_after,
            )
            item_id = compose.enqueue(conn, composed, plan, self.post, now).item_id
            to = [one for one, _ in composed.recipients]
            side_mails.add(conn, item_id, thread.id, to)
            end_draft(conn, draft.id, item_id, thread, person, (self.run, now))
            data: dict[str, object] = {"item": str(item_id), "to": to}
            data["subject"] = composed.subject
            data["run_after"] = run_after.isoformat()
            timeline.append(conn, [_event(thread, FORWARDED, person.handle, data, now)])
            self._follow(conn, draft, order, now)
        return Gone("forward", item_id, run_after, self.post.held)

    def _outside(self, draft: Draft, files: tuple[File, ...]) -> compose.Draft:
        if not draft.text.strip():
            raise AboardError("the mail is empty")
        with self.db.read() as conn:
            thread = threads.by_id(conn, draft.thread_id)
            mails = messages.of_thread(conn, thread.id)
            to = _outsiders(draft.fields.get("to") or (), self.post)
            cc = _outsiders(draft.fields.get("cc") or (), self.post)
            if not to:
                raise AboardError("who is it for? give an address outside of the thread")
            title = reply.title_of(conn, thread.team)
            mailbox = reply.mailbox_of(mails[-1], mails, self.post)
        text = f"{draft.text.strip()}\n"
        return compose.Draft(
            mailbox=mailbox,
            from_name=title,
            to=to,
            cc=cc,
            subject=str(draft.fields.get("subject") or "") or f"Fwd: {thread.subject}",
            text=text,
            html=reply.html_of(text, files),
            files=files,
        )


def _outsiders(listed: list[str] | tuple[str, ...], post: Post) -> tuple[Address, ...]:
    found = []
    for one in listed:
        try:
            address = wire_address(one.strip()).lower()
        except Unsendable as reason:
            raise AboardError(str(reason)) from reason
        if compose.is_mailbox(post.mailboxes, address):
            raise AboardError(f"{address} is our own mailbox: write a note instead")
        found.append(Address("", address))
    return tuple(found)


def files_of(conn: Conn, draft: Draft) -> tuple[File, ...]:
    """The files that go with a draft: its own, and attachments of the thread that it names."""
    shown = pictures_in(draft.text)
    bytes_of = drafts.contents(conn, draft.id)
    found = [
        File(
            one.name,
            one.content_type,
            bytes_of[one.id],
            one.content_id if one.name in shown else None,
        )
        for one in drafts.files_of(conn, [draft.id]).get(draft.id, ())
    ]
    for number in draft.fields.get("files") or ():
        found.append(_attachment(conn, draft.thread_id, int(number)))
        refuse_size([len(one.content) for one in found])
    return tuple(found)


def _attachment(conn: Conn, thread_id: int, number: int) -> File:
    stored = messages.attachment(conn, number)
    message = messages.by_id(conn, stored.message_id)
    if threads.by_id(conn, message.thread_id).id != threads.by_id(conn, thread_id).id:
        raise AboardError(f"attachment {number} is of another thread")
    try:
        content = OpenedMail(ledger.raw_bytes(conn, message.raw_id)).file(stored.path)
    except (KeyError, LimitExceeded) as error:
        raise AboardError(
            f"{stored.name or 'a file'} cannot be taken out of its mail: send it without"
        ) from error
    return File(stored.name or "file", stored.content_type.lower(), content)


def _event(
    thread: Thread, kind: str, handle: str, data: dict[str, object], now: datetime
) -> timeline.Event:
    actor = f"person:{handle}"
    return timeline.Event(thread.account_id, thread.id, None, now, kind, actor, data)


def _unsend(undoing: Undoing, done: Deed) -> str:
    conn, item_id, draft_id = undoing.conn, done.after["item"], done.after["draft"]
    if item_id is not None:
        item = outbox_desk.by_id(conn, int(item_id))
        try:
            outbox_desk.cancel(conn, item.id, undoing.now, "undo")
        except AboardError:
            return "the mail has left already: it cannot be taken back"
        tell_cancelled(conn, (item.id,), undoing.now, f"person:{undoing.by.handle}")
    if draft_id is not None:
        drafts.settle(conn, int(draft_id), "open", None, undoing.now)
    return ""


WAYS: dict[str, Way] = {"send": _unsend}
