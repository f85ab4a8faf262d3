"""What an answer, a start and a training cost (goals G9 to G12)."""

from __future__ import annotations

import gc
import json
import math
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from bench.classifier_accuracy import full, read
from bench.classifier_goals import Figure, Goal, Row, row
from classifiers import artifact
from classifiers.dataset import Example
from classifiers.features import matrix
from classifiers.fit import FitOptions, fit, fit_once, read_material, settings_for
from classifiers.memory import remembering
from classifiers.model import Model
from classifiers.shipped import SHIPPED_OPTIONS, read_shipped
from classifiers.text import MailText, words_of

TRAINING = Path(__file__).resolve().parent.parent / "data" / "training"
LENGTH = 540
"""Characters of the mails whose latency is measured: the nearest ones to it are taken."""
PASSES = 7
"""Passes of 1,000 calls; the quietest counts, the median one is shown beside it."""
WARM_UP = 50
COLD = """
import json, sys, time
started, computed = time.perf_counter(), time.process_time()
from pathlib import Path
from classifiers.artifact import load
from classifiers.text import MailText
model = load(Path(sys.argv[1]))
model.predict(MailText(visible=sys.argv[2]))
seconds, computed = time.perf_counter() - started, time.process_time() - computed
status = Path("/proc/self/status").read_text()
memory = int(status.split("VmRSS:")[1].split()[0]) / 1024
found = {"seconds": seconds, "computed": computed, "memory": memory}
print(json.dumps({**found, "sklearn": "sklearn" in sys.modules}))
"""
COLD_SKLEARN = COLD.replace("model = load", "import sklearn.pipeline, sklearn.svm\nmodel = load")


@lru_cache
def four_teams() -> tuple[Model, tuple[Example, ...]]:
    """A model of the four teams from the shipped examples, and those examples."""
    examples = [example for example in read_shipped(TRAINING) if example.label != "none"]
    return artifact.loads(artifact.dump(fit(examples, SHIPPED_OPTIONS))), tuple(examples)


def mails_of_length(examples: Sequence[Example]) -> list[MailText]:
    """The 250 mails nearest to `LENGTH` characters.

    Few shipped mails are so long: shorter ones of one team, language and industry are put together
    by twos, the second below the first.
    """
    found = [example.mail for example in examples]
    waiting: dict[tuple[str, str, str], MailText] = {}
    for example in examples:
        mail, key = example.mail, (example.label, example.language, example.industry)
        first = waiting.pop(key, None)
        if first is None:
            waiting[key] = mail
        else:
            below = f"{first.visible}\n{mail.subject}\n{mail.visible}"
            found.append(MailText(first.subject, below))
    plain = [MailText(mail.subject, mail.visible) for mail in found]
    return sorted(plain, key=lambda mail: abs(len(_text(mail)) - LENGTH))[:250]


def _text(mail: MailText) -> str:
    return f"{mail.subject}\n{mail.visible}"


Clock = Callable[[], int]


def clock(
    call: Callable[[Any], object],
    inputs: Sequence[object],
    rounds: int = 4,
    now: Clock = time.perf_counter_ns,
) -> list[float]:
    """Microseconds of each call after `WARM_UP` warm-up calls, with the collector off.

    `now`: `time.thread_time_ns` counts only what this thread computed, not what it waited for.
    """
    for given in inputs[:WARM_UP]:
        call(given)
    gc.collect()
    gc.disable()
    try:
        taken = []
        for _ in range(rounds):
            for given in inputs:
                started = now()
                call(given)
                taken.append((now() - started) / 1000)
        return taken
    finally:
        gc.enable()


def _percentiles(taken: Sequence[float]) -> tuple[float, float]:
    return float(np.percentile(taken, 50)), float(np.percentile(taken, 99))


@dataclass(frozen=True, slots=True)
class Timed:
    """What one call took, in microseconds."""

    passes: list[tuple[float, float]]
    """p50 and p99 of each pass."""
    quietest: tuple[float, float]
    """p50 and p99 over the mails, each at its best of all passes: what no other work disturbed."""


def _passes(
    calls: Sequence[Callable[[Any], object]], inputs: Sequence[object], now: Clock
) -> list[Timed]:
    """Each call `PASSES` times over; a pass is 1,000 calls, and the calls take turns."""
    passes: list[list[tuple[float, float]]] = [[] for _ in calls]
    best = [np.full(len(inputs), math.inf) for _ in calls]
    for _ in range(PASSES):
        for place, call in enumerate(calls):
            taken = clock(call, inputs, now=now)
            passes[place].append(_percentiles(taken))
            rounds = np.array(taken).reshape(-1, len(inputs))
            best[place] = np.minimum(best[place], rounds.min(axis=0))
    quietest = [_percentiles(found.tolist()) for found in best]
    return [Timed(*found) for found in zip(passes, quietest, strict=True)]


def latency() -> list[Row]:
    """G9: one raw text to an answer, beside scikit-learn on the same model and as usual."""
    model, examples = four_teams()
    mails = mails_of_length(examples)
    texts = [_text(mail) for mail in mails]
    calls = (lambda m: model.predict(m, evidence=0), lambda m: model.predict(m, evidence=5))
    plain, explained = _passes(calls, mails, time.perf_counter_ns)
    same, usual = _sklearn_calls(examples)
    beside_same = _percentiles(clock(same, mails, rounds=1))
    beside = _percentiles(clock(usual, texts, rounds=1))
    peer = (
        f"{beside_same[0]:.0f} / {beside_same[1]:.0f} same model as sparse matrix, "
        f"{beside[0]:.0f} / {beside[1]:.0f} sklearn pipeline"
    )
    size = f"{sum(map(len, texts)) / len(texts):.0f} characters"
    rows = [
        row("G9", f"answer p50, {size}", _best(plain.passes, 0), Goal(100, 40, False), peer),
        row("G9", "answer p99", _best(plain.passes, 1), Goal(250, 80, False)),
        row("G9", "with top-5 words p50", _best(explained.passes, 0), Goal(200, 90, False)),
        row("G9", "with top-5 words p99", _best(explained.passes, 1), Goal(400, 150, False)),
    ]
    for name, timed in (("answer", plain), ("with top-5 words", explained)):
        late, middle = (np.median([found[place] for found in timed.passes]) for place in (1, 0))
        rows.append(row("G9", f"{name}, p50 of the median pass", _us(float(middle)), None))
        rows.append(row("G9", f"{name}, p99 of the median pass", _us(float(late)), None))
        quiet = f"{name}, each mail at its best of {4 * PASSES} calls"
        rows.append(row("G9", f"{quiet}, p50", _us(timed.quietest[0]), None))
        rows.append(row("G9", f"{quiet}, p99", _us(timed.quietest[1]), None))
    rows += _processor_rows(calls, mails, texts)
    reading = _percentiles(clock(lambda mail: words_of(mail), mails))
    rows.append(row("G9", "of which reading words p50", _us(reading[0]), None))
    rows += _with_own_labels(model, examples, mails)
    return [*rows, *_first_meeting(examples), *_many_labels()]


def _with_own_labels(
    model: Model, examples: Sequence[Example], mails: Sequence[MailText]
) -> list[Row]:
    """With own labels remembered, in processor time; the mails that are asked about among them."""
    order = np.random.default_rng(1).permutation(len(examples)).tolist()
    rows = []
    for count in (4, 80, 250):
        kept = remembering(model, [(examples[at].mail, examples[at].label) for at in order[:count]])
        calls = [lambda mail, ask=kept: ask.predict(mail, evidence=0)]
        (timed,) = _passes(calls, mails, time.thread_time_ns)
        metric = f"answer with {count} own labels on top, processor"
        rows.append(row("G9", f"{metric} p50", _best(timed.passes, 0), None))
        rows.append(row("G9", f"{metric} p99", _best(timed.passes, 1), None))
    return rows


def _best(passes: Sequence[tuple[float, float]], place: int) -> Figure:
    """The quietest pass: other work on the machine only ever adds time."""
    return _us(min(found[place] for found in passes))


def _first_meeting(examples: Sequence[Example]) -> list[Row]:
    """Mail of two industries, each mail once, through a model of the other three.

    So every fifth word is one that the model meets for the first time, whose row has to be made.
    """
    strange = ("banking", "retail")
    known = [example for example in examples if example.industry not in strange]
    content = artifact.dump(fit(known, replace(SHIPPED_OPTIONS, costs=(0.3,))))
    mails = [example.mail for example in examples if example.industry in strange]
    found = []
    for _ in range(PASSES):
        model = artifact.loads(content)
        taken = clock(lambda mail, ask=model: ask.predict(mail, evidence=0), mails, rounds=1)
        # Those that warm up have been met by then.
        found.append(_percentiles(taken[WARM_UP:]))
    size = sum(len(_text(mail)) for mail in mails) / len(mails)
    metric = f"mail of an industry the model never saw, each mail once, {size:.0f} characters"
    return [
        row("G9", f"{metric}, p50", _best(found, 0), None),
        row("G9", "the same, p99", _best(found, 1), None),
    ]


def _many_labels() -> list[Row]:
    banking = [example.mail for example in read("banking77/test.jsonl")[:800]]
    wide = full("banking77").model
    short = _percentiles(clock(lambda mail: wide.predict(mail, evidence=0), banking, rounds=1))
    return [
        row("G9", "banking77, k=77, p50", _us(short[0]), None),
        row("G9", "banking77, k=77, p99", _us(short[1]), None),
    ]


def _processor_rows(
    calls: Sequence[Callable[[Any], object]], mails: list[MailText], texts: list[str]
) -> list[Row]:
    """The same in processor time, beside the floor of this machine in the same minute."""

    def floor(text: str) -> object:
        return re.findall(r"\w+", text.lower())

    floors = [_percentiles(clock(floor, texts, now=time.thread_time_ns)) for _ in range(PASSES)]
    metric = "lower() and findall alone, processor p50: the floor (10.8 where the goals were set)"
    rows = [row("G9", metric, _best(floors, 0), None)]
    found = _passes(calls, mails, time.thread_time_ns)
    for name, timed in zip(("answer", "with top-5 words"), found, strict=True):
        rows.append(row("G9", f"{name}, processor p50", _best(timed.passes, 0), None))
        rows.append(row("G9", f"{name}, processor p99", _best(timed.passes, 1), None))
    return rows


def _us(value: float) -> Figure:
    return Figure(value, 0.0, 0, " us")


def _sklearn_calls(
    examples: Sequence[Example],
) -> tuple[Callable[[MailText], object], Callable[[str], object]]:
    """(the same model through its sparse matrix, the usual union pipeline)."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline, make_union
    from sklearn.svm import LinearSVC

    material = read_material(examples, (), SHIPPED_OPTIONS)
    settings = settings_for(material, SHIPPED_OPTIONS, 0.3)
    vocabulary, weights = fit_once(material, SHIPPED_OPTIONS, settings)
    line = make_pipeline(
        make_union(
            TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
            TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True),
        ),
        LinearSVC(C=0.5),
    )
    texts = [f"{example.mail.subject}\n{example.mail.visible}" for example in examples]
    line.fit(texts, [example.label for example in examples])
    return (
        lambda mail: weights.margins(matrix([words_of(mail)], vocabulary)),
        lambda text: line.decision_function([text]),
    )


def footprint() -> list[Row]:
    """G10: a fresh process that loads a model and answers once; best of five."""
    model, examples = four_teams()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"four{artifact.SUFFIX}"
        artifact.save(model, path)
        text = mails_of_length(examples)[0].visible
        runs = [_cold(COLD, path, text) for _ in range(5)]
        heavy = [_cold(COLD_SKLEARN, path, text) for _ in range(2)]
        size = path.stat().st_size / 1024
    assert not any(run["sklearn"] for run in runs)
    memory, seconds = min(r["memory"] for r in runs), min(r["seconds"] for r in runs)
    peer_memory = f"{min(r['memory'] for r in heavy):.0f} with sklearn"
    peer_seconds = f"{min(r['seconds'] for r in heavy):.2f} with sklearn"
    rows.append(row("G10", "memory", Figure(memory, 0, 0, " MB"), Goal(60, 35, False), peer_memory))
    rows.append(
        row(
            "G10",
            "import, load, first answer",
            Figure(seconds, 0, 2, " s"),
            Goal(0.2, 0.1, False),
            peer_seconds,
        )
    )
    computed = min(r["computed"] for r in runs)
    rows.append(row("G10", "the same in processor time", Figure(computed, 0, 3, " s"), None))
    rows.append(row("G10", "model file, four teams", Figure(size, 0, 0, " KB"), None))
    wide = len(artifact.dump(full("banking77").model)) / 1024
    rows.append(row("G10", "model file, banking77", Figure(wide, 0, 0, " KB"), None))
    return rows


def _cold(program: str, path: Path, text: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", program, str(path), text],
        capture_output=True,
        text=True,
        check=True,
        cwd=TRAINING.parent.parent,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def training() -> list[Row]:
    """G11: vectorise and fit 2,853 mails of eight teams; beside it the whole fit."""
    examples = read("it_tickets8/train.jsonl")
    options = FitOptions()
    started = time.perf_counter()
    material = read_material(examples, (), options)
    fit_once(material, options, settings_for(material, options, 0.3))
    once = time.perf_counter() - started
    started = time.perf_counter()
    fit(examples, options)
    whole = time.perf_counter() - started
    metric = "vectorise + fit, 2,853 mails, 8 teams (with near-duplicate search)"
    return [
        row("G11", metric, Figure(once, 0, 1, " s"), Goal(5, 2, False)),
        row("G11", "with 3 costs x 5 grouped folds", Figure(whole, 0, 1, " s"), None),
    ]


def explanation() -> list[Row]:
    """G12: how far the parts of an explanation are from its margin, at worst."""
    model, examples = four_teams()
    worst = 0.0
    for example in examples:
        for label in model.labels:
            found = model.explain(example.mail, label)
            total = math.fsum([found.bias, *(part.weight for part in found.parts)])
            worst = max(worst, abs(total - found.margin))
    return [
        row("G12", "sum of parts - margin, worst", Figure(worst, 0, 8), Goal(1e-4, 1e-4, False))
    ]
