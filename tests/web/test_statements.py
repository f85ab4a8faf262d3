"""A page costs a fixed number of SQL statements, however much it shows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import event

from inbox.store.database import Database
from inbox.store.seers import Seer
from inbox.web.site import build
from tests.web import story
from tests.web.conftest import Told

MOST = {
    "/threads": 9,
    "/threads?fragment=rows": 9,
    "/threads?view=mine": 9,
    "/threads?view=unclaimed&sort=due": 9,
    "/threads?view=all&q=team:support+-is:closed": 9,
    "/wall": 8,
    "/reports/first-response": 8,
    "/reports/volume?by=account": 8,
    "/outbox": 9,
    "/followups": 8,
    "/templates": 9,
    "/threads/1": 28,
    "/messages/1": 9,
    "/threads/1/near": 24,
    "/messages/1/trace": 21,
    "/rules": 14,
    "/rules/explain": 7,
    "/accounts": 9,
    "/accounts/1": 21,
    "/search?q=kickoff": 11,
    "/search?q=is:open": 10,
    "/quarantine": 7,
    "/people": 13,
    "/me": 7,
    "/mentions": 7,
    "/settings": 12,
    "/audit": 7,
    "/healthz": 1,
}
"""Page -> statements at most; one of them finds out who asks."""
ADMIN = Seer(1, "maya", "admin", frozenset())


@contextmanager
def counted(db: Database) -> Iterator[list[str]]:
    """The statements that run meanwhile, without BEGIN and the like."""
    seen: list[str] = []

    def note(conn: object, cursor: object, statement: str, *rest: object) -> None:
        if not statement.startswith(("BEGIN", "SET", "PRAGMA")):
            seen.append(statement)

    event.listen(db.engine(), "before_cursor_execute", note)
    yield seen
    event.remove(db.engine(), "before_cursor_execute", note)


@pytest.fixture(autouse=True)
def counts_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow this machine is, the counts do not expire in the middle of a test."""
    monkeypatch.setattr("inbox.web.desk.COUNTS_STAND_FOR", 3600.0)
    monkeypatch.setattr("inbox.web.view_counts.STAND_FOR", 3600.0)
    monkeypatch.setattr("inbox.web.wall_sums.STANDS_FOR", 3600.0)


def statements(told: Told) -> dict[str, int]:
    client = told.client()
    found = {}
    client.get("/wall")
    client.get("/messages/1/trace")  # noted once an hour
    client.get("/threads")  # from here on the counts of the navigation stand, see below
    for path in MOST:
        with counted(told.db) as seen:
            assert client.get(path).status_code == 200
        found[path] = len(seen)
    return found


def test_pages_stay_within_their_statements(told: Told) -> None:
    found = statements(told)
    assert {path: number for path, number in found.items() if number > MOST[path]} == {}


def test_ten_times_the_mail_costs_not_one_statement_more(own: Told) -> None:
    before = statements(own)
    raws = []
    for n in range(60):
        number = f"<grown-{n}@acme.example>"
        reply = {"in_reply_to": "<kickoff-1@acme.example>"} if n % 3 == 0 else {}
        sender = f"Person {n} <p{n}@{'acme' if n % 3 == 0 else f'company{n}'}.example>"
        made = story.mail(sender, f"Kickoff {n}", "Text.\n", minutes=n, message_id=number, **reply)
        made.add_attachment(b"x", maintype="text", subtype="plain", filename=f"{n}.txt")
        raws.append(made.as_bytes())
    story.put(own.db, own.settings, raws)
    assert statements(own) == before


@pytest.mark.parametrize(
    ("mode", "most"), [("", 0), ("reply", 1), ("all", 1), ("forward", 1), ("note", 0)]
)
def test_the_mails_of_a_thread_are_read_once_and_only_for_who_writes(
    told: Told, mode: str, most: int
) -> None:
    """Beside the newest ones, which the page shows: there may be thousands of them."""
    client = told.client()
    with counted(told.db) as seen:
        assert client.get(f"/threads/1?compose={mode}").status_code == 200
    whole = [one for one in seen if "messages.visible_text" in one and "DESC" not in one]
    assert len(whole) == most, whole


@pytest.mark.parametrize("path", ["/nope", "/static/nope"])
def test_a_page_that_is_not_there_costs_no_statement(own: Told, path: str) -> None:
    client = own.client()
    with counted(own.db) as seen:
        client.get(path)
    assert seen == []


def test_counts_are_counted_once_in_a_while_and_anew_after_a_change(
    own: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = build(own.site()).state.desk
    clock = iter((10.0, 11.9, 12.1, 12.2))
    monkeypatch.setattr("inbox.web.desk.monotonic", lambda: next(clock))
    monkeypatch.setattr("inbox.web.desk.COUNTS_STAND_FOR", 2.0)
    asked = []
    for forget in (False, False, False, True):
        if forget:
            desk.counts.forget()
        with counted(own.db) as seen, own.db.read() as conn:
            assert desk.counts.now(conn, ADMIN)
        asked.append(len(seen))
    assert asked == [1, 0, 1, 1]
