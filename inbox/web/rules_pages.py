"""The rules page: the set in force, and why a mail goes where it goes. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from fastapi import HTTPException, Request
from starlette.responses import RedirectResponse, Response

from inbox.config import Settings
from inbox.errors import NotFound, UnreadableMail
from inbox.flow import active
from inbox.flow.admin.loose_mail import asks_language, detector
from inbox.flow.evidence import coverage, explaining
from inbox.flow.evidence.explaining import Question, Surroundings
from inbox.flow.learning import guess
from inbox.store import accounts, messages, picking
from inbox.store.database import Conn
from inbox.web import rule_words
from inbox.web.context import desk_of, frame, page
from inbox.web.keys import key, number
from inbox.web.noting import note_look
from routing.ruleset import Ruleset

WINDOW = timedelta(days=30)
MOST_MAIL = 1_000_000
"""Bytes of a mail that may be pasted."""
NO_RULES = "No rules are in force yet."


def listing(request: Request) -> Response:
    """The rules in force in their order, with what each did in the last 30 days."""
    site = desk_of(request).site
    with site.db.read() as conn:
        around = frame(conn, request)
    return page(
        request,
        "rules.html",
        around,
        live=coverage.rules_page(site.db, site.clock() - WINDOW),
        does=rule_words.does,
        threshold=rule_words.threshold,
    )


def ask(request: Request) -> Response:
    """The form for a mail; `message` in the address leads to the trace of a stored one."""
    wanted = number(request, "message")
    if wanted is not None:
        return RedirectResponse(f"/messages/{wanted}/trace", 303)
    with desk_of(request).site.db.read() as conn:
        around = frame(conn, request)
        picks = picking.newest_incoming(conn, around.visitor.seer)
    return page(request, "explain.html", around, pasted="", problem="", answer=None, picks=picks)


def explain(request: Request) -> Response:
    """The trace of a pasted mail under the rules in force; nothing of it is kept."""
    form = request.state.form
    # Browsers send the lines of a text area with CRLF, as mail has them; the first may be empty.
    pasted = str(form.get("mail", "")).lstrip("\r\n")
    raw = pasted.encode("utf-8", "surrogateescape")
    if len(raw) > MOST_MAIL:
        raise HTTPException(413, "A pasted mail may have 1 MB. Use `aboard rules explain FILE`.")
    settings = desk_of(request).site.settings
    problem, answer = "", None
    with desk_of(request).site.db.read() as conn:
        around = frame(conn, request)
        picks = picking.newest_incoming(conn, around.visitor.seer)
        files = active.in_force(conn)
        if files is None:
            problem = NO_RULES
        elif not raw.strip():
            problem = "There is no mail yet: paste one with its header."
        else:
            try:
                question = explaining.loose(raw, _surroundings(conn, settings, files.ruleset))
                answer = _answer(question, files.ruleset, files.ruleset)
            except UnreadableMail as error:
                problem = f"Filing would hold this mail back: {error}"
    values = {"pasted": pasted, "problem": problem, "answer": answer, "picks": picks}
    return page(request, "explain.html", around, **values)


def trace(request: Request) -> Response:
    """Why a stored message went where it went; with `rules=now` under the rules in force now."""
    message_id = key(request, "message_id")
    now = request.query_params.get("rules") == "now"
    settings = desk_of(request).site.settings
    with desk_of(request).site.db.read() as conn:
        around = frame(conn, request)
        one = messages.by_id(conn, message_id, around.visitor.seer)
        files = active.in_force(conn)
        if files is None:
            raise NotFound(NO_RULES)
        question = explaining.stored(conn, one.id, _surroundings(conn, settings, files.ruleset))
        under = files.ruleset if now or question.ruleset is None else question.ruleset
        values = {
            "message": one,
            "account": accounts.by_id(conn, one.account_id, around.visitor.seer),
            "answer": _answer(
                question,
                under,
                files.ruleset,
                f"made from message {one.id}",
                around.visitor.seer.withheld,
            ),
            "note": question.note,
            "now_asked": now,
            "classifier_asked": question.facts.get("classifier.team") is not None,
            "same_set": under.hash == files.ruleset.hash,
        }
    note_look(request, "trace", f"message {one.id}")
    return page(request, "trace.html", around, **values)


def _surroundings(conn: Conn, settings: Settings, ruleset: Ruleset) -> Surroundings:
    mailboxes = tuple(one.address for one in settings.mailboxes)
    detect = detector() if asks_language(ruleset) else None
    live = guess.usable(conn)
    classify: Callable[..., Any] | None = None if live is None else guess.classifier_of(live)
    return Surroundings(mailboxes, detect, classify)


def _answer(
    question: Question,
    under: Ruleset,
    test_for: Ruleset,
    name: str = "",
    withheld: frozenset[str] = frozenset(),
) -> Any:
    """What `_fragments/trace.html` shows, without a word of fields that are withheld. A rule test
    holds what was seen, and what it leaves out tells as much: it is for who sees every field."""
    explanation = question.answer(under)
    return {
        "decision": explanation.decision,
        "steps": rule_words.steps(explanation, withheld),
        "classifier": explanation.classifier,
        "ruleset": under,
        "event": question.event,
        "test": "" if withheld else question.rule_test(test_for, name),
    }
