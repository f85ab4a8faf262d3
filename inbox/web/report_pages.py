"""Reports: a sentence, a plot, a table whose every number opens its threads, and a CSV of all."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from fastapi import HTTPException, Request
from markupsafe import Markup
from starlette.responses import Response, StreamingResponse

from inbox.store import reports, thread_lists
from inbox.store.database import Conn
from inbox.store.finding import Eyes
from inbox.store.reports import BY, DAYS, REPORTS, Asking, Cell, Report
from inbox.web.clock_words import span
from inbox.web.context import Frame, desk_of, frame, page
from inbox.web.keys import place, place_of
from inbox.web.list_address import Filters
from inbox.web.list_pages import listed_rows
from inbox.web.noting import note
from inbox.web.plots import Plot, bars, columns
from inbox.web.visitors import visitor_of

ROWS = 50


@dataclass(frozen=True, slots=True)
class Row:
    """A group of the table."""

    key: str
    counts: Mapping[str, int]
    middle: str = ""
    slow: str = ""

    @property
    def total(self) -> int:
        """All facts of the group."""
        return sum(self.counts.values())

    def share(self, report: Report) -> str:
        """How many of a hundred are good, rounded down as what is nearly all is not all; empty
        where nothing is decided yet."""
        decided = self.total - self.counts.get(report.undecided, 0)
        return f"{self.counts.get(report.good, 0) * 100 // decided} %" if decided else ""


def show(request: Request) -> Response:
    """One report; `?by=team&days=30`."""
    report = reports.named(request.path_params.get("name") or "first-response")
    asking = _asking(request, report)
    with desk_of(request).site.db.read() as conn:
        around = frame(conn, request)
        cells = reports.cells(conn, asking)
        rows, whole = _rows(conn, asking, report, cells)
        titles = _titles(conn, asking, around, {one.key for one in cells})
        plot = _plot(conn, asking, report, rows, whole, titles)
    return page(
        request,
        "report.html",
        around,
        report=report,
        reports=REPORTS.values(),
        rows=rows[: reports.MOST_GROUPS],
        left_out=max(len(rows) - reports.MOST_GROUPS, 0),
        whole=whole,
        plot=plot[0],
        title=plot[1],
        by=asking.by,
        days=_days(request),
        every_by=BY,
        every_days=DAYS,
        link=_link(report.name, asking.by, _days(request)),
        titles=titles,
        timed=report.name == "first-response",
    )


def _titles(conn: Conn, asking: Asking, around: Frame, keys: Collection[str]) -> Mapping[str, str]:
    """What groups are called, where it is not what they are known by."""
    if asking.by == "account":
        return reports.account_names(conn, keys)
    return around.teams if asking.by == "team" else {}


def _days(request: Request) -> int:
    given = request.query_params.get("days", "30")
    for days in DAYS:
        if given == str(days):
            return days
    raise HTTPException(400, "A report goes over 7, 30, 90 or 365 days.")


def _asking(request: Request, report: Report) -> Asking:
    by = request.query_params.get("by", "team")
    if by not in BY:
        raise HTTPException(400, "A report is by team, person, account or stage.")
    now = desk_of(request).site.clock()
    midnight = datetime.combine(now.astimezone(UTC).date(), datetime.min.time(), UTC)
    until = midnight + timedelta(days=1)
    since = until - timedelta(days=_days(request))
    if not report.dated:
        since = datetime(1970, 1, 1, tzinfo=UTC)
    given = request.query_params
    return Asking(
        name=report.name,
        by=by,
        since=since,
        until=until,
        eyes=Eyes(visitor_of(request).seer, now),
        key=given.get("key"),
        part=given.get("part"),
    )


def _rows(
    conn: Conn, asking: Asking, report: Report, cells: tuple[Cell, ...]
) -> tuple[list[Row], Row]:
    """The groups, the largest first, and all of them together."""
    groups: dict[str, dict[str, int]] = {}
    for one in cells:
        groups.setdefault(one.key, {})[one.part] = one.count
    lengths = reports.lengths(conn, asking) if report.name == "first-response" else {}
    rows = [_row(key, counts, lengths.get(key, [])) for key, counts in groups.items()]
    rows.sort(key=lambda one: (-_size(report, one), one.key))
    parts = sorted({one.part for one in cells})
    whole = {part: sum(one.counts.get(part, 0) for one in rows) for part in parts}
    every = sorted(length for listed in lengths.values() for length in listed)
    return rows, _row("", whole, every)


def _size(report: Report, row: Row) -> int:
    return row.total if report.sums else row.counts.get(report.parts[0], 0)


def _row(key: str, counts: Mapping[str, int], ordered: list[float]) -> Row:
    if not ordered:
        return Row(key, counts)
    middle, slow = (
        span(timedelta(seconds=reports.percentile(ordered, share))) for share in (0.5, 0.9)
    )
    return Row(key, counts, middle, slow)


def _plot(
    conn: Conn,
    asking: Asking,
    report: Report,
    rows: list[Row],
    whole: Row,
    titles: Mapping[str, str],
) -> tuple[Markup, str]:
    title = _sentence(report, whole, rows, titles, (asking.until - asking.since).days)
    if not whole.total:
        return Markup(""), title
    if report.name == "volume":
        number = (asking.until - asking.since).days
        labels = [f"{(asking.since + timedelta(days=n)).date()}" for n in range(number)]
        made = Plot(title, labels, report.parts, reports.days(conn, asking), report.sums)
        return columns(made), title
    values = {
        (titles.get(row.key, row.key), part): row.counts.get(part, 0)
        for row in rows
        for part in report.parts
    }
    labels = [titles.get(row.key, row.key) for row in rows]
    return bars(Plot(title, labels, report.parts, values)), title


def _sentence(
    report: Report, whole: Row, rows: list[Row], titles: Mapping[str, str], days: int
) -> str:
    """What the report comes to, for its heading and for those who cannot see the plot."""
    if not whole.total:
        return "Nothing of this kind happened in these days." if report.dated else "No backlog."
    first = titles.get(rows[0].key, rows[0].key)
    if report.name == "volume":
        mails, opened = whole.counts.get("mails", 0), whole.counts.get("new threads", 0)
        came = f"{mails:,} mails came in {days} days and opened {opened:,} threads"
        return f"{came}; most went to {first}."
    if report.name == "backlog":
        old = whole.counts.get(report.parts[-1], 0)
        return f"{whole.total:,} threads are not closed; {old:,} of them are over four weeks old."
    share = whole.share(report)
    if not share:
        return f"{whole.total:,} first mails wait for an answer; none is late."
    said = {
        "first-response": "of first mails were answered in time",
        "attainment": "of promises were kept",
        "routing": "of new threads were routed by a rule",
        "reassignments": "of new threads stayed with their first team",
    }[report.name]
    middle = f"; half of them within {whole.middle}" if whole.middle else ""
    return f"{share} {said} in {days} days{middle}."


def _link(name: str, by: str, days: int) -> Any:
    def made(key: str | None = None, part: str | None = None, kind: str = "threads") -> str:
        values = {"by": by, "days": days, "key": key, "part": part}
        given = {one: value for one, value in values.items() if value is not None}
        return f"/reports/{name}/{kind}?{urlencode(given)}"

    return made


def its_threads(request: Request) -> Response:
    """The threads behind one number."""
    report = reports.named(str(request.path_params["name"]))
    asking = _asking(request, report)
    before = place_of(request)
    with desk_of(request).site.db.read() as conn:
        around = frame(conn, request)
        wanted = [reports.in_cell(asking)]
        rows = thread_lists.newest(conn, wanted, asking.eyes.seer, before, ROWS + 1)
        listed = listed_rows(conn, rows[:ROWS], asking.eyes)
        titles = _titles(conn, asking, around, [asking.key] if asking.key else [])
    if len(rows) > ROWS:
        last = rows[ROWS - 1].thread
        listed = replace(listed, older=place(last.last_message_at, last.id))
    key = asking.key or ""
    values: dict[str, Any] = {"listed": listed, "report": report, "current": None}
    values |= {"filters": Filters(view="all", status=None), "part": asking.part}
    values |= {"key": titles.get(key, key), "back": _link_back(request, report)}
    values |= {"here": f"{request.url.path}?{request.url.query}"}
    return page(request, "report_threads.html", around, **values)


def _link_back(request: Request, report: Report) -> str:
    kept = {name: request.query_params.get(name, "") for name in ("by", "days")}
    return f"/reports/{report.name}?{urlencode({n: v for n, v in kept.items() if v})}"


def as_csv(request: Request) -> Response:
    """Every fact of a report, however many there are."""
    report = reports.named(str(request.path_params["name"]))
    asking = _asking(request, report)
    db = desk_of(request).site.db
    note(request, "export", f"report {report.name}")

    def lines() -> Iterator[str]:
        with db.read() as conn:
            yield from reports.csv_lines(reports.rows(conn, asking))

    name = f"{report.name}-{asking.until.date()}.csv"
    return StreamingResponse(
        lines(),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )
