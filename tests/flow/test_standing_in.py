"""What an older program put in force and this one cannot use never stops mail."""

from __future__ import annotations

import logging

import pytest

from inbox import app
from inbox.errors import ConfigError
from inbox.flow import active
from inbox.flow.admin import stored_sets
from inbox.flow.evidence import explaining
from inbox.flow.evidence.coverage import rules_page
from inbox.store import sets
from tests.flow.house import RULES, TEAMS, House, mail

FUTURE = RULES.replace("when: {subject contains: invoice}", "wenn: {subject enthaelt: invoice}")
"""Rules of another program; ours finds unknown keys in them."""


def _put(house: House, kind: str, set_hash: str, name: str, text: str) -> None:
    """What another program put in force."""
    with house.db.write() as conn:
        sets.activate(conn, kind, set_hash, {name: text}, house.now)


def _start(house: House) -> active.AdminFiles:
    return active.activate(house.db, house.settings, house.now)[0]


def _shown(house: House) -> list[str]:
    page = rules_page(house.db, house.now)
    assert page is not None
    return [f"{one['code']}: {one['message']}" for one in page.problems]


def test_good_files_on_disk_replace_stored_rules_that_no_longer_load(house: House) -> None:
    _put(house, "rules", "f" * 64, "10-all.yaml", FUTURE)
    files = _start(house)
    assert [one.name for one in files.ruleset.rules] == ["invoices", "outage"]
    assert not files.problems and _shown(house) == []


def test_rules_in_force_before_stand_in_where_the_files_are_bad_too(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    house.later(days=1)
    _put(house, "rules", "e" * 64, "10-all.yaml", FUTURE)
    house.write("rules/10-all.yaml", FUTURE)
    logger = logging.getLogger("aboard")
    logger.addHandler(caplog.handler)
    try:
        assert any(one.code == "stored-set" for one in app.put_in_force(house.db, house.settings))
    finally:
        logger.removeHandler(caplog.handler)
    assert "stored-set" in caplog.text
    house.receive(mail(id="1@a.example", subject="Invoice"), mail(id="2@b.example"))
    assert house.thread("1@a.example").team == "success"
    assert house.thread("2@b.example").team == "support"
    assert any("in force before, stand in" in one for one in _shown(house))
    house.write("rules/10-all.yaml", RULES + "# mended\n")
    house.activate()
    assert _shown(house) == [] and not _start(house).problems


def test_without_any_rules_that_load_mail_goes_to_the_fallback_team(house: House) -> None:
    with house.db.write() as conn:
        conn.execute(sets.config_sets.delete().where(sets.config_sets.c.kind == "rules"))
    _put(
        house,
        "rules",
        "d" * 64,
        "10-all.yaml",
        FUTURE.replace("team: support}\n", "team: success}\n"),
    )
    house.write("rules/10-all.yaml", FUTURE)
    files = _start(house)
    assert (files.ruleset.rules, files.ruleset.fallback.team) == ((), "success")
    house.receive(mail(id="1@a.example", subject="Outage"))
    assert house.thread("1@a.example").team == "success"
    with house.looking() as conn:
        question = explaining.stored(conn, house.message("1@a.example").id)
    assert question.note == "" and question.answer().decision.team == "success"


def test_teams_that_no_longer_load_are_known_from_their_tables(house: House) -> None:
    for kind, name in (("teams", "teams.yaml"), ("sla", "sla.yaml"), ("stages", "stages.yaml")):
        _put(house, kind, kind[0] * 64, name, "equipes: []\n")
        house.write(name, "equipes: []\n")
    assert _start(house).problems
    house.receive(mail(id="1@a.example", subject="Invoice"))
    thread = house.thread("1@a.example")
    assert thread.team == "success"
    assert {one.split(":")[0] for one in _shown(house)} >= {"stored-set", "unknown-key"}


def test_a_store_without_any_teams_still_refuses_to_start(house: House) -> None:
    from inbox.store.tables import team_members, teams

    _put(house, "teams", "a" * 64, "teams.yaml", "equipes: []\n")
    with house.db.write() as conn:
        conn.execute(team_members.delete())
        conn.execute(teams.delete())
    house.write("teams.yaml", "equipes: []\n")
    with pytest.raises(ConfigError):
        _start(house)
    house.write("teams.yaml", TEAMS)
    assert not _start(house).problems


def test_what_is_in_force_is_read_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    with house.looking() as conn:
        first = active.in_force(conn)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("read again")

    monkeypatch.setattr(stored_sets, "load_live", refuse)
    with house.looking() as conn:
        assert active.in_force(conn) is first
    _put(house, "rules", "c" * 64, "10-all.yaml", RULES + "# other\n")
    with house.looking() as conn, pytest.raises(AssertionError, match="read again"):
        active.in_force(conn)


# --- The mails that tests start from ---------------------------------------------------------


def _with_mail(house: House) -> None:
    folder = house.settings.folder / "rules"
    (folder / "one.eml").write_bytes(mail(id="1@a.example", subject="Invoice"))
    house.write("rules/20-more.yaml", "tests:\n  - mail: one.eml\n    expect: {team: success}\n")
    house.activate()
    assert _shown(house) == []


def test_a_changed_mail_beside_the_rules_is_proven_again(house: House) -> None:
    _with_mail(house)
    (house.settings.folder / "rules/one.eml").write_bytes(mail(id="1@a.example", subject="Kickoff"))
    house.activate()
    assert any("test-failed" in one for one in _shown(house))
    (house.settings.folder / "rules/one.eml").write_bytes(mail(id="1@a.example", subject="Invoice"))
    house.activate()
    assert _shown(house) == []


def test_an_unchanged_mail_beside_the_rules_is_not(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    _with_mail(house)

    def refuse(*_: object) -> None:
        raise AssertionError("proven again")

    monkeypatch.setattr("inbox.flow.active.check", refuse)
    house.activate()


def test_another_mailbox_is_another_proof(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    from inbox.config import Mailbox

    proven: list[bool] = []
    real = active.check
    monkeypatch.setattr(active, "check", lambda disk: proven.append(True) or real(disk))
    boxes = (Mailbox("other@aboard.example", "Other"),)
    active.activate(house.db, replace(house.settings, mailboxes=boxes), house.now)
    assert proven
