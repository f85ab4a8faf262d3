"""A colleague's forward is its original sender's mail where the colleague is proved, else asked."""

from __future__ import annotations

from typing import Any

import pytest

from inbox.store import proposals, tables, timeline
from inbox.store.timeline import Span
from tests.authentication.signing import published, sign
from tests.authentication.test_filing import crlf, receive
from tests.flow.house import House, mail
from tests.mail.test_forward_styles import STYLES

ZONE = published(
    {"s1._domainkey.aboard.example": published().records["s1._domainkey.acme.example"]}
)


def forwarded(style: str = "gmail", language: str = "en", **fields: Any) -> bytes:
    """Ines forwards a mail of Ada Byte's, who wrote to her and not to us."""
    subject, head = STYLES[style](language)
    text = "\n".join([*head, "", "We would like to start.", ""])
    given = {"id": "f1@aboard.example", "subject": subject, "body": f"Yours?\n\n{text}"}
    return crlf(mail("Ines Duarte <ines@aboard.example>", **{**given, **fields}))


def attached(inner: bytes, **fields: Any) -> bytes:
    """Ines forwards a mail as an attachment."""
    given = {"id": "f1@aboard.example", "subject": "Fwd: Start", "body": "See the attachment."}
    outer = mail("Ines Duarte <ines@aboard.example>", **{**given, **fields}).partition(b"\n\n")
    head = b"\n".join(
        line
        for line in outer[0].split(b"\n")
        if not line.lower().startswith((b"content-", b"mime"))
    )
    parts = (
        b'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="q"\n\n'
        b"--q\nContent-Type: text/plain\n\nSee the attachment.\n"
        b"--q\nContent-Type: message/rfc822\n\n" + inner + b"\n--q--\n"
    )
    return crlf(head + b"\n" + parts)


def ours(raw: bytes) -> bytes:
    return sign(raw, "aboard.example")


def _events(house: House, account_id: int, kind: str) -> list[timeline.Event]:
    with house.looking() as conn:
        rows = timeline.of_account(conn, account_id, Span())
    return [row.event for row in rows if row.event.kind == kind]


@pytest.mark.parametrize("style", list(STYLES))
def test_a_proved_colleagues_forward_is_the_original_senders_mail(house: House, style: str) -> None:
    receive(house, ours(forwarded(style)), zone=ZONE)
    (made,) = house.rows(tables.messages)
    assert (made.from_address, made.from_name) == ("ada@acme.example", "Ada Byte")
    assert (made.direction, made.subject, made.may_answer) == ("in", "Start in May", False)
    assert made.extras["forwarded_by"] == {
        "address": "ines@aboard.example",
        "name": "Ines Duarte",
        "treated": True,
        "ids": ["f1@aboard.example"],
    }
    (account,) = house.rows(tables.accounts, kind="customer")
    assert (account.name, made.account_id) == ("acme.example", account.id)
    (event,) = _events(house, account.id, "forwarded-by-colleague")
    assert event.data["treated"] and event.actor == "contact:ines@aboard.example"
    (contact,) = house.rows(tables.contact_addresses)
    assert contact.address == "ada@acme.example"


def test_the_original_joins_its_thread_and_answers_join_the_forward(house: House) -> None:
    receive(house, mail("Ada <ada@acme.example>", id="a1@acme.example", subject="Start"), zone=ZONE)
    inner = mail(
        "Ada Byte <ada@acme.example>",
        id="a2@acme.example",
        refs=["a1@acme.example"],
        to="ines@aboard.example",
    )
    receive(house, ours(attached(inner)), zone=ZONE)
    receive(
        house,
        mail("Ada <ada@acme.example>", id="a3@acme.example", refs=["a2@acme.example"]),
        zone=ZONE,
    )
    receive(
        house,
        mail("Ada <ada@acme.example>", id="a4@acme.example", refs=["f1@aboard.example"]),
        zone=ZONE,
    )
    assert len(house.components()) == 1
    assert "Hello, this is a2@acme.example." in house.message("f1@aboard.example").visible_text


def test_an_inline_forward_may_name_the_original(house: House) -> None:
    raw = forwarded("thunderbird", headers={"X-Forwarded-Message-Id": "<a1@acme.example>"})
    receive(house, ours(raw), zone=ZONE)
    receive(
        house,
        mail("Ada <ada@acme.example>", id="a2@acme.example", refs=["a1@acme.example"]),
        zone=ZONE,
    )
    assert len(house.components()) == 1


def test_from_a_colleague_whom_nothing_proves_it_is_a_proposal(house: House) -> None:
    receive(house, mail("Ada <ada@acme.example>", id="a1@acme.example"), zone=ZONE)
    before = house.message("a1@acme.example")
    receive(house, forwarded(headers={"References": "<a1@acme.example>"}), zone=ZONE)
    made = house.message("f1@aboard.example")
    assert made.from_address == "ines@aboard.example"
    assert made.account_id != before.account_id and made.thread_id != before.thread_id
    with house.looking() as conn:
        (asked,) = proposals.listing(conn, thread_id=made.thread_id)
    assert (asked.kind, asked.message_id) == ("forward", made.id)
    assert asked.what == "Treat this mail as a forward from ada@acme.example"
    (event,) = _events(house, before.account_id, "forwarded-by-colleague")
    assert not event.data["treated"]
    assert house.rows(tables.contact_addresses, address="ines@aboard.example") == []


@pytest.mark.parametrize(
    "raw",
    [
        mail("Bo <bo@other.example>", id="f1@aboard.example", body="x"),  # nobody of ours
        forwarded(headers={"Auto-Submitted": "auto-replied"}),
        forwarded(headers={"From": "Ines <ines@aboard.example>, Tom <tom@aboard.example>"}),
        mail(
            "Ines <ines@aboard.example>", id="f1@aboard.example", subject="Fwd: no more than that"
        ),
        mail(
            "Onboarding <hello@aboard.example>", id="f1@aboard.example", body=forwarded().decode()
        ),
    ],
)
def test_what_is_no_colleagues_forward_is_treated_as_none(house: House, raw: bytes) -> None:
    receive(house, ours(crlf(raw)), zone=ZONE)
    (made,) = house.rows(tables.messages)
    assert "forwarded_by" not in made.extras
    assert made.from_address != "ada@acme.example"


def test_a_strangers_forward_gives_nothing_to_whom_it_names(house: House) -> None:
    receive(house, mail("Ada <ada@acme.example>", id="a1@acme.example"), zone=ZONE)
    raw = forwarded(headers={"From": "Eve <eve@evil.example>", "References": "<a1@acme.example>"})
    receive(house, sign(raw, "evil.example"), zone=ZONE)
    made = house.message("f1@aboard.example")
    assert made.from_address == "eve@evil.example"
    assert made.account_id != house.message("a1@acme.example").account_id
    assert house.thread("a1@acme.example").messages == 1
