"""Is a column one of many numbers? One parameter, however many there are: an IN list has one for
each, and SQLite allows 32,766 in a statement unless built otherwise, PostgreSQL 65,535."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import orjson
from sqlalchemy import BigInteger, ColumnElement, any_, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY

from inbox.store.database import Conn


def among(conn: Conn, column: Any, numbers: Iterable[int]) -> ColumnElement[bool]:
    """The condition that a column is one of these numbers; false where there are none."""
    listed = sorted(set(numbers))
    if conn.dialect.name == "sqlite":
        each = func.json_each(orjson.dumps(listed).decode()).table_valued("value")
        within: ColumnElement[bool] = column.in_(select(each.c.value))
        return within
    return cast(ColumnElement[bool], column == any_(literal(listed, ARRAY(BigInteger))))
