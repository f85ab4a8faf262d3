"""Turns the HTML of a mail into readable text, within bounds. It sanitises nothing.

`inscriptis` lays it out; HTML that is too large or nested too deep for it goes through a plain
tag remover, so that text is never lost.
"""

from __future__ import annotations

import re
from html import unescape

MAX_LAID_OUT = 1024 * 1024
"""Characters of HTML that are laid out; a longer page has its tags removed instead."""
MAX_TAGS = 30_000
MAX_NESTING = 200

_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9:]{0,20})")
_ALONE = frozenset({
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source",
    "track", "wbr", "p", "li", "td", "tr", "th", "dt", "dd", "option", "thead", "tbody", "tfoot",
    "colgroup",
})  # fmt: skip
"""Elements that need no end tag, so that they say nothing about nesting."""
_HIDDEN = re.compile(
    r"<(script|style|head|title)\b(?:[^<]|<(?!/\1\b))*+(?:</\1[^>]*>|\Z)", re.IGNORECASE
)
_COMMENT = re.compile(r"<!--(?:[^-]|-(?!->))*+(?:-->|\Z)")
_BREAK = re.compile(
    r"<(?:br|/?p|/?div|/?tr|/?table|/?li|/?h[1-6]|hr|/?blockquote)\b[^>]*>", re.IGNORECASE
)
_ANY_TAG = re.compile(r"<[a-zA-Z/!?][^<>]*>?")
_SPACES = re.compile(r"[ \t\r\f\v]+")
_LINES = re.compile(r" ?\n[ \n]*\n")
_BLANK_LINES = re.compile(r"\n[ \t]*(?:\n[ \t]*){2,}")


def html_to_text(html: str) -> str:
    """Readable text of an HTML part; paragraphs are kept apart by an empty line. Never raises."""
    if not html.strip():
        return ""
    if len(html) > MAX_LAID_OUT or not _lays_out_safely(html):
        return _without_tags(html)
    text = _laid_out(html)
    return _without_tags(html) if text is None else _tidy(text)


def _lays_out_safely(html: str) -> bool:
    """Few enough tags, and not nested deeper than a recursive reader bears."""
    depth = tags = 0
    for tag in _TAG.finditer(html):
        tags += 1
        if tag[2].lower() in _ALONE:
            continue
        depth = max(depth - 1, 0) if tag[1] else depth + 1
        if depth > MAX_NESTING or tags > MAX_TAGS:
            return False
    return True


def _laid_out(html: str) -> str | None:
    from inscriptis import get_text  # with lxml 60 ms to import, and only HTML needs it
    from inscriptis.css_profiles import CSS_PROFILES
    from inscriptis.model.config import ParserConfig
    from lxml.etree import LxmlError  # type: ignore[import-untyped]

    config = ParserConfig(css=CSS_PROFILES["strict"], display_links=False, display_images=False)
    try:
        # A declared encoding makes lxml refuse text, and a NUL ends its input.
        return str(get_text(re.sub(r"<\?xml[^>]{0,200}>", "", html).replace("\0", ""), config))
    except (LxmlError, ValueError, RecursionError, AttributeError, TypeError, IndexError, KeyError):
        # Seen with real spam: odd attributes that the layout engine reads without checking.
        return None


def _without_tags(html: str) -> str:
    text = _COMMENT.sub(" ", html)
    text = _HIDDEN.sub(" ", text)
    text = _BREAK.sub("\n", text.replace("\n", " "))
    text = unescape(_ANY_TAG.sub("", text)).replace("\xa0", " ")
    text = _SPACES.sub(" ", text)
    return _tidy("\n".join(line.strip() for line in text.split("\n")))


def _tidy(text: str) -> str:
    text = text.replace("\xa0", " ")
    lines = [line.rstrip() for line in text.split("\n")]
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip("\n")
