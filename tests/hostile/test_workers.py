"""Hostile mail through real worker processes: it is filed or quarantined within limits, and the
mail behind it is filed within seconds."""

from __future__ import annotations

import multiprocessing
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from inbox import limits
from inbox.clock import monotonic, utc_now
from inbox.store.database import Database
from inbox.worker import Supervisor
from tests.databases import prepare
from tests.flow.house import House, mail, make
from tests.hostile.rig import MARK, Hopeless, Rigged, Troubled
from tests.services.waiting import until

MIB = 1024 * 1024


@pytest.fixture
def house(sqlite_url: str, tmp_path: Path) -> Iterator[House]:
    prepare(sqlite_url)
    db = Database(sqlite_url)
    house = make(db, tmp_path)
    tight = replace(house.settings.filing, cpu_seconds=1, wall_seconds=2)
    house.settings = replace(house.settings, database=sqlite_url, filing=tight)
    house.now = utc_now()
    yield house
    db.close()


@contextmanager
def working(house: House, kind: type[Supervisor] = Rigged) -> Iterator[Supervisor]:
    """Workers at work."""
    supervisor = kind(house.settings, house.db)
    supervisor.start()
    try:
        yield supervisor
    finally:
        supervisor.stop()
    assert not any(seat.process.is_alive() for seat in supervisor._seats)


def rigged(deed: str, number: int = 0) -> bytes:
    return MARK + deed.encode() + b"\n" + mail(id=f"{deed}{number}@evil.example")


def settled(house: House) -> Callable[[], bool]:
    return lambda: "pending" not in house.states()


@pytest.mark.parametrize(
    ("deed", "cause", "says"),
    [
        ("burn", "over-limit", "CPU"),
        ("hang", "over-limit", "longer than 2 s"),
        pytest.param("stop", "over-limit", "longer than 2 s", marks=pytest.mark.campaign),
        ("segfault", "over-limit", "SIGSEGV"),
        ("leave", "over-limit", "exit code 0"),
        ("hog", "memory", "more memory"),
        ("recurse", "unreadable", "RecursionError"),
    ],
)
def test_a_mail_that_ends_its_worker_is_quarantined_and_its_neighbours_are_filed(
    house: House, deed: str, cause: str, says: str
) -> None:
    if deed == "burn":  # on a busy machine two seconds of CPU take longer than two seconds
        house.settings = replace(
            house.settings, filing=replace(house.settings.filing, wall_seconds=30)
        )
    house.accept(mail(id="1@a"), rigged(deed), mail(id="2@a"), mail(id="3@a"))
    with working(house) as supervisor:
        until(settled(house), within=25)
        asked = monotonic()
        house.accept(mail(id="4@a"))
        supervisor.wake()
        until(settled(house), within=10)
        assert monotonic() - asked < 5
    assert house.states() == {"filed": 4, "quarantined": 1}
    (row,) = (one for one in house.ledger() if one.state == "quarantined")
    assert row.cause == cause
    assert says in (row.detail or "")
    assert [one.attempts for one in house.ledger() if one.state == "filed"].count(1) >= 3


def test_good_mail_flows_past_a_row_of_bad_ones(house: House) -> None:
    for number in range(30):
        house.accept(mail(id=f"{number}@a"))
        if number % 8 == 0:
            house.accept(rigged("segfault", number))
    with working(house):
        until(lambda: house.states().get("filed", 0) == 30, within=25)
        until(settled(house), within=25)
    assert house.states() == {"filed": 30, "quarantined": 4}


def test_a_database_in_trouble_ends_no_worker_and_charges_no_mail(house: House) -> None:
    full = house.settings.folder / "full"
    full.touch()
    house.accept(*(mail(id=f"{number}@a") for number in range(6)))
    with working(house, Troubled) as supervisor:
        assert supervisor.wait_ready(20)
        until(lambda: any(row.attempts for row in house.ledger()), within=10)
        full.unlink()
        until(settled(house), within=15)
        assert supervisor.ended == 0
    assert house.states() == {"filed": 6}
    assert {row.attempts for row in house.ledger()} == {1}


def test_workers_that_cannot_start_are_not_started_in_a_tight_loop(house: House) -> None:
    starts = house.settings.folder / "starts"
    with working(house, Hopeless):
        until(lambda: starts.exists() and len(starts.read_text().split()) >= 6, within=15)
    pauses = [float(one) for one in starts.read_text().split()]
    assert pauses[:2] == [0.0, 0.0]
    assert set(pauses) >= {0.0, 0.5, 1.5}


def test_stopping_lets_workers_finish_what_they_hold(house: House) -> None:
    house.accept(*(mail(id=f"{number}@a") for number in range(40)))
    with working(house) as supervisor:
        assert supervisor.wait_ready(20)
    states = house.states()
    assert sum(states.values()) == 40
    assert supervisor.ended == 0
    with working(house):
        until(settled(house), within=15)
    assert house.states() == {"filed": 40}


def test_between_two_mails_a_worker_has_no_cap_on_its_cpu() -> None:
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_caps, args=(sender,))
    child.start()
    capped, lifted, hard = receiver.recv()
    child.join()
    receiver.close()
    assert 0 < capped < 60
    assert lifted == hard


def _caps(pipe: object) -> None:
    limits.cap_cpu(2)
    capped = resource.getrlimit(resource.RLIMIT_CPU)[0]
    limits.lift_cpu()
    pipe.send((capped, *resource.getrlimit(resource.RLIMIT_CPU)))  # type: ignore[attr-defined]


# --- Mail as people send it to do harm -------------------------------------------------------

HEAD = b"From: Ana <ana@acme.example>\nTo: hello@aboard.example\nMessage-ID: <%d@h>\n"


def nested(depth: int) -> bytes:
    opened = b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (n, n) for n in range(depth)
    )
    return opened + b"Content-Type: text/plain\n\nhello\n"


def many_parts(count: int) -> bytes:
    return (
        b'Content-Type: multipart/mixed; boundary="b"\n\n'
        + b"--b\nContent-Type: text/plain\n\nx\n" * count
        + b"--b--\n"
    )


def large(size: int) -> bytes:
    import base64
    import random

    draw = random.Random(5)
    files = [draw.randbytes(size // 4) for _ in range(3)]
    parts = b"".join(
        b"--b\nContent-Type: application/pdf; name=f%d.pdf\nContent-Transfer-Encoding: base64\n\n"
        % number
        + base64.encodebytes(content)
        for number, content in enumerate(files)
    )
    body = b'Content-Type: multipart/mixed; boundary="b"\n\n--b\nContent-Type: text/plain\n\nsee files\n'
    return body + parts + b"--b--\n"


HOSTILE: tuple[tuple[str, bytes, str], ...] = (
    ("a header bomb of encoded words", b"Subject: " + b"=?utf-8?q?a?= " * 80_000 + b"\n\nx", "header-too-large"),
    ("a field of encoded words", b"Subject: " + b"=?utf-8?q?a?= " * 5_000 + b"\n\nx", "field-too-large"),
    ("a thousand parentheses", b"Cc: " + b"(" * 1000 + b"\n\nx", "filed"),
    ("a From of parentheses", b"Reply-To: " + b"(" * 60_000 + b"\n\nx", "filed"),
    ("an id of brackets", b"References: " + b"<" * 60_000 + b"\n\nx", "filed"),
    ("a hundred thousand commas", b"Cc: " + b"," * 60_000 + b"\n\nx", "filed"),
    ("thousands of addresses", b"Cc: " + b",".join(b"u%d@d%d.example" % (n, n) for n in range(2_500)) + b"\n\nx", "filed"),
    ("thousands of ids", b"References: " + b" ".join(b"<%d@r>" % n for n in range(6_000)) + b"\n\nx", "filed"),
    ("a thousand multiparts inside each other", nested(1000), "quarantined"),
    ("sixty multiparts inside each other", nested(60), "filed"),
    ("a hundred thousand parts", many_parts(100_000), "quarantined"),
    ("1,900 parts", many_parts(1_900), "filed"),
    ("two From fields", b"From: eve@evil.example\n\nx", "filed"),
    ("an unknown codec", b"Subject: =?x-nope?q?=41=FF?=\nContent-Type: text/plain; charset=x-nope\n\n\xff\xfe", "filed"),
    ("a codec that is none", b"Content-Type: text/plain; charset=zip\n\nx", "filed"),
    ("an empty Message-ID", b"Message-ID:\n\nx", "filed"),
    ("a Message-ID of brackets", b"Message-ID: <<<<>>>>\n\nx", "filed"),
    ("control characters", b"Subject: a\x00b\x1b[31m\r\rc =?utf-8?q?=0D=0ABcc:_e@x?=\n\nx\x00y", "filed"),
    ("bytes alone", bytes(range(256)) * 300, "any"),
    ("a name that climbs", b'Content-Type: application/x; name="../../../etc/cron.d/x"\n\nx', "filed"),
    ("35 MiB with ordinary attachments", large(26 * MIB), "filed"),
    ("40 MiB of one line", b"\n" + b"a" * (39 * MIB), "any"),
    ("ten MiB of HTML", b"Content-Type: text/html\n\n" + b"<div><b>x" * (10 * MIB // 9), "any"),
    ("five MiB of quotes", b"\n" + b"> > > >\n" * (5 * MIB // 8), "any"),
)  # fmt: skip


def test_hostile_mail_is_filed_or_quarantined_within_limits_and_the_next_is_filed(
    sqlite_url: str, tmp_path: Path
) -> None:
    prepare(sqlite_url)
    db = Database(sqlite_url)
    house = make(db, tmp_path)
    house.settings = replace(house.settings, database=sqlite_url)
    house.now = utc_now()
    wrong = []
    with working(house, Supervisor) as supervisor:
        assert supervisor.wait_ready(20)
        for number, (what, rest, expected) in enumerate(HOSTILE):
            house.accept(HEAD % number + rest)
            house.accept(mail(id=f"after{number}@a"))
            supervisor.wake()
            until(settled(house), within=40)
            row, after = house.ledger()[-2:]
            assert after.state == "filed", f"the mail after {what}"
            if row.state == "quarantined" and not row.cause:
                wrong.append(f"{what}: no cause")
            if expected == "quarantined" and row.state != expected:
                wrong.append(f"{what}: {row.state}")
            if expected == "filed" and row.state != "filed":
                wrong.append(f"{what}: {row.state} {row.cause} {(row.detail or '')[-300:]}")
            if expected not in ("filed", "quarantined", "any") and row.cause != expected:
                wrong.append(f"{what}: {row.state} {row.cause}")
        ended = supervisor.ended
    db.close()
    assert not wrong, "\n".join(wrong)
    assert ended <= 6
