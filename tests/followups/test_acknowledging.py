"""Acknowledgements: to people, at once, with nothing of theirs, and never in a loop."""

from __future__ import annotations

from email.utils import format_datetime

import pytest

from tests.flow.house import CONFIG, bounce
from tests.followups.office import ANA, Office, mail


def test_a_person_is_told_at_once(office: Office) -> None:
    thread = office.write_in(subject="Buy cheap pills", body="My secret words.")
    assert office.carry() == ["sent"]
    (letter,) = office.left
    assert (letter.reverse_path, letter.to) == ("", (ANA,))
    assert letter.mail["Auto-Submitted"] == "auto-replied"
    assert letter.mail["In-Reply-To"] == "<m0@acme.example>"
    assert "<m0@acme.example>" in letter.mail["References"]
    text = letter.raw.decode()
    assert not any(word in text for word in ("pills", "secret", "Ana", "Costa", "Acme"))
    assert office.items()[0].thread_id == thread


def test_within_hours_and_after_hours_differ(office: Office) -> None:
    office.write_in()
    office.later(hours=12)
    office.write_in(sender="Bo <bo@other.example>")
    assert office.templates() == ["acknowledgement", "after-hours"]


ROBOTS: dict[str, dict[str, str | None]] = {
    "auto-replied": {"Auto-Submitted": "auto-replied"},
    "auto-generated": {"Auto-Submitted": "auto-generated"},
    "a list": {"List-Id": "<users.acme.example>"},
    "bulk": {"Precedence": "bulk"},
    "suppressed": {"X-Auto-Response-Suppress": "All"},
    "not to us": {"To": "everybody@acme.example"},
}


@pytest.mark.parametrize("headers", ROBOTS.values(), ids=ROBOTS.keys())
def test_robots_get_none(office: Office, headers: dict[str, str | None]) -> None:
    office.write_in(headers=headers)
    assert not office.items()


@pytest.mark.parametrize(
    "sender", ["no-reply@acme.example", "MAILER-DAEMON@acme.example", "ines@aboard.example"]
)
def test_some_senders_get_none(office: Office, sender: str) -> None:
    office.write_in(sender=sender)
    assert not office.items()


def test_bounces_and_null_reverse_paths_get_none(office: Office) -> None:
    office.receive(bounce(ANA, "x@aboard.example"), reverse_path="")
    office.write_in(reverse_path="")
    assert not office.items()


def test_history_gets_none(office: Office) -> None:
    now = format_datetime(office.now)
    office.receive(mail(id="d@acme.example", date=now), dated=True, reverse_path=ANA)
    office.receive(mail(id="f@acme.example", date=now), source="file", reverse_path=ANA)
    office.write_in(id="o@acme.example", date="Fri, 30 Oct 2026 08:00:00 +0000")
    assert not office.items()


def test_one_a_day_and_thread(office: Office) -> None:
    office.write_in(id="a1@acme.example")
    office.carry()
    office.later(hours=1)
    office.write_in(id="a2@acme.example", refs=("a1@acme.example",))
    assert len(office.items()) == 1
    (why,) = office.happened("follow-up-skipped")
    assert "in this thread" in why["why"]


def test_strangers_share_a_budget_of_an_hour(office: Office) -> None:
    office.write(
        "followups.yaml",
        "acknowledge: {who: everybody, template: acknowledgement, strangers_an_hour: 3}\n",
    )
    office.activate()
    for number in range(5):
        office.write_in(sender=f"s{number}@s{number}.example", id=f"s{number}@s.example")
    assert len(office.items()) == 3
    office.later(minutes=61)
    office.write_in(sender="late@late.example")
    assert len(office.items()) == 4


def test_known_alone(office: Office) -> None:
    office.write("followups.yaml", "acknowledge: {who: known, template: acknowledgement}\n")
    office.activate()
    office.write_in()
    assert not office.items()


def test_without_a_smarthost_it_is_held(office: Office) -> None:
    from inbox.config import load

    office.write("aboard.yaml", CONFIG)
    office.settings = load(office.settings.folder / "aboard.yaml", {})
    office.write_in()
    assert [one.state for one in office.items()] == ["held"]
    assert office.carry() == []
