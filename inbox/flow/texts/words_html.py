"""A person's plain text as simple HTML: paragraphs, lists, links, quotes, and pictures of the mail.

The text stays the truth; its HTML is made from it, so that nothing can be in one and not in the
other, and nothing but what is made here is ever in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html import escape
from itertools import groupby

PICTURE = re.compile(r"\[image: ([^\]\n]{1,150})\]")
"""Where in the text a picture of the mail stands."""
_LINK = re.compile(r"https?://[^\s<>\"']{1,2000}")
_ITEM = re.compile(r"\s{0,3}[-*•]\s+(.*)")
_CLOSING = ".,;:!?)]"
_BODY = "font-family:sans-serif;font-size:14px;line-height:1.5"
_QUOTE = "margin:0 0 0 4px;padding-left:12px;border-left:2px solid #c6ccc9;color:#4a5653"


def as_html(text: str, pictures: Mapping[str, str]) -> str:
    """The text as HTML; `pictures` is name -> Content-ID (without brackets)."""
    blocks = "\n".join(_blocks(text.strip("\n").split("\n"), pictures))
    return f'<div style="{_BODY}">\n{blocks}\n</div>\n'


def _blocks(lines: list[str], pictures: Mapping[str, str]) -> Iterator[str]:
    for kind, group in groupby(lines, _kind):
        some = list(group)
        if kind == "quote":
            bare = [line[1:].removeprefix(" ") for line in some]
            inner = "\n".join(_blocks(bare, pictures))
            yield f'<blockquote style="{_QUOTE}">\n{inner}\n</blockquote>'
        elif kind == "item":
            found = (_ITEM.match(line) for line in some)
            items = "".join(f"<li>{_inline(one[1], pictures)}</li>" for one in found if one)
            yield f"<ul>{items}</ul>"
        elif kind == "text":
            yield "<p>" + "<br>\n".join(_inline(line, pictures) for line in some) + "</p>"


def _kind(line: str) -> str:
    if not line.strip():
        return "blank"
    if line.startswith(">"):
        return "quote"
    return "item" if _ITEM.match(line) else "text"


def _inline(line: str, pictures: Mapping[str, str]) -> str:
    out: list[str] = []
    done = 0
    for match in re.finditer(f"{_LINK.pattern}|{PICTURE.pattern}", line):
        out.append(escape(line[done : match.start()]))
        done = match.end()
        name = match[1]
        if name is None:
            address = match[0].rstrip(_CLOSING)
            done = match.start() + len(address)
            out.append(f'<a href="{escape(address)}">{escape(address)}</a>')
        elif name in pictures:
            alt, source = escape(name), escape(pictures[name])
            out.append(f'<img src="cid:{source}" alt="{alt}" style="max-width:100%">')
        else:
            out.append(escape(match[0]))
    out.append(escape(line[done:]))
    return "".join(out)
