"""What becomes of accepted mail: duplicates, threads, accounts, decisions."""

from __future__ import annotations

from datetime import timedelta

import pytest

from inbox.errors import ConfigError
from inbox.store import accounts, hits, pages, people, sets, threads, timeline
from inbox.store.accounts import NewAccount
from inbox.store.database import Database
from inbox.store.tables import accounts as accounts_table
from inbox.store.tables import assignments, contacts, events, rule_hits, thread_participants
from inbox.store.tables import messages as messages_table
from inbox.store.tables import threads as threads_table
from inbox.store.timeline import Span
from tests.flow.house import RULES, TEAMS, House, bounce, mail, make

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
    from inbox.flow.accept import Incoming, accept

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


# --- Decisions -------------------------------------------------------------------------------


def test_a_decision_is_kept_with_its_rule_its_ruleset_and_its_facts(house: House) -> None:
    house.receive(mail(id="1@a", subject="Your invoice 7"))
    (made,) = house.rows(assignments)
    thread = house.thread("1@a")
    assert (made.team, made.decided_by, made.rule) == ("success", "rule", "invoices")
    assert made.ruleset == house.context().files.ruleset.hash
    assert (made.facts["from"], made.facts["account.provisional"]) == ("ana@acme.example", True)
    assert "text" not in made.facts  # texts are kept once, with the message
    assert made.decision["matched"] == ["invoices"]
    assert (thread.team, thread.decided_by, thread.tags) == ("success", "rule", ("billing",))
    (hit,) = house.rows(rule_hits)
    assert (hit.rule, hit.decided, hit.message_id) == ("invoices", True, made.message_id)
    with house.looking() as conn:
        assert people.by_id(conn, thread.accountable_id).handle == "maya"


def test_without_a_rule_the_fallback_team_and_its_duty_holder_answer(house: House) -> None:
    house.receive(mail(id="1@a"))
    thread = house.thread("1@a")
    assert (thread.team, thread.decided_by) == ("support", "fallback")
    with house.looking() as conn:
        assert people.by_id(conn, thread.accountable_id).handle == "tom"


def test_the_accounts_owner_answers_where_there_is_one_who_is_still_here(house: House) -> None:
    house.receive(mail(id="1@a"))
    account = house.message("1@a").account_id
    with house.db.write() as conn:
        ines = people.by_handle(conn, "ines").id
        accounts.set_owner(conn, account, "support", ines)
    house.receive(mail(id="2@a"))
    assert house.thread("2@a").accountable_id == ines
    house.write(
        "teams.yaml",
        TEAMS.replace("[tom, ines]", "[tom]").replace(
            "  - {handle: ines, name: Ines Duarte, address: ines@aboard.example, role: agent}\n", ""
        ),
    )
    house.activate()
    house.receive(mail(id="3@a"))
    with house.looking() as conn:
        assert people.by_id(conn, house.thread("3@a").accountable_id).handle == "tom"


def test_a_reply_keeps_its_team_unless_a_rule_for_replies_says_otherwise(house: House) -> None:
    house.receive(mail(id="1@a", subject="Your invoice"))
    house.receive(mail(id="2@a", refs=["1@a"], subject="Re: something"))
    assert house.thread("2@a").team == "success"
    house.receive(mail(id="3@a", refs=["1@a"], subject="Outage!"))
    moved = house.thread("3@a")
    assert (moved.team, moved.decided_by, moved.priority, moved.policy) == (
        "support",
        "rule",
        "urgent",
        "urgent",
    )
    assert set(moved.tags) == {"billing", "outage"}
    with house.looking() as conn:
        assert people.by_id(conn, moved.accountable_id).handle == "tom"


def test_a_persons_assignment_is_never_overruled(house: House) -> None:
    house.receive(mail(id="1@a"))
    with house.db.write() as conn:
        maya = people.by_handle(conn, "maya").id
        threads.save(
            conn,
            house.thread("1@a").id,
            team="success",
            accountable_id=maya,
            decided_by="person",
            claimed_at=house.now,
        )
    house.receive(mail(id="2@a", refs=["1@a"], subject="Outage!"))
    kept = house.thread("1@a")
    assert (kept.team, kept.decided_by, kept.accountable_id) == ("success", "person", maya)
    assert kept.claimed_at == house.now


def test_what_a_person_decided_outlives_a_join(house: House) -> None:
    house.receive(mail(id="1@a"), mail(id="3@a", refs=["2@a"]))
    with house.db.write() as conn:
        maya = people.by_handle(conn, "maya").id
        lost = house.message("3@a").thread_id
        threads.save(conn, lost, team="success", accountable_id=maya, decided_by="person")
    house.receive(mail(id="2@a", refs=["1@a"], subject="Outage!"))
    joined = house.thread("2@a")
    assert (joined.team, joined.decided_by, joined.messages) == ("success", "person", 3)


def test_every_thread_always_has_somebody_accountable(house: House) -> None:
    house.receive(mail(id="1@a"), mail("maya@aboard.example", id="2@m"), bounce("x@y.example", "z"))
    assert all(row.accountable_id for row in house.rows(threads_table))


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, "open"),
        ({"Auto-Submitted": "auto-replied"}, "closed"),
        ({"Precedence": "bulk", "List-Id": "<news.acme.example>"}, None),
    ],
)
def test_a_persons_mail_reopens_a_closed_thread_and_a_machines_does_not(
    house: House, headers: dict[str, str], status: str | None
) -> None:
    house.receive(mail(id="1@a"))
    with house.db.write() as conn:
        threads.save(conn, house.thread("1@a").id, status="closed")
    house.receive(mail(id="2@a", refs=["1@a"], headers=headers))
    reopened = house.thread("1@a")
    assert reopened.messages == 2
    if status:
        assert reopened.status == status


def test_a_rule_that_runs_once_per_thread_runs_once_also_within_one_batch(house: House) -> None:
    once = RULES.replace(
        "    on: every-message\n", "    on: every-message\n    run: once-per-thread\n"
    )
    house.write("rules/10-all.yaml", once)
    house.activate()
    house.receive(mail(id="1@a", subject="outage"), mail(id="2@a", refs=["1@a"], subject="outage"))
    house.receive(mail(id="3@a", refs=["1@a"], subject="outage"))
    assert len(house.rows(rule_hits, rule="outage")) == 1
    with house.looking() as conn:
        assert set(hits.ran_at(conn, house.thread("1@a").id)) == {"outage"}


# --- What admins own -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("rules/10-all.yaml", "rules: ["),
        ("rules/10-all.yaml", RULES.replace("team: success", "team: nobody")),
        ("rules/10-all.yaml", RULES.replace("expect: {team: success}", "expect: {team: support}")),
        ("teams.yaml", ""),
        ("teams.yaml", TEAMS.replace("duty: tom", "duty: nobody")),
        ("sla.yaml", "policies: 7"),
        ("stages.yaml", "\x00"),
    ],
)
def test_a_bad_file_leaves_the_good_set_in_force_and_mail_flows(
    house: House, name: str, text: str
) -> None:
    before = house.context().files.ruleset.hash
    house.write(name, text)
    house.activate()
    with house.looking() as conn:
        assert pages.refused_files(conn)
        assert house.context().files.ruleset.hash == before
    house.receive(mail(id="1@a", subject="invoice"))
    assert house.thread("1@a").team == "success"
    house.write("rules/10-all.yaml", RULES)
    for other, whole in (("teams.yaml", TEAMS), ("sla.yaml", None), ("stages.yaml", None)):
        if name == other:
            from tests.flow import house as texts

            house.write(name, whole or getattr(texts, name.removesuffix(".yaml").upper()))
    house.activate()
    with house.looking() as conn:
        assert pages.refused_files(conn) == ()


@pytest.mark.parametrize("missing", ["teams.yaml", "rules/10-all.yaml"])
def test_a_missing_file_is_a_problem_and_not_an_end(house: House, missing: str) -> None:
    (house.settings.folder / missing).unlink()
    house.activate()
    with house.looking() as conn:
        assert any(missing.partition("/")[0] in one for one in pages.refused_files(conn))
    house.receive(mail(id="1@a"))
    assert house.states() == {"filed": 1}


def test_with_nothing_ever_in_force_filing_says_what_to_do(db: Database, tmp_path: object) -> None:
    from pathlib import Path

    assert isinstance(tmp_path, Path)
    house = make(db, tmp_path)
    with db.write() as conn:
        conn.execute(sets.active_sets.delete())
    with pytest.raises(ConfigError, match="no teams, rules or policies are in force"):
        house.context()
    house.write("teams.yaml", "")
    with pytest.raises(ConfigError):
        house.activate()


def test_changed_rules_are_used_from_the_next_mail_on(house: House) -> None:
    context, versions = house.context(), ()
    house.write(
        "rules/10-all.yaml",
        RULES.replace("contains: invoice", "contains: rechnung").replace(
            "Your invoice", "Ihre Rechnung"
        ),
    )
    house.activate()
    house.receive(mail(id="1@a", subject="Rechnung"))
    assert house.thread("1@a").team == "success"
    assert context.files.ruleset.hash != house.context().files.ruleset.hash
    assert versions == ()


def test_received_is_the_arrival_for_live_mail(house: House) -> None:
    old = "Mon, 02 Nov 2020 08:00:00 +0000"
    house.receive(mail(id="1@a", date=old))
    assert house.message("1@a").received_at == house.now
    house.later(hours=1)
    house.receive(mail(id="2@a", date="Mon, 02 Nov 2099 08:00:00 +0000"), source="file", dated=True)
    assert house.message("2@a").received_at == house.now
    house.receive(mail(id="3@a", date=old), source="file", dated=True)
    assert house.message("3@a").received_at < house.now - timedelta(days=365)
