"""In which time zone days and times are for who asks: what they chose, else what `teams.yaml` says
of them, else what their browser says, else UTC."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import unquote
from zoneinfo import ZoneInfo, available_timezones

from fastapi import Request

from inbox.store import preferences
from inbox.web.desk import desk_of
from inbox.web.visitors import visitor_of

CHOICE, COOKIE = "zone", "aboard_zone"
"""The preference; the cookie in which the script of a page says the browser's zone."""
OF_THE_WORLD = ("Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe")
MORE = ("Indian", "Pacific")


@cache
def known() -> frozenset[str]:
    """Every zone that this machine knows."""
    return frozenset(available_timezones())


@cache
def offered() -> tuple[str, ...]:
    """The zones to choose from, by place, in alphabetical order."""
    places = {*OF_THE_WORLD, *MORE}
    return ("UTC", *sorted(one for one in known() if one.partition("/")[0] in places))


def zone_in(request: Request, likes: Mapping[str, Any]) -> ZoneInfo:
    """The zone of who asks, whose choices are known."""
    said = (likes.get(CHOICE), *said_for(request))
    return ZoneInfo(next((one for one in said if one in known()), "UTC"))


def said_for(request: Request) -> tuple[str, ...]:
    """What counts where they have chosen nothing: of the file, and of the browser."""
    return visitor_of(request).person.zone, unquote(request.cookies.get(COOKIE, ""))[:60]


def zone_of(request: Request) -> ZoneInfo:
    """The zone of who asks."""
    with desk_of(request).site.db.read() as conn:
        return zone_in(request, preferences.of(conn, visitor_of(request).person.id))
