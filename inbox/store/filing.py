"""The writes of one filing transaction, in bulk: gathered row by row, written table by table.

A mail touches a dozen tables; written one by one they cost more than reading the mail. Keys are
given out beforehand (`Keys`), so rows may name each other before any is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Table, bindparam, update

from inbox.store import intake, search, timeline
from inbox.store.agent_tables import agent_mails, agent_notices
from inbox.store.database import Conn, Keys, insert_or_ignore
from inbox.store.hygiene_tables import invitations, proposals
from inbox.store.intake import Settlement
from inbox.store.model_tables import model_shadow
from inbox.store.shadow import shadow_hits, shadow_results
from inbox.store.tables import (
    account_domains,
    accounts,
    assignments,
    attachments,
    contact_addresses,
    contacts,
    messages,
    rule_hits,
    thread_ids,
    thread_links,
    thread_participants,
    threads,
)

Row = Mapping[str, Any]

# Not thread_ids: an id that somebody else took meanwhile must undo the batch, not split a thread.
_MAY_BE_THERE = frozenset({"thread_participants", "thread_links"})

_ORDER: tuple[Table, ...] = (
    accounts,
    account_domains,
    contacts,
    contact_addresses,
    threads,
    messages,
    attachments,
    thread_ids,
    thread_participants,
    thread_links,
    proposals,
    agent_mails,
    agent_notices,
    invitations,
    assignments,
    rule_hits,
    shadow_results,
    shadow_hits,
    model_shadow,
)

_THREAD_STATE = (
    "subject",
    "status",
    "team",
    "accountable_id",
    "claimed_at",
    "decided_by",
    "priority",
    "policy",
    "tags",
    "opened_at",
    "last_message_at",
    "last_in_at",
    "last_out_at",
    "messages",
)
_SAVE_THREAD = (
    update(threads)
    .where(threads.c.id == bindparam("the_id"))
    .values(
        version=threads.c.version + 1,
        **{name: bindparam(f"new_{name}") for name in _THREAD_STATE},
    )
)

_SAVE_STAGE = (
    update(accounts)
    .where(accounts.c.id == bindparam("the_id"))
    .values(stage=bindparam("new_stage"))
)


class Writes:
    """What one transaction is going to write."""

    def __init__(self, conn: Conn, now: datetime) -> None:
        self._conn = conn
        self._now = now
        self._rows: dict[str, list[Row]] = {table.name: [] for table in _ORDER}
        self._keys: dict[str, Keys] = {}
        self._threads: dict[int, Row] = {}
        self._stages: dict[int, str] = {}
        self._events: list[timeline.Event] = []
        self._words: list[tuple[int, str]] = []
        self._settled: list[Settlement] = []

    def key(self, table: str) -> int:
        """A key for a row of this table that will be added later."""
        if table not in self._keys:
            self._keys[table] = Keys(self._conn, next(t for t in _ORDER if t.name == table))
        return self._keys[table].take()

    def add(self, table: str, row: Row) -> None:
        """Write this row."""
        self._rows[table].append(row)

    def save_thread(self, thread_id: int, state: Row) -> None:
        """Write a thread's whole state; the last one given counts."""
        self._threads[thread_id] = state

    def save_stage(self, account_id: int, stage: str) -> None:
        """Write where an account's onboarding stands; the last one given counts."""
        self._stages[account_id] = stage

    def event(self, happened: timeline.Event) -> None:
        """Write this event."""
        self._events.append(happened)

    def index(self, message_id: int, words: str) -> None:
        """Make a message findable by these words, as `search.words_of` gives them."""
        self._words.append((message_id, words))

    def settle(self, done: Settlement) -> None:
        """Write this outcome into the ledger."""
        self._settled.append(done)

    def flush(self) -> None:
        """Write everything gathered so far. Raises `LeaseLost` when a claim is no longer held."""
        for table in _ORDER:
            rows = self._rows[table.name]
            if not rows:
                continue
            if table.name in _MAY_BE_THERE:
                insert_or_ignore(self._conn, table, rows)
            else:
                self._conn.execute(table.insert(), rows)
            rows.clear()
        if self._threads:
            self._conn.execute(
                _SAVE_THREAD,
                [
                    {"the_id": one, **{f"new_{name}": state[name] for name in _THREAD_STATE}}
                    for one, state in self._threads.items()
                ],
            )
            self._threads.clear()
        if self._stages:
            stages = [{"the_id": one, "new_stage": stage} for one, stage in self._stages.items()]
            self._conn.execute(_SAVE_STAGE, stages)
            self._stages.clear()
        search.add_words(self._conn, self._words)
        self._words.clear()
        timeline.append(self._conn, self._events)
        self._events.clear()
        intake.settle(self._conn, self._settled, self._now)
        self._settled.clear()
