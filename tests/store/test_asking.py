"""The search language: terms, what is wrong with them, and the same answers on both databases."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox.store import accounts, asking, finding, people, search, timeline, views
from inbox.store.accounts import NewAccount
from inbox.store.asking import Known
from inbox.store.database import Conn, Database
from inbox.store.finding import Eyes
from inbox.store.seers import Seer
from inbox.store.tables import attachments, events
from inbox.store.tables import threads as threads_table
from inbox.store.timeline import Event
from tests.databases import NOW
from tests.store.company import MINUTE, open_thread, thread_row
from tests.store.test_lists import write_message

KNOWN = Known(teams=("support", "success"), people=("tom", "maya"))
DAY = timedelta(days=1)


def terms(typed: str) -> list[tuple[str, str, bool]]:
    return [(one.name, one.value, one.negated) for one in asking.read(typed, KNOWN).terms]


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("invoice paid", [("text", "invoice", False), ("text", "paid", False)]),
        ('"signed contract"', [("text", "signed contract", False)]),
        ("-draft", [("text", "draft", True)]),
        ("from:ana@acme.example", [("from", "ana@acme.example", False)]),
        ('account:"Acme Logistics"', [("account", "Acme Logistics", False)]),
        ("-team:support", [("team", "support", True)]),
        ("IS:open", [("is", "open", False)]),
        ('"not closed', [("text", "not closed", False)]),
        ("has:attachment", [("has", "attachment", False)]),
        ("after:2026-11-01", [("after", "2026-11-01", False)]),
        ("", []),
        ('- : " "', []),
        ("https://a.example/x", [("text", "https://a.example/x", False)]),
    ],
)
def test_what_is_typed_becomes_terms(typed: str, read: list[tuple[str, str, bool]]) -> None:
    assert terms(typed) == read


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("teem:support", "There is no `teem:` (did you mean `team`?). `teem:support` is looked"),
        ("team:suport", "`team:` cannot be `suport` (did you mean `support`?)."),
        ("is:opn", "`is:` cannot be `opn` (did you mean `open`?)."),
        ("after:yesterday", "`yesterday` is no day; write 2026-11-30."),
        ("before:2026-02-30", "is no day"),
        ("before:0001-01-01", "is no day"),
        ("after:1899-12-31", "is no day"),
        ("broken:9999-01-01", "is no day"),
        ('has:""', "`has:` needs a value."),
        ("owner:nobody", "`owner:` cannot be `nobody`"),
        ("from:...", "holds no letter"),
    ],
)
def test_a_bad_term_is_looked_for_as_text_and_says_so(typed: str, said: str) -> None:
    asked = asking.read(typed, KNOWN)
    assert said in asked.said[0] and "is looked for as text" in asked.said[0]
    assert all(one.name == "text" for one in asked.terms)


@given(st.text(max_size=80) | st.text(alphabet='is:open team-"x ', max_size=40))
def test_reading_a_query_again_gives_the_same_terms(typed: str) -> None:
    asked = asking.read(typed, KNOWN)
    again = asking.read(asked.written, KNOWN)
    assert [(t.name, t.value, t.negated) for t in again.terms] == [
        (t.name, t.value, t.negated) for t in asked.terms
    ]


def tom(conn: Conn, role: str = "agent") -> Seer:
    return Seer(people.by_handle(conn, "tom").id, "tom", role, frozenset({"support"}))


@pytest.fixture
def told(house: Database) -> Database:
    """Five threads: 1 open with a late clock, 2 claimed by Tom, 3 waiting, 4 closed, 5 snoozed."""
    with house.write() as conn:
        accounts.create(conn, NewAccount("Nord Käse AG", NOW, stage="welcome"), ["nord.example"])
        open_thread(conn, NOW, due_at=NOW - DAY, at_risk=True, tags=["late", "vip"])
        open_thread(conn, NOW + MINUTE, claimed_at=NOW, due_at=NOW + DAY, priority="high")
        open_thread(conn, NOW + 2 * MINUTE, status="waiting", team="success", account_id=2)
        open_thread(conn, NOW + 3 * MINUTE, status="closed", account_id=2)
        open_thread(conn, NOW + 4 * MINUTE, status="snoozed")
        mails = [
            (1, 1, "Ana Costa", "ana@acme.example", "the signed contract and an invoice"),
            (2, 1, "Ben", "ben@acme.example", "the invoice is a draft"),
            (3, 3, "Åsa Öhman", "asa@nord.example", "ein Käse, signed"),
            (4, 4, "ANA LIMA", "lima@nord.example", "invoice paid"),
        ]
        for number, thread, name, address, text in mails:
            write_message(
                conn,
                thread,
                number,
                from_name=name,
                from_address=address,
                recipients={"to": [["Inbox", "onboarding@aboard.example"]]},
            )
            search.add(conn, [(number, f"{text} {name} {address} onboarding@aboard.example")])
        conn.execute(
            attachments.insert(),
            {
                "message_id": 3,
                "path": "1",
                "name": "w9.pdf",
                "content_type": "application/pdf",
                "size": 1,
                "sha256": "0" * 64,
                "inline": False,
            },
        )
        note = {"text": "ask about the invoice"}
        timeline.append(conn, [Event(1, 2, None, NOW, "note", "person:maya", note)])
    return house


def found(conn: Conn, typed: str, seer: Seer | None = None) -> list[int]:
    asked = asking.read(typed, KNOWN)
    assert asked.said == ()
    wanted = views.Wanted(asked, Eyes(seer, NOW))
    return sorted(row.thread.id for row in views.listing(conn, wanted).rows)


@pytest.mark.parametrize(
    ("typed", "threads"),
    [
        ("", [1, 2, 3, 4, 5]),
        ("is:open", [1, 2]),
        ("-is:open", [3, 4, 5]),
        ("is:live", [1, 2, 3]),
        ("is:waiting", [3]),
        ("is:snoozed", [5]),
        ("is:closed", [4]),
        ("is:unclaimed", [1, 3]),
        ("is:mine", [2]),
        ("is:at-risk", [1]),
        ("-is:at-risk is:open", [2]),
        ("is:late", [1]),
        ("team:success", [3]),
        ("team:mine is:open", [1, 2]),
        ("owner:tom", [1, 2, 3, 4, 5]),
        ("owner:me", [1, 2, 3, 4, 5]),
        ("owner:maya", []),
        ("tag:VIP", [1]),
        ("tag:vi", []),
        ("priority:high", [2]),
        ("stage:welcome", [3, 4]),
        ("account:kase", [3, 4]),
        ("account:nord.example", [3, 4]),
        ("account:2", [3, 4]),
        ("-account:acme", [3, 4]),
        ("has:attachment", [3]),
        ("invoice", [1, 2, 4]),
        ("invoice is:open", [1, 2]),
        ("invoice -draft", [1, 2, 4]),
        ("-invoice", [3, 5]),
        ('"signed contract"', [1]),
        ('-"signed contract" is:live', [2, 3]),
        ("from:ana", [1, 4]),
        ("from:acme.example", [1]),
        ("from:ohman", [3]),
        ("-from:ana is:live", [2, 3]),
        ("invoice from:lima", [4]),
        ("invoice from:maya", [2]),
        ("to:onboarding@aboard.example invoice", [1, 4]),
        ("to:ana", []),
        ("invoice has:attachment", []),
        ("signed has:attachment", [3]),
        ("after:2100-01-01", []),
        ("before:2100-01-01 is:open", [1, 2]),
    ],
)
def test_both_databases_find_the_same_threads(
    told: Database, typed: str, threads: list[int]
) -> None:
    with told.read() as conn:
        seer = tom(conn)
        assert found(conn, typed, seer) == threads
        asked = asking.read(typed, KNOWN)
        assert finding.how_many(conn, [asked, asked], Eyes(seer, NOW)) == [len(threads)] * 2


def test_mails_and_notes_are_found_newest_first(told: Database) -> None:
    with told.read() as conn:
        asked = asking.read("invoice", KNOWN)
        places = finding.mails(conn, asked, Eyes(None, NOW)).places
        assert [(one.message_id, one.event_id is not None) for one in places] == [
            (4, False),
            (2, False),
            (1, False),
            (None, True),
        ]
        asked = asking.read("invoice -draft", KNOWN)
        assert [p.message_id for p in finding.mails(conn, asked, Eyes(None, NOW)).places] == [
            4,
            1,
            None,
        ]


def test_the_term_that_narrows_most_is_named(told: Database) -> None:
    with told.read() as conn:
        asked = asking.read("invoice team:success is:live", KNOWN)
        worst = finding.narrowest(conn, asked, Eyes(None, NOW))
        assert worst is not None and worst.written in ("team:success", "invoice")


def test_a_note_that_is_forgotten_is_not_found(told: Database) -> None:
    with told.write() as conn:
        (place,) = [p for p in _places(conn, "ask about") if p.event_id]
        search.forget_note(conn, place.event_id, "ask about the invoice")
        assert [p for p in _places(conn, "ask about") if p.event_id] == []


def _places(conn: Conn, typed: str) -> Any:
    return finding.mails(conn, asking.read(typed, KNOWN), Eyes(None, NOW)).places


def test_any_number_of_words_that_all_hold_is_one_question(house: Database) -> None:
    """All numbers that were found as parameters of their own are more than a statement may have."""
    words = [f"w{number}" for number in range(17)]
    with house.write() as conn:
        owner = people.by_handle(conn, "tom").id
        row = thread_row(accountable_id=owner)
        first = open_thread(conn)
        conn.execute(threads_table.insert(), [row] * finding.MOST)
        note = {"account_id": 1, "at": NOW, "kind": "note", "actor": "person:maya", "data": {}}
        notes = [note | {"id": n, "thread_id": first + n} for n in range(1, finding.MOST + 1)]
        conn.execute(events.insert(), notes)
        search.add_words(conn, [(-one["id"], " ".join(words)) for one in notes])
    with house.read() as conn:
        for typed, count in ((" ".join(words), 1000), (" ".join(f"-{one}" for one in words), 1)):
            asked = asking.read(typed, KNOWN)
            assert finding.how_many(conn, [asked] * 8, Eyes(None, NOW)) == [count] * 8
            lines = views.listing(conn, views.Wanted(asked, Eyes(None, NOW), limit=1))
            assert len(lines.rows) == 1 and lines.cut
