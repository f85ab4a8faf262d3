"""The tick beside filing and beside people on the same threads: nothing is lost, nothing twice."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from inbox.flow.promises.tick import Ticked
from inbox.store import accounts, holding, people, threads
from inbox.store.clock_tables import target_steps, targets
from inbox.store.database import Conn
from tests.sla.office import Office, mail

CUSTOMERS = 6
THREADS = 8


def at_once(*works: Callable[[], object]) -> None:
    """Run all of these beside each other; the first error is raised."""
    errors: list[BaseException] = []

    def run(work: Callable[[], object]) -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)

    running = [threading.Thread(target=run, args=(work,)) for work in works]
    for one in running:
        one.start()
    for one in running:
        one.join()
    if errors:
        raise errors[0]


def opened(office: Office) -> list[str]:
    """Threads of a few customers, whose first response has a step due."""
    ids = [f"t{number}c{who}@x" for number in range(THREADS) for who in range(CUSTOMERS)]
    office.receive(*(mail(f"Ana <ana@{one[2:4]}.example>", id=one) for one in ids))
    office.later(hours=3)
    return ids


def test_filing_and_two_sweeps_at_once_do_everything_once(office: Office) -> None:
    ids = opened(office)
    answers = [mail(f"Ana <ana@{one[2:4]}.example>", id=f"again-{one}", refs=[one]) for one in ids]
    office.accept(*answers)
    done: list[Ticked] = []

    def sweep(node: str) -> None:
        for _ in range(4):
            done.append(office.ticker(node, batch=5).tick(office.now))

    def file() -> None:
        office.file()

    at_once(lambda: sweep("n1"), lambda: sweep("n2"), file)
    office.later(seconds=10)
    office.file()  # what stood in a sweep's way is tried again
    done.append(office.tick())
    assert office.states() == {"filed": 2 * len(ids)}
    steps = Counter(one.target_id for one in office.rows(target_steps))
    assert len(steps) == len(ids)
    assert set(steps.values()) == {1}
    assert sum(one.fired for one in done) == len(ids)
    assert sum(one.failed for one in done) == 0


def test_replies_and_a_sweep_in_the_same_instant_leave_every_target_settled_once(
    office: Office,
) -> None:
    ids = opened(office)
    office.later(hours=1)  # the deadline itself
    numbers = [office.thread(one).id for one in ids]

    def answer() -> None:
        for number in numbers:
            office.reply(number)

    at_once(answer, lambda: office.ticker(batch=7).tick(office.now))
    office.tick()
    rows = office.rows(targets, metric="first_response")
    assert {one.state for one in rows} == {"met"}
    assert {one.next_at for one in rows} == {None}
    late = {one.target_id for one in office.rows(target_steps) if one.step == "due"}
    assert late <= {one.id for one in rows}
    mails = Counter(thread for thread, _ in office.post.mails)
    assert len(mails) == len(late)
    assert set(mails.values()) <= {1}
    office.later(days=2)
    before = len(office.post.mails)
    office.tick()
    assert len(office.post.mails) == before


def test_a_sweep_of_what_is_due_in_the_future_of_another_node_does_nothing_early(
    office: Office,
) -> None:
    opened(office)
    office.now -= timedelta(minutes=5)  # this node's clock is behind
    assert office.tick().fired == 0


def test_a_sweep_goes_by_what_stood_when_it_got_the_account(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.receive(mail("Ana <ana@acme.example>", id="one@x"))
    thread = office.thread("one@x").id
    office.later(hours=5.5)  # an hour late: the step that tags it and raises its priority
    usual, given = holding.skip_locked, []

    def give_first(conn: Conn, statement: Any) -> Any:
        if "accounts" in str(statement) and not given:
            given.append(1)
            office.desk("tom").give(thread, "tom", office.now)
        return usual(conn, statement)

    if office.db.is_sqlite:  # it has one writer: nobody comes in between
        office.desk("tom").give(thread, "tom", office.now)
    else:
        monkeypatch.setattr(holding, "skip_locked", give_first)
    office.tick()
    after = office.thread("one@x")
    with office.looking() as conn:
        assert people.by_id(conn, after.accountable_id).handle == "tom"
    assert after.tags == ("late",) and after.claimed_at == office.now


def test_waking_waits_for_nobody_who_holds_the_account(office: Office) -> None:
    """Whoever holds an account goes on to its threads; a sweep that waits the other way round is
    a ring (on PostgreSQL; SQLite has one writer)."""
    office.receive(mail("Ana <ana@acme.example>", id="one@x"))
    thread = office.thread("one@x")
    office.desk("tom").snooze(thread.id, office.now + timedelta(hours=1), office.now)
    office.later(hours=2)
    if not office.db.is_sqlite:
        with office.db.write() as conn:
            accounts.lock(conn, [thread.account_id])
            assert office.tick().woken == 0
            threads.save(conn, thread.id, priority="high")
    assert office.tick().woken == 1
