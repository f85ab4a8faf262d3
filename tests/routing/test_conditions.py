"""Operators and three-valued answers, field type by field type."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.facts import Facts, facts_given
from routing.fields import FIELDS
from routing.fold import fold, fold_domain, glob_literal, glob_pattern, has_word
from tests.routing.sets import evaluate

TABLE: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    # text
    ({"subject": "DPA"}, {"subject": "dpa"}, "yes"),
    ({"subject is": "dpa"}, {"subject": "the dpa"}, "no"),
    ({"subject": ["a", "dpa"]}, {"subject": "DPA "}, "yes"),
    ({"subject contains": "dpa"}, {"subject": "sandpaper"}, "yes"),
    ({"subject words": "dpa"}, {"subject": "sandpaper"}, "no"),
    ({"subject words": "dpa"}, {"subject": "The (DPA), signed"}, "yes"),
    ({"subject words": "data deletion"}, {"subject": "data\r\n\tDeletion!"}, "yes"),
    ({"text contains": "data deletion"}, {"text": "data\ndeletion"}, "yes"),
    ({"text words": "straße"}, {"text": "STRASSE"}, "yes"),
    ({"text words": "übersicht"}, {"text": "die Übersicht"}, "yes"),
    ({"text words": "ｄｐａ"}, {"text": "dpa"}, "yes"),
    ({"text words": "office"}, {"text": "of\u00adfi\u00adce"}, "yes"),
    ({"text words": "契約"}, {"text": "新契約書について"}, "yes"),
    ({"text words": "สัญญา"}, {"text": "ทำสัญญาใหม่"}, "yes"),
    ({"text words": "договор"}, {"text": "договоры"}, "no"),
    ({"text words": "договор"}, {"text": "Новый Договор."}, "yes"),
    ({"text words": "can't log in"}, {"text": "I can't log in."}, "yes"),
    ({"text words": "e"}, {"text": "e\u0301"}, "no"),
    ({"subject starts with": ["re:", "fwd:"]}, {"subject": "Re: x"}, "yes"),
    ({"subject ends with": "?"}, {"subject": "Why? "}, "yes"),
    ({"subject glob": "*dpa*"}, {"subject": "my DPA here"}, "yes"),
    ({"subject glob": "dpa"}, {"subject": "my dpa"}, "no"),
    ({"subject matches": r"(?i)cr-\d+"}, {"subject": "CR-12"}, "yes"),
    ({"subject matches": r"cr-\d+"}, {"subject": "CR-12"}, "no"),
    ({"subject exists": True}, {"subject": ""}, "no"),
    ({"subject exists": False}, {"subject": ""}, "yes"),
    ({"subject contains": "a"}, {"subject": ""}, "no"),
    # addresses and domains
    ({"from": "Ana@Bank.Example"}, {"from": "ana@bank.example"}, "yes"),
    ({"from.domain": "bücher.example"}, {"from.domain": "xn--bcher-kva.example"}, "yes"),
    ({"from.domain ends with": ".bank.example"}, {"from.domain": "eu.bank.example"}, "yes"),
    ({"from.domain": "bank.example"}, {"from.domain": "notbank.example"}, "no"),
    ({"to": "b@x.example"}, {"to": ["a@x.example", "b@x.example"]}, "yes"),
    ({"recipient glob": "onboarding*@*"}, {"recipient": ["onboarding+eu@x.example"]}, "yes"),
    # lists
    ({"attachment.name glob": "*.pdf"}, {"attachment.name": ["a.doc", "B.PDF"]}, "yes"),
    ({"attachment.name glob": "[!a]*.pdf"}, {"attachment.name": ["a.pdf"]}, "no"),
    ({"attachment.name exists": True}, {"attachment.name": []}, "no"),
    ({"account.tags": "vip"}, {"account.tags": ["pilot", "VIP"]}, "yes"),
    # header fields
    ({"header.X-Form contains": "web"}, {"header.x-form": ["Web-1"]}, "yes"),
    ({"header.X-Form exists": True}, {}, "no"),
    ({"header.X-Form exists": False}, {}, "yes"),
    # flags and numbers
    ({"automatic": False}, {"automatic": False}, "yes"),
    ({"automatic": True}, {"automatic": False}, "no"),
    ({"automatic exists": True}, {"automatic": False}, "yes"),
    ({"attachment.count": [0, 2]}, {"attachment.count": 2}, "yes"),
    ({"attachment.count at least": 2}, {"attachment.count": 1}, "no"),
    ({"size at most": "10 MB"}, {"size": 10_000_000}, "yes"),
    ({"size at least": "1.5 KiB"}, {"size": 1536}, "yes"),
    ({"classifier.score at least": 0.9}, {"classifier.score": 0.9}, "yes"),
    # unknown
    ({"account.tier": "gold"}, {}, "unknown"),
    ({"account.tier exists": False}, {}, "unknown"),
    ({"none": [{"account.tier": "gold"}]}, {}, "unknown"),
    ({"none": [{"account.tier": "gold"}, {"automatic": True}]}, {"automatic": True}, "no"),
    ({"any": [{"account.tier": "gold"}, {"automatic": True}]}, {"automatic": True}, "yes"),
    ({"any": [{"account.tier": "gold"}, {"automatic": True}]}, {"automatic": False}, "unknown"),
    ({"account.tier": "gold", "automatic": True}, {"automatic": False}, "no"),
    ({"account.tier": "gold", "automatic": False}, {"automatic": False}, "unknown"),
    ({"none": [{"none": [{"automatic": True}]}]}, {"automatic": True}, "yes"),
    ({"all": [{"any": [{"none": [{"all": [{"automatic": True}]}]}]}]}, {"automatic": False}, "yes"),
]


@pytest.mark.parametrize(("condition", "values", "answer"), TABLE, ids=lambda x: str(x)[:60])
def test_a_condition_answers(
    condition: dict[str, Any], values: dict[str, Any], answer: str
) -> None:
    assert evaluate(condition, Facts(values)) == answer


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_folding_twice_changes_nothing_more(text: str) -> None:
    once = fold(text)
    assert fold(once) == once
    assert fold_domain(fold_domain(text)) == fold_domain(text)


_ODD = st.sampled_from(
    "a e か ㅏ ｶ ﾞ ﾟ ᄀ ᅡ ᆨ 가 ﾊ ÅΐİßﬁﷺΣςＡ①㌔é\u0301\u0316\u0323\u0345\u3099\u0e33\u0f73\u1161\u11a8\u09be"
)


@settings(max_examples=300, deadline=None)
@given(st.text(st.one_of(_ODD, st.characters(exclude_categories=["Cs"])), max_size=90))
def test_a_text_folded_in_pieces_is_the_same_as_in_one(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("routing.fold._PIECE", 5)
        in_pieces = fold(text)
    assert in_pieces == fold(text)


def test_a_text_made_to_grow_is_lower_case_from_there_on() -> None:
    folded = fold("\ufdfa" * 100_000 + " GDPR")
    assert len(folded) < 400_000
    assert folded.endswith(" gdpr")


def test_marks_in_a_row_that_no_writing_has_are_left_out() -> None:
    assert fold("A" + "\u0301\u0316" * 100 + "PI, ＧＤＰＲ") == "api, gdpr"
    assert fold("a" + "\u0301" * 30) == "á" + "\u0301" * 29
    assert fold(("a" + "\u0301\u0316" * 20) * 1_100 + "GDPR").endswith("gdpr")


def test_long_texts_are_folded_as_short_ones_are() -> None:
    spaces = "".join(chr(code) for code in range(1, 0x3001) if chr(code).isspace())
    short = f"  A{spaces}B \t\r\n c  É{spaces}"
    assert fold(short) == "a b c é"
    assert fold(short * 2_000) == " ".join(["a b c é"] * 2_000)


@settings(max_examples=200, deadline=None)
@given(
    st.text(alphabet="ab é字\u0301_1", min_size=1, max_size=4).filter(str.strip),
    st.text(alphabet="ab é字\u0301_1 .,", max_size=12),
)
def test_words_are_found_alike_in_short_and_long_texts(word: str, text: str) -> None:
    word, text = fold(word), fold(text)
    long = text + "." * 20_000
    assert has_word(long, word) is (has_word(text, word) or has_word(text + ".", word))


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab*?[]!- .", max_size=8), st.text(alphabet="ab!- .[]", max_size=8))
def test_a_glob_never_matches_a_text_without_its_literal(glob: str, text: str) -> None:
    from routing.fold import compile_pattern

    pattern, wrong = compile_pattern(glob_pattern(glob))
    assert pattern is not None or wrong
    if pattern is not None and pattern.search(text.encode()) is not None:
        assert glob_literal(glob) in text


def test_every_field_can_be_asked_for_and_given() -> None:
    for field in FIELDS.values():
        assert evaluate({f"{field.name} exists": True}, Facts({})) == "unknown"
        assert field.about.endswith((".", "?"))


def test_unknown_names_and_wrong_types_in_facts_are_refused() -> None:
    with pytest.raises(KeyError):
        Facts({"subjct": "x"})
    for values in ({"subject": 3}, {"automatic": "yes"}, {"size": True}, {"to": [1]}):
        with pytest.raises(TypeError):
            Facts(values)


def test_what_is_not_given_is_a_plain_human_mail_on_a_new_thread() -> None:
    known = facts_given({"from": "ana@bank.example", "attachment.name": ["a.pdf", "b.pdf"]})
    assert known.get("from.domain") == "bank.example"
    assert (known.get("attachment.count"), known.get("automatic"), known.get("verified")) == (
        2,
        False,
        False,
    )
    for name in ("account.tier", "contact.role", "classifier.team", "business_hours"):
        assert known.get(name) is None
    assert facts_given({"automatic.kind": "bounce"}).get("automatic") is True
    assert facts_given({"to": ["a@x.example"]}).texts("recipient") == ("a@x.example",)


def test_a_snapshot_holds_no_text_of_the_mail() -> None:
    known = facts_given({"subject": "secret", "text": "secret", "account.tier": "gold"})
    assert "secret" not in str(known.snapshot())
    assert known.snapshot()["account.tier"] == "gold"
