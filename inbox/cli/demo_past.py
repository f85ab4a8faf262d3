"""What our own people did in the demo before somebody looks: answers, what they closed, a handoff,
a reply, a breach.

All of it by the stations that do it in earnest; only the instants lie in the past.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from inbox.cli.story import Story, StoryMail
from inbox.cli.story_build import builder
from inbox.config import Settings
from inbox.flow.admin.stored_sets import in_force
from inbox.flow.intake.accept import Incoming, accept
from inbox.flow.leaving import compose
from inbox.flow.promises import handoff, sla
from inbox.flow.promises.handoff import Offer
from inbox.flow.working import reply
from inbox.flow.working.work import Desk
from inbox.store import messages, people, threads
from inbox.store.database import Conn, Database
from inbox.store.threads import Thread

LATE = frozenset({"shop-outage"})
"""Mails that waited while nobody looked: not history, so their promise really breaks."""
OLD = timedelta(days=6)
"""What has been quiet for so long is done and closed: an inbox in which six weeks of work are still
open would show nobody how a day there looks."""
CLOSED_AFTER = timedelta(hours=5)
HANDED_OFF, REPLIED = "shop-vat", "bank-pentest-2"
REPLY = """Guten Tag Frau Vogel,

danke für die schnelle Bestätigung. Ich habe Herrn Albers eben geschrieben und melde mich, sobald
er unterschrieben hat. Passt es Ihnen, wenn wir am Freitag um 10:00 kurz sprechen?

Tom Alvarez"""


def history(story: Story, now: datetime) -> tuple[StoryMail, ...]:
    """The customers' mails of six weeks, without what is late."""
    return tuple(one for one in story.history(now) if one.key not in LATE)


def answers(db: Database, settings: Settings, mails: Sequence[StoryMail], now: datetime) -> int:
    """Take in what our own people answered in these weeks, as sent mail; how many."""
    incoming = [
        Incoming(
            raw=one.raw,
            source="file",
            accepted_at=now,
            reverse_path=one.reverse_path,
            forward_paths=one.forward_paths,
            sent=True,
            dated=True,
        )
        for one in mails
    ]
    return accept(db, incoming, settings.node)


def finished(db: Database, now: datetime) -> int:
    """Whoever answers for a thread closed it when nobody had anything to say any more; how many."""
    with db.read() as conn:
        listed = threads.listing(conn, threads.Page(status="open", limit=1000))
    done = [row for row in listed if row.thread.last_message_at < now - OLD]
    for row in done:
        Desk(db, row.accountable, told=_clocks_alone).close(
            row.thread.id, row.thread.last_message_at + CLOSED_AFTER
        )
    return len(done)


def _clocks_alone(conn: Conn, thread: Thread, event: int) -> None:
    """The clocks hear of it. What would be mailed after a thread is closed was mailed weeks ago."""
    files = in_force(conn)
    clocks = None if files is None else sla.clocks_of(files)
    if clocks is not None:
        sla.refresh(conn, clocks, [thread.id], None)


def late(db: Database, settings: Settings, story: Story, now: datetime) -> int:
    """Take in what came hours ago and waits; how many."""
    incoming = [
        Incoming(
            raw=one.raw,
            source="smtp",
            accepted_at=one.sent_at,
            reverse_path=one.reverse_path,
            forward_paths=one.forward_paths,
            peer="127.0.0.1",
        )
        for one in story.history(now)
        if one.key in LATE
    ]
    return accept(db, incoming, settings.node)


def deeds(db: Database, settings: Settings, story: Story, now: datetime) -> None:
    """A thread changes hands and is accepted; another is answered, and the answer leaves."""
    handed = _thread(db, story, HANDED_OFF, now)
    to = "compliance" if handed.team != "compliance" else "success"
    with db.read() as conn:
        giver = people.by_id(conn, handed.accountable_id).handle
        receiver = people.duty_holder(conn, to).handle
    offer = Offer(
        handed.id,
        to,
        giver,
        "It is about tax documents, which they keep",
        "Invoice 20418 has to be issued again, without VAT and with PO CL-77120.",
        ("a corrected invoice",),
    )
    offered_at = now - timedelta(minutes=40)
    made = handoff.offer(db, offer, offered_at)
    handoff.accept(db, made.id, receiver, now - timedelta(minutes=25))
    answered = _thread(db, story, REPLIED, now)
    post = replace(compose.open_post(db, settings, now), undo_for=timedelta(0))
    reply.reply(db, reply.Wish(answered.id, "tom", REPLY), post, now, sla.told)


def _thread(db: Database, story: Story, key: str, now: datetime) -> Thread:
    made = builder(story.script, now)
    with db.read() as conn:
        (found, *_) = messages.by_mail_id(conn, made.message_id(made.mails[key]))
        return threads.by_id(conn, found.thread_id)
