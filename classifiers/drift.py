"""Does the model in force still keep its promise? An alarm on the share of corrections.

It looks at counts only; who corrected what is the inbox's affair.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from classifiers.compare import binomial_tail

ALARM = 0.0005
"""How unlikely the corrections must be under the promise before anybody is woken. With a look
after each thread a model that keeps its promise raises a false alarm within a thousand routed
threads about one time in twenty; one whose errors treble is found after 35 to 85 of them
(simulated, median, at a promise of 85 and of 95 %)."""
LEAST_SEEN = 20
"""Routed threads below which there is no verdict."""
LOOKS = (50, 200)
"""Newest routed threads that are looked at: few show a sudden change soon, many a small one."""


@dataclass(frozen=True, slots=True)
class Drift:
    """Corrections among the threads that the model routed by itself."""

    routed: int
    corrected: int
    promised_errors: float
    """The share that may be wrong: 1 - the promised precision."""
    p_value: float
    """How likely so many corrections would be if the promise held (one-sided binomial test)."""
    alarm: bool
    message: str


def watch_newest(moved: Sequence[bool], precision: float = 0.95) -> Drift:
    """The verdict over the newest routed threads, the last one first: was each moved by a person?

    It may be asked after every thread: `ALARM` is chosen for that. An alarm over the shorter look
    goes before the longer one.
    """
    found = [watch(len(part), sum(part), precision) for part in (moved[:look] for look in LOOKS)]
    return next((one for one in found if one.alarm), found[-1])


def watch(routed: int, corrected: int, precision: float = 0.95) -> Drift:
    """The verdict for a recent window. ValueError: counts or precision out of range."""
    if not 0 <= corrected <= routed:
        raise ValueError(f"corrected must be between 0 and routed, got {corrected} of {routed}")
    if not 0.0 < precision < 1.0:
        raise ValueError(f"precision must lie between 0 and 1, got {precision}")
    promised = 1.0 - precision
    p_value = binomial_tail(corrected, routed, promised)
    share = corrected / routed if routed else 0.0
    alarm = routed >= LEAST_SEEN and p_value < ALARM
    figures = f"{corrected} of {routed} routed threads were corrected ({share:.1%})"
    if routed < LEAST_SEEN:
        message = f"{figures}; no verdict below {LEAST_SEEN} threads"
    elif alarm:
        message = (
            f"{figures}, promised were at most {promised:.1%} (p = {p_value:.4f}): "
            "retrain, or go back with `aboard classifier rollback`"
        )
    else:
        message = f"{figures}, which the promised {promised:.1%} can explain (p = {p_value:.2f})"
    return Drift(routed, corrected, promised, p_value, alarm, message)
