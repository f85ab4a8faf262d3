"""The bounds of DESIGN I9 are one person's, however many accounts write to them and at whatever
moment; and no two automatic mails share a key that are not the same mail."""

from __future__ import annotations

import threading
from dataclasses import replace

from inbox.flow.leaving import deliver
from inbox.flow.leaving.notices import Notices, Wish
from inbox.mail.letter import Address
from inbox.store.database import Conn
from inbox.store.outbox import Claimed
from inbox.store.outbox_tables import MOST_KEY, outbox
from tests.databases import ON_POSTGRES, waits_for_lock
from tests.followups.office import ANA, Office
from tests.services.waiting import until


def reminders(office: Office) -> None:
    """Two accounts have one reminder each in the outbox for the same person: they were made in
    transactions that did not see each other."""
    office.write("followups.yaml", "acknowledge: {who: nobody}\n")
    office.activate()
    first = office.write_in(id="a@acme.example")
    second = office.write_in(sender="Bo <bo@beta.example>", id="b@beta.example")
    post = office.follow_ups.post
    files = office.context().files
    with office.db.write() as one, office.db.write() as other:
        for conn, thread in ((one, first), (other, second)):
            notices = Notices(conn, files, post, office.now)
            about = notices.about(thread)
            wish = Wish(about, "waiting-for-you", Address("Ana", ANA), "remind", "1", thread)
            assert notices.send(wish).what == "queued"


@ON_POSTGRES
def test_two_accounts_that_remind_one_person_in_one_instant_remind_them_once(
    office: Office,
) -> None:
    reminders(office)
    rules, looked = office.rules_of_sending(), list[int]()

    def recheck(conn: Conn, claimed: Claimed, now: object) -> str | None:
        """The last look of both, neither committed before the other has looked or waits."""
        why = office.follow_ups.recheck(conn, claimed, office.now)
        looked.append(claimed.lease.item_id)
        until(lambda: len(looked) == 2 or waits_for_lock(office.db), within=60)
        return why

    beside = replace(rules, recheck=recheck)
    claims = deliver.claim(office.db, rules, 10)
    assert len(claims) == 2
    states: list[str] = []

    def carry(one: Claimed) -> None:
        judged = deliver.carry(office.db, one, office.courier, beside)
        states.append(deliver.settle(office.db, judged, rules))

    hands = [threading.Thread(target=carry, args=(one,)) for one in claims]
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join()
    assert sorted(states) == ["cancelled", "sent"]
    assert len(office.left) == 1
    (kept,) = office.rows(outbox, state="cancelled")
    assert kept.cause == "this person was reminded within the last 24 hours"


def test_keys_that_are_too_long_never_become_one(office: Office) -> None:
    thread = office.write_in(id="a@acme.example")
    with office.looking() as conn:
        about = Notices(conn, office.context().files, None, office.now).about(thread)
    keys = set()
    for number in range(3):
        for letters in (5, 200, MOST_KEY - 20, MOST_KEY, 4 * MOST_KEY):
            to = Address("", f"{'a' * letters}{number}@acme.example")
            keys.add(Wish(about, "late", to, "remind", "1", 7).key)
    assert len(keys) == 15
    assert max(map(len, keys)) == MOST_KEY
    assert f"thread/{thread}/remind/1/7/aaaaa0@acme.example" in keys, "what fits stays readable"
