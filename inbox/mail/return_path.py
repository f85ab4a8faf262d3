"""The reverse-path of a fetched mail, as its last server wrote it on top (RFC 5321 4.4)."""

from __future__ import annotations

import re

MOST_HEADER = 256 * 1024
_END = re.compile(rb"\r?\n\r?\n")
_FIELD = re.compile(rb"(?im)^return-path:")
_VALUE = re.compile(rb"(?m)[ \t]*+(?:\r?\n[ \t]++)?+<?([^<>\s\x00-\x1f\x7f]{0,320})>?[ \t]*+\r?$")
"""Blanks are never given back: mail is fetched outside the sandbox, where a field of 200,000 of
them must not cost minutes."""


def return_path(raw: bytes) -> str | None:
    """What the topmost Return-Path says: empty for the null reverse-path, None where there is none.

    A server that delivers finally takes away those that were there and adds its own. So one below
    it counts for nothing, even where the topmost cannot be read.
    """
    head = raw[:MOST_HEADER]
    end = _END.search(head)
    found = _FIELD.search(head, 0, end.start() + 1 if end else len(head))
    value = found and _VALUE.match(head, found.end())
    return value[1].decode("utf-8", "replace") if value else None
