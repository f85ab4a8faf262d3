"""Decodes header field values: folding, RFC 2047 encoded words, RFC 2231 parameters.

One pass over the value, linear in its length; it never raises. It does not read addresses.
"""

from __future__ import annotations

import base64
import binascii
import re
from urllib.parse import unquote_to_bytes

from inbox.mail.charset import decode_text

_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?]{0,75000})\?=")
_Q_BYTE = re.compile(rb"=([0-9a-fA-F]{2})")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")
_PARAMETER = re.compile(r";\s*([^\s=;*\"]{1,64})(\*\d{1,9})?(\*)?\s*=\s*")
_QUOTE_OR_ESCAPE = re.compile(r'["\\]')
_SECTIONS = 200
"""Sections of one RFC 2231 parameter that are read; an index above it is ignored."""


def field_text(value: bytes, charset: str | None = None) -> str:
    """A raw field value as one line of text, encoded words decoded (RFC 5322 2.2.3, RFC 2047).

    `charset` is used for 8-bit bytes that are not UTF-8. Controls are not removed here.
    """
    text = unfolded(value, charset)
    return decode_words(text) if "=?" in text else text


def unfolded(value: bytes, charset: str | None = None) -> str:
    """The raw field value without its line breaks; 8-bit bytes as UTF-8, else as `charset`."""
    if b"\n" in value or b"\r" in value:
        value = value.replace(b"\r", b"").replace(b"\n", b"")
    text = value.decode("ascii") if value.isascii() else decode_text(value, charset).text
    return text.strip(" \t")


def decode_words(text: str) -> str:
    """`text` with its encoded words decoded; blanks between two encoded words go (RFC 2047 6.2).

    Neighbours of one charset are joined as bytes first, for many senders cut through a character.
    """
    out: list[str] = []
    pending: list[bytes] = []
    charset = ""
    end = 0
    for word in _WORD.finditer(text):
        gap = text[end : word.start()]
        label = word[1].lower()
        if pending and (gap.strip(" \t") or label != charset):
            out.append(decode_text(b"".join(pending), charset).text)
            pending = []
            if gap.strip(" \t"):
                out.append(gap)
        elif not pending:
            out.append(gap)
        charset = label
        pending.append(_word_bytes(word[2], word[3]))
        end = word.end()
    if pending:
        out.append(decode_text(b"".join(pending), charset).text)
    out.append(text[end:])
    return "".join(out)


def _word_bytes(encoding: str, payload: str) -> bytes:
    # A word is ASCII by its grammar; where it is not, its letters are kept as UTF-8.
    data = payload.encode("utf-8", "surrogateescape")
    if encoding in "qQ":
        return _Q_BYTE.sub(lambda m: bytes((int(m[1], 16),)), data.replace(b"_", b" "))
    return lenient_base64(data)


def lenient_base64(data: bytes) -> bytes:
    """Decoded base64; characters outside the alphabet are skipped, missing padding is added.

    Padding inside (several encodings in a row) ends a piece, and the next piece is decoded too.
    """
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        pass
    pieces = []
    for run in re.split(rb"=+", data):
        piece = _NOT_BASE64.sub(b"", run)
        piece = piece[: len(piece) - 1] if len(piece) % 4 == 1 else piece
        pieces.append(base64.b64decode(piece + b"=" * (-len(piece) % 4)))
    return b"".join(pieces)


def parameters(value: str) -> dict[str, str]:
    """The parameters behind the first `;` of a MIME field, names in lower case (RFC 2045, 2231).

    Quoted and bare values, continuations (`name*0*=`), percent encoding with charset, and encoded
    words, which RFC 2047 forbids there and half the world sends. The first of two equal names wins.
    """
    plain: dict[str, str] = {}
    sections: dict[str, dict[int, tuple[str, bool]]] = {}
    position = value.find(";")
    while position != -1:
        found = _PARAMETER.match(value, position)
        if found is None:
            position = value.find(";", position + 1)
            continue
        raw, position = _parameter_value(value, found.end())
        name = found[1].lower()
        if found[2] or found[3]:
            index = int(found[2][1:]) if found[2] else 0
            if index < _SECTIONS:
                sections.setdefault(name, {}).setdefault(index, (raw, bool(found[3])))
        else:
            plain.setdefault(name, raw)
    result = {name: _spoken(raw) for name, raw in plain.items()}
    result.update({name: _joined(parts) for name, parts in sections.items()})
    return result


def _parameter_value(value: str, start: int) -> tuple[str, int]:
    """The value that starts at `start`, unquoted, and where the next `;` is (-1: nowhere)."""
    if not value.startswith('"', start):
        end = value.find(";", start)
        raw = value[start:] if end == -1 else value[start:end]
        return raw.strip(), end
    out: list[str] = []
    position = start + 1
    while position < len(value):
        special = _QUOTE_OR_ESCAPE.search(value, position)
        stop = special.start() if special else len(value)
        out.append(value[position:stop])
        if special is None or special[0] == '"':
            return "".join(out), value.find(";", stop)
        # Windows paths arrive with single backslashes: only \" and \\ are taken as escapes.
        following = value[stop + 1 : stop + 2]
        out.append(following if following in ('"', "\\") else "\\" + following)
        position = stop + 2
    return "".join(out), -1


def _spoken(raw: str) -> str:
    return decode_words(raw) if "=?" in raw else raw


def _joined(parts: dict[int, tuple[str, bool]]) -> str:
    """One value out of its RFC 2231 sections, in index order."""
    charset = ""
    data: list[bytes] = []
    percent_seen = False
    for place, (index, (raw, percent)) in enumerate(sorted(parts.items())):
        text = raw
        if percent:
            percent_seen = True
            if place == 0 and index == 0 and text.count("'") >= 2:
                charset, _, text = text.split("'", 2)
            data.append(unquote_to_bytes(text))
        else:
            data.append(text.encode("utf-8", "surrogateescape"))
    joined = b"".join(data)
    if percent_seen:
        return decode_text(joined, charset or None).text
    return _spoken(joined.decode("utf-8", "replace"))
