"""Makes text fit to be shown: no controls, no bidirectional overrides, no lone surrogates.

It changes display text only; the raw mail keeps what was sent. It is not an HTML sanitiser.
"""

from __future__ import annotations

import re
import unicodedata

_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_LINE_BREAKS = re.compile("\r\n?|[\x85\u2028\u2029]")
# Everything a line may not hold; tab is turned into a blank before, newline is a blank too.
_BAD_IN_LINE = re.compile(f"[\x00-\x1f\x7f-\x9f\u2028\u2029{_BIDI}\ud800-\udfff\ufeff]+")
_BAD_IN_TEXT = re.compile(f"[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f{_BIDI}\ud800-\udfff\ufeff]+")
_BLANKS = re.compile(r"[\t\r\n\x85\u2028\u2029]+")
_NAME_SPACE = re.compile(r"\s+")
_NAME_HIDDEN = re.compile("[\u200b-\u200d\u2060\u00ad]+")
_SLASHES = re.compile(r"[\\/]+")
_MAX_NAME = 200


def clean_line(text: str) -> str:
    """Display text of one header field: line breaks become one blank, controls go (RFC 5322)."""
    if text.isprintable():  # a fast answer for nearly every field; overrides are not printable
        return text.strip()
    return _BAD_IN_LINE.sub("", _BLANKS.sub(" ", text)).strip()


def clean_text(text: str) -> str:
    """Display text of a body: LF line ends, no controls but tab and newline, form feed a newline.

    It loses no printable character.
    """
    if "\r" in text or not text.isascii():
        text = _LINE_BREAKS.sub("\n", text)
    if "\x0c" in text:
        text = text.replace("\x0c", "\n")
    return _BAD_IN_TEXT.sub("", text)


def clean_file_name(name: str) -> str:
    """A file name without folders, controls, hidden characters, leading dots; at most 200 long.

    The answer is for people to read; nothing ever opens a file by it. It may be empty.
    """
    text = _NAME_HIDDEN.sub("", unicodedata.normalize("NFC", clean_line(name)))
    text = _SLASHES.split(text)[-1] if "/" in text or "\\" in text else text
    if len(text) > 1 and text[1] == ":" and text[0].isascii() and text[0].isalpha():
        text = text[2:]
    text = _NAME_SPACE.sub(" ", text).strip().lstrip(".").strip()
    if len(text) <= _MAX_NAME:
        return text
    stem, dot, ending = text.rpartition(".")
    if dot and len(ending) <= 16:
        return stem[: _MAX_NAME - len(ending) - 1] + "." + ending
    return text[:_MAX_NAME]
