"""What opens, pauses, resumes, meets and stops a target, and what its ladder does when."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from routing.hours import ALWAYS, Calendar
from routing.sla import Standing, policy_for
from routing.sla_load import load_sla
from routing.targets import (
    Happening,
    Target,
    Terms,
    due_steps,
    next_step,
    step_behind,
    steps_from,
    steps_of,
    wanted,
)

SLA = """
policies:
  - name: default
    pause: [waiting]
    targets: {first_response: 4h, next_response: 8h, resolution: 3d, handoff_acceptance: 2h,
      untouched: 1h}
    at_risk: [1h]
    ladder:
      - {when: due, notify: owner}
      - {when: 2h after, notify: lead, tag: late}
"""
OFFICE = Calendar("Europe/Berlin", (((9 * 60, 18 * 60),),) * 5 + ((), ()))


def terms(calendar: Calendar = ALWAYS, policy: str = SLA):  # type: ignore[no-untyped-def]
    """Terms of the only policy, in this calendar."""
    sla, problems = load_sla(policy, "sla.yaml")
    assert sla is not None, problems
    chosen = policy_for(sla, Standing("support")).policy

    def terms_for(metric: str, one: Happening) -> Terms | None:
        promise = chosen.promises.get(metric)
        if promise is None:
            return None
        limit = promise.limit.in_(calendar)
        steps = steps_of(promise.ladder, limit, calendar)
        return Terms(chosen.name, "set", "support", calendar, limit, steps, chosen.pause)

    return terms_for


START = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)  # Monday 09:00 in Berlin


def at(hours: float) -> datetime:
    """So many hours after the beginning."""
    return START + timedelta(hours=hours)


def story(*events: tuple[float, str, str] | tuple[float, str]) -> list[Happening]:
    """(hours, what, value) as a history."""
    return [
        Happening(number + 1, at(one[0]), one[1], one[2] if len(one) > 2 else "", by_person=True)
        for number, one in enumerate(events)
    ]


def seen(*events: tuple[float, str, str] | tuple[float, str]) -> list[tuple[str, str, int]]:
    """(metric, state, cycle) of every target."""
    return [(one.metric, one.state, one.cycle) for one in wanted(story(*events), terms())]


STORIES = [
    (
        "the first mail opens a response and the resolution",
        [(0, "customer")],
        [("first_response", "open", 1), ("resolution", "open", 1)],
    ),
    (
        "the oldest unanswered mail counts",
        [(0, "customer"), (3, "customer")],
        [("first_response", "open", 1), ("resolution", "open", 1)],
    ),
    (
        "a person's reply meets it, and the next mail opens the next response",
        [(0, "customer"), (1, "reply"), (2, "customer"), (3, "reply")],
        [("first_response", "met", 1), ("resolution", "open", 1), ("next_response", "met", 3)],
    ),
    (
        "closing meets the resolution and stops what was not answered",
        [(0, "customer"), (1, "status", "closed")],
        [("first_response", "stopped", 1), ("resolution", "met", 1)],
    ),
    (
        "human mail reopens: a new cycle",
        [(0, "customer"), (1, "reply"), (2, "status", "closed"), (3, "customer")],
        [
            ("first_response", "met", 1),
            ("resolution", "met", 1),
            ("next_response", "open", 4),
            ("resolution", "open", 4),
        ],
    ),
    (
        "waiting for the customer pauses, their mail resumes",
        [(0, "customer"), (1, "reply"), (1, "status", "waiting")],
        [("first_response", "met", 1), ("resolution", "paused", 1)],
    ),
    (
        "snoozing is our own affair: nothing pauses where the policy does not say so",
        [(0, "customer"), (1, "status", "snoozed")],
        [("first_response", "open", 1), ("resolution", "open", 1)],
    ),
    (
        "what we wrote first makes their answer a next response",
        [(0, "reply"), (1, "customer")],
        [("next_response", "open", 2), ("resolution", "open", 2)],
    ),
    (
        "an offer is accepted",
        [(0, "offered"), (1, "accepted")],
        [("handoff_acceptance", "met", 1)],
    ),
    (
        "an offer is declined",
        [(0, "offered"), (1, "ended")],
        [("handoff_acceptance", "stopped", 1)],
    ),
    ("an owner does something", [(0, "owned"), (1, "touched")], [("untouched", "met", 1)]),
    (
        "an owner who changes starts another cycle, one who leaves none",
        [(0, "owned"), (1, "owned"), (2, "released")],
        [("untouched", "stopped", 1), ("untouched", "stopped", 2)],
    ),
    (
        "reopened by a person: the resolution runs again",
        [(0, "customer"), (1, "status", "closed"), (2, "status", "open")],
        [
            ("first_response", "stopped", 1),
            ("resolution", "met", 1),
            ("resolution", "open", 3),
        ],
    ),
]


@pytest.mark.parametrize(("what", "events", "targets"), STORIES, ids=[one[0] for one in STORIES])
def test_a_history_gives_its_targets(what, events, targets) -> None:  # type: ignore[no-untyped-def]
    assert seen(*events) == targets


def only(metric: str, events: list[Happening], calendar: Calendar = ALWAYS) -> Target:
    """The one target of this metric."""
    (found,) = [one for one in wanted(events, terms(calendar)) if one.metric == metric]
    return found


def test_a_pause_is_accounted_exactly_and_the_rest_is_left_when_it_resumes() -> None:
    events = story((0, "customer"), (1, "reply"), (10, "status", "waiting"), (50, "status", "open"))
    target = only("resolution", events)
    assert target.used == timedelta(hours=10)
    assert target.due_at == at(50 + 72 - 10)
    assert target.total(at(60)) == timedelta(hours=20)


def test_a_pause_over_a_weekend_costs_no_business_time() -> None:
    events = story((0, "customer"), (1, "reply"), (2, "status", "waiting"), (200, "status", "open"))
    target = only("resolution", events, OFFICE)
    assert target.used == timedelta(hours=2)
    assert target.due_at == OFFICE.add(at(200), timedelta(hours=27 - 2))


@pytest.mark.parametrize("gap", [timedelta(0), timedelta(microseconds=1), timedelta(seconds=0.7)])
def test_what_paused_in_its_last_instant_is_not_due_the_second_it_resumes(gap: timedelta) -> None:
    events = story((0, "customer"), (1, "reply"), (72, "status", "waiting"), (90, "status", "open"))
    events[2] = Happening(3, at(72) - gap, "status", "waiting")
    target = only("resolution", events)
    assert target.breached_at is None
    assert target.due_at is not None
    assert target.due_at >= at(90) + timedelta(seconds=1)


def test_what_was_late_before_it_paused_stays_late() -> None:
    events = story((0, "customer"), (1, "reply"), (80, "status", "waiting"), (90, "status", "open"))
    target = only("resolution", events)
    assert target.breached_at == at(72)
    assert target.due_at == at(72)
    coming = due_steps(target, "2h after", at(200))
    assert [one.step.name for one in coming] == ["2h after"]


def test_a_reply_at_the_deadline_is_in_time_and_a_microsecond_later_is_not() -> None:
    in_time = only("first_response", story((0, "customer"), (4, "reply")))
    assert (in_time.state, in_time.breached_at) == ("met", None)
    late = story((0, "customer"), (4, "reply"))
    late[1] = Happening(2, at(4) + timedelta(microseconds=1), "reply")
    assert only("first_response", late).breached_at == at(4)


def test_the_ladder_gives_each_step_once_and_in_its_order() -> None:
    target = only("first_response", story((0, "customer")))
    names, times, name = [], [], target.first_step
    while (coming := next_step(target, name)) is not None:
        names.append(coming.step.name)
        times.append(coming.at)
        name = step_behind(target.terms, coming.step.name)
    assert names == ["1h before", "due", "2h after"]
    assert times == [at(3), at(4), at(6)]
    assert steps_from(target.terms, "gone") == ()


def test_after_downtime_all_steps_that_are_due_are_known() -> None:
    target = only("first_response", story((0, "customer")))
    assert [one.step.name for one in due_steps(target, target.first_step, at(5))] == [
        "1h before",
        "due",
    ]
    assert due_steps(target, target.first_step, at(2)) == ()


def test_a_warning_that_would_come_before_the_opening_is_left_out() -> None:
    text = SLA.replace("untouched: 1h", "untouched: 30m")
    found = wanted(story((0, "owned")), terms(ALWAYS, text))
    assert [step.name for step, _ in found[0].terms.steps] == ["due", "2h after"]


def test_a_settled_target_has_no_next_step() -> None:
    target = only("first_response", story((0, "customer"), (1, "reply")))
    assert next_step(target, target.first_step) is None
    assert due_steps(target, target.first_step, at(100)) == ()


def _random_story(rng: random.Random) -> list[Happening]:
    kinds = ["customer", "reply", "status", "status", "offered", "accepted", "owned", "touched"]
    minutes = sorted(rng.sample(range(5 * 1440), rng.randrange(1, 14)))
    events = []
    for number, minute in enumerate(minutes):
        what = rng.choice(kinds) if number else "customer"
        value = rng.choice(["open", "waiting", "closed", "snoozed"]) if what == "status" else ""
        instant = START + timedelta(minutes=minute, seconds=rng.randrange(60))
        events.append(Happening(number + 1, instant, what, value))
    return events


def _counted(target: Target, events: list[Happening], end: datetime) -> int:
    """Seconds in which the target ran and its calendar was open, one second after the other."""
    instant, seconds, running = target.opened_at, 0, True
    changes = {}
    for one in sorted(events, key=lambda one: one.at):
        if one.what == "status":
            changes[one.at] = one.value not in target.terms.pause
        elif one.what == "customer":
            changes[one.at] = True
    paused_before = [running for moment, running in sorted(changes.items()) if moment <= instant]
    if target.metric in ("first_response", "next_response", "resolution") and paused_before:
        running = paused_before[-1]
    stop = target.settled_at or end
    # Whole minutes where nothing changes, single seconds where something does.
    edges = sorted({instant, stop, *(moment for moment in changes if instant < moment < stop)})
    for begin, until in pairwise(edges):
        if target.metric in ("first_response", "next_response", "resolution"):
            running = changes.get(begin, running)
        moment = begin
        while running and moment < until:
            step = (
                60 - moment.second if moment + timedelta(seconds=60 - moment.second) <= until else 1
            )
            if target.terms.calendar.is_open(moment):
                seconds += step
            moment += timedelta(seconds=step)
    return seconds


def test_time_used_is_the_sum_of_the_open_seconds_in_which_it_ran() -> None:
    rng, compared = random.Random(5), 0
    end = START + timedelta(days=7)
    for _ in range(25):
        events = _random_story(rng)
        for target in wanted(events, terms(OFFICE)):
            resumed = [one.end for one in target.stretches if one.end == target.due_at]
            if resumed:
                continue  # paused in the very second of the deadline: a second is left over
            assert target.total(end).total_seconds() == _counted(target, events, end), target
            compared += 1
    assert compared > 60


def test_a_history_in_any_order_gives_the_same_targets() -> None:
    rng = random.Random(6)
    for _ in range(60):
        events = _random_story(rng)
        mixed = rng.sample(events, len(events))
        assert wanted(mixed, terms()) == wanted(events, terms())


def test_what_is_settled_is_never_changed_by_what_comes_later() -> None:
    rng = random.Random(7)
    for _ in range(30):
        events = _random_story(rng)
        for count in range(len(events)):
            before = {(one.metric, one.cycle): one for one in wanted(events[:count], terms())}
            after = {(one.metric, one.cycle): one for one in wanted(events, terms())}
            assert before.keys() <= after.keys()
            for key, one in before.items():
                if one.settled_at is not None:
                    assert after[key] == one


def test_at_every_instant_there_is_at_most_one_target_of_a_kind_that_runs() -> None:
    rng = random.Random(8)
    for _ in range(100):
        running = [
            one.metric for one in wanted(_random_story(rng), terms()) if one.settled_at is None
        ]
        assert len(running) == len(set(running))
        assert not {"first_response", "next_response"} <= set(running)
