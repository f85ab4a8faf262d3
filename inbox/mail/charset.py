"""Turns bytes into text by their label, as browsers do (WHATWG Encoding), never losing text.

It knows text encodings only: Python's bytes-to-bytes codecs (zlib, hex) and rot13 are refused.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from functools import lru_cache

UNKNOWN = "charset-unknown"
"""Defect: the label names no text encoding that we know."""
BROKEN = "charset-broken"
"""Defect: the bytes do not fit the label; they were read in another way."""
UNDECLARED = "charset-undeclared"
"""Defect: 8-bit text without a label."""

_GUESS_FROM = 32
"""Bytes beyond ASCII that a text needs before guessing is better than windows-1252."""
_GUESS_SAMPLE = 16_384
_WIDER = {
    "ascii": "cp1252",
    "us-ascii": "cp1252",
    "ansi_x3.4-1968": "cp1252",
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "iso_8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "l1": "cp1252",
    "iso-8859-9": "cp1254",
    "latin5": "cp1254",
    "iso-8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gb_2312-80": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "chinese": "gb18030",
    "euc-cn": "gb18030",
    "big5": "big5hkscs",
    "big5-hkscs": "big5hkscs",
    "x-x-big5": "big5hkscs",
    "ks_c_5601-1987": "cp949",
    "ks_c_5601": "cp949",
    "ksc5601": "cp949",
    "euc-kr": "cp949",
    "korean": "cp949",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "sjis": "cp932",
    "x-sjis": "cp932",
    "ms_kanji": "cp932",
    "windows-31j": "cp932",
    "iso-2022-jp": "iso2022_jp_ext",
    "csiso2022jp": "iso2022_jp_ext",
    "x-euc-jp": "euc_jp",
    "iso-8859-8-i": "iso8859-8",
    "iso-8859-8-e": "iso8859-8",
    "iso-8859-6-i": "iso8859-6",
    "iso-8859-6-e": "iso8859-6",
    "x-mac-roman": "mac_roman",
    "macintosh": "mac_roman",
    "mac": "mac_roman",
    "x-mac-cyrillic": "mac_cyrillic",
    "koi8": "koi8_r",
    "utf8": "utf-8",
    "unicode-1-1-utf-8": "utf-8",
    "utf-8n": "utf-8",
    "unicode-1-1-utf-7": "utf-7",
    "utf-7": "utf-7",
    "utf-16": "utf-16",
    "unicode": "utf-16",
    "iso-10646-ucs-2": "utf-16",
    "ucs-2": "utf-16",
    "cp-850": "cp850",
    "x-windows-949": "cp949",
}
_LABEL = re.compile(r"[a-z0-9][a-z0-9._:+-]{0,39}\Z")
_PREFIXED = re.compile(r"(?:x-|cs)?(?:windows|win|cp|ms|ibm)[-_]?(\d{3,5})\Z")
# Codecs of Python that are text to text, or that turn text into something else than text.
_NOT_MAIL = frozenset({
    "rot-13", "idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "mbcs",
    "oem", "palmos", "uu", "quopri", "zlib", "hex", "bz2", "base64", "charmap",
})  # fmt: skip
# Labels that senders write when they did not look; UTF-8 is recognised under them.
_CARELESS = frozenset({"cp1252", "ascii"})
_ESCAPED = ("iso2022", "iso-2022", "hz", "utf-7", "utf-16", "utf-32")
"""Encodings in which ASCII bytes do not (only) mean ASCII text."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """Text, and the defect that was met on the way (empty where there was none)."""

    text: str
    defect: str = ""


@lru_cache(maxsize=512)
def codec_for(label: str) -> str | None:
    """The Python codec for a charset label, widened as WHATWG does; None for no text encoding.

    >>> codec_for("ISO-8859-1"), codec_for("gb2312"), codec_for("zlib")
    ('cp1252', 'gb18030', None)
    """
    name = label.strip().strip("\"'").strip().lower()
    name = name.partition("*")[0]  # RFC 2231 section 5: charset*language
    if not _LABEL.match(name):
        return None
    wider = _WIDER.get(name)
    if wider is not None:
        return wider
    numbered = _PREFIXED.match(name)
    candidates = [name] if numbered is None else [f"cp{numbered[1]}", name]
    if name.startswith("x-"):
        candidates.append(name[2:])
    for candidate in candidates:
        try:
            info = codecs.lookup(candidate)
        except (LookupError, ValueError):
            continue
        # `_is_text_encoding` is how CPython itself keeps bytes-to-bytes codecs out of bytes.decode.
        if getattr(info, "_is_text_encoding", True) and info.name not in _NOT_MAIL:
            return _WIDER.get(info.name, info.name)
    return None


def decode_text(data: bytes, label: str | None) -> Decoded:
    """Text of `data`, labelled `label` (None: not labelled). Never raises, never drops bytes.

    Bytes that fit nothing become U+FFFD or windows-1252 characters, and the defect says so.
    """
    codec = codec_for(label) if label else None
    escaped = codec is not None and codec.startswith(_ESCAPED)
    if data.isascii() and not escaped:
        return Decoded(data.decode("ascii"), UNKNOWN if label and codec is None else "")
    if codec is None or codec in _CARELESS:
        return _carelessly_labelled(data, label, codec)
    text = _strict(data, codec)
    if text is not None:
        return Decoded(text)
    text = _strict(data, "utf-8")
    if text is not None:
        return Decoded(text, BROKEN)
    replaced = data.decode(codec, "replace")
    return Decoded(replaced if _mostly_readable(replaced) else _single_byte(data), BROKEN)


def _carelessly_labelled(data: bytes, label: str | None, codec: str | None) -> Decoded:
    text = _strict(data, "utf-8")
    if codec is not None:
        return Decoded(text if text is not None else _single_byte(data))
    defect = UNKNOWN if label else UNDECLARED
    if text is not None:
        return Decoded(text, defect)
    return Decoded(_guessed(data) or _single_byte(data), defect)


def _strict(data: bytes, codec: str) -> str | None:
    try:
        text = data.decode(codec)
        # Some codecs (utf-7, utf-16) produce lone surrogates, which no store or socket accepts.
        text.encode("utf-8")
    except (UnicodeError, LookupError):
        return None
    return text.removeprefix("\ufeff")


def _single_byte(data: bytes) -> str:
    """windows-1252 with its five holes filled as in latin-1, so that nothing is lost."""
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        return "".join(
            data[i : i + 1].decode("cp1252", "replace").replace("\ufffd", chr(data[i]))
            for i in range(len(data))
        )


def _mostly_readable(text: str) -> bool:
    return text.count("\ufffd") * 10 <= len(text)


def _guessed(data: bytes) -> str | None:
    sample = data[:_GUESS_SAMPLE]
    high = len(sample) - len(sample.translate(None, bytes(range(128, 256))))
    if high < _GUESS_FROM:
        return None
    from charset_normalizer import from_bytes  # slow to import, rarely needed

    best = from_bytes(sample, steps=5, chunk_size=512, threshold=0.3).best()
    if best is None:
        return None
    codec = codec_for(best.encoding)
    if codec is None:
        return None
    text = _strict(data, codec)
    if text is not None:
        return text
    replaced = data.decode(codec, "replace")
    return replaced if _mostly_readable(replaced) else None
