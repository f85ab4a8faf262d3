"""The text of a mail as a page shows it: own words, folded quotes and signatures, links.

Everything that comes out is escaped; the only markup is our own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from markupsafe import Markup, escape

from inbox.mail.visible import split_visible
from inbox.store.search import words_of

TURNS = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
"""Characters that turn the direction of what follows, for a pattern."""
_UNSEEN = re.compile(f"[{TURNS}\x00-\x08\x0b-\x1f\x7f-\x9f\U000e0000-\U000e007f]")
_LINK = re.compile(rf"https?://[^\s<>\"'`\\^{{|}}{TURNS}]{{1,2000}}", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+")
_CLOSING = ".,;:!?)]*_"


def plain(text: str) -> str:
    """A text for where nothing can isolate it, as the title of a window or an attribute: without
    characters that turn its surroundings around or that nobody sees. Markup stays markup."""
    seen = _UNSEEN.sub("", text)
    return Markup(seen) if isinstance(text, Markup) else seen


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
    runs: list[tuple[str, str]] = []
    for span in split_visible(cut):
        part = cut[span.start : span.end].strip("\r\n")
        if not part.strip():
            continue
        if runs and runs[-1][0] == span.kind:  # only empty lines stood between them
            part = f"{runs.pop()[1]}\n\n{part}"
        runs.append((span.kind, part))
    pieces = [Piece(kind, linked(part), part.count("\n") + 1) for kind, part in runs]
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
    """A part of `text` about the first word of `typed` in it: (piece, is it a hit) pairs.

    Words are compared as the index does: without marks, in any case, and whole.
    """
    wanted = set(words_of(typed[:500]).split())
    flat = " ".join(text.split())
    first = next((word.start() for word in _WORD.finditer(flat) if _hits(word[0], wanted)), 0)
    start = max(0, first - around)
    end = start + 3 * around
    pieces: list[tuple[str, bool]] = [("… ", False)] if start else []
    done = start
    for word in _WORD.finditer(flat, start, end):
        if _hits(word[0], wanted):
            pieces += [(flat[done : word.start()], False), (word[0], True)]
            done = word.end()
    pieces.append((flat[done:end], False))
    if end < len(flat):
        pieces.append((" …", False))
    return tuple(piece for piece in pieces if piece[0])


def _hits(word: str, wanted: set[str]) -> bool:
    if word.isascii():
        return word.lower() in wanted
    return not wanted.isdisjoint(words_of(word).split())
