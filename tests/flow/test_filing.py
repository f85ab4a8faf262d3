"""What becomes of accepted mail: duplicates, threads, accounts."""

from __future__ import annotations

import pytest

from inbox.store import accounts, threads, timeline
from inbox.store.accounts import NewAccount
from inbox.store.tables import accounts as accounts_table
from inbox.store.tables import contacts, events, thread_participants
from inbox.store.tables import messages as messages_table
from inbox.store.timeline import Span
from tests.flow.house import House, bounce, mail

# --- Duplicates ------------------------------------------------------------------------------


@pytest.mark.parametrize("together", [True, False])
def test_the_same_bytes_twice_are_one_message(house: House, together: bool) -> None:
    raw = mail(id="1@acme.example")
    if together:
        house.receive(raw, raw)
    else:
        house.receive(raw)
        house.receive(raw)
    assert house.states() == {"filed": 1, "duplicate": 1}
    first, second = house.ledger()
    assert first.message_id == second.message_id
    assert house.thread("1@acme.example").messages == 1


@pytest.mark.parametrize("together", [True, False])
def test_the_same_mail_by_two_ways_is_one_message(house: House, together: bool) -> None:
    raw = mail(id="1@acme.example")
    ways = [b"Received: from a by b; Mon, 2 Nov 2026 08:00:0%d +0000\n" % n + raw for n in (1, 2)]
    if together:
        house.receive(*ways)
    else:
        for way in ways:
            house.receive(way)
    assert house.states() == {"filed": 1, "duplicate": 1}
    assert len({row.raw_id for row in house.ledger()}) == 2  # both ways stay readable


def test_the_same_message_id_over_other_content_is_kept_and_flagged(house: House) -> None:
    house.receive(mail(id="1@acme.example", body="Please pay to IBAN 1"))
    house.receive(mail(id="1@acme.example", body="Please pay to IBAN 2"))
    assert house.states() == {"filed": 2}
    flags = [row.defects for row in house.rows(messages_table)]
    assert ["message-id-in-use" in one for one in flags] == [False, True]


def test_mails_without_message_id_are_the_same_only_as_the_same_bytes(house: House) -> None:
    house.receive(mail(body="one"), mail(body="one"), mail(body="two"))
    assert house.states() == {"filed": 2, "duplicate": 1}
    assert len(house.components()) == 2


def test_a_position_that_was_fetched_before_is_not_accepted_again(house: House) -> None:
    assert house.accept(mail(id="1@x.example"), origin="box/1/1", source="imap") == 1
    assert house.accept(mail(id="1@x.example"), origin="box/1/1", source="imap") == 0
    assert house.states() == {"pending": 1}


def test_a_position_that_comes_twice_in_one_fetch_is_accepted_once(house: House) -> None:
    raw = mail(id="1@x.example")
    assert house.accept(raw, raw, origin="box/1/1", source="imap") == 1


def test_the_cursor_is_written_with_the_mail_or_not_at_all(house: House) -> None:
    from inbox.flow.intake.accept import Incoming, accept

    def fails(_conn: object) -> None:
        raise RuntimeError("on purpose")

    incoming = Incoming(mail(id="1@x.example"), "imap", house.now)
    with pytest.raises(RuntimeError, match="on purpose"):
        accept(house.db, [incoming], "n1", fails)
    assert house.states() == {}


# --- Threads ---------------------------------------------------------------------------------


def test_a_reply_joins_by_any_id_also_where_the_mail_between_is_missing(house: House) -> None:
    house.receive(mail(id="1@a"))
    house.receive(mail(id="3@a", refs=["1@a", "2@a"]))
    house.receive(mail(id="4@a", headers={"In-Reply-To": "<2@a>"}))
    assert house.components() == {frozenset({"1@a", "3@a", "4@a"})}


def test_a_late_mail_joins_two_threads_into_one(house: House) -> None:
    house.receive(mail(id="1@a", subject="invoice"))
    house.receive(mail(id="3@a", refs=["2@a"]))
    assert len(house.components()) == 2
    before = house.thread("1@a")
    house.receive(mail(id="2@a", refs=["1@a"]))
    assert house.components() == {frozenset({"1@a", "2@a", "3@a"})}
    joined = house.thread("3@a")
    assert (joined.id, joined.messages, joined.team) == (before.id, 3, before.team)
    kinds = [row.kind for row in house.rows(events, thread_id=joined.id)]
    assert kinds.count("threads-joined") == 1
    assert kinds.count("mail-in") == 3


def test_never_by_subject_or_by_a_number_in_it(house: House) -> None:
    house.receive(
        mail(id="1@a", subject="[#4711] Kickoff"), mail(id="2@a", subject="Re: [#4711] Kickoff")
    )
    assert len(house.components()) == 2


def test_a_stranger_who_quotes_our_ids_opens_a_linked_thread(house: House) -> None:
    house.receive(mail(id="1@a"))
    house.receive(mail("eve@evil.example", id="2@e", refs=["1@a"], subject="Re: Kickoff"))
    ana, eve = house.message("1@a"), house.message("2@e")
    assert ana.account_id != eve.account_id
    assert ana.thread_id != eve.thread_id
    with house.looking() as conn:
        assert threads.linked(conn, ana.thread_id) == ((eve.thread_id, "refers-to-its-mail"),)
    house.receive(mail(id="3@a", refs=["1@a", "2@e"]))  # Ana quotes both: still two accounts
    assert house.components() == {frozenset({"1@a", "3@a"}), frozenset({"2@e"})}
    house.receive(mail("eve@evil.example", id="4@e", refs=["3@a"]))
    assert frozenset({"1@a", "3@a"}) in house.components()


def test_a_stranger_who_comes_first_cannot_lie_in_wait_for_an_id(house: House) -> None:
    house.receive(mail("eve@evil.example", id="2@e", refs=["1@a"]))
    house.receive(mail(id="1@a"))
    assert house.components() == {frozenset({"1@a"}), frozenset({"2@e"})}


# --- Accounts --------------------------------------------------------------------------------


def test_a_newcomer_of_a_company_gets_a_provisional_account_with_the_domain(house: House) -> None:
    house.receive(mail(id="1@a"), mail("bo@acme.example", id="2@a"))
    (account,) = house.rows(accounts_table)
    assert (account.name, account.provisional, account.kind) == ("acme.example", True, "customer")
    assert {row.name for row in house.rows(contacts)} == {"Ana Costa", ""}
    assert [row.kind for row in house.rows(events)].count("account-created") == 1


@pytest.mark.parametrize("domain", ["gmail.com", "mail.gmail.com", "localhost"])
def test_two_people_of_a_public_provider_are_two_accounts(house: House, domain: str) -> None:
    house.receive(mail(f"ana@{domain}", id="1@a"), mail(f"bo@{domain}", id="2@a"))
    house.receive(mail(f"ANA@{domain}", id="3@a"))
    by_id = {row.mail_id: row.account_id for row in house.rows(messages_table)}
    assert by_id["1@a"] == by_id["3@a"] != by_id["2@a"]


def test_several_domains_and_those_below_them_lead_to_an_account_made_by_us(house: House) -> None:
    with house.db.write() as conn:
        made = accounts.create(conn, NewAccount("Acme", house.now), ["acme.example", "acme.test"])
    senders = ("a@acme.example", "b@acme.test", "c@eu.acme.example")
    house.receive(*(mail(one, id=one) for one in senders))
    assert {row.account_id for row in house.rows(messages_table)} == {made}


def test_a_domain_that_only_a_stranger_claimed_takes_in_nobody_below_it(house: House) -> None:
    house.receive(mail("eve@co.example", id="1@e"))  # as a forged From at a registry would
    house.receive(mail("ana@acme.co.example", id="2@a"))
    by_id = {row.mail_id: row.account_id for row in house.rows(messages_table)}
    assert by_id["1@e"] != by_id["2@a"]


def test_a_known_contact_wins_over_the_domain(house: House) -> None:
    house.receive(mail("ana@gmail.com", id="1@g"))
    house.receive(mail(id="1@a"))
    with house.db.write() as conn:
        contact = accounts.contacts_by_address(conn, ["ana@acme.example"])["ana@acme.example"]
        gmail = accounts.find(conn, "ana@gmail.com").id
        conn.execute(contacts.update().where(contacts.c.id == contact.id).values(account_id=gmail))
    house.receive(mail(id="2@a"), mail("bo@acme.example", id="3@a"))
    by_id = {row.mail_id: row.account_id for row in house.rows(messages_table)}
    assert by_id["2@a"] == gmail != by_id["3@a"]


def test_addresses_and_names_of_any_length_are_filed(house: House) -> None:
    long = "a" * 64 + "@" + ".".join(["d" * 60] * 4) + ".example"
    odd = '"' + "o" * 240 + '"@' + ".".join(["e" * 60] * 4) + ".example"
    house.receive(
        mail(f"{'N' * 900} <{long}>", id="1@l"),
        mail(odd, id="2@l"),
        mail(id="x" * 990 + "@a"),
        mail(id="3@l", refs=["r" * 900 + f"{n}@a" for n in range(30)]),
    )
    assert house.states() == {"filed": 4}


def test_ids_of_characters_that_do_not_compress_are_filed(house: House) -> None:
    import random

    draw = random.Random(7)
    wide = "".join(chr(draw.randrange(0x4E00, 0x9FFF)) for _ in range(900))
    raw = mail(id="1@w").replace(b"<1@w>", f"<{wide}@w>".encode())
    house.receive(
        raw, mail(id="2@w").replace(b"Subject", f"References: <{wide}@w>\nSubject".encode())
    )
    assert house.states() == {"filed": 2}


def test_a_mail_without_any_author_is_quarantined_with_its_cause(house: House) -> None:
    house.receive(mail(headers={"From": None}, id="1@a"), mail(id="2@a"))
    assert house.states() == {"filed": 1, "quarantined": 1}
    assert house.ledger()[0].cause == "no-author"
    house.receive(mail(headers={"From": None}, id="3@a"), reverse_path="ana@acme.example")
    assert house.message("3@a").from_address == "ana@acme.example"


# --- Our own people, bounces, sent mail ------------------------------------------------------


@pytest.mark.parametrize("batch", [1, 20])
def test_mail_of_our_own_people_goes_to_one_internal_account(house: House, batch: int) -> None:
    for sender in ("ana@acme.example", "maya@aboard.example", "bo@globex.example"):
        house.accept(mail(sender, id=f"1@{sender}"), mail(sender, id=f"2@{sender}"))
    house.rules = type(house.rules)("n1", batch)
    result = house.file()
    assert (result.filed, result.put_back) == (6, 0)
    kinds = [row.kind for row in house.rows(accounts_table)]
    assert sorted(kinds) == ["customer", "customer", "internal"]


def test_a_forged_colleague_gets_nowhere_near_a_customers_thread(house: House) -> None:
    house.receive(mail(id="1@a"))
    house.receive(mail("Maya <maya@aboard.example>", id="2@m", refs=["1@a"]))
    assert house.message("2@m").thread_id != house.message("1@a").thread_id
    assert house.message("2@m").account_id != house.message("1@a").account_id


def test_a_colleagues_forward_is_shown_on_the_customers_account_and_joined_to_nothing(
    house: House,
) -> None:
    house.receive(mail(id="1@a"))
    body = (
        "FYI\n\n---------- Forwarded message ---------\nFrom: Ana Costa <ana@acme.example>\n"
        "Date: Mon, 2 Nov 2026 at 08:00\nSubject: Kickoff\nTo: <maya@aboard.example>\n\nHello Maya\n"
    )
    house.receive(mail("maya@aboard.example", id="2@m", subject="Fwd: Kickoff", body=body))
    account = house.message("1@a").account_id
    with house.looking() as conn:
        shown = timeline.of_account(conn, account, Span())
    forwards = [row.event for row in shown if row.event.kind == "forwarded-by-colleague"]
    assert [one.message_id for one in forwards] == [house.message("2@m").id]
    assert house.thread("1@a").messages == 1


def test_a_bounce_is_filed_on_the_account_of_who_was_not_reached(house: House) -> None:
    house.receive(mail(id="1@a"))
    house.receive(bounce("ana@acme.example", "ours@aboard.example"))
    report, ana = house.message("dsn1@mx.test"), house.message("1@a")
    assert report.account_id == ana.account_id
    assert report.automatic == "bounce"
    assert len(house.rows(contacts)) == 1  # a machine is nobody's contact


def test_a_bounce_of_somebody_unknown_is_filed_too(house: House) -> None:
    house.receive(bounce("who@nowhere.example", "ours@aboard.example"))
    assert house.states() == {"filed": 1}


@pytest.mark.parametrize("field", ["References", "In-Reply-To"])
def test_a_forged_bounce_joins_no_thread_but_is_linked_to_it(house: House, field: str) -> None:
    house.receive(mail(id="1@a"))
    house.receive(bounce("ana@acme.example", "1@a", **{field: "<1@a>"}))
    report, ana = house.message("dsn1@mx.test"), house.message("1@a")
    assert report.thread_id != ana.thread_id
    with house.looking() as conn:
        assert [one for one, _ in threads.linked(conn, report.thread_id)] == [ana.thread_id]


def test_imported_sent_mail_lies_on_the_customers_account_and_its_answer_joins(
    house: House,
) -> None:
    out = mail("hello@aboard.example", to="Ana <ana@gmail.com>, bo@acme.example", id="1@o")
    house.receive(out, sent=True, source="file")
    sent = house.message("1@o")
    assert sent.direction == "out"
    assert {row.address for row in house.rows(thread_participants)} == {
        "ana@gmail.com",
        "bo@acme.example",
    }
    house.receive(mail("bo@acme.example", id="2@a", refs=["1@o"]))
    assert house.message("2@a").thread_id == sent.thread_id
    assert house.message("2@a").account_id == sent.account_id


def test_the_same_mail_that_is_not_imported_history_gives_nobody_our_powers(house: House) -> None:
    house.receive(mail("hello@aboard.example", to="ana@gmail.com", id="1@o"))
    assert house.message("1@o").direction == "in"
    assert house.rows(thread_participants) == []
