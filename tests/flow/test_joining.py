"""In any order of arrival the threads are the connected components over all ids."""

from __future__ import annotations

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inbox.flow.intake import file as filing
from inbox.mail.joining import Components, parents
from inbox.store.database import Database
from inbox.store.tables import account_domains, contact_addresses, thread_ids
from inbox.store.tables import accounts as accounts_table
from inbox.store.tables import messages as messages_table
from tests import databases
from tests.flow.house import House, mail

Mails = list[tuple[str, tuple[str, ...]]]
"""(own id, ids referred to)."""


def plain_components(mails: Sequence[tuple[str, Sequence[str]]]) -> set[frozenset[str]]:
    """The oracle: union-find over every id, then the own ids of each component."""
    top: dict[str, str] = {}

    def find(one: str) -> str:
        while top.setdefault(one, one) != one:
            one = top[one]
        return one

    for own, refers in mails:
        for other in refers:
            top[find(other)] = find(own)
    found: dict[str, set[str]] = {}
    for own, _ in mails:
        found.setdefault(find(own), set()).add(own)
    return {frozenset(one) for one in found.values()}


def graphs(most: int) -> st.SearchStrategy[Mails]:
    """Mails that refer to each other, to mails never seen, to themselves and in circles."""

    def build(size: int) -> st.SearchStrategy[Mails]:
        ids = [f"{number}@a" for number in range(size)]
        refers = st.lists(
            st.sampled_from([*ids, "lost1@a", "lost2@a", "lost3@a"]), max_size=3, unique=True
        )
        return st.permutations(ids).flatmap(
            lambda order: st.tuples(*(refers for _ in order)).map(
                lambda listed: [(own, tuple(refs)) for own, refs in zip(order, listed, strict=True)]
            )
        )

    return st.integers(1, most).flatmap(build)


@given(graphs(40))
@settings(max_examples=150)
def test_joining_one_by_one_equals_a_plain_union_find(mails: Mails) -> None:
    components = Components()
    for own, refers in mails:
        components.add((own, *refers))
    found: dict[int | None, set[str]] = {}
    for own, _ in mails:
        found.setdefault(components.thread_of(own), set()).add(own)
    assert {frozenset(one) for one in found.values()} == plain_components(mails)


def test_thirty_thousand_mails_are_joined_as_one_by_one() -> None:
    draw = random.Random(20261102)
    mails: Mails = []
    for number in range(30_000):
        near = [f"{max(0, number - draw.randrange(1, 40))}@a" for _ in range(draw.randrange(3))]
        mails.append((f"{number}@a", tuple(near) if draw.random() < 0.5 else ()))
    draw.shuffle(mails)
    components = Components()
    for own, refers in mails:
        components.add((own, *refers))
    found: dict[int | None, set[str]] = {}
    for own, _ in mails:
        found.setdefault(components.thread_of(own), set()).add(own)
    assert {frozenset(one) for one in found.values()} == plain_components(mails)


@given(graphs(25))
def test_a_tree_drawn_from_any_mails_has_no_circle(mails: Mails) -> None:
    chosen = parents(mails)
    for start in range(len(mails)):
        at: int | None = start
        for _ in range(len(mails) + 1):
            at = chosen[at] if at is not None else None
        assert at is None


@given(
    mails=graphs(7), cuts=st.lists(st.integers(1, 4), max_size=6), batch=st.sampled_from([1, 3, 20])
)
@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_filing_in_any_order_and_in_any_batches_gives_the_components(
    house: House, mails: Mails, cuts: list[int], batch: int
) -> None:
    empty(house.db)
    house.rules = filing.Rules("n1", batch)
    context = house.context()
    raws = [mail(id=own, refs=refers) for own, refers in mails]
    while raws:
        size = cuts.pop() if cuts else len(raws)
        house.accept(*raws[:size])
        house.file(context)
        del raws[:size]
    assert house.components() == plain_components(mails)
    assert house.states() == {"filed": len(mails)}
    counted = {one: house.thread(one).messages for one, _ in mails}
    sizes = {one: len(part) for part in plain_components(mails) for one in part}
    assert counted == sizes


def empty(db: Database) -> None:
    """Take all mail out of the database; people and files in force stay."""
    with db.write() as conn:
        for table in reversed(databases.metadata.sorted_tables):
            if table.name not in {"people", "teams", "team_members", "active_sets", "config_sets"}:
                conn.execute(table.delete())


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.campaign)])
def test_four_workers_file_interleaved_threads_without_doubles_or_splits(
    house: House, seed: int
) -> None:
    draw = random.Random(seed)
    senders = [f"p{n % 5}@firm{n % 8}.example" for n in range(40)] + ["maya@aboard.example"] * 8
    mails: dict[str, Mails] = {}
    raws = []
    for number in range(200):
        sender = draw.choice(senders)
        domain = sender.partition("@")[2]
        before = mails.setdefault(domain, [])
        refers = tuple(own for own, _ in draw.sample(before, min(len(before), draw.randrange(3))))
        before.append((f"{number}@{domain}", refers))
        raws.append(mail(sender, id=f"{number}@{domain}", refs=refers))
    raws += draw.sample(raws, 10)  # the same mail once more
    draw.shuffle(raws)
    house.accept(*raws)
    context, gate = house.context(), Barrier(4)

    def worker(number: int) -> None:
        rules = filing.Rules(f"n{number}", draw.choice([1, 5, 20]))
        gate.wait(20)
        while claims := filing.claim(house.db, rules, house.now):
            filing.file_claimed(house.db, claims, context, rules, lambda: house.now)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(worker, range(4)))
    house.later(minutes=5)
    house.file(context)
    assert house.states() == {"filed": 200, "duplicate": 10}
    expected = set().union(*(plain_components(one) for one in mails.values()))
    assert house.components() == expected
    assert len(house.rows(accounts_table)) == 9
    assert len(house.rows(account_domains)) == 8
    assert len(house.rows(contact_addresses)) == len(
        {row.from_address for row in house.rows(messages_table)} - {"maya@aboard.example"}
    )
    used = {(row.account_id, row.mail_id): row.thread_id for row in house.rows(thread_ids)}
    for row in house.rows(messages_table):
        assert used[row.account_id, row.mail_id] == row.thread_id
