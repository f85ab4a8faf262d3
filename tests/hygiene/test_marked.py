"""Reports, replies by machine, lists and complaints are filed where they belong, marked, never
answered, and change no status wrongly."""

from __future__ import annotations

from typing import Any

import pytest

from inbox.flow.working.work import Desk
from inbox.store import tables, threads
from tests.flow.house import House, bounce, mail


def complaint(original: str) -> bytes:
    """An abuse report (RFC 5965) about a mail of ours."""
    return (
        "From: abuse <feedback@isp.example>\r\nTo: hello@aboard.example\r\nSubject: Abuse report\r\n"
        "Message-ID: <arf1@isp.example>\r\nDate: Mon, 02 Nov 2026 08:05:00 +0000\r\nMIME-Version: 1.0"
        '\r\nContent-Type: multipart/report; report-type=feedback-report; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nThis is an abuse report.\r\n"
        "--b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\n"
        "User-Agent: x/1\r\nVersion: 1\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n"
        f"Message-ID: <{original}>\r\nFrom: hello@aboard.example\r\nTo: ana@acme.example\r\n"
        "Subject: Kickoff\r\n\r\nHello\r\n--b--\r\n"
    ).encode()


def test_a_complaint_is_linked_to_the_thread_of_the_mail_it_is_about(house: House) -> None:
    house.receive(mail(id="one@acme.example"))
    house.receive(complaint("one@acme.example"))
    report, there = house.thread("arf1@isp.example"), house.thread("one@acme.example")
    assert house.message("arf1@isp.example").automatic == "abuse-report"
    assert report.id != there.id and report.account_id != there.account_id
    with house.looking() as conn:
        assert threads.linked(conn, report.id) == ((there.id, "abuse-report"),)
    (event,) = house.rows(tables.events, kind="abuse-reported")
    assert (event.thread_id, event.data["from"]) == (there.id, "feedback@isp.example")
    assert there.messages == 1
    house.receive(complaint("unknown@acme.example").replace(b"arf1@", b"arf2@"))
    assert len(house.rows(tables.events, kind="abuse-reported")) == 1


MACHINES: dict[str, tuple[dict[str, Any], str]] = {
    "auto-reply": ({"headers": {"Auto-Submitted": "auto-replied"}}, "auto-reply"),
    "out of office": (
        {"subject": "Out of office: Kickoff", "body": "I am back on 9 November 2026."},
        "out-of-office",
    ),
    "bulk": ({"headers": {"Precedence": "bulk"}}, "bulk"),
}


@pytest.mark.parametrize("status", ["waiting", "closed"])
@pytest.mark.parametrize("kind", list(MACHINES))
def test_a_machines_mail_joins_its_thread_and_leaves_its_status(
    house: House, kind: str, status: str
) -> None:
    fields, automatic = MACHINES[kind]
    house.receive(mail(id="one@acme.example"))
    desk = Desk(house.db, "ines")
    thread_id = house.thread("one@acme.example").id
    if status == "closed":
        desk.close(thread_id, house.now)
    else:
        with house.db.write() as conn:
            threads.save(conn, thread_id, status="waiting")
    house.receive(mail(id="two@acme.example", refs=["one@acme.example"], **fields))
    made = house.message("two@acme.example")
    assert (made.thread_id, made.automatic, made.may_answer) == (thread_id, automatic, False)
    assert house.thread("one@acme.example").status == status
    if automatic == "out-of-office":
        assert made.extras["return_on"] == "2026-11-09"


def test_a_report_without_a_signed_path_leaves_the_status_of_what_it_names(house: House) -> None:
    house.receive(mail(id="one@acme.example"))
    thread_id = house.thread("one@acme.example").id
    with house.db.write() as conn:
        threads.save(conn, thread_id, status="waiting")
    house.receive(bounce("ana@acme.example", "one@acme.example"))
    assert house.thread("one@acme.example").status == "waiting"
    assert house.message("dsn1@mx.test").may_answer is False
