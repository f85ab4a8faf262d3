"""Routes of one thread: reading it, its messages and files, and what is done on it."""

from __future__ import annotations

from inbox.web import decision_pages, downloads, inbox_pages, proposal_pages, why
from inbox.web.policy import Policy, Route

ROUTES = (
    Route("GET", "/threads/{thread_id}", inbox_pages.thread, Policy.READ),
    Route("GET", "/threads/{thread_id}/near", why.near, Policy.READ),
    Route("POST", "/threads/{thread_id}/team", why.move, Policy.CHANGE, fields=("team",)),
    Route("POST", "/threads/{thread_id}/undo", why.undo, Policy.CHANGE, fields=("assignment",)),
    Route(
        "POST", "/threads/{thread_id}/join", decision_pages.join, Policy.CHANGE, fields=("other",)
    ),
    Route(
        "POST",
        "/threads/{thread_id}/take-back",
        decision_pages.undo,
        Policy.CHANGE,
        fields=("run",),
    ),
    Route(
        "POST",
        "/messages/{message_id}/forward",
        decision_pages.correct,
        Policy.CHANGE,
        fields=("sender", "answer"),
    ),
    Route(
        "POST",
        "/proposals/{proposal_id}",
        proposal_pages.settle,
        Policy.CHANGE,
        fields=("answer",),
    ),
    Route("GET", "/messages/{message_id}", inbox_pages.message, Policy.READ),
    Route("GET", "/messages/{message_id}/html", downloads.message_html, Policy.READ),
    Route("GET", "/messages/{message_id}/raw", downloads.raw_message, Policy.READ),
    Route("GET", "/attachments/{attachment_id}", downloads.attachment, Policy.READ),
)
