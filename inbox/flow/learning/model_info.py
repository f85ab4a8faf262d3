"""What a model's file says about itself, as far as it may be shown: known fields of the right kind.

A manifest is a claim. Its checksum shows that it is whole, not that it is true, so nothing here is
trusted: numbers must be numbers in their range, texts short and printable, all else is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_SHARES = ("accuracy", "ece", "coverage", "accuracy_when_routed")
_COUNTS = ("own_labels", "own_examples", "unlabelled", "seed")
_TEXTS = ("data_sha256", "python", "numpy")
_MOST_TEXT = 80
_MOST_LABELS = 200


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Figures on mail that the model was not fitted on, by its own account."""

    accuracy: float
    coverage: float
    accuracy_when_routed: float | None
    ece: float


def held_out(info: Mapping[str, object]) -> HeldOut | None:
    """The figures; None where they were not measured, or are no figures."""
    said = info.get("held_out")
    if not isinstance(said, dict):
        return None
    found = {name: _share(said.get(name)) for name in _SHARES}
    accuracy, coverage, ece = found["accuracy"], found["coverage"], found["ece"]
    if accuracy is None or coverage is None or ece is None:
        return None
    return HeldOut(accuracy, coverage, found["accuracy_when_routed"], ece)


def shown(info: Mapping[str, object]) -> dict[str, object]:
    """The fields of `info` that are known and of the right kind."""
    figures = held_out(info)
    found: dict[str, object] = {
        "held_out": None if figures is None else {name: getattr(figures, name) for name in _SHARES},
        "promise": _share(info.get("promise")),
    }
    counts = {name: info.get(name) for name in _COUNTS}
    found |= {name: value for name, value in counts.items() if _is_count(value)}
    texts = {name: info.get(name) for name in _TEXTS}
    found |= {name: value for name, value in texts.items() if is_plain(value)}
    examples = info.get("examples")
    if isinstance(examples, dict):
        found["examples"] = {
            label: count
            for label, count in list(examples.items())[:_MOST_LABELS]
            if is_plain(label) and _is_count(count)
        }
    return found


def is_plain(value: object) -> bool:
    """A short text that a terminal and a page show as it is."""
    return isinstance(value, str) and len(value) <= _MOST_TEXT and value.isprintable()


def _share(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        return None
    return float(value)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**12
