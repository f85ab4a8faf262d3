"""The model that comes with Aboard: there, small, made from the examples beside it."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator

import pytest

from classifiers import artifact
from classifiers.artifact import ModelError
from classifiers.dataset import DataError, data_hash
from classifiers.model import Model
from classifiers.shipped import read_shipped, train_shipped
from classifiers.text import MailText
from tests.shared import REPO

FOLDER = REPO / "data" / "training"
FILE = REPO / "data" / "models" / f"shipped{artifact.SUFFIX}"


@pytest.fixture(scope="module")
def shipped() -> Model:
    return artifact.load(FILE)


def test_the_shipped_model_knows_the_four_teams_and_none(shipped: Model) -> None:
    assert shipped.labels == ("compliance", "implementation", "none", "success", "support")
    assert FILE.stat().st_size < 1_000_000


def test_the_shipped_model_was_made_from_the_shipped_examples(shipped: Model) -> None:
    examples = read_shipped(FOLDER)
    assert shipped.info["data_sha256"] == data_hash(examples), "train it again: docs/CLASSIFIER.md"
    assert len(examples) >= 1_200
    assert len({example.language for example in examples}) >= 7


@pytest.mark.campaign
def test_training_again_gives_the_shipped_model(shipped: Model) -> None:
    assert train_shipped(FOLDER).id == shipped.id


def test_the_shipped_vocabulary_holds_no_number_and_no_address(shipped: Model) -> None:
    assert not [word for word in shipped.table.words if re.search(r"\d|.@|@.", word)]


@pytest.mark.parametrize(
    ("text", "team"),
    [
        (
            "Our auditors need your signed data processing agreement and the SOC 2 report.",
            "compliance",
        ),
        ("Seit heute früh kommt beim Anmelden eine Fehlermeldung, niemand kommt rein.", "support"),
        (
            "Wann können wir mit dem Import der Stammdaten und der Schnittstelle beginnen?",
            "implementation",
        ),
    ],
)
def test_plain_mail_finds_its_team(shipped: Model, text: str, team: str) -> None:
    answer = shipped.predict(MailText(visible=text))
    assert answer.label == team
    assert answer.evidence


def _cuts_and_flips(content: bytes, cuts: Iterable[int], flips: Iterable[int]) -> Iterator[bytes]:
    for length in cuts:
        yield content[:length]
    chance = random.Random(17)
    for at in flips:
        altered = bytearray(content)
        altered[at] ^= 1 << chance.randrange(8)
        yield bytes(altered)


def _is_refused(content: bytes) -> bool:
    try:
        artifact.loads(content)
    except ModelError:
        return True
    return False


def test_the_shipped_file_cut_or_altered_is_refused() -> None:
    content, chance = FILE.read_bytes(), random.Random(3)
    size = len(content)
    cuts = [*range(64), *range(size - 64, size), *chance.sample(range(size), 300)]
    flips = [*range(64), *range(size - 64, size), *chance.sample(range(size), 300)]
    assert all(map(_is_refused, _cuts_and_flips(content, cuts, flips)))


@pytest.mark.campaign
def test_the_shipped_file_cut_after_or_altered_in_any_byte_is_refused() -> None:
    content = FILE.read_bytes()
    every = range(len(content))
    assert all(map(_is_refused, _cuts_and_flips(content, every, every)))


def test_a_folder_without_examples_is_a_clear_error() -> None:
    with pytest.raises(DataError, match=r"no \.jsonl file"):
        read_shipped(REPO / "data" / "models")
