"""Ownership is never empty: who leaves, is away or is removed leaves nothing behind."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import update

from inbox.flow.evidence.audit import audit
from inbox.flow.people.ownership import OWNER_CHANGED, Owners
from inbox.flow.promises import handoff
from inbox.flow.promises.handoff import Offer
from inbox.flow.promises.rehoming import Attendance, house_of, rehome
from inbox.flow.promises.rehoming import House as Homes
from inbox.store import absences, accounts, handoffs, people, rehoming, threads, workload
from inbox.store.database import Conn
from inbox.store.tables import events, teams
from inbox.store.threads import Thread
from routing.ownership import Need
from routing.teams import Directory, load_directory
from tests.databases import ON_POSTGRES, waits_for_lock
from tests.flow.house import TEAMS, House, mail
from tests.services.waiting import until


def directory(text: str = TEAMS) -> Directory:
    found, problems = load_directory(text, "teams.yaml")
    assert found is not None, problems
    return found


def homes(house: House, text: str = TEAMS) -> Homes:
    with house.looking() as conn:
        return house_of(conn, directory(text), "support")


def owner(house: House, mail_id: str) -> tuple[str, str, bool]:
    """Team, handle of who answers, and whether the thread is theirs."""
    found = house.thread(mail_id)
    with house.looking() as conn:
        handle = people.by_id(conn, found.accountable_id).handle
    return found.team, handle, found.claimed_at is not None


def claim(house: House, found: Thread, handle: str) -> None:
    with house.db.write() as conn:
        person = people.by_handle(conn, handle)
        threads.save(conn, found.id, accountable_id=person.id, claimed_at=house.now)


def leave(house: House, handle: str, **until: float) -> None:
    with house.db.write() as conn:
        person = people.by_handle(conn, handle)
        until_at = house.now + timedelta(**until) if until else None
        absences.add(conn, person.id, house.now, until_at, "leave", house.now)


def new_file(house: House, text: str) -> int:
    """What happens when another teams.yaml comes into force."""
    with house.db.write() as conn:
        people.sync(conn, directory(text))
    where = homes(house, text)
    with house.db.write() as conn:
        return rehome(conn, where, house.now)


def test_a_new_teams_file_in_force_rehomes_in_its_own_transaction(house: House) -> None:
    house.receive(mail(id="one@acme.example"))
    claim(house, house.thread("one@acme.example"), "ines")
    without = TEAMS.replace("members: [tom, ines]", "members: [tom]")
    house.write("teams.yaml", "\n".join(x for x in without.splitlines() if "handle: ines" not in x))
    house.activate()
    assert owner(house, "one@acme.example") == ("support", "tom", False)


@pytest.fixture
def threads_of_two(house: House) -> House:
    """One thread waits for support, Ines owns the other."""
    house.receive(mail(id="one@acme.example"), mail(id="two@acme.example", subject="Other"))
    claim(house, house.thread("two@acme.example"), "ines")
    return house


def test_who_is_removed_from_the_file_leaves_their_threads_to_the_team(
    threads_of_two: House,
) -> None:
    house = threads_of_two
    offered = handoff.offer(
        house.db,
        Offer(house.thread("two@acme.example").id, "success", "ines", "billing"),
        house.now,
    )
    without = TEAMS.replace("members: [tom, ines]", "members: [tom]")
    without = "\n".join(line for line in without.splitlines() if "handle: ines" not in line)
    assert new_file(house, without) == 1
    assert owner(house, "two@acme.example") == ("support", "tom", False)
    with house.looking() as conn:
        giver = handoffs.by_id(conn, offered.id).giver_id
        assert rehoming.unanswerable(conn) == ()
        assert people.by_id(conn, giver).handle == "tom"
    changed = house.rows(events, kind="owner-changed")
    assert changed[0].data["from"] == "ines"
    assert changed[0].data["why"] == "ines is no longer in teams.yaml; tom is on duty"


def test_another_duty_holder_takes_what_waits_and_not_what_is_owned(threads_of_two: House) -> None:
    house = threads_of_two
    assert new_file(house, TEAMS.replace("duty: tom", "duty: ines")) == 1
    assert owner(house, "one@acme.example") == ("support", "ines", False)
    assert owner(house, "two@acme.example") == ("support", "ines", True)


def test_the_threads_of_a_team_that_is_gone_go_to_the_fallback_team(house: House) -> None:
    house.receive(mail(id="bill@acme.example", subject="invoice 7"))
    assert owner(house, "bill@acme.example") == ("success", "maya", False)
    gone = "\n".join(line for line in TEAMS.splitlines() if "name: success" not in line)
    assert new_file(house, gone) == 1
    assert owner(house, "bill@acme.example") == ("support", "tom", False)


def test_a_duty_holder_who_is_away_is_stood_in_for_until_they_are_back(house: House) -> None:
    house.receive(mail(id="one@acme.example"))
    where, attendance = homes(house), Attendance()

    def house_now(conn: Conn) -> Homes:
        return where

    assert attendance.keep(house.db, house_now, house.now) == 0
    house.later(minutes=1)
    leave(house, "tom", days=2)
    assert attendance.keep(house.db, house_now, house.now) == 1
    assert owner(house, "one@acme.example") == ("support", "maya", False)
    house.later(days=1)
    assert attendance.keep(house.db, house_now, house.now) == 0
    house.later(days=1)
    assert attendance.keep(house.db, house_now, house.now) == 1
    assert owner(house, "one@acme.example") == ("support", "tom", False)


def test_what_somebody_owns_who_is_away_stays_theirs_until_the_customer_writes(
    threads_of_two: House,
) -> None:
    house = threads_of_two
    leave(house, "ines")
    with house.db.write() as conn:
        rehome(conn, homes(house), house.now)
    assert owner(house, "two@acme.example") == ("support", "ines", True)


def test_nobody_moves_when_nothing_changed(threads_of_two: House) -> None:
    house = threads_of_two
    with house.db.write() as conn:
        assert rehome(conn, homes(house), house.now) == 0


def test_turns_are_taken_in_one_transaction_and_over_transactions(house: House) -> None:
    text = TEAMS.replace("members: [tom, ines]", "members: [tom, ines], strategy: [round-robin]")
    with house.db.write() as conn:
        people.sync(conn, directory(text))
    where = homes(house, text)
    given = []
    for _ in range(3):
        house.later(minutes=1)
        with house.db.write() as conn:
            owners = Owners(conn, where.directory, where.person_ids, house.now)
            given += [owners.choose("support", Need()).handle for _ in range(1)]
    assert given == ["tom", "ines", "tom"]
    with house.db.write() as conn:
        people.sync(conn, directory(text))  # another file does not forget whose turn it is
        loads = workload.take_turns(conn, ["support"])["support"]
    given_at = loads["tom"].given_at
    assert given_at is not None
    assert house.now <= given_at < house.now + timedelta(seconds=1)


def test_the_fewest_open_threads_count_within_a_batch(threads_of_two: House) -> None:
    house = threads_of_two
    text = TEAMS.replace("members: [tom, ines]", "members: [tom, ines], strategy: [fewest-open]")
    where = homes(house, text)
    with house.db.write() as conn:
        people.sync(conn, directory(text))
        owners = Owners(conn, where.directory, where.person_ids, house.now)
        given = [owners.choose("support", Need()).handle for _ in range(3)]
    assert given == ["tom", "ines", "tom"]  # Ines owned one already, then they are equal


def test_a_person_named_by_a_rule_is_passed_over_while_away(house: House) -> None:
    where = homes(house)
    with house.db.write() as conn:
        owners = Owners(conn, where.directory, where.person_ids, house.now)
        assert owners.choose("support", Need(), "ines").handle == "ines"
    leave(house, "ines")
    with house.db.write() as conn:
        owners = Owners(conn, where.directory, where.person_ids, house.now)
        choice = owners.choose("support", Need(), "ines")
    assert (choice.handle, choice.owned) == ("tom", False)
    assert choice.why[0] == "ines is named by the rule and is away"


def test_being_back_ends_an_absence(house: House) -> None:
    leave(house, "ines")
    with house.db.write() as conn:
        person = people.by_handle(conn, "ines")
        assert absences.away(conn, house.now) == {"ines"}
        assert absences.end(conn, person.id, house.now) == 1  # begun just now: as if it never was
        assert absences.listing(conn, house.now) == ()
        absences.add(conn, person.id, house.now, None, "leave", house.now)
        house.later(hours=1)
        assert absences.end(conn, person.id, house.now) == 1
        assert absences.away(conn, house.now) == frozenset()


def test_filing_gives_threads_out_by_the_teams_strategy_and_says_why(house: House) -> None:
    taking = "members: [tom, ines], strategy: [round-robin]"
    house.write("teams.yaml", TEAMS.replace("members: [tom, ines]", taking))
    house.activate()
    ids = [f"{number}@acme.example" for number in range(4)]
    house.receive(*(mail(id=one, subject=f"Question {one}") for one in ids))
    assert [owner(house, one)[1] for one in ids] == ["tom", "ines", "tom", "ines"]
    assert all(owner(house, one)[2] for one in ids)
    said = house.rows(events, kind="assigned")[0].data
    assert (said["accountable"], said["owned"]) == ("tom", True)
    assert said["why"] == "is next in turn"


def test_the_customers_reply_to_somebody_who_is_away_finds_somebody_else(
    threads_of_two: House,
) -> None:
    house = threads_of_two
    leave(house, "ines")
    house.later(minutes=5)
    automatic = {"Auto-Submitted": "auto-replied"}
    house.receive(mail(id="ooo@acme.example", refs=["two@acme.example"], headers=automatic))
    assert owner(house, "two@acme.example") == ("support", "ines", True)
    house.receive(mail(id="three@acme.example", refs=["two@acme.example"], subject="Re: Other"))
    assert owner(house, "two@acme.example") == ("support", "tom", False)
    said = house.rows(events, kind="owner-changed")[-1].data
    assert said["why"].startswith("ines is away and the customer wrote; ")
    assert (said["from"], said["to"]) == ("ines", "tom")


def test_what_came_to_somebody_just_as_they_left_is_found_within_a_minute(house: House) -> None:
    house.receive(mail(id="one@acme.example"))
    without = TEAMS.replace("members: [tom, ines]", "members: [tom]")
    without = "\n".join(line for line in without.splitlines() if "handle: ines" not in line)
    where, attendance = homes(house, without), Attendance()
    attendance.keep(house.db, lambda conn: where, house.now)
    with house.looking() as conn:
        ines = people.by_handle(conn, "ines").id
    new_file(house, without)
    with house.db.write() as conn:  # as filing does that began under the file of a moment ago
        threads.save(conn, house.thread("one@acme.example").id, accountable_id=ines)
    house.later(seconds=61)
    assert attendance.keep(house.db, lambda conn: where, house.now) == 1
    assert owner(house, "one@acme.example")[1] != "ines"
    assert audit(house.db).findings == ()


def test_two_nodes_that_rehome_at_once_move_and_say_it_once(threads_of_two: House) -> None:
    house = threads_of_two
    where = homes(house)
    leave(house, "tom", days=2)
    moved: list[int] = []

    def other() -> None:
        with house.db.write() as conn:
            moved.append(rehome(conn, where, house.now))

    beside = threading.Thread(target=other)
    with house.db.write() as conn:
        moved.append(rehome(conn, where, house.now))
        beside.start()
        beside.join(0.5)
    beside.join()
    said = [one for one in house.rows(events) if one.kind == OWNER_CHANGED]
    assert sorted(moved) == [0, len(said)] and len(said) > 0
    assert len({one.thread_id for one in said}) == len(said)


@ON_POSTGRES
def test_who_leaves_while_their_customer_writes_stops_neither(threads_of_two: House) -> None:
    """Filing holds accounts first and then asks whose turn it is; so does a new teams file."""
    house = threads_of_two
    without = TEAMS.replace("members: [tom, ines]", "members: [tom]")
    house.write("teams.yaml", "\n".join(x for x in without.splitlines() if "handle: ines" not in x))
    beside = threading.Thread(target=house.activate)
    with house.db.write() as conn:
        accounts.lock(conn, [house.thread("two@acme.example").account_id])
        beside.start()
        until(lambda: waits_for_lock(house.db), within=60)
        workload.take_turns(conn, ["support", "success"])
    beside.join()
    assert owner(house, "two@acme.example") == ("support", "tom", False)


def test_the_audit_names_what_nobody_who_is_there_answers_for(threads_of_two: House) -> None:
    """Nothing of ours leaves it so: rows are changed behind the program's back."""
    house = threads_of_two
    assert audit(house.db).findings == ()
    with house.db.write() as conn:
        conn.execute(
            update(people.people).where(people.people.c.handle == "ines").values(active=False)
        )
        conn.execute(update(teams).where(teams.c.name == "success").values(active=False))
    number = house.thread("two@acme.example").id
    assert audit(house.db).findings == (
        f"thread {number} of support: ines answers for it and is not in teams.yaml any more",
    )
    with house.db.write() as conn:
        conn.execute(
            update(people.people).where(people.people.c.handle == "tom").values(active=False)
        )
    assert "team support: its duty holder is not in teams.yaml any more" in audit(house.db).findings
