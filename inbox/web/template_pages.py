"""Mail templates: what is in force, in every language, tried on a sample or on a real thread."""

from __future__ import annotations

from typing import Any

from fastapi import HTTPException, Request
from starlette.responses import Response

from inbox.errors import AboardError, NotFound
from inbox.flow.admin.admin_set import AdminFiles
from inbox.flow.admin.stored_sets import in_force
from inbox.flow.evidence import trying
from inbox.flow.leaving import compose
from inbox.flow.texts.render import ALWAYS, LISTS, THEIRS, MailTemplates, Rendered, TemplateTrouble
from inbox.flow.texts.render_samples import SAMPLES
from inbox.store import threads
from inbox.web.context import desk_of, frame, page
from inbox.web.keys import number

ROLES = {
    "acknowledges": "says that we have it",
    "tells": "tells news",
    "asks": "asks the customer to do something",
    "late": "says that we are late",
}


def _mail(files: AdminFiles | None) -> MailTemplates:
    if files is None:
        raise HTTPException(404, "No templates are in force yet.")
    return files.mail


def listing(request: Request) -> Response:
    """Every template in force with its languages."""
    with desk_of(request).site.db.read() as conn:
        around = frame(conn, request)
        mail = _mail(in_force(conn))
    found = [mail.by_name[name] for name in mail.names]
    variables = {
        name: (about.removeprefix("list: "), name in LISTS, name in ALWAYS)
        for name, about in (ALWAYS | THEIRS).items()
    }
    return page(request, "templates.html", around, found=found, roles=ROLES, variables=variables)


def show(request: Request) -> Response:
    """One template as a customer would get it: `?thread=7&language=de`, else a sample."""
    name = str(request.path_params["name"])
    language = request.query_params.get("language", "")[:2]
    thread_id = number(request, "thread")
    site = desk_of(request).site
    with site.db.read() as conn:
        around = frame(conn, request)
        mail = _mail(in_force(conn))
        if name not in mail.by_name:
            raise NotFound(f"there is no template {name!r}")
        recent = threads.listing(conn, threads.Page(limit=12), around.visitor.seer)
        if thread_id is not None:
            threads.by_id(conn, thread_id, around.visitor.seer)
    one = mail.by_name[name]
    if language and language not in one.languages:
        raise HTTPException(400, "The template has no such language.")
    shown, trouble = _rendered(request, mail, name, thread_id, language)
    values = {"one": one, "roles": ROLES, "language": language, "thread_id": thread_id}
    values |= {"shown": shown, "trouble": trouble, "recent": recent}
    return page(request, "template.html", around, **values)


def _rendered(
    request: Request, mail: MailTemplates, name: str, thread_id: int | None, language: str
) -> tuple[dict[str, Any] | None, str]:
    """(what would be mailed, what is in the way)."""
    site = desk_of(request).site
    now = site.clock()
    try:
        if thread_id is None:
            made = mail.render(name, language or "en", SAMPLES["plain"])
            return _shape("Ana Costa <ana@acme.example> (a sample)", made), ""
        trial = trying.Trial(mail, compose.open_post(site.db, site.settings, now), now)
        shown = trying.preview(site.db, trial, trying.Asked(name, thread_id, language))
        return _shape(shown.to, shown.rendered), ""
    except (TemplateTrouble, NotFound, AboardError) as error:
        return None, str(error)


def _shape(to: str, made: Rendered) -> dict[str, Any]:
    return {
        "to": to,
        "subject": made.subject,
        "text": made.text,
        "language": made.language,
        "has_html": made.html is not None,
    }
