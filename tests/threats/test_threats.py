"""The threats to identity, threads, audience and mail flow, each by its number in the plan."""

from __future__ import annotations

import re
from typing import Any

import pytest

from inbox.flow.people.audience import Asked
from inbox.flow.working.reply import Wish, plan
from inbox.mail.parse import parse_letter
from inbox.mail.tokens import read_token, signed_address
from inbox.net.door import Doorkeeper, Transaction
from inbox.store import audience, outbox_tables, tables, threads
from inbox.store.threads import Thread
from inbox.web.routes import ROUTES, Policy
from routing.floods import Bounds, Floods
from tests.authentication.signing import Zone, judged, letter, pair, published, sign
from tests.authentication.test_filing import RELAY, crlf, receive
from tests.flow.house import bounce, mail
from tests.followups.office import ANA, Letter, Office

SECRET = "the secret of this thread"
HELLO = "hello@aboard.example"
EVE = "Eve <eve@evil.example>"
REJECT = {"_dmarc.acme.example": [b"v=DMARC1; p=reject"]}


@pytest.fixture
def answered(office: Office) -> Letter:
    """A customer's thread with a secret in it, and the acknowledgement that left: its Reply-To is
    a signed address, its Message-ID one of ours."""
    office.write_in(id="one@acme.example", subject="Kickoff", body=SECRET)
    assert office.carry() == ["sent"]
    return office.left.pop()


def reply_address(sent: Letter) -> str:
    return parse_letter(sent.raw).reply_to[0].address


def our_id(sent: Letter) -> str:
    return str(parse_letter(sent.raw).message_id)


def customers_thread(office: Office) -> Thread:
    return office.thread("one@acme.example")


def untouched(office: Office, *forged: str) -> None:
    """The customer's thread has its one mail, and none of these is on it."""
    there = customers_thread(office)
    assert there.messages == 2  # the mail and our acknowledgement
    for one in forged:
        assert office.message(one).thread_id != there.id
    office.carry()
    for sent in office.left:
        assert SECRET.encode() not in sent.raw


def recipients(office: Office, thread_id: int) -> set[str]:
    with office.looking() as conn:
        wish = Wish(thread_id, "ines", "Hello.", asked=Asked(everybody=True))
        planned = plan(conn, wish, office.follow_ups.post).audience
    return {one.address for one in (*planned.to, *planned.cc)}


def test_t01_a_service_that_mails_a_reply_address_reaches_no_customer(
    office: Office, answered: Letter
) -> None:
    body = "Your code is 123456. Confirm your address."
    office.write_in(
        sender="Chat Service <verify@service.example>",
        id="code@service.example",
        to=reply_address(answered),
        subject="Confirm your address",
        body=body,
    )
    untouched(office, "code@service.example")
    there = office.thread("code@service.example")
    assert {"stranger", "address-verification"} <= set(there.tags)
    assert there.account_id != customers_thread(office).account_id
    assert office.left == []  # no automatic answer


@pytest.mark.parametrize("published_policy", ["none", "reject"])
def test_t02_a_spoofed_requester_with_an_attacker_in_cc_opens_nothing(
    office: Office, answered: Letter, published_policy: str
) -> None:
    zone = Zone({"_dmarc.acme.example": [f"v=DMARC1; p={published_policy}".encode()]})
    forged = mail(
        f"Ana <{ANA}>",
        id="forged@acme.example",
        to=reply_address(answered),
        headers={"Cc": "spy@evil.example"},
    )
    receive(office, forged, zone=zone, reverse_path="x@evil.example")
    there = customers_thread(office)
    joined = office.message("forged@acme.example").thread_id == there.id
    assert joined is (published_policy == "none")  # then marked, see below; else its own thread
    if joined:
        events = [one.data for one in office.rows(tables.events, kind="mail-in")]
        assert events[-1]["joined"] == "unverified"
        assert events[-1]["cc_ignored"] == ["spy@evil.example"]
        assert recipients(office, there.id) == {ANA}
    rows = office.rows(tables.thread_participants, thread_id=there.id)
    assert {row.address for row in rows} == {ANA}
    office.carry()
    assert all(one.to == (ANA,) and SECRET.encode() not in one.raw for one in office.left)


def test_t03_an_outsider_writes_as_no_agent(office: Office, answered: Letter) -> None:
    for number, refs in enumerate(("notice-1@aboard.example", our_id(answered))):
        office.write_in(
            sender="Ines <ines@aboard.example>",
            id=f"agent{number}@evil.example",
            refs=[refs],
            to=reply_address(answered) if number else HELLO,
            reverse_path="x@evil.example",
        )
    untouched(office, "agent0@evil.example", "agent1@evil.example")
    assert office.rows(tables.messages, direction="out") == [
        one
        for one in office.rows(tables.messages, direction="out")
        if one.mail_id == our_id(answered)
    ]
    kinds = {row.kind for row in office.rows(outbox_tables.outbox)}
    assert "reply" not in kinds  # nothing goes to a customer as ours


def test_t04_guessed_and_foreign_tokens_join_nothing_and_smtp_gives_no_oracle(
    office: Office, answered: Letter
) -> None:
    real = reply_address(answered)
    token = read_token(real)
    assert token is not None and len(token.mac) * 5 >= 128
    elsewhere = signed_address(b"another key" * 3, "r", HELLO, token.ref)
    guesses = [str(elsewhere), real.replace("+r", "+b"), f"hello+{'7' * 6}@aboard.example"]
    for number, guess in enumerate(guesses):
        office.write_in(sender=EVE, id=f"g{number}@evil.example", to=guess)
        office.write_in(sender=f"<{ANA}>", id=f"h{number}@acme.example", to=guess)
    untouched(
        office, *(f"{one}{n}@{who}" for n in range(3) for one, who in (("g", "evil.example"),))
    )
    for number in range(3):
        assert office.thread(f"h{number}@acme.example").id != customers_thread(office).id
    door = Doorkeeper(office.settings.smtp, lambda address: address.startswith("hello"))
    said = {door.recipient(f"TO:<{one}>", Transaction("", False, 0), 0) for one in (real, *guesses)}
    assert said == {"250 2.1.5 Ok"}
    office.write_in(sender=EVE, id="bcc@evil.example", to=real)  # a person who was in Bcc answers
    assert office.thread("bcc@evil.example").id != customers_thread(office).id
    assert office.message("one@acme.example").from_address == ANA


def test_t05_a_reference_seen_elsewhere_only_links(office: Office, answered: Letter) -> None:
    refs = ["one@acme.example", our_id(answered)]
    office.write_in(sender=EVE, id="ref@evil.example", refs=refs)
    untouched(office, "ref@evil.example")
    with office.looking() as conn:
        linked = threads.linked(conn, office.thread("ref@evil.example").id)
    assert linked == ((customers_thread(office).id, "refers-to-its-mail"),)


def test_t06_a_squatted_message_id_keeps_no_mail_out(office: Office) -> None:
    office.receive(mail(EVE, id="next@acme.example", body="squatted"))
    office.receive(mail(f"<{ANA}>", id="next@acme.example", body="the true mail"))
    first, second = sorted(office.rows(tables.messages, direction="in"), key=lambda one: one.id)
    assert first.thread_id != second.thread_id and first.account_id != second.account_id
    assert "message-id-in-use" in second.defects
    assert office.states() == {"filed": 2}


def test_t07_identity_is_from_alone_and_reply_to_elsewhere_is_a_warning(office: Office) -> None:
    headers = {"Reply-To": ANA, "Sender": ANA}
    thread_id = office.write_in(sender=EVE, id="one@evil.example", headers=headers)
    assert office.message("one@evil.example").from_address == "eve@evil.example"
    with office.looking() as conn:
        planned = plan(conn, Wish(thread_id, "ines", "Hello."), office.follow_ups.post)
    assert [one.address for one in planned.audience.to] == ["eve@evil.example"]
    assert "at another domain" in planned.audience.warnings[0]


@pytest.mark.parametrize(
    ("sender", "name", "defect"),
    [
        (f'"{ANA}" <x@evil.example>', "", "from-name-is-address"),
        ('"Ana (at) acme" <x@evil.example>', "", "from-name-is-address"),
        ("=?utf-8?b?0JBuYQ==?= <x@evil.example>", "Аna", "from-name-mixed-scripts"),
        ("Ana <x@xn--cme-7cd.example>", "Ana", "from-domain-mixed-scripts"),
        (f'"Ana{" " * 70}x" <x@evil.example>', "Ana x", ""),
        ("=?utf-8?q?Ana=E2=A0=80=E2=A0=80?= <x@evil.example>", None, "from-name-padded"),
        ("=?utf-8?q?=E2=80=AEanA?= <x@evil.example>", "anA", ""),
    ],
)
def test_t08_a_name_shows_no_other_address(
    office: Office, sender: str, name: str | None, defect: str
) -> None:
    raw = b"From: " + sender.encode() + b"\r\n" + letter(sender="x").partition(b"\r\n")[2]
    office.receive(raw)
    (made,) = office.rows(tables.messages)
    assert made.from_address.startswith("x@")
    assert name is None or made.from_name == name
    assert not defect or defect in made.defects


@pytest.mark.parametrize(
    ("authors", "outcome"),
    [
        (f"From: {ANA}\r\nFrom: eve@evil.example\r\n", "fail"),
        (f"From: eve@evil.example\r\nfrom : {ANA}\r\n", "fail"),
        (f"From: eve@evil.example, {ANA}\r\n", "unverified"),
        (f"From: {ANA}, eve@evil.example\r\n", "unverified"),
        ("From: people:;\r\n", "no-author"),
        ("From: \r\n", "no-author"),
        ("", "no-author"),
    ],
)
def test_t09_several_authors_or_none(office: Office, authors: str, outcome: str) -> None:
    office.write_in(id="one@acme.example")
    rest = b"To: hello@aboard.example\r\nReferences: <one@acme.example>\r\n\r\nHello\r\n"
    receive(office, authors.encode() + rest, zone=published(), reverse_path="")
    if outcome == "no-author":
        row = office.ledger()[-1]
        assert (row.state, row.cause) == ("quarantined", "no-author")
        return
    made = office.rows(tables.messages)[-1]
    assert made.verified == ("fail" if outcome == "fail" else "none")
    assert made.thread_id != customers_thread(office).id
    assert outcome == "fail" or "from-several" in made.defects


@pytest.mark.parametrize(
    "field",
    [
        b"Authentication-Results: mx.aboard.example; dkim=pass header.d=acme.example\r\n",
        b"authentication-results:\r\n mx.aboard.example (x (y)); dmarc=pass header.from=acme.example\r\n",
        b"Authentication-Results: mx.aboard.example 2; dkim=pass header.d=acme.example\r\n",
        b"Authentication-Results: mx.aboard.example; nothing=pass; dkim=pass header.d=acme.example\r\n",
        b"Authentication-Results: ((((\r\nAuthentication-Results: ;;;=\r\n",
    ],
)
def test_t10_authentication_results_of_a_stranger_are_not_read(
    office: Office, field: bytes
) -> None:
    forged = crlf(mail(f"<{ANA}>", id="1@acme.example"))
    receive(office, RELAY + field + forged, zone=Zone(), peer="192.0.2.9")  # not from a relay
    stranger = b"Received: from a by mx.evil.example; now\r\n"
    receive(
        office,
        RELAY + stranger + field + forged.replace(b"<1@", b"<2@"),
        zone=Zone(),
        peer="10.1.1.1",
    )
    assert [row.verified for row in office.rows(tables.messages)] == ["none", "none"]


def test_t11_limits_on_signatures_look_ups_and_time() -> None:
    assert judged(sign(letter(), l=True) + b"more\r\n", published(REJECT)).result == "fail"
    assert judged(sign(letter(), key=pair(3, 768)), published()).result == "none"
    assert judged(sign(letter(), x="1"), published()).result == "none"
    for broken in ({"servfail": ("acme.example",)}, {"down": ("acme.example",)}):
        assert judged(sign(letter()), published(REJECT, **broken)).result == "temperror"
    hundred = letter()
    for number in range(100):
        hundred = sign(hundred, s=f"s{number}", key=pair(2))
    zone = published()
    assert judged(hundred, zone).result == "none"
    assert len(zone.asked) <= 10
    # SPF alone and ARC: tests/authentication/test_spf_verdict.py and test_arc.py.


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("<a@evil.example (x).acme.example>", "a@evil.example"),
        ("a@evil.example\n@acme.example", "a@evil.example"),
        ('"ana@acme.example"@evil.example', '"ana@acme.example"@evil.example'),
        ('"a@acme.example" <a@evil.example>', "a@evil.example"),
        ("ana@acme.example@evil.example", "a@evil.example"),
        ("a@evil.example,@acme.example", "a@evil.example"),
        ("ana@acme.example\u2028@evil.example", "a@evil.example"),
        ("<ana@acme.example>evil@evil.example", "a@evil.example"),
        ("ana@acme.example <a@evil.example>", "a@evil.example"),
        ("=?utf-8?q?ana=40acme.example?=x <a@evil.example>", "a@evil.example"),
        ("ana@acme.example .evil.example", "a@evil.example"),
        # The customer alone is named, in a way that leaves it in doubt: theirs, and joined to nothing.
        ("<ana@acme.example> <a@evil.example>", ANA),
        ("people: ana@acme.example;", ANA),
        ("Ana <ana@acme.example", ANA),
        ("ana@acme.example, eve@evil.example", ANA),
    ],
)
def test_t12_no_spelling_of_an_address_makes_a_stranger_the_customer(
    office: Office, written: str, read: str
) -> None:
    office.write_in(id="one@acme.example")
    raw = f"From: {written}\r\nTo: {HELLO}\r\nReferences: <one@acme.example>\r\n\r\nHi\r\n"
    receive(office, raw.encode(), zone=published(REJECT), reverse_path="a@evil.example")
    assert office.states() == {"filed": 2}
    (made,) = [one for one in office.rows(tables.messages, direction="in") if one.mail_id is None]
    assert made.from_address == read
    assert made.thread_id != customers_thread(office).id
    assert made.verified == "none"


def test_t13_mail_makes_nobody_a_user_and_signs_nobody_in(office: Office) -> None:
    before = office.rows(tables.people)
    for number, who in enumerate(("maya@aboard.example", "admin@aboard.example", ANA)):
        office.write_in(sender=f"<{who}>", id=f"u{number}@evil.example", subject="Sign me in")
    assert office.rows(tables.people) == before
    # There is no sign-in by another provider: no route takes an address that one vouches for.
    assert not [one.path for one in ROUTES if re.search("oidc|saml|oauth|callback", one.path)]


def test_t14_internal_control_headers_change_nothing(office: Office) -> None:
    control = {
        "X-Aboard-Team": "compliance",
        "X-Aboard-Thread": "1",
        "X-Aboard-Owner": "maya",
        "X-Priority": "1",
        "X-Zammad-Customer": "x",
        "X-RT-Action": "resolve",
        "Auto-Submitted": "no",
        "Approved": "yes",
    }
    states: list[Any] = []
    for number, headers in enumerate(({}, control)):
        office.later(hours=2)
        sender = f"Bo <bo{number}@freemail{number}.example>"
        office.write_in(sender=sender, id=f"c{number}@x.example", headers=headers)
        there = office.thread(f"c{number}@x.example")
        states.append(
            (
                there.team,
                there.accountable_id,
                there.priority,
                there.policy,
                there.tags,
                there.status,
            )
        )
        states.append(office.templates()[number:])
    assert states[:2] == states[2:]


def test_t44_machines_facing_us_do_not_loop(office: Office) -> None:
    """Vacation notes without fields, reports without a null path, lists, ourselves, our own ids."""
    quiet = [
        bounce(ANA, "x@aboard.example", id="b1@mx.test"),
        mail("list@acme.example", id="l@acme.example", headers={"List-Id": "<x.y>"}),
        mail("Onboarding <hello@aboard.example>", id="self@aboard.example"),
        mail("Us <hello+tag@aboard.example>", id="self2@aboard.example"),
        mail("b@acme.example", id="p@acme.example", headers={"Precedence": "bulk"}),
        mail("v@acme.example", id="v@acme.example", subject="Out of office", body="I am away."),
    ]
    for raw in quiet:
        office.receive(raw, reverse_path="someone@acme.example")
    office.carry()
    assert office.left == []
    office.write_in(id="one@acme.example")
    for number in range(30):  # a responder that answers everything at once and hides it
        office.carry()
        answer = office.left[-1]
        office.later(seconds=20)
        office.write_in(id=f"r{number}@acme.example", refs=[our_id(answer)])
    assert len(office.left) <= 4
    assert len([one for one in office.left if one.to == (ANA,)]) == len(office.left)
    assert len(office.happened("loop-stopped")) == 1


def forged_senders(office: Office, count: int) -> None:
    raws = [
        mail(
            f"Victim <v{n}@victim{n}.example>",
            id=f"spam{n}@evil.example",
            subject="Buy pills now",
            body="http://evil.example",
        )
        for n in range(count)
    ]
    office.accept(*raws, reverse_path="x@evil.example")
    office.file()
    office.carry()
    assert len(office.left) <= 30  # an hour, over all strangers
    for sent in office.left:
        assert not re.search(rb"pills|evil|Victim", sent.raw.partition(b"\r\n\r\n")[2])
        assert b"pills" not in sent.raw
    assert office.states() == {"filed": count}


def test_t45_forged_senders_get_a_budget_and_none_of_their_words(office: Office) -> None:
    forged_senders(office, 200)


def test_t45_nobody_is_answered_for_mail_that_their_domain_disowns(office: Office) -> None:
    office.write_in(id="one@acme.example", subject="Kickoff")
    with office.db.write() as conn:  # somebody of ours has confirmed the account
        conn.execute(tables.accounts.update().values(provisional=False))
    office.carry()
    office.left.clear()
    for number in range(5):
        office.later(days=1, hours=1)
        forged = mail(f"<{ANA}>", id=f"f{number}@evil.example", date=office.now)
        receive(office, forged, zone=Zone(REJECT), reverse_path="x@acme.example")
    office.carry()
    assert {row.verified for row in office.rows(tables.messages, direction="in")} >= {"fail"}
    assert office.left == []


@pytest.mark.campaign
def test_t45_forged_senders_by_the_thousand(sqlite_office: Office) -> None:
    forged_senders(sqlite_office, 5_000)


def test_t46_a_mail_bomb_is_filed_after_everybody_else() -> None:
    """tests/hygiene/test_floods.py files it on both databases; here is who is behind whom."""
    floods = Floods(Bounds(), frozenset())
    bomb = [floods.deferred("one@evil.example", [HELLO], n / 14) for n in range(50_000)]
    assert bomb.count(False) <= 300 + 50_000 / 14 / 3600 * 300 + 1
    other = "billing@aboard.example"
    many = [floods.deferred(f"s{n}@d{n}.example", [HELLO], 3600.0) for n in range(5_000)]
    assert many.count(False) <= 3_001
    assert not floods.deferred("bo@other.example", [other], 3600.0)


def test_t47_what_leaves_is_no_bulk_mail_and_no_link_in_it_changes_anything(
    office: Office, answered: Letter
) -> None:
    """There is no unsubscribe link that a scanner could follow; whoever bounces gets no more."""
    found = parse_letter(answered.raw)
    assert not [name for name, _ in found.headers if name.startswith("list-")]
    assert "http" not in found.text
    changing = [one for one in ROUTES if one.policy is Policy.CHANGE]
    assert changing and all(one.method == "POST" for one in changing)


def test_t48_a_forged_report_is_a_note_and_costs_nobody_their_address(
    office: Office, answered: Letter
) -> None:
    office.receive(bounce(ANA, our_id(answered), id="dsn1@evil.example"), reverse_path="")
    report = office.message("dsn1@evil.example")
    assert report.automatic == "bounce"
    assert report.thread_id != customers_thread(office).id
    with office.looking() as conn:
        assert audience.bounced(conn, [ANA]) == {}
        linked = threads.linked(conn, report.thread_id)
    assert (customers_thread(office).id, "delivery-report") in linked
    assert office.happened("mail-bounced") == []
