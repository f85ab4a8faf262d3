"""The JSON Schema of `sla.yaml`, for editors: completion and hints, never the judge of a file.

Made from the same lists as the loader; `aboard sla schema` writes it with the names in force.
"""

from __future__ import annotations

from typing import Any

from routing.hours import DAY_NAMES
from routing.hours_reader import HOURS_KEYS
from routing.names import Names
from routing.sla import METRICS
from routing.sla_load import PAUSES, PRIORITIES, TO_WHOM, WHOM

Schema = dict[str, Any]
_TEXT: Schema = {"type": "string", "minLength": 1}
_SPAN: Schema = {
    "type": "string",
    "pattern": "^(\\d+d)? *(\\d+h)? *(\\d+m)?$",
    "description": "30m, 4h, 1h 30m; 2d: full working days of the calendar that counts",
}
_WINDOWS: Schema = {"description": "09:00-12:30, 13:30-18:00; 22:00-06:00 across midnight"}
_ABOUT = {
    "first_response": "from a customer's first mail to a person's first reply",
    "next_response": "from the oldest unanswered mail after that to a person's reply",
    "resolution": "from the mail that opened the thread until it is closed",
    "handoff_acceptance": "from the offer to another team until it is accepted",
    "untouched": "from an assignment until the assigned person does anything",
}


def json_schema(names: Names | None = None) -> Schema:
    """The schema; with `names`, teams, stages and templates are completed too."""
    known = names if names is not None else Names(())
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Aboard SLA policies",
        **_object({"hours": _hours(), "policies": _list(_policy(known))}, ("policies",)),
    }


def _object(properties: Schema, required: tuple[str, ...] = ()) -> Schema:
    found: Schema = {"type": "object", "additionalProperties": False, "properties": properties}
    return found | ({"required": list(required)} if required else {})


def _list(item: Schema) -> Schema:
    return {"type": "array", "items": item}


def _one_or_more(item: Schema) -> Schema:
    return {"anyOf": [item, {"type": "array", "items": item, "minItems": 1}]}


def _chosen(values: tuple[str, ...] | None) -> Schema:
    return {"enum": list(values)} if values else dict(_TEXT)


def _hours(*words: str) -> Schema:
    days = "|".join(DAY_NAMES)
    week: Schema = {
        "type": "object",
        "additionalProperties": False,
        "patternProperties": {f"^({days})(-({days}))?$": _one_or_more({**_TEXT, **_WINDOWS})},
        "minProperties": 1,
    }
    values: Schema = {
        "zone": {**_TEXT, "description": "An IANA zone, such as Europe/Berlin"},
        "week": week,
        "holidays": _one_or_more({**_TEXT, "description": "DE, DE-BE, US-CA"}),
        "closed": _one_or_more({**_TEXT, "description": "2026-12-24 or 2026-12-24..2027-01-02"}),
        "calendars": _one_or_more({**_TEXT, "description": "A .ics file beside this one"}),
    }
    assert tuple(values) == HOURS_KEYS
    return {"anyOf": [{"enum": ["always", *words]}, _object(values, ("zone", "week"))]}


def _policy(names: Names) -> Schema:
    target = _object({"within": _SPAN, "hours": _hours("team")}, ("within",))
    targets = {
        metric: {"anyOf": [_SPAN, target], "description": _ABOUT[metric]} for metric in METRICS
    }
    when: Schema = _object(
        {
            "tier": _one_or_more(_TEXT),
            "stage": _one_or_more(_chosen(names.stages)),
            "team": _one_or_more(_chosen(names.teams)),
        }
    )
    return _object(
        {
            "name": _TEXT,
            "why": {**_TEXT, "description": "The reason, for people."},
            "when": {**when, "minProperties": 1},
            "hours": _hours("team"),
            "pause": {"anyOf": [{"enum": list(PAUSES)}, _list({"enum": list(PAUSES)})]},
            "targets": _object(targets),
            "at_risk": _one_or_more(_SPAN),
            "ladder": _list(_step(names)),
        },
        ("name",),
    )


def _step(names: Names) -> Schema:
    return _object(
        {
            "when": {**_TEXT, "description": "due, 30m before, 2h after"},
            "for": _one_or_more({"enum": list(METRICS)}),
            "notify": _one_or_more({"enum": list(WHOM)}),
            "reassign": {"enum": list(TO_WHOM)},
            "priority": {"enum": list(PRIORITIES)},
            "tag": _one_or_more(_TEXT),
            "follow-up": _chosen(names.templates),
        },
        ("when",),
    )
