"""The streams of one process: everybody who watches hears, from one look at the database a moment.

However many browsers watch, a look costs two short queries. A browser that reads slowly holds no
queue: what it has not been sent yet is one set of threads, and beyond a bound "read everything
again". Nobody hears of a thread that they may not see.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from inbox import log
from inbox.clock import Clock, iso
from inbox.errors import StoreError
from inbox.flow.working import live
from inbox.flow.working.live import Look
from inbox.store import feed, sessions
from inbox.store.database import Database
from inbox.store.feed import Change
from inbox.store.presence import Here
from inbox.store.seers import Seer

EVERY = 0.5
"""Seconds between looks."""
BEAT = 15.0
"""Seconds of silence after which a stream says that it is there."""
LIFE = 600.0
"""Seconds after which a stream ends; the browser asks again and shows its session again."""
ASKED_EVERY = 5.0
"""Seconds after which it is asked whether the sessions of all streams still count, and for whom."""
MOST_STREAMS, MOST_OF_ONE = 500, 12
MOST_THREADS = 200
"""Changed threads that one browser is told of at once."""


class Full(Exception):
    """No further stream: the browser asks for its pages again now and then instead."""


@dataclass(eq=False)
class _Listener:
    """One stream, and what it has not been sent yet."""

    seer: Seer | None
    session_id: int = 0
    ended: bool = False
    """Its session has ended, or its person's teams or role are others now."""
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    changed: dict[int, dict[str, Any]] = field(default_factory=dict)
    accounts: set[int] = field(default_factory=set)
    all_anew: bool = False
    here: str | None = None
    told_here: str = "{}"
    at: int = 0

    def add(self, changes: Iterable[Change]) -> None:
        """Take in changes that this person may hear of."""
        for one in changes:
            self.accounts.add(one.account_id)
            if one.thread_id is None:
                continue
            told = self.changed.setdefault(
                one.thread_id, {"account": str(one.account_id), "kinds": [], "by": []}
            )
            for name, value in (("kinds", one.kind), ("by", one.actor.partition("person:")[2])):
                if value and value not in told[name]:
                    told[name].append(value)
        if len(self.changed) > MOST_THREADS or len(self.accounts) > MOST_THREADS:
            self.changed.clear()
            self.accounts.clear()
            self.all_anew = True

    def hear(self, look: Look, hidden: frozenset[int]) -> None:
        """Take in what one look found, but for the threads that are hidden from this person."""
        self.all_anew |= look.too_many
        self.add(one for one in look.changes if one.thread_id not in hidden)
        self.at = max(self.at, look.at)
        said = json.dumps(_people(look.here, hidden), separators=(",", ":"))
        self.here = said if said != self.told_here else None
        if self.changed or self.accounts or self.all_anew or self.here is not None:
            self.wake.set()

    def taken(self) -> list[bytes]:
        """What is to be sent now, and nothing afterwards."""
        said: list[bytes] = []
        if self.all_anew:
            said.append(_event("anew", {}, self.at))
        elif self.changed or self.accounts:
            threads = {str(number): told for number, told in self.changed.items()}
            told_of = {"threads": threads, "accounts": [str(one) for one in sorted(self.accounts)]}
            said.append(_event("change", told_of, self.at))
        if self.here is not None and self.here != self.told_here:
            said.append(_line("here", self.here))
            self.told_here = self.here
        self.changed.clear()
        self.accounts.clear()
        self.all_anew, self.here = False, None
        return said


class Hub:
    """Looks while somebody listens. Made and used in one event loop."""

    def __init__(self, db: Database, clock: Clock, idle: timedelta) -> None:
        self._db = db
        self._clock = clock
        self._idle = idle
        self._asked = 0.0
        self._watch = live.Watch(db)
        self._listeners: set[_Listener] = set()
        self._looking: asyncio.Task[None] | None = None
        self._closed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._listeners)

    def room_for(self, seer: Seer | None) -> None:
        """Raises `Full` where no stream is left, of all or of this person's."""
        own = sum(1 for one in self._listeners if seer is not None and one.seer == seer)
        if self._closed.is_set() or len(self._listeners) >= MOST_STREAMS or own >= MOST_OF_ONE:
            raise Full

    async def stream(self, seer: Seer, session_id: int, last: int | None) -> AsyncIterator[bytes]:
        """Server-sent events for one browser, from what it missed after event `last` on.

        Ends when the browser goes, when the site stops, when its session does, and after `LIFE`.
        """
        listener = _Listener(seer, session_id)
        self._listeners.add(listener)
        try:
            await self._start(listener, last)
            yield b"retry: 1000\n" + _event("hello", {}, listener.at)
            ends = asyncio.get_running_loop().time() + LIFE
            while not self._closed.is_set() and asyncio.get_running_loop().time() < ends:
                try:
                    await asyncio.wait_for(listener.wake.wait(), BEAT)
                except TimeoutError:
                    yield b": here\n\n"
                    continue
                if listener.ended:
                    return
                listener.wake.clear()
                for said in listener.taken():
                    yield said
        finally:
            self._listeners.discard(listener)

    async def _start(self, listener: _Listener, last: int | None) -> None:
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._run())
        if last is not None:
            found = await asyncio.to_thread(live.missed, self._db, last)
            if found is None:
                listener.all_anew = True
            else:
                listener.add(await asyncio.to_thread(self._visible, found, listener.seer))
        listener.at = await asyncio.to_thread(self._watch.start)
        listener.told_here = ""  # the first look tells who is here, even where nobody is
        listener.wake.set()

    def _visible(self, found: Sequence[Change], seer: Seer | None) -> list[Change]:
        ids = {one.thread_id for one in found if one.thread_id is not None}
        if not ids:
            return list(found)
        with self._db.read() as conn:
            seen = feed.seen(conn, ids, seer)
        return [one for one in found if one.thread_id is None or one.thread_id in seen]

    async def _run(self) -> None:
        """Look until nobody listens any more."""
        while self._listeners and not self._closed.is_set():
            try:
                await self._ask()
                seers = {one.seer for one in self._listeners}
                look, hidden = await asyncio.to_thread(self._look, seers)
            except StoreError as error:
                log.database_trouble(error)  # nothing is lost: the next look goes on from here
            else:
                for listener in self._listeners:
                    listener.hear(look, hidden.get(listener.seer, look.confidential))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closed.wait(), EVERY)

    async def _ask(self) -> None:
        """End the streams whose sessions count no more: nobody hears on after signing out."""
        now = asyncio.get_running_loop().time()
        if now - self._asked < ASKED_EVERY:
            return
        self._asked, asked = now, list(self._listeners)
        seers = await asyncio.to_thread(self._seers, {one.session_id for one in asked})
        for listener in asked:
            if seers.get(listener.session_id) != listener.seer:
                listener.ended = True
                listener.wake.set()

    def _seers(self, session_ids: set[int]) -> dict[int, Seer]:
        with self._db.read() as conn:
            return sessions.seers(conn, session_ids, self._clock(), self._idle)

    def _look(self, seers: set[Seer | None]) -> tuple[Look, dict[Seer | None, frozenset[int]]]:
        """One look, and what of it each of the seers may not hear."""
        look = self._watch.look(self._clock())
        if not look.confidential:
            return look, dict.fromkeys(seers, frozenset())
        with self._db.read() as conn:
            seen = {seer: feed.seen(conn, look.confidential, seer) for seer in seers}
        return look, {seer: look.confidential - seen[seer] for seer in seers}

    async def close(self) -> None:
        """End every stream, and look no more; for the stop of the site, in its event loop."""
        self._closed.set()
        for listener in self._listeners:
            listener.wake.set()
        if self._looking is not None:
            await self._looking


def _people(here: Sequence[Here], hidden: frozenset[int]) -> Mapping[str, list[dict[str, str]]]:
    """Who is where: thread -> people, as browsers are told."""
    told: dict[str, list[dict[str, str]]] = {}
    for one in here:
        if one.thread_id not in hidden:
            person = {"handle": one.handle, "name": one.name, "does": one.does}
            told.setdefault(str(one.thread_id), []).append(person | {"since": iso(one.since)})
    return told


def _event(name: str, data: object, at: int) -> bytes:
    return f"id: {at}\n".encode() + _line(name, json.dumps(data, separators=(",", ":")))


def _line(name: str, data: str) -> bytes:
    # JSON holds no line breaks of its own, so that a name can never end an event early.
    return f"event: {name}\ndata: {data}\n\n".encode()
