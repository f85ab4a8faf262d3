"""The queue: what is accepted is claimed by one worker at a time and settled exactly once."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox.store import intake, leases, ledger
from inbox.store.database import Database
from inbox.store.intake import LeaseLost, Settlement
from tests.databases import NOW, entry, put

LEASE = timedelta(seconds=60)
SECOND = timedelta(seconds=1)


def claim(
    db: Database, limit: int = 10, *, at: int = 0, owner: str = "n1"
) -> tuple[intake.Claim, ...]:
    """Claim at `at` seconds after the mails were accepted."""
    with db.write() as conn:
        return intake.claim(conn, owner=owner, limit=limit, now=NOW + at * SECOND, lease_for=LEASE)


def quarantine(db: Database, *claims: intake.Claim) -> None:
    with db.write() as conn:
        done = [Settlement(one, "quarantined", None, "test", "for a test") for one in claims]
        intake.settle(conn, done, NOW)


def accept(db: Database, *raws: bytes, **how: object) -> None:
    with db.write() as conn:
        put(conn, *raws, **how)


def states(db: Database) -> dict[str, int]:
    with db.read() as conn:
        return {state: count for state, count in ledger.state_counts(conn).items() if count}


@given(st.binary(max_size=3000))
def test_packing_gives_back_the_same_bytes(raw: bytes) -> None:
    packed = intake.pack(raw)
    assert intake.unpack(packed.packing, packed.content) == raw
    assert packed.size == len(raw)
    assert packed.sha256 == hashlib.sha256(raw).hexdigest()


def test_raw_mail_is_stored_once_however_often_it_comes(db: Database) -> None:
    accept(db, b"same", b"same", b"other")
    accept(db, b"same")
    with db.read() as conn:
        rows = ledger.waiting(conn)
        assert [ledger.raw_bytes(conn, row.raw_id) for row in rows] == [
            b"same",
            b"same",
            b"other",
            b"same",
        ]
        assert len({row.raw_id for row in rows}) == 2
        assert len(ledger.of_sha256(conn, hashlib.sha256(b"same").hexdigest())) == 3


def test_both_sides_of_the_ledger_count_the_same(db: Database) -> None:
    accept(db, b"1", b"2", node="a")
    accept(db, b"3", node="b", source="file")
    accept(db, b"1", node="a")
    with db.read() as conn:
        expected = {("a", "smtp"): 3, ("b", "file"): 1}
        assert ledger.tallied(conn) == ledger.accepted_counts(conn) == expected


def test_a_mail_of_no_bytes_is_kept_too(db: Database) -> None:
    accept(db, b"")
    assert [one.raw for one in claim(db)] == [b""]


def test_positions_that_were_accepted_are_known(db: Database) -> None:
    accept(db, b"1", origin="box/7/1")
    with db.read() as conn:
        assert intake.known_origins(conn, ["box/7/1", "box/7/2"]) == {"box/7/1"}
        assert intake.known_origins(conn, []) == set()


def test_thousands_of_positions_can_be_asked_for_at_once(db: Database) -> None:
    accept(db, b"1", origin="box/7/69999")
    with db.read() as conn:
        asked = [f"box/7/{number}" for number in range(70_000)]
        assert intake.known_origins(conn, asked) == {"box/7/69999"}


def test_oldest_mail_is_claimed_first(db: Database) -> None:
    accept(db, b"late", at=NOW + 5 * SECOND)
    accept(db, b"first")
    assert [one.raw for one in claim(db, limit=1)] == [b"first"]
    assert [one.raw for one in claim(db, limit=1)] == [b"late"]


def test_a_mail_that_was_put_back_is_not_claimed_before_its_time(db: Database) -> None:
    accept(db, b"1")
    claims = claim(db)
    with db.write() as conn:
        intake.put_back(conn, claims, NOW + 5 * SECOND, "later")
    assert claim(db) == ()
    assert [one.raw for one in claim(db, at=5)] == [b"1"]


def test_a_claim_counts_the_attempt_before_it_is_made(db: Database) -> None:
    accept(db, b"1")
    (one,) = claim(db)
    with db.read() as conn:
        assert ledger.by_id(conn, one.ledger_id).attempts == one.attempts == 1


def test_a_claim_that_is_not_committed_counts_nothing(db: Database) -> None:
    accept(db, b"1")
    with pytest.raises(RuntimeError), db.write() as conn:
        assert intake.claim(conn, owner="n", limit=1, now=NOW, lease_for=LEASE)
        raise RuntimeError
    assert [one.attempts for one in claim(db)] == [1]


def test_a_mail_that_was_attempted_before_is_claimed_alone(db: Database) -> None:
    accept(db, b"bad")
    claim(db)
    accept(db, b"1", b"2")
    assert [one.raw for one in claim(db, at=61)] == [b"bad"]
    assert [one.raw for one in claim(db, at=61)] == [b"1", b"2"]


def test_fresh_mails_are_claimed_together_although_an_attempted_one_is_behind_them(
    db: Database,
) -> None:
    accept(db, b"1", b"2", b"3")
    first, *_ = claim(db, 1)
    with db.write() as conn:
        intake.put_back(conn, [first], NOW + 2 * SECOND, "later")
    assert [one.raw for one in claim(db, at=3)] == [b"2", b"3"]
    assert [one.raw for one in claim(db, at=3)] == [b"1"]


def test_a_lease_that_ran_out_is_claimed_again_and_the_first_holder_is_fenced(
    db: Database,
) -> None:
    accept(db, b"1")
    (slow,) = claim(db)
    assert claim(db, at=59) == ()
    (fast,) = claim(db, at=61, owner="n2")
    assert (fast.attempts, fast.fence) == (2, slow.fence + 1)
    with pytest.raises(LeaseLost):
        quarantine(db, slow)
    assert states(db) == {"pending": 1}
    quarantine(db, fast)
    assert states(db) == {"quarantined": 1}
    with pytest.raises(LeaseLost):
        quarantine(db, fast)


def test_one_lost_lease_voids_the_whole_batch(db: Database) -> None:
    accept(db, b"1", b"2", b"3")
    claims = claim(db)
    with db.write() as conn:
        how = {"untouched": [], "now": NOW, "detail": "for a test"}
        leases.release_dead(conn, begun=held(claims[1]), **how)
    claim(db, at=1, owner="n2")
    with pytest.raises(LeaseLost):
        quarantine(db, *claims)
    assert states(db) == {"pending": 3}


def test_what_was_put_back_by_a_fenced_worker_stays_with_its_holder(db: Database) -> None:
    accept(db, b"1")
    (slow,) = claim(db)
    (fast,) = claim(db, at=61)
    with db.write() as conn:
        intake.put_back(conn, [slow], NOW, "too late")
    assert claim(db, at=62) == ()
    quarantine(db, fast)


def test_a_claim_never_takes_more_bytes_than_a_worker_can_hold(db: Database) -> None:
    big = 9 * 1024 * 1024
    for number in range(4):
        accept(db, b"%d" % number * big, b"small %d" % number)
    taken = []
    while claims := claim(db, 50):
        assert len(claims) == 1 or sum(len(one.raw) for one in claims) <= intake.MOST_BYTES
        taken += [one.ledger_id for one in claims]
    assert sorted(taken) == list(range(1, 9))


def held(*claims: intake.Claim) -> list[leases.Lease]:
    return [(one.ledger_id, one.fence) for one in claims]


def die(db: Database, begun: list[leases.Lease], rest: Sequence[leases.Lease] = ()) -> int:
    """A worker dies; how many of the mails that it had begun end in quarantine."""
    with db.write() as conn:
        leases.release_dead(conn, begun=begun, untouched=rest, now=NOW, detail="SIGSEGV")
        return leases.quarantine_exhausted(conn, begun=begun, most=2, now=NOW, cause="over-limit")


def test_mails_of_a_dead_worker_are_claimed_at_once_and_only_the_begun_one_is_charged(
    db: Database,
) -> None:
    accept(db, b"1", b"2", b"3")
    claims = claim(db)
    ids = [one.ledger_id for one in claims]
    assert die(db, held(claims[0]), held(*claims[1:])) == 0
    assert [(one.ledger_id, one.attempts) for one in claim(db)] == [(ids[0], 2)]
    assert [(one.ledger_id, one.attempts) for one in claim(db)] == [(ids[1], 1), (ids[2], 1)]


def test_the_last_allowed_attempt_ends_in_quarantine(db: Database) -> None:
    accept(db, b"1")
    assert die(db, held(*claim(db))) == 0
    assert die(db, held(*claim(db))) == 1
    with db.read() as conn:
        (row,) = ledger.quarantined(conn)
    assert (row.cause, row.detail, row.settled_at) == ("over-limit", "SIGSEGV", NOW)
    assert claim(db, at=600) == ()


def test_the_death_of_a_worker_touches_no_mail_that_another_claimed_meanwhile(
    db: Database,
) -> None:
    accept(db, b"1", b"2")
    slow = claim(db)
    fast = (*claim(db, at=61, owner="n2"), *claim(db, at=61, owner="n2"))
    assert [one.attempts for one in fast] == [2, 2]
    assert die(db, held(slow[0]), held(slow[1])) == 0
    assert claim(db, at=62) == ()
    with db.read() as conn:
        rows = [ledger.by_id(conn, one.ledger_id) for one in fast]
    assert [(row.state, row.attempts, row.detail) for row in rows] == [("pending", 2, None)] * 2
    quarantine(db, *fast)


def test_leases_of_those_that_are_gone_are_given_back_and_nobody_elses(db: Database) -> None:
    accept(db, b"1", b"2")
    claim(db, 1, owner="mine")
    claim(db, 1, owner="other")
    with db.write() as conn:
        assert sorted(leases.owners(conn)) == ["mine", "other"]
        assert leases.release_owners(conn, ["mine"], NOW) == 1
        assert leases.owners(conn) == ("other",)
    assert [(one.raw, one.attempts) for one in claim(db, owner="mine")] == [(b"1", 2)]
    assert claim(db) == ()


def test_what_was_attempted_too_often_and_is_held_by_nobody_goes_to_quarantine(
    db: Database,
) -> None:
    accept(db, b"bad", b"held", b"good")
    with db.write() as conn:
        conn.execute(intake.ledger.update().where(intake.ledger.c.id < 3).values(attempts=20))
        conn.execute(
            intake.ledger.update()
            .where(intake.ledger.c.id == 2)
            .values(leased_by="n2", leased_until=NOW + LEASE)
        )
        assert leases.quarantine_repeated(conn, attempts=20, now=NOW, detail="again") == 1
    with db.read() as conn:
        (row,) = ledger.quarantined(conn)
    assert (row.id, row.cause, row.detail) == (1, "over-limit", "again")


def test_tens_of_thousands_of_numbers_can_be_retried_and_counted_at_once(db: Database) -> None:
    accept(db, b"1", b"2")
    claims = claim(db)
    quarantine(db, *claims)
    many = range(1, 70_001)
    with db.write() as conn:
        assert ledger.states_of(conn, many)["quarantined"] == 2
        assert intake.retry(conn, many, NOW) == 2
        assert intake.retry(conn, [], NOW) == 0
        assert ledger.states_of(conn, many)["pending"] == 2
        runs = [(number, number) for number in range(1, 2_000, 2)]
        assert ledger.pending_within(conn, runs) == 1
        assert ledger.pending_within(conn, [(1, 9)]) == 2
        assert ledger.pending_within(conn, []) == 0


def test_accepting_gives_the_ledger_numbers_of_the_accepted(db: Database) -> None:
    with db.write() as conn:
        first = intake.insert_accepted(conn, [(intake.pack(b"%d" % n), entry()) for n in range(3)])
        more = intake.insert_accepted(conn, [(intake.pack(b"0"), entry())])
    with db.read() as conn:
        assert [row.id for row in ledger.waiting(conn)] == sorted((*first, *more))


def test_retry_gives_a_clean_slate_to_one_or_to_all(db: Database) -> None:
    accept(db, b"1", b"2", b"3")
    claims = claim(db)
    quarantine(db, *claims)
    with db.write() as conn:
        assert intake.retry(conn, [claims[1].ledger_id], NOW) == 1
        assert intake.retry(conn, [claims[1].ledger_id, 9999], NOW) == 0
    with db.read() as conn:
        row = ledger.by_id(conn, claims[1].ledger_id)
    assert (row.state, row.attempts, row.cause, row.detail) == ("pending", 0, None, None)
    with db.write() as conn:
        assert intake.retry(conn, None, NOW) == 2
    assert [one.attempts for one in claim(db)] == [1, 1, 1]


def test_a_settled_mail_cannot_be_retried_or_put_back(db: Database) -> None:
    accept(db, b"1")
    (one,) = claim(db)
    quarantine(db, one)
    with db.write() as conn:
        intake.put_back(conn, [one], NOW, None)
        leases.release_dead(conn, begun=held(one), untouched=[], now=NOW, detail="x")
        assert leases.release_owners(conn, ["n1"], NOW) == 0
    assert states(db) == {"quarantined": 1}


@pytest.mark.parametrize("state", ["filed", "duplicate"])
def test_the_database_itself_refuses_an_outcome_without_its_message(
    db: Database, state: str
) -> None:
    accept(db, b"1")
    (one,) = claim(db)
    with pytest.raises(Exception, match=r"ck_ledger_message|CHECK"), db.write() as conn:
        intake.settle(conn, [Settlement(one, state)], NOW)
    with pytest.raises(Exception, match=r"ck_ledger_cause|CHECK"), db.write() as conn:
        intake.settle(conn, [Settlement(one, "quarantined")], NOW)
    assert states(db) == {"pending": 1}


def test_many_workers_settle_every_mail_exactly_once(db: Database) -> None:
    count, workers = 120, 6
    with db.write() as conn:
        put(conn, *(b"mail %d" % number for number in range(count)))
    gate, settled = Barrier(workers), Counter[int]()

    def work(number: int) -> list[int]:
        mine: list[int] = []
        gate.wait(10)
        while claims := claim(db, 7, owner=f"n{number}"):
            quarantine(db, *claims)
            mine += [one.ledger_id for one in claims]
        return mine

    with ThreadPoolExecutor(workers) as pool:
        for mine in pool.map(work, range(workers)):
            settled.update(mine)
    assert settled == Counter(range(1, count + 1))
    assert states(db) == {"quarantined": count}


def test_claims_of_several_connections_never_overlap(db: Database) -> None:
    with db.write() as conn:
        put(conn, *(b"mail %d" % number for number in range(60)))
    if db.is_sqlite:
        assert len({one.ledger_id for _ in range(6) for one in claim(db, 10)}) == 60
        return
    with db.write() as one, db.write() as two:
        how = {"limit": 30, "now": NOW, "lease_for": LEASE}
        first = intake.claim(one, owner="a", **how)
        second = intake.claim(two, owner="b", **how)  # passes over what the first has locked
    assert len({claimed.ledger_id for claimed in (*first, *second)}) == 60


def test_many_nodes_accept_the_same_mails_in_any_order_at_once(db: Database) -> None:
    raws = [b"newsletter %d" % number for number in range(40)]
    gate = Barrier(4)

    def node(number: int) -> None:
        mine = raws[number * 7 :] + raws[: number * 7]
        if number % 2:
            mine.reverse()
        gate.wait(10)
        for start in range(0, 40, 20):
            with db.write() as conn:
                batch = mine[start : start + 20]
                intake.insert_accepted(
                    conn, [(intake.pack(raw), entry(node=f"n{number}")) for raw in batch]
                )

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(node, range(4)))
    with db.read() as conn:
        assert ledger.state_counts(conn)["pending"] == 160
        assert sum(ledger.tallied(conn).values()) == 160
        assert len(ledger.raw_after(conn, 0, 1000)) == 40


def test_the_findings_of_an_audit_are_empty_for_a_whole_ledger_and_name_what_is_not(
    db: Database,
) -> None:
    accept(db, b"1", b"2")
    with db.read() as conn:
        assert ledger.raw_without_ledger(conn) == ()
        assert ledger.filed_without_message(conn) == ()
        assert ledger.messages_without_ledger(conn) == ()
    with db.write() as conn:
        conn.execute(intake.ledger.delete().where(intake.ledger.c.id == 2))
    with db.read() as conn:
        assert len(ledger.raw_without_ledger(conn)) == 1
        assert ledger.tallied(conn) != ledger.accepted_counts(conn)


def test_a_scrub_reads_every_raw_mail_in_pages(db: Database) -> None:
    raws = {b"%d" % number * 50 for number in range(25)}
    accept(db, *raws)
    seen, after = set(), 0
    with db.read() as conn:
        while rows := ledger.raw_after(conn, after, 10):
            seen |= {raw for _, sha, raw in rows if hashlib.sha256(raw).hexdigest() == sha}
            after = rows[-1][0]
    assert seen == raws
