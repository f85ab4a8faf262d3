"""Limits on raw mail that are checked on its bytes before any parser runs.

They bound what one mail may cost; they are no judgement about what it says.
"""

from __future__ import annotations

import re

MAX_FIELD = 64 * 1024
"""Bytes of one header field, folded lines included."""
MAX_BLOCK = 256 * 1024
"""Bytes of one header block."""
MAX_FIELDS = 1000
"""Fields in one header block."""
MAX_DEPTH = 64
"""Multiparts inside each other."""
MAX_PARTS = 2000
"""MIME parts of one mail, containers included."""

_BLANK_LINE = re.compile(rb"\r?\n\r?\n|\r\r")
_FIELD_START = re.compile(rb"(?:\A|\n|\r(?!\n))(?=[^ \t\r\n])")


class LimitExceeded(Exception):
    """A mail that is not parsed because it breaks a limit; it goes to quarantine with this cause.

    `cause` is a stable code; `str()` says what was found, what is allowed and what to do.
    """

    def __init__(self, cause: str, found: int, allowed: int, what: str) -> None:
        self.cause = cause
        self.found = found
        self.allowed = allowed
        super().__init__(
            f"{cause}: {what}: {found} found, {allowed} allowed; the raw mail is kept in"
            " quarantine, where a person can read it and retry it"
        )


def check_limits(raw: bytes) -> None:
    """Check the top header block of `raw`: size, fields, size of each field. Linear.

    Raises LimitExceeded. The limits on parts and depth, and those on the headers of parts, are
    enforced by `inbox.mail.tree` while it finds the parts, with the same exception.
    """
    head = raw[: MAX_BLOCK + 2]
    blank = _BLANK_LINE.search(head)
    if blank is None and len(raw) > MAX_BLOCK and not _ends_early(head):
        raise LimitExceeded("header-too-large", len(raw), MAX_BLOCK, "bytes of header")
    check_header(head[: blank.start()] if blank else head)


def check_header(block: bytes) -> None:
    """Check one header block (without its blank line). Raises LimitExceeded."""
    if len(block) < MAX_FIELD and block.count(b"\n") + block.count(b"\r") < MAX_FIELDS:
        return
    if len(block) > MAX_BLOCK and not _ends_early(block):
        raise LimitExceeded("header-too-large", len(block), MAX_BLOCK, "bytes of header")
    start, fields = 0, 0
    for mark in _FIELD_START.finditer(block):
        _check_field(mark.end() - start)
        start, fields = mark.end(), fields + 1
        if _not_a_field(block, start):
            return
        if fields > MAX_FIELDS:
            raise LimitExceeded("too-many-fields", fields, MAX_FIELDS, "header fields")
    _check_field(len(block) - start)


def _check_field(size: int) -> None:
    if size > MAX_FIELD:
        raise LimitExceeded("field-too-large", size, MAX_FIELD, "bytes in one header field")


def _not_a_field(block: bytes, start: int) -> bool:
    """A line without a colon in its first bytes ends a header: what follows is body."""
    line = block[start : start + 1000].split(b"\n", 1)[0].split(b"\r", 1)[0]
    return b":" not in line and start + len(line) < len(block)


def _ends_early(block: bytes) -> bool:
    """Does the header end at a line that is no field, without a blank line before the body?"""
    return any(_not_a_field(block, mark.end()) for mark in _FIELD_START.finditer(block))
