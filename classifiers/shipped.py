"""The model that comes with Aboard: made from data/training by one function, bit for bit again.

Not the training of an installation's own model (`learn.py`), which starts from the same examples.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from classifiers.artifact import SUFFIX, save
from classifiers.calibration import Promise
from classifiers.dataset import DataError, DataProblem, Example, read_examples
from classifiers.fit import FitOptions, Progress, fit
from classifiers.model import Model
from classifiers.terms import FeatureOptions

SHIPPED_OPTIONS = FitOptions(
    features=FeatureOptions(min_examples=3, min_pair_examples=3, character_bits=15),
    promise=Promise(0.85),
    seed=7,
)
"""Words and pairs from three examples on; 2**15 rows of n-grams keep the file small. The promise is
85 %: at 95 % this hard a set would route almost nothing. An own model makes its own promise
(`learn.OWN_OPTIONS`), on own mail from `fit.ENOUGH_OWN` labels on."""


def read_shipped(folder: Path) -> list[Example]:
    """All examples of `folder`/*.jsonl in name order. DataError: none there, or unusable lines.

    The sender's domain counts as the account, so that mail of one (invented) company stays
    together when the data is split.
    """
    paths = sorted(folder.glob("*.jsonl"))
    if not paths:
        raise DataError([DataProblem(str(folder), 0, "there is no .jsonl file in this folder")])
    return with_accounts(read_examples(paths))


def with_accounts(examples: Sequence[Example]) -> list[Example]:
    """The examples with the sender's domain as account where none is given.

    All mail of one public provider counts as one account: it then never straddles two folds, which
    is stricter than need be and lets nothing leak.
    """
    return [
        example
        if example.account is not None
        else replace(example, account=_domain(example.mail.sender))
        for example in examples
    ]


def _domain(sender: str) -> str | None:
    domain = sender.rpartition("<")[2].rstrip("> ").casefold().rpartition("@")[2].strip()
    return domain or None


def train_shipped(folder: Path, progress: Progress | None = None) -> Model:
    """The shipped model from the examples in `folder`. The same files give the same model."""
    return fit(read_shipped(folder), SHIPPED_OPTIONS, progress=progress)


def main(arguments: list[str]) -> int:
    """`python -m classifiers.shipped data/training data/models/shipped.aboard-model`."""
    if len(arguments) != 2:
        print(f"usage: python -m classifiers.shipped FOLDER FILE{SUFFIX}", file=sys.stderr)
        return 2
    model = train_shipped(Path(arguments[0]))
    save(model, Path(arguments[1]))
    print(f"{arguments[1]}: model {model.id}, held out: {model.info['held_out']}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
