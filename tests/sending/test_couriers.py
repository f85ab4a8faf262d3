"""The couriers of a node: they find work, share it, and stop cleanly whatever the server does."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from inbox.clock import monotonic, utc_now
from inbox.config import Settings
from inbox.courier import Couriers, smarthost
from inbox.errors import ConfigError
from inbox.flow.leaving import deliver
from inbox.net.smtp_out import Smarthost, Waits
from inbox.net.smtp_pool import Pool
from inbox.store.database import Conn
from inbox.store.outbox import Claimed
from tests.sending.office import Office
from tests.sending.scripted import SILENCE, Scripted, scripted
from tests.services.waiting import until

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture
def server() -> Iterator[Scripted]:
    with scripted() as started:
        yield started


def couriers(office: Office, port: int, **waits: float) -> Couriers:
    how = Waits(**{"greeting": 20, "command": 20, "dot": 20, **waits})
    pool = Pool(Smarthost("127.0.0.1", port, None, waits=how), monotonic)
    return Couriers(office.house.settings, office.house.db, office.recheck, pool)


def states(office: Office) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in office.items(limit=1000):
        found[one.state] = found.get(one.state, 0) + 1
    return found


def test_the_couriers_of_two_nodes_carry_every_item_once(office: Office) -> None:
    office.house.now = utc_now()
    keys = [f"k{number}" for number in range(20)]
    for key in keys:
        office.put(key)
    two = [couriers(office, office.sink.port) for _ in range(2)]
    for one in two:
        one.start()
    until(lambda: states(office) == {"sent": 20}, 30)
    for one in two:
        one.stop(10)
    assert len(office.sink.kept) == 20
    assert len({one.content for one in office.sink.kept}) == 20
    assert sum(one.carried for one in two) == 20


def test_a_woken_courier_need_not_wait_for_its_next_look(office: Office) -> None:
    office.house.now = utc_now()
    node = couriers(office, office.sink.port)
    node.start()
    office.put()
    node.wake()
    until(lambda: states(office) == {"sent": 1}, 10)
    node.stop(10)


def test_an_item_that_fails_as_nobody_foresaw_ends_no_courier(office: Office) -> None:
    office.house.now = utc_now()
    bad = office.put("bad").item_id

    def recheck(conn: Conn, claimed: Claimed, now: datetime) -> str | None:
        if claimed.lease.item_id == bad:
            raise RuntimeError("a bug of ours")
        return None

    office.recheck = recheck
    node = couriers(office, office.sink.port)
    node.start()
    until(lambda: states(office) == {"queued": 1} and office.item(bad).cause == "error", 20)
    for number in range(4):
        office.put(f"good{number}")
    node.wake()
    until(lambda: states(office) == {"queued": 1, "sent": 4}, 20)
    node.stop(10)
    assert "a bug of ours" in (office.item(bad).detail or "")


def test_what_a_courier_knows_is_written_down_however_often_that_fails(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.house.now = utc_now()
    office.put()
    usual, failed = deliver.settle, []

    def settle(*args: Any) -> str:
        if len(failed) < 2:
            failed.append(1)
            raise RuntimeError("a bug of ours")
        return usual(*args)

    monkeypatch.setattr(deliver, "settle", settle)
    node = couriers(office, office.sink.port)
    node.start()
    until(lambda: states(office) == {"sent": 1}, 20)
    node.stop(10)
    assert len(office.sink.kept) == 1


def test_a_round_that_fails_as_nobody_foresaw_is_not_the_last(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.house.now = utc_now()
    office.put()
    usual, failed = deliver.claim, []

    def claim(*args: Any) -> Any:
        if len(failed) < 8:  # as many as there are couriers, twice
            failed.append(1)
            raise RuntimeError("a bug of ours")
        return usual(*args)

    monkeypatch.setattr(deliver, "claim", claim)
    node = couriers(office, office.sink.port)
    node.start()
    until(lambda: states(office) == {"sent": 1}, 30)
    node.stop(10)


@pytest.mark.parametrize("command", ["GREETING", "EHLO", "MAIL", "DATA"])
def test_a_stop_does_not_wait_for_a_silent_server(
    office: Office, server: Scripted, command: str
) -> None:
    office.house.now = utc_now()
    office.put()
    server.say(command, *[SILENCE] * 8)
    node = couriers(office, server.port)
    node.start()
    until(lambda: states(office) == {"sending": 1} and server.connections > 0, 10)
    threading.Event().wait(0.2)
    began = monotonic()
    node.stop(15)
    assert monotonic() - began < 10
    assert set(states(office)) <= {"queued", "sending"}  # never uncertain: no dot was sent


def test_a_stop_waits_for_the_answer_to_a_final_dot(office: Office, server: Scripted) -> None:
    office.house.now = utc_now()
    office.put()
    answer = threading.Event()
    usual = server._answer

    def slow(line: object, command: str) -> bool:
        if command == "DOT":
            assert answer.wait(20)
        return usual(line, command)  # type: ignore[arg-type]

    server._answer = slow  # type: ignore[assignment]
    node = couriers(office, server.port)
    node.start()
    until(lambda: len(server.mails) == 1, 10)
    stopping = threading.Thread(target=node.stop, args=(20,))
    stopping.start()
    threading.Event().wait(0.2)
    answer.set()
    stopping.join(20)
    assert states(office) == {"sent": 1}


def test_a_smarthost_with_unreadable_certificates_is_one_line(tmp_path: Path) -> None:
    settings = Settings(tmp_path)
    from dataclasses import replace

    send = replace(settings.send, host="mx.example", tls_ca=tmp_path / "gone.pem")
    with pytest.raises(ConfigError, match=r"gone\.pem"):
        smarthost(replace(settings, send=send))
    made = smarthost(replace(settings, send=replace(send, tls_ca=None)))
    assert made.tls is not None
    assert made.tls.check_hostname


def test_check_says_what_the_couriers_cannot_use_and_whether_mail_leaves(tmp_path: Path) -> None:
    from inbox.app import check_everything
    from inbox.config import load
    from tests.flow.house import CONFIG, write_files

    database = "database: sqlite:///aboard.db\n"
    facts = check_everything(load(write_files(tmp_path, **{"aboard.yaml": CONFIG + database}), {}))[
        1
    ]
    assert facts["send"].startswith("nothing leaves")
    (tmp_path / "key.pem").write_text("no key")
    send = "send: {host: mx.example, tls_ca: gone.pem, dkim_selector: s1, dkim_key: key.pem}\n"
    path = write_files(tmp_path, **{"aboard.yaml": CONFIG + database + send})
    problems, facts = check_everything(load(path, {}))
    assert {"send.tls_ca", "send.dkim_key"} <= {one.file for one in problems}
    assert facts["send"] == "mx.example:587, TLS starttls, DKIM"
