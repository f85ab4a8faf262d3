"""The text of a mail as a page shows it: own words, folded quotes and signatures, links.

Everything that comes out is escaped; the only markup is our own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from markupsafe import Markup, escape

from inbox.mail.visible import split_visible

_LINK = re.compile(r"https?://[^\s<>\"'`\\^{|}]{1,2000}", re.IGNORECASE)
_CLOSING = ".,;:!?)]*_"


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text of one kind: `own`, `quote` or `signature`."""

    kind: str
    html: Markup
    lines: int


@dataclass(frozen=True, slots=True)
class Shown:
    """The pieces of a text, and how many characters were left out at its end."""

    pieces: tuple[Piece, ...]
    left_out: int


def shown(text: str, most: int) -> Shown:
    """Fold a text for display; at most `most` characters of it."""
    cut = text[:most]
    pieces = []
    for span in split_visible(cut):
        part = cut[span.start : span.end].strip("\r\n")
        if part.strip():
            pieces.append(Piece(span.kind, linked(part), part.count("\n") + 1))
    return Shown(tuple(pieces), max(0, len(text) - most))


def linked(text: str) -> Markup:
    """Escaped text in which web addresses are links that open elsewhere and say nothing of us."""
    out: list[Markup] = []
    done = 0
    for match in _LINK.finditer(text):
        address = match[0].rstrip(_CLOSING)
        end = match.start() + len(address)
        out.append(escape(text[done : match.start()]))
        out.append(
            Markup(
                '<a href="{0}" rel="noopener noreferrer nofollow" target="_blank">{0}</a>'
            ).format(address)
        )
        done = end
    out.append(escape(text[done:]))
    return Markup("").join(out)


def snippet(text: str, typed: str, around: int = 90) -> tuple[tuple[str, bool], ...]:
    """A part of `text` about the first word of `typed` in it: (piece, is it a hit) pairs."""
    words = [re.escape(word) for word in re.findall(r"\w+", typed)[:20]]
    flat = " ".join(text.split())
    pattern = re.compile("|".join(words) or r"(?!)", re.IGNORECASE)
    first = pattern.search(flat)
    start = max(0, first.start() - around) if first else 0
    part = flat[start : start + 3 * around]
    pieces: list[tuple[str, bool]] = [("… ", False)] if start else []
    done = 0
    for match in pattern.finditer(part):
        pieces += [(part[done : match.start()], False), (match[0], True)]
        done = match.end()
    pieces.append((part[done:], False))
    if start + 3 * around < len(flat):
        pieces.append((" …", False))
    return tuple(piece for piece in pieces if piece[0])
