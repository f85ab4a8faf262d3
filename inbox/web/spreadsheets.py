"""Tables that leave as CSV. No cell is a formula, whatever somebody wrote into it.

A program that opens it takes a cell for a formula by its first character, also behind blanks and
control characters, and in full-width forms; such a cell begins with an apostrophe.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable, Sequence

from starlette.responses import Response

_FORMULA = frozenset("=+-@|%")


def cell(value: object) -> str:
    """The text of a cell, harmless."""
    text = "" if value is None else str(value)
    bare = text.lstrip("".join(c for c in text[:50] if unicodedata.category(c)[0] in "CZ"))
    first = unicodedata.normalize("NFKC", bare[:1])[:1]
    return f"'{text}" if first in _FORMULA and first else text


def spreadsheet(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """A file of rows, in UTF-8 with the mark by which spreadsheets know it (RFC 4180)."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([cell(one) for one in row])
    return Response(
        ("\ufeff" + out.getvalue()).encode("utf-8", "replace"),
        headers={
            "content-type": "text/csv; charset=utf-8",
            "content-disposition": f'attachment; filename="{name}.csv"',
        },
    )
