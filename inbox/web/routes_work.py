"""Routes of one thread: reading it, its messages and files, and what is done on it."""

from __future__ import annotations

from inbox.web import (
    confidential_pages,
    decision_pages,
    downloads,
    inbox_pages,
    previews,
    proposal_pages,
    thread_composer,
    thread_deeds,
    thread_pages,
    why,
)
from inbox.web.policy import Policy, Route

ROUTES = (
    Route("GET", "/threads/{thread_id}", thread_pages.thread, Policy.READ),
    Route("GET", "/threads/{thread_id}/near", why.near, Policy.READ),
    Route("POST", "/threads/{thread_id}/team", why.move, Policy.CHANGE, fields=("team",)),
    Route("POST", "/threads/{thread_id}/undo", why.undo, Policy.CHANGE, fields=("assignment",)),
    Route(
        "POST", "/threads/{thread_id}/join", decision_pages.join, Policy.CHANGE, fields=("other",)
    ),
    Route(
        "POST",
        "/threads/{thread_id}/take-back",
        thread_deeds.take_back,
        Policy.CHANGE,
        fields=("run",),
    ),
    Route(
        "POST",
        "/threads/{thread_id}/deeds",
        thread_deeds.deed,
        Policy.CHANGE,
        fields=thread_deeds.FIELDS,
    ),
    Route(
        "POST",
        "/threads/{thread_id}/draft",
        thread_composer.composed,
        Policy.CHANGE,
        thread_composer.MOST_BODY,
        fields=thread_composer.FIELDS,
        files=20,
    ),
    Route("GET", "/threads/{thread_id}/drafts/{draft_id}", thread_composer.versions, Policy.READ),
    Route(
        "POST",
        "/threads/{thread_id}/drafts/{draft_id}",
        thread_composer.restore,
        Policy.CHANGE,
        fields=("version",),
    ),
    Route(
        "GET",
        "/threads/{thread_id}/drafts/{draft_id}/files/{file_id}",
        thread_composer.file,
        Policy.READ,
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
    Route("GET", "/attachments/{attachment_id}/preview", previews.preview, Policy.READ),
    Route(
        "POST",
        "/threads/{thread_id}/confidential",
        confidential_pages.thread,
        Policy.CHANGE,
        fields=("confidential",),
    ),
    Route(
        "POST",
        "/attachments/{attachment_id}/confidential",
        confidential_pages.attachment,
        Policy.CHANGE,
        fields=("confidential",),
    ),
)
