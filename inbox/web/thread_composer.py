"""The composer's form: everything typed is kept first, then the pressed button's deed is done."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from fastapi import Request
from starlette.datastructures import FormData, UploadFile
from starlette.responses import JSONResponse, Response

from inbox.errors import AboardError, NotFound
from inbox.flow.leaving import canned
from inbox.flow.leaving.compose import open_post
from inbox.flow.texts import when_words
from inbox.flow.working.drafts import MOST_TOGETHER, Drafting, Saved, Typed, Upload
from inbox.flow.working.reply import StaleReply
from inbox.flow.working.sending import Ordered, Sending
from inbox.store import drafts, messages, people, threads
from inbox.web.composer import MODES, Extra
from inbox.web.context import desk_of, frame, page
from inbox.web.downloads import saved_file
from inbox.web.keys import key
from inbox.web.thread_pages import back, shown
from inbox.web.visitors import visitor_of
from inbox.web.zones import zone_of

FIELDS = (
    *("do", "mode", "draft", "base", "text", "to", "cc", "subject", "answers", "files", "at"),
    *("seen_event", "seen_message", "upload", "template", "macro"),
)
MOST_BODY = MOST_TOGETHER + 2 * 1024 * 1024
SENDS = {"send": "", "anyway": "", "close": "close", "wait": "wait"}
_NUMBER = re.compile(r"[0-9]{1,15}")


@dataclass(frozen=True, slots=True)
class Form:
    """What the composer's form brought."""

    thread_id: int
    do: str
    mode: str
    typed: Typed
    form: FormData
    at: str

    @property
    def extra(self) -> Extra:
        """For the page that comes back, whatever happens."""
        seen = self.typed.seen_message_id
        return Extra(self.mode, self.typed.draft_id, seen_message_id=seen)


def _number(form: FormData, name: str) -> int | None:
    value = str(form.get(name, ""))
    return int(value) if _NUMBER.fullmatch(value) else None


def _listed(form: FormData, name: str) -> list[str]:
    return [one for one in re.split(r"[,;\s]+", str(form.get(name, ""))[:4_000]) if one]


def _form(request: Request) -> Form:
    form, thread_id = request.state.form, key(request, "thread_id")
    mode = str(form.get("mode", ""))
    mode = mode if mode in MODES else "reply"
    fields: dict[str, Any] = {"to": _listed(form, "to"), "cc": _listed(form, "cc")}
    fields["everybody"] = mode == "all"
    fields["subject"] = " ".join(str(form.get("subject", ""))[:300].split())
    fields["answers"] = _number(form, "answers")
    fields["files"] = [int(one) for one in form.getlist("files") if _NUMBER.fullmatch(str(one))]
    at = str(form.get("at", ""))[:80].strip()
    fields["at"] = at
    fields["macro"] = str(form.get("macro", ""))[:80]
    typed = Typed(
        thread_id,
        "reply" if mode in ("reply", "all") else mode,
        str(form.get("text", "")).replace("\r\n", "\n"),
        {name: value for name, value in fields.items() if value},
        _number(form, "draft"),
        _number(form, "base") or 0,
        _number(form, "seen_event"),
        _number(form, "seen_message"),
    )
    return Form(thread_id, str(form.get("do", "save"))[:30], mode, typed, form, at)


def composed(request: Request) -> Response:
    """Keep what was typed; then send, attach, throw away, or only say that it is kept."""
    site, visitor = desk_of(request).site, visitor_of(request)
    given, now = _form(request), site.clock()
    with site.db.read() as conn:
        threads.by_id(conn, given.thread_id, visitor.seer)
        for number in given.typed.fields.get("files", ()):
            messages.attachment(conn, number, visitor.seer)
    writing = Drafting(site.db, visitor.person.handle, secrets.token_urlsafe(9))
    try:
        kept = writing.save(given.typed, now)
    except NotFound:
        raise
    except AboardError as reason:
        return _again(request, given, str(reason), text=given.typed.text)
    if given.do == "autosave":
        return _state(kept)
    if kept is not None and kept.aside is not None:
        return _conflict(request, given, kept)
    return _carried_out(request, given, writing, kept, now)


def _state(kept: Saved | None) -> Response:
    """What a script needs after an autosave."""
    if kept is None:
        return JSONResponse({"draft": None, "version": 0, "conflict": False})
    said = {"draft": str(kept.draft.id), "version": kept.draft.version}
    return JSONResponse(said | {"conflict": kept.aside is not None})


def _again(request: Request, given: Form, problem: str, *, text: str | None = None) -> Response:
    extra = replace(given.extra, problem=problem, text=text)
    return shown(request, given.thread_id, extra, status=409)


def _conflict(request: Request, given: Form, kept: Saved) -> Response:
    extra = replace(given.extra, draft_id=kept.draft.id, aside=kept.aside)
    return shown(request, given.thread_id, extra, status=409)


def _carried_out(
    request: Request, given: Form, writing: Drafting, kept: Saved | None, now: datetime
) -> Response:
    draft_id = kept.draft.id if kept else None
    given = replace(given, typed=replace(given.typed, draft_id=draft_id))
    where = f"&compose={given.mode}" + (f"&draft={draft_id}" if draft_id else "")
    try:
        if given.do in SENDS:
            return _send(request, given, writing, now)
        if given.do == "template":
            return _template(request, given, now)
        if draft_id is None:
            raise AboardError("write something first: a file goes along with words")
        if given.do in ("attach", "show"):
            _attach(given, writing, draft_id, now)
            return back(given.thread_id, "attached", where=where + "#text")
        if given.do.startswith("detach-"):
            number = given.do.removeprefix("detach-")
            writing.detach(
                draft_id, given.thread_id, int(number) if _NUMBER.fullmatch(number) else 0
            )
            return back(given.thread_id, "detached", where=where + "#text")
        if given.do == "discard":
            writing.discard(draft_id, given.thread_id, now)
            return back(given.thread_id, "discarded", writing.run)
    except StaleReply as stale:
        extra = replace(given.extra, draft_id=draft_id, held=stale.newer)
        return shown(request, given.thread_id, extra, status=409)
    except NotFound:
        raise
    except AboardError as reason:
        return _again(request, given, str(reason))
    return back(given.thread_id, "saved", where=where + "#text")


def _send(request: Request, given: Form, writing: Drafting, now: datetime) -> Response:
    site = desk_of(request).site
    draft_id = given.typed.draft_id
    if draft_id is None:
        raise AboardError("there is nothing to send yet: write something")
    uploads = [one for one in given.form.getlist("upload") if isinstance(one, UploadFile)]
    if any(one.filename for one in uploads):
        _attach(given, writing, draft_id, now)
    post = open_post(site.db, site.settings, now)
    sending = Sending(site.db, writing.by, post, run=writing.run)
    order = Ordered(
        draft_id,
        given.thread_id,
        then=SENDS[given.do],
        anyway=given.do == "anyway",
        seen_message_id=given.typed.seen_message_id,
        seen_event_id=given.typed.seen_event_id,
        at=when_words.instant(given.at, now, zone_of(request)) if given.at else None,
    )
    gone = sending.send(order, now)
    desk_of(request).counts.forget()
    said = {"note": "noted", "forward": "forwarded"}.get(gone.kind, "sent")
    return back(given.thread_id, said, "" if gone.kind == "note" else writing.run)


def _attach(given: Form, writing: Drafting, draft_id: int, now: datetime) -> None:
    uploads = [one for one in given.form.getlist("upload") if isinstance(one, UploadFile)]
    uploads = [one for one in uploads if one.filename]
    if not uploads:
        raise AboardError("choose a file first")
    for one in uploads:
        upload = Upload(
            one.filename or "file",
            (one.content_type or "application/octet-stream").lower()[:100],
            one.file.read(),
            secrets.token_bytes(16),
        )
        shows = given.do == "show"
        writing.attach(draft_id, given.thread_id, upload, now, shown=shows)


def _template(request: Request, given: Form, now: datetime) -> Response:
    """The words of a template below what is typed; the page comes back with both."""
    site = desk_of(request).site
    kind, _, name = str(given.form.get("template", ""))[:80].partition(":")
    post = open_post(site.db, site.settings, now)
    said_by = canned.macro_words if kind == "macro" else canned.words
    with site.db.read() as conn:
        said = said_by(conn, post, given.thread_id, name, now)
    text = f"{given.typed.text.rstrip()}\n\n{said}\n".lstrip()
    macro = name if kind == "macro" else ""
    return shown(request, given.thread_id, replace(given.extra, text=text, macro=macro))


def versions(request: Request) -> Response:
    """All that a draft has said, the newest first, with what met a newer text."""
    thread_id, draft_id = key(request, "thread_id"), key(request, "draft_id")
    visitor = visitor_of(request)
    with desk_of(request).site.db.read() as conn:
        around = frame(conn, request)
        one = threads.by_id(conn, thread_id, visitor.seer)
        draft = drafts.by_id(conn, draft_id)
        if threads.by_id(conn, draft.thread_id, visitor.seer).id != one.id:
            raise NotFound(f"thread {one.id} has no draft {draft_id}")
        values: Mapping[str, Any] = {
            "thread": one,
            "draft": draft,
            "versions": drafts.versions(conn, draft_id),
            "people": people.everybody(conn),
        }
    return page(request, "draft.html", around, **values)


def restore(request: Request) -> Response:
    """Let the draft say what it said at an earlier save."""
    thread_id, draft_id = key(request, "thread_id"), key(request, "draft_id")
    site, visitor = desk_of(request).site, visitor_of(request)
    with site.db.read() as conn:
        threads.by_id(conn, thread_id, visitor.seer)
    version = _number(request.state.form, "version") or 0
    try:
        draft = Drafting(site.db, visitor.person.handle).restore(
            draft_id, thread_id, version, site.clock()
        )
    except NotFound:
        raise
    except AboardError as reason:
        return shown(request, thread_id, Extra(problem=str(reason)), status=409)
    mode = "all" if draft.fields.get("everybody") else draft.kind
    return back(thread_id, "restored", where=f"&compose={mode}&draft={draft_id}#text")


def file(request: Request) -> Response:
    """A file of a draft, saved, never shown."""
    thread_id, draft_id = key(request, "thread_id"), key(request, "draft_id")
    file_id, visitor = key(request, "file_id"), visitor_of(request)
    with desk_of(request).site.db.read() as conn:
        one = threads.by_id(conn, thread_id, visitor.seer)
        draft = drafts.by_id(conn, draft_id)
        listed = drafts.files_of(conn, [draft_id]).get(draft_id, ())
        found = next((each for each in listed if each.id == file_id), None)
        if found is None or threads.by_id(conn, draft.thread_id, visitor.seer).id != one.id:
            raise NotFound(f"draft {draft_id} has no file {file_id}")
        content = drafts.contents(conn, draft_id)[file_id]
    return saved_file(content, found.name, found.content_type)
