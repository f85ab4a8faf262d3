"""Who answers for a thread: strategies, caps, absences, and the chain that is never empty."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.ownership import Choice, Need, Workload, answerable, choose
from routing.teams import Directory, Member, Team, load_directory

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def person(handle: str, role: str = "agent", **more: object) -> Member:
    return Member(handle, handle.capitalize(), f"{handle}@ours.example", role, **more)  # type: ignore[arg-type]


PEOPLE = (
    person("ana", skills=("sso",), languages=("pt", "en")),
    person("ben", cap=2, languages=("de",)),
    person("cem", languages=("de", "en"), skills=("gdpr",)),
    person("lea", "lead"),
    person("max", "admin"),
)
MEMBERS = ("ana", "ben", "cem", "lea")


def directory(*strategy: str) -> tuple[Directory, Team]:
    team = Team("support", "Support", "lea", MEMBERS, "lea", strategy)
    return Directory(PEOPLE, (team,)), team


def chosen(
    *strategy: str,
    wanted: Need | None = None,
    loads: dict[str, Workload] | None = None,
    away: tuple[str, ...] = (),
) -> Choice:
    return choose(*directory(*strategy), wanted or Need(), loads or {}, away)


def test_without_a_strategy_the_duty_holder_answers_and_nobody_owns_it() -> None:
    assert chosen() == Choice("lea", False, ("lea is on duty",))


def test_the_account_owner_comes_first_and_the_next_step_follows_when_they_are_away() -> None:
    wanted = Need(account_owner="cem")
    assert chosen("account-owner", "round-robin", wanted=wanted).handle == "cem"
    other = chosen("account-owner", "round-robin", wanted=wanted, away=("cem",))
    assert (other.handle, other.owned) == ("ana", True)
    assert "cem owns the account and cannot take it now" in other.why


def test_an_owner_outside_of_the_team_is_passed_over() -> None:
    assert chosen("account-owner", wanted=Need(account_owner="max")).handle == "lea"


def test_the_fewest_open_threads_decide_and_a_full_person_gets_none() -> None:
    loads = {"ana": Workload(5), "ben": Workload(2), "cem": Workload(4), "lea": Workload(9)}
    choice = chosen("fewest-open", loads=loads)
    assert choice.handle == "cem"
    assert "ben has 2 open threads already" in choice.why
    assert "has the fewest open threads (4)" in choice.why


def test_when_all_are_full_or_away_it_waits_for_the_team() -> None:
    choice = chosen("round-robin", loads={"ben": Workload(2)}, away=("ana", "cem", "lea"))
    assert (choice.handle, choice.owned) == ("max", False)
    assert choice.why[-2:] == ("lea leads the team and is away", "max is an admin")


def test_skills_and_languages_narrow_and_never_leave_nobody() -> None:
    german = Need(language="de", tags=("gdpr",))
    assert chosen("languages", "skills", "fewest-open", wanted=german).handle == "cem"
    greek = Need(language="el", tags=("nothing",))
    assert chosen("languages", "skills", "round-robin", wanted=greek).handle == "ana"


def test_when_everybody_is_away_the_duty_holder_still_answers() -> None:
    choice = answerable(*directory(), away=[one.handle for one in PEOPLE])
    assert choice.handle == "lea"
    assert choice.why[-1].startswith("everybody who could answer is away")


@given(st.lists(st.sampled_from(MEMBERS), unique=True, max_size=3), st.integers(1, 40))
def test_round_robin_is_fair(away: list[str], rounds: int) -> None:
    given_to: dict[str, Workload] = {}
    counts = dict.fromkeys(MEMBERS, 0)
    there = [one for one in MEMBERS if one not in away and one != "ben"]
    if not there:
        return
    for number in range(rounds):
        full = {"ben": Workload(2)}
        choice = choose(*directory("round-robin"), Need(), given_to | full, away)
        counts[choice.handle] += 1
        given_to[choice.handle] = Workload(0, NOON + timedelta(minutes=number))
    given_counts = [counts[one] for one in there]
    assert sum(given_counts) == rounds
    assert max(given_counts) - min(given_counts) <= 1


@given(
    st.lists(st.sampled_from([one.handle for one in PEOPLE]), unique=True),
    st.lists(
        st.sampled_from(["account-owner", "skills", "languages", "round-robin", "fewest-open"]),
        unique=True,
    ),
    st.sampled_from(["", *MEMBERS, "max", "gone"]),
    st.dictionaries(st.sampled_from(MEMBERS), st.builds(Workload, st.integers(0, 5))),
)
def test_somebody_always_answers_and_who_is_away_only_when_all_are(
    away: list[str], strategy: list[str], owner: str, loads: dict[str, Workload]
) -> None:
    wanted = Need(owner, ("sso",), "de")
    choice = choose(*directory(*strategy), wanted, loads, away)
    assert choice.handle in {one.handle for one in PEOPLE}
    assert choice.why
    if choice.owned:
        assert choice.handle in MEMBERS
        assert choice.handle not in away
        assert choice.handle != "ben" or loads.get("ben", Workload()).open_threads < 2
    elif choice.handle in away:
        assert {"lea", "max"} <= set(away)


GOOD = """
people:
  - {handle: ana, name: Ana, address: ana@ours.example, role: lead, cap: 10, skills: [sso], languages: [pt]}
  - {handle: ben, name: Ben, address: ben@ours.example}
teams:
  - {name: support, duty: ben, members: [ana, ben], strategy: [account-owner, skills, fewest-open]}
"""


def test_caps_skills_languages_lead_and_strategy_are_read() -> None:
    found, problems = load_directory(GOOD, "teams.yaml")
    assert found is not None, problems
    ana, ben = found.people
    assert (ana.cap, ana.skills, ana.languages) == (10, ("sso",), ("pt",))
    assert (ben.cap, ben.skills, ben.languages) == (None, (), ())
    assert found.teams[0].lead == "ana"
    assert found.teams[0].strategy == ("account-owner", "skills", "fewest-open")


@pytest.mark.parametrize(
    ("old", "new", "code", "said"),
    [
        ("fewest-open]", "fewest]", "bad-value", '`strategy` cannot be "fewest"'),
        (", fewest-open]", "]", "no-effect", "ends with `skills`, which names nobody"),
        ("skills, fewest-open", "fewest-open, fewest-open", "duplicate", "names a step twice"),
        ("cap: 10", "cap: -1", "out-of-range", "`cap` must be at least 0"),
        ("cap: 10", "cap: many", "wrong-type", "`cap` must be a whole number"),
        ("[pt]", "[Portuguese]", "wrong-type", "a list of ISO 639-1 codes"),
        ("duty: ben", "duty: ben, lead: eva", "unknown-person", "`lead` names "),
    ],
)
def test_what_is_wrong_in_the_file_is_said(old: str, new: str, code: str, said: str) -> None:
    found, problems = load_directory(GOOD.replace(old, new), "teams.yaml")
    assert found is None
    assert [one.code for one in problems] == [code]
    assert said in problems[0].message
