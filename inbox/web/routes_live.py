"""Routes that an open page asks: what changed, who is where, what one likes."""

from __future__ import annotations

from inbox.web import choices, live_pages
from inbox.web.policy import Policy, Route

ROUTES = (
    Route("GET", "/live", live_pages.stream, Policy.READ),
    Route("GET", "/live/counts", live_pages.counts, Policy.READ),
    Route("GET", "/live/find", live_pages.find, Policy.READ),
    Route("POST", "/live/here", live_pages.here, Policy.OWN, fields=("tab", "thread", "does")),
    Route("GET", "/preferences", choices.page_of_mine, Policy.READ),
    Route("POST", "/preferences/pictures", choices.keep_out, Policy.OWN, fields=("address",)),
    Route("POST", "/messages/{message_id}/pictures", choices.let_in, Policy.OWN),
    Route("POST", "/preferences", choices.choose, Policy.OWN, fields=("name", "value")),
)
