"""JSON lines in, JSON lines out, one answer per line and in order. Not a file reader.

A line that cannot be read stops the stream: `LineError` names its number after all earlier answers
were given. Answering on would shift every later answer against its question in a pipe that counts
lines, and a made-up answer would look like a real one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from classifiers.dataset import read_mail, read_row
from classifiers.model import Model


class LineError(ValueError):
    """One unusable line of the input; `line` is its 1-based number."""

    def __init__(self, line: int, reason: str) -> None:
        self.line = line
        self.reason = reason
        super().__init__(f"line {line}: {reason}")


def predict_lines(lines: Iterable[str], model: Model, *, evidence: int = 5) -> Iterator[str]:
    """One JSON text per input line, without newline, as soon as it is known.

    Empty lines are passed over. LineError: the first line that is no mail.
    """
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            mail = read_mail(read_row(line))
        except ValueError as error:
            raise LineError(number, str(error)) from None
        yield json.dumps(model.predict(mail, evidence=evidence).as_json(), ensure_ascii=False)
