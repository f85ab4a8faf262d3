"""Learning from one's own mail: nothing leaks, only what is better comes into force."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings, strategies

from classifiers.dataset import Example
from classifiers.fit import FitError
from classifiers.text import MailText
from inbox.flow import training
from inbox.flow.models import LAST_LABEL
from tests.classifiers.samples import examples, small_model

WORDS = [
    "warehouse",
    "invoice",
    "zebra",
    "quartz",
    "harbour",
    "lantern",
    "violin",
    "marble",
    "copper",
    "saddle",
]


def _own(count: int, label: str = "success", word: str = "login error page") -> list[Example]:
    """Mail that the shipped examples would send to support, and people here to another team."""
    return [
        Example(
            MailText(visible=f"{word} {WORDS[at % 10]} {WORDS[at // 10 % 10]} {at}"),
            label,
            account=f"account-{at}",
            own=True,
            received_at=f"2026-10-{1 + at % 28:02}T00:00:00Z",
        )
        for at in range(count)
    ]


def _material(own: Sequence[Example], first: int = 1) -> training.Material:
    ids = tuple(range(first, first + len(own)))
    return training.Material(tuple(examples()), tuple(own), ids)


@given(
    strategies.lists(
        strategies.tuples(
            strategies.integers(0, 8), strategies.integers(1, 28), strategies.booleans()
        ),
        min_size=1,
        max_size=40,
    ),
    strategies.integers(1, 5),
)
@settings(max_examples=60)
def test_no_account_and_no_later_turn_is_known_when_mail_is_judged(
    rows: list[tuple[int, int, bool]], blocks: int
) -> None:
    own = [
        Example(
            MailText(visible=f"{WORDS[account]} number{at} alpha{at} beta{at}"),
            "support",
            account=f"account-{account}",
            received_at=f"2026-10-{day:02}",
        )
        for at, (account, day, _) in enumerate(rows)
    ]
    fresh = [at for at, row in enumerate(rows) if row[2]]
    judged: list[Example] = []
    before: list[str] = []
    for known, held in training.steps_in_time(own, fresh, blocks):
        assert not {one.account for one in known} & {one.account for one in held}
        assert all(account in {one.account for one in known} for account in before)
        before += [one.account or "" for one in held]
        judged += held
    assert sorted(map(str, judged)) == sorted(str(own[at]) for at in fresh)


def test_mail_written_twice_is_never_on_both_sides() -> None:
    text = "please tell us when the migration of our warehouse data will be finished"
    own = [
        Example(MailText(visible=text), "support", account=f"a{at}", received_at=f"2026-10-0{at}")
        for at in range(1, 7)
    ]
    steps = list(training.steps_in_time(own, range(6)))
    assert [(len(known), len(held)) for known, held in steps] == [(0, 6)]


def test_own_labels_replace_the_old_model_when_they_make_it_better() -> None:
    lesson = training.teach(_material(_own(40)), small_model())
    assert lesson.promote
    assert lesson.comparison is not None
    assert lesson.comparison.new.examples == 40
    assert lesson.comparison.p_value < 0.05
    assert lesson.model.predict(MailText(visible="login error page lantern")).label == "success"
    assert lesson.model.info[LAST_LABEL] == 40
    assert lesson.as_json()["better"] is True


def test_labels_that_show_nothing_new_leave_the_old_model_in_force() -> None:
    lesson = training.teach(_material(_own(40, "support")), small_model())
    assert not lesson.promote
    assert "not clearly better" in lesson.reason


def test_below_thirty_labels_nothing_is_promoted_and_it_is_said_why() -> None:
    lesson = training.teach(_material(_own(29)), small_model())
    assert not lesson.promote
    assert lesson.comparison is None
    assert "29 mails were labelled since" in lesson.reason
    assert lesson.model.predict(MailText(visible="login error page lantern")).label == "success"


def test_a_model_is_not_judged_by_the_labels_it_was_trained_on() -> None:
    old = replace(small_model(), info={LAST_LABEL: 35})
    lesson = training.teach(_material(_own(40)), old)
    assert not lesson.promote
    assert "5 mails were labelled since" in lesson.reason


@pytest.mark.parametrize(("promised", "kept"), [(0.85, 0.85), (None, 0.95), (7.0, 0.95)])
def test_an_own_model_promises_what_the_old_one_did(promised: float | None, kept: float) -> None:
    old = replace(small_model(), info={"promise": promised})
    lesson = training.teach(_material(_own(29)), old)
    assert lesson.model.info["promise"] == kept


def test_the_first_model_of_all_is_promoted() -> None:
    lesson = training.teach(_material([]), None)
    assert lesson.promote
    assert lesson.reason == "there was no model before"


def test_one_label_alone_makes_no_model() -> None:
    with pytest.raises(FitError, match="at least two labels"):
        training.teach(training.Material((), tuple(_own(5)), (1, 2, 3, 4, 5)), None)


def test_a_word_of_one_account_never_enters_the_vocabulary() -> None:
    """Terms need three accounts; a customer's own name has one, however often it is written."""
    secret = [
        replace(one, account="account-7", mail=MailText(visible=f"xanadu login {at}"))
        for at, one in enumerate(_own(12))
    ]
    model = training.teach(_material(secret), None).model
    assert "xanadu" not in model.table.words
    assert "data" in model.table.words


@pytest.mark.parametrize(
    ("labels", "per_label", "unlabelled", "topics", "names"),
    [(4, 100, 0, 0, 0.0), (4, 5, 100, 200, 0.0), (77, 5, 0, 0, 1.0), (77, 100, 50, 0, 0.0)],
)
def test_the_recipe_follows_the_number_of_labels(
    labels: int, per_label: int, unlabelled: int, topics: int, names: float
) -> None:
    rows = [Example(MailText(visible="x"), str(at % labels)) for at in range(labels * per_label)]
    found = training.options_for(rows, unlabelled)
    assert (found.topics, found.label_names) == (topics, names)
