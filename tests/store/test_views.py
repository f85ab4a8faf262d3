"""Lists by clock and by time, in pages and from indexes; saved views; what a thread's row says."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, insert

from inbox.errors import AboardError, NotFound
from inbox.store import (
    asking,
    people,
    regroup,
    reports,
    search,
    targets,
    threads,
    timeline,
    urgency,
    views,
)
from inbox.store.asking import Known
from inbox.store.columns import NO_CLOCK
from inbox.store.counting import count_if_grown
from inbox.store.database import Conn, Database
from inbox.store.finding import Eyes
from inbox.store.seers import Seer
from inbox.store.tables import threads as threads_table
from inbox.store.timeline import Event
from inbox.store.views import DUE, HOUSE, NEWEST, Named
from tests.databases import NOW
from tests.store.company import MINUTE, open_thread, thread_row

MANY = 4_000
KNOWN = Known(teams=("support", "success"), people=("tom", "maya"))


def seer(conn: Conn, handle: str = "tom", role: str = "agent", *teams: str) -> Seer:
    number = people.by_handle(conn, handle).id
    return Seer(number, handle, role, frozenset(teams or ("support",)))


def _fill(conn: Conn) -> None:
    """Two in three are live, half of those claimed by Tom's colleague; one in a hundred is Tom's."""
    tom, maya = (people.by_handle(conn, one).id for one in ("tom", "maya"))
    rows = []
    for number in range(MANY):
        at = NOW + number * MINUTE
        live = number % 3 > 0
        row = thread_row(at, accountable_id=tom if number % 100 == 1 else maya)
        row |= {
            "status": ("waiting" if number % 2 else "open") if live else "closed",
            "team": "success" if number % 5 == 0 else "support",
            "claimed_at": NOW if number % 2 else None,
            "due_at": NOW + (MANY - number) * MINUTE if live else NO_CLOCK,
            "at_risk": live and number % 50 == 0,
        }
        rows.append(row)
    conn.execute(insert(threads_table), rows)


def _plan(db: Database, query: str, sort: str) -> str:
    asked_for: list[tuple[str, Any]] = []

    def note(_conn: Any, _cursor: Any, statement: str, values: Any, *_rest: Any) -> None:
        asked_for.append((statement, values))

    with db.read() as conn:
        who = seer(conn)
        event.listen(db.engine(), "before_cursor_execute", note)
        wanted = views.Wanted(asking.read(query, KNOWN), Eyes(who, NOW), sort)
        views.listing(conn, wanted)
        event.remove(db.engine(), "before_cursor_execute", note)
        statement, values = next(one for one in asked_for if one[0].startswith("SELECT threads"))
        how = "EXPLAIN QUERY PLAN " if db.is_sqlite else "EXPLAIN "
        lines = conn.exec_driver_sql(how + statement, values).all()
    return "\n".join(str(line[-1]) for line in lines)


def test_every_view_of_the_house_is_read_from_an_index(house: Database) -> None:
    with house.write() as conn:
        _fill(conn)
        if not house.is_sqlite:
            conn.exec_driver_sql("ANALYZE")  # it does so by itself, but later
    assert count_if_grown(house) == house.is_sqlite
    assert not count_if_grown(house), "there is no more than a moment ago"
    wanted = {
        ("mine", DUE): "ix_threads_live_owner",
        ("team", DUE): "ix_threads_live_",
        ("unclaimed", DUE): "ix_threads_unclaimed",
        ("at-risk", DUE): "ix_threads_at_risk",
        ("us", DUE): "ix_threads_status_due",
        ("us", NEWEST): "ix_threads_status_newest",
        ("customer", NEWEST): "ix_threads_status_newest",
        ("snoozed", NEWEST): "ix_threads_status_newest",
        ("all", NEWEST): "ix_threads_last_message_at",
        ("all", DUE): "ix_threads_due_at",
    }
    for (name, sort), index in wanted.items():
        view = next(one for one in HOUSE if one.name == name)
        plan = _plan(house, view.query, sort)
        indexes = (index, "ix_threads_last_message_at") if sort == NEWEST else (index,)
        assert any(one in plan for one in indexes), (name, sort, plan)
        if house.is_sqlite and name != "mine":
            assert "TEMP B-TREE" not in plan, (name, sort, plan)
        assert "Seq Scan on threads" not in plan, (name, sort, plan)


def test_what_has_no_whole_index_is_not_counted_row_by_row_under_the_write_lock(
    house: Database,
) -> None:
    """SQLite looks at a sample of an index; of a table without one it reads every page."""
    with house.write() as conn:
        _fill(conn)
        search.add(conn, [(1, "invoice")])
    if not count_if_grown(house):
        assert not house.is_sqlite
        return
    with house.read() as conn:
        counted = conn.exec_driver_sql("SELECT tbl, idx FROM sqlite_stat1").all()
    assert [one.tbl for one in counted if one.idx is None] == []
    named = {str(one.tbl) for one in counted}
    assert {"threads", "people", "accounts"} <= named
    assert not any(one.startswith("search_index") for one in named)


@pytest.mark.parametrize("sort", [DUE, NEWEST])
def test_a_list_in_pages_is_the_whole_list_in_order(house: Database, sort: str) -> None:
    with house.write() as conn:
        for number in range(23):  # several at one instant, some without a clock
            due = NOW + (number // 4) * MINUTE if number % 3 else NO_CLOCK
            open_thread(conn, NOW + (number // 5) * MINUTE, due_at=due)
    with house.read() as conn:
        eyes, seen, before = Eyes(None, NOW), [], None
        while True:
            wanted = views.Wanted(asking.Asked(), eyes, sort, before, 5)
            rows = views.listing(conn, wanted).rows
            if not rows:
                break
            seen += [views.place_of(row, sort) for row in rows]
            before = seen[-1]
    assert len(seen) == len(set(seen)) == 23
    assert seen == sorted(seen, reverse=sort == NEWEST)


def _target(conn: Conn, thread: int, metric: str, **other: Any) -> None:
    opened = Event(1, thread, None, NOW, "mail-in", "contact:ana@acme.example", {})
    row = {
        "thread_id": thread,
        "metric": metric,
        "cycle": timeline.add(conn, opened),
        "policy": "default",
        "policy_set": "x",
        "team": "support",
        "opened_at": NOW,
        "due_at": NOW + 60 * MINUTE,
        "state": "open",
        "breached_at": None,
        "paused_at": None,
        "used_seconds": 0,
        "resumed_at": NOW,
        "settled_at": None,
        "next_at": None,
        "next_step": None,
    } | other
    targets.insert(conn, [row])


def test_a_threads_row_says_when_its_first_clock_runs_out(house: Database) -> None:
    with house.write() as conn:
        thread = open_thread(conn)
        assert threads.by_id(conn, thread).due_at == NO_CLOCK
        _target(conn, thread, "resolution", due_at=NOW + 90 * MINUTE)
        _target(conn, thread, "first_response")
        one = threads.by_id(conn, thread)
        assert (one.due_at, one.at_risk) == (NOW + 60 * MINUTE, False)
        first = targets.of_threads(conn, [thread])[thread][1]
        step = {"target_id": first.id, "step": "30m before", "due_at": NOW + 30 * MINUTE}
        targets.fired(conn, [step | {"fired_at": NOW, "node": "n"}])
        urgency.refresh(conn, [thread])
        assert threads.by_id(conn, thread).at_risk is True
        from dataclasses import replace

        met = replace(first, state="met", settled_at=NOW)
        targets.save(conn, [met])
        one = threads.by_id(conn, thread)
        assert (one.due_at, one.at_risk) == (NOW + 90 * MINUTE, False)
        clock = views.clocks(conn, [thread], NOW)[thread]
        assert (clock.metric, clock.due_at, clock.late) == ("resolution", NOW + 90 * MINUTE, False)


def test_joined_threads_have_the_clocks_of_both(house: Database) -> None:
    with house.write() as conn:
        one, two = open_thread(conn), open_thread(conn)
        _target(conn, two, "first_response", breached_at=NOW)
        regroup.join(conn, one, two)
        joined = threads.by_id(conn, one)
        assert (joined.due_at, joined.at_risk) == (NOW + 60 * MINUTE, True)


def test_saved_views_are_seen_by_those_they_are_for(house: Database) -> None:
    with house.write() as conn:
        tom, maya = seer(conn), seer(conn, "maya", "admin", "success")
        mine = views.save(conn, tom, Named("Urgent", "priority:urgent"), NOW)
        views.save(conn, tom, Named("Ours", "is:open", shared="team", team="support"), NOW)
        views.save(conn, maya, Named("House", "tag:vip", NEWEST, "all"), NOW)
        views.save(conn, maya, Named("Success", "is:open", shared="team", team="success"), NOW)
        assert [one.title for one in views.saved(conn, tom)] == ["Urgent", "Ours", "House"]
        assert [one.title for one in views.saved(conn, maya)] == ["House", "Success"]
        views.move(conn, tom, mine, up=False)
        assert [one.title for one in views.saved(conn, tom)] == ["Ours", "Urgent", "House"]
        views.change(conn, tom, mine, Named("Very urgent", "priority:urgent is:late"))
        assert views.saved(conn, tom)[1].query == "priority:urgent is:late"
        with pytest.raises(NotFound):
            views.remove(conn, maya, mine)
        views.remove(conn, tom, mine)
        assert [one.title for one in views.saved(conn, tom)] == ["Ours", "House"]


def test_a_name_is_used_once_and_is_not_empty(house: Database) -> None:
    with house.write() as conn:
        tom = seer(conn)
        views.save(conn, tom, Named("Urgent", "x"), NOW)
        for title in ("Urgent", " Urgent ", "", "x" * 61):
            with pytest.raises(AboardError):
                views.save(conn, tom, Named(title, "x"), NOW)
        with pytest.raises(AboardError, match="which team"):
            views.save(conn, tom, Named("Shared", "x", shared="team"), NOW)
        views.save(conn, seer(conn, "maya"), Named("Urgent", "x"), NOW)


def test_the_house_has_views_that_can_be_typed() -> None:
    for one in HOUSE:
        assert asking.read(one.query, KNOWN).said == ()
    assert timedelta(0) < NO_CLOCK - NOW


@pytest.mark.parametrize(
    ("listed", "share", "value"),
    [
        ([1.0], 0.5, 1.0),
        ([1.0, 2.0], 0.5, 1.0),
        ([1.0, 2.0, 3.0], 0.5, 2.0),
        ([1.0] * 9 + [5.0], 0.9, 1.0),
    ],
)
def test_a_percentile_is_the_nearest_rank(listed: list[float], share: float, value: float) -> None:
    assert reports.percentile(listed, share) == value
