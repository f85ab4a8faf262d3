"""`aboard sla`: what people see of deadlines, and what a change of policies would do."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from inbox.flow.promises import sla, sla_look
from inbox.store.database import Database
from routing.sla_load import load_sla
from routing.targets_why import length
from tests.sla.office import SLA, Office, mail, open_office


@pytest.fixture
def desk(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    """An office whose folder is the one that commands are run in."""
    from tests.databases import _empty_sqlite

    folder = tmp_path / "work"
    (folder / "var").mkdir(parents=True)
    (folder / "var" / "aboard.db").write_bytes(_empty_sqlite())
    office = open_office(Database(f"sqlite:///{folder}/var/aboard.db"), folder)
    monkeypatch.chdir(folder)
    return office


def run(capfd: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """(exit code, standard output, standard error) of one command, in this process."""
    from inbox.cli.main import main

    code = 0
    try:
        main(["sla", *arguments])
    except SystemExit as end:
        code = int(end.code or 0)
    told = capfd.readouterr()
    return code, told.out, told.err


def test_why_prints_the_arithmetic_of_a_pause_over_a_weekend(office: Office) -> None:
    office.now = office.now.replace(day=6, hour=8)  # Friday 09:00 in Berlin
    office.receive(mail(id="a@x"))
    thread = office.thread("a@x").id
    office.later(hours=1)
    office.reply(thread)
    office.later(hours=1)
    office.desk("ines").wait(thread, office.now)
    office.later(days=3, hours=1)
    office.receive(mail(id="b@x", refs=["a@x"]))
    office.later(hours=1)
    with office.looking() as conn:
        clocks = sla.clocks_of(office.context().files)
        assert clocks is not None
        told = sla_look.why(conn, clocks, thread, office.now)
    text = told.text()
    assert "first response: met" in text
    assert "resolution: running" in text
    assert "27h 00m in the hours of support (Europe/Berlin)" in text
    assert "counted  Fri 2026-11-06 09:00 to Fri 2026-11-06 11:00   2h 00m" in text
    assert "paused   Fri 2026-11-06 11:00 to Mon 2026-11-09 12:00" in text
    assert "used     3h 00m of 27h 00m, 24h 00m left" in text
    assert "due      Thu 2026-11-12 09:00" not in text
    (resolution,) = [one for one in told.as_json()["targets"] if one["metric"] == "resolution"]
    assert resolution["used_seconds"] == 3 * 3600
    assert sum(one["seconds"] for one in resolution["stretches"]) == resolution["used_seconds"]
    row = office.targets(thread)["resolution"]
    assert row.due_at is not None
    assert resolution["due_at"] == row.due_at.isoformat().replace("+00:00", "Z")


def test_why_and_the_stored_row_agree_after_any_life(office: Office) -> None:
    office.receive(mail(id="a@x"))
    thread = office.thread("a@x").id
    office.days(0.5)
    office.desk("tom").note(thread, "looking", office.now)
    office.reply(thread)
    office.desk("tom").wait(thread, office.now)
    office.days(2)
    office.receive(mail(id="b@x", refs=["a@x"]))
    office.days(1)
    with office.looking() as conn:
        clocks = sla.clocks_of(office.context().files)
        assert clocks is not None
        told = sla_look.why(conn, clocks, thread, office.now)
        from inbox.store import targets

        rows = targets.of_threads(conn, [thread])[thread]
    assert len(told.targets) == len(rows) >= 3
    for (target, ladder), row in zip(told.targets, rows, strict=True):
        assert (target.metric, target.cycle, target.state) == (row.metric, row.cycle, row.state)
        assert target.due_at == row.due_at
        assert target.breached_at == row.breached_at
        assert target.used.total_seconds() == row.used_seconds
        done = [one.step for one in ladder if one.done_at is not None]
        assert len(done) == len(set(done))


def test_a_replay_under_the_same_policies_differs_in_nothing(office: Office) -> None:
    for number in range(5):
        office.receive(mail(f"Ana <ana@c{number}.example>", id=f"{number}@x"))
        office.later(minutes=20)
    office.days(1)
    office.reply(office.thread("1@x").id)
    with office.looking() as conn:
        clocks = sla.clocks_of(office.context().files)
        assert clocks is not None
        found = sla_look.replay(conn, clocks, office.now - timedelta(days=30), office.now)
    assert (found.threads, found.differences) == (5, [])
    assert found.old_breaches == found.new_breaches


def test_a_replay_shows_the_deadlines_that_a_stricter_policy_would_have_missed(
    office: Office,
) -> None:
    for number in range(3):
        office.receive(mail(f"Ana <ana@c{number}.example>", id=f"{number}@x"))
    office.later(hours=2)
    for number in range(2):
        office.reply(office.thread(f"{number}@x").id)
    stricter, problems = load_sla(SLA.replace("first_response: 4h", "first_response: 1h"), "n.yaml")
    assert stricter is not None, problems
    with office.looking() as conn:
        old = sla.clocks_of(office.context().files)
        assert old is not None
        clocks = sla.Clocks(stricter, old.hours)
        found = sla_look.replay(conn, clocks, office.now - timedelta(days=30), office.now)
    assert found.old_breaches["first_response"] == 0
    assert found.new_breaches["first_response"] == 3
    assert {one.metric for one in found.differences} == {"first_response"}
    assert office.rows(_steps()) == []  # nothing was changed


def _steps():  # type: ignore[no-untyped-def]
    from inbox.store.clock_tables import target_steps

    return target_steps


def test_check_is_silent_about_good_policies_and_tells_every_problem_of_bad_ones(
    desk: Office, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(capfd, "check")[:1] == (0,)
    bad = desk.settings.folder / "new.yaml"
    bad.write_text("policies:\n  - name: default\n    targets: {first_response: 4x, reply: 1h}\n")
    code, out, _ = run(capfd, "check", str(bad))
    assert code == 1
    assert "new.yaml:3:31: bad-duration" in out
    assert "new.yaml:3:35: unknown-key" in out
    assert "2 problems" in out
    code, out, _ = run(capfd, "check", str(bad), "--json")
    assert (code, json.loads(out)["errors"]) == (1, 2)
    code, _, err = run(capfd, "check", "nowhere.yaml")
    assert code == 1
    assert "there is no such file" in err


def test_list_why_and_replay_speak_text_and_json(
    desk: Office, capfd: pytest.CaptureFixture[str]
) -> None:
    assert "Nothing runs" in run(capfd, "list")[1]
    desk.receive(mail(id="a@x", subject="Kickoff"))
    code, out, _ = run(capfd, "list")
    assert code == 0
    assert "first response" in out
    assert "Kickoff" in out
    rows = [json.loads(line) for line in run(capfd, "list", "--json")[1].splitlines()]
    assert [one["metric"] for one in rows] == ["first_response", "resolution"]
    assert rows[0]["accountable"] == "ines"
    code, out, _ = run(capfd, "why", "1")
    assert code == 0
    assert "policy `default`" in out
    assert json.loads(run(capfd, "why", "1", "--json")[1])["thread_id"] == "1"
    code, out, _ = run(capfd, "replay", "--policy", "sla.yaml", "--since", "all")
    assert (code, "1 threads, 2 targets: 0 would differ" in out) == (0, True)
    told = json.loads(run(capfd, "replay", "--policy", "sla.yaml", "--since", "all", "--json")[1])
    assert (told["threads"], told["differences"]) == (1, [])
    code, _, err = run(capfd, "why", "99")
    assert code == 1
    assert "there is no thread 99" in err
    assert json.loads(run(capfd, "schema")[1])["title"] == "Aboard SLA policies"


def test_lengths_are_written_for_people() -> None:
    assert [length(timedelta(seconds=one)) for one in (0, 20, 61, 3600, 100_000, -90)] == [
        "0m",
        "0m 20s",
        "1m 01s",
        "1h 00m",
        "27h 46m",
        "-1m 30s",
    ]
