"""Which list an address stands for: a view, and what narrows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from fastapi import HTTPException, Request

from inbox.errors import NotFound
from inbox.store import asking, views
from inbox.store.asking import Asked, Known, Term
from inbox.store.database import Conn
from inbox.store.seers import Seer
from inbox.store.views import DUE, NEWEST, View
from inbox.web import words
from inbox.web.keys import number_in

SORTS = {DUE: "Due first", NEWEST: "Newest first"}
_HOUSE = {one.name: one for one in views.HOUSE}


@dataclass(frozen=True, slots=True)
class Filters:
    """Which threads a list shows, as it stands in its address."""

    team: str | None = None
    status: str | None = "open"
    account: int | None = None
    view: str | None = None
    typed: str = ""
    sort: str | None = None
    """None: as the view says."""

    def query(self, **other: Any) -> str:
        """The query part of an address: these filters, with some changed."""
        values = {**self.fields(), **other}
        given = {name: value for name, value in values.items() if value is not None}
        if given.get("status") == _usual(given.get("q"), given.get("view")):
            del given["status"]
        return f"?{urlencode(given)}" if given else ""

    def fields(self) -> dict[str, str]:
        """All of these filters, as `filters_in` reads them."""
        values = {"view": self.view, "team": self.team, "account": self.account, "sort": self.sort}
        values |= {"q": self.typed or None}
        if self.view is None:
            values["status"] = self.status or "all"
        return {name: str(value) for name, value in values.items() if value is not None}

    def hidden(self) -> dict[str, str]:
        """What a form that changes only the words must carry on: who types words into the list
        of what is open looks into all."""
        given = self.fields()
        return {n: v for n, v in given.items() if n != "q" and (n, v) != ("status", "open")}


@dataclass(frozen=True, slots=True)
class List:
    """A list: its address, the view it is (None: a list by team and status), and what is asked."""

    filters: Filters
    view: View | None
    asked: Asked
    sort: str

    @property
    def query(self) -> str:
        """The whole question in the search language, to be saved or changed."""
        return self.asked.written


def _usual(typed: Any, view: Any) -> str:
    """The status of a list whose address names none."""
    return "all" if typed or view else "open"


def filters_of(request: Request) -> Filters:
    """The filters in an address; what names no status or order is refused."""
    return filters_in(request.query_params)


def filters_in(given: Mapping[str, str]) -> Filters:
    """The filters in the fields of an address or a form; `Filters.fields` writes them."""
    typed = given.get("q", "").strip()[: asking.MOST_TYPED]
    view = (given.get("view") or "")[:20] or None
    status = given.get("status") or _usual(typed, view)
    if status not in words.STATUSES:
        raise HTTPException(400, "There is no such status.")
    sort = given.get("sort") or None
    if sort not in (None, *SORTS):
        raise HTTPException(400, "A list is sorted by `due` or by `newest`.")
    team = (given.get("team") or "")[:80] or None
    by_status = None if status == "all" else status
    return Filters(team, by_status, number_in(given, "account"), view, typed, sort)


def list_of(conn: Conn, filters: Filters, seer: Seer | None, known: Known) -> List:
    """What an address asks for. Raises `NotFound` for a view that is not there for this person."""
    view = None if filters.view is None else view_named(conn, filters.view, seer)
    asked = asking.read(filters.typed, known)
    if view is not None:
        named = asking.read(view.query, known)
        asked = Asked((*named.terms, *asked.terms), (*named.said, *asked.said))
    more = []
    if filters.team is not None:
        more.append(_term("team", filters.team))
    if view is None and filters.status is not None:
        more.append(_term("is", filters.status))
    if filters.account is not None:
        more.append(_term("account", str(filters.account)))
    sort = filters.sort or (view.sort if view else NEWEST)
    return List(filters, view, replace(asked, terms=(*asked.terms, *more)), sort)


def _term(name: str, value: str) -> Term:
    return Term(name, value, False, f"{name}:{value}")


def view_named(conn: Conn, name: str, seer: Seer | None) -> View:
    """A view of the house, or a saved one that this person has. Raises `NotFound`."""
    if name in _HOUSE:
        return _HOUSE[name]
    for one in views.saved(conn, seer):
        if one.name == name:
            return one
    raise NotFound(f"there is no view {name!r}")
