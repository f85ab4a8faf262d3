"""Templates: one Jinja2 environment, everything escaped, an unknown name is an error."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from inbox.clock import iso
from inbox.web import words
from inbox.web.assets import FOLDER, Assets
from inbox.web.rule_words import percent, place
from inbox.web.text import plain


class Renderer:
    """Turns values into pages."""

    def __init__(self) -> None:
        self.assets = Assets(FOLDER / "static")
        self._environment = Environment(
            loader=FileSystemLoader(FOLDER),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.globals |= {
            "asset": self.assets.url,
            "icon": self._icon,
            "when": _when,
            "initials": initials,
            "tone": tone,
            "defect_words": words.defect,
            "cause_words": words.cause,
            "link_words": words.LINKS.get,
            "on_words": words.ON.get,
        }
        self._environment.filters |= FILTERS

    def render(self, template: str, /, **values: Any) -> str:
        """The text of a template below templates/web."""
        return self._environment.get_template(template).render(values)

    def _icon(self, name: str, label: str = "") -> Markup:
        """An icon of the sprite; decoration unless it has a label."""
        role = Markup('role="img" aria-label="{}"').format(label)
        hidden = Markup('aria-hidden="true"')
        return Markup('<svg class="icon" {}><use href="{}#{}"/></svg>').format(
            role if label else hidden, self.assets.url("icons.svg"), name
        )


@pass_context
def _when(context: Context, instant: datetime | None) -> Markup:
    """A `<time>`: how long ago, with the exact instant on hover."""
    if instant is None:
        return Markup("")
    now: datetime = context["now"]
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        iso(instant), exact(instant, _zone(context)), ago(instant, now, _zone(context))
    )


def _zone(context: Context) -> tzinfo:
    """The zone of who looks; UTC where a page has no frame."""
    around = context.get("frame")
    return getattr(around, "zone", UTC)


@pass_context
def _exact(context: Context, instant: datetime | str) -> str:
    return exact(_instant(instant), _zone(context))


@pass_context
def _clock(context: Context, instant: datetime) -> str:
    return clock(instant, _zone(context))


@pass_context
def _day(context: Context, instant: datetime) -> str:
    return day(instant, _zone(context))


@pass_context
def _date(context: Context, instant: datetime) -> str:
    """`22 Nov`."""
    there = instant.astimezone(_zone(context))
    return f"{there.day} {there:%b}"


def _instant(given: datetime | str) -> datetime:
    """An instant, also as events keep it."""
    return given if isinstance(given, datetime) else datetime.fromisoformat(given)


def zone_name(there: datetime) -> str:
    """`CET`, or `UTC+05:45` where a zone has no letters."""
    name = there.tzname() or "UTC"
    ahead = f"{there:%z}"
    return name if name.isalpha() else f"UTC{ahead[:3]}:{ahead[3:5]}"


def exact(instant: datetime, zone: tzinfo = UTC) -> str:
    """`Sun 22 Nov 2026, 19:11 UTC`."""
    there = instant.astimezone(zone)
    return f"{there:%a} {there.day} {there:%b %Y, %H:%M} {zone_name(there)}"


def ago(instant: datetime, now: datetime, zone: tzinfo = UTC) -> str:
    """How long ago, in the shortest words that are still true: `now`, `5 min`, `3 h`, `12 Nov`."""
    passed = now - instant
    if passed < timedelta(minutes=1):
        return "now"
    if passed < timedelta(hours=1):
        return f"{passed // timedelta(minutes=1)} min"
    if passed < timedelta(days=1):
        return f"{passed // timedelta(hours=1)} h"
    there = instant.astimezone(zone)
    if there.year == now.astimezone(zone).year:
        return f"{there.day} {there:%b}"
    return f"{there.day} {there:%b %Y}"


def clock(instant: datetime, zone: tzinfo = UTC) -> str:
    """`19:11 UTC`."""
    there = instant.astimezone(zone)
    return f"{there:%H:%M} {zone_name(there)}"


def day(instant: datetime, zone: tzinfo = UTC) -> str:
    """`22 November 2026`, the day of an instant."""
    there = instant.astimezone(zone)
    return f"{there.day} {there:%B %Y}"


def browser(agent: str) -> str:
    """`Firefox on Windows`, for what a browser says of itself; else its own words."""
    names = {"Edg": "Edge", "OPR/": "Opera", "Firefox/": "Firefox", "Chrome/": "Chrome"}
    names |= {"Safari/": "Safari"}
    systems = {"Android": "Android", "iPhone": "iPhone", "iPad": "iPad", "Windows": "Windows"}
    systems |= {"Mac OS": "Mac", "Linux": "Linux"}
    name = next((said for part, said in names.items() if part in agent), "")
    system = next((said for part, said in systems.items() if part in agent), "")
    return f"{name} on {system}" if name and system else agent[:60]


def size(count: int) -> str:
    """A number of bytes for people."""
    if count < 1024:
        return f"{count} B"
    amount, unit = count / 1024, "KB"
    for larger in ("MB", "GB"):
        if amount >= 1000:
            amount, unit = amount / 1024, larger
    return f"{amount:.0f} {unit}" if amount >= 10 else f"{amount:.1f} {unit}"


def plural(count: int, one: str, many: str = "") -> str:
    """`1 mail`, `2 mails`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def initials(name: str, address: str = "") -> str:
    """One or two letters for the round mark beside a name."""
    parts = [part for part in name.replace(",", " ").split() if part[:1].isalnum()]
    if not parts:
        return (address[:1] or "?").upper()
    letters = parts[0][0] + (parts[-1][0] if len(parts) > 1 else "")
    return letters.upper()


def tone(key: str) -> str:
    """One of six quiet colours, always the same for the same address."""
    return f"tone-{hashlib.sha256(key.lower().encode()).digest()[0] % 6}"


Values = Mapping[str, Any]
FILTERS: dict[str, Callable[..., Any]] = {
    "bytes": size,
    "plural": plural,
    "day": _day,
    "percent": percent,
    "place": place,
    "exact": _exact,
    "iso": iso,
    "plain": plain,
    "clock": _clock,
    "date": _date,
    "browser": browser,
}
"""What templates do with values; days and times are in the zone of who looks."""
