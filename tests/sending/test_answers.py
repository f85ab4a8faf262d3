"""What comes back: answers to signed addresses, and reports to signed reverse-paths."""

from __future__ import annotations

import pytest

from inbox.flow.deciding import signing
from inbox.store import audience
from inbox.store.tables import thread_links
from tests.flow.house import bounce, mail
from tests.sending.office import ANA, HELLO, Office

BEN = "ben@acme.example"


def sent(office: Office, *to: str, kind: str = "reply") -> tuple[str, str]:
    """(signed reply address, signed reverse-path) of a mail that left."""
    put = office.put(f"k{len(office.items())}", kind, draft=office.draft(*to))
    assert office.carry() == ["sent"]
    item = office.item(put.item_id)
    raw = office.sink.kept[-1].content.decode()
    reply_to = raw.partition("Reply-To: Support <")[2].partition(">")[0]
    return reply_to, item.reverse_path


def test_an_answer_without_any_reference_joins_by_its_signed_address(office: Office) -> None:
    reply_to, _ = sent(office)
    office.house.receive(mail(id="two@acme.example", to=reply_to.upper(), subject="Something else"))
    assert office.house.thread("two@acme.example").id == office.thread_id


@pytest.mark.parametrize("field", ["Delivered-To", "X-Original-To", "Cc"])
def test_the_signed_address_is_found_where_mail_systems_leave_it(
    office: Office, field: str
) -> None:
    reply_to, _ = sent(office)
    office.house.receive(mail(id="two@acme.example", headers={field: reply_to}))
    assert office.house.thread("two@acme.example").id == office.thread_id


def test_the_envelope_alone_is_enough(office: Office) -> None:
    reply_to, _ = sent(office)
    office.house.receive(mail(id="two@acme.example"), forward_paths=(reply_to,))
    assert office.house.thread("two@acme.example").id == office.thread_id


def test_somebody_we_wrote_to_joins_although_they_are_no_contact_yet(office: Office) -> None:
    reply_to, _ = sent(office, "new@freemail.example")
    office.house.receive(mail("New <new@freemail.example>", id="two@x.example", to=reply_to))
    assert office.house.thread("two@x.example").id == office.thread_id


def test_a_strangers_mail_with_a_genuine_token_opens_a_linked_thread_of_their_own(
    office: Office,
) -> None:
    reply_to, _ = sent(office)
    office.house.receive(mail("Eve <eve@evil.example>", id="two@evil.example", to=reply_to))
    theirs = office.house.thread("two@evil.example")
    assert theirs.id != office.thread_id
    assert theirs.account_id != office.account_id
    (link,) = office.house.rows(thread_links)
    assert {link.thread_id, link.other_id} == {theirs.id, office.thread_id}


def test_a_forged_token_is_an_ordinary_address(office: Office) -> None:
    reply_to, _ = sent(office)
    at = reply_to.index("@")
    forged = reply_to[: at - 1] + ("a" if reply_to[at - 1] != "a" else "b") + reply_to[at:]
    office.house.receive(mail(id="two@acme.example", to=forged))
    assert office.house.thread("two@acme.example").id != office.thread_id


def test_older_addresses_stay_good_when_the_key_changes(office: Office) -> None:
    old, _ = sent(office)
    assert signing.rotate(office.house.db, office.house.now) == 2
    new, _ = sent(office)
    with office.house.db.read() as conn:
        for address, purpose in ((old, "r"), (new, "r")):
            found = signing.find(conn, [HELLO, address])
            assert found is not None
            assert (found.purpose, found.mailbox, found.item.thread_id) == (
                purpose,
                HELLO,
                office.thread_id,
            )
        assert signing.find(conn, [HELLO, ANA, "hello+rabc@aboard.example"]) is None


# --- Bounces -----------------------------------------------------------------------------------


def report(
    office: Office, failed: str, path: str | None, status: str = "5.1.1", action: str = "failed"
) -> None:
    raw = bounce(failed, "unknown@x", id=f"dsn{len(office.events())}@mx.test")
    raw = raw.replace(b"Status: 5.1.1", f"Status: {status}".encode())
    raw = raw.replace(
        b"550 5.1.1 no such user", b"451 4.4.1 no answer" if status[0] == "4" else b"550 no"
    )
    raw = raw.replace(b"Action: failed", f"Action: {action}".encode())
    paths = () if path is None else (path,)
    office.house.receive(raw, forward_paths=paths, reverse_path="")


def test_a_bounce_to_the_signed_path_marks_the_address_and_tells_the_owner(office: Office) -> None:
    _, path = sent(office)
    assert office.house.thread("one@acme.example").status == "waiting"
    report(office, ANA, path)
    (event,) = office.events("mail-bounced")
    assert event.thread_id == office.thread_id
    assert (event.data["address"], event.data["status"], event.data["permanent"]) == (
        ANA,
        "5.1.1",
        True,
    )
    assert event.data["owner"] == "tom"
    assert office.items()[0].recipients[0].state == "bounced"
    with office.house.db.read() as conn:
        assert audience.bounced(conn, [ANA])[ANA] == (office.house.now, "5.1.1")
    assert office.house.thread("one@acme.example").status == "open"  # nobody got it: our turn


def test_a_temporary_failure_or_a_delay_marks_no_address(office: Office) -> None:
    _, path = sent(office)
    report(office, ANA, path, status="4.4.1", action="delayed")
    assert not office.events("mail-bounced")
    report(office, ANA, path, status="4.4.1")
    (event,) = office.events("mail-bounced")
    assert event.data["permanent"] is False
    with office.house.db.read() as conn:
        assert not audience.bounced(conn, [ANA])


def test_a_report_that_came_to_no_signed_path_marks_nobody(office: Office) -> None:
    _, path = sent(office)
    report(office, ANA, None)
    report(office, ANA, HELLO)
    report(office, ANA, path.replace("+b", "+r"))
    assert not office.events("mail-bounced")
    with office.house.db.read() as conn:
        assert not audience.bounced(conn, [ANA])


def test_a_bounce_marks_only_whom_the_item_went_to(office: Office) -> None:
    _, path = sent(office, ANA, BEN)
    report(office, "other@acme.example", path)
    (event,) = office.events("mail-bounced")  # the owner is told, and nobody is marked
    assert (event.data["address"], event.data["of"]) == ("", [ANA, BEN])
    assert event.data["item"] == str(office.items()[0].id)
    assert {one.state for one in office.items()[0].recipients} == {"accepted"}
    report(office, BEN, path)
    assert {one.address: one.state for one in office.items()[0].recipients} == {
        ANA: "accepted",
        BEN: "bounced",
    }
    assert office.house.thread("one@acme.example").status == "waiting"  # Ana has it


def test_a_forwarded_address_is_the_one_recipient_of_the_item(office: Office) -> None:
    _, path = sent(office)
    report(office, "ana.home@elsewhere.example", path)
    (event,) = office.events("mail-bounced")
    assert event.data["address"] == ANA


def test_a_report_names_whom_we_wrote_to_whatever_forwarding_made_of_it(office: Office) -> None:
    tagged = "ben+tag@acme.example"
    _, path = sent(office, ANA, tagged)
    raw = bounce("ben@home.example", "unknown@x", id="dsn@mx.test")
    at = raw.index(b"Final-Recipient:")
    raw = raw[:at] + b"Original-Recipient: rfc822;ben+2Btag@acme.example\n" + raw[at:]
    office.house.receive(raw, forward_paths=(path,), reverse_path="")
    assert {one.address: one.state for one in office.items()[0].recipients} == {
        ANA: "accepted",
        tagged: "bounced",
    }


@pytest.mark.parametrize(("to", "said"), [((ANA,), ANA), ((ANA, BEN), "")])
def test_a_report_that_names_nobody_is_told_and_marks_nobody(
    office: Office, to: tuple[str, ...], said: str
) -> None:
    _, path = sent(office, *to)
    lines = ("From: MAILER-DAEMON@mx.test", "Subject: Undeliverable mail", "", "It failed.", "")
    office.house.receive("\r\n".join(lines).encode(), forward_paths=(path,), reverse_path="")
    (event,) = office.events("mail-bounced")
    assert (event.data["address"], event.data["item"]) == (said, str(office.items()[0].id))
    assert {one.state for one in office.items()[0].recipients} == {"accepted"}


def test_an_acknowledgement_has_the_null_reverse_path(office: Office) -> None:
    office.put(draft=office.draft(null_reverse_path=True, automatic="auto-replied"))
    office.carry()
    (kept,) = office.sink.wait_for(1)
    assert kept.mail_from in ("", "<>")  # as aiosmtpd writes it
    assert b"Auto-Submitted: auto-replied" in kept.content


def test_what_is_to_leave_follows_a_thread_that_is_joined_into_another(office: Office) -> None:
    from inbox.flow.deciding.thread import absorb

    put = office.put(kind="reply")
    office.house.receive(mail(id="other@acme.example", subject="Another"))
    other = office.house.thread("other@acme.example")
    with office.house.db.write() as conn:
        absorb(conn, other.id, office.thread_id, "by hand", office.house.now)
    assert office.item(put.item_id).thread_id == other.id
    assert office.carry() == ["sent"]
    assert office.house.thread("other@acme.example").status == "waiting"
