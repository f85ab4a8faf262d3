"""Drafts: what somebody is about to say on a thread; every save is a version that stays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update

from inbox.errors import NotFound
from inbox.store.database import Conn, for_update, new_key
from inbox.store.draft_tables import draft_files, draft_versions, drafts
from inbox.store.seers import Seer, threads_seen
from inbox.store.tables import people, threads


@dataclass(frozen=True, slots=True)
class Draft:
    """One draft as it stands."""

    id: int
    thread_id: int
    author_id: int
    kind: str
    """`reply`, `note` or `forward`."""
    text: str
    fields: Mapping[str, Any]
    """`to`, `cc`, `everybody`, `subject`, `answers`, `files` (attachments that go along), `at`."""
    version: int
    seen_event_id: int | None
    seen_message_id: int | None
    state: str
    item_id: int | None
    created_at: datetime
    updated_at: datetime
    author: str
    author_name: str


@dataclass(frozen=True, slots=True)
class New:
    """A draft about to be begun."""

    thread_id: int
    author_id: int
    kind: str
    text: str
    fields: Mapping[str, Any]
    seen_event_id: int | None = None
    seen_message_id: int | None = None


@dataclass(frozen=True, slots=True)
class Version:
    """What a draft said at one save."""

    draft_id: int
    version: int
    at: datetime
    by_id: int
    text: str
    fields: Mapping[str, Any]
    aside: bool
    """It met a newer one of another tab or person, which stayed."""


@dataclass(frozen=True, slots=True)
class DraftFile:
    """A file of a draft, without its bytes."""

    id: int
    draft_id: int
    name: str
    content_type: str
    size: int
    content_id: str | None
    """Of a picture that the text shows."""


_SELECT = select(drafts, people.c.handle, people.c.name).join(
    people, people.c.id == drafts.c.author_id
)


def _draft(row: Any) -> Draft:
    values = dict(row._mapping)
    values["author"], values["author_name"] = values.pop("handle"), values.pop("name")
    return Draft(**values)


def begin(conn: Conn, new: New, now: datetime) -> int:
    """Write a draft and its first version; its number."""
    row = {name: getattr(new, name) for name in New.__slots__}
    row |= {"fields": dict(new.fields), "version": 1, "state": "open"}
    number = new_key(conn.execute(drafts.insert(), row | {"created_at": now, "updated_at": now}))
    _note(conn, Version(number, 1, now, new.author_id, new.text, new.fields, aside=False))
    return number


def _note(conn: Conn, made: Version) -> None:
    row = {name: getattr(made, name) for name in Version.__slots__}
    conn.execute(draft_versions.insert(), row | {"fields": dict(made.fields)})


def by_id(conn: Conn, draft_id: int) -> Draft:
    """One draft. Raises `NotFound`."""
    row = conn.execute(_SELECT.where(drafts.c.id == draft_id)).first()
    if row is None:
        raise NotFound(f"there is no draft {draft_id}")
    return _draft(row)


def locked(conn: Conn, draft_id: int) -> Draft:
    """One draft, nobody else saves it meanwhile. Raises `NotFound`."""
    conn.execute(for_update(conn, select(drafts.c.id).where(drafts.c.id == draft_id)))
    return by_id(conn, draft_id)


def save(conn: Conn, made: Version, kind: str) -> None:
    """Write a version; unless it is put aside it is what the draft says from now on."""
    _note(conn, made)
    if made.aside:
        return
    values = {"text": made.text, "fields": dict(made.fields), "version": made.version}
    conn.execute(
        update(drafts)
        .where(drafts.c.id == made.draft_id)
        .values(**values, kind=kind, updated_at=made.at)
    )


def next_version(conn: Conn, draft_id: int) -> int:
    """The number of the version to come, counting those that were put aside."""
    newest = select(func.max(draft_versions.c.version)).where(draft_versions.c.draft_id == draft_id)
    return int(conn.scalar(newest) or 0) + 1


def saw(conn: Conn, draft_id: int, event_id: int | None, message_id: int | None) -> None:
    """Note what the author had before them."""
    values = {"seen_event_id": event_id, "seen_message_id": message_id}
    conn.execute(update(drafts).where(drafts.c.id == draft_id).values(**values))


def settle(conn: Conn, draft_id: int, state: str, item_id: int | None, now: datetime) -> None:
    """A draft was sent or discarded, or is open again."""
    values = {"state": state, "item_id": item_id, "updated_at": now}
    conn.execute(update(drafts).where(drafts.c.id == draft_id).values(**values))


def end(conn: Conn, draft_id: int, item_id: int | None, now: datetime) -> bool:
    """An open draft was sent; False where it is open no more: nothing is sent twice."""
    changed = conn.execute(
        update(drafts)
        .where(drafts.c.id == draft_id, drafts.c.state == "open")
        .values(state="sent", item_id=item_id, updated_at=now)
    )
    return bool(changed.rowcount)


def of_thread(conn: Conn, thread_id: int) -> tuple[Draft, ...]:
    """The open drafts of a thread, the one saved last first."""
    wanted = _SELECT.where(drafts.c.thread_id == thread_id, drafts.c.state == "open")
    rows = conn.execute(wanted.order_by(drafts.c.updated_at.desc(), drafts.c.id.desc()))
    return tuple(_draft(row) for row in rows)


@dataclass(frozen=True, slots=True)
class Writing:
    """Somebody writes on a thread of an account."""

    thread_id: int
    subject: str
    team: str
    author: str
    author_name: str
    kind: str
    updated_at: datetime


def of_account(
    conn: Conn, account_id: int, since: datetime, seer: Seer | None
) -> tuple[Writing, ...]:
    """Who has open drafts to a customer on threads that are seen, saved since an instant; the
    newest first. Notes are nobody's business but ours and do not count."""
    found = conn.execute(
        select(
            drafts.c.thread_id,
            threads.c.subject,
            threads.c.team,
            people.c.handle.label("author"),
            people.c.name.label("author_name"),
            drafts.c.kind,
            drafts.c.updated_at,
        )
        .join(threads, threads.c.id == drafts.c.thread_id)
        .join(people, people.c.id == drafts.c.author_id)
        .where(threads.c.account_id == account_id, drafts.c.state == "open")
        .where(drafts.c.kind == "reply", drafts.c.updated_at >= since, threads_seen(seer))
        .order_by(drafts.c.updated_at.desc(), drafts.c.id.desc())
    )
    return tuple(Writing(**row._mapping) for row in found)


def versions(conn: Conn, draft_id: int, *, limit: int = 200) -> tuple[Version, ...]:
    """The versions of a draft, the newest first."""
    found = conn.execute(
        select(draft_versions)
        .where(draft_versions.c.draft_id == draft_id)
        .order_by(draft_versions.c.version.desc())
        .limit(limit)
    )
    return tuple(Version(**row._mapping) for row in found)


# --- Files -------------------------------------------------------------------------------------

_FILE = tuple(draft_files.c[name] for name in DraftFile.__slots__)


def attach(conn: Conn, one: DraftFile, content: bytes, now: datetime) -> int:
    """Put a file beside a draft; its number."""
    row = {name: getattr(one, name) for name in DraftFile.__slots__ if name != "id"}
    return new_key(conn.execute(draft_files.insert(), row | {"content": content, "at": now}))


def detach(conn: Conn, draft_id: int, file_id: int) -> bool:
    """Take a file away; False where the draft has no such file."""
    mine = (draft_files.c.id == file_id) & (draft_files.c.draft_id == draft_id)
    return bool(conn.execute(draft_files.delete().where(mine)).rowcount)


def files_of(conn: Conn, draft_ids: Sequence[int]) -> dict[int, tuple[DraftFile, ...]]:
    """draft -> its files."""
    found: dict[int, list[DraftFile]] = {}
    wanted = select(*_FILE).where(draft_files.c.draft_id.in_(list(draft_ids)))
    for row in conn.execute(wanted.order_by(draft_files.c.id)):
        found.setdefault(row.draft_id, []).append(DraftFile(**row._mapping))
    return {number: tuple(files) for number, files in found.items()}


def contents(conn: Conn, draft_id: int) -> dict[int, bytes]:
    """file -> its bytes."""
    wanted = select(draft_files.c.id, draft_files.c.content).where(
        draft_files.c.draft_id == draft_id
    )
    return {row.id: bytes(row.content) for row in conn.execute(wanted)}
