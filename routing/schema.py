"""The JSON Schema of rule files, for editors; made from the registries, so it is never behind.

Editors check and complete with it; what only the loader can know (names in other files, patterns)
stays with the loader. JSON Schema draft 2020-12, https://json-schema.org/draft/2020-12.
"""

from __future__ import annotations

from typing import Any

from routing.conditions import Operator
from routing.fields import DECIDERS, FIELDS, HEADER, LISTS, NUMERIC, Field, Type
from routing.load import EVENT_NAMES
from routing.load_cases import EXPECT_KEYS
from routing.load_then import ACTIONS, PRIORITIES
from routing.load_when import operators
from routing.names import Names
from routing.ruleset import Event

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string", "minLength": 1}
_SEVERAL: Schema = {"anyOf": [_TEXT, {"type": "array", "items": _TEXT, "minItems": 1}]}
_NUMBER: Schema = {"type": "number", "minimum": 0}


def json_schema(names: Names | None = None) -> Schema:
    """The schema; with `names`, teams, policies, stages and people are completed too."""
    known = names if names is not None else Names(())
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Aboard routing rules",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "rules": {"type": "array", "items": {"$ref": "#/$defs/rule"}},
            "fallback": {"$ref": "#/$defs/fallback"},
            "tests": {"type": "array", "items": {"$ref": "#/$defs/test"}},
        },
        "$defs": {
            "rule": _rule(),
            "condition": _condition(known),
            "actions": _actions(known),
            "fallback": _fallback(known),
            "test": _test(known),
        },
    }


def _object(properties: Schema, required: tuple[str, ...] = ()) -> Schema:
    found: Schema = {"type": "object", "additionalProperties": False, "properties": properties}
    if required:
        found["required"] = list(required)
    return found


def _chosen(values: tuple[str, ...] | None) -> Schema:
    return {"enum": list(values)} if values else dict(_TEXT)


def _one_or_more(item: Schema) -> Schema:
    return {"anyOf": [item, {"type": "array", "items": item, "minItems": 1}]}


def _rule() -> Schema:
    cool_down = _object({"cool-down": {"type": "string", "pattern": "^[0-9]+ *[mhdw]$"}})
    return _object(
        {
            "name": {**_TEXT, "description": "Unique in the ruleset."},
            "why": {**_TEXT, "description": "The reason, for people; it is shown on the thread."},
            "on": _one_or_more({"enum": list(EVENT_NAMES)}),
            "when": {"$ref": "#/$defs/condition"},
            "then": {"$ref": "#/$defs/actions"},
            "stop": {
                "type": "boolean",
                "description": "Ask no later rule. Default: true where the rule names a team.",
            },
            "run": {"anyOf": [{"enum": ["once-per-thread", "every-match"]}, cool_down]},
            "tests": {"type": "array", "items": {"$ref": "#/$defs/test"}},
        },
        ("name", "when", "then"),
    )


def _condition(names: Names) -> Schema:
    members = {"type": "array", "items": {"$ref": "#/$defs/condition"}, "minItems": 1}
    properties: Schema = {
        "all": {**members, "description": "Every one of these."},
        "any": {**members, "description": "At least one of these."},
        "none": {**members, "description": "Not one of these."},
    }
    for field in FIELDS.values():
        for suffix, schema in _operators(field, names):
            properties[field.name + suffix] = {**schema, "description": field.about}
    headers = {
        r"^header\.[A-Za-z0-9_-]+" + suffix + "$": {**schema, "description": HEADER.about}
        for suffix, schema in _operators(HEADER, names)
    }
    return {**_object(properties), "patternProperties": headers, "minProperties": 1}


def _operators(field: Field, names: Names) -> list[tuple[str, Schema]]:
    """(what stands behind the field's name, schema of the value)."""
    exact = _exact(field, names)
    found = [("", _one_or_more(exact) if field.type is not Type.FLAG else exact)]
    for operator in operators(field):
        if operator is Operator.EXISTS:
            value: Schema = {"type": "boolean"}
        elif operator is Operator.IS or field.type in NUMERIC:
            value = exact
        elif operator is Operator.IN:
            value = _one_or_more(exact)
        else:
            value = _SEVERAL
        found.append((f" {operator}", value))
    return found


def _exact(field: Field, names: Names) -> Schema:
    if field.type is Type.FLAG:
        return {"type": "boolean"}
    if field.type is Type.SIZE:
        return {"anyOf": [_NUMBER, _TEXT]}
    if field.type is Type.SHARE:
        return {**_NUMBER, "maximum": 1}
    if field.type in NUMERIC:
        return {"type": "integer", "minimum": 0}
    if not field.listed:
        return _chosen(field.choices)
    listed = names.listed(field.listed)
    return _chosen((*listed, *field.choices) if listed else None)


def _actions(names: Names) -> Schema:
    values: Schema = {
        "team": _chosen(names.teams),
        "priority": _chosen(PRIORITIES),
        "policy": _chosen(names.policies),
        "stage": _chosen(names.stages),
        "reply": _chosen(names.templates),
    }
    properties = {
        action.name: {
            **(_SEVERAL if action.several else values.get(action.name, _TEXT)),
            "description": action.about,
        }
        for action in ACTIONS.values()
    }
    return {**_object(properties), "minProperties": 1}


def _fallback(names: Names) -> Schema:
    threshold: Schema = {"anyOf": [{"const": "model"}, {**_NUMBER, "maximum": 1}]}
    by_team: Schema = {"type": "object", "additionalProperties": threshold}
    either = {"anyOf": [*threshold["anyOf"], by_team]}
    return _object({"classifier_at_least": either, "team": _chosen(names.teams)}, ("team",))


def _test(names: Names) -> Schema:
    given: Schema = {
        field.name: {**_given(field, names), "description": field.about}
        for field in FIELDS.values()
    }
    headers = {r"^header\.[A-Za-z0-9_-]+$": _SEVERAL}
    expect = {key: dict(_TEXT) for key in EXPECT_KEYS}
    expect |= {
        "team": _chosen(names.teams),
        "rule": _SEVERAL,
        "not_rule": _SEVERAL,
        "decided_by": _chosen(DECIDERS),
        "tags": _SEVERAL,
        "priority": _chosen(PRIORITIES),
        "policy": _chosen(names.policies),
        "stage": _chosen(names.stages),
        "assignee": _TEXT,
        "reply": _chosen(names.templates),
        "notify": _SEVERAL,
    }
    ran = "Rules that ran on the thread before, and when; beside `at`."
    return _object(
        {
            "name": _TEXT,
            "given": {**_object(given), "patternProperties": headers},
            "mail": {**_TEXT, "description": "A mail file beside this file."},
            "account": {"type": "object", "description": "Short for the fields account.*"},
            "at": {**_TEXT, "description": "As in 2026-11-05 16:30 Europe/Berlin"},
            "ran": {"type": "object", "additionalProperties": _TEXT, "description": ran},
            "on": _chosen(tuple(event.value for event in Event)),
            "expect": {**_object(expect), "minProperties": 1},
        },
        ("expect",),
    )


def _given(field: Field, names: Names) -> Schema:
    value = _exact(field, names)
    if field.type in LISTS:
        texts = {"type": "array", "items": {"type": "string"}}
        return {"anyOf": [{"type": ["string", "null"]}, texts]}
    if value == _TEXT:
        return {"type": ["string", "null"]}
    return {"anyOf": [value, {"enum": ["", None]}]}
