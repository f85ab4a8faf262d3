"""The stream of an open page, over a real port: what it says, to whom, and how it ends."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from inbox.flow.working import live
from inbox.store import people, sessions, timeline
from inbox.store.tables import team_members, threads
from inbox.store.timeline import Event
from inbox.web import live_hub
from inbox.web.visitors import COOKIE
from tests.web import story
from tests.web.conftest import HANDLES, Told, serving, session_of

LONGEST = 10.0
"""Seconds after which a test fails that waits for what never comes."""


class Stream:
    """A browser's end of `/live`."""

    def __init__(self, address: str, cookie: str, last: int | None = None) -> None:
        where = urlsplit(address)
        self._connection = http.client.HTTPConnection(
            str(where.hostname), where.port, timeout=LONGEST
        )
        headers = {"Cookie": f"{COOKIE}={cookie}", "Accept": "text/event-stream"}
        if last is not None:
            headers["Last-Event-ID"] = str(last)
        self._connection.request("GET", "/live", headers=headers)
        self.answer = self._connection.getresponse()

    def next(self) -> tuple[str, dict[str, object], int]:
        """The next event: name, data, id (-1 where it has none)."""
        name, data, number = "", "", -1
        while line := self.answer.readline().decode():
            field, _, value = line.rstrip("\n").partition(": ")
            if field == "event":
                name = value
            elif field == "data":
                data = value
            elif field == "id":
                number = int(value)
            elif not line.strip() and name:
                return name, json.loads(data), number
        return "end", {}, number

    def until(self, wanted: str) -> dict[str, object]:
        """The data of the next event of a kind."""
        while True:
            name, data, _ = self.next()
            if name in (wanted, "end"):
                assert name == wanted
                return data

    def close(self) -> None:
        self.answer.close()
        self._connection.close()


@contextmanager
def listening(own: Told, role: str = "agent", last: int | None = None) -> Iterator[Stream]:
    with serving(own.site()) as address:
        stream = Stream(address, session_of(own.db, HANDLES[role]), last)
        yield stream
        stream.close()


def happen(own: Told, thread_id: int, kind: str = "note") -> int:
    with own.db.write() as conn:
        event = Event(1, thread_id, None, story.NOW, kind, "person:priya", {"text": "x"})
        return timeline.add(conn, event)


def test_a_stream_tells_what_changed_and_by_whom(own: Told) -> None:
    with listening(own) as stream:
        assert stream.answer.getheader("content-type", "").startswith("text/event-stream")
        assert stream.answer.getheader("cache-control") == "no-store"
        assert stream.next()[0] == "hello"
        number = happen(own, 1)
        told = stream.until("change")
        assert told["threads"] == {"1": {"account": "1", "kinds": ["note"], "by": ["priya"]}}
        assert number > 0


def test_who_is_where_is_told_at_once_and_again_when_it_changes(own: Told) -> None:
    with own.db.read() as conn:
        tom = people.by_handle(conn, HANDLES["lead"]).id
    with listening(own) as stream:
        assert stream.until("here") == {}
        live.at_thread(own.db, tom, "tab-one-1", 1, "writes", story.NOW)
        here = stream.until("here")
        assert [(one["handle"], one["does"]) for one in here["1"]] == [(HANDLES["lead"], "writes")]  # type: ignore[index]
        live.left(own.db, tom, "tab-one-1")
        assert stream.until("here") == {}


def test_what_was_missed_is_told_and_too_much_is_everything_anew(
    own: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = happen(own, 1)
    happen(own, 2)
    with listening(own, last=first) as stream:
        assert set(stream.until("change")["threads"]) == {"2"}  # type: ignore[call-overload]
    monkeypatch.setattr(live, "MOST_CHANGES", 0)
    with listening(own, last=first) as stream:
        stream.until("anew")


def test_nobody_hears_of_a_thread_that_they_may_not_see(own: Told) -> None:
    with own.db.write() as conn:
        conn.execute(
            threads.update().where(threads.c.id == 1).values(confidential=True, team="compliance")
        )
        maya = people.by_handle(conn, HANDLES["admin"]).id
        conn.execute(threads.update().where(threads.c.id == 1).values(accountable_id=maya))
    before = happen(own, 2)
    happen(own, 1)
    with serving(own.site()) as address:
        agent = Stream(address, session_of(own.db, HANDLES["agent"]), before)
        lead = Stream(address, session_of(own.db, HANDLES["lead"]), before)
        assert set(lead.until("change")["threads"]) == {"1"}  # type: ignore[call-overload]
        live.at_thread(own.db, maya, "tab-one-1", 1, "views", story.NOW)
        happen(own, 1)
        assert "1" in lead.until("here") or "1" in lead.until("here")
        happen(own, 2)
        heard: list[tuple[str, dict[str, object]]] = []
        while not any("2" in data.get("threads", {}) for _, data in heard):  # type: ignore[operator]
            heard.append(agent.next()[:2])
        assert all("1" not in data.get("threads", {}) for _, data in heard)  # type: ignore[operator]
        assert all("1" not in data for name, data in heard if name == "here")
        agent.close()
        lead.close()


@pytest.mark.parametrize("why", ["signed out", "another team"])
def test_a_stream_ends_with_its_session_and_when_one_sees_something_else(
    own: Told, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    monkeypatch.setattr(live_hub, "ASKED_EVERY", 0.0)
    with listening(own) as stream:
        assert stream.next()[0] == "hello"
        with own.db.write() as conn:
            person = people.by_handle(conn, HANDLES["agent"]).id
            if why == "signed out":
                sessions.end(conn, person, story.NOW)
            else:
                mine = team_members.c.person_id == person
                conn.execute(team_members.delete().where(mine))
        while (name := stream.next()[0]) != "end":
            assert name == "here"


def test_the_site_stops_at_once_with_streams_open(own: Told) -> None:
    opened = threading.Event()
    ended: list[str] = []

    with serving(own.site()) as address:
        stream = Stream(address, session_of(own.db, HANDLES["agent"]))

        def read() -> None:
            while (name := stream.next()[0]) != "end":
                opened.set()
                assert name
            ended.append("end")

        reader = threading.Thread(target=read)
        reader.start()
        assert opened.wait(LONGEST)
    reader.join(LONGEST)
    stream.close()
    assert ended == ["end"], "the stream was ended by the site, not cut off"


def test_streams_are_bounded_and_given_back(own: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_hub, "MOST_OF_ONE", 2)
    with serving(own.site()) as address:
        cookie = session_of(own.db, HANDLES["agent"])
        streams = [Stream(address, cookie) for _ in range(3)]
        for stream in streams[:2]:
            assert stream.next()[0] == "hello"
        assert [one.answer.status for one in streams] == [200, 200, 503]
        other = Stream(address, session_of(own.db, HANDLES["lead"]))
        assert other.answer.status == 200
        for stream in (*streams, other):
            stream.close()


def test_a_name_cannot_break_out_of_its_event() -> None:
    line = live_hub._line("here", json.dumps({"name": "Eve\n\nevent: anew\r\ndata: {}"}))
    assert line.count(b"\n") == 3 and b"\r" not in line


def test_nobody_who_is_not_signed_in_gets_a_stream(own: Told) -> None:
    answer = own.client(role=None).get("/live", headers={"accept": "text/event-stream"})
    assert answer.status_code in (401, 403)
