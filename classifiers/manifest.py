"""The JSON manifest of a model file, checked field by field. It reads no arrays (`artifact.py`)."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields

from classifiers.terms import FeatureOptions

SECTIONS = (
    "words",
    "pairs",
    "word_rows",
    "word_idf",
    "pair_rows",
    "character_rows",
    "bias",
)
MAX_LABELS = 10_000
MAX_TERMS = 5_000_000
MAX_SECTION = 1 << 31


class ManifestError(Exception):
    """What is wrong with a manifest."""


@dataclass(frozen=True, slots=True)
class Section:
    """One compressed part of the file, in file order."""

    name: str
    packed: int
    size: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the file says about itself."""

    model_id: str
    labels: tuple[str, ...]
    temperature: float
    thresholds: tuple[float | None, ...]
    """None: this label is never sent by itself."""
    features: FeatureOptions
    unknown_idf: float
    words: int
    pairs: int
    info: Mapping[str, object]
    self_test: tuple[tuple[str, tuple[float, ...]], ...]
    sections: tuple[Section, ...]


def thresholds_from_json(values: tuple[float | None, ...]) -> tuple[float, ...]:
    """JSON knows no infinity: None stands for it."""
    return tuple(math.inf if value is None else value for value in values)


def read_manifest(raw: bytes) -> Manifest:
    """The manifest, every field of the right kind and range. ManifestError says which is not."""
    try:
        data = json.loads(raw.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError):  # not UTF-8, not JSON, or a number of 5,000 digits
        raise ManifestError("its manifest is not JSON") from None
    if not isinstance(data, dict) or data.get("format") != "aboard-model":
        raise ManifestError("its manifest is not that of a model")
    labels = _labels(data)
    return Manifest(
        model_id=_text(data, "model_id"),
        labels=labels,
        temperature=_number(data, "temperature", 1e-6, 1e6),
        thresholds=_thresholds(data, len(labels)),
        features=_features(data),
        unknown_idf=_number(data, "unknown_idf", 0.0, 1e3),
        words=_whole(data, "words", MAX_TERMS),
        pairs=_whole(data, "pairs", MAX_TERMS),
        info=_mapping(data, "info"),
        self_test=_self_test(data, len(labels)),
        sections=_sections(data),
    )


def _no_constant(name: str) -> float:
    raise ManifestError(f"its manifest holds {name}, which is no number")


def _mapping(data: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = data.get(name)
    if not isinstance(value, dict):
        raise ManifestError(f"its manifest has no usable field {name!r}")
    return value


def _list(data: Mapping[str, object], name: str) -> list[object]:
    value = data.get(name)
    if not isinstance(value, list):
        raise ManifestError(f"its manifest has no usable field {name!r}")
    return value


def _text(data: Mapping[str, object], name: str) -> str:
    value = data.get(name)
    if not isinstance(value, str):
        raise ManifestError(f"its manifest has no usable field {name!r}")
    return value


def _number(data: Mapping[str, object], name: str, low: float, high: float) -> float:
    value = data.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ManifestError(f"its field {name!r} must be a number from {low:g} to {high:g}")
    return float(value)


def _whole(data: Mapping[str, object], name: str, high: int, low: int = 0) -> int:
    value = data.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ManifestError(f"its field {name!r} must be a whole number from {low} to {high}")
    return value


def _labels(data: Mapping[str, object]) -> tuple[str, ...]:
    values = _list(data, "labels")
    labels = [value for value in values if isinstance(value, str) and value]
    if not 2 <= len(values) <= MAX_LABELS or len(labels) != len(values):
        raise ManifestError("its labels must be 2 or more texts")
    if len(set(labels)) != len(labels):
        raise ManifestError("its labels repeat themselves")
    return tuple(labels)


def _thresholds(data: Mapping[str, object], labels: int) -> tuple[float | None, ...]:
    found: list[float | None] = []
    for value in _list(data, "thresholds"):
        if value is None:
            found.append(None)
        else:
            found.append(_number({"thresholds": value}, "thresholds", -1e9, 1e9))
    if len(found) != labels:
        raise ManifestError("it has not one threshold per label")
    return tuple(found)


def _features(data: Mapping[str, object]) -> FeatureOptions:
    given = _mapping(data, "features")
    if set(given) != {item.name for item in fields(FeatureOptions)}:
        raise ManifestError("its feature options are not those that this program knows")
    return FeatureOptions(
        min_examples=_whole(given, "min_examples", 10**9),
        min_accounts=_whole(given, "min_accounts", 10**9),
        min_pair_examples=_whole(given, "min_pair_examples", 10**9),
        pair_weight=_number(given, "pair_weight", 0.0, 1e3),
        character_weight=_number(given, "character_weight", 0.0, 1e3),
        character_bits=_whole(given, "character_bits", 22),
        shortest=_whole(given, "shortest", 20, 1),
        longest=_whole(given, "longest", 20, 1),
    )


def _self_test(
    data: Mapping[str, object], labels: int
) -> tuple[tuple[str, tuple[float, ...]], ...]:
    found: list[tuple[str, tuple[float, ...]]] = []
    for case in _list(data, "self_test"):
        if not isinstance(case, dict):
            raise ManifestError("its self-test is not readable")
        margins = [
            _number({"self_test": value}, "self_test", -1e9, 1e9)
            for value in _list(case, "margins")
        ]
        if len(margins) != labels:
            raise ManifestError("its self-test does not fit its labels")
        found.append((_text(case, "text"), tuple(margins)))
    if not found:
        raise ManifestError("it has no self-test")
    return tuple(found)


def _sections(data: Mapping[str, object]) -> tuple[Section, ...]:
    found: list[Section] = []
    for value in _list(data, "sections"):
        if not isinstance(value, dict):
            raise ManifestError("its list of sections is not readable")
        found.append(
            Section(
                name=_text(value, "name"),
                packed=_whole(value, "packed", MAX_SECTION),
                size=_whole(value, "size", MAX_SECTION),
            )
        )
    if tuple(section.name for section in found) != SECTIONS:
        raise ManifestError("its sections are not those of this format")
    return tuple(found)
