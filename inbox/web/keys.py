"""What stands in an address: numbers, and where a list ended. Nothing else is believed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from fastapi import HTTPException, Request

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_NUMBER = re.compile(r"[0-9]{1,15}")
# Sixteen digits of microseconds reach from 1653 to 2286, so that no date overflows.
_PLACE = re.compile(r"(-?[0-9]{1,16})-([0-9]{1,15})")


def key(request: Request, name: str) -> int:
    """A number out of the path; what no row can have is not found."""
    value = str(request.path_params[name])
    if not _NUMBER.fullmatch(value):
        raise HTTPException(404)
    return int(value)


def number(request: Request, name: str) -> int | None:
    """A number out of the query, or None where it is not given."""
    return number_in(request.query_params, name)


def number_in(given: Mapping[str, str], name: str) -> int | None:
    """A number out of the fields of an address or a form, or None where it is not given."""
    value = given.get(name, "")
    if not value:
        return None
    if not _NUMBER.fullmatch(value):
        raise HTTPException(400, f"`{name}` is not a number.")
    return int(value)


def place(at: datetime, row_id: int) -> str:
    """Where a list ended, as it stands in an address."""
    return f"{(at - _EPOCH) // _MICROSECOND}-{row_id}"


def place_of(request: Request, name: str = "before") -> tuple[datetime, int] | None:
    """Where the last page ended, or None for the first page."""
    value = request.query_params.get(name, "")
    if not value:
        return None
    match = _PLACE.fullmatch(value)
    if match is None:
        raise HTTPException(400, f"`{name}` in the address is not a place in the list.")
    return _EPOCH + int(match[1]) * _MICROSECOND, int(match[2])
