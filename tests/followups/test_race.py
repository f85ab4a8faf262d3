"""The customer writes in the very second in which a reminder is to leave: the customer wins."""

from __future__ import annotations

import threading
from contextlib import suppress
from random import Random

import pytest

from inbox.flow.leaving import deliver
from inbox.mail.outgoing import DATA, Envelope, Outcome
from inbox.store.outbox import ItemLost
from tests.flow.house import mail
from tests.followups.office import Office

ALONE = "limits: {most_a_day: 20, asks_a_day: 5}\n"
SEQUENCE = """sequences:
  - name: remind
    why: To race.
    on: waiting
    steps:
      - {after: 1h, template: waiting-for-you}
"""


class Race:
    """Rounds of one reminder against one answer; who was first is written down."""

    def __init__(self, office: Office, seed: int) -> None:
        office.write("followups.yaml", ALONE + SEQUENCE)
        office.activate()
        self.office, self.random = office, Random(seed)
        self.context = office.context()
        self.left = self.kept_back = 0

    def round(self, number: int) -> None:
        office, sender = self.office, f"ana@c{number}.example"
        thread = office.write_in(sender=f"<{sender}>", id=f"q{number}@c.example")
        office.desk().wait(thread, office.now)
        (step,) = office.planned(thread)
        office.now = step.due_at
        order: list[str] = []
        spins = [self.random.randrange(60_000) for _ in range(2)]
        hands = [
            threading.Thread(target=self.remind, args=(order, spins[0])),
            threading.Thread(target=self.answer, args=(order, number, sender, spins[1])),
        ]
        for one in hands:
            one.start()
        for one in hands:
            one.join()
        office.later(minutes=10)
        office.tick()
        office.carry()
        told = [one for one in office.left if sender in one.to]
        assert len(told) <= 1
        if told:
            self.left += 1
            assert order.index("asked") < order.index("accepted"), (number, order)
        else:
            self.kept_back += 1
        office.left.clear()

    def remind(self, order: list[str], spin: int) -> None:
        """Tick and deliver."""
        office = self.office

        def courier(envelope: Envelope, raw: bytes, before: object) -> Outcome:
            def noted(phase: str) -> None:
                if phase == DATA:
                    order.append("asked")
                before(phase)  # type: ignore[operator]

            return office.courier(envelope, raw, noted)

        for _ in range(spin):
            pass
        office.follow_ups.sweep(office.db, office.now)
        rules = office.rules_of_sending()
        for one in deliver.claim(office.db, rules, 10):
            with suppress(ItemLost):  # the answer took it back first
                deliver.settle(office.db, deliver.carry(office.db, one, courier, rules), rules)

    def answer(self, order: list[str], number: int, sender: str, spin: int) -> None:
        """Accept and file."""
        for _ in range(spin):
            pass
        refs = (f"q{number}@c.example",)
        letter = mail(f"<{sender}>", id=f"a{number}@c.example", refs=refs)
        self.office.accept(letter, reverse_path=sender)
        order.append("accepted")
        self.office.file(self.context)


def run(office: Office, rounds: int) -> Race:
    race = Race(office, seed=5)
    for number in range(rounds):
        race.round(number)
    return race


def test_an_answer_in_the_same_second_wins(office: Office) -> None:
    race = run(office, 50)  # on each database
    assert race.left + race.kept_back == 50
    assert race.kept_back


@pytest.mark.campaign
def test_an_answer_in_the_same_second_wins_ten_thousand_times(office: Office) -> None:
    race = run(office, 5_000)
    assert race.left
    assert race.kept_back
