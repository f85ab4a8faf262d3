"""Customer HTML made harmless: an allow-list of tags, attributes and styles; nothing remote.

This is the first of three walls. The second is the sandboxed frame in which it is shown, the
third the policy that its own address is served with (`FRAME_POLICY`). What leaves `safe_html` is
not edited again, and is never put into a page of ours.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote

import nh3

_FRAME_POLICY = (
    "default-src 'none'; img-src {pictures}; style-src 'unsafe-inline'; form-action 'none'; "
    "base-uri 'none'; frame-ancestors 'self'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox"
)
FRAME_POLICY = _FRAME_POLICY.format(pictures="data:")
PICTURES_POLICY = _FRAME_POLICY.format(pictures="data: https:")
"""After somebody asked for the pictures: over TLS alone, and nothing but pictures."""
MOST_CHARACTERS = 1_000_000
MOST_TAGS = 40_000
MOST_DEPTH = 400
"""Cleaning takes time quadratic in the depth: 20,000 levels cost half a second, 50,000 seven."""


def _names(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


TAGS = _names(
    "a abbr address article aside b bdi bdo big blockquote br caption center cite code col colgroup"
    " dd del dfn div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 header hr i img ins"
    " kbd li main mark ol p pre q s samp section small span strike strong sub sup table tbody td"
    " tfoot th thead tr tt u ul var"
)
DROPPED = _names(
    "script style title head noscript template textarea select option iframe object embed applet"
    " svg math form button audio video canvas frameset xmp noembed noframes plaintext"
)
"""Removed with all that is in them; what is not named here loses its tag only."""

ATTRIBUTES = {
    "*": {"dir", "lang", "title", "align", "valign", "style"},
    "a": {"href"},
    "img": {"src", "alt", "width", "height"},
    "table": {"width", "cellpadding", "cellspacing", "border", "bgcolor"},
    "td": {"width", "height", "colspan", "rowspan", "bgcolor"},
    "th": {"width", "height", "colspan", "rowspan", "bgcolor"},
    "tr": {"bgcolor"},
    "col": {"width", "span"},
    "font": {"color", "size", "face"},
    "ol": {"start", "type"},
    "li": {"value"},
}
STYLES = _names(
    "background-color border border-bottom border-collapse border-color border-left border-radius"
    " border-right border-spacing border-style border-top border-width color display font"
    " font-family font-size font-style font-weight height letter-spacing line-height"
    " list-style-type margin margin-bottom margin-left margin-right margin-top max-width min-width"
    " padding padding-bottom padding-left padding-right padding-top table-layout text-align"
    " text-decoration text-indent text-transform vertical-align white-space width word-break"
    " word-spacing"
)
_SIGNS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)
_TAG = re.compile(r"<(/?)([a-zA-Z][^\s/>]{0,30})")
_ALONE = _names(
    "area base br col colgroup dd dt embed hr img input li link meta option p param source tbody td"
    " tfoot th thead tr track wbr"
)
"""Elements whose end tag may be left out, so that their number says nothing about depth."""
_COLOUR = re.compile(r"\b(?:rgb|hsl)a?\([0-9., %/deg]*\)", re.IGNORECASE)
_WILD = re.compile(r"[()\\@{}<>]|/\*")
_LINKS = re.compile(r"(?:https?|mailto|tel):", re.IGNORECASE)
_OVER_TLS = re.compile(r"https://[^\s/\\@]", re.IGNORECASE)


class TooWild(Exception):
    """HTML so large or so deep that cleaning it would cost too much."""


@dataclass(frozen=True, slots=True)
class Clean:
    """HTML that may stand in the frame."""

    html: str
    remote: int
    """Pictures on other people's servers: left out, or let in where they were asked for."""


def safe_html(html: str, inline: Callable[[str], str | None], *, pictures: bool = False) -> Clean:
    """Clean customer HTML. `inline` gives the `data:` URL of a Content-ID, or None; `pictures` lets
    in those of other servers, over TLS.

    Raises `TooWild` before anything expensive is done.
    """
    _bounded(html)
    remote = 0

    def allowed(tag: str, attribute: str, value: str) -> str | None:
        nonlocal remote
        if attribute == "style":
            return _declarations(value)
        if (tag, attribute) == ("a", "href"):
            return value if _LINKS.match(value) else None
        if (tag, attribute) == ("img", "src"):
            if value[:4].lower() == "cid:":
                return inline(unquote(value[4:]).strip())
            remote += 1
            return value if pictures and _OVER_TLS.match(value) else None
        return value

    cleaned = nh3.clean(
        html,
        tags=set(TAGS),
        clean_content_tags=set(DROPPED),
        attributes=ATTRIBUTES,
        attribute_filter=allowed,
        strip_comments=True,
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
        url_schemes={"http", "https", "mailto", "tel", "cid"},
        filter_style_properties=set(STYLES),
    )
    return Clean(cleaned, remote)


def _declarations(style: str) -> str | None:
    """A style attribute without the declarations that could fetch or hide something."""
    kept = [one for one in style[:4000].split(";") if not _WILD.search(_COLOUR.sub("", one))]
    return ";".join(kept) if kept else None


def _bounded(html: str) -> None:
    if len(html) > MOST_CHARACTERS:
        raise TooWild(f"the HTML has {len(html):,} characters")
    depth = 0
    for number, tag in enumerate(_TAG.finditer(html), start=1):
        if number > MOST_TAGS:
            raise TooWild(f"the HTML has more than {MOST_TAGS:,} tags")
        if tag[2].lower() in _ALONE:
            continue
        depth = max(depth - 1, 0) if tag[1] else depth + 1
        if depth > MOST_DEPTH:
            raise TooWild(f"the HTML is nested more than {MOST_DEPTH} levels deep")


def raster_type(content: bytes) -> str | None:
    """What picture these bytes are, by what they begin with and nothing else; None: no picture."""
    for sign, kind in _SIGNS:
        if content.startswith(sign):
            return kind
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return None


def document(clean: Clean) -> str:
    """The whole page of the frame: white paper in dark mode too, as its author saw it."""
    return (
        '<!doctype html><html><head><meta charset="utf-8"><meta name="color-scheme"'
        ' content="light"><title>Message</title><style>'
        "body{margin:0;padding:16px;background:#fff;color:#1a1a1a;font:14px/1.5 system-ui,"
        "sans-serif;overflow-wrap:anywhere}img{max-width:100%;height:auto}table{max-width:100%}"
        "blockquote{margin:0 0 0 8px;padding-left:12px;border-left:2px solid #ddd}"
        f"</style></head><body>{clean.html}</body></html>"
    )
