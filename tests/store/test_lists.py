"""Lists in pages, timelines, accounts found and merged."""

from __future__ import annotations

from typing import Any

import pytest

from inbox.errors import NotFound
from inbox.store import account_moves, accounts, hits, people, regroup, threads, timeline
from inbox.store.accounts import NewAccount
from inbox.store.database import Conn, Database
from inbox.store.last_words import LastWords
from inbox.store.tables import contact_addresses, contacts, rule_hits, thread_ids
from inbox.store.tables import messages as messages_table
from inbox.store.timeline import Event, Span
from tests.databases import NOW, put
from tests.store.company import MINUTE, open_thread


def write_message(conn: Conn, thread_id: int, number: int, **other: Any) -> None:
    put(conn, b"raw %d" % number)
    row = {
        "id": number,
        "thread_id": thread_id,
        "account_id": 1,
        "raw_id": number,
        "direction": "in",
        "mail_id": f"{number}@acme.example",
        "content_hash": f"{number:064d}",
        "parents": [],
        "subject": "Kickoff",
        "from_name": f"Ana {number}",
        "from_address": "ana@acme.example",
        "recipients": {},
        "received_at": NOW + number * MINUTE,
        "size": 5,
        "text": f"text {number}",
        "visible_text": f"visible {number}",
        "has_html": False,
        "automatic": "none",
        "may_answer": True,
        "verified": "unknown",
        "extras": {},
        "defects": [],
    } | other
    conn.execute(messages_table.insert(), row)


# --- Threads ---------------------------------------------------------------------------------


def test_the_list_of_threads_in_pages_is_the_whole_list(house: Database) -> None:
    with house.write() as conn:
        for number in range(23):
            open_thread(conn, NOW + (number // 4) * MINUTE)  # several at the same instant
        gone = open_thread(conn)
        regroup.join(conn, 1, gone)
    with house.read() as conn:
        whole = [row.thread.id for row in threads.listing(conn, threads.Page(limit=100))]
        paged: list[int] = []
        before = None
        while rows := threads.listing(conn, threads.Page(before=before, limit=5)):
            paged += [row.thread.id for row in rows]
            before = (rows[-1].thread.last_message_at, rows[-1].thread.id)
    assert paged == whole
    assert sorted(whole) == list(range(1, 24))


def test_the_list_of_threads_can_be_narrowed(house: Database) -> None:
    with house.write() as conn:
        accounts.create(conn, NewAccount("Globex", NOW))
        open_thread(conn)
        open_thread(conn, account_id=2, team="success", status="closed")
    with house.read() as conn:

        def ids(**how: Any) -> list[int]:
            return [row.thread.id for row in threads.listing(conn, threads.Page(**how))]

        assert ids(account_id=1) == ids(team="support") == ids(status="open") == [1]
        assert ids(account_id=2) == ids(team="success") == ids(status="closed") == [2]
        assert ids(account_id=1, status="closed") == []
        assert threads.counts(conn) == {"support": {"open": 1}, "success": {"closed": 1}}


def test_a_line_of_the_list_shows_the_newest_message(house: Database) -> None:
    with house.write() as conn:
        open_thread(conn)
        open_thread(conn)
        for number in (1, 2, 3):
            write_message(conn, 1, number)
    with house.read() as conn:
        second, first = threads.listing(conn, threads.Page())
    assert (first.last.from_name, first.last.preview) == ("Ana 3", "visible 3")
    assert first.accountable == "tom"
    assert second.last == LastWords()


OURS = {"direction": "out", "from_name": "Support", "from_address": "onboarding@aboard.example"}
ACKNOWLEDGED = OURS | {"automatic": "auto-reply"}
ASKED: dict[str, Any] = {}
AWAY = {"automatic": "auto-reply"}


@pytest.mark.parametrize(
    ("said", "preview", "ours", "theirs"),
    [
        ([ASKED, ACKNOWLEDGED], 1, False, True),  # an acknowledgement of ours is no news
        ([ASKED, OURS], 2, True, False),
        ([ASKED, OURS, ACKNOWLEDGED], 2, True, False),
        ([ASKED, ACKNOWLEDGED, AWAY], 3, False, True),  # whoever is away still has asked
        ([ASKED, OURS, AWAY], 3, False, False),
        ([AWAY], 1, False, False),
    ],
)
def test_a_line_of_the_list_says_whom_it_is_with_and_whose_turn_it_is(
    house: Database, said: list[dict[str, Any]], preview: int, ours: bool, theirs: bool
) -> None:
    with house.write() as conn:
        open_thread(conn)
        for number, one in enumerate(said, 1):
            write_message(conn, 1, number, **one)
    with house.read() as conn:
        (row,) = threads.listing(conn, threads.Page())
    assert row.last.with_name == "Ana 1"
    assert (row.last.preview, row.last.ours, row.last.theirs) == (
        f"visible {preview}",
        ours,
        theirs,
    )


def test_a_thread_that_holds_our_own_mail_alone_is_listed_with_it(house: Database) -> None:
    with house.write() as conn:
        open_thread(conn)
        write_message(conn, 1, 1, **ACKNOWLEDGED)
    with house.read() as conn:
        (row,) = threads.listing(conn, threads.Page())
    assert (row.last.with_name, row.last.preview, row.last.ours) == ("Support", "visible 1", True)


def test_joining_threads_moves_everything_that_belongs_to_them(house: Database) -> None:
    with house.write() as conn:
        one, two, three = open_thread(conn), open_thread(conn), open_thread(conn)
        write_message(conn, one, 1)
        write_message(conn, two, 2)
        conn.execute(
            thread_ids.insert(), {"account_id": 1, "mail_id": "2@acme.example", "thread_id": two}
        )
        threads.add_participants(conn, one, ["a@x.example"])
        threads.add_participants(conn, two, ["a@x.example", "b@x.example"])
        threads.link(conn, two, three, "refers-to-its-mail", NOW)
        threads.link(conn, one, two, "refers-to-its-mail", NOW)
        timeline.append(conn, [Event(1, two, 2, NOW, "mail-in", "aboard", {})])
        conn.execute(
            rule_hits.insert(),
            {"rule": "greet", "thread_id": two, "message_id": 2, "at": NOW, "decided": True},
        )
        regroup.join(conn, one, two)
        threads.recount(conn, one)
    with house.read() as conn:
        joined = threads.by_id(conn, two)
        assert (joined.id, joined.messages, joined.last_message_at) == (one, 2, NOW + 2 * MINUTE)
        assert threads.users_of(conn, ["2@acme.example"]) == {"2@acme.example": {1: one}}
        assert threads.account_that_wrote_to(conn, "b@x.example", ["2@acme.example"]) == 1
        assert hits.of_threads(conn, [one]) == {one: [("greet", NOW)]}
        assert threads.linked(conn, one) == ((three, "refers-to-its-mail"),)
        assert [row.event.kind for row in timeline.of_thread(conn, one, Span())] == ["mail-in"]
        assert threads.by_ids(conn, [two])[two].merged_into_id == one


def test_joined_threads_lead_to_the_last_survivor(house: Database) -> None:
    with house.write() as conn:
        ids = [open_thread(conn) for _ in range(4)]
        regroup.join(conn, ids[2], ids[3])
        regroup.join(conn, ids[1], ids[2])
        regroup.join(conn, ids[0], ids[1])
        assert {threads.by_id(conn, one).id for one in ids} == {ids[0]}
    with house.read() as conn, pytest.raises(NotFound):
        threads.by_id(conn, 999)


@pytest.mark.parametrize("empty", ["accountable_id", "team", "account_id"])
def test_a_thread_nobody_answers_for_is_refused_by_the_database(
    house: Database, empty: str
) -> None:
    with pytest.raises(Exception, match=r"(?i)not.null"), house.write() as conn:
        open_thread(conn, **{empty: None})


@pytest.mark.parametrize(
    "wrong", [{"accountable_id": 999}, {"team": "nobody"}, {"account_id": 999}]
)
def test_a_thread_of_somebody_unknown_is_refused_by_the_database(
    house: Database, wrong: dict[str, Any]
) -> None:
    with pytest.raises(Exception, match=r"(?i)foreign key"), house.write() as conn:
        open_thread(conn, **wrong)


# --- Timeline --------------------------------------------------------------------------------


def test_a_timeline_in_pages_is_the_whole_timeline(house: Database) -> None:
    with house.write() as conn:
        thread = open_thread(conn)
        kinds = ("mail-in", "note", "assigned")
        timeline.append(
            conn,
            [
                Event(1, thread, None, NOW + (n // 5) * MINUTE, kinds[n % 3], "aboard", {"n": n})
                for n in range(31)
            ],
        )
    with house.read() as conn:
        whole = timeline.of_account(conn, 1, Span())
        paged: list[timeline.TimelineRow] = []
        span = Span(limit=7)
        while rows := timeline.of_account(conn, 1, span):
            paged += rows
            span = Span(limit=7, before=(rows[-1].event.at, rows[-1].event.id))
        notes = timeline.of_thread(conn, thread, Span(kinds=("note",)))
    assert paged == list(whole)
    assert len(whole) == 31
    assert [row.event.at for row in whole] == sorted((r.event.at for r in whole), reverse=True)
    assert {row.event.data["n"] % 3 for row in notes} == {1}


def test_an_account_knows_when_something_last_happened(house: Database) -> None:
    with house.write() as conn:
        timeline.append(conn, [Event(1, None, None, NOW + MINUTE, "note", "aboard", {})])
        timeline.append(conn, [Event(1, None, None, NOW - MINUTE, "note", "aboard", {})])
        assert accounts.by_id(conn, 1).last_event_at == NOW + MINUTE


# --- Accounts --------------------------------------------------------------------------------


def add_contact(conn: Conn, account_id: int, *addresses: str) -> None:
    row = {"account_id": account_id, "name": "Ana", "created_at": NOW}
    made = conn.execute(contacts.insert(), row).inserted_primary_key[0]
    for address in addresses:
        conn.execute(contact_addresses.insert(), {"address": address, "contact_id": made})


@pytest.mark.parametrize(
    "text", ["1", " 1 ", "acme", "ACME", "acme.example", "Acme.Test", "ana@gmail.com"]
)
def test_an_account_is_found_by_number_name_domain_or_address(house: Database, text: str) -> None:
    with house.write() as conn:
        add_contact(conn, 1, "ana@gmail.com")
        assert accounts.find(conn, text).id == 1


@pytest.mark.parametrize("text", ["", "2", "globex", "%", "99999999999999999999", "²"])
def test_an_account_that_is_not_there_is_said_so(house: Database, text: str) -> None:
    with house.read() as conn, pytest.raises(NotFound, match="no account"):
        accounts.find(conn, text)


def test_a_domain_stays_with_the_account_that_has_it(house: Database) -> None:
    with house.write() as conn:
        other = accounts.create(conn, NewAccount("Other", NOW), ["acme.example", "other.example"])
        assert accounts.by_domains(conn, ["acme.example", "other.example", "x.example"]) == {
            "acme.example": 1,
            "other.example": other,
        }
        assert accounts.add_domains(conn, other, ["ACME.example", "more.example"]) == 1


def test_merged_accounts_give_everything_to_the_survivor(house: Database) -> None:
    with house.write() as conn:
        source = accounts.create(conn, NewAccount("Acme GmbH", NOW), ["acme.de"])
        older = accounts.create(conn, NewAccount("Acme old", NOW))
        add_contact(conn, source, "ana@acme.de")
        tom, maya = (people.by_handle(conn, one).id for one in ("tom", "maya"))
        accounts.set_owner(conn, 1, "support", tom)
        accounts.set_owner(conn, source, "support", maya)
        accounts.set_owner(conn, source, "success", maya)
        one, two = open_thread(conn), open_thread(conn, account_id=source)
        for account_id, thread_id in ((1, one), (source, two)):
            for mail_id in ("shared@x", f"{account_id}@x"):
                row = {"account_id": account_id, "mail_id": mail_id, "thread_id": thread_id}
                conn.execute(thread_ids.insert(), row)
        timeline.append(conn, [Event(source, two, None, NOW, "note", "aboard", {})])
        account_moves.move_all(conn, older, source)
        account_moves.move_all(conn, source, 1)
    with house.read() as conn:
        assert {accounts.by_id(conn, one).id for one in (1, source, older)} == {1}
        assert accounts.find(conn, "acme.de").id == accounts.find(conn, "ana@acme.de").id == 1
        assert accounts.owners_by_account(conn, [1]) == {1: {"support": "tom", "success": "maya"}}
        assert threads.by_id(conn, two).account_id == 1
        assert threads.users_of(conn, ["shared@x", f"{source}@x"]) == {
            "shared@x": {1: one},
            f"{source}@x": {1: two},
        }
        assert len(timeline.of_account(conn, 1, Span())) == 1
        assert [row.account.id for row in accounts.listing(conn)] == [1]
        with pytest.raises(NotFound):
            accounts.find(conn, "Acme old")


def test_the_list_of_accounts_counts_threads_and_takes_any_filter(house: Database) -> None:
    with house.write() as conn:
        open_thread(conn)
        open_thread(conn, status="closed")
        accounts.create(conn, NewAccount("100 % Söhne_GmbH", NOW))
    with house.read() as conn:
        (acme,) = accounts.listing(conn, like="ACME.ex")
        assert (acme.threads, acme.open_threads) == (2, 1)
        assert acme.domains == ("acme.example", "acme.test")
        for like in ("%", "_", "100 %", "söhne"):
            assert [row.account.name for row in accounts.listing(conn, like=like)] == [
                "100 % Söhne_GmbH"
            ], like
        assert accounts.listing(conn, like="nowhere") == ()


def test_a_domain_and_those_above_it() -> None:
    assert accounts.with_parents("mail.eu.acme.example") == (
        "mail.eu.acme.example",
        "eu.acme.example",
        "acme.example",
    )
    assert accounts.with_parents("localhost") == ("localhost",)
