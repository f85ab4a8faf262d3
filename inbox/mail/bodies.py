"""Decodes the leaves of a part tree, and says which of them are the mail's text (RFC 8621 4.1.4).

It holds text and digests, no attachment bytes. It does not join or clean anything.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from inbox.mail.charset import decode_text
from inbox.mail.transfer import decode_transfer
from inbox.mail.tree import Part, Tree
from inbox.mail.words import field_text, parameters, unfolded

_MEDIA = ("image/", "audio/", "video/")
_NEVER_TEXT = frozenset({
    "text/calendar", "text/csv", "text/vcard", "text/x-vcard", "text/directory", "text/xml",
    "text/rfc822-headers", "text/rtf", "text/css", "text/javascript", "text/x-patch", "text/x-diff",
})  # fmt: skip
_MESSAGE_HEAD = 64 * 1024
"""Bytes of an attached mail that are kept as text, for its header."""
_ATTACHED_MESSAGE = frozenset({"message/rfc822", "message/global", "message/news"})


@dataclass(slots=True, eq=False)
class Leaf:
    """One part without parts of its own, decoded."""

    path: str
    content_type: str
    disposition: str
    """`inline`, `attachment`, another word, or empty."""
    name: str
    """As the part states it, decoded, not cleaned; empty where it states none."""
    content_id: str | None
    size: int
    sha256: str
    text: str | None
    """Decoded text of text parts, calendars and reports; None for all others."""
    method: str
    """The `method` of a calendar part's Content-Type."""
    fields: tuple[tuple[str, str], ...]
    """The fields that say what it is and how it is called, unfolded."""
    digest: bytes
    """What the content hash takes of it: for text the text with LF line ends."""

    @property
    def is_message(self) -> bool:
        """Is it a whole attached mail?"""
        return self.content_type in _ATTACHED_MESSAGE


@dataclass(slots=True)
class Bodies:
    """Which leaves are text to read, which are HTML to show, and which are files."""

    plain: list[Leaf] = field(default_factory=list)
    html: list[Leaf] = field(default_factory=list)
    files: list[Leaf] = field(default_factory=list)


def part_bytes(tree: Tree, part: Part) -> tuple[bytes, str]:
    """(decoded bytes, defect or an empty text) of one part."""
    value = part.field("content-transfer-encoding")
    encoding = unfolded(value).partition(";")[0].partition("(")[0].strip().lower() if value else ""
    body = tree.raw[part.start : part.end]
    if part.content_type.startswith("multipart/"):
        return body, ""
    return decode_transfer(body, encoding)


def read_leaf(tree: Tree, part: Part, defects: dict[str, None]) -> Leaf:
    """Decode one leaf; what was wrong with it goes into `defects`."""
    data, broken = part_bytes(tree, part)
    if broken:
        defects[broken] = None
    kind = part.content_type
    text, digest = None, data
    if _has_text(kind):
        if kind in _ATTACHED_MESSAGE:
            digest = data.replace(b"\r\n", b"\n").rstrip()
            text = decode_text(data[:_MESSAGE_HEAD], None).text
        else:
            decoded = decode_text(data, _charset(part, data))
            if decoded.defect:
                defects[decoded.defect] = None
            text = decoded.text
            digest = text.replace("\r\n", "\n").rstrip().encode("utf-8", "replace")
    leaf = outlined(part)
    leaf.size = len(data)
    leaf.sha256 = hashlib.sha256(data).hexdigest()
    leaf.text = text
    leaf.digest = hashlib.sha256(digest).digest()
    return leaf


def outlined(part: Part) -> Leaf:
    """One leaf by its header alone: nothing of it is decoded, what is text has an empty text."""
    kind = part.content_type
    said = part.field("content-disposition")
    disposition = unfolded(said) if said is not None else ""
    given = parameters(disposition) if ";" in disposition else {}
    content_id = part.field("content-id")
    return Leaf(
        path=part.path,
        content_type="text/plain" if kind.startswith("multipart/") else kind,
        disposition=disposition.partition(";")[0].strip().lower(),
        name=given.get("filename") or part.parameters.get("name", ""),
        content_id=unfolded(content_id).strip("<> \t") or None if content_id is not None else None,
        size=0,
        sha256="",
        text="" if _has_text(kind) else None,
        method=part.parameters.get("method", ""),
        fields=tuple(
            (name, field_text(value) if name == "content-description" else unfolded(value))
            for name, value in part.fields
            if name in ("content-type", "content-disposition")
        ),
        digest=b"",
    )


def _has_text(kind: str) -> bool:
    return kind.startswith(("text/", "multipart/", "message/")) or kind == "application/ics"


def _charset(part: Part, data: bytes) -> str | None:
    label = part.parameters.get("charset")
    if label is None and part.content_type == "text/html" and not data.isascii():
        return _charset_of_html(data[:2048])
    return label or None


def _charset_of_html(head: bytes) -> str | None:
    """The charset that a page names for itself, where the mail names none."""
    at = head.lower().find(b"charset=")
    if at == -1:
        return None
    label = head[at + 8 : at + 60].strip(b" \t\"'")
    for end in (b'"', b"'", b">", b";", b" ", b"/"):
        label = label.partition(end)[0]
    return label.decode("ascii", "replace") or None


def select_bodies(root: Part, leaves: dict[str, Leaf]) -> Bodies:
    """Text, HTML and files of a tree, as RFC 8621 section 4.1.4 chooses them."""
    chosen = Bodies()
    _select([root], "mixed", False, leaves, chosen)
    if not chosen.plain and not chosen.html:
        _promote(chosen)
    return chosen


def _promote(out: Bodies) -> None:
    """Another kind of text (text/enriched, text/x-something) is the text of a mail without any."""
    for leaf in out.files:
        readable = leaf.content_type.startswith("text/") and leaf.content_type not in _NEVER_TEXT
        if readable and leaf.disposition != "attachment" and not leaf.name:
            out.files.remove(leaf)
            out.plain.append(leaf)
            return


def _select(
    parts: list[Part], container: str, alternative: bool, leaves: dict[str, Leaf], out: Bodies
) -> None:
    """One container. Recursion ends at the depth that `inbox.mail.limits` allows."""
    plain_before, html_before = len(out.plain), len(out.html)
    only_plain = only_html = False
    for position, part in enumerate(parts):
        if part.children:
            subtype = part.content_type.partition("/")[2]
            _select(part.children, subtype, alternative or subtype == "alternative", leaves, out)
            continue
        leaf = leaves[part.path]
        if not _is_inline(leaf, position, container):
            out.files.append(leaf)
        elif container == "alternative":
            _one_form(leaf, out)
        else:
            is_text = leaf.text is not None and not leaf.content_type.startswith(_MEDIA)
            if not is_text:
                out.files.append(leaf)
                continue
            if alternative:
                only_plain = only_plain or leaf.content_type != "text/html"
                only_html = only_html or leaf.content_type == "text/html"
            if not only_html:
                out.plain.append(leaf)
            if not only_plain:
                out.html.append(leaf)
    if container == "alternative":
        _fill(out, plain_before, html_before)


def _fill(out: Bodies, plain_before: int, html_before: int) -> None:
    """An alternative with one form only serves as both."""
    if len(out.plain) == plain_before and len(out.html) > html_before:
        out.plain.extend(out.html[html_before:])
    elif len(out.html) == html_before and len(out.plain) > plain_before:
        out.html.extend(out.plain[plain_before:])


def _one_form(leaf: Leaf, out: Bodies) -> None:
    if leaf.content_type == "text/html":
        out.html.append(leaf)
    elif leaf.content_type == "text/plain":
        out.plain.append(leaf)
    else:
        out.files.append(leaf)


def _is_inline(leaf: Leaf, position: int, container: str) -> bool:
    if leaf.disposition == "attachment":
        return False
    media = leaf.content_type.startswith(_MEDIA)
    if not (media or leaf.content_type in ("text/plain", "text/html")):
        return False
    return position == 0 or (container != "related" and (media or not leaf.name))
