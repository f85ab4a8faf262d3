"""Routes of lists and look-ups: threads, accounts, search, rules, quarantine."""

from __future__ import annotations

from inbox.web import account_pages, inbox_pages, mailbox_pages, quarantine_pages, rules_pages
from inbox.web import downloads as files
from inbox.web import search_pages as searching
from inbox.web.policy import Policy, Route

MOST_PASTED = rules_pages.MOST_MAIL + 64 * 1024
"""A mail of the size that may be pasted, and the form around it."""

ROUTES = (
    Route("GET", "/", inbox_pages.inbox, Policy.READ),
    Route("GET", "/threads", inbox_pages.inbox, Policy.READ),
    Route("GET", "/accounts", account_pages.listing, Policy.READ),
    Route("GET", "/accounts/{account_id}", account_pages.account, Policy.READ),
    Route("GET", "/search", searching.results, Policy.READ),
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
