"""`aboard people`, `handoff`, `claim` and the other deeds, as somebody would type them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.running import Terminal
from tests.flow.house import mail


@pytest.fixture
def working(terminal: Terminal) -> Terminal:
    """A working folder with one mail of a customer, filed to its team."""
    one = terminal.folder / "one.eml"
    one.write_bytes(mail(id="one@acme.example", subject="An error on login", to="hello@x.example"))
    assert terminal.run("mail", "ingest", one).code == 0
    return terminal


def thread(terminal: Terminal) -> dict[str, str]:
    (row,) = terminal.run("threads", "--json").lines()
    found: dict[str, str] = row
    return found


def test_people_are_listed_with_what_they_own_and_when_they_are_away(working: Terminal) -> None:
    team, duty = thread(working)["team"], thread(working)["accountable"]
    ran = working.run("people", "away", duty, "--until", "2099-01-31", "--note", "parental leave")
    assert ran.code == 0, ran.err
    assert f"{duty} is away from " in ran.out
    assert "until 2099-01-31 00:00 UTC; 1 threads found somebody else" in ran.out
    assert thread(working)["accountable"] != duty
    rows = {row["handle"]: row for row in working.run("people", "--json").lines()}
    assert rows[duty]["absences"][0]["until"] == "2099-01-31T00:00:00Z"
    assert rows[duty]["duty"] == [team]
    listed = working.run("people").out
    assert "parental leave" in listed
    assert working.run("people", "back", duty).out == f"{duty} is back; 1 threads moved\n"
    assert thread(working)["accountable"] == duty
    again = working.run("people", "back", duty)
    assert (again.code, "is not noted as away" in again.err) == (1, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("people", "away", "nobody"), "there is no person 'nobody'"),
        (("people", "away", "tom", "--until", "soon"), "--until 'soon': write a day"),
        (("people", "away", "tom", "--until", "2001-01-01"), "has to be after the beginning"),
        (("handoff", "accept", "7", "--by", "tom"), "there is no handoff 7"),
        (("claim", "x1", "--by", "tom"), "thread 'x1' is not a number"),
        (("snooze", "1", "--by", "tom", "--until", "2001-01-01"), "has passed"),
    ],
)
def test_what_cannot_be_says_why(working: Terminal, words: tuple[str, ...], said: str) -> None:
    ran = working.run(*words)
    assert ran.code == 1
    assert said in ran.err
    assert "Traceback" not in ran.err


def test_a_handoff_from_offer_to_acceptance(working: Terminal) -> None:
    number, giver = thread(working)["id"], thread(working)["team"]
    taker = "compliance" if giver != "compliance" else "support"
    person = "samuel" if taker == "compliance" else "ines"
    words = ("--by", "maya", "--reason", "they sent a contract", "--ask", "a signature")
    ran = working.run("handoff", "offer", number, taker, *words)
    assert ran.code == 0, ran.err
    assert f"{giver} answers for it until somebody accepts" in ran.out
    (row,) = working.run("handoff", "list", "--json").lines()
    assert (row["to_team"], row["asks"], row["state"]) == (taker, ["a signature"], "offered")
    ran = working.run("handoff", "accept", row["id"], "--by", person)
    assert ran.out == f"thread {number} is with {taker} now, and {person} owns it\n"
    assert thread(working)["team"] == taker
    assert working.run("handoff", "list").out == "Nothing is on offer.\n"
    (row,) = working.run("handoff", "list", "--all", "--json").lines()
    assert (row["state"], row["settled_by"]) == ("accepted", person)


def test_the_deeds_of_a_working_day(working: Terminal) -> None:
    number = thread(working)["id"]
    team = thread(working)["team"]
    said = [
        working.run("claim", number, "--by", "maya").out,
        working.run("note", number, "They use SSO.", "--by", "maya").out,
        working.run("tag", number, "--add", "sso", "--by", "maya").out,
        working.run("snooze", number, "--until", "2099-01-01T09:00+01:00", "--by", "maya").out,
        working.run("close", number, "--by", "maya").out,
        working.run("reopen", number, "--by", "maya").out,
        working.run("release", number, "--by", "maya").out,
    ]
    assert said[0] == f"thread {number} is maya's\n"
    assert said[1] == f"noted on thread {number}\n"
    assert "sso" in said[2]
    assert said[3] == f"thread {number} is put aside until 2099-01-01 08:00 UTC\n"
    assert said[4:6] == [f"thread {number} is closed\n", f"thread {number} is open\n"]
    assert said[6].startswith(f"thread {number} waits for {team}; ")
    timeline = working.run("timeline", "acme.example", "--json").lines()
    kinds = [row["kind"] for row in timeline]
    assert kinds.count("status-changed") == 3
    assert {"note", "tagged", "owner-changed"} <= set(kinds)
    assert Path(working.config).exists()
