"""Rows, how they are added up, and what an answer may load and keep."""

from __future__ import annotations

import re
import subprocess
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers import scoring
from classifiers.artifact import save
from classifiers.confidence import familiarity
from classifiers.scoring import Narrow
from classifiers.table import HALF, SINGLE, Block
from classifiers.text import MailText, split, words_of
from classifiers.wide import Wide
from tests.classifiers.samples import small_model

_ALONE = """
import sys
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
