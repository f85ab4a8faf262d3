"""The classifier beside its goals and its peers: accuracy, calibration, learning, speed, cost.

`python -m bench.classifier [--only G1,G9,own] [--draws 2]` prints Markdown tables
(docs/CLASSIFIER.md keeps the last full run). Public sets come from ABOARD_SHARED (default
../shared) and are read only; settings were chosen on their training parts. A "must" is met at or
above its figure minus one standard error.
"""

from __future__ import annotations

import os
import sys

# One thread, as the goals say; it has to be set before NumPy is imported.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import argparse  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable  # noqa: E402
from functools import partial  # noqa: E402
from typing import TypeVar  # noqa: E402

from bench import classifier_accuracy, classifier_cost, classifier_first, classifier_own  # noqa: E402
from bench.classifier_goals import Row, table  # noqa: E402

PARTS = {
    "G1": classifier_accuracy.tickets,
    "G2": classifier_accuracy.tickets_few,
    "G3": classifier_accuracy.banking,
    "G4": classifier_accuracy.banking_few,
    "G5": classifier_accuracy.clinc,
    "G6": classifier_accuracy.out_of_scope,
    "G7": classifier_accuracy.calibration,
    "G8": classifier_accuracy.automatic,
    "G9": classifier_cost.latency,
    "G10": classifier_cost.footprint,
    "G11": classifier_cost.training,
    "G12": classifier_cost.explanation,
}
OWN = {"folds": classifier_own.folds, "industries": classifier_own.industries}
OWN |= {"curve": classifier_own.curve, "habits": classifier_own.habits}
OWN |= {"first": classifier_first.first}
DRAWN = ("G2", "G7", "habits", "first")
"""Parts that are means over several draws of the labelled mail; together most of a run's time."""


Shown = TypeVar("Shown")


def _timed(name: str, part: Callable[[], Shown]) -> Shown:
    """What `part` gives; how long it took goes to standard error."""
    wall, computed = time.perf_counter(), time.process_time()
    found = part()
    wall, computed = time.perf_counter() - wall, time.process_time() - computed
    print(f"{name}: {wall:.0f} s, processor {computed:.0f} s", file=sys.stderr, flush=True)
    return found


def _drawing(name: str, part: Callable[..., Shown], draws: int) -> Callable[[], Shown]:
    return partial(part, draws=draws) if name in DRAWN else part


def main(arguments: list[str]) -> int:
    """Run the chosen parts; 1 where a "must" was missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.classifier", description=__doc__)
    names = ",".join([*PARTS, *OWN, "own"])
    parser.add_argument("--only", default="", help=f"some of {names}, separated by commas")
    parser.add_argument(
        "--draws", type=int, choices=range(2, 6), default=5, help="of labelled mail"
    )
    given = parser.parse_args(arguments)
    chosen = [part for part in given.only.split(",") if part]
    if unknown := set(chosen) - {*PARTS, *OWN, "own"}:
        parser.error(f"unknown parts {sorted(unknown)}; there are {names}")
    rows: list[Row] = []
    started, before = time.perf_counter(), os.getloadavg()[0]
    for name, part in PARTS.items():
        if not chosen or name in chosen:
            rows += _timed(name, _drawing(name, part, given.draws))
    if rows:
        print(table(rows), flush=True)
    for name, show in OWN.items():
        if not chosen or name in chosen or "own" in chosen:
            print("\n" + _timed(name, _drawing(name, show, given.draws)), flush=True)
    wall, computed = time.perf_counter() - started, time.process_time()
    after = os.getloadavg()[0]
    print(
        f"\nThe whole run took {wall:.0f} s, {computed:.0f} s of processor time; "
        f"load {before:.1f} at its beginning, {after:.1f} at its end, {os.cpu_count()} cores."
    )
    missed = [row for row in rows if row.met is False]
    for row in missed:
        print(f"missed: {row.goal} {row.metric}: {row.value} (must {row.must})", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
