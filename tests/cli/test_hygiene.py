"""`aboard proposals` and `aboard mail loops`, as somebody would type them."""

from __future__ import annotations

from tests.cli.running import Terminal
from tests.flow.house import mail
from tests.mail.test_forward_styles import STYLES


def _forward(terminal: Terminal) -> None:
    """A colleague whom nothing proves forwards a customer's mail."""
    person = terminal.run("people", "--json").lines()[0]
    subject, head = STYLES["gmail"]("en")
    body = "\n".join([*head, "", "We would like to start."])
    path = terminal.folder / "forward.eml"
    path.write_bytes(mail(f"<{person['address']}>", id="f1@x.example", subject=subject, body=body))
    assert terminal.run("mail", "ingest", path).code == 0


def test_a_proposal_is_listed_applied_and_settled_once(terminal: Terminal) -> None:
    assert terminal.run("proposals", "list").out == "Nothing waits for a decision.\n"
    _forward(terminal)
    (asked,) = terminal.run("proposals", "list", "--json").lines()
    assert (asked["kind"], asked["state"]) == ("forward", "open")
    assert asked["what"] == "Treat this mail as a forward from ada@acme.example"
    by = terminal.run("people", "--json").lines()[0]["handle"]
    ran = terminal.run("proposals", "apply", asked["id"], "--by", by)
    assert ran.out == f"proposal {asked['id']} is applied: {asked['what']}\n"
    again = terminal.run("proposals", "decline", asked["id"], "--by", by)
    assert (again.code, "was applied at" in again.err) == (1, True)
    (done,) = terminal.run("proposals", "list", "--all", "--json").lines()
    assert (done["state"], done["settled_by"]) == ("applied", by)
    names = [row["name"] for row in terminal.run("accounts", "--json").lines()]
    assert "acme.example" in names


def test_nobody_is_stopped_and_a_pair_that_is_not_there_is_said(terminal: Terminal) -> None:
    assert terminal.run("mail", "loops", "list").out == "Nobody is stopped.\n"
    assert terminal.run("mail", "loops", "list", "--json").lines() == []
    by = terminal.run("people", "--json").lines()[0]["handle"]
    ran = terminal.run("mail", "loops", "release", "7", "--by", by)
    assert (ran.code, "there is no pair 7" in ran.err) == (1, True)
