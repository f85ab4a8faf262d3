"""Tables that leave a page as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from starlette.responses import Response

from inbox.cells import cell


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
