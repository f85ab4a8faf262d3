"""Routes of lists and look-ups: threads, views, accounts, search, wall, reports, what leaves."""

from __future__ import annotations

from inbox.web import (
    account_pages,
    bulk_pages,
    leaving_pages,
    list_pages,
    mailbox_pages,
    merge_pages,
    quarantine_pages,
    report_pages,
    rules_pages,
    template_pages,
    view_pages,
    wall_pages,
)
from inbox.web import downloads as files
from inbox.web import search_pages as searching
from inbox.web.policy import Policy, Route

MOST_PASTED = rules_pages.MOST_MAIL + 64 * 1024
"""A mail of the size that may be pasted, and the form around it."""

VIEW = ("name", "query", "sort", "shared")
BULK = (
    *("id", "ids", "deed", "back", "sure", "all", "confirmed"),
    *("view", "team", "account", "status", "q", "sort"),
    *("tag_value", "untag_value", "snooze_value"),
)
MOST_CHOSEN = 80
"""Fields of a form that names every thread of a page."""

ROUTES = (
    Route("GET", "/", list_pages.inbox, Policy.READ),
    Route("GET", "/threads", list_pages.inbox, Policy.READ),
    Route("POST", "/threads/bulk", bulk_pages.run, Policy.CHANGE, fields=BULK,
          most_fields=MOST_CHOSEN),
    Route("POST", "/threads/undo", bulk_pages.take_back, Policy.CHANGE, fields=("run", "back")),
    Route("POST", "/views", view_pages.create, Policy.OWN, fields=VIEW),
    Route("POST", "/views/{view_id}", view_pages.change, Policy.OWN, fields=(*VIEW, "deed")),
    Route("GET", "/accounts", account_pages.listing, Policy.READ),
    Route("GET", "/accounts/{account_id}", account_pages.account, Policy.READ),
    Route("POST", "/accounts/{account_id}", account_pages.edit, Policy.CHANGE,
          fields=("name", "tier", "stage", "tags")),
    Route("POST", "/accounts/{account_id}/owner", account_pages.own, Policy.CHANGE,
          fields=("team", "owner")),
    Route("POST", "/accounts/{account_id}/contacts/{contact_id}", account_pages.role,
          Policy.CHANGE, fields=("role",)),
    Route("GET", "/accounts/{account_id}/merge", merge_pages.ask_merge, Policy.READ),
    Route("POST", "/accounts/{account_id}/merge", merge_pages.merge, Policy.LEAD,
          fields=("into",)),
    Route("GET", "/accounts/{account_id}/unmerge", merge_pages.ask_unmerge, Policy.LEAD),
    Route("POST", "/accounts/{account_id}/unmerge", merge_pages.unmerge, Policy.LEAD),
    Route("GET", "/search", searching.results, Policy.READ),
    Route("GET", "/wall", wall_pages.show, Policy.READ),
    Route("GET", "/reports", report_pages.show, Policy.READ),
    Route("GET", "/reports/{name}", report_pages.show, Policy.READ),
    Route("GET", "/reports/{name}/threads", report_pages.its_threads, Policy.READ),
    Route("GET", "/reports/{name}/csv", report_pages.as_csv, Policy.READ),
    Route("GET", "/outbox", leaving_pages.outbox, Policy.READ),
    Route("POST", "/outbox/{item_id}", leaving_pages.item, Policy.CHANGE,
          fields=("deed", "back")),
    Route("GET", "/followups", leaving_pages.follow_ups, Policy.READ),
    Route("POST", "/followups/{planned_id}", leaving_pages.follow_up, Policy.CHANGE,
          fields=("deed", "back", "at", "subject", "body")),
    Route("GET", "/templates", template_pages.listing, Policy.READ),
    Route("GET", "/templates/{name}", template_pages.show, Policy.READ),
    Route("GET", "/messages/{message_id}/trace", rules_pages.trace, Policy.READ),
    Route("GET", "/rules", rules_pages.listing, Policy.READ),
    Route("GET", "/rules/explain", rules_pages.ask, Policy.READ),
    # It changes nothing, but makes the server work: not for other sites' forms.
    Route("POST", "/rules/explain", rules_pages.explain, Policy.OWN, MOST_PASTED, ("mail",)),
    Route("GET", "/quarantine", quarantine_pages.listing, Policy.READ),
    Route("GET", "/mailboxes", mailbox_pages.listing, Policy.LEAD),
    Route("GET", "/quarantine/{ledger_id}/raw", files.raw_quarantined, Policy.READ),
    Route("POST", "/quarantine/retry", quarantine_pages.retry, Policy.CHANGE,
          fields=("ledger_id",)),
)  # fmt: skip
