"""Routes of coming in and going out."""

from __future__ import annotations

from inbox.web import sign_in_pages
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
)  # fmt: skip
