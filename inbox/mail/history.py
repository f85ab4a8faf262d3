"""Finds where quoted history begins: attribution lines, header blocks, separators. Folds nothing.

Works on lists of lines and looks at a bounded number of lines and characters for each question,
so that every caller that asks once per line stays linear.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from inbox.mail.phrases import (
    FORWARDED_MESSAGE,
    HEADER_LABELS,
    OPENERS,
    ORIGINAL_MESSAGE,
    WROTE,
)

LINE_CAP = 400
"""Characters of one line that are looked at."""
_ATTRIBUTION_LINES = 5
_BLOCK_LINES = 30
_LONGEST_LABEL = 24


def _words(alternatives: str) -> str:
    return "|".join(re.escape(word) for word in sorted(alternatives.split("|"), key=len)[::-1])


_SEPARATOR = re.compile(
    rf"[-_=*~—–\s]{{0,60}}(?:(?P<forward>{_words(FORWARDED_MESSAGE)})|{_words(ORIGINAL_MESSAGE)})"
    r"(?P<rest>[^\n]{0,80})$"
)
_OPENER = re.compile(
    rf"(?:{_words(OPENERS)})(?=[\s,.:\d])|[<\[(]?\d{{1,4}}[-./年년\s]", re.IGNORECASE
)
_SPACED = "|".join(word for word in WROTE.split("|") if ord(word[0]) < 0x2E80)
_UNSPACED = "|".join(word for word in WROTE.split("|") if ord(word[0]) >= 0x2E80)
_WROTE = re.compile(
    rf"(?<![^\W\d_])(?:{_words(_SPACED)})(?![^\W\d_])|{_words(_UNSPACED)}",
    re.IGNORECASE,
)
_CLOCK = re.compile(r"\d{1,2}\s?[:.hH時时시点點]\s?\d{2}|\d{1,2}\s?[ap]\.?m\.?", re.IGNORECASE)
_DAY = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}")
_ADDRESS = re.compile(r"[<(\[][^<>()\[\]\s]{0,20}[^<>()\[\]]{0,80}@[^<>()\[\]]{1,90}[>)\]]")
_DIGIT = re.compile(r"\d")
SEPARATOR_PHRASES = frozenset(f"{ORIGINAL_MESSAGE}|{FORWARDED_MESSAGE}".split("|"))
"""What a separator says when it stands alone on its line."""
_MARKS = " \t\xa0>*|#\u200b\u202f\ufeff"


@dataclass(frozen=True, slots=True)
class HeaderBlock:
    """A quoted header block: line numbers [start, end) and the values by kind of label."""

    start: int
    end: int
    values: dict[str, str]


def unquoted(line: str) -> str:
    """A line without quote marks, bold stars and outer space, at most `LINE_CAP` characters."""
    return line[:LINE_CAP].strip(_MARKS).rstrip("\r")


def label_of(line: str) -> tuple[str, str] | None:
    """(kind, value) where the line reads `Label: value` with a known label, else None."""
    colon = line.find(":", 0, _LONGEST_LABEL + 8)
    wide = line.find("：", 0, _LONGEST_LABEL + 8)
    if colon < 0 or 0 <= wide < colon:
        colon = wide
    if colon < 1:
        return None
    kind = HEADER_LABELS.get(line[:colon].strip(_MARKS).lower())
    return None if kind is None else (kind, line[colon + 1 : LINE_CAP].strip(_MARKS))


def header_block(lines: Sequence[str], start: int) -> HeaderBlock | None:
    """The quoted header block that begins at line `start`, or None.

    It is one when it names a sender and a date or subject, with three labels in all. A value may
    go on for two lines; single blank lines between labels are passed over, as HTML leaves them.
    """
    values: dict[str, str] = {}
    last, end, strays, found = "", start, 0, 0
    for number in range(start, min(start + _BLOCK_LINES, len(lines))):
        line = unquoted(lines[number])
        if not line:
            if end < number - 1 or (found >= 3 and not _label_follows(lines, number)):
                break
            continue
        labelled = label_of(line)
        if labelled is not None:
            last, strays, found = labelled[0], 0, found + 1
            values.setdefault(last, labelled[1])
        else:
            strays += 1
            if strays > 2 or not found or end < number:
                break
            values[last] = f"{values[last]} {line}".strip()
        end = number + 1
    named = "from" in values and ("date" in values or "subject" in values)
    return HeaderBlock(start, end, values) if named and len(values) >= 3 else None


def _label_follows(lines: Sequence[str], blank: int) -> bool:
    following = unquoted(lines[blank + 1]) if blank + 1 < len(lines) else ""
    return bool(following) and label_of(following) is not None


def separator(line: str) -> str:
    """`forward`, `original` or an empty text: what `--- Original Message ---` says."""
    text = unquoted(line)
    if not 6 <= len(text) <= 140:
        return ""
    lowered = text.lower()
    found = _SEPARATOR.match(lowered)
    if found is None:
        return ""
    dressed = not lowered[0].isalnum()
    rest = found["rest"].strip(" -_=*~—–")
    if not dressed and rest not in ("", ":", "："):
        return ""
    if dressed and len(rest) > 60:
        return ""
    if not dressed and found["forward"] is None and not rest and len(lowered.split()) < 2:
        return ""
    return "forward" if found["forward"] is not None else "original"


def attribution(lines: Sequence[str], last: int, quote_follows: bool) -> int | None:
    """First line of the attribution (`On ..., X wrote:`) that ends at line `last`, or None."""
    joined = ""
    best: int | None = None
    looked = 0
    for number in range(last, max(last - 9, -1), -1):
        line = lines[number][:LINE_CAP].strip(" \t\xa0*\u200b\u202f")
        if number != last and line[:1] == ">":
            break
        if not line:
            if best is not None or looked == 0:
                break
            continue
        looked += 1
        if looked > _ATTRIBUTION_LINES or len(joined) > LINE_CAP:
            break
        joined = f"{line} {joined}" if joined else line
        opens = _OPENER.match(joined) is not None and _DIGIT.search(joined) is not None
        if _is_attribution(joined, opens, quote_follows):
            if opens:
                return number
            best = number if best is None else best
        elif best is not None and looked > 3:
            break
    return best


def _is_attribution(text: str, opens: bool, quote_follows: bool) -> bool:
    balanced = text.count("<") <= text.count(">") and text.count(">") <= text.count("<") + 1
    if not balanced or (text.count(">") > text.count("<")):
        return False
    addressed = _ADDRESS.search(text) is not None
    clock = _CLOCK.search(text) is not None
    wrote = _WROTE.search(text) is not None
    day = clock or _DAY.search(text) is not None
    if wrote and addressed and (opens or day or quote_follows):
        return True
    if wrote and opens and (clock or (quote_follows and (day or "," in text))):
        return True
    if addressed and day and (quote_follows or text.rstrip(" :：")[-1:] in ">)"):
        return opens or clock
    return quote_follows and wrote and len(text) < 120
