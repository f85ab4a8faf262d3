"""Two accounts that were made one by mistake are two again, with what each has had and got since."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest
from sqlalchemy import Table

from inbox.errors import AboardError, NotFound
from inbox.flow.evidence import audit
from inbox.flow.people.confidential import Confidential
from inbox.flow.working import merging
from inbox.flow.working.customers import Line, import_accounts
from inbox.flow.working.following import follow
from inbox.flow.working.regroup import Regrouping
from inbox.flow.working.undo import Undone, undo
from inbox.flow.working.work import Desk
from inbox.store import accounts, people
from inbox.store.clock_tables import targets
from inbox.store.database import Conn
from inbox.store.tables import account_domains, account_owners, contacts, events, metadata
from inbox.store.tables import accounts as accounts_table
from inbox.store.tables import messages as messages_table
from inbox.store.tables import threads as threads_table
from tests.flow.house import House, mail

NORD = "Per <per@nord.example>"
SLA = """
hours: {zone: Europe/Berlin, week: {mon-sun: 00:00-24:00}}
policies:
  - {name: default, why: All else., targets: {first_response: 4h, next_response: 8h}}
  - {name: urgent, why: It burns.}
"""
LEFT_OUT = {"events", "deeds", "alembic_version", "thread_links"}


def picture(house: House, newest_event: int) -> dict[str, Any]:
    """Every row of every table but what says that it happened: events after `newest_event`, deeds,
    versions of threads, and when something last happened on an account."""
    found: dict[str, Any] = {}
    for table in metadata.sorted_tables:
        if table.name not in LEFT_OUT and table.primary_key.columns:
            found[table.name] = _rows(house, table)
    found["events"] = [one for one in _rows(house, events) if one["id"] <= newest_event]
    return found


def _rows(house: House, table: Table) -> list[dict[str, Any]]:
    rows = [dict(row._mapping) for row in house.rows(table)]
    for row in rows:
        for name in ("version", "last_event_at"):
            row.pop(name, None)
    return rows


def newest(house: House) -> int:
    return max(one.id for one in house.rows(events))


def two(house: House) -> tuple[int, int]:
    """Two companies that share a thread's ids; the numbers of both."""
    house.receive(mail(id="a1@acme.example"), mail(NORD, id="n1@nord.example"))
    house.later(minutes=5)
    house.receive(
        mail(id="a2@acme.example", refs=["a1@acme.example", "shared@x"]),
        mail(NORD, id="n2@nord.example", refs=["shared@x"], subject="Other"),
        mail("Ben <ben@acme.example>", id="a3@acme.example", subject="Third"),
    )
    house.later(minutes=5)
    return account(house, "a1@acme.example"), account(house, "n1@nord.example")


def account(house: House, mail_id: str) -> int:
    return house.message(mail_id).account_id


def merged(house: House, source: int, target: int) -> str:
    merging.merge(house.db, source, target, "tom", house.now)
    house.later(minutes=1)
    with house.looking() as conn:
        return merging.look(conn, source).run


def unmerge(house: House, run: str, by: str = "tom") -> Undone:
    return undo(house.db, run, by, house.now)


@pytest.mark.parametrize("turned", [False, True])
def test_merging_and_unmerging_leaves_every_row_as_it_was(house: House, turned: bool) -> None:
    acme, nord = two(house)
    lines = [Line("Acme", ("acme.example",), owners={"support": "ines", "success": "maya"})]
    lines += [Line("Nord", ("nord.example",), owners={"support": "tom"})]
    import_accounts(house.db, lines, house.now)
    thread = house.thread("a2@acme.example")
    Desk(house.db, "ines").tag(thread.id, ["sso"], [], house.now)
    follow(house.db, thread.id, "ines", house.now)
    before, upto = picture(house, newest(house)), newest(house)
    run = merged(house, *((nord, acme) if turned else (acme, nord)))
    assert account(house, "a1@acme.example") == account(house, "n1@nord.example")
    assert len({house.thread("a2@acme.example").id, house.thread("n2@nord.example").id}) == 1
    assert unmerge(house, run).left == ()
    assert picture(house, upto) == before
    assert audit.audit(house.db).balanced


def test_answers_after_an_unmerge_go_where_they_went_before(house: House) -> None:
    acme, nord = two(house)
    unmerge(house, merged(house, acme, nord))
    house.receive(
        mail(id="a9@acme.example", refs=["shared@x"]),
        mail(NORD, id="n9@nord.example", refs=["shared@x"]),
        mail("New <new@acme.example>", id="a10@acme.example"),
    )
    assert house.thread("a9@acme.example").id == house.thread("a2@acme.example").id
    assert house.thread("n9@nord.example").id == house.thread("n2@nord.example").id
    assert account(house, "a10@acme.example") == acme


def test_what_came_since_goes_with_whom_it_is_from(house: House) -> None:
    acme, nord = two(house)
    run = merged(house, acme, nord)
    house.receive(
        mail(id="new-a@acme.example", subject="A new one"),
        mail("Cleo <cleo@acme.example>", id="new-c@acme.example", subject="Cleo's"),
        mail("Gus <gus@gmail.com>", id="g@gmail.com", refs=["a3@acme.example"]),
        mail(NORD, id="new-n@nord.example", subject="Theirs"),
    )
    house.receive(
        mail(id="both-a@acme.example", refs=["shared@x"]),
        mail(NORD, id="both-n@nord.example", refs=["shared@x"]),
    )
    assert unmerge(house, run).left == ()
    for one in ("a1@acme.example", "new-a@acme.example", "new-c@acme.example"):
        assert account(house, one) == house.thread(one).account_id == acme, one
    assert account(house, "new-n@nord.example") == nord
    # A thread that the merge had made of two is parted by who wrote since.
    for one, other in (("both-a@acme.example", "a2@acme.example"),):
        assert house.thread(one).id == house.thread(other).id
    assert house.thread("both-n@nord.example").id == house.thread("n2@nord.example").id
    assert account(house, "both-a@acme.example") == acme
    assert account(house, "both-n@nord.example") == nord
    assert {row.account_id for row in house.rows(contacts) if row.name == "Cleo"} == {acme}
    in_step(house)


def in_step(house: House) -> None:
    """Messages are of the account of their thread, and threads count them."""
    threads = {row.id: row for row in house.rows(threads_table)}
    counted: dict[int, int] = {}
    for row in house.rows(messages_table):
        assert threads[row.thread_id].account_id == row.account_id
        counted[row.thread_id] = counted.get(row.thread_id, 0) + 1
    for number, row in threads.items():
        if row.merged_into_id is None:
            assert row.messages == counted.get(number, 0)


@pytest.mark.parametrize("first", ["acme", "nord"])
def test_the_clocks_run_where_the_customers_wait(house: House, first: str) -> None:
    """Closed threads that were joined: each customer's mail since waits on its own thread again."""
    house.write("sla.yaml", SLA)
    house.activate()
    acme, nord = two(house)
    for one in ("a2@acme.example", "n2@nord.example"):
        Desk(house.db, "ines").close(house.thread(one).id, house.now)
    house.later(minutes=5)
    run = merged(house, acme, nord)
    since = [mail(id="since-a@acme.example", refs=["shared@x"])]
    since.append(mail(NORD, id="since-n@nord.example", refs=["shared@x"]))
    house.receive(*(since if first == "acme" else reversed(since)))
    assert unmerge(house, run).left == ()
    waiting = {house.thread(f"since-{one}.example").id for one in ("a@acme", "n@nord")}
    assert len(waiting) == 2
    running = {row.thread_id for row in house.rows(targets) if row.settled_at is None}
    assert waiting <= running
    in_step(house)


def test_a_thread_that_mails_of_both_have_met_on_since_stays_and_is_named(house: House) -> None:
    acme, nord = two(house)
    run = merged(house, acme, nord)
    house.receive(mail(NORD, id="n8@nord.example", refs=["a3@acme.example"]))
    mixed = house.thread("a3@acme.example").id
    (said,) = unmerge(house, run).left
    assert said.startswith(f"thread {mixed} stays with nord.example: mails of both")
    assert account(house, "a3@acme.example") == nord
    assert account(house, "a1@acme.example") == acme
    in_step(house)


def split(house: House, mail_id: str) -> int:
    """A person gives one mail a thread of its own; its number."""
    found = house.message(mail_id)
    return Regrouping(house.db, "tom").split(found.thread_id, [found.id], house.now).id


def test_what_was_split_off_since_goes_with_whom_its_mails_are_from(house: House) -> None:
    acme, nord = two(house)
    house.receive(mail(id="a1b@acme.example", refs=["a1@acme.example"]))
    run = merged(house, acme, nord)
    fresh = split(house, "a1b@acme.example")
    assert unmerge(house, run).left == ()
    for one in ("a1@acme.example", "a1b@acme.example"):
        assert account(house, one) == house.thread(one).account_id == acme, one
    house.receive(mail(id="a1c@acme.example", refs=["a1b@acme.example"]))
    assert house.thread("a1c@acme.example").id == fresh
    in_step(house)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("whose", ["a2@acme.example", "n2@nord.example"])
def test_a_joined_thread_that_a_person_has_sorted_out_stays_sorted_out(
    house: House, turned: bool, whose: str
) -> None:
    """Either one's mail is split off: each company has its own again, or what stays is named."""
    acme, nord = two(house)
    run = merged(house, *((nord, acme) if turned else (acme, nord)))
    fresh = split(house, whose)
    left = "; ".join(unmerge(house, run).left)
    assert house.thread(whose).id == fresh
    homes = {"a2@acme.example": acme, "n2@nord.example": nord}
    for one, home in homes.items():
        number = house.thread(one).id
        assert account(house, one) == home or f"thread {number} stays with" in left, (one, left)
    assert account(house, whose) == homes[whose]
    in_step(house)


def test_a_split_off_thread_that_stays_is_named(house: House) -> None:
    acme, nord = two(house)
    run = merged(house, acme, nord)
    house.receive(mail(NORD, id="n8@nord.example", refs=["a3@acme.example"]))
    mixed = house.thread("a3@acme.example").id
    house.receive(mail(NORD, id="n9@nord.example", refs=["n8@nord.example"]))
    numbers = [house.message(one).id for one in ("a3@acme.example", "n8@nord.example")]
    fresh = Regrouping(house.db, "tom").split(mixed, numbers, house.now).id
    left = "; ".join(unmerge(house, run).left)
    assert f"thread {fresh} stays with nord.example" in left
    assert f"thread {mixed} stays with nord.example" in left
    in_step(house)


def test_a_mail_of_nobody_known_that_was_split_off_is_named(house: House) -> None:
    acme, nord = two(house)
    house.receive(mail("Ben <ben@acme.example>", id="t@aboard.example", refs=["a3@acme.example"]))
    with house.db.write() as conn:  # as a mail of ours is
        ours = messages_table.c.id == house.message("t@aboard.example").id
        conn.execute(messages_table.update().where(ours).values(contact_id=None, direction="out"))
    run = merged(house, acme, nord)
    fresh = split(house, "t@aboard.example")
    (said,) = unmerge(house, run).left
    assert said.startswith(f"thread {fresh} stays with nord.example: it was split off since")


def test_a_persons_merge_and_move_since_are_said(house: House) -> None:
    acme, nord = two(house)
    house.receive(mail("Eve <eve@else.example>", id="e@else.example"))
    run = merged(house, acme, nord)
    sorter = Regrouping(house.db, "tom")
    third = house.thread("a3@acme.example").id
    kept = house.thread("n1@nord.example").id
    sorter.merge(third, kept, house.now)
    gone = house.thread("a2@acme.example").id
    sorter.move(gone, account(house, "e@else.example"), house.now)
    said = unmerge(house, run).left[0]
    assert f"thread {kept} stays with nord.example" in said
    assert f"thread {gone} stays" in said and "given to another account since" in said
    in_step(house)


def test_an_account_that_has_been_merged_on_is_unmerged_from_the_outside(house: House) -> None:
    acme, nord = two(house)
    house.receive(mail("Eve <eve@else.example>", id="e@else.example"))
    other = account(house, "e@else.example")
    before, upto = picture(house, newest(house)), newest(house)
    first, second = merged(house, acme, nord), merged(house, nord, other)
    with pytest.raises(AboardError, match=f"unmerge account {nord} first"):
        unmerge(house, first)
    assert unmerge(house, second).left == ()
    assert unmerge(house, first).left == ()
    assert picture(house, upto) == before


def test_only_who_did_it_or_a_lead_and_only_once(house: House) -> None:
    acme, nord = two(house)
    run = merged(house, acme, nord)
    with pytest.raises(AboardError, match="only who did it"):
        unmerge(house, run, "ines")
    unmerge(house, run, "maya")
    with pytest.raises(AboardError, match="undone already"):
        unmerge(house, run)
    with house.looking() as conn, pytest.raises(NotFound, match="an account of its own"):
        merging.look(conn, acme)


def test_a_rehearsal_says_what_would_be_and_does_nothing(house: House) -> None:
    acme, nord = two(house)
    merged(house, acme, nord)
    house.receive(mail(NORD, id="n8@nord.example", refs=["a3@acme.example"]))
    everything = [_rows(house, table) for table in metadata.sorted_tables]
    found = merging.rehearse(house.db, acme, "ines", house.now)
    assert [_rows(house, table) for table in metadata.sorted_tables] == everything
    assert (found.merged.source.id, found.merged.target.id) == (acme, nord)
    assert (found.goes.threads, found.goes.domains) == (1, 1)
    assert len(found.stays) == 1


def test_confidential_threads_that_were_linked_are_two_accounts_again(house: House) -> None:
    acme, nord = two(house)
    Confidential(house.db).thread(house.thread("a2@acme.example").id, "tom", True, "", house.now)
    before, upto = picture(house, newest(house)), newest(house)
    unmerge(house, merged(house, acme, nord))
    assert picture(house, upto) == before


def test_owners_that_were_changed_since_stay(house: House) -> None:
    acme, nord = two(house)
    import_accounts(
        house.db, [Line("Acme", ("acme.example",), owners={"support": "ines"})], house.now
    )
    run = merged(house, acme, nord)
    with house.db.write() as conn:
        accounts.set_owner(conn, nord, "support", people.by_handle(conn, "tom").id)
    unmerge(house, run)
    with house.looking() as conn:
        owned = accounts.owners_by_account(conn, [acme, nord])
    assert owned == {acme: {"support": "ines"}, nord: {"support": "tom"}}
    assert len(house.rows(account_owners)) == len(house.rows(account_domains)) == 2


@pytest.mark.parametrize(
    "db", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)
def test_a_mail_that_waited_for_an_unmerge_goes_where_its_author_is_now(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite has one writer: what was read cannot change before the lock."""
    acme, nord = two(house)
    run = merged(house, acme, nord)
    house.accept(mail(id="late@acme.example", refs=["a3@acme.example"]))
    lock, waited = accounts.lock, []

    def slow(conn: Conn, numbers: Collection[int]) -> None:
        if not waited:
            waited.append(numbers)
            unmerge(house, run)
        lock(conn, numbers)

    monkeypatch.setattr(accounts, "lock", slow)
    house.file()
    assert waited and account(house, "late@acme.example") == acme
    assert house.thread("late@acme.example").id == house.thread("a3@acme.example").id


def test_a_merge_of_before_merges_were_kept_says_so(house: House) -> None:
    acme, nord = two(house)
    with house.db.write() as conn:
        conn.execute(
            accounts_table.update().where(accounts_table.c.id == acme).values(merged_into_id=nord)
        )
    with house.looking() as conn:
        with pytest.raises(NotFound, match="was merged before"):
            merging.look(conn, acme)
        assert merging.find(conn, "acme.example").id == acme
        with pytest.raises(NotFound, match="no account 'Nobody' that was merged"):
            merging.find(conn, "Nobody")


def test_somebody_new_of_the_other_company_is_not_taken_along(house: House) -> None:
    acme, nord = two(house)
    run = merged(house, acme, nord)
    house.receive(mail("Quinn <quinn@nord.example>", id="q@nord.example", refs=["a3@acme.example"]))
    (said,) = unmerge(house, run).left
    assert f"thread {house.thread('a3@acme.example').id} stays with nord.example" in said
    assert account(house, "q@nord.example") == nord
