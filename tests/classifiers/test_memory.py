"""Own labels remembered mail by mail: the next mail like a labelled one goes where that went."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest

from classifiers import artifact
from classifiers.artifact import ModelError
from classifiers.confidence import softmax
from classifiers.memory import LIKE, MOST, PULL, SAME, SAME_COMPANY, remembering
from classifiers.model import Model
from classifiers.terms import term_frequency
from classifiers.text import MailText, words_of
from tests.classifiers.samples import PHRASES, small_model

GATE = MailText(visible="the turnstile shows an error message since the update")
AGAIN = MailText(subject="turnstile", visible="an error message on it again since this update")
OTHER = MailText(visible="please sign the data processing agreement")
Said = tuple[MailText, str]


def _pull(model: Model, mail: MailText) -> list[float]:
    before = small_model().margins(mail)
    return [now - then for now, then in zip(model.margins(mail), before, strict=True)]


def test_one_label_and_the_very_next_mail_of_its_kind_goes_there() -> None:
    assert small_model().predict(AGAIN).label == "support"
    model = remembering(small_model(), [(GATE, "success")])
    assert model.predict(GATE).label == "success"
    assert model.predict(AGAIN).label == "success"


def test_a_mail_written_twice_goes_there_however_sure_the_model_was() -> None:
    surer = replace(small_model(), temperature=small_model().temperature / 12)
    assert surer.predict(GATE).scores["support"] > 0.97
    model = remembering(surer, [(GATE, "success")])
    again = replace(GATE, visible=f"{GATE.visible} 2", subject="Hello")
    assert model.predict(again).label == "success"
    assert model.predict(again).scores["success"] > 0.8
    twice = remembering(surer, [(GATE, "success"), (again, "success")])
    assert twice.predict(again).scores["success"] > 0.8
    taken_back = remembering(surer, [(GATE, "success"), (again, "support")])
    assert taken_back.predict(again).label == "support"


def test_what_is_not_like_it_is_answered_as_before() -> None:
    model = remembering(small_model(), [(GATE, "success")])
    assert model.predict(OTHER).scores == small_model().predict(OTHER).scores


def test_a_label_that_the_model_had_right_changes_little() -> None:
    model = small_model()
    right, wrong = (_pull(remembering(model, [(GATE, team)]), GATE) for team in ("support", "none"))
    assert max(map(abs, right)) < max(map(abs, wrong))


def test_likeness_is_the_cosine_of_all_words() -> None:
    """Words that many remembered mails have, that few have, repeated and quoted ones."""
    mails = [MailText(visible=text) for texts in PHRASES.values() for text in texts]
    mails.append(MailText(visible="the the the turnstile the", quoted="the update beeps the page"))
    said = [(mail, small_model().labels[at % 5]) for at, mail in enumerate(mails)]
    model = remembering(small_model(), said)
    for mail in (AGAIN, GATE, mails[-1], mails[3], MailText(visible="xyzzy"), MailText()):
        assert _pull(model, mail) == pytest.approx(_plainly(said, mail), rel=5e-3, abs=1e-6)


def _plainly(said: Sequence[Said], mail: MailText) -> list[float]:
    """What `Memory` adds, the long way: each label beside what would have been said before it."""
    model, kept = small_model(), list[tuple[MailText, list[float], list[float]]]()
    for other, team in said:
        margins = [a + b for a, b in zip(model.margins(other), _added(kept, other), strict=True)]
        scores = softmax(margins, model.temperature)
        given, top = model.labels.index(team), margins.index(max(margins))
        residual = [(at == given) - score for at, score in enumerate(scores)]
        pulled = PULL * (SAME[1] - LIKE) / (1 - LIKE) * (residual[given] - residual[top])
        gap = max(0.0, math.log(scores[top] / scores[given]) + 2.0 - pulled) if top != given else 0
        kept.append((other, residual, [gap * ((at == given) - (at == top)) for at in range(5)]))
    return _added(kept, mail)


def _added(
    kept: Sequence[tuple[MailText, list[float], list[float]]], mail: MailText
) -> list[float]:
    likeness = [_cosine(mail, other) for other, _, _ in kept]
    shares = [max(0.0, (one - LIKE) / (1 - LIKE)) for one in likeness]
    twice = [min(1.0, max(0.0, (one - SAME[0]) / (SAME[1] - SAME[0]))) for one in likeness]
    bound = min(1.0, MOST / (sum(shares) or 1.0))
    total = [0.0] * 5
    for share, same, (_, residual, turn) in zip(shares, twice, kept, strict=True):
        for at in range(5):
            part = PULL * share * bound * residual[at] + same * turn[at]
            total[at] += small_model().temperature * part
    return total


def _cosine(one: MailText, other: MailText) -> float:
    table = small_model().table

    def vector(mail: MailText) -> dict[str, float]:
        return {
            word: term_frequency(count)
            * (table.idf[table.words[word]] if word in table.words else table.unknown_idf)
            for word, count in words_of(mail).single.items()
        }

    left, right = vector(one), vector(other)
    dot = sum(weight * right.get(word, 0.0) for word, weight in left.items())
    return dot / (math.hypot(*left.values()) * math.hypot(*right.values()) or 1.0)


def test_mail_of_the_same_company_is_a_hint_and_no_more() -> None:
    first = MailText(visible="xyzzy plugh", sender="Ana <ana@harbour.example>")
    next_one = MailText(visible="frotz gnusto", sender="ben@harbour.example")
    stranger = MailText(visible="frotz gnusto", sender="ben@pier.example")
    model = remembering(small_model(), [(first, "compliance")])
    assert _pull(model, stranger) == [0.0] * 5
    assert _pull(model, next_one)[model.labels.index("compliance")] > 0.0
    most = PULL * MOST * SAME_COMPANY * model.temperature
    often = remembering(small_model(), [(first, "compliance")] * 60)
    assert max(_pull(often, next_one)) <= most + 1e-9
    at_home = replace(first, sender="ana@gmail.com")
    same_provider = replace(next_one, sender="ben@gmail.com")
    terms = [
        one.term
        for one in remembering(small_model(), [(at_home, "none")]).explain(same_provider).parts
    ]
    assert not any("company" in term for term in terms)


@pytest.mark.parametrize("label", [None, "support", "success"])
def test_the_parts_of_an_explanation_sum_to_the_margin(label: str | None) -> None:
    mail = MailText(visible=AGAIN.visible, sender="ana@harbour.example")
    kept = MailText(visible=GATE.visible, sender="ben@harbour.example")
    model = remembering(small_model(), [(kept, "success"), (GATE, "none")])
    found = model.explain(mail, label)
    assert math.fsum([found.bias, *(part.weight for part in found.parts)]) == pytest.approx(
        found.margin, abs=1e-9
    )
    terms = [part.term for part in found.parts]
    assert {"mail like it went to success", "mail of this company went to success"} <= {*terms}


def test_evidence_says_so_where_a_label_decided() -> None:
    said = remembering(small_model(), [(GATE, "success")]).predict(AGAIN)
    assert said.evidence[0].term == "mail like it went to success"
    weights = [part.weight for part in said.evidence]
    assert weights == sorted(weights, reverse=True)
    before = small_model().predict(AGAIN)
    assert not any("went to" in part.term for part in before.evidence)


def test_it_has_an_id_of_its_own_and_never_becomes_a_file() -> None:
    one = remembering(small_model(), [(GATE, "success")])
    assert one.id == remembering(small_model(), [(GATE, "success")]).id
    assert len({small_model().id, one.id, remembering(small_model(), [(GATE, "none")]).id}) == 3
    with pytest.raises(ModelError, match="never written"):
        artifact.dump(one)
    assert artifact.loads(artifact.dump(small_model())).id == small_model().id
    assert remembering(small_model(), []) is small_model()
    with pytest.raises(KeyError, match="sales"):
        remembering(small_model(), [(GATE, "sales")])


@pytest.mark.parametrize("text", ["", "\ud800", "\x00" * 50, "a" * 30_000, "電 話 " * 400, "1 2 3"])
def test_any_text_in_an_answer_out(text: str) -> None:
    mail = MailText(text, text, text, (text,), text)
    model = remembering(small_model(), [(mail, "none"), (GATE, "success"), (mail, "support")])
    for asked in (mail, GATE, MailText(visible=text[::-1])):
        assert sum(model.predict(asked).scores.values()) == pytest.approx(1.0)
