"""Compressed RTF (MS-OXRTFCP) unpacked, and RTF turned into plain text. Bounded; never raises."""

from __future__ import annotations

import re
import struct

from inbox.mail.html import html_to_text

_PRELOAD = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript"
    rb" \fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0"
    b"\r\n"
    rb"\par \pard\plain\f0\fs20\b\i\u\tab\tx"
)
_COMPRESSED, _PLAIN = 0x75465A4C, 0x414C454D

_PIECE = re.compile(
    rb"\\'([0-9a-fA-F]{2})|\\([a-zA-Z]{1,32})(-?[0-9]{1,10})? ?|\\([^a-zA-Z])"
    rb"|([{}])|[\r\n]+|([^\\{}\r\n]+)"
)
_SKIPPED = frozenset(
    b"fonttbl colortbl stylesheet info pict header footer object themedata listtable".split()
)
_BREAKS = {b"par": "\n", b"line": "\n", b"tab": "\t", b"emdash": "—", b"endash": "–"}
_BREAKS |= {b"lquote": "‘", b"rquote": "’", b"ldblquote": "“", b"rdblquote": "”", b"bullet": "•"}
_MOST_DEPTH = 200
_CODEPAGE = re.compile(rb"\\ansicpg([0-9]{3,5})")


def decompressed(data: bytes, most: int) -> bytes:
    """The RTF in a PR_RTF_COMPRESSED value, `most` bytes at most; what could be read of it."""
    if len(data) < 16:
        return b""
    _, raw_size, kind = struct.unpack_from("<III", data)
    if kind == _PLAIN:
        return data[16 : 16 + min(raw_size, most)]
    if kind != _COMPRESSED:
        return b""
    window = bytearray(_PRELOAD.ljust(4096, b"\0"))
    place, at, out = len(_PRELOAD), 16, bytearray()
    limit = min(raw_size, most)
    while at < len(data) and len(out) < limit:
        flags = data[at]
        at += 1
        for bit in range(8):
            if at >= len(data) or len(out) >= limit:
                break
            if not flags >> bit & 1:
                window[place] = data[at]
                out.append(data[at])
                place, at = (place + 1) % 4096, at + 1
                continue
            if at + 1 >= len(data):
                return bytes(out)
            reference = data[at] << 8 | data[at + 1]
            at += 2
            offset, length = reference >> 4, (reference & 15) + 2
            if offset == place:
                return bytes(out)
            for step in range(length):
                byte = window[(offset + step) % 4096]
                window[place] = byte
                out.append(byte)
                place = (place + 1) % 4096
    return bytes(out[:limit])


def rtf_to_text(rtf: bytes) -> str:
    """The text of an RTF document; of one that wraps HTML (MS-OXRTFEX) the text of that."""
    found = _CODEPAGE.search(rtf[:2000])
    codepage = f"cp{found[1].decode()}" if found else "cp1252"
    if b"\\fromhtml1" in rtf[:2000]:
        return html_to_text(_Walk(codepage, html=True).over(rtf))
    return _Walk(codepage, html=False).over(rtf)


class _Walk:
    """One pass over a document, with the state of its open groups."""

    def __init__(self, codepage: str, html: bool) -> None:
        self._codepage, self._html = codepage, html
        self._skip, self._hidden = False, False
        self._skips: list[tuple[bool, bool]] = []
        self._star = False
        self._drop = 0
        self._bytes = bytearray()
        self._out: list[str] = []

    def over(self, rtf: bytes) -> str:
        """The text."""
        for piece in _PIECE.finditer(rtf):
            code, word, number, sign, brace, text = piece.groups()
            if brace is not None:
                if not self._group(brace):
                    break
            elif word is not None:
                self._word(word.lower(), number)
            elif code is not None:
                self._byte(bytes((int(code, 16),)))
            elif sign is not None:
                self._sign(sign)
            elif text is not None:
                self._star = False
                self._byte(text)
        self._flush()
        return "".join(self._out)

    def _group(self, brace: bytes) -> bool:
        self._flush()
        self._star = False
        if brace == b"{":
            self._skips.append((self._skip, self._hidden))
            return len(self._skips) <= _MOST_DEPTH
        if self._skips:
            self._skip, self._hidden = self._skips.pop()
        return True

    def _word(self, word: bytes, number: bytes | None) -> None:
        if self._star or word in _SKIPPED:
            self._skip = not (self._html and word == b"htmltag")
            self._star = False
            return
        if word == b"htmlrtf":
            self._hidden = number != b"0"
        elif word == b"u" and number is not None:
            self._flush()
            value = int(number) % 65536
            self._put(chr(value) if not 0xD800 <= value < 0xE000 else "\ufffd")
            self._drop = 1
        elif word in _BREAKS:
            self._flush()
            self._put(_BREAKS[word])

    def _sign(self, sign: bytes) -> None:
        if sign == b"*":
            self._star = True
        elif sign in (b"\\", b"{", b"}"):
            self._byte(sign)
        elif sign == b"~":
            self._byte(b" ")

    def _byte(self, text: bytes) -> None:
        if self._skip or (self._hidden and self._html):
            return
        if self._drop and text:
            text, self._drop = text[1:], 0  # what stands in for a letter that \u has given
        self._bytes += text

    def _put(self, text: str) -> None:
        if not (self._skip or (self._hidden and self._html)):
            self._out.append(text)

    def _flush(self) -> None:
        if self._bytes:
            try:
                self._out.append(self._bytes.decode(self._codepage, "replace"))
            except LookupError:
                self._out.append(self._bytes.decode("cp1252", "replace"))
            self._bytes.clear()
