"""What a review found: explain, replay and facts say what filing does."""

from __future__ import annotations

from pathlib import Path

from inbox.flow.deciding.assign import thread_facts
from routing.facts import facts_given
from tests.cli.running import Terminal

ONE_RULE = """
rules:
  - name: privacy
    why: A deadline in law.
    when: {subject contains: gdpr}
    then: {team: compliance}
    tests:
      - given: {subject: gdpr}
        expect: {team: compliance}
      - given: {subject: hello}
        expect: {not_rule: privacy}
fallback: {classifier_at_least: model, team: compliance}
"""
LOGIN = (
    "From: Ana <ana@bank.example>\nTo: onboarding@aboard.example\nMessage-ID: <l1@bank.example>\n"
    "Subject: Cannot log in, error 500\n\nThe login page shows error 500 since this morning.\n"
)


def _filed_by_classifier(terminal: Terminal) -> str:
    rules = terminal.config.parent / "rules"
    for path in rules.glob("*.yaml"):
        path.unlink()
    (rules / "10.yaml").write_text(ONE_RULE)
    mail = terminal.folder / "login.eml"
    mail.write_text(LOGIN)
    assert terminal.run("mail", "ingest", mail).code == 0
    (thread,) = terminal.run("threads", "--json").lines()
    return str(thread["team"])


def test_explain_of_a_stored_mail_knows_teams_that_no_rule_names(terminal: Terminal) -> None:
    team = _filed_by_classifier(terminal)
    explained = terminal.run("rules", "explain", "1", "--json").json()
    assert explained["team"] == team


def test_replay_of_the_same_rules_elsewhere_moves_nothing(terminal: Terminal) -> None:
    _filed_by_classifier(terminal)
    elsewhere = terminal.folder / "elsewhere" / "try"
    elsewhere.mkdir(parents=True)
    (elsewhere / "10.yaml").write_text(ONE_RULE)
    ran = terminal.run("rules", "replay", "--rules", elsewhere, "--since", "all", "--fail-above", 0)
    assert ran.code == 0, ran.out + ran.err


def test_the_facts_of_a_new_thread_are_those_that_tests_assume() -> None:
    known = thread_facts(None)
    given = facts_given({})
    for name, value in known.items():
        assert given.get(name) == value, name


def test_hidden_files_are_no_rules_and_other_endings_are_told(terminal: Terminal) -> None:
    rules = terminal.config.parent / "rules"
    (rules / ".#10-compliance.yaml").symlink_to("nowhere@host.1:2")
    (rules / "95-more.yml").write_text("rules: []\n")
    ran = terminal.run("check")
    assert ran.code == 0, ran.err
    assert "95-more.yml: ignored-file" in ran.err


def test_init_writes_the_schema_that_the_rule_files_name(terminal: Terminal) -> None:
    first = (terminal.config.parent / "rules" / "10-compliance.yaml").read_text().splitlines()[0]
    schema = first.rpartition("=")[2].strip()
    assert (terminal.config.parent / "rules" / Path(schema)).is_file()


def test_our_own_sent_mail_moves_no_thread(terminal: Terminal) -> None:
    _filed_by_classifier(terminal)
    reply = terminal.folder / "sent.eml"
    reply.write_text(
        "From: onboarding@aboard.example\nTo: ana@bank.example\nMessage-ID: <o1@aboard.example>\n"
        "In-Reply-To: <l1@bank.example>\nSubject: Re: gdpr\n\nThis is no gdpr matter.\n"
    )
    (terminal.config.parent / "rules" / "10.yaml").write_text(
        ONE_RULE.replace("    why:", "    on: every-message\n    why:")
    )
    (before,) = terminal.run("threads", "--json").lines()
    assert terminal.run("mail", "ingest", reply, "--sent").code == 0
    (after,) = terminal.run("threads", "--json").lines()
    assert (after["messages"], after["team"]) == (2, before["team"])
