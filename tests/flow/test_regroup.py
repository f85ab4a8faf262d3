"""Merge, split, change account: mails, ids and clocks follow, and an undo puts all of it back."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from inbox.errors import AboardError, NotFound
from inbox.flow.evidence import audit
from inbox.flow.people.confidential import Confidential
from inbox.flow.promises import handoff
from inbox.flow.promises.handoff import Offer
from inbox.flow.working.following import follow
from inbox.flow.working.regroup import Regrouping
from inbox.flow.working.undo import undo
from inbox.flow.working.work import Desk
from inbox.store import accounts, people, regroup, search, threads
from inbox.store.tables import events, metadata, thread_ids, thread_links
from inbox.store.tables import people as people_table
from inbox.store.threads import Thread
from tests.flow.house import House, mail

SLA = """
hours: {zone: Europe/Berlin, week: {mon-sun: 00:00-24:00}}
policies:
  - name: default
    why: All else.
    targets: {first_response: 4h, next_response: 8h, resolution: 5d}
  - {name: urgent, why: It burns.}
"""


def sorting(house: House, run: str = "r1", by: str = "ines") -> Regrouping:
    return Regrouping(house.db, by, run=run)


def two(house: House) -> tuple[Thread, Thread]:
    """Two threads of one company, with mails, notes and tags."""
    house.receive(mail(id="one@acme.example", subject="Kickoff"))
    house.later(minutes=10)
    house.receive(mail(id="two@acme.example", subject="Second", body="the zebra clause"))
    house.later(minutes=10)
    house.receive(
        mail("Ben <ben@acme.example>", id="one-b@acme.example", refs=["one@acme.example"])
    )
    house.receive(mail(id="two-b@acme.example", refs=["two@acme.example", "lost@acme.example"]))
    one, other = house.thread("one@acme.example"), house.thread("two@acme.example")
    Desk(house.db, "ines").tag(one.id, ["sso"], [], house.now)
    Desk(house.db, "tom").note(other.id, "They called.", house.now)
    Desk(house.db, "tom").tag(other.id, ["billing"], [], house.now)
    house.later(minutes=10)
    return house.thread("one@acme.example"), house.thread("two@acme.example")


def picture(house: House, *, without_events: int = 0) -> dict[str, Any]:
    """Everything that hangs on threads, as rows; `without_events` of the newest events."""
    found: dict[str, Any] = {}
    listed = {*regroup.following(), *(metadata.tables[one] for one in ("threads", "contacts"))}
    listed |= {metadata.tables[one] for one in ("thread_ids", "thread_participants", "followers")}
    for table in listed:
        rows = [dict(row._mapping) for row in house.rows(table)]
        for row in rows:
            row.pop("version", None)
        if table is events and without_events:
            rows = rows[:-without_events]
        found[table.name] = rows
    found["links"] = [tuple(row)[:3] for row in house.rows(thread_links)]
    return found


def balanced(house: House) -> bool:
    return audit.audit(house.db).balanced


def test_a_merged_thread_leads_to_the_surviving_one_and_so_do_later_answers(house: House) -> None:
    one, other = two(house)
    kept = sorting(house).merge(other.id, one.id, house.now)
    assert (kept.id, kept.messages, sorted(kept.tags)) == (one.id, 4, ["billing", "sso"])
    with house.looking() as conn:
        assert threads.by_id(conn, other.id).id == one.id
        assert search.find(conn, "zebra") == (house.message("two@acme.example").id,)
    house.receive(mail(id="late@acme.example", refs=["two@acme.example"]))
    assert house.thread("late@acme.example").id == one.id
    assert house.rows(events, kind="threads-merged")[0].data["absorbed"] == str(other.id)
    assert balanced(house)


def test_mails_of_two_companies_are_not_merged(house: House) -> None:
    one, _ = two(house)
    house.receive(mail("Per <per@nord.example>", id="n@nord.example"))
    with pytest.raises(AboardError, match="two companies are not put into one thread"):
        sorting(house).merge(house.thread("n@nord.example").id, one.id, house.now)
    with pytest.raises(AboardError, match="that thread already"):
        sorting(house).merge(one.id, one.id, house.now)


def test_two_threads_on_offer_are_not_merged(house: House) -> None:
    one, other = two(house)
    for number in (one.id, other.id):
        handoff.offer(house.db, Offer(number, "success", "tom", "Theirs."), house.now)
    with pytest.raises(AboardError, match="both threads are on offer"):
        sorting(house).merge(other.id, one.id, house.now)


def test_mail_that_joins_two_threads_on_offer_ends_one_offer(house: House) -> None:
    one, other = two(house)
    for number in (one.id, other.id):
        handoff.offer(house.db, Offer(number, "success", "tom", "Theirs."), house.now)
    house.receive(mail(id="both@acme.example", refs=["one@acme.example", "two@acme.example"]))
    assert house.states() == {"filed": 5}
    assert house.thread("two@acme.example").id == one.id


def test_undoing_a_merge_puts_everything_back(house: House) -> None:
    house.write("sla.yaml", SLA)
    house.activate()
    one, other = two(house)
    before = picture(house)
    assert before["targets"]
    sorting(house).merge(other.id, one.id, house.now)
    house.later(minutes=1)
    assert undo(house.db, "r1", "ines", house.now).left == ()
    after = picture(house, without_events=3)
    assert after == before
    assert [row.kind for row in house.rows(events)[-2:]] == ["threads-unmerged"] * 2
    assert balanced(house)


def test_what_came_between_merge_and_undo_stays_and_joins_nothing_again(house: House) -> None:
    one, other = two(house)
    sorting(house).merge(other.id, one.id, house.now)
    both = ["one@acme.example", "two@acme.example"]
    house.receive(mail(id="late@acme.example", refs=both))
    undo(house.db, "r1", "ines", house.now)
    assert house.thread("late@acme.example").id == one.id
    house.receive(mail(id="later@acme.example", refs=[*both, "two-b@acme.example"]))
    assert house.thread("later@acme.example").id == other.id
    assert house.thread("one@acme.example").id == one.id


@pytest.mark.parametrize("gone", ["the absorbed one's", "the surviving one's"])
def test_no_undo_of_a_merge_makes_a_thread_without_mail(house: House, gone: str) -> None:
    one, other = two(house)
    sorting(house).merge(other.id, one.id, house.now)
    names = ("two", "two-b") if gone == "the absorbed one's" else ("one", "one-b")
    numbers = [house.message(f"{name}@acme.example").id for name in names]
    fresh = sorting(house, "r2").split(one.id, numbers, house.now)
    (said,) = undo(house.db, "r1", "ines", house.now).left
    whose = other.id if names[0] == "two" else one.id
    assert said == (
        f"thread {one.id} stays merged: no mail that was thread {whose}'s is on it any more"
    )
    with house.looking() as conn:
        assert threads.by_id(conn, other.id).id == one.id
        assert (threads.by_id(conn, one.id).messages, fresh.messages) == (2, 2)
    assert balanced(house)


def mark(house: House, thread_id: int, on: bool = True) -> None:
    Confidential(house.db).thread(thread_id, "tom", on, "", house.now)


def test_no_mail_joins_a_confidential_thread_with_another(house: House) -> None:
    """Who follows the other thread would see what is confidential (DESIGN I7)."""
    one, other = two(house)
    follow(house.db, one.id, "ines", house.now)
    mark(house, other.id)
    house.receive(mail(id="both@acme.example", refs=["one@acme.example", "two@acme.example"]))
    assert house.thread("both@acme.example").id == house.thread("two@acme.example").id == other.id
    assert house.thread("one@acme.example").id == one.id
    assert [(row.thread_id, row.other_id) for row in house.rows(thread_links)] == [
        (one.id, other.id)
    ]
    with house.looking() as conn:
        assert not threads.by_id(conn, one.id).confidential


def test_a_confidential_thread_is_not_merged_with_one_that_is_not(house: House) -> None:
    one, other = two(house)
    mark(house, other.id)
    with pytest.raises(AboardError, match="is confidential and thread"):
        sorting(house).merge(other.id, one.id, house.now)
    mark(house, one.id)
    assert sorting(house).merge(other.id, one.id, house.now).confidential


def test_what_became_confidential_after_a_merge_stays_so_in_both(house: House) -> None:
    one, other = two(house)
    sorting(house).merge(other.id, one.id, house.now)
    mark(house, one.id)
    undo(house.db, "r1", "ines", house.now)
    with house.looking() as conn:
        assert threads.by_id(conn, other.id).confidential
        assert threads.by_id(conn, one.id).confidential


def test_who_has_left_does_not_answer_for_an_unmerged_thread(house: House) -> None:
    one, other = two(house)
    Desk(house.db, "ines").claim(other.id, house.now)
    sorting(house, by="tom").merge(other.id, one.id, house.now)
    with house.db.write() as conn:
        ines = people.by_handle(conn, "ines").id
        conn.execute(update(people_table).where(people_table.c.id == ines).values(active=False))
    undo(house.db, "r1", "tom", house.now)
    with house.looking() as conn:
        again = threads.by_id(conn, other.id)
    assert again.accountable_id != ines
    assert again.claimed_at is None


def test_a_thread_that_somebody_moves_meanwhile_keeps_its_ids(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, _ = two(house)
    house.receive(mail("Per <per@nord.example>", id="n@nord.example"))
    nord = house.thread("n@nord.example").account_id
    before = house.rows(thread_ids, thread_id=one.id)
    lock = accounts.lock

    def meanwhile(conn: Any, numbers: Any) -> None:
        lock(conn, numbers)
        regroup.rehouse(conn, one, nord, [])

    monkeypatch.setattr(accounts, "lock", meanwhile)
    with pytest.raises(AboardError, match="already"):
        sorting(house).move(one.id, nord, house.now)
    monkeypatch.undo()
    assert len(house.rows(thread_ids, thread_id=one.id)) == len(before) > 0


def test_split_messages_get_a_thread_and_answers_to_them_follow(house: House) -> None:
    house.write("sla.yaml", SLA)
    house.activate()
    one, _ = two(house)
    moved = house.message("one-b@acme.example")
    fresh = sorting(house).split(one.id, [moved.id], house.now)
    assert house.thread("one-b@acme.example").id == fresh.id
    assert (fresh.messages, fresh.team, fresh.accountable_id) == (1, one.team, one.accountable_id)
    assert house.thread("one@acme.example").messages == 1
    house.receive(
        mail(id="re@acme.example", refs=["one@acme.example", "one-b@acme.example"]),
        mail(id="re2@acme.example", refs=["one@acme.example"]),
    )
    assert house.thread("re@acme.example").id == fresh.id
    assert house.thread("re2@acme.example").id == one.id
    assert balanced(house)


def test_a_split_moves_some_messages_and_not_all(house: House) -> None:
    one, _ = two(house)
    with pytest.raises(AboardError, match="none would stay"):
        numbers = [house.message(f"{name}@acme.example").id for name in ("one", "one-b")]
        sorting(house).split(one.id, numbers, house.now)
    with pytest.raises(AboardError, match="choose the messages"):
        sorting(house).split(one.id, [], house.now)
    with pytest.raises(NotFound):
        sorting(house).split(one.id, [house.message("two@acme.example").id], house.now)


def test_undoing_a_split_puts_everything_back_but_the_address_of_the_new_thread(
    house: House,
) -> None:
    house.write("sla.yaml", SLA)
    house.activate()
    one, _ = two(house)
    before = picture(house)
    fresh = sorting(house).split(one.id, [house.message("one-b@acme.example").id], house.now)
    house.later(minutes=1)
    assert undo(house.db, "r1", "ines", house.now).left == ()
    after = picture(house)
    with house.looking() as conn:
        assert threads.by_id(conn, fresh.id).id == one.id
    assert [row for row in after["threads"] if row["id"] != fresh.id] == before["threads"]
    for name in before.keys() - {"threads", "events", "assignments"}:
        assert after[name] == before[name], name
    assert balanced(house)


def test_a_thread_goes_to_another_account_with_its_ids_and_who_only_wrote_there(
    house: House,
) -> None:
    house.receive(mail(id="a@acme.example"))
    house.receive(mail("Zoe <zoe@gmail.com>", id="z@gmail.com", subject="Private address"))
    acme, stray = house.thread("a@acme.example"), house.thread("z@gmail.com")
    before = picture(house)
    moved, know = sorting(house).move(stray.id, acme.account_id, house.now)
    assert (moved.account_id, know) == (acme.account_id, ())
    house.receive(mail("Zoe <zoe@gmail.com>", id="z2@gmail.com", refs=["z@gmail.com"]))
    assert house.thread("z2@gmail.com").id == stray.id
    assert balanced(house)
    with house.looking() as conn:
        found = accounts.by_id(conn, acme.account_id)
    assert house.rows(events, kind="account-changed")[0].data["to"] == found.name
    assert before["threads"]


def test_whoever_is_known_elsewhere_stays_and_that_is_said(house: House) -> None:
    house.receive(mail(id="a@acme.example"), mail("Per <per@nord.example>", id="n@nord.example"))
    house.receive(mail(id="b@acme.example", subject="Other"))
    acme, nord = house.thread("b@acme.example"), house.thread("n@nord.example")
    _, know = sorting(house).move(acme.id, nord.account_id, house.now)
    assert know == (
        "Ana Costa is also known from other threads of acme.example:"
        " what they write next goes there",
    )
    (told,) = house.rows(events, kind="account-changed")
    assert told.data["to_know"] == list(know)


def test_undoing_a_change_of_account_puts_everything_back(house: House) -> None:
    house.receive(mail(id="a@acme.example", refs=["shared@x.example"]))
    house.receive(mail("Per <per@nord.example>", id="n@nord.example", refs=["shared@x.example"]))
    acme, nord = house.thread("a@acme.example"), house.thread("n@nord.example")
    house.later(minutes=1)
    before = picture(house)
    sorting(house).move(nord.id, acme.account_id, house.now)
    ids = {row.mail_id: row.thread_id for row in house.rows(thread_ids)}
    assert ids == {
        "a@acme.example": acme.id,
        "shared@x.example": acme.id,
        "n@nord.example": nord.id,
    }
    house.later(minutes=1)
    assert undo(house.db, "r1", "ines", house.now).left == ()
    assert picture(house, without_events=2) == before
    with pytest.raises(AboardError, match=r"already"):
        sorting(house).move(nord.id, nord.account_id, house.now)


def test_every_table_of_a_thread_moves_along() -> None:
    named = {"thread_ids", "thread_participants", "thread_links", "followers", "side_mails"}
    named.add("presence")  # who looks at which page: over in a minute
    moving = {table.name for table in regroup.following()} | named | {"threads", "deeds"}
    for table in metadata.sorted_tables:
        of_thread = any(key.column.table.name == "threads" for key in table.foreign_keys)
        assert not of_thread or table.name in moving, table.name


@pytest.mark.parametrize("how", ["a mail", "a person"])
def test_what_was_urgent_stays_urgent_in_one_thread_and_it_is_said(house: House, how: str) -> None:
    one, other = two(house)
    Desk(house.db, "tom").prioritise(other.id, "urgent", house.now)
    if how == "a mail":
        refs = ["one@acme.example", "two@acme.example"]
        house.receive(mail(id="both@acme.example", refs=refs))
    else:
        sorting(house).merge(other.id, one.id, house.now)
    joined = house.thread("two@acme.example")
    assert (joined.id, joined.priority) == (one.id, "urgent")
    kind = "threads-joined" if how == "a mail" else "threads-merged"
    (said,) = [row.data for row in house.rows(events, kind=kind)]
    assert (said["priority"], said["priority_from"]) == ("urgent", "normal")
    if how == "a person":
        undo(house.db, "r1", "ines", house.now)
        assert house.thread("one@acme.example").priority == "normal"
        assert house.thread("two@acme.example").priority == "urgent"


def test_the_lower_of_two_priorities_changes_nothing(house: House) -> None:
    one, other = two(house)
    Desk(house.db, "tom").prioritise(one.id, "high", house.now)
    sorting(house).merge(other.id, one.id, house.now)
    assert house.thread("two@acme.example").priority == "high"
    (said,) = [row.data for row in house.rows(events, kind="threads-merged")]
    assert "priority" not in said
