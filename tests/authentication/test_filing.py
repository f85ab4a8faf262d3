"""What a mail proves about its author decides what it gains (DESIGN I6), and DNS never holds it up."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest

from inbox.clock import monotonic
from inbox.config import Settings, Verify, parse
from inbox.flow.deciding.verify import Verifier
from inbox.mail.authentication import How
from inbox.net.resolver import Resolver
from inbox.store import tables, threads
from inbox.worker import file_all
from tests.authentication.signing import Zone, pair, published, sign
from tests.authentication.test_resolver import name_server
from tests.flow.house import House, mail

RELAY = b"Received: from x by mx.aboard.example; Mon, 2 Nov 2026 08:00:00 +0000\r\n"
PASSED = b"Authentication-Results: mx.aboard.example; dkim=pass header.d=acme.example\r\n"


def crlf(raw: bytes) -> bytes:
    return raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def signed(**fields: Any) -> bytes:
    return sign(crlf(mail(**fields)))


def receive(house: House, *raws: bytes, zone: Zone | None = None, **how: Any) -> None:
    """Accept and file, with DNS in memory and a relay at 10.0.0.0/8."""
    zone = published() if zone is None else zone
    resolver = Resolver(zone, zone.monotonic)
    verifier = Verifier(
        How(relays=frozenset({"mx.aboard.example"})),
        lambda: resolver.for_one_mail(10, 5),
        (ip_network("10.0.0.0/8"),),
    )
    house.accept(*(crlf(raw) if b"\r\n" not in raw else raw for raw in raws), **how)
    house.file(replace(house.context(), verify=verifier))


def events(house: House, mail_id: str) -> list[dict[str, Any]]:
    number = house.message(mail_id).id
    return [row.data for row in house.rows(tables.events, message_id=number, kind="mail-in")]


def test_a_verified_mail_is_stored_as_such_with_the_reason(house: House) -> None:
    receive(house, signed(id="1@acme.example"))
    found = house.message("1@acme.example")
    assert found.verified == "pass"
    assert found.extras["verification"]["why"] == "acme.example signed it"
    assert events(house, "1@acme.example") == [{"automatic": "none", "verified": "pass"}]


def test_where_nothing_is_configured_everybody_is_unverified(house: House) -> None:
    house.accept(signed(id="1@acme.example"))
    house.file()
    found = house.message("1@acme.example")
    assert found.verified == "unknown" and "verification" not in found.extras


def test_imported_history_is_not_judged_by_the_keys_of_today(house: House) -> None:
    receive(house, signed(id="1@acme.example"), source="file", dated=True)
    assert house.message("1@acme.example").verified == "unknown"


def test_a_join_that_nothing_proves_is_marked_as_such(house: House) -> None:
    receive(house, signed(id="1@acme.example"))
    receive(house, mail(id="2@acme.example", refs=["1@acme.example"]))
    receive(house, signed(id="3@acme.example", refs=["1@acme.example"]))
    assert len(house.components()) == 1
    assert events(house, "2@acme.example") == [
        {"automatic": "none", "verified": "none", "joined": "unverified"}
    ]
    assert events(house, "3@acme.example") == [{"automatic": "none", "verified": "pass"}]


@pytest.mark.parametrize("how", ["policy", "relay", "two From"])
def test_mail_that_its_domain_disowns_never_joins_but_is_linked(house: House, how: str) -> None:
    receive(house, signed(id="1@acme.example"))
    forged = crlf(mail(id="2@e", refs=["1@acme.example"]))
    zone, more = published(), {}
    if how == "policy":
        zone.records["_dmarc.acme.example"] = [b"v=DMARC1; p=quarantine"]
    elif how == "relay":
        forged = RELAY + PASSED.replace(b"dkim=pass header.d", b"dmarc=fail header.from") + forged
        more = {"peer": "10.1.2.3"}
    else:
        forged = b"From: eve@evil.example\r\n" + forged
    receive(house, forged, zone=zone, **more)
    assert house.message("2@e").verified == "fail"
    assert house.components() == {frozenset({"1@acme.example"}), frozenset({"2@e"})}
    if how != "two From":  # that one is filed on an account of its first author
        first, second = house.message("1@acme.example"), house.message("2@e")
        with house.looking() as conn:
            assert [one for one, _ in threads.linked(conn, first.thread_id)] == [second.thread_id]
    # Its ids do not catch what comes after it, either.
    receive(house, signed(id="3@acme.example", refs=["1@acme.example"]))
    assert frozenset({"1@acme.example", "3@acme.example"}) in house.components()


def test_mail_that_its_domain_disowns_reopens_nothing(house: House) -> None:
    receive(house, signed(id="1@acme.example"))
    with house.db.write() as conn:
        threads.save(conn, house.message("1@acme.example").thread_id, status="closed")
    zone = published({"_dmarc.acme.example": [b"v=DMARC1; p=reject"]})
    receive(house, mail(id="2@e", refs=["1@acme.example"]), zone=zone)
    assert house.thread("1@acme.example").status == "closed"


def test_a_signature_of_a_third_party_joins_nobody_to_another_account(house: House) -> None:
    zone = published({"s1._domainkey.evil.example": [pair(2).record]})
    receive(house, signed(id="1@acme.example"), zone=zone)
    theirs = crlf(mail("eve@evil.example", id="2@e", refs=["1@acme.example"]))
    receive(house, sign(theirs, "evil.example", pair(2)), zone=zone)
    assert house.message("2@e").verified == "pass"
    assert house.components() == {frozenset({"1@acme.example"}), frozenset({"2@e"})}


@pytest.mark.parametrize(
    ("how", "result"),
    [
        ({"peer": "10.1.2.3"}, "pass"),
        ({"peer": "::ffff:10.1.2.3"}, "pass"),
        ({"peer": "192.0.2.1"}, "none"),
        ({"peer": "unknown"}, "none"),
        ({"source": "imap", "peer": "10.1.2.3"}, "none"),
        ({"source": "file", "peer": "10.1.2.3"}, "none"),
    ],
)
def test_a_relay_is_believed_by_where_mail_came_from_not_by_what_it_says(
    house: House, how: dict[str, Any], result: str
) -> None:
    receive(house, RELAY + PASSED + crlf(mail(id="1@a")), **how)
    assert house.message("1@a").verified == result


def test_rules_ask_whether_an_author_is_verified(house: House) -> None:
    house.write(
        "rules/10-all.yaml",
        "rules:\n  - name: doubt\n    when: {verified: false}\n    then: {tags: [unproved]}\n"
        "    tests:\n      - given: {verified: false}\n        expect: {tags: [unproved]}\n"
        "fallback: {team: support}\n",
    )
    house.activate()
    receive(house, signed(id="1@acme.example"), mail("bo@other.example", id="2@o"))
    assert house.thread("1@acme.example").tags == ()
    assert house.thread("2@o").tags == ("unproved",)
    receive(house, mail("cy@third.example", id="3@o"), zone=Zone(servfail=("example",)))
    assert house.message("3@o").verified == "temperror"
    assert house.thread("3@o").tags == ("unproved",)


def test_a_name_server_that_hangs_delays_no_batch_beyond_its_seconds(house: House) -> None:
    zone = published(down=(".example",))
    raws = [sign(crlf(mail(f"a@c{n}.example", id=f"{n}@a")), f"c{n}.example") for n in range(40)]
    receive(house, *raws, zone=zone)
    assert house.states() == {"filed": 40}
    assert {house.message(f"{n}@a").verified for n in range(40)} == {"temperror"}
    assert zone.clock[0] <= 12  # seconds of waiting, over all forty


@pytest.mark.parametrize("silent", [False, True])
def test_a_worker_asks_the_name_servers_of_the_settings(house: House, silent: bool) -> None:
    with name_server(0, (pair().record,), silent=silent) as port:
        wanted = Verify(nameservers=(f"127.0.0.1:{port}",), seconds=1, policies=False)
        settings = replace(house.settings, verify=wanted)
        house.accept(signed(id="1@acme.example"), mail("bo@other.example", id="2@o"))
        began = monotonic()
        assert file_all(house.db, settings).filed == 2
        assert monotonic() - began < 30
    expected = "temperror" if silent else "pass"
    assert (house.message("1@acme.example").verified, house.message("2@o").verified) == (
        expected,
        "none",
    )


def test_accepting_mail_asks_no_dns(house: House) -> None:
    zone = published(down=("",))
    house.accept(signed(id="1@acme.example"))
    assert zone.asked == [] and house.states() == {"pending": 1}


def test_a_verifier_that_breaks_costs_no_mail(house: House) -> None:
    class Broken(Zone):
        def texts(self, name: str, seconds: float) -> Any:
            raise RuntimeError("a bug")

    receive(house, signed(id="1@acme.example"), zone=Broken())
    found = house.message("1@acme.example")
    assert found.verified == "none" and "RuntimeError" in found.extras["verification"]["why"]


def settings_of(text: str, house: House) -> tuple[Settings | None, list[str]]:
    path = house.settings.folder / "aboard.yaml"
    found, problems = parse(f"mailboxes: [{{address: a@b.example}}]\nverify: {text}\n", path, {})
    return found, [one.message for one in problems]


def test_the_settings_are_checked(house: House) -> None:
    good = "{nameservers: ['127.0.0.1', '[::1]:5353', '::1'], trusted_relays: [MX.b.example], relay_networks: [10.0.0.0/8]}"
    found, problems = settings_of(good, house)
    assert found is not None and not problems
    assert found.verify.servers() == (("127.0.0.1", 53), ("::1", 5353), ("::1", 53))
    assert found.verify.trusted_relays == ("mx.b.example",)
    assert hash(found) == hash(found)
    for bad, word in (
        ("{nameservers: [ns.example]}", "nameservers"),
        ("{nameservers: ['127.0.0.1:99999']}", "nameservers"),
        ("{relay_networks: [10.0.0.1/8]}", "relay_networks"),
        ("{trusted_relays: [mx.b.example]}", "trusted_relays"),
        ("{seconds: 60}", "seconds"),
    ):
        found, problems = settings_of(bad, house)
        assert found is None and any(word in one for one in problems), problems
