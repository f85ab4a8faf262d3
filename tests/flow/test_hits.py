"""What is counted of rules and people, and when a rule may act again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from inbox.config import load
from inbox.flow.evidence.coverage import rules_page, shadow_counts
from inbox.flow.working import desk
from inbox.flow.working.correct import Corrections, standing
from inbox.store import assignments
from inbox.store.tables import rule_hits
from tests.flow.house import CONFIG, RULES, House, mail

COOLING = """
rules:
  - name: chase
    on: every-message
    run: {cool-down: 1d}
    when: {subject contains: urgent}
    then: {tags: [chased]}
  - name: greet
    on: every-message
    run: once-per-thread
    when: {subject contains: hello}
    then: {team: success}
fallback: {team: support}
"""


def _hits(house: House, rule: str) -> list[str]:
    rows = house.rows(rule_hits, rule=rule)
    return [f"{row.at:%d %H}" for row in rows]


def _moved(house: House, count: int) -> list[int]:
    house.receive(
        *(mail(f"P <p@c{n}.example>", id=f"{n}@c.example", subject="Invoice") for n in range(count))
    )
    numbers = [house.thread(f"{n}@c.example").id for n in range(count)]
    for number in numbers:
        house.later(minutes=1)
        desk.assign(house.db, number, "support", "maya", house.now)
    return numbers


# --- Overruled or not ------------------------------------------------------------------------


def test_a_correction_that_was_taken_back_overrules_nothing(house: House) -> None:
    first, second = _moved(house, 2)
    with house.looking() as conn:
        last = standing(assignments.of_thread(conn, first))[-1]
    house.later(minutes=1)
    assert Corrections(house.db).take_back(first, last.id, "maya", house.now) == "success"
    page = rules_page(house.db, house.now - timedelta(days=1))
    assert page is not None
    assert (page.rules[0].decided, page.rules[0].overridden) == (2, 1)
    house.later(minutes=1)
    desk.assign(house.db, first, "support", "maya", house.now)
    page = rules_page(house.db, house.now - timedelta(days=1))
    assert page is not None and page.rules[0].overridden == 2, "moved again, and that stands"
    assert second


# --- The time of the mail --------------------------------------------------------------------


def test_a_cool_down_is_about_the_time_of_the_mails_not_of_their_filing(house: House) -> None:
    house.write("rules/10-all.yaml", COOLING)
    house.activate()
    start = house.now
    house.accept(mail(id="1@a.example", subject="urgent"))
    for number, hours in ((2, 12), (3, 25)):
        house.accept(
            mail(id=f"{number}@a.example", refs=["1@a.example"], subject="urgent"),
            accepted_at=start + timedelta(hours=hours),
        )
    house.later(days=9)  # all are filed at once, long after they came
    house.file()
    assert _hits(house, "chase") == ["02 09", "03 10"]


def test_mail_filed_in_another_order_is_judged_by_its_own_time(house: House) -> None:
    house.write("rules/10-all.yaml", COOLING)
    house.activate()
    start = house.now
    for number, hours in ((1, 0), (2, 240), (3, 120), (4, 121), (5, 230)):
        house.accept(
            mail(
                id=f"{number}@a.example",
                refs=["1@a.example"] if number > 1 else (),
                subject="urgent",
            ),
            accepted_at=start + timedelta(hours=hours),
        )
        house.now = max(house.now, start + timedelta(hours=240))
        house.file()
    assert _hits(house, "chase") == ["02 09", "12 09", "07 09"]


# --- Rules in shadow mode --------------------------------------------------------------------


def _with_shadow(house: House, text: str) -> None:
    (house.settings.folder / "tried").mkdir(exist_ok=True)
    house.write("tried/10-all.yaml", text)
    house.write("aboard.yaml", CONFIG + "files: {shadow_rules: tried}\n")
    house.settings = load(house.settings.folder / "aboard.yaml", {})
    house.activate()


def _replies(house: House, subject: str, *hours: float) -> None:
    start = house.now
    for number, after in enumerate(hours):
        house.now = start + timedelta(hours=after)
        house.receive(
            mail(id=f"{subject}{number}@a.example", refs=["1@a.example"], subject=subject)
        )


TRIED = """
rules:
  - name: burning
    on: every-message
    run: {policy}
    when: {subject contains: fire}
    then: {team: success}
fallback: {team: support}
"""


@pytest.mark.parametrize(
    ("policy", "differences"), [("once-per-thread", 1), ("{cool-down: 1d}", 2), ("every-match", 3)]
)
def test_rules_in_shadow_remember_what_they_themselves_did(
    house: House, policy: str, differences: int
) -> None:
    _with_shadow(house, TRIED.replace("{policy}", policy))
    house.receive(mail(id="1@a.example", subject="Kickoff"))
    _replies(house, "fire", 1, 2, 30)
    with house.looking() as conn:
        found = shadow_counts(conn)
    assert found is not None and found.different == differences


def test_rules_in_shadow_begin_with_what_the_live_ones_had_done(house: House) -> None:
    live = TRIED.replace("{policy}", "once-per-thread")
    house.write("rules/10-all.yaml", live)
    house.activate()
    house.receive(mail(id="1@a.example", subject="fire"))
    house.later(days=1)
    # The same rule would go elsewhere, but it has run on this thread: live it would not run again.
    _with_shadow(house, live.replace("success", "support"))
    _replies(house, "fire", 1)
    with house.looking() as conn:
        found = shadow_counts(conn)
    assert found is not None and found.different == 0
    house.write("rules/10-all.yaml", RULES)
