"""`aboard rules` as a person uses it: without a configuration, and with stored mail."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from inbox.errors import AboardError
from tests.cli.running import Terminal
from tests.databases import NOW
from tests.flow.house import RULES, SLA, STAGES, TEAMS, mail

BAD = """rules:
  - name: one
    when: {subjct contains: invoice}
    then: {team: sucess}
  - name: two
    when: {subject contains: outage}
    then: {team: support, policy: urgnt}
fallback: {team: support}
"""


@pytest.fixture
def rules(terminal: Terminal) -> Path:
    """A folder of rules with its lists above it, and no configuration."""
    folder = terminal.folder / "there" / "rules"
    folder.mkdir(parents=True)
    (folder / "10-all.yaml").write_text(RULES)
    for name, text in (("teams", TEAMS), ("sla", SLA), ("stages", STAGES)):
        (folder.parent / f"{name}.yaml").write_text(text)
    return folder


@pytest.fixture
def eml(tmp_path: Path) -> Path:
    path = tmp_path / "one.eml"
    path.write_bytes(mail(id="1@acme.example", subject="Invoice 4711"))
    return path


# --- check -----------------------------------------------------------------------------------


def test_good_rules_are_good_without_any_configuration(terminal: Terminal, rules: Path) -> None:
    ran = terminal.run("rules", "check", rules)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("2 rules in 1 file are good")
    assert list(terminal.folder.glob("*.db")) == []


def test_every_problem_is_told_with_its_place_its_line_and_a_suggestion(
    terminal: Terminal, rules: Path
) -> None:
    file = rules / "10-all.yaml"
    file.write_text(BAD)
    ran = terminal.run("rules", "check", rules)
    assert ran.code == 1
    lines = ran.out.splitlines()
    first = lines.index("    3 |     when: {subjct contains: invoice}")
    assert lines[first - 1].startswith(f"{file}:3:12: unknown-field: ")
    assert "did you mean `subject`?" in lines[first - 1]
    assert lines[first + 1].index("^") == lines[first].index("subjct")
    assert "did you mean `success`?" in ran.out and "did you mean `urgent`?" in ran.out
    assert lines[-1] == "3 problems"


def test_problems_as_json_have_places_and_codes(terminal: Terminal, rules: Path) -> None:
    (rules / "10-all.yaml").write_text(BAD)
    ran = terminal.run("rules", "check", rules, "--json")
    shape = ran.json()
    assert (ran.code, shape["errors"], shape["ruleset"]) == (1, 3, None)
    assert [one["code"] for one in shape["problems"]] == [
        "unknown-field",
        "unknown-team",
        "unknown-policy",
    ]
    assert {one["line"] for one in shape["problems"]} == {3, 4, 7}


def test_without_lists_above_it_a_folder_is_checked_all_the_same(
    terminal: Terminal, rules: Path
) -> None:
    for path in rules.parent.glob("*.yaml"):
        path.unlink()
    assert terminal.run("rules", "check", rules).code == 0
    assert terminal.run("rules", "check", rules / "10-all.yaml").code == 0
    (rules / "10-all.yaml").write_text(BAD.replace("subjct", "subject"))
    ran = terminal.run("rules", "check", rules)
    assert ran.code == 0
    assert "the names of teams and people, policies, stages are not checked: no" in ran.err


def test_rules_from_elsewhere_are_checked_against_the_lists_of_the_house(
    stored: Terminal, tmp_path: Path
) -> None:
    """A proposal that somebody mailed, checked in the working folder."""
    apart = tmp_path / "apart"
    apart.mkdir()
    new = apart / "new.yaml"
    then = "then: {team: suport, policy: legall, stage: wellcome, assignee: inez, reply: welcom}"
    when = "when: {subject contains: x}"
    new.write_text(f"rules:\n  - name: a\n    {when}\n    {then}\nfallback: {{team: support}}\n")
    ran = stored.run("rules", "check", new)
    assert ran.code == 1 and ran.err == ""
    for what in ("team", "policy", "stage", "person", "template"):
        assert f"unknown-{what}: " in ran.out


def test_a_dead_rule_is_a_problem_with_its_source_line(terminal: Terminal, rules: Path) -> None:
    text = "rules:\n  - name: dead\n    when: {subject contains: my invoice}\n    then: {team: support}\n"
    (rules / "20-more.yaml").write_text(text)
    ran = terminal.run("rules", "check", rules)
    assert ran.code == 1
    assert "20-more.yaml:2:5: never-reached: " in ran.out
    assert "    2 |   - name: dead" in ran.out


@pytest.mark.parametrize("command", ["check", "test"])
def test_a_path_that_is_not_there_is_one_line(terminal: Terminal, command: str) -> None:
    ran = terminal.run("rules", command, terminal.folder / "nowhere")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.count("\n") == 1 and "no such file" in ran.err


def test_without_path_and_configuration_the_command_says_what_to_give(terminal: Terminal) -> None:
    ran = terminal.run("rules", "check")
    assert ran.code == 1 and "aboard init" in ran.err


# --- test ------------------------------------------------------------------------------------


def test_green_tests_are_counted_and_red_ones_print_their_trace(
    terminal: Terminal, rules: Path
) -> None:
    assert terminal.run("rules", "test", rules).out == "2 passed, 0 failed\n"
    (rules / "10-all.yaml").write_text(
        RULES.replace("expect: {team: success}", "expect: {team: support}")
    )
    ran = terminal.run("rules", "test", rules)
    assert ran.code == 1
    assert "expected team support, got success by rule invoices" in ran.out
    assert "YES      invoices" in ran.out and "seen: 'Your invoice'" in ran.out
    shape = terminal.run("rules", "test", rules, "--json").json()
    assert (shape["passed"], shape["failed"]) == (1, 1)


def test_untouched_rules_are_listed_and_fail_only_where_coverage_is_required(
    terminal: Terminal, rules: Path
) -> None:
    more = "rules:\n  - name: lonely\n    when: {subject contains: kickoff}\n    then: {team: support}\n"
    (rules / "20-more.yaml").write_text(more)
    ran = terminal.run("rules", "test", rules)
    assert (ran.code, "no test touches rule lonely" in ran.out) == (0, True)
    assert terminal.run("rules", "test", rules, "--require-coverage").code == 1


# --- explain and make-test -------------------------------------------------------------------


def test_a_mail_file_is_explained_rule_by_rule(terminal: Terminal, rules: Path, eml: Path) -> None:
    ran = terminal.run("rules", "explain", eml, "--rules", rules)
    assert ran.code == 0
    assert "  1 YES      invoices" in ran.out
    assert "not asked: rule invoices matched first and stops" in ran.out
    assert "=> success, decided by rule, rule invoices" in ran.out


def test_the_explanation_as_json_has_the_whole_trace(
    terminal: Terminal, rules: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = io.TextIOWrapper(io.BytesIO(mail(id="1@a.example", subject="Kickoff")))
    monkeypatch.setattr(sys, "stdin", raw)
    shape = terminal.run("rules", "explain", "-", "--rules", rules, "--json").json()
    assert (shape["team"], shape["decided_by"], shape["rule"]) == ("support", "fallback", None)
    first = shape["trace"][0]
    assert (first["rule"], first["result"], first["skipped_because"]) == ("invoices", "no", None)
    assert first["conditions"][0] == {
        "field": "subject",
        "op": "contains",
        "value": "invoice",
        "seen": "Kickoff",
        "result": "no",
        "groups": [],
    }


def test_why_not_names_what_stood_in_the_way(terminal: Terminal, rules: Path, eml: Path) -> None:
    ran = terminal.run("rules", "explain", eml, "--rules", rules, "--why-not", "outage")
    assert "rule outage" in ran.out and "rule invoices matched first and stops" in ran.out
    ran = terminal.run("rules", "explain", eml, "--rules", rules, "--why-not", "outrage")
    assert (ran.code, "did you mean `outage`?" in ran.err) == (1, True)


@pytest.mark.parametrize(
    "given", ['{"account.tier": "gold"}', '{"account": {"tier": "gold"}}', '{"account":{"tier":"Gold"}}']
)  # fmt: skip
def test_given_facts_are_used(terminal: Terminal, rules: Path, eml: Path, given: str) -> None:
    gold = "rules:\n  - name: gold\n    when: {account.tier: gold}\n    then: {team: support}\n"
    (rules / "05-gold.yaml").write_text(gold)
    without = terminal.run("rules", "explain", eml, "--rules", rules, "--json").json()
    assert (without["rule"], without["trace"][0]["result"]) == ("invoices", "unknown")
    ran = terminal.run("rules", "explain", eml, "--rules", rules, "--given", given, "--json")
    assert ran.json()["rule"] == "gold"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("{", "no JSON"),
        ("[]", "give an object"),
        ('{"acount.tier": "gold"}', "no field"),
        ('{"size": "big"}', "a number of bytes"),
    ],
)
def test_given_facts_that_are_none_are_one_line(
    terminal: Terminal, rules: Path, eml: Path, given: str, says: str
) -> None:
    ran = terminal.run("rules", "explain", eml, "--rules", rules, "--given", given)
    assert (ran.code, ran.out) == (1, "")
    assert says in ran.err and ran.err.count("\n") == 1


def test_given_facts_take_what_followed_from_the_old_ones_with_them(
    terminal: Terminal, rules: Path, eml: Path
) -> None:
    more = (
        "rules:\n"
        "  - {name: ngo, when: {from.domain: ngo.example}, then: {tags: [ngo]}}\n"
        "  - {name: quoted, when: {body contains: outage}, then: {tags: [quoted]}}\n"
    )
    (rules / "05-more.yaml").write_text(more)
    given = '{"from": "bo@ngo.example", "text": "an outage"}'
    ran = terminal.run("rules", "explain", eml, "--rules", rules, "--given", given, "--json")
    assert ran.json()["tags"][:2] == ["ngo", "quoted"]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ('{"classifier.score": 80}', "a number from 0 to 1, which cannot be 80"),
        ('{"automatic": {"kind": "robot"}}', '`automatic.kind` can never be "robot"'),
        ('{"account.stage": "wellcome"}', "did you mean `welcome`?"),
    ],
)
def test_given_facts_that_no_mail_has_are_refused(
    terminal: Terminal, eml: Path, given: str, says: str
) -> None:
    terminal.start()
    ran = terminal.run("rules", "explain", eml, "--given", given)
    assert (ran.code, ran.out) == (1, "")
    assert says in ran.err


@pytest.mark.parametrize("content", [b"", b"\n \n"])
def test_a_mail_without_content_says_so(
    terminal: Terminal, rules: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    ran = terminal.run("rules", "explain", "-", "--rules", rules)
    assert (ran.code, ran.out) == (1, "")
    assert "standard input: it is empty" in ran.err
    (terminal.folder / "empty.eml").write_bytes(content)
    ran = terminal.run("rules", "make-test", terminal.folder / "empty.eml", "--rules", rules)
    assert ran.code == 1 and "empty.eml: it is empty" in ran.err


def test_a_warning_says_that_it_is_one(terminal: Terminal, rules: Path) -> None:
    rule = "{name: v, when: {subject contains: vpn}, then: {tags: [v]}, stop: true}"
    (rules / "20-later.yaml").write_text(f"rules:\n  - {rule}")
    ran = terminal.run("rules", "check", rules)
    assert ran.code == 0
    assert "no-final-newline: warning: " in ran.out
    assert ", 1 warning (ruleset" in ran.out


def test_files_below_the_current_folder_are_named_from_there(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal.start()
    (terminal.config.parent / "rules" / "95-bad.yaml").write_text("rules: 3\n")
    monkeypatch.chdir(terminal.config.parent)
    assert terminal.run("rules", "check").out.startswith("rules/95-bad.yaml:1:8: wrong-type:")


def test_a_test_made_of_a_mail_file_passes_beside_its_rules(
    terminal: Terminal, rules: Path, eml: Path
) -> None:
    made = terminal.run("rules", "make-test", eml, "--rules", rules).out
    assert "4711" not in made and "acme" not in made
    entry = "".join(f"  {line}\n" for line in made.splitlines())
    (rules / "30-made.yaml").write_text(f"tests:\n{entry}")
    assert terminal.run("rules", "test", rules).out == "3 passed, 0 failed\n"


def test_a_mail_that_cannot_be_read_is_one_line(terminal: Terminal, rules: Path) -> None:
    path = terminal.folder / "bad.eml"
    path.write_bytes(b"Subject: nobody wrote this\n\nx\n")
    ran = terminal.run("rules", "explain", path, "--rules", rules)
    assert (ran.code, ran.err.count("\n")) == (1, 1)


# --- fields and schema -----------------------------------------------------------------------


def test_every_field_is_listed_with_its_operators(terminal: Terminal) -> None:
    from routing.fields import names

    listed = terminal.run("rules", "fields", "--json").lines()
    assert {one["field"] for one in listed} == set(names())
    assert all(one["about"] and one["operators"] for one in listed)
    assert "header.NAME" in terminal.run("rules", "fields").out


def test_the_schema_is_json_and_knows_the_configured_teams(terminal: Terminal) -> None:
    import orjson

    plain = orjson.loads(terminal.run("rules", "schema").out)
    assert plain["$schema"].startswith("https://json-schema.org/")
    terminal.start()
    assert '"compliance"' in terminal.run("rules", "schema").out


# --- With stored mail ------------------------------------------------------------------------


@pytest.fixture
def stored(terminal: Terminal, tmp_path: Path) -> Terminal:
    """A terminal in a working folder with two mails filed under the shipped rules."""
    terminal.start()
    folder = tmp_path / "mails"
    folder.mkdir()
    (folder / "1.eml").write_bytes(
        mail(id="1@acme.example", subject="Please action: data deletion")
    )
    (folder / "2.eml").write_bytes(mail(id="2@acme.example", subject="Renewal for 2027"))
    ran = terminal.run("mail", "ingest", folder)
    assert "2 filed" in ran.out, ran.err
    return terminal


def test_a_day_with_the_tools_that_look_back(stored: Terminal) -> None:
    shown = stored.run("rules", "explain", "1", "--json").json()
    assert (shown["rule"], shown["note"], shown["event"]) == ("privacy-request", "", "new-thread")
    assert stored.run("rules", "explain", "<1@acme.example>", "--json").json() == shown
    ran = stored.run("rules", "explain", "3@acme.example")
    assert (ran.code, "no message 3@acme.example is stored" in ran.err) == (1, True)
    made = stored.run("rules", "make-test", "2").out
    assert made.startswith('- name: "made from message 2"') and "acme" not in made
    page = stored.run("rules", "coverage", "--json").json()
    hits = {one["rule"]: one["hits"] for one in page["rules"] if one["hits"]}
    assert hits == {"privacy-request": 1, "renewal": 1}
    assert "privacy-request" not in page["never"] and "outage" in page["never"]
    assert "in force since" in stored.run("rules", "show").out
    assert "No rule can be proposed" in stored.run("rules", "suggest").out
    ran = stored.run("rules", "shadow")
    assert (ran.code, "files.shadow_rules" in ran.err) == (1, True)


def test_another_subject_of_a_mail_asks_the_classifier_again(stored: Terminal) -> None:
    """Of a stored mail nobody asks again: its answer is not known for another text."""
    login = stored.folder / "login.eml"
    login.write_bytes(mail(id="9@acme.example", subject="Hello", body="See above."))
    subject = '{"subject": "Cannot log in, error 500 on the login page"}'
    before = stored.run("rules", "explain", login, "--json").json()
    after = stored.run("rules", "explain", login, "--given", subject, "--json").json()
    assert before["score"] is not None and after["score"] is not None
    assert before["score"] != after["score"]
    kept = stored.run("rules", "explain", "2", "--given", '{"account.tier": "gold"}', "--json")
    gone = stored.run("rules", "explain", "2", "--given", subject, "--json")
    assert kept.json()["score"] is not None and gone.json()["score"] is None


def test_a_proposed_rule_is_a_patch_that_applies(
    stored: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = stored.folder / "alike"
    folder.mkdir()
    for n in range(4):
        raw = mail(
            f"p@c{n}.example", id=f"{n}@c{n}.example", subject="Question about payroll export"
        )
        (folder / f"{n}.eml").write_bytes(raw)
    assert "4 filed" in stored.run("mail", "ingest", folder).out
    for n in range(3, 7):
        assert stored.run("assign", str(n), "success", "--by", "maya").code == 0
    for here, seen in ((stored.config.parent, "rules"), (stored.folder, "work/rules")):
        monkeypatch.chdir(here)
        patch = stored.run("rules", "suggest").out
        assert patch.startswith(f"--- /dev/null\n+++ b/{seen}/05-moved-to-success-")
        applied = subprocess.run(["git", "apply"], input=patch, text=True, check=False)
        assert applied.returncode == 0
        assert stored.run("rules", "test").code == 0
        (made,) = (stored.config.parent / "rules").glob("05-*.yaml")
        made.unlink()


def test_a_replay_tells_the_moves_and_fails_above_a_number(stored: Terminal, rules: Path) -> None:
    ran = stored.run("rules", "replay", "--rules", rules, "--since", "all", "--json")
    shape = ran.json()
    assert (ran.code, shape["threads"], shape["moved"]) == (0, 2, 2)
    moves = {(one["from"], one["to"]): one["threads"] for one in shape["moves"]}
    assert moves == {("compliance", "support"): ["1"], ("success", "support"): ["2"]}
    told = stored.run("rules", "replay", "--rules", rules)
    assert "compliance -> support" in told.out and "2 threads: 2 would move" in told.out
    assert stored.run("rules", "replay", "--rules", rules, "--fail-above", "2").code == 0
    assert stored.run("rules", "replay", "--rules", rules, "--fail-above", "1").code == 1


def test_activate_refuses_bad_rules_and_keeps_the_good_ones(stored: Terminal) -> None:
    folder = stored.config.parent / "rules"
    (folder / "95-bad.yaml").write_text("rules:\n  - {name: x}\n")
    ran = stored.run("rules", "activate")
    assert ran.code == 1
    assert "95-bad.yaml:2:5: missing-key" in ran.err and "what was in force stays" in ran.out
    assert "newer files were refused" in stored.run("rules", "show").err
    assert stored.run("check").code == 1
    shown = stored.run("rules", "show", "--json").json()
    assert shown["refused_at"] >= shown["activated_at"]
    assert "refused_at" not in shown["problems"][0]
    (folder / "95-bad.yaml").unlink()
    assert stored.run("rules", "activate").code == 0
    assert stored.run("rules", "show", "--json").json()["refused_at"] is None


def test_a_set_of_which_a_file_cannot_be_read_is_neither_good_nor_tested(
    terminal: Terminal,
) -> None:
    folder = terminal.folder / "odd"
    folder.mkdir()
    (folder / "90.yaml").write_text("rules: []\nfallback: {team: support}\n")
    (folder / "10.yaml").symlink_to("/dev/zero")
    for command in ("check", "test"):
        ran = terminal.run("rules", command, folder)
        assert (ran.code, "unreadable: it is no regular file" in ran.out + ran.err) == (1, True)


@pytest.mark.parametrize("command", ["check", "test", "explain", "make-test"])
def test_a_path_that_no_system_could_have_is_no_traceback(terminal: Terminal, command: str) -> None:
    ran = terminal.run("rules", command, "a" * 5_000)
    assert ran.code == 1 and "there is no such file" in ran.err


def test_shadow_rules_are_told_apart_from_the_live_ones(stored: Terminal) -> None:
    """What a person reads who tries shadow mode for the first time, with a slip in it."""
    work = stored.config.parent
    tried = work / "tried"
    shutil.copytree(work / "rules", tried)
    config = stored.config.read_text()
    stored.config.write_text(
        config.replace("  rules: rules\n", "  rules: rules\n  shadow_rules: tried\n")
    )
    ran = stored.run("rules", "shadow")
    assert (ran.code, "`aboard rules activate` puts those in tried beside" in ran.err) == (1, True)

    good = (tried / "90-success-and-fallback.yaml").read_text()
    (tried / "90-success-and-fallback.yaml").write_text(
        good.replace("team: success", "team: sucess")
    )
    ran = stored.run("rules", "activate")
    assert ran.code == 1 and "unknown-team" in ran.err
    assert "in force: ruleset" in ran.out and "stays" not in ran.out
    assert "the shadow rules were refused; in shadow mode: none run" in ran.out
    ran = stored.run("rules", "shadow")
    assert ran.code == 1 and "unknown-team" in ran.err
    assert "those in tried were refused at" in ran.err and "set files.shadow" not in ran.err

    (tried / "90-success-and-fallback.yaml").write_text(good)
    ran = stored.run("rules", "activate")
    assert (ran.code, ran.err) == (0, "") and "in shadow mode: ruleset" in ran.out
    assert stored.run("rules", "shadow").code == 0

    (tried / "10-compliance.yaml").write_text("rules: 3\n")
    ran = stored.run("rules", "activate")
    assert ran.code == 1 and "in force: ruleset" in ran.out
    assert "the shadow rules were refused; in shadow mode: ruleset" in ran.out
    ran = stored.run("rules", "shadow")
    assert ran.code == 0 and "newer shadow rules were refused at" in ran.err
    assert "agree with the live ones so far" in ran.out


@pytest.mark.parametrize(
    ("text", "days"), [("30d", 30), ("12h", 0.5), ("2w", 14), ("2026-11-01", 1.375)]
)
def test_windows_are_read(text: str, days: float) -> None:
    from inbox.cli.rules_past import instant

    assert (NOW - instant(text, NOW)).total_seconds() == days * 86_400


@pytest.mark.parametrize("text", ["", "30", "d30", "yesterday", "-3d"])
def test_a_window_that_cannot_be_read_says_what_to_write(text: str) -> None:
    from inbox.cli.rules_past import instant

    with pytest.raises(AboardError, match="2026-11-01 or all"):
        instant(text, NOW)
