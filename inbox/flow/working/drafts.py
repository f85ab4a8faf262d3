"""Drafts at work: saved as they are typed, never lost, ended by sending or by throwing away.

Whoever sees a thread sees who writes on it and what; its author, who answers for the thread now,
leads and admins may change it. A save that started from an older version than the stored one (a
second tab, a colleague) overwrites nothing: both texts are kept, and the page shows both.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from inbox.errors import AboardError, NotFound
from inbox.flow.texts.words_html import PICTURE
from inbox.flow.working.undoing import Undoing, Way
from inbox.mail.tokens import new_ref
from inbox.store import deeds, drafts, people, threads
from inbox.store.database import Conn, Database
from inbox.store.deeds import Deed
from inbox.store.draft_tables import DRAFT_KINDS
from inbox.store.drafts import Draft, DraftFile, New, Version
from inbox.store.people import Person
from inbox.store.threads import Thread

MOST_TEXT = 200_000
MOST_FILE, MOST_FILES, MOST_TOGETHER = 15 * 1024 * 1024, 20, 20 * 1024 * 1024
"""Bytes of one file, files of a draft, bytes of all together: what servers take as one mail."""
FIELDS = ("to", "cc", "everybody", "subject", "answers", "files", "at", "macro")
_RASTER = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}


@dataclass(frozen=True, slots=True)
class Typed:
    """What stands in a composer."""

    thread_id: int
    kind: str
    text: str
    fields: Mapping[str, Any]
    draft_id: int | None = None
    base: int = 0
    """The version that this was typed over."""
    seen_event_id: int | None = None
    seen_message_id: int | None = None


@dataclass(frozen=True, slots=True)
class Saved:
    """A draft after a save."""

    draft: Draft
    aside: Version | None = None
    """What was typed, where a newer text was there: that one stays, this one is kept beside it."""


@dataclass(frozen=True, slots=True)
class Drafting:
    """Somebody who writes."""

    db: Database
    by: str
    run: str = ""

    def save(self, typed: Typed, now: datetime) -> Saved | None:
        """Keep what was typed; None for an empty text that was never more.

        Raises `NotFound`, and `AboardError` for a draft that is sent, thrown away or another's.
        """
        _refuse(typed)
        with self.db.write() as conn:
            person = people.at_work(conn, self.by)
            thread = threads.by_id(conn, typed.thread_id)
            if typed.draft_id is None:
                return self._begin(conn, typed, thread, person, now)
            draft = self._mine(conn, typed.draft_id, thread, person)
            if _says(draft, typed):
                drafts.saw(conn, draft.id, typed.seen_event_id, typed.seen_message_id)
                return Saved(drafts.by_id(conn, draft.id))
            aside = typed.base != draft.version
            made = Version(
                draft.id,
                drafts.next_version(conn, draft.id),
                now,
                person.id,
                typed.text,
                typed.fields,
                aside,
            )
            drafts.save(conn, made, typed.kind)
            drafts.saw(conn, draft.id, typed.seen_event_id, typed.seen_message_id)
            return Saved(drafts.by_id(conn, draft.id), made if aside else None)

    def _begin(
        self, conn: Conn, typed: Typed, thread: Thread, person: Person, now: datetime
    ) -> Saved | None:
        if not typed.text.strip():
            return None
        new = New(
            thread.id,
            person.id,
            typed.kind,
            typed.text,
            typed.fields,
            typed.seen_event_id,
            typed.seen_message_id,
        )
        return Saved(drafts.by_id(conn, drafts.begin(conn, new, now)))

    def _mine(
        self, conn: Conn, draft_id: int, thread: Thread, person: Person, *, lock: bool = True
    ) -> Draft:
        draft = drafts.locked(conn, draft_id) if lock else drafts.by_id(conn, draft_id)
        if threads.by_id(conn, draft.thread_id).id != thread.id:
            raise NotFound(f"thread {thread.id} has no draft {draft_id}")
        if draft.state != "open":
            what = "sent" if draft.state == "sent" else "thrown away"
            raise AboardError(f"this draft was {what} already; your text is still in the form")
        if not may_change(draft, thread, person):
            raise AboardError(f"this is {draft.author_name}'s draft; who answers may change it")
        return draft

    def open(self, conn: Conn, draft_id: int, thread_id: int) -> Draft:
        """A draft that this person may change, as it is now. Raises as `save` does."""
        person = people.at_work(conn, self.by)
        return self._mine(conn, draft_id, threads.by_id(conn, thread_id), person, lock=False)

    def _locked(self, conn: Conn, draft_id: int, thread_id: int) -> Draft:
        person = people.at_work(conn, self.by)
        return self._mine(conn, draft_id, threads.by_id(conn, thread_id), person)

    def restore(self, draft_id: int, thread_id: int, version: int, now: datetime) -> Draft:
        """Let a draft say what it said at an earlier save; that is a version of its own."""
        with self.db.write() as conn:
            person = people.at_work(conn, self.by)
            draft = self._mine(conn, draft_id, threads.by_id(conn, thread_id), person)
            earlier = next(
                (one for one in drafts.versions(conn, draft.id) if one.version == version), None
            )
            if earlier is None:
                raise NotFound(f"draft {draft.id} has no version {version}")
            number = drafts.next_version(conn, draft.id)
            again = replace(earlier, version=number, at=now, by_id=person.id, aside=False)
            drafts.save(conn, again, draft.kind)
            return drafts.by_id(conn, draft.id)

    def discard(self, draft_id: int, thread_id: int, now: datetime) -> None:
        """Throw a draft away; with a run it can be taken back."""
        with self.db.write() as conn:
            person = people.at_work(conn, self.by)
            draft = self._mine(conn, draft_id, threads.by_id(conn, thread_id), person)
            drafts.settle(conn, draft.id, "discarded", None, now)
            if self.run:
                after = {"draft": draft.id}
                deed = Deed(self.run, "draft", draft.thread_id, person.id, now, {}, after)
                deeds.add(conn, deed)

    def attach(
        self, draft_id: int, thread_id: int, upload: Upload, now: datetime, *, shown: bool = False
    ) -> DraftFile:
        """Put a file beside a draft; with `shown` a picture also stands in its text.

        Raises `AboardError` where it is too large, too many, or no picture that can be shown.
        """
        name = clean_name(upload.name)
        kind = raster_type(upload.content)
        if shown and kind is None:
            raise AboardError(f"{name}: only PNG, JPEG, GIF and WebP pictures stand in a text")
        with self.db.write() as conn:
            draft = self._locked(conn, draft_id, thread_id)  # nobody adds a file while we count
            there = drafts.files_of(conn, [draft.id]).get(draft.id, ())
            _refuse_size(name, len(upload.content), there)
            name = _fresh_name(name, {one.name for one in there})
            number = f"{new_ref(upload.random)}@pictures" if shown else None
            size = len(upload.content)
            one = DraftFile(0, draft.id, name, kind or upload.content_type, size, number)
            file_id = drafts.attach(conn, one, upload.content, now)
            if shown:
                self._show(conn, draft, name, now)
            return replace(one, id=file_id)

    def _show(self, conn: Conn, draft: Draft, name: str, now: datetime) -> None:
        text = f"{draft.text.rstrip()}\n\n[image: {name}]\n"
        by_id = people.at_work(conn, self.by).id
        number = drafts.next_version(conn, draft.id)
        made = Version(draft.id, number, now, by_id, text, draft.fields, aside=False)
        drafts.save(conn, made, draft.kind)

    def detach(self, draft_id: int, thread_id: int, file_id: int) -> None:
        """Take a file away. Raises `NotFound`."""
        with self.db.write() as conn:
            draft = self._locked(conn, draft_id, thread_id)
            if not drafts.detach(conn, draft.id, file_id):
                raise NotFound(f"draft {draft.id} has no file {file_id}")


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it was given."""

    name: str
    content_type: str
    content: bytes
    random: bytes
    """16 random bytes, for the Content-ID of a picture."""


def may_change(draft: Draft, thread: Thread, person: Person) -> bool:
    """Its author, who answers for the thread, leads and admins."""
    lead = person.role in ("lead", "admin")
    return lead or person.id in (draft.author_id, thread.accountable_id)


def raster_type(content: bytes) -> str | None:
    """The type of a picture by its first bytes; None for what is none that browsers show safely."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for start, kind in _RASTER.items() if content.startswith(start)), None)


def clean_name(given: str) -> str:
    """The name of a file alone: no path, no control or direction marks, nothing that ends a
    picture's mark in the text."""
    last = given.replace("\\", "/").rpartition("/")[2]
    kept = "".join(c for c in last if unicodedata.category(c)[0] != "C")
    plain = " ".join(re.sub(r"[\[\]<>]", "_", kept).split()).strip(". ")
    stem, dot, ending = plain.rpartition(".")
    short = f"{stem[:120]}.{ending}" if dot and len(ending) <= 10 else plain[:130]
    return short or "file"


def _fresh_name(name: str, there: set[str]) -> str:
    stem, dot, ending = name.rpartition(".")
    number, fresh = 2, name
    while fresh in there:
        fresh = f"{stem} ({number}).{ending}" if dot else f"{name} ({number})"
        number += 1
    return fresh


def _refuse_size(name: str, size: int, there: tuple[DraftFile, ...]) -> None:
    if size > MOST_FILE:
        raise AboardError(f"{name} has {_mib(size)}; one file may have {_mib(MOST_FILE)}")
    if len(there) >= MOST_FILES:
        raise AboardError(f"{name}: a mail takes {MOST_FILES} files, and they are there already")
    together = size + sum(one.size for one in there)
    if together > MOST_TOGETHER:
        raise AboardError(f"with {name} the files have {_mib(together)}; {_mib(MOST_TOGETHER)} fit")


def refuse_size(sizes: Sequence[int]) -> None:
    """Raises `AboardError` where files of so many bytes do not fit into one mail, with those of
    earlier mails that go along."""
    if len(sizes) > MOST_FILES or sum(sizes) > MOST_TOGETHER:
        raise AboardError(
            f"what goes along is too much: {_mib(sum(sizes))} in {len(sizes)} file(s); a mail takes"
            f" {MOST_FILES} files and {_mib(MOST_TOGETHER)}"
        )


def _mib(size: int) -> str:
    return f"{size / 1024 / 1024:.1f} MB"


def _refuse(typed: Typed) -> None:
    if typed.kind not in DRAFT_KINDS:
        raise AboardError(f"{typed.kind!r}: a draft is one of {', '.join(DRAFT_KINDS)}")
    if len(typed.text) > MOST_TEXT:
        raise AboardError(f"the text has {len(typed.text):,} characters; {MOST_TEXT:,} fit")
    unknown = sorted(set(typed.fields) - set(FIELDS))
    if unknown:
        raise AboardError(f"a draft has no field {unknown[0]!r}")


def _says(draft: Draft, typed: Typed) -> bool:
    same = (draft.text, draft.kind) == (typed.text, typed.kind)
    return same and dict(draft.fields) == dict(typed.fields)


def pictures_in(text: str) -> frozenset[str]:
    """The names of the pictures that a text shows."""
    return frozenset(PICTURE.findall(text))


def _undiscard(undoing: Undoing, done: Deed) -> str:
    draft = drafts.by_id(undoing.conn, int(done.after["draft"]))
    if draft.state != "discarded":
        return f"draft {draft.id} is {draft.state}"
    drafts.settle(undoing.conn, draft.id, "open", None, undoing.now)
    return ""


WAYS: dict[str, Way] = {"draft": _undiscard}
