"""What a model answers, and that its table equals the matrix it was trained as."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.features import matrix
from classifiers.fit import FitOptions, fit, fit_once, read_material, settings_for, table_of
from classifiers.model import Model
from classifiers.online import corrected
from classifiers.scoring import Narrow
from classifiers.terms import FeatureOptions
from classifiers.text import MailText, words_of
from classifiers.wide import Wide
from tests.classifiers.samples import PHRASES, SMALL, examples, small_model

any_text = st.text(max_size=300)


@given(any_text, any_text, any_text, st.lists(any_text, max_size=3), any_text)
def test_any_text_gets_an_answer(
    subject: str, visible: str, quoted: str, names: list[str], sender: str
) -> None:
    model = small_model()
    answer = model.predict(MailText(subject, visible, quoted, tuple(names), sender))
    assert answer.label in model.labels
    assert answer.label == max(answer.scores, key=answer.scores.__getitem__) == answer.best[0]
    assert math.isclose(sum(answer.scores.values()), 1.0, abs_tol=1e-9)
    assert len(answer.best) == 2
    assert 0.0 <= answer.known_share <= 1.0
    assert all(math.isfinite(part.weight) and part.weight > 0 for part in answer.evidence)


@given(st.text(max_size=200), st.text(max_size=100))
def test_the_parts_of_an_explanation_sum_to_the_margin(visible: str, quoted: str) -> None:
    mail = MailText("error contract", visible, quoted, ("dpa.pdf",), "billing@acme.example")
    for label in small_model().labels:
        explained = small_model().explain(mail, label)
        total = explained.bias + sum(part.weight for part in explained.parts)
        assert abs(total - explained.margin) <= 1e-4


def _mails() -> list[MailText]:
    shown = [MailText(visible=text) for texts in PHRASES.values() for text in texts]
    odd = [
        MailText(
            "Re: login", "unheardof zzyzx words", "> the export stops", ("dpa.pdf",), "it@x.y"
        ),
        MailText(visible="error " * 50 + "登录失败"),
        MailText(visible="contract", quoted="error " * 7),
    ]
    return shown + odd


@pytest.mark.parametrize("topics", [0, 5])
@pytest.mark.parametrize("bits", [6, 12])
def test_serving_gives_the_margins_of_the_training_matrix(topics: int, bits: int) -> None:
    features = FeatureOptions(min_examples=2, min_pair_examples=1, character_bits=bits)
    options = replace(SMALL, features=features, topics=topics)
    material = read_material(examples(), (), options)
    vocabulary, weights = fit_once(material, options, settings_for(material, options, 0.3))
    table = table_of(vocabulary, weights, options)
    # The table rounds the shared n-gram weights to half precision; so does the matrix form here.
    known = len(vocabulary.words) + len(vocabulary.pairs)
    weights.coefficients[known:] = weights.coefficients[known:].astype(np.float16)
    words = [words_of(mail) for mail in _mails()]
    expected = weights.margins(matrix(words, vocabulary))
    for scorer in (Narrow(table), Wide(table)):
        found = np.array([scorer.score(text).margins for text in words])
        assert np.abs(found - expected).max() <= 1e-5


def test_both_ways_of_scoring_agree_on_parts_too() -> None:
    table = small_model().table
    for mail in _mails():
        words = words_of(mail)
        narrow, wide = Narrow(table).parts(words, 1), Wide(table).parts(words, 1)
        assert [term for term, _ in narrow] == [term for term, _ in wide]
        assert np.allclose([w for _, w in narrow], [w for _, w in wide], atol=1e-5)


def test_the_strongest_parts_are_the_largest_of_all_parts() -> None:
    table = small_model().table
    for mail in _mails():
        words = words_of(mail)
        for scorer in (Narrow(table), Wide(table)):
            for label in range(table.labels):
                ranked = sorted(scorer.parts(words, label), key=lambda part: -part[1])
                wanted = [part for part in ranked[:5] if part[1] > 0]
                found = scorer.strongest(words, scorer.score(words), label, 5)
                assert [term for term, _ in found] == [term for term, _ in wanted]
                assert np.allclose([w for _, w in found], [w for _, w in wanted])


def test_the_same_data_and_seed_give_the_same_model() -> None:
    again = fit(examples(), SMALL)
    assert again.id == small_model().id
    assert fit(examples()[:-1], SMALL).id != again.id


def test_an_empty_mail_is_never_routed() -> None:
    assert small_model().predict(MailText()).abstain
    assert small_model().predict(MailText(visible="!!! ???")).abstain


def test_none_is_shown_but_never_routed() -> None:
    model = replace(small_model(), thresholds=(-math.inf,) * 5)
    answer = model.predict(MailText(visible="automatic reply, I am out of the office, on holiday"))
    assert answer.label == "none"
    assert answer.abstain
    assert not model.predict(MailText(visible="login error message")).abstain


def test_a_label_without_a_threshold_is_never_routed() -> None:
    model = replace(small_model(), thresholds=(math.inf,) * 5)
    assert model.predict(MailText(visible="login error message")).abstain


def test_the_words_that_decided_are_named() -> None:
    answer = small_model().predict(MailText(visible="an error message after the login"))
    assert answer.label == "support"
    assert "error" in [part.term for part in answer.evidence]
    weights = [part.weight for part in answer.evidence]
    assert weights == sorted(weights, reverse=True)


def test_an_unknown_label_cannot_be_explained() -> None:
    with pytest.raises(KeyError, match="knows no label 'sales'"):
        small_model().explain(MailText(visible="hello"), "sales")


def test_a_model_of_two_labels_sees_both_sides() -> None:
    two = [example for example in examples() if example.label in ("support", "compliance")]
    model = fit(two, SMALL)
    assert model.labels == ("compliance", "support")
    assert model.predict(MailText(visible="login error message")).label == "support"
    assert model.predict(MailText(visible="sign the agreement")).label == "compliance"


def test_many_labels_are_served_by_arrays_and_few_by_tuples() -> None:
    many = [replace(e, label=f"{e.label} {n % 4}") for n, e in enumerate(examples())]
    model = fit(many, replace(SMALL, folds=2))
    assert len(model.labels) == 20
    assert isinstance(model.scorer, Wide)
    assert isinstance(small_model().scorer, Narrow)
    assert model.predict(MailText(visible="hello unknownword")).label in model.labels


def _margin(model: Model, mail: MailText, label: str) -> float:
    return model.margins(mail)[model.labels.index(label)]


def test_one_correction_moves_its_own_mail_and_leaves_the_old_model_alone() -> None:
    model, mail = small_model(), MailText(visible="the export of the contract stops")
    before = _margin(model, mail, "compliance")
    moved = corrected(model, mail, "compliance", aggressiveness=0.5)
    assert _margin(moved, mail, "compliance") > before
    assert _margin(model, mail, "compliance") == before
    assert moved.id != model.id
    for _ in range(20):
        moved = corrected(moved, mail, "compliance", aggressiveness=0.5)
    assert moved.predict(mail).label == "compliance"


def test_a_correction_to_an_unknown_label_is_refused() -> None:
    with pytest.raises(KeyError):
        corrected(small_model(), MailText(visible="x"), "sales")


def test_a_lone_default_fit_works_without_any_option() -> None:
    model = fit(examples(), FitOptions(folds=2))
    assert model.info["own_examples"] == 0
    assert model.predict(MailText(visible="login error")).model_id == model.id
