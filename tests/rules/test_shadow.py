"""Rules in shadow mode are compared with the live ones and put nothing into force."""

from __future__ import annotations

from pathlib import Path

import pytest

from inbox.flow.evidence.coverage import Shadow, shadow_counts
from inbox.store.database import Database
from inbox.store.shadow import shadow_results
from tests.flow.house import CONFIG, RULES, House, mail, write_files

OTHER = RULES.replace("subject contains: invoice", "subject contains: [invoice, bill]").replace(
    "Your invoice", "Your bill"
)


@pytest.fixture
def beside(db: Database, tmp_path: Path) -> House:
    """A company with a second set of rules beside the live one."""
    (tmp_path / "tried").mkdir()
    (tmp_path / "tried/10-all.yaml").write_text(OTHER)
    config = CONFIG + "files: {shadow_rules: tried}\n"
    from inbox.config import load

    house = House(db, load(write_files(tmp_path, **{"aboard.yaml": config}), {}))
    house.activate()
    return house


def counts(house: House) -> Shadow:
    with house.looking() as conn:
        found = shadow_counts(conn)
    assert found is not None
    return found


def test_differences_are_counted_and_the_live_rules_decide(beside: House) -> None:
    beside.receive(
        mail(id="1@a.example", subject="Your bill"),
        mail(id="2@a.example", subject="Another bill"),
        mail(id="3@a.example", subject="Invoice"),
        mail(id="4@a.example", subject="Kickoff"),
    )
    assert beside.thread("1@a.example").team == "support"
    found = counts(beside)
    assert (found.compared, found.different) == (4, 2)
    (one,) = found.differences
    assert (one.live_team, one.shadow_team) == ("support", "success")
    assert (one.live_rule, one.shadow_rule, one.count) == (None, "invoices", 2)
    assert one.last_message_id == beside.message("2@a.example").id


def test_a_shadow_set_that_changes_starts_a_new_count(beside: House) -> None:
    beside.receive(mail(id="1@a.example", subject="Your bill"))
    beside.later(days=1)
    beside.write("tried/10-all.yaml", RULES)
    beside.activate()
    assert (counts(beside).different, counts(beside).compared) == (0, 0)
    assert len(beside.rows(shadow_results)) == 1  # what was seen stays


def test_a_bad_shadow_set_is_told_and_never_refuses_the_live_one(beside: House) -> None:
    before = counts(beside).hash
    beside.write("tried/10-all.yaml", OTHER.replace("team: success", "team: nowhere"))
    beside.write("rules/10-all.yaml", RULES + "# changed\n")
    live = beside.context().files.ruleset.hash
    beside.activate()
    assert beside.context().files.ruleset.hash != live
    found = counts(beside)
    assert found.hash == before
    assert found.problems[0]["code"] == "unknown-team"


def test_without_the_setting_the_shadow_set_is_taken_away(beside: House) -> None:
    from inbox.config import load

    beside.write("aboard.yaml", CONFIG)
    beside.settings = load(beside.settings.folder / "aboard.yaml", {})
    beside.activate()
    assert beside.context().files.shadow is None
    with beside.looking() as conn:
        assert shadow_counts(conn) is None


def test_a_persons_thread_is_no_difference(beside: House) -> None:
    from inbox.flow.working import desk

    beside.receive(mail(id="1@a.example", subject="Invoice"))
    desk.assign(beside.db, beside.thread("1@a.example").id, "support", "maya", beside.now)
    beside.write(
        "tried/10-all.yaml", OTHER.replace("- name: invoices", "- name: invoices\n    on: reply")
    )
    beside.receive(mail(id="2@a.example", subject="Your bill", refs=["1@a.example"]))
    assert counts(beside).different == 0


def test_results_follow_a_thread_that_is_joined_to_another(beside: House) -> None:
    beside.receive(mail(id="1@a.example", subject="Kickoff"))
    beside.receive(mail(id="3@a.example", subject="Your bill"))
    beside.receive(mail(id="4@a.example", refs=["1@a.example", "3@a.example"]))
    (row,) = beside.rows(shadow_results)
    assert row.thread_id == beside.thread("3@a.example").id == beside.thread("1@a.example").id
