"""DNS is asked within limits, answers are remembered, and no answer is not a no."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from inbox.clock import monotonic
from inbox.mail.authentication import How, authenticate
from inbox.mail.authentication_domains import Unanswered
from inbox.net.resolver import NameServers, Resolver
from tests.authentication.signing import NOW, Zone, judged, letter, pair, published, sign

REJECT = {"_dmarc.acme.example": [b"v=DMARC1; p=reject"]}


def resolver(zone: Zone, **how: int) -> Resolver:
    return Resolver(zone, zone.monotonic, **how)


def test_no_such_name_is_an_answer_and_a_broken_server_is_none() -> None:
    forged = sign(letter(), key=pair(2))
    assert judged(forged, published(REJECT)).result == "fail"
    for broken in ({"servfail": ("acme.example",)}, {"down": ("acme.example",)}):
        for zone in (published(REJECT, **broken), published(**broken)):
            verdict = judged(forged, zone)
            assert verdict.result == "temperror" and "did not answer" in verdict.why
    gone = published(REJECT)
    del gone.records["s1._domainkey.acme.example"]
    assert judged(sign(letter()), gone).result == "fail"


def test_a_good_signature_passes_beside_one_that_cannot_be_checked() -> None:
    raw = sign(sign(letter()), s="gone", key=pair(2))
    assert judged(raw, published(servfail=("gone._domainkey.acme.example",))).result == "pass"


def test_answers_are_kept_as_long_as_dns_says() -> None:
    zone = published(ttl=120.0)
    asks = resolver(zone)
    for _ in range(3):
        assert asks.for_one_mail(1, 5)("s1._domainkey.acme.example") == (pair().record,)
        assert asks.for_one_mail(1, 5)("nothing.acme.example.") == ()
    assert len(zone.asked) == 2
    zone.clock[0] += 121
    asks.for_one_mail(1, 5)("S1._domainkey.acme.example")
    assert len(zone.asked) == 3


def test_a_cache_holds_so_many_names() -> None:
    zone = Zone(ttl=10**6)
    asks = resolver(zone, cached=10)
    for number in range(100):
        asks.for_one_mail(1, 5)(f"n{number}.example")
    asks.for_one_mail(1, 5)("n99.example")
    assert len(zone.asked) == 100 and len(asks._cache) == 10


def test_a_failure_is_kept_for_a_moment_only() -> None:
    zone = Zone(servfail=("acme.example",))
    asks = resolver(zone)
    for _ in range(5):
        with pytest.raises(Unanswered):
            asks.for_one_mail(9, 5)("x.acme.example")
    assert len(zone.asked) == 1
    zone.servfail, zone.clock[0] = (), 16.0
    assert asks.for_one_mail(9, 5)("x.acme.example") == ()


def test_one_mail_asks_so_many_names() -> None:
    zone = Zone()
    look_up = resolver(zone).for_one_mail(10, 5)
    for number in range(10):
        look_up(f"n{number}.example")
    with pytest.raises(Unanswered, match="more names"):
        look_up("n10.example")
    assert look_up("n3.example") == ()  # what is known costs nothing


def test_a_resolver_that_hangs_costs_one_mail_its_seconds_and_no_more() -> None:
    zone = published(down=(".example",))
    asks = resolver(zone)
    raw = sign(sign(sign(letter())), "example.acme.example", pair(2))

    verdict = authenticate(raw, "acme.example", asks.for_one_mail(10, 5), NOW, How())
    assert verdict.result == "temperror"
    assert zone.clock[0] <= 5.0


def test_a_resolver_that_hangs_takes_a_tenth_of_the_time_over_all_mails() -> None:
    zone = Zone(down=(".example",))
    asks = resolver(zone)
    for number in range(1_000):
        with pytest.raises(Unanswered):
            asks.for_one_mail(10, 5)(f"s._domainkey.customer{number}.example")
        zone.clock[0] += 0.1  # what else filing a mail takes
    waited = zone.clock[0] - 100
    assert 10 <= waited <= 10 + 0.1 * zone.clock[0] + 1


def test_a_zone_that_hangs_is_left_alone_and_others_are_asked() -> None:
    zone = Zone(down=("slow.example",))
    asks = resolver(zone)
    for number in range(50):
        with pytest.raises(Unanswered):
            asks.for_one_mail(10, 5)(f"s{number}._domainkey.slow.example")
        assert asks.for_one_mail(10, 5)(f"s{number}._domainkey.quick.example") == ()
    assert sum("slow" in one for one in zone.asked) == 1 and zone.clock[0] == 5.0
    zone.clock[0] += 61
    zone.down = ()
    assert asks.for_one_mail(10, 5)("s0._domainkey.slow.example") == ()


def test_records_that_are_too_large_are_no_records() -> None:
    zone = Zone({"x.example": [b"x" * 20_000]})
    assert resolver(zone).for_one_mail(1, 5)("x.example") == ()


# --- dnspython, against a name server of this very test ----------------------------------------


@contextmanager
def name_server(code: int, texts: tuple[bytes, ...] = (), silent: bool = False) -> Iterator[int]:
    """A name server on loopback that gives every question the same answer; its port."""
    ended = threading.Event()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        door.bind(("127.0.0.1", 0))
        door.settimeout(0.05)

        def serve() -> None:
            while not ended.is_set():
                try:
                    asked, peer = door.recvfrom(4096)
                except TimeoutError:
                    continue
                if silent:
                    continue
                end = asked.index(b"\0", 12) + 5
                head = asked[:2] + struct.pack(">HHHHH", 0x8180 | code, 1, bool(texts), 0, 0)
                data = b"".join(bytes((len(one),)) + one for one in texts)
                record = b"\xc0\x0c" + struct.pack(">HHIH", 16, 1, 60, len(data)) + data
                door.sendto(head + asked[12:end] + (record if texts else b""), peer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield door.getsockname()[1]
        finally:
            ended.set()
            thread.join()


def test_dnspython_reads_a_record_of_several_strings_as_one() -> None:
    with name_server(0, (b"v=DKIM1; p=", b"abc")) as port:
        answer = NameServers([("127.0.0.1", port)]).texts("s._domainkey.acme.example", 2)
    assert answer.texts == (b"v=DKIM1; p=abc",) and answer.ttl == 60


def test_dnspython_tells_a_no_from_no_answer() -> None:
    with name_server(3) as port:
        assert NameServers([("127.0.0.1", port)]).texts("acme.example", 2).texts == ()
    with name_server(0) as port:
        assert NameServers([("127.0.0.1", port)]).texts("acme.example", 2).texts == ()
    with name_server(2) as port, pytest.raises(Unanswered):
        NameServers([("127.0.0.1", port)]).texts("acme.example", 2)
    assert NameServers([("127.0.0.1", 9)]).texts("x" * 70 + ".example", 2).texts == ()


def test_dnspython_gives_up_in_time() -> None:
    with name_server(0, silent=True) as port:
        servers, began = NameServers([("127.0.0.1", port)]), monotonic()
        with pytest.raises(Unanswered):
            servers.texts("acme.example", 0.3)
        assert monotonic() - began < 5
