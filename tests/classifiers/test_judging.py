"""Evaluation, comparison, drift, learning, and the page that shows them."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from classifiers.compare import binomial_tail, compare, judge
from classifiers.dataset import Example
from classifiers.drift import watch
from classifiers.evaluate import Outcome, evaluate, summarise
from classifiers.fit import FitError, fit
from classifiers.learn import OWN_OPTIONS, Mixing, mix
from classifiers.plots import bins, report
from classifiers.terms import FeatureOptions, buckets
from classifiers.text import MailText, split
from tests.classifiers.samples import SMALL, examples, small_model


def _outcomes(rows: list[tuple[str, str, float]]) -> list[Outcome]:
    return [Outcome(truth, label, score, score, score < 0.5) for truth, label, score in rows]


label = st.sampled_from(["a", "b", "c", "<d>"])


@given(st.lists(st.tuples(label, label, st.floats(0, 1)), min_size=1, max_size=60))
def test_the_figures_are_those_of_scikit_learn(rows: list[tuple[str, str, float]]) -> None:
    found = summarise(_outcomes(rows))
    truth, given_label = [row[0] for row in rows], [row[1] for row in rows]
    wanted = f1_score(truth, given_label, average="macro", zero_division=0)
    assert found.macro_f1 == pytest.approx(wanted)
    assert found.accuracy == pytest.approx(sum(t == g for t, g, _ in rows) / len(rows))
    assert sum(map(sum, found.confusion)) == len(rows)
    assert found.accuracy_at_coverage[100] == pytest.approx(found.accuracy)


def test_the_json_has_the_documented_fields() -> None:
    found = evaluate(small_model(), examples()).as_json()
    assert list(found) == [
        "examples",
        "accuracy",
        "macro_f1",
        "per_class",
        "confusion",
        "ece",
        "accuracy_at_coverage",
        "majority_baseline",
        "routed",
        "accuracy_when_routed",
    ]
    assert found["majority_baseline"] == pytest.approx(0.2)


def test_a_label_that_the_model_does_not_know_counts_as_wrong() -> None:
    strange = [Example(MailText(visible="login error"), "sales")]
    found = evaluate(small_model(), strange)
    assert found.accuracy == 0.0
    assert found.per_class["sales"].support == 1


def test_coverage_takes_the_surest_first() -> None:
    rows = [("a", "a", 0.9)] * 8 + [("a", "b", 0.1)] * 2
    found = summarise(_outcomes(rows)).accuracy_at_coverage
    assert found == {100: 0.8, 90: pytest.approx(8 / 9), 80: 1.0}


def test_nothing_to_evaluate_is_said() -> None:
    with pytest.raises(ValueError, match="not one labelled mail"):
        evaluate(small_model(), [])


@pytest.mark.parametrize(
    ("wins", "trials", "wanted"), [(0, 5, 1.0), (5, 5, 1 / 32), (8, 10, 56 / 1024), (6, 5, 0.0)]
)
def test_the_binomial_tail_is_exact(wins: int, trials: int, wanted: float) -> None:
    assert binomial_tail(wins, trials) == pytest.approx(wanted)


def _judged(won: int, lost: int, same: int) -> tuple[bool, str]:
    before = [("a", "b", 0.9)] * won + [("a", "a", 0.9)] * (lost + same)
    after = [("a", "a", 0.9)] * won + [("a", "b", 0.9)] * lost + [("a", "a", 0.9)] * same
    found = judge(summarise(_outcomes(before)), summarise(_outcomes(after)))
    return found.promote, found.reason


@pytest.mark.parametrize(
    ("won", "lost", "same", "promote", "why"),
    [
        (12, 2, 40, True, "better: accuracy"),
        (5, 0, 40, True, "5 newly right, 0 newly wrong"),
        (4, 0, 40, False, "not clearly better"),
        (0, 0, 60, False, "not clearly better"),
        (2, 12, 60, False, "not clearly better"),
        (10, 0, 10, False, "only 20 of 30"),
    ],
)
def test_only_a_clearly_better_model_is_promoted(
    won: int, lost: int, same: int, promote: bool, why: str
) -> None:
    found, reason = _judged(won, lost, same)
    assert found is promote
    assert why in reason


def test_a_better_but_dishonest_model_is_not_promoted() -> None:
    before = [("a", "b", 0.5)] * 20 + [("a", "a", 0.5)] * 20
    after = [("a", "a", 0.97)] * 36 + [("a", "b", 0.97)] * 4
    found = judge(summarise(_outcomes(before)), summarise(_outcomes(after)))
    assert not found.promote
    assert "surer than it is right" in found.reason


def test_a_model_is_not_better_than_itself() -> None:
    assert not compare(small_model(), small_model(), examples()).promote


def test_models_are_compared_on_the_same_mail_only() -> None:
    one = summarise(_outcomes([("a", "a", 0.9)]))
    other = summarise(_outcomes([("b", "a", 0.9)]))
    with pytest.raises(ValueError, match="same mail"):
        judge(one, other)


@pytest.mark.parametrize(
    ("routed", "wrong", "alarm"),
    [
        (200, 10, False),
        (200, 15, False),
        (200, 25, True),
        (10, 10, False),
        (20, 8, True),
        (0, 0, False),
    ],
)
def test_drift_alarms_when_the_promise_cannot_explain_the_corrections(
    routed: int, wrong: int, alarm: bool
) -> None:
    found = watch(routed, wrong, 0.95)
    assert found.alarm is alarm
    assert f"{wrong} of {routed}" in found.message


@pytest.mark.parametrize(("routed", "wrong", "precision"), [(5, 6, 0.9), (5, -1, 0.9), (5, 1, 1.0)])
def test_impossible_counts_are_refused(routed: int, wrong: int, precision: float) -> None:
    with pytest.raises(ValueError, match="between"):
        watch(routed, wrong, precision)


def test_shipped_and_own_labels_weigh_alike_unless_told_otherwise() -> None:
    own = [Example(MailText(visible="the portal"), "support")]
    assert {example.weight for example in mix(examples(), own * 40)} == {1.0}


def test_own_labels_can_outweigh_shipped_ones_that_fade() -> None:
    shipped = examples()
    own = [Example(MailText(visible="the portal"), "support")]
    rule = Mixing(own_boost=3.0, fade_from=10, least=0.3)
    mixed = mix(shipped, own, rule)
    assert {e.weight for e in mixed if not e.own} == {1.0}
    assert [e.weight for e in mixed if e.own] == [3.0]
    many = mix(shipped, own * 40, rule)
    assert {e.weight for e in many if not e.own and e.label == "support"} == {0.3}
    assert {e.weight for e in many if not e.own and e.label == "success"} == {1.0}
    assert {e.weight for e in many if e.own} == {1.0}


def _own(count: int) -> list[Example]:
    """A company that says gangway where it means support, and bollard where it means success."""
    words = [
        "dock",
        "crane",
        "berth",
        "rope",
        "anchor",
        "tug",
        "pilot",
        "hull",
        "deck",
        "keel",
        "mast",
        "sail",
    ]
    return [
        Example(
            MailText(
                visible=f"{'gangway' if n % 2 else 'bollard'} {words[n % 12]} {words[n * 5 % 11]}"
            ),
            "support" if n % 2 else "success",
            account=f"own-{n}",
            received_at=f"2025-{1 + n // 28:02}-{1 + n % 28:02}",
        )
        for n in range(count)
    ]


def test_words_of_one_account_stay_out_of_an_own_model() -> None:
    secret = [
        Example(MailText(visible="the zeppelin export stops"), "support", account="acme")
        for _ in range(5)
    ]
    shared = [
        Example(MailText(visible="the gangway export stops"), "support", account=f"own-{n}")
        for n in range(5)
    ]
    model = fit(mix(examples(), secret + shared), OWN_OPTIONS)
    assert "gangway" in model.table.words
    assert "zeppelin" not in model.table.words
    blank = FeatureOptions(character_bits=15)
    alone = set(buckets("zeppelin", blank)) - {
        row
        for example in examples() + shared
        for word in split(example.mail.visible)
        for row in buckets(word, blank)
    }
    assert alone
    assert not model.table.arrays.character_rows.array()[sorted(alone)].any()


def test_one_label_is_not_enough_to_learn() -> None:
    with pytest.raises(FitError, match="at least two labels, there is only 'support'"):
        fit([e for e in examples() if e.label == "support"])
    with pytest.raises(FitError, match="no examples at all"):
        fit([])


def test_the_report_is_one_page_without_script_or_fetch() -> None:
    shown = [replace(e, label="<script>x</script>") for e in examples()[:3]]
    page = report(evaluate(small_model(), examples() + shown), "A <b>title</b>")
    assert "<b>" not in page and "<script" not in page
    assert "&lt;script&gt;" in page
    assert page.count("<svg") == 2
    assert not re.search(r"(?:src|href)=|url\(|@import", page)


def test_the_report_draws_one_mail_and_many_labels() -> None:
    one = summarise(_outcomes([("a", "a", 1.0)]))
    assert [part.count for part in bins(one.outcomes)] == [1]
    assert "<svg" in report(one, "one")
    many = summarise(_outcomes([(f"l{n}", "a", 0.3) for n in range(40)]))
    assert "too many to draw" in report(many, "many")


def test_progress_is_told_to_the_end() -> None:
    told: list[tuple[str, int, int]] = []
    fit(examples(), SMALL, progress=lambda *step: told.append(step))
    assert told[-1] == ("final fit", 1, 1)
    assert all(0 <= done <= of for _, done, of in told)
    evaluate(small_model(), examples(), progress=lambda *step: told.append(step))
    assert told[-1] == ("evaluating", 40, 40)
