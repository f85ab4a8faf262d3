"""Replay, coverage and suggestions tell the truth about stored threads."""

from __future__ import annotations

from datetime import timedelta
from pathlib import PurePath

import pytest

from inbox.flow.admin.proof import load_rules
from inbox.flow.evidence.coverage import rules_page
from inbox.flow.evidence.replay import replay
from inbox.flow.evidence.suggestions import proposals
from inbox.flow.working import desk
from routing.load import load_ruleset
from routing.names import Names
from routing.ruleset import Ruleset
from tests.flow.house import RULES, House, mail

NAMES = Names(("support", "success"))


def ruleset(text: str) -> Ruleset:
    found, problems = load_rules({"new.yaml": text}, NAMES, linted=False)
    assert found is not None, problems
    return found


def replayed(house: House, text: str, **how: object):  # type: ignore[no-untyped-def]
    with house.looking() as conn:
        return replay(conn, ruleset(text), house.now - timedelta(days=30), **how)  # type: ignore[arg-type]


def many(house: House, subject: str, count: int, start: int = 0) -> None:
    house.receive(
        *(
            mail(f"P <p@c{n}.example>", id=f"{n}@c{n}.example", subject=subject)
            for n in range(start, start + count)
        )
    )


# --- Replay ----------------------------------------------------------------------------------


def test_the_same_rules_move_nothing(house: House) -> None:
    many(house, "Invoice", 3)
    many(house, "Kickoff", 3, start=3)
    done: list[int] = []
    found = replayed(house, RULES, advance=done.append)
    assert (found.threads, found.moved, sum(done)) == (6, [], 6)
    assert not any(found.changed.values())


def test_moves_are_told_with_counts_ids_and_both_rules(house: House) -> None:
    many(house, "Invoice", 3)
    many(house, "Kickoff", 2, start=3)
    found = replayed(house, RULES.replace("subject contains: invoice", "subject contains: kickoff"))
    pairs = {(old, new): [one.thread_id for one in moves] for old, new, moves in found.pairs()}
    invoices = [house.thread(f"{n}@c{n}.example").id for n in range(3)]
    kickoffs = [house.thread(f"{n}@c{n}.example").id for n in (3, 4)]
    assert pairs == {("success", "support"): invoices, ("support", "success"): kickoffs}
    assert found.as_json()["moves"][0]["count"] == 3
    rules = {(one.old_rule, one.new_rule) for one in found.moved}
    assert rules == {("invoices", "fallback"), ("fallback", "invoices")}


def test_what_a_person_moved_is_marked(small: House) -> None:
    many(small, "Invoice", 1)
    desk.assign(small.db, small.thread("0@c0.example").id, "support", "maya", small.now)
    found = replayed(small, "rules: []\nfallback: {team: support}\n")
    assert [one.held_by_person for one in found.moved] == [True]


def test_another_priority_is_a_change_and_no_move(small: House) -> None:
    many(small, "Outage", 2)
    found = replayed(small, RULES.replace("priority: urgent", "priority: high"))
    assert (found.moved, found.changed) == ([], {"priority": 2})


def test_only_threads_of_the_window_are_replayed_each_once(small: House) -> None:
    many(small, "Invoice", 2)
    small.later(days=40)
    many(small, "Invoice", 3, start=5)
    small.receive(
        mail("P <p@c5.example>", id="r@c5.example", refs=["5@c5.example"], subject="outage")
    )
    found = replayed(small, "rules: []\nfallback: {team: support}\n")
    # The reply about an outage had brought one of them back: in the end nothing moves it.
    assert (found.threads, found.decisions, len(found.moved)) == (3, 4, 2)


def test_more_threads_than_one_batch_are_all_replayed(
    small: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inbox.flow.evidence.replay.BATCH", 4)
    many(small, "Invoice", 9)
    assert len(replayed(small, "rules: []\nfallback: {team: support}\n").moved) == 9


def test_a_replay_may_be_compared_with_other_rules_than_those_that_decided(small: House) -> None:
    many(small, "Invoice", 2)
    empty = "rules: []\nfallback: {team: support}\n"
    assert replayed(small, empty, against=ruleset(empty)).moved == []


# --- Coverage --------------------------------------------------------------------------------


def test_hits_last_hits_and_overrides_are_counted(house: House) -> None:
    many(house, "Invoice", 4)
    house.later(days=60)
    many(house, "Invoice", 2, start=10)
    desk.assign(house.db, house.thread("10@c10.example").id, "support", "maya", house.now)
    desk.assign(house.db, house.thread("11@c11.example").id, "success", "maya", house.now)
    page = rules_page(house.db, house.now - timedelta(days=30))
    assert page is not None
    invoices, outage = page.rules
    assert (invoices.hits, invoices.decided, invoices.overridden) == (2, 2, 1)
    assert (invoices.override_share, invoices.last_hit_at) == (0.5, house.now)
    assert (outage.hits, outage.last_hit_at, outage.override_share) == (0, None, None)
    assert page.never == ("outage",)
    assert (page.tests, page.problems, page.shadow) == (2, (), None)


def test_a_rule_that_hit_before_the_window_is_not_never_hit(small: House) -> None:
    many(small, "Invoice", 1)
    small.later(days=60)
    page = rules_page(small.db, small.now - timedelta(days=30))
    assert page is not None and page.rules[0].hits == 0
    assert page.never == ("outage",)


def test_rules_that_are_gone_are_told_apart(small: House) -> None:
    many(small, "Invoice", 2)
    small.write("rules/10-all.yaml", RULES.replace("name: invoices", "name: bills"))
    small.activate()
    page = rules_page(small.db, small.now - timedelta(days=30))
    assert page is not None
    assert (dict(page.gone), page.rules[0].hits) == ({"invoices": 2}, 0)


def test_refused_files_are_shown_beside_what_stays_in_force(small: House) -> None:
    small.write("rules/10-all.yaml", RULES.replace("team: success, tags", "team: sucess, tags"))
    small.activate()
    page = rules_page(small.db, small.now)
    assert page is not None and len(page.rules) == 2
    assert [one["code"] for one in page.problems][:1] == ["unknown-team"]
    small.write("rules/10-all.yaml", RULES)
    small.activate()
    page = rules_page(small.db, small.now)
    assert page is not None and page.problems == ()


# --- Suggestions -----------------------------------------------------------------------------


def test_what_people_moved_alike_becomes_a_rule_that_loads(house: House) -> None:
    many(house, "Question about payroll export", 4)
    many(house, "Kickoff", 4, start=10)
    for n in range(4):
        desk.assign(house.db, house.thread(f"{n}@c{n}.example").id, "success", "maya", house.now)
    with house.looking() as conn:
        found = proposals(conn, house.now - timedelta(days=90))
    (one,) = found
    assert (one.suggestion.to_team, one.suggestion.moves, one.suggestion.against) == (
        "success",
        4,
        0,
    )
    assert one.objections == ()
    assert one.patch().startswith("--- /dev/null\n+++ b/rules/05-moved-to-success-")
    assert one.patch(PurePath("data/rules")).startswith("--- /dev/null\n+++ b/data/rules/05-")
    assert one.patch(PurePath()).startswith("--- /dev/null\n+++ b/05-moved-to-success-")
    kept = (house.settings.folder / "rules/10-all.yaml").read_bytes()
    files = [("10-all.yaml", kept), (one.file, one.suggestion.text.encode())]
    loaded, problems = load_ruleset(files, NAMES)
    assert loaded is not None and not problems
    assert loaded.rules[0].name == one.suggestion.name


def test_of_many_threads_that_stayed_the_newest_count(
    small: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inbox.flow.evidence.suggestions.MOST_STAYED", 8)
    many(small, "Question about payroll export", 8)
    many(small, "Kickoff", 8, start=10)
    many(small, "Question about payroll export", 4, start=30)
    for n in range(30, 34):
        desk.assign(small.db, small.thread(f"{n}@c{n}.example").id, "success", "maya", small.now)
    with small.looking() as conn:
        (one,) = proposals(conn, small.now - timedelta(days=90))
    assert (one.suggestion.moves, one.suggestion.against) == (4, 0)


def test_a_proposal_that_breaks_a_test_says_so(small: House) -> None:
    text = (
        RULES
        + "tests:\n  - given: {subject: Question about payroll export}\n    expect: {team: support}\n"
    )
    small.write("rules/10-all.yaml", text)
    small.activate()
    many(small, "Question about payroll export", 4)
    for n in range(4):
        desk.assign(small.db, small.thread(f"{n}@c{n}.example").id, "success", "maya", small.now)
    with small.looking() as conn:
        (one,) = proposals(conn, small.now - timedelta(days=90))
    assert any("test-failed" in objection for objection in one.objections)


def test_without_moves_nothing_is_proposed(small: House) -> None:
    many(small, "Kickoff", 4)
    with small.looking() as conn:
        assert proposals(conn, small.now - timedelta(days=90)) == ()
