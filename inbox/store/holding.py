"""Accounts held for one transaction by who waits for nobody, so that nobody waits in a ring."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import bindparam, select

from inbox.store.database import Conn, portions, skip_locked
from inbox.store.tables import accounts

_FREE = (
    select(accounts.c.id)
    .where(accounts.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(accounts.c.id)
)


def held(conn: Conn, account_ids: Iterable[int]) -> set[int]:
    """Those of these accounts that nobody else holds; held from here on."""
    wanted, ids = skip_locked(conn, _FREE), sorted(set(account_ids))
    return {one for some in portions(ids) for one in conn.scalars(wanted, {"ids": some})}
