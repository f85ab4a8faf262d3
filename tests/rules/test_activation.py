"""Only a whole good set whose tests are green takes effect; what was in force stays otherwise."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from inbox.flow import active
from inbox.flow.admin.admin_files import read_disk
from inbox.store import sets
from tests.flow.house import RULES, TEAMS, House, mail

RED = RULES.replace("- given: {subject: Your invoice}", "- given: {subject: All is well}")


def codes(house: House) -> list[str]:
    return [one.code for one in active.check(read_disk(house.settings))[1]]


def hashes(house: House) -> dict[str, str]:
    with house.looking() as conn:
        return sets.active_hashes(conn)


@pytest.mark.parametrize(
    ("file", "text", "code"),
    [
        ("rules/10-all.yaml", RULES.replace("team: success, tags", "team: sucess, tags"), "unknown-team"),
        ("rules/10-all.yaml", RULES[: RULES.index("fallback")], "missing-fallback"),
        ("rules/10-all.yaml", RULES.replace("outage}", "outage, automatic: true, automatic: false}"), "duplicate-key"),
        ("teams.yaml", TEAMS.replace("duty: tom", "duty: tim"), "unknown-person"),
        ("rules/20-more.yaml", "tests:\n  - given: {subject: Kickoff}\n    expect: {team: success}\n", "test-failed"),
        ("rules/20-more.yaml", "tests:\n  - mail: gone.eml\n    expect: {team: success}\n", "test-failed"),
        (
            "rules/05-first.yaml",
            "rules:\n  - name: all\n    on: every-message\n    when: {size at least: 0}\n    then: {team: support}\n",
            "test-failed",
        ),
    ],
)  # fmt: skip
def test_a_bad_set_is_refused_with_its_problem(
    small: House, file: str, text: str, code: str
) -> None:
    before = hashes(small)
    small.write(file, text)
    assert code in codes(small)
    small.activate()
    assert hashes(small) == before
    small.receive(mail(id="1@acme.example", subject="Invoice"))
    assert small.thread("1@acme.example").team == "success"


def test_a_red_test_is_named_with_its_place_and_its_line(small: House) -> None:
    small.write("rules/10-all.yaml", RED)
    (problem,) = active.check(read_disk(small.settings))[1]
    assert problem.code == "test-failed"
    assert problem.source_line.strip() == "- given: {subject: All is well}"
    assert problem.line == RED.split("\n").index(problem.source_line) + 1
    assert "a test of rule `invoices` fails" in problem.message


def test_a_rule_that_can_never_match_refuses_the_set(small: House) -> None:
    narrower = """rules:
  - name: never
    when: {subject contains: invoice from}
    then: {team: support}
"""
    small.write("rules/20-more.yaml", narrower)
    assert codes(small) == ["never-reached"]


def test_a_test_may_start_from_a_mail_beside_the_rules(small: House) -> None:
    folder = small.settings.folder / "rules/mails"
    folder.mkdir()
    (folder / "one.eml").write_bytes(mail(id="1@a.example", subject="Invoice"))
    test = (
        "tests:\n  - mail: mails/one.eml\n    account: {tier: gold}\n"
        "    at: 2026-11-05 16:30 Europe/Berlin\n"
        "    ran: {invoices: 2026-11-04 09:00 Europe/Berlin}\n    expect: {team: success, rule: invoices}\n"
    )
    small.write("rules/20-more.yaml", test)
    assert codes(small) == []
    small.write("rules/20-more.yaml", test.replace("success", "support"))
    assert codes(small) == ["test-failed"]


def test_the_mailbox_of_a_mail_in_a_test_is_ours(small: House) -> None:
    (small.settings.folder / "rules/one.eml").write_bytes(mail(id="1@a.example"))
    rules = """rules:
  - name: ours
    when: {mailbox: hello@aboard.example}
    then: {team: success}
    tests:
      - mail: one.eml
        expect: {rule: ours}
"""
    small.write("rules/20-more.yaml", rules)
    assert codes(small) == []


def test_every_cut_of_a_good_file_is_refused_or_a_shorter_good_one(small: House) -> None:
    good, path = RULES.strip("\n") + "\n", small.settings.folder / "rules/10-all.yaml"
    whole = active.check(read_disk(small.settings))[0]
    assert whole is not None
    for cut in range(0, len(good), 7):
        path.write_text(good[:cut])
        files, problems = active.check(read_disk(small.settings))
        if files is None:
            assert problems
            continue
        assert files.ruleset.fallback.team == "support"
        assert [one.name for one in files.ruleset.rules] == ["invoices", "outage"]


def test_an_unchanged_set_is_not_proven_again(
    small: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("proven again")

    monkeypatch.setattr("inbox.flow.active.check", refuse)
    small.activate()
    small.write("rules/10-all.yaml", RULES + "# changed\n")
    with pytest.raises(AssertionError, match="proven again"):
        small.activate()


def test_all_kinds_change_together(small: House) -> None:
    small.write("teams.yaml", TEAMS.replace("name: success", "name: winning"))
    small.write("rules/10-all.yaml", RULES.replace("team: success", "team: winning"))
    before = hashes(small)
    small.activate()
    after = hashes(small)
    assert {kind for kind in after if after[kind] != before.get(kind)} == {"teams", "rules"}
    assert small.context().files.ruleset.rules[0].actions.team == "winning"


def test_the_same_files_in_another_folder_are_the_same_set(small: House, tmp_path: Path) -> None:
    (tmp_path / "rules").rename(tmp_path / "moved")
    before = hashes(small)
    small.write("aboard.yaml", (tmp_path / "aboard.yaml").read_text() + "files: {rules: moved}\n")
    from inbox.config import load

    small.settings = load(tmp_path / "aboard.yaml", {})
    small.activate()
    assert hashes(small) == before


def test_a_slip_in_a_large_file_stores_a_hundred_problems_not_fifty_megabytes(small: House) -> None:
    small.write("rules/50-flood.yaml", "rules:\n" + "- {a: b}\n" * 5_000)
    small.activate()
    with small.looking() as conn:
        kept = sets.active(conn, "rules")
    assert kept is not None and len(kept.problems) == 100
    assert kept.problems[-1]["code"] == "more-problems"
    assert "there are 20,000 problems in all" in kept.problems[-1]["message"]


def test_a_long_value_is_cut_where_its_problem_is_stored(small: House) -> None:
    small.write("rules/10-all.yaml", RULES.replace("team: success", "team: " + "x" * 100_000))
    small.activate()
    with small.looking() as conn:
        kept = sets.active(conn, "rules")
    assert kept is not None and len(kept.problems[0]["message"]) == 500


@pytest.mark.parametrize("what", ["a device", "a pipe", "a huge file", "a folder", "a loop"])
def test_what_is_no_regular_file_is_a_problem_and_is_never_read(small: House, what: str) -> None:
    """A device has no end, a pipe no writer: reading them would take all memory, or for ever."""
    path = small.settings.folder / "rules/50-odd.yaml"
    if what == "a device":
        path.symlink_to("/dev/zero")
    elif what == "a pipe":
        os.mkfifo(path)
    elif what == "a huge file":
        with path.open("wb") as file:
            file.truncate(1 << 40)
    elif what == "a folder":
        path.mkdir()
    else:
        path.symlink_to(path)
    before = hashes(small)
    assert codes(small) == ["unreadable"]
    small.activate()
    assert hashes(small) == before


def test_a_mail_of_a_test_that_is_no_regular_file_is_a_red_test(small: House) -> None:
    small.write(
        "rules/10-all.yaml", RULES.replace("given: {subject: Your invoice}", "mail: pipe.eml")
    )
    os.mkfifo(small.settings.folder / "rules/pipe.eml")
    (problem,) = active.check(read_disk(small.settings))[1]
    assert problem.code == "test-failed" and "it is no regular file" in problem.message
