"""Rows, how they are added up, and what an answer may load and keep."""

from __future__ import annotations

import math
import re
import subprocess
import sys
import unicodedata
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers import scoring
from classifiers.artifact import save
from classifiers.confidence import familiarity
from classifiers.lanes import MOST, Lanes
from classifiers.scoring import Narrow
from classifiers.table import HALF, SINGLE, Block
from classifiers.text import MailText, split, words_of
from classifiers.unknown import UnknownWords
from classifiers.wide import Wide
from tests.classifiers.samples import small_model

_ALONE = """
import sys
from dataclasses import replace
from pathlib import Path
from classifiers.artifact import load
from classifiers.text import MailText
print(load(Path(sys.argv[1])).predict(MailText(visible="login unheardof")).label)
print(sorted({"numpy", "scipy", "sklearn"} & set(sys.modules)))
"""


def test_an_answer_for_a_few_teams_loads_neither_numpy_nor_scikit_learn(tmp_path: Path) -> None:
    path = tmp_path / "small.aboard-model"
    save(small_model(), path)
    root = Path(scoring.__file__).resolve().parent.parent
    done = subprocess.run(
        [sys.executable, "-c", _ALONE, str(path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=root,
    )
    label, loaded = done.stdout.splitlines()
    assert label == small_model().predict(MailText(visible="login unheardof")).label
    assert loaded == "[]"


def test_unknown_words_leave_only_a_bounded_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "REMEMBERED", 10)
    table = small_model().table
    scorer = Narrow(table)
    texts = [
        words_of(MailText(visible=f"strange{chr(97 + n)} login qqq{chr(97 + n)}"))
        for n in range(26)
    ]
    first = [scorer.score(text) for text in texts]
    assert len(scorer._words) == len(table.words) + 10
    assert [scorer.score(text) for text in texts] == first


def test_words_that_a_model_knows_are_never_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "REMEMBERED", 1)
    scorer = Narrow(small_model().table)
    for text in ("login unheardof", "zzz yyy xxx login", "login unheardof"):
        scorer.score(words_of(MailText(visible=text)))
    assert set(small_model().table.words) <= set(scorer._words)


@given(st.text(max_size=200))
def test_only_the_pairs_a_model_knows_need_to_be_read(text: str) -> None:
    model = small_model()
    mail = MailText("the export stops", f"error message {text} sign the agreement", quoted=text)
    for scorer in (Narrow(model.table), Wide(model.table)):
        everything, needed = words_of(mail), words_of(mail, model.table.pairs)
        assert set(needed.pairs) <= set(model.table.pairs)
        assert scorer.score(everything).margins == pytest.approx(scorer.score(needed).margins)


_PLAIN = re.compile(r"[\w#]{1,40}")


@given(st.text(alphabet=st.sampled_from("aZéßİ١23#_ .\n\u00a0\u2028²ﬁ'-—“€😀\ud800"), max_size=120))
def test_words_are_those_that_a_pattern_over_the_whole_text_finds(text: str) -> None:
    read = unicodedata.normalize("NFKC", text).casefold().replace("_", " ")
    assert split(text) == _PLAIN.findall(re.sub(r"[\d#]+", "#", read))


@pytest.mark.parametrize("kind", [SINGLE, HALF])
@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_a_block_sees_every_value_that_is_no_number(kind: str, value: float) -> None:
    array = np.linspace(-60_000, 60_000, 12).reshape(4, 3)
    assert Block.of(array, kind).is_finite()
    for place in range(array.size):
        broken = array.copy()
        broken.flat[place] = value
        assert not Block.of(broken, kind).is_finite()


def test_a_block_gives_the_same_numbers_with_and_without_numpy() -> None:
    block = Block.of(np.arange(6).reshape(2, 3) / 3, HALF)
    assert block.rows() == [tuple(row) for row in block.array().tolist()]
    assert [number for row in block.rows() for number in row] == list(block.numbers())
    assert block.fits(2) and not block.fits(3)


def test_rare_unknown_words_and_unknown_pairs_make_a_text_strange() -> None:
    assert familiarity(0.0, 3, 4) == 1.0
    assert familiarity(1.0, 0, 4) == 0.0
    assert familiarity(0.2, 1, 4) > familiarity(0.6, 1, 4)
    assert familiarity(0.2, 2, 4) > familiarity(0.2, 1, 4)
    assert 0.0 <= familiarity(0.5, 0, 0.25) <= 1.0


@given(st.lists(st.lists(st.floats(-59.0, 59.0), min_size=4, max_size=4), max_size=60))
def test_rows_in_lanes_add_up_as_their_numbers_do(rows: list[list[float]]) -> None:
    lanes = Lanes(4, 59.0)
    found = lanes.unpack(sum(map(lanes.pack, rows)))
    wanted = [math.fsum(row[place] for row in rows) for place in range(4)]
    assert found == pytest.approx(wanted, rel=0, abs=1e-9)


@pytest.mark.parametrize("largest", [0.0, 1e-30, 1.0, 57.4, 3.4e38, 1e77])
def test_a_lane_never_spills_over_into_its_neighbour(largest: float) -> None:
    lanes = Lanes(3, largest)
    many = (1 << MOST) - 1
    found = lanes.unpack(lanes.pack([largest, -largest, largest]) * many)
    assert found == pytest.approx([largest * many, -largest * many, largest * many], rel=1e-6)


@given(st.text(min_size=1, max_size=40), st.integers(1, 9), st.integers(1, 9))
def test_no_row_of_an_unknown_word_is_larger_than_said(word: str, one: int, other: int) -> None:
    table = small_model().table
    features = replace(table.features, shortest=min(one, other), longest=max(one, other))
    unknown = UnknownWords(replace(table, features=features))
    assert max(map(abs, unknown.row(word))) <= unknown.largest()


@given(st.lists(st.floats(-60_000, 60_000, width=16), min_size=1, max_size=8))
def test_a_block_names_a_bound_of_its_numbers(numbers: list[float]) -> None:
    wanted = max(map(abs, numbers))
    assert Block.of(np.array(numbers), SINGLE).largest() == wanted
    assert wanted <= Block.of(np.array(numbers), HALF).largest() <= max(2 * wanted, 1e-4)
