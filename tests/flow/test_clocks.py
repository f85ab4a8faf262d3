"""Two nodes whose clocks are ten minutes apart, on one database."""

from __future__ import annotations

from datetime import timedelta

import pytest

from inbox.clock import utc_now
from inbox.flow.intake import file as filing
from tests.flow.house import House, mail

AHEAD = timedelta(minutes=10)


@pytest.mark.parametrize("apart", [AHEAD, -AHEAD])
def test_fresh_mail_is_due_at_once_whatever_the_clock_of_its_node_says(
    house: House, apart: timedelta
) -> None:
    house.accept(mail(id="1@a"), accepted_at=house.now + apart)
    assert house.file().filed == 1


def test_retried_mail_is_due_at_once_whatever_the_clock_of_its_node_says(house: House) -> None:
    from inbox.store import intake

    house.receive(mail(id="1@a", headers={"From": None}))
    assert house.states() == {"quarantined": 1}
    with house.db.write() as conn:
        intake.retry(conn, None, house.now + AHEAD)
    assert house.file().quarantined == 1


def test_nodes_on_one_server_judge_leases_by_its_clock(house: House) -> None:
    """On SQLite all nodes are on one machine, whose clock they share already."""
    slow, fast = (house.db.now(lambda apart=apart: utc_now() + apart) for apart in (-AHEAD, AHEAD))
    if house.db.is_sqlite:
        assert fast - slow >= 2 * AHEAD
    else:
        assert abs(fast - slow) < timedelta(seconds=5)
        house.accept(mail(id="1@a"))
        assert len(filing.claim(house.db, filing.Rules("n1"), slow)) == 1
        assert filing.claim(house.db, filing.Rules("n2"), fast) == ()


def test_a_lease_taken_by_a_clock_that_is_wrong_files_no_mail_twice(house: House) -> None:
    house.accept(mail(id="1@a"))
    context = house.context()
    slow, fast = filing.Rules("n1"), filing.Rules("n2")
    held = filing.claim(house.db, slow, house.now - AHEAD)
    taken = filing.claim(house.db, fast, house.now + AHEAD)
    assert len(held) == len(taken) == 1
    now = house.now
    assert filing.file_claimed(house.db, taken, context, fast, lambda: now).filed == 1
    assert filing.file_claimed(house.db, held, context, slow, lambda: now).total == 0
    assert house.states() == {"filed": 1}
