"""Invitations are on the timeline with who accepted; an answer counts for its own attendee alone."""

from __future__ import annotations

from email.message import EmailMessage
from itertools import permutations
from typing import Any

import pytest

from inbox.flow.intake import invitations
from inbox.flow.intake.invitations import Standing
from inbox.store import timeline
from inbox.store.timeline import Span
from tests.flow.house import House


def invitation(
    method: str,
    by: str,
    *,
    uid: str = "kick@acme.example",
    seq: int = 0,
    states: Any = (),
    **how: Any,
) -> bytes:
    """One mail with a calendar part; `states` are (attendee, PARTSTAT) pairs."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:x", f"METHOD:{method}", "BEGIN:VEVENT"]
    lines += [f"UID:{uid}", f"SEQUENCE:{seq}", "SUMMARY:Kickoff call", "DTSTAMP:20261102T080000Z"]
    lines += ["DTSTART:20261110T090000Z", "DTEND:20261110T100000Z"]
    lines += [f"ORGANIZER:mailto:{how.get('organizer', 'ana@acme.example')}"]
    lines += [f"ATTENDEE;PARTSTAT={state}:mailto:{who}" for who, state in states]
    lines += ["END:VEVENT", "END:VCALENDAR", ""]
    mail = EmailMessage()
    mail["From"], mail["To"] = by, "hello@aboard.example"
    mail["Subject"] = f"{method}: Kickoff call"
    mail["Message-ID"] = f"<{how['id']}>"
    mail["Date"] = "Mon, 02 Nov 2026 08:00:00 +0000"
    mail.set_content("See the invitation.")
    mail.add_alternative("\r\n".join(lines), subtype="calendar", params={"method": method})
    return mail.as_bytes()


BOTH = [("bo@acme.example", "NEEDS-ACTION"), ("cy@acme.example", "NEEDS-ACTION")]
REQUEST = invitation("REQUEST", "ana@acme.example", states=BOTH, id="r1@acme.example")


def answer(who: str, state: str, by: str = "", **how: Any) -> bytes:
    number = f"{who}.{state}.{by or who}.{how.get('seq', 0)}".replace("@", ".")
    given = {"id": f"{number}@acme.example", **how}
    return invitation("REPLY", by or who, states=[(who, state)], **given)


def stands(house: House) -> Standing:
    message = house.message("r1@acme.example")
    with house.looking() as conn:
        return invitations.shown(conn, message.account_id, [message])["kick@acme.example"]


def kinds(house: House) -> list[tuple[str, Any, Any]]:
    account = house.message("r1@acme.example").account_id
    with house.looking() as conn:
        rows = timeline.of_account(conn, account, Span())
    found = [row.event for row in reversed(rows) if row.event.kind.startswith("invitation")]
    return [(one.kind, one.data.get("state"), one.data.get("counts")) for one in found]


def test_an_invitation_and_its_answers_are_on_the_timeline(house: House) -> None:
    house.receive(REQUEST)
    house.receive(answer("bo@acme.example", "ACCEPTED"))
    house.receive(answer("cy@acme.example", "DECLINED"))
    assert stands(house).attendees == {"bo@acme.example": "accepted", "cy@acme.example": "declined"}
    house.receive(answer("cy@acme.example", "TENTATIVE"))
    assert stands(house).attendees["cy@acme.example"] == "tentative"
    house.receive(invitation("CANCEL", "ana@acme.example", id="c1@acme.example"))
    assert stands(house).cancelled
    assert kinds(house) == [
        ("invitation", None, None),
        ("invitation-answered", "accepted", True),
        ("invitation-answered", "declined", True),
        ("invitation-answered", "tentative", True),
        ("invitation-cancelled", None, True),
    ]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_order_of_arrival_changes_nothing(house: House, order: tuple[int, ...]) -> None:
    mails = (
        REQUEST,
        answer("bo@acme.example", "ACCEPTED"),
        answer("cy@acme.example", "DECLINED"),
    )
    for number in order:
        house.later(minutes=1)
        house.receive(mails[number])
    assert stands(house).attendees == {"bo@acme.example": "accepted", "cy@acme.example": "declined"}


@pytest.mark.parametrize(
    "forged",
    [
        answer("bo@acme.example", "DECLINED", by="cy@acme.example"),
        answer("eve@acme.example", "ACCEPTED"),
        answer("bo@acme.example", "ACCEPTED", uid="other@acme.example"),
        invitation("CANCEL", "cy@acme.example", id="c1@acme.example"),
        invitation("CANCEL", "cy@acme.example", organizer="cy@acme.example", id="c2@acme.example"),
    ],
)
def test_an_answer_of_another_and_a_cancellation_of_anybody_count_for_nothing(
    house: House, forged: bytes
) -> None:
    house.receive(REQUEST)
    house.receive(forged)
    found = stands(house)
    assert found.attendees == {who: "needs-action" for who, _ in BOTH}
    assert not found.cancelled
    assert kinds(house)[-1][2] is False


@pytest.mark.parametrize("organizer", ["ana@acme.example", "cy@acme.example"])
def test_a_newer_version_of_anybody_does_not_take_an_event_over(
    house: House, organizer: str
) -> None:
    house.receive(REQUEST)
    theirs: Any = {"organizer": organizer, "seq": 9}
    house.receive(
        invitation("REQUEST", "cy@acme.example", states=BOTH[:1], id="r9@acme.example", **theirs),
        invitation("CANCEL", "cy@acme.example", id="c9@acme.example", **theirs),
    )
    found = stands(house)
    assert (found.organizer, found.sequence, found.cancelled) == ("ana@acme.example", 0, False)
    assert found.attendees == {who: "needs-action" for who, _ in BOTH}


def test_a_calendar_service_renews_and_an_organizer_does_too(house: House) -> None:
    on_behalf: Any = {"organizer": "ana@acme.example", "states": BOTH}
    house.receive(invitation("REQUEST", "meet@acme.example", id="r1@acme.example", **on_behalf))
    for seq, by in ((1, "meet@acme.example"), (2, "ana@acme.example")):
        house.receive(invitation("REQUEST", by, seq=seq, id=f"s{seq}@acme.example", **on_behalf))
        assert stands(house).sequence == seq


def test_an_answer_to_an_older_version_does_not_count_for_the_newer(house: House) -> None:
    house.receive(REQUEST)
    newer = invitation("REQUEST", "ana@acme.example", seq=2, states=BOTH, id="r2@acme.example")
    house.receive(newer)
    house.receive(answer("bo@acme.example", "ACCEPTED", seq=1))
    assert stands(house).attendees["bo@acme.example"] == "needs-action"
    house.receive(answer("bo@acme.example", "DECLINED", seq=2))
    assert stands(house).attendees["bo@acme.example"] == "declined"


def test_a_calendar_part_is_never_answered_and_reopens_only_as_its_mail_does(house: House) -> None:
    house.receive(REQUEST)
    assert house.message("r1@acme.example").automatic == "none"
    auto = answer("bo@acme.example", "ACCEPTED").replace(
        b"Subject:", b"Auto-Submitted: auto-replied\nSubject:", 1
    )
    house.receive(auto)
    found = house.rows(invitations.invitations.invitations)
    assert [row.method for row in found] == ["request", "reply"]
