"""The model file: whatever happens to it, the answer is the same model or a clear refusal."""

from __future__ import annotations

import hashlib
import json
import math
import random
import re
import struct
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from classifiers import artifact
from classifiers.artifact import ModelError
from classifiers.table import Block
from classifiers.text import MailText
from tests.classifiers.samples import small_model

QUESTION = MailText("Export", "the export stops with an error zzyzx", "contract", ("dpa.pdf",))


def _content() -> bytes:
    return artifact.dump(small_model())


def _sealed(content: bytes) -> bytes:
    """`content` with a right length and checksum, so that the checks behind them are reached."""
    body = bytearray(content[:-32])
    struct.pack_into("<Q", body, 16, len(body) + 32)
    return bytes(body) + hashlib.sha256(body).digest()


def _with_manifest(**changes: object) -> bytes:
    """The file with fields of its manifest replaced, sealed again."""
    content = _content()
    length = struct.unpack_from("<I", content, 12)[0]
    manifest = json.loads(content[24 : 24 + length])
    manifest.update(changes)
    packed = json.dumps(manifest).encode()
    header = bytearray(content[:24])
    struct.pack_into("<I", header, 12, len(packed))
    return _sealed(bytes(header) + packed + content[24 + length :])


def test_a_model_comes_back_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / f"a{artifact.SUFFIX}"
    model = small_model()
    artifact.save(model, path)
    loaded = artifact.load(path)
    assert loaded.predict(QUESTION) == model.predict(QUESTION)
    assert (loaded.labels, loaded.thresholds) == (model.labels, model.thresholds)
    assert loaded.info == model.info
    assert artifact.dump(loaded) == path.read_bytes()
    assert [found.name for found in tmp_path.iterdir()] == [path.name]


def test_a_file_cut_after_any_byte_is_refused() -> None:
    content = _content()
    for length in range(len(content)):
        with pytest.raises(ModelError):
            artifact.loads(content[:length])


def test_a_file_with_any_byte_altered_is_refused() -> None:
    content = _content()
    chance = random.Random(5)
    for at in range(len(content)):
        altered = bytearray(content)
        altered[at] ^= 1 << chance.randrange(8)
        with pytest.raises(ModelError):
            artifact.loads(bytes(altered))


@pytest.mark.campaign
def test_a_file_with_any_single_bit_altered_is_refused() -> None:
    content = _content()
    for bit in range(8 * len(content)):
        altered = bytearray(content)
        altered[bit // 8] ^= 1 << (bit % 8)
        with pytest.raises(ModelError):
            artifact.loads(bytes(altered))


@pytest.mark.campaign
def test_any_single_bit_altered_under_a_forged_checksum_is_refused_or_the_same_model() -> None:
    content, wanted = _content(), small_model().predict(QUESTION)
    for bit in range(8 * (len(content) - 32)):
        altered = bytearray(content)
        altered[bit // 8] ^= 1 << (bit % 8)
        try:
            model = artifact.loads(_sealed(bytes(altered)))
        except ModelError:
            continue
        assert model.predict(QUESTION) == wanted


def test_an_altered_file_with_a_forged_checksum_is_refused_or_the_same_model() -> None:
    content, chance = _content(), random.Random(11)
    wanted = small_model().predict(QUESTION)
    refused = 0
    for _ in range(1_500):
        altered = bytearray(content)
        for _ in range(chance.choice((1, 1, 1, 4))):
            altered[chance.randrange(len(content) - 32)] ^= 1 << chance.randrange(8)
        try:
            model = artifact.loads(_sealed(bytes(altered)))
        except ModelError:
            refused += 1
        else:
            assert model.predict(QUESTION) == wanted
    assert refused > 1_000


def test_sections_cut_short_under_a_forged_checksum_are_refused() -> None:
    content = _content()
    for length in range(24, len(content) - 33, 7):
        with pytest.raises(ModelError):
            artifact.loads(_sealed(content[:length] + bytes(32)))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"PK\x03\x04 a zip file", "not a model file"),
        (b"\x80\x04\x95 a pickle", "not a model file"),
        (b"\x89ABOARD\n", "ends after 8 bytes"),
    ],
)
def test_a_foreign_file_is_named_as_such(content: bytes, reason: str) -> None:
    with pytest.raises(ModelError, match=reason):
        artifact.loads(content, "x.aboard-model")


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="there is no model file; train one with"):
        artifact.load(tmp_path / "none.aboard-model")
    with pytest.raises(ModelError, match="cannot be read"):
        artifact.load(tmp_path)


def test_a_file_of_a_later_version_is_refused_by_its_number() -> None:
    altered = bytearray(_content())
    struct.pack_into("<H", altered, 8, 2)
    with pytest.raises(ModelError, match="format version 2"):
        artifact.loads(_sealed(bytes(altered)))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"temperature": 0}, "'temperature' must be a number"),
        ({"temperature": True}, "'temperature' must be a number"),
        ({"temperature": float("nan")}, "NaN, which is no number"),
        ({"labels": ["a", "a", "b", "c", "d"]}, "repeat themselves"),
        ({"labels": ["a"]}, "2 or more"),
        ({"labels": "abcde"}, "no usable field 'labels'"),
        ({"labels": ["a", "b", "c", "d", "e"]}, "has the id"),
        ({"thresholds": [1.0]}, "one threshold per label"),
        ({"thresholds": [-9, -9, -9, -9, -9]}, "has the id"),
        ({"format": "other"}, "not that of a model"),
        ({"features": {}}, "feature options"),
        ({"words": 3}, "different words"),
        ({"words": -1}, "'words' must be a whole number"),
        ({"pairs": 10**7}, "'pairs' must be a whole number"),
        ({"sections": []}, "sections are not those"),
        ({"self_test": []}, "no self-test"),
        ({"self_test": [{"text": "x", "margins": [0, 0, 0, 0, 9]}]}, "fails its own self-test"),
        ({"self_test": [{"text": "x", "margins": [0]}]}, "does not fit its labels"),
        ({"info": None}, "no usable field 'info'"),
    ],
)
def test_a_manifest_that_makes_no_sense_is_refused(changes: dict[str, object], reason: str) -> None:
    with pytest.raises(ModelError, match=reason):
        artifact.loads(_with_manifest(**changes))


def test_a_number_too_long_to_read_is_refused() -> None:
    content = _content()
    length = struct.unpack_from("<I", content, 12)[0]
    packed = content[24 : 24 + length].rstrip()[:-1] + b', "more": ' + b"9" * 5000 + b"}"
    header = bytearray(content[:24])
    struct.pack_into("<I", header, 12, len(packed))
    with pytest.raises(ModelError, match="its manifest is not JSON"):
        artifact.loads(_sealed(bytes(header) + packed + content[24 + length :]))


def test_values_that_are_no_numbers_are_refused() -> None:
    model = small_model()
    rows = model.table.arrays.word_rows.array().copy()
    rows[0, 0] = np.nan
    table = replace(model.table, arrays=replace(model.table.arrays, word_rows=Block.of(rows)))
    bias = replace(model.table.arrays, bias=Block.of(np.full(5, np.inf, np.float32)))
    assert math.isnan(table.arrays.word_rows.rows()[0][0])
    for broken in (table, replace(model.table, arrays=bias)):
        packed = artifact.dump(replace(model, info={}))
        start, at = _section_starts(packed)
        name = "word_rows" if broken is table else "bias"
        raw = getattr(broken.arrays, name).raw
        altered = _with_section(packed, start, at, (name, raw))
        with pytest.raises(ModelError, match="values that are no numbers"):
            artifact.loads(altered)


def _section_starts(content: bytes) -> tuple[int, dict[str, tuple[int, int]]]:
    length = struct.unpack_from("<I", content, 12)[0]
    manifest = json.loads(content[24 : 24 + length])
    at = 24 + length
    found = {}
    for section in manifest["sections"]:
        found[section["name"]] = (at, section["packed"])
        at += section["packed"]
    return 24 + length, found


def _with_section(
    content: bytes, start: int, at: dict[str, tuple[int, int]], new: tuple[str, bytes]
) -> bytes:
    """The file with one section replaced and its manifest and seal put right."""
    name, raw = new
    place, size = at[name]
    packed = zlib.compress(raw, 6)
    manifest = json.loads(content[24:start])
    for section in manifest["sections"]:
        if section["name"] == name:
            section.update(packed=len(packed), size=len(raw))
    text = json.dumps(manifest).encode()
    header = bytearray(content[:24])
    struct.pack_into("<I", header, 12, len(text))
    body = content[start:place] + packed + content[place + size : -32]
    return _sealed(bytes(header) + text + body + bytes(32))


def test_a_section_that_unpacks_to_more_than_it_says_is_not_unpacked_whole() -> None:
    content = _content()
    start, at = _section_starts(content)
    bomb = zlib.compress(bytes(200_000_000), 9)
    place, size = at["bias"]
    manifest = json.loads(content[24:start])
    for section in manifest["sections"]:
        if section["name"] == "bias":
            section["packed"] = len(bomb)
    text = json.dumps(manifest).encode()
    header = bytearray(content[:24])
    struct.pack_into("<I", header, 12, len(text))
    body = content[start:place] + bomb + content[place + size : -32]
    with pytest.raises(ModelError, match="has not the stated size"):
        artifact.loads(_sealed(bytes(header) + text + body + bytes(32)))


def test_a_failed_save_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.aboard-model"
    path.write_bytes(b"old")
    with pytest.raises(ValueError, match="Out of range float"):
        artifact.save(replace(small_model(), temperature=math.nan), path)
    assert path.read_bytes() == b"old"
    assert [found.name for found in tmp_path.iterdir()] == ["a.aboard-model"]


def test_the_vocabulary_holds_no_digit_and_no_address() -> None:
    words = small_model().table.words
    assert words
    assert not [word for word in words if re.search(r"[\d@]", word)]
