"""Routes of coming in and going out, of people, and of what admins look after."""

from __future__ import annotations

from inbox.web import admin_pages, mention_pages, own_pages, people_pages, sign_in_pages
from inbox.web.policy import Policy, Route

ROUTES = (
    Route("GET", "/sign-in", sign_in_pages.ask, Policy.OPEN),
    Route("POST", "/sign-in", sign_in_pages.sign_in, Policy.OPEN,
          fields=("name", "password", "next")),
    Route("POST", "/sign-in/demo", sign_in_pages.by_click, Policy.OPEN, fields=("handle", "next")),
    Route("GET", "/sign-in/once", sign_in_pages.ask_once, Policy.OPEN),
    Route("POST", "/sign-in/once", sign_in_pages.redeem, Policy.OPEN,
          fields=("once", "password", "again")),
    Route("POST", "/sign-out", sign_in_pages.sign_out, Policy.OWN),
    Route("GET", "/me", own_pages.show, Policy.READ),
    Route("POST", "/me/password", own_pages.change_password, Policy.OWN,
          fields=("old", "new", "again")),
    Route("POST", "/me/sessions", own_pages.end_sessions, Policy.OWN, fields=("session",)),
    Route("GET", "/mentions", mention_pages.listing, Policy.READ),
    Route("POST", "/mentions", mention_pages.all_read, Policy.OWN),
    Route("GET", "/people", people_pages.listing, Policy.READ),
    Route("POST", "/people/away", people_pages.leave, Policy.LEAD,
          fields=("handle", "from", "until", "note")),
    Route("POST", "/people/back", people_pages.back, Policy.LEAD, fields=("handle",)),
    Route("POST", "/people/link", people_pages.give_link, Policy.ADMIN, fields=("handle",)),
    Route("POST", "/people/sessions", people_pages.end_sessions, Policy.ADMIN, fields=("handle",)),
    Route("GET", "/settings", admin_pages.settings, Policy.ADMIN),
    Route("GET", "/audit", admin_pages.audit, Policy.ADMIN),
    Route("GET", "/audit.csv", admin_pages.audit_csv, Policy.ADMIN),
)  # fmt: skip
