"""What the composer of a thread shows: the draft, who gets it, who else writes, what goes along."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from inbox.errors import AboardError
from inbox.flow.leaving import canned, compose, stale
from inbox.flow.working import reply
from inbox.flow.working.drafts import may_change
from inbox.flow.working.reply import Planned, Wish
from inbox.flow.working.sending import Ordered, Sending
from inbox.store import deeds, drafts, messages, outbox_desk, timeline
from inbox.store.database import Conn
from inbox.store.drafts import Draft, DraftFile, Version, Writing
from inbox.store.messages import Message, StoredAttachment
from inbox.store.outbox_desk import Item
from inbox.store.people import Person
from inbox.store.seers import Seer
from inbox.store.threads import Thread
from inbox.web.desk import Site
from inbox.web.visitors import Visitor
from routing.macros import Macro

MODES = ("reply", "all", "note", "forward")
CLOSED = "closed"
"""In an address: the composer stays shut although there is a draft."""
LATELY = timedelta(minutes=30)
"""For how long after its last save a draft counts as being written."""


@dataclass(frozen=True, slots=True)
class Extra:
    """What a form that was not carried out hands on to the page that comes back."""

    mode: str = ""
    draft_id: int | None = None
    problem: str = ""
    held: tuple[str, ...] = ()
    """Why a reply was not sent: what is newer than what its writer had seen."""
    aside: Version | None = None
    unsaved: str = ""
    """Text that could not be kept as a draft; it stands in the field."""
    seen_message_id: int | None = None
    text: str | None = None
    macro: str = ""
    """The macro that the text comes from, where it was just put in."""


@dataclass(frozen=True, slots=True)
class Composer:
    """The composer as its fragment shows it."""

    mode: str
    """One of `MODES`; empty: closed, only its buttons are there."""
    draft: Draft | None
    files: tuple[DraftFile, ...]
    text: str
    fields: Mapping[str, Any]
    planned: Planned | None
    trouble: str
    """Why it is not known who would get it."""
    others: tuple[tuple[Draft, bool], ...]
    """Open drafts of others on the thread, and whether this person may take them up."""
    writers: tuple[Writing, ...]
    """Who writes to the same customer at this time, here or on another thread."""
    waiting: tuple[Item, ...]
    """Mail of this person that waits for its undo window, or for its day."""
    runs: Mapping[int, str]
    seen_message_id: int | None
    seen_event_id: int
    templates: Mapping[str, str]
    macros: Mapping[str, Macro]
    attachments: tuple[StoredAttachment, ...]
    unseen: tuple[Message, ...] = ()
    extra: Extra = field(default_factory=Extra)

    @property
    def version(self) -> int:
        """The version that is being typed over."""
        return 0 if self.draft is None else self.draft.version


def composer(
    conn: Conn, thread: Thread, visitor: Visitor, extra: Extra, now: datetime, site: Site
) -> Composer:
    """Put it together. A viewer has none of it, but sees who writes."""
    person, seer = visitor.person, visitor.seer
    found = drafts.of_thread(conn, thread.id)
    shut = extra.mode == CLOSED
    draft = _chosen(found, thread, person, replace(extra, mode="") if shut else extra)
    mode = "" if shut else extra.mode or _mode(draft)
    whole = mode in ("reply", "all", "forward") or (extra.held and extra.seen_message_id)
    mails = messages.of_thread(conn, thread.id) if whole else ()
    files = drafts.files_of(conn, [draft.id]).get(draft.id, ()) if draft else ()
    fields = dict(draft.fields) if draft else {}
    if extra.mode in ("reply", "all") and (draft is None or draft.kind == "reply"):
        fields["everybody"] = extra.mode == "all"
    if extra.macro:
        fields["macro"] = extra.macro
    text = draft.text if draft else ""
    if extra.text is not None:
        text = extra.text
    planned, trouble = None, ""
    if mode in ("reply", "all"):
        planned, trouble = _planned(conn, thread, person, fields, site, mails)
    seen = mails[-1].id if mails else messages.last_received(conn, thread.id)
    waiting = tuple(
        one for one in outbox_desk.open_of_thread(conn, thread.id) if one.by_id == person.id
    )
    numbers = [one.id for one in mails] if mode == "forward" else []
    named = messages.attachments_of(conn, numbers, seer) if numbers else {}
    made = Composer(
        mode=mode,
        draft=draft,
        files=files,
        text=text,
        fields=fields,
        planned=planned,
        trouble=trouble,
        others=tuple(
            (one, may_change(one, thread, person))
            for one in found
            if one.author_id != person.id and (draft is None or one.id != draft.id)
        ),
        writers=_writers(conn, thread, person, seer, now),
        waiting=waiting,
        runs=deeds.runs_of_items(conn, thread.id, person.id) if waiting else {},
        seen_message_id=seen,
        seen_event_id=timeline.newest(conn, thread.id),
        templates=canned.names(conn) if mode in ("reply", "all") else {},
        macros=canned.macros(conn, "note" if mode == "note" else "reply") if mode else {},
        attachments=tuple(one for listed in named.values() for one in listed if not one.inline),
        extra=extra,
    )
    if extra.held and extra.seen_message_id is not None:
        last = next((one for one in mails if one.id == extra.seen_message_id), None)
        made = replace(made, unseen=tuple(stale.unseen(mails, last)) if last else ())
    return made


def _chosen(found: tuple[Draft, ...], thread: Thread, person: Person, extra: Extra) -> Draft | None:
    if extra.draft_id is not None:
        return next((one for one in found if one.id == extra.draft_id), None)
    kind = {"": "", "reply": "reply", "all": "reply"}.get(extra.mode, extra.mode)
    mine = [one for one in found if one.author_id == person.id and kind in ("", one.kind)]
    return mine[0] if mine else None


def _mode(draft: Draft | None) -> str:
    if draft is None:
        return ""
    if draft.kind != "reply":
        return draft.kind
    return "all" if draft.fields.get("everybody") else "reply"


def _planned(
    conn: Conn,
    thread: Thread,
    person: Person,
    fields: Mapping[str, Any],
    site: Site,
    mails: Sequence[Message],
) -> tuple[Planned | None, str]:
    """Who would get it, as `flow.working.reply` computes it."""
    draft = Draft(
        0, thread.id, person.id, "reply", "…", fields, 0, None, None, "open", None,
        thread.opened_at, thread.opened_at, person.handle, person.name,
    )  # fmt: skip
    post = post_for_looking(site)
    wish: Wish = Sending(site.db, person.handle, post).wish(draft, (), Ordered(0, thread.id))
    try:
        return reply.plan(conn, wish, post, mails), ""
    except AboardError as reason:
        return None, str(reason)


def post_for_looking(site: Site) -> compose.Post:
    """What computing recipients needs: our mailboxes. It signs nothing."""
    settings = site.settings
    return compose.Post(
        mailboxes=settings.mailboxes,
        secret=b"",
        dkim=None,
        held=not settings.send.host,
        undo_for=timedelta(seconds=settings.send.undo_seconds),
        lifetimes=compose.lifetimes(settings),
    )


def _writers(
    conn: Conn, thread: Thread, person: Person, seer: Seer, now: datetime
) -> tuple[Writing, ...]:
    found = drafts.of_account(conn, thread.account_id, now - LATELY, seer)
    return tuple(one for one in found if one.author != person.handle)


def forward_subject(thread: Thread) -> str:
    """The subject of a mail that passes a thread's matter on."""
    return f"Fwd: {thread.subject}"
