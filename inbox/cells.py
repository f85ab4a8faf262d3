"""Cells of tables that leave as CSV: none is a formula, whatever somebody wrote into it.

A program that opens the file takes a cell for a formula by its first character, also behind blanks
and control characters, and in full-width forms; such a cell begins with an apostrophe.
"""

from __future__ import annotations

import unicodedata

_FORMULA = frozenset("=+-@|%")


def cell(value: object) -> str:
    """The text of a cell, harmless; a number keeps its sign."""
    if isinstance(value, int | float):
        return str(value)
    text = "" if value is None else str(value)
    bare = text.lstrip("".join(c for c in text[:50] if unicodedata.category(c)[0] in "CZ"))
    first = unicodedata.normalize("NFKC", bare[:1])[:1]
    return f"'{text}" if first in _FORMULA and first else text
