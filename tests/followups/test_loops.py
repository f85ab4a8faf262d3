"""Nothing automatic leaves to an address that was stopped, also what was enqueued before."""

from __future__ import annotations

from inbox.flow.intake import loops
from inbox.store import loops as store
from tests.followups.office import ANA, Office


def _stop(office: Office, thread_id: int) -> int:
    row = {"mailbox": "hello@aboard.example", "address": ANA, "thread_id": thread_id}
    row |= {"hour_at": office.now, "count": 7, "released_at": None, "stopped_at": office.now}
    with office.db.write() as conn:
        store.save(conn, row)
        (pair,) = store.listing(conn)
    return pair.id


def test_what_was_enqueued_does_not_leave_and_nothing_new_is(office: Office) -> None:
    thread = office.write_in(id="one@acme.example")
    assert office.templates() == ["acknowledgement"]
    pair = _stop(office, thread)
    assert office.carry() == ["cancelled"]
    assert office.left == []
    office.later(days=2)
    office.write_in(id="two@acme.example")
    assert office.templates() == ["acknowledgement"]
    loops.release(office.db, pair, "ines", office.now)
    office.later(minutes=5)
    office.write_in(id="three@acme.example")
    assert office.templates() == ["acknowledgement", "acknowledgement"]
    assert office.carry() == ["sent"]


def test_a_responder_that_hides_what_it_is_is_stopped_by_what_it_answers(office: Office) -> None:
    for number in range(9):
        office.write_in(id=f"m{number}@acme.example", subject=f"Re {number}")
        office.carry()
        answered = office.items()[0].mail_id
        office.later(seconds=30)
        office.write_in(id=f"r{number}@acme.example", refs=[answered])
    assert len(office.left) <= 4
    (stopped,) = office.happened("loop-stopped")
    assert stopped["address"] == ANA and stopped["count"] == 7
