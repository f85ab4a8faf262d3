"""Learning from one's own mail: nothing leaks, only what is better comes into force."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings, strategies

from classifiers import artifact
from classifiers.dataset import Example
from classifiers.evaluate import evaluate
from classifiers.fit import FitError
from classifiers.text import MailText
from inbox.flow.learning import learnt, model_info, training
from inbox.flow.learning.learnt import Mark
from tests.classifiers.samples import examples, small_model
from tests.databases import NOW

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


def own_mail(count: int, label: str = "success", word: str = "login error page") -> list[Example]:
    """Mail that the shipped examples would send to support, and people here to another team.

    One a day, labelled the evening it came.
    """
    first = datetime(2026, 1, 1, 9, tzinfo=UTC)
    return [
        Example(
            MailText(visible=f"{word} {WORDS[at % 10]} {WORDS[at // 10 % 10]} {at}"),
            label,
            account=f"account-{at}",
            own=True,
            received_at=_iso(first + timedelta(days=at)),
            labelled_at=_iso(first + timedelta(days=at, hours=9)),
        )
        for at in range(count)
    ]


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="microseconds")


def _marks(count: int, team: str = "success") -> tuple[Mark, ...]:
    return tuple(Mark.of(at, NOW, team) for at in range(count))


def material_of(own: Sequence[Example], settled: Sequence[Example] = ()) -> training.Material:
    return training.Material(
        tuple(examples()),
        tuple(own),
        _marks(len(own)),
        tuple(replace(one, weight=0.3) for one in settled),
        tuple(Mark.of(10_000 + at, NOW, "x") for at in range(len(settled))),
    )


DAY = strategies.integers(1, 60)


@given(
    strategies.lists(
        strategies.tuples(
            strategies.integers(0, 14), DAY, strategies.integers(0, 30), strategies.booleans()
        ),
        min_size=1,
        max_size=120,
    ),
    strategies.integers(0, 20),
)
@settings(max_examples=60, deadline=None)
def test_nothing_known_is_of_a_held_out_account_or_of_a_time_that_was_yet_to_come(
    rows: list[tuple[int, int, int, bool]], settled: int
) -> None:
    first = datetime(2026, 1, 1, tzinfo=UTC)
    mails = [
        Example(
            MailText(visible=f"{WORDS[account % 10]}{account} number{at} alpha{at} beta{at}"),
            "support",
            account=f"account-{account}",
            received_at=_iso(first + timedelta(days=day)),
            labelled_at=_iso(first + timedelta(days=day + later)),
        )
        for at, (account, day, later, _) in enumerate(rows)
    ]
    own = max(0, len(mails) - settled)
    judgeable = {at for at, row in enumerate(rows) if row[3]}
    if not any(at < own for at in judgeable):
        return
    parts = training.split(mails, own, judgeable)
    known, held = [mails[at] for at in parts.known], [mails[at] for at in parts.held]
    both = [*held, *(mails[at] for at in parts.accepted)]
    assert len(held) >= min(30, sum(at < own for at in judgeable))
    assert set(parts.held) <= {at for at in judgeable if at < own}
    assert set(parts.accepted) <= {at for at in judgeable if at >= own}
    assert not {one.account for one in known} & {one.account for one in both}
    arrived = min(one.received_at for one in both)
    assert all(one.labelled_at < arrived for one in known)
    assert all(one.received_at < arrived for one in known)


def test_a_label_given_after_the_judged_mail_arrived_teaches_nothing_about_it() -> None:
    """The backlog of a year, labelled in one afternoon: nothing of it was known in time."""
    own = [replace(one, labelled_at="2027-01-01T00:00:00.000000+00:00") for one in own_mail(60)]
    assert training.split(own, 60, set(range(60))).known == ()
    lesson = training.teach(material_of(own), small_model())
    assert not lesson.promote
    assert "label newer mail" in lesson.reason
    assert lesson.own == 0


def test_mail_written_twice_is_never_on_both_sides() -> None:
    text = "please tell us when the migration of our warehouse data will be finished"
    own = [replace(one, mail=MailText(visible=text)) for one in own_mail(60)]
    parts = training.split(own, 60, set(range(60)))
    assert (len(parts.known), len(parts.held)) == (0, 30)


def test_own_labels_replace_the_old_model_when_they_make_it_better() -> None:
    lesson = training.teach(material_of(own_mail(80)), small_model())
    assert lesson.promote, lesson.reason
    assert lesson.comparison is not None
    assert lesson.comparison.new.examples == 30
    assert lesson.comparison.p_value < 0.05
    assert lesson.model.predict(MailText(visible="login error page lantern")).label == "success"
    assert (lesson.own, lesson.kept_back) == (50, 30)
    assert lesson.as_json()["better"] is True


def test_the_model_that_is_promoted_is_byte_for_byte_the_one_that_was_judged() -> None:
    """Judged again from its own file, it gives every answer of the comparison."""
    own = own_mail(80)
    lesson = training.teach(material_of(own), small_model())
    assert lesson.comparison is not None
    content = artifact.dump(lesson.model)
    assert hashlib.sha256(content).hexdigest() == lesson.hash == lesson.as_json()["hash"]
    parts = training.split(own, 80, set(range(80)))
    again = evaluate(artifact.loads(content), [own[at] for at in parts.held])
    assert again.outcomes == lesson.comparison.new.outcomes


def test_what_it_was_judged_by_is_not_learnt_and_is_learnt_the_next_time() -> None:
    material = material_of(own_mail(80))
    first = training.teach(material, small_model())
    known = learnt.learnt_by(first.model.info)
    kept_back = [mark for mark in material.marks if mark not in known]
    assert len(kept_back) == 30
    later = training.teach(material_of(own_mail(120)), first.model)
    held = learnt.learnt_by(later.model.info)
    assert all(mark in held for mark in kept_back)
    assert not later.promote  # it knows already what there was to know


def test_labels_that_show_nothing_new_leave_the_old_model_in_force() -> None:
    lesson = training.teach(material_of(own_mail(80, "support")), small_model())
    assert not lesson.promote
    assert "not clearly better" in lesson.reason


def test_labels_that_spoil_what_nobody_had_to_move_promote_nothing() -> None:
    """Eighty mails about logins were moved; three hundred more like them stayed, and rightly."""
    silent = [
        replace(one, account=f"silent-{at}", received_at=moved.received_at)
        for at in range(300)
        for one, moved in [(own_mail(300, "support")[at], own_mail(80)[79 - at % 25])]
    ]
    lesson = training.teach(material_of(own_mail(80), silent), small_model())
    assert lesson.comparison is not None
    assert lesson.comparison.accepted == 300
    assert not lesson.promote
    assert "nobody moved" in lesson.reason or "not clearly better" in lesson.reason


def test_below_thirty_labels_nothing_is_promoted_and_it_is_said_why() -> None:
    lesson = training.teach(material_of(own_mail(29)), small_model())
    assert not lesson.promote
    assert lesson.comparison is None
    assert "29 mails were labelled that the old model does not know" in lesson.reason
    assert lesson.model.predict(MailText(visible="login error page lantern")).label == "success"


def test_a_model_is_not_judged_by_mail_it_learnt_from_even_where_that_was_labelled_anew() -> None:
    """Mail 0 to 34 was learnt, some of it with another team: relabelled mail is not unseen."""
    marks = (*_marks(20), *(Mark.of(at, NOW, "support") for at in range(20, 35)))
    old = replace(small_model(), info=dict(learnt.as_info(marks)))
    lesson = training.teach(material_of(own_mail(40)), old)
    assert not lesson.promote
    assert "5 mails were labelled that the old model does not know" in lesson.reason


def test_the_rows_of_another_database_are_not_taken_for_its_own() -> None:
    """A model from elsewhere knows labels with the same numbers, and none of this mail."""
    there = replace(
        small_model(),
        info=dict(learnt.as_info(Mark.of(at, NOW + timedelta(1), "success") for at in range(80))),
    )
    lesson = training.teach(material_of(own_mail(80)), there)
    assert lesson.comparison is not None
    assert lesson.comparison.new.examples == 30


@pytest.mark.parametrize("said", [None, 7, "!!", "AAA", [1], {"a": 1}, "AAAA"])
def test_marks_that_cannot_be_read_count_as_none(said: object) -> None:
    assert learnt.learnt_by({learnt.FIELD: said}) == learnt.Learnt(frozenset(), frozenset())


@pytest.mark.parametrize(("promised", "kept"), [(0.85, 0.85), (None, 0.95), (7.0, 0.95)])
def test_an_own_model_promises_what_the_old_one_did(promised: float | None, kept: float) -> None:
    old = replace(small_model(), info={"promise": promised})
    lesson = training.teach(material_of(own_mail(29)), old)
    assert lesson.model.info["promise"] == kept


def test_the_first_model_of_all_is_promoted() -> None:
    lesson = training.teach(material_of([]), None)
    assert lesson.promote
    assert lesson.reason == "there was no model before"
    assert lesson.model.info["promise"] == 0.85


def test_one_label_alone_makes_no_model() -> None:
    with pytest.raises(FitError, match="at least two labels"):
        training.teach(training.Material((), tuple(own_mail(5)), _marks(5)), None)


def test_a_word_of_one_account_never_enters_the_vocabulary() -> None:
    """Terms need three accounts; a customer's own name has one, however often it is written."""
    secret = [
        replace(one, account="account-7", mail=MailText(visible=f"xanadu login {at}"))
        for at, one in enumerate(own_mail(12))
    ]
    model = training.teach(material_of(secret), None).model
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


def test_rows_of_own_mail_keep_the_rule_of_their_vocabulary_in_any_training() -> None:
    """Exported and trained from the file: a customer's name still has one account only."""
    rows = [
        *examples(),
        *(
            replace(
                one, account="account-7", mail=MailText(visible=f"xanadu shared{at % 4} export")
            )
            for at, one in enumerate(own_mail(12))
        ),
        *(
            replace(one, account=f"b-{at}", mail=MailText(visible="quagmire export"))
            for at, one in enumerate(own_mail(3))
        ),
    ]
    words = training.fit_files(rows).table.words
    assert "xanadu" not in words
    assert "quagmire" in words
    strangers = [replace(one, own=False) for one in rows]
    assert "xanadu" in training.fit_files(strangers).table.words
    with pytest.raises(FitError, match="names no account"):
        training.fit_files(rows, [MailText(visible="xanadu")])


def test_people_at_a_public_mail_provider_are_not_one_account() -> None:
    senders = ["Ana <ana@gmail.com>", "bo@GMAIL.com", "ana@acme.example", "bo@acme.example", ""]
    rows = [Example(MailText(sender=one, visible="x"), "support") for one in senders]
    found = [one.account for one in training.by_sender(rows)]
    assert found == ["ana@gmail.com", "bo@gmail.com", "acme.example", "acme.example", None]
    stated = replace(rows[0], account="acme")
    assert training.by_sender([stated])[0].account == "acme"


def test_what_cannot_be_held_out_is_not_measured_and_nothing_is_routed() -> None:
    """All mail of one account: no fold can be judged, so no figure is made up."""
    one = [replace(each, account="acme") for each in examples()]
    model = training.fit_files(one)
    assert model.info["held_out"] is None
    assert set(model.thresholds) == {float("inf")}
    assert model_info.held_out(model.info) is None
    many = training.fit_files(examples())
    assert model_info.held_out(many.info) is not None


@pytest.mark.parametrize(
    "info",
    [
        {},
        {"held_out": "99 %"},
        {"held_out": {"accuracy": "\x1b[2J", "coverage": 1, "ece": 0}},
        {"held_out": {"accuracy": 7, "coverage": 1, "ece": 0}},
        {"held_out": {"accuracy": float("nan"), "coverage": 1, "ece": 0}},
        {"promise": "always", "own_labels": -1, "python": "\x1b]0;owned\x07", "more": "x" * 10_000},
        {"examples": {"\x1b[31m": 3, "support": "many"}},
    ],
)
def test_what_a_forged_file_says_of_itself_is_not_shown(info: dict[str, object]) -> None:
    shown = model_info.shown(info)
    assert shown["held_out"] is None
    assert shown["promise"] is None
    assert set(shown) <= {"held_out", "promise", "examples"}
    assert shown.get("examples", {}) == {}


def test_what_a_true_file_says_of_itself_is_shown() -> None:
    shown = model_info.shown(small_model().info)
    assert set(shown) >= {"held_out", "promise", "examples", "data_sha256", "numpy", "python"}
