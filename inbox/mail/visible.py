"""Splits the text of a mail into what its sender wrote, quoted history and signatures.

Folds for display; nothing is lost, the spans cover the text exactly. It does not read HTML.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from inbox.mail.history import (
    LINE_CAP,
    SEPARATOR_PHRASES,
    attribution,
    header_block,
    label_of,
    separator,
)
from inbox.mail.phrases import MOBILE_SIGNATURES

SpanKind = Literal["own", "quote", "signature"]

LINE_BUDGET = 12_000
"""Lines that are looked at; what stands below them is own text unless history had begun."""
TRY_BUDGET = 1_000
"""How often a line that may begin history is looked at closely; then no more is folded."""
_LONGEST_SIGNATURE = 25
_LONGEST_FOOTER = 10
_SEPARATOR_STARTS = frozenset("-_=*~—–>")
_RULER = re.compile(r"(?:_{5,}|-{10,}|={10,}|\*{10,}|—{5,})$")
_MOBILE = re.compile(rf"(?:{'|'.join(MOBILE_SIGNATURES)})$")
_MOBILE_START = re.compile(r"[\s<>(\[*_.-]*")


@dataclass(frozen=True, slots=True)
class Span:
    """Characters [start, end) of a text, all of one kind."""

    kind: SpanKind
    start: int
    end: int


def visible_text(text: str) -> str:
    """What the sender wrote: `text` without quoted history and signatures, outer space cut.

    Lines end in LF. A text that consists of nothing else than a quote or forward keeps it.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    lines = text.split("\n")
    kinds = _kinds(lines)
    if "q" not in kinds and "h" not in kinds and "s" not in kinds and "m" not in kinds:
        return text.strip()
    kept = [line for line, kind in zip(lines, kinds, strict=True) if kind == "o"]
    return _blank_runs("\n".join(kept)).strip()


def split_visible(text: str) -> tuple[Span, ...]:
    """Spans that cover `text` exactly, in order; neighbours differ in kind."""
    lines = text.splitlines(keepends=True) if "\r" in text else text.split("\n")
    if "\r" in text:
        lines = re.split(r"(?<=\n)|(?<=\r)(?!\n)", text)
        lengths = [len(line) for line in lines]
        lines = [line.rstrip("\r\n") for line in lines]
    else:
        lengths = [len(line) + 1 for line in lines]
        lengths[-1] -= 1
    spans: list[Span] = []
    position = begun = 0
    kind: SpanKind | None = None
    for letter, length in zip(_kinds(lines), lengths, strict=True):
        found = _SPAN_KINDS[letter]
        if found != kind and length:
            if kind is not None and position > begun:
                spans.append(Span(kind, begun, position))
            kind, begun = found, position
        position += length
    if kind is not None and position > begun:
        spans.append(Span(kind, begun, position))
    return tuple(spans)


_SIGNATURE_STARTS = frozenset("-—–_ \t\xa0")
_SPAN_KINDS: dict[str, SpanKind] = {
    "o": "own",
    "q": "quote",
    "h": "quote",
    "s": "signature",
    "m": "signature",
}


def _blank_runs(text: str) -> str:
    """Where a quote was folded out, two blank lines at most stay behind."""
    return re.sub(r"\n(?:[ \t\xa0]*\n){3,}", "\n\n\n", text)


def _kinds(lines: list[str]) -> list[str]:
    """One letter for each line: own, quote, header of a quote, signature, mobile signature."""
    kinds = ["o"] * len(lines)
    own = _mark_quotes(lines, kinds)
    if own:
        own = _mark_signatures(lines, kinds)
    if not own:
        _keep_something(lines, kinds)
    return kinds


def _mark_quotes(lines: list[str], kinds: list[str]) -> bool:
    """Marks quotes and their headers; True when a line of own text was met."""
    own = own_quote = False
    number, count, tries = 0, min(len(lines), LINE_BUDGET), TRY_BUDGET
    while number < count:
        line = lines[number].strip()
        if not line:
            number += 1
            continue
        first = line[0]
        end = number
        if tries > 0 and line[-1] in ":：" and (first != ">" or not own_quote):
            tries -= 1
            end = _attribution_at(lines, kinds, number)
        own_quote = first == ">"
        if end == number and (first == ">" or (first == "|" and _pipe_quote(lines, number))):
            if number and kinds[number - 1] == "q":
                kinds[number] = "q"
            else:
                _quote_at(lines, kinds, number)
            number += 1
            continue
        if (tries > 0 and end == number) and (
            first in _SEPARATOR_STARTS or ":" in line or "：" in line or _names_history(line)
        ):
            tries -= 1
            end = _history_at(lines, kinds, number, line)
        if end == number:
            own = True
            number += 1
            continue
        if own and not _marked(lines, end) and _own_above(lines, kinds, number):
            kinds[end:] = "q" * (len(lines) - end)
            return True
        number = end
    return own and "o" in kinds


def _own_above(lines: list[str], kinds: list[str], number: int) -> bool:
    return any(kinds[i] == "o" and lines[i].strip() for i in range(number))


def _marked(lines: list[str], number: int) -> bool:
    """Does the quote below a header carry marks of its own?"""
    for line in lines[number : number + 4]:
        text = line.lstrip()
        if text:
            return text[0] in ">|"
    return False


def _pipe_quote(lines: list[str], number: int) -> bool:
    return any(
        lines[i].lstrip()[:1] == "|" and lines[i].count("|") == 1
        for i in (number - 1, number + 1)
        if 0 <= i < len(lines)
    )


def _quote_at(lines: list[str], kinds: list[str], number: int) -> None:
    """Marks one `>` line, and above the first one an attribution that has no colon."""
    kinds[number] = "q"
    above = number - 1
    while above >= 0 and above >= number - 3 and not lines[above].strip():
        above -= 1
    if above >= 0 and kinds[above] == "o" and lines[above].strip():
        begun = attribution(lines, above, quote_follows=True) if "@" in lines[above] else None
        if begun is not None:
            kinds[begun : above + 1] = "h" * (above + 1 - begun)


def _attribution_at(lines: list[str], kinds: list[str], number: int) -> int:
    begun = attribution(lines, number, _marked(lines, number + 1))
    if begun is None or any(kinds[i] != "o" for i in range(begun, number)):
        return number
    kinds[begun : number + 1] = "h" * (number + 1 - begun)
    return number + 1


def _history_at(lines: list[str], kinds: list[str], number: int, line: str) -> int:
    """Marks a separator or header block that begins at `number`; the line behind it."""
    start = number
    if line[0] in _SEPARATOR_STARTS or line[-1] in ":：" or _names_history(line):
        head = line[:LINE_CAP]
        if _RULER.match(head):
            number = _next_text(lines, number + 1)
            block = header_block(lines, number) if number < len(lines) else None
            if block is None:
                return start
            kinds[start : block.end] = "h" * (block.end - start)
            return block.end
        if separator(head) or _zoho(head):
            follow = _next_text(lines, number + 1)
            block = header_block(lines, follow) if follow < len(lines) else None
            end = number + 1 if block is None else block.end
            kinds[start:end] = "h" * (end - start)
            return end
    labelled = label_of(line)
    if labelled is not None and labelled[0] in ("from", "subject", "date"):
        block = header_block(lines, number)
        if block is not None:
            kinds[start : block.end] = "h" * (block.end - start)
            return block.end
    return start


def _names_history(line: str) -> bool:
    return len(line) < 48 and line[-1] not in ".,!?" and line.lower() in SEPARATOR_PHRASES


def _zoho(line: str) -> bool:
    return line.startswith("--") and line.endswith("--") and "@" in line and " wrote " in line


def _next_text(lines: list[str], number: int) -> int:
    while number < len(lines) and number < LINE_BUDGET and not lines[number].strip():
        number += 1
    return number


def _mark_signatures(lines: list[str], kinds: list[str]) -> bool:
    """Marks signatures at the end of each run of own lines; True when own text is left."""
    end = min(len(lines), LINE_BUDGET)
    own = len(lines) > LINE_BUDGET
    while end > 0:
        if kinds[end - 1] != "o":
            end -= 1
            continue
        start = end
        while start > 0 and kinds[start - 1] == "o":
            start -= 1
        own = _mark_signature(lines, kinds, start, end) or own
        end = start
    return own


def _mark_signature(lines: list[str], kinds: list[str], start: int, end: int) -> bool:
    """One run of own lines [start, end): its signature marked; True when own text is left."""
    number = end - 1
    texts = 0
    while number >= start and texts <= _LONGEST_SIGNATURE:
        if lines[number][:1] not in _SIGNATURE_STARTS:
            texts += 1 if lines[number].strip() else 0
            number -= 1
            continue
        line = lines[number].strip()
        texts += bool(line)
        if _is_dashes(line, texts):
            kinds[number:end] = "s" * (end - number)
            end = number
            break
        number -= 1
    number = end - 1
    while number >= start:
        line = lines[number].strip()
        if line and not _is_mobile(line):
            return True
        if line:
            kinds[number] = "m"
        number -= 1
    return False


def _is_dashes(line: str, texts: int) -> bool:
    if line in ("--", "—", "– –", "- --", "---"):
        return texts > 1 or line == "--"
    return 1 < texts <= _LONGEST_FOOTER and line[:5] == "_____" and not line.strip("_")


def _is_mobile(line: str) -> bool:
    if len(line) > 160:
        return False
    text = line.lower()
    bare = text[_match_end(text) :].rstrip(" >)]*_.!-")
    return bool(bare) and _MOBILE.match(bare) is not None


def _match_end(text: str) -> int:
    found = _MOBILE_START.match(text)
    return found.end() if found else 0


def _keep_something(lines: list[str], kinds: list[str]) -> None:
    """Nothing own was found: the quote, else the signature, is what the mail says."""
    for letter in "qs":
        if any(kind == letter and lines[i].strip() for i, kind in enumerate(kinds)):
            kinds[:] = ["o" if kind in (letter, "o") else kind for kind in kinds]
            return
    if any(kinds[i] == "h" and lines[i].strip() for i in range(len(kinds))) and "m" not in kinds:
        kinds[:] = ["o"] * len(kinds)
