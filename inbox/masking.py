"""Passwords: put into a database's address, found there, taken out of all that is printed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from routing.problems import Problem

_USER = re.compile(r"(\w+(?:\+\w+)?://[^/@:]+)@")
_WITH_PASSWORD = re.compile(r"\w+(?:\+\w+)?://[^/@]*:[^/]*@|\w+(?:\+\w+)?://[^/]*:.*@")
_TELLING = re.compile(r"(?i)pas+w?o?r?d?\s*:|secret|token|://[^/\s]*:.*@")
"""A line on which a secret may stand, however its key is spelt."""


def with_password(address: str, password: str) -> str:
    """A database's address with the password of its user, percent-encoded (RFC 3986)."""
    return _USER.sub(lambda user: f"{user[1]}:{quote(password, safe='')}@", address, count=1)


def has_password(address: str) -> bool:
    """Does a password stand in a database's address?"""
    return bool(_WITH_PASSWORD.match(address))


def masked(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """The problems without source lines on which a secret may stand. A variable's value is never
    shown: which of them are secrets is known by their names alone, and those may be misspelt."""
    return tuple(
        replace(one, source_line="")
        if one.file.startswith("environment ") or _TELLING.search(one.source_line)
        else one
        for one in problems
    )


def shown(value: Any) -> Any:
    """Settings as plain values for people to read; a field marked `secret` as `(set)`."""
    if is_dataclass(value) and not isinstance(value, type):
        if type(value).__str__ is not object.__str__:
            return str(value)
        return {
            one.name: "(set)"
            if one.metadata.get("secret") and getattr(value, one.name)
            else shown(getattr(value, one.name))
            for one in fields(value)
        }
    if isinstance(value, tuple):
        return [shown(item) for item in value]
    return str(value) if isinstance(value, Path) else value
