"""Who gets a thread and why, what reopens it, and which rules are in force."""

from __future__ import annotations

from datetime import timedelta

import pytest

from inbox.errors import ConfigError
from inbox.store import accounts, hits, pages, people, sets, threads
from inbox.store.database import Database
from inbox.store.tables import assignments, rule_hits
from inbox.store.tables import threads as threads_table
from tests.flow.house import RULES, TEAMS, House, bounce, mail, make

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
    thread = house.thread("1@a").id
    with house.looking() as conn:
        assert hits.of_threads(conn, [thread])[thread] == [("outage", house.now)]


def test_what_ran_on_either_of_two_threads_ran_on_both_once_a_mail_joins_them(house: House) -> None:
    once = RULES.replace(
        "    on: every-message\n", "    on: every-message\n    run: once-per-thread\n"
    )
    house.write("rules/10-all.yaml", once)
    house.activate()
    house.receive(
        mail(id="1@a", subject="hello"),
        mail(id="2@a", subject="outage"),
        mail(id="3@a", refs=["1@a", "2@a"], subject="outage"),
    )
    assert house.thread("1@a").id == house.thread("2@a").id
    assert len(house.rows(rule_hits, rule="outage")) == 1


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
