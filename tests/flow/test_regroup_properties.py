"""Whatever was sorted wrongly, threads or whole accounts: its undo leaves every row as it was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from inbox.flow.evidence import audit
from inbox.flow.working import merging
from inbox.flow.working.following import follow
from inbox.flow.working.regroup import Regrouping
from inbox.flow.working.undo import undo
from inbox.flow.working.work import Desk
from inbox.store import accounts, people, threads
from inbox.store.tables import account_domains, events, messages
from inbox.store.tables import threads as threads_table
from tests.databases import NOW
from tests.flow.house import House, mail
from tests.flow.test_joining import empty
from tests.flow.test_regroup import SLA
from tests.flow.test_unmerge import newest, picture

WRITERS = (
    *("Ana <ana@acme.example>", "Ben <ben@acme.example>", "Per <per@nord.example>"),
    "Quinn <quinn@nord.example>",
)
DEEDS = ("", "", "claim", "close", "wait", "tag", "note", "follow", "own")


@dataclass(frozen=True)
class Step:
    """A mail and what somebody does about it then."""

    writer: str
    refers: tuple[int, ...]
    """Earlier mails, or ids that nobody has seen (below 0), that it refers to."""
    deed: str


def steps(least: int, most: int) -> st.SearchStrategy[list[Step]]:
    one = st.builds(
        Step,
        st.sampled_from(WRITERS),
        st.lists(st.integers(-2, 6), max_size=2, unique=True).map(tuple),
        st.sampled_from(DEEDS),
    )
    return st.lists(one, min_size=least, max_size=most)


def told(house: House, story: list[Step]) -> None:
    """Let it happen."""
    for number, step in enumerate(story):
        refs = [f"m{other}@x" for other in step.refers if other < number]
        house.receive(mail(step.writer, id=f"m{number}@x", refs=refs, subject=f"About {number}"))
        house.later(minutes=7)
        if step.deed:
            _do(house, step.deed, house.thread(f"m{number}@x"))


def _do(house: House, deed: str, thread: threads.Thread) -> None:
    desk = Desk(house.db, "tom")
    if deed == "claim" and thread.claimed_at is None:
        desk.claim(thread.id, house.now)
    elif deed in ("close", "wait"):
        getattr(desk, deed)(thread.id, house.now)
    elif deed == "tag":
        desk.tag(thread.id, [f"t{thread.id}"], [], house.now)
    elif deed == "note":
        desk.note(thread.id, "They called.", house.now)
    elif deed == "follow":
        follow(house.db, thread.id, "ines", house.now)
    elif deed == "own":
        with house.db.write() as conn:
            ines = people.by_handle(conn, "ines").id
            accounts.set_owner(conn, thread.account_id, "support", ines)


def standing(house: House) -> list[Any]:
    return [row for row in house.rows(threads_table) if row.merged_into_id is None]


def regrouped(house: House, draw: st.DataObject) -> str:
    """Merge, split, or make one of two accounts; under which name it is undone, empty where there
    is nothing to do."""
    there = standing(house)
    pairs = [(a.id, b.id) for a in there for b in there if a is not b]
    pairs = [(a, b) for a, b in pairs if _account(there, a) == _account(there, b)]
    long = [one.id for one in there if one.messages > 1]
    sorts = ["accounts"] * (len({one.account_id for one in there}) > 1)
    sorts += ["merge"] * bool(pairs) + ["split"] * bool(long)
    if not sorts:
        return ""
    sorter = Regrouping(house.db, "tom", run="r1")
    what = draw.draw(st.sampled_from(sorts))
    if what == "merge":
        sorter.merge(*draw.draw(st.sampled_from(pairs)), house.now)
    elif what == "split":
        number = draw.draw(st.sampled_from(long))
        mails = [row.id for row in house.rows(messages, thread_id=number)]
        chosen = st.lists(st.sampled_from(mails), min_size=1, max_size=len(mails) - 1, unique=True)
        sorter.split(number, draw.draw(chosen), house.now)
    else:
        source, target = draw.draw(st.permutations(sorted({one.account_id for one in there})))[:2]
        merging.merge(house.db, source, target, "tom", house.now)
        with house.looking() as conn:
            return merging.look(conn, source).run
    return "r1"


def _account(there: list[Any], number: int) -> int:
    return next(int(one.account_id) for one in there if one.id == number)


def without_new(after: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    """A split leaves the empty thread, and the decision that made it, behind."""
    found = dict(after)
    for name in ("threads", "assignments"):
        known = {row["id"] for row in before[name]}
        found[name] = [row for row in after[name] if row["id"] in known]
    return found


def _begin(house: House) -> None:
    empty(house.db)
    house.now = NOW


@pytest.fixture
def promising(house: House) -> House:
    """A house with clocks."""
    house.write("sla.yaml", SLA)
    house.activate()
    return house


LENGTHS = [4, pytest.param(300, marks=pytest.mark.campaign)]


def each(most: int) -> Any:
    """Examples; what fails is made smaller in the campaign alone, as that takes minutes."""
    phases = tuple(Phase) if most > 4 else (Phase.generate,)
    ignored = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
    return settings(max_examples=most, phases=phases, suppress_health_check=ignored)


@pytest.mark.parametrize("most", LENGTHS)
def test_undoing_any_regrouping_leaves_every_row_as_it_was(promising: House, most: int) -> None:
    house = promising

    @each(most)
    @given(steps(3, 7), st.data())
    def undone(story: list[Step], draw: st.DataObject) -> None:
        _begin(house)
        told(house, story)
        upto = newest(house)
        before = picture(house, upto)
        run = regrouped(house, draw)
        house.later(minutes=1)
        if run:
            assert undo(house.db, run, "tom", house.now).left == ()
            assert without_new(picture(house, upto), before) == before
            assert audit.audit(house.db).balanced

    undone()


@pytest.mark.parametrize("most", LENGTHS)
def test_what_came_since_two_accounts_were_one_is_with_one_of_them(
    promising: House, most: int
) -> None:
    """Whatever has happened since: mails are of the account of their thread, threads count their
    mails, and nobody's new thread goes to the other company."""
    house = promising

    @each(most)
    @given(steps(2, 5), steps(1, 5))
    def parted(story: list[Step], since: list[Step]) -> None:
        _begin(house)
        house.receive(mail(WRITERS[0], id="a@x"), mail(WRITERS[2], id="n@x"))
        told(house, story)
        acme, nord = (house.message(one).account_id for one in ("a@x", "n@x"))
        merging.merge(house.db, acme, nord, "tom", house.now)
        with house.looking() as conn:
            run = merging.look(conn, acme).run
        upto = max(row.id for row in house.rows(messages))
        for step in since:
            refs = [f"m{other}@x" for other in step.refers]
            count = len(house.rows(messages))
            house.receive(mail(step.writer, id=f"s{count}@x", refs=refs, subject="Since"))
            house.later(minutes=7)
        left = " ".join(undo(house.db, run, "tom", house.now).left)
        _in_step(house)
        assert {row.domain: row.account_id for row in house.rows(account_domains)} == {
            "acme.example": acme,
            "nord.example": nord,
        }
        of = {"acme.example": acme, "nord.example": nord}
        for row in house.rows(messages):
            own = of[row.from_address.partition("@")[2]]
            if row.id <= upto or row.account_id == own:
                continue
            assert f"thread {row.thread_id} stays with nord.example" in left
        assert audit.audit(house.db).balanced
        assert {row.account_id for row in house.rows(events)} == {acme, nord}

    parted()


def _in_step(house: House) -> None:
    numbered = {row.id: row for row in house.rows(threads_table)}
    counted: dict[int, int] = {}
    for row in house.rows(messages):
        assert numbered[row.thread_id].account_id == row.account_id
        assert numbered[row.thread_id].merged_into_id is None
        counted[row.thread_id] = counted.get(row.thread_id, 0) + 1
    for number, thread in numbered.items():
        if thread.merged_into_id is None and counted.get(number):
            assert thread.messages == counted[number]
