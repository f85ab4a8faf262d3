"""How texts are compared: folding, whole words, shell patterns, RE2. No Python `re` anywhere.

Folding makes equal what people see as equal: NFKC, Unicode case folding, runs of white space as
one space, no soft hyphens or zero-width spaces. RE2 keeps every pattern linear in the text
(https://github.com/google/re2/wiki/Syntax).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import re2

_UNSEEN = ("\u00ad", "\u200b", "\u2060", "\ufeff")
"""Soft hyphen, zero-width space, word joiner, byte order mark: not seen, so not compared."""

_LONG_TEXT = 16_384
"""Characters from which texts are handled as a whole, not word by word: in a text made against
us the same word may stand a hundred thousand times inside other words."""

MAX_PATTERN = 1000
"""Characters of a pattern; a longer one is a list of words that belongs in `contains`."""

PATTERN_MEMORY = 1 << 20
"""Bytes of one compiled pattern; nested counted repeats would need more and are refused."""


_PIECE = 4_096
"""Characters that are folded at a time."""

_GROWTH = 65_536
"""Characters by which a text may grow while it is folded, beside a quarter of its length. Some
characters become eighteen: a megabyte of them would take a second."""

_MARKS = 31
"""So many combining marks in a row are in no writing, and sorting them takes the square of their
number. UAX #15 (Stream-Safe Text Format) allows 30, and so do we."""

_RUNS = 1_000
"""Runs of so many marks that are taken out; from the next one on a text is only made lower case."""


def fold(text: str) -> str:
    """The form in which texts are compared."""
    if text.isascii():
        return _single_spaces(text.lower())
    for unseen in _UNSEEN:
        text = text.replace(unseen, "")
    beyond = ""
    if len(text) >= _MARKS:
        text, beyond = _few_marks(text)
    folded = _folded(text) if len(text) <= _PIECE else _folded_in_pieces(text)
    return _single_spaces(folded + beyond.lower())


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def _folded_in_pieces(text: str) -> str:
    """The same, for a text that may be made to grow: from where it grew too much, the rest is
    only made lower case."""
    done: list[str] = []
    start, grown = 0, 0
    while start < len(text) and grown <= _GROWTH + start // 4:
        end = _cut(text, start + _PIECE)
        once = unicodedata.normalize("NFKC", text[start:end]).casefold()
        done.append(unicodedata.normalize("NFKC", once))
        grown += max(len(once) - (end - start), 0)
        start = end
    return "".join(done) + text[start:].lower()


def _cut(text: str, at: int) -> int:
    """The first place from `at` on at which the two sides can be folded apart: before a character
    that cannot melt into the one before it."""
    while at < len(text) and not text[at].isascii():
        first = unicodedata.normalize("NFKC", text[at])[:1]
        if unicodedata.category(first)[0] != "M" and not 0x1160 <= ord(first) <= 0x11FF:
            break
        at += 1
    return min(at, len(text))


def _few_marks(text: str) -> tuple[str, str]:
    """The text without runs of `_MARKS` combining marks, and what follows the last run that was
    taken out where there are more than `_RUNS`."""
    data, many = text.encode("utf-8", "replace"), _many_marks()
    if many.search(data) is None:
        return text, ""
    fewer: bytes = many.sub(b"", data, count=_RUNS)
    more = many.search(fewer)
    at = len(fewer) if more is None else more.start()
    return fewer[:at].decode("utf-8", "replace"), fewer[at:].decode("utf-8", "replace")


@lru_cache(maxsize=1)
def _many_marks() -> Any:
    """Finds them; the half-width voiced marks of Japanese become marks."""
    mark = r"[\pM\x{ff9e}\x{ff9f}]"
    return re2.compile(f"{mark}{{{_MARKS}}}{mark}*")


_SPACES = "".join(character for character in map(chr, range(1, 0x3001)) if character.isspace())


def _single_spaces(text: str) -> str:
    """Every run of white space as one space, none around the text."""
    if len(text) < _LONG_TEXT:
        return " ".join(text.split())
    for space in _SPACES:  # a large text is not cut into a hundred thousand words
        if space != " " and space in text:
            text = text.replace(space, " ")
    while "  " in text:
        text = text.replace("  ", " ")
    return text.strip(" ")


def fold_domain(text: str) -> str:
    """An address, a domain or an end of one: folded, with the domain in A-labels (RFC 5890)."""
    text = fold(text)
    if text.isascii():
        return text
    local, at, domain = text.rpartition("@")
    try:
        labels = [label and label.encode("idna").decode("ascii") for label in domain.split(".")]
    except UnicodeError:
        return text
    return local + at + ".".join(labels)


def has_word(text: str, word: str) -> bool:
    """Does `word` (folded; may be several words) stand as whole words in folded text?

    A word ends where no letter, digit or combining mark follows. Scripts that are written
    without spaces have no such ends, so there any place counts.
    """
    start = text.find(word)
    if start >= 0 and len(text) > _LONG_TEXT:
        return _word_pattern(word).search(text.encode("utf-8", "replace")) is not None
    while start >= 0:
        end = start + len(word)
        left = start == 0 or _apart(text[start - 1], word[0])
        if left and (end == len(text) or _apart(word[-1], text[end])):
            return True
        start = text.find(word, start + 1)
    return False


@lru_cache(maxsize=4096)
def _word_pattern(word: str) -> Any:
    """The same question for RE2."""
    ends = "".join(f"\\x{{{low:x}}}-\\x{{{high:x}}}" for low, high in _UNSPACED)
    left = right = rf"[^\pL\pN\pM_]|[{ends}]"
    free_left, free_right = _free(word[0]), _free(word[-1])
    before = "" if free_left else rf"(?:^|{left})"
    after = "" if free_right else rf"(?:$|{right})"
    return re2.compile(f"(?s){before}{re2.escape(word)}{after}", options=pattern_options())


def _free(character: str) -> bool:
    """Does a word that begins or ends with this character end at any neighbour?"""
    return not _in_word(character) or _unspaced(character)


def _apart(left: str, right: str) -> bool:
    """Is there an end of a word between these two characters?"""
    return not (_in_word(left) and _in_word(right)) or _unspaced(left) or _unspaced(right)


def _in_word(character: str) -> bool:
    return character == "_" or unicodedata.category(character)[0] in "LNM"


_UNSPACED = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x2E80, 0x312F),  # CJK radicals, kana, bopomofo
    (0x31A0, 0xA4CF),  # CJK, Yi
    (0xF900, 0xFAFF),  # CJK compatibility
    (0x20000, 0x3FFFF),  # CJK extensions
)


def _unspaced(character: str) -> bool:
    code = ord(character)
    return code >= 0x0E00 and any(low <= code <= high for low, high in _UNSPACED)


def glob_pattern(glob: str) -> str:
    """A shell pattern (`*`, `?`, `[abc]`, `[!a-z]`) as an RE2 pattern for the whole folded text.

    Everything else stands for itself. A `[` that is never closed stands for itself too.
    """
    return "(?s)^" + "".join(pattern for pattern, _ in _glob_pieces(glob)) + "$"


def glob_literal(glob: str) -> str:
    """The longest run without spaces that must stand in every text that the glob matches."""
    runs = "".join(literal or " " for _, literal in _glob_pieces(glob)).split()
    return max(runs, key=len, default="")


def glob_sample(glob: str) -> str:
    """A text that the glob is likely to match: `*` as nothing, any one character as `a`."""
    pieces = _glob_pieces(glob)
    return "".join(literal or ("" if pattern == ".*" else "a") for pattern, literal in pieces)


def _glob_pieces(glob: str) -> Iterator[tuple[str, str]]:
    """(RE2 pattern, the one character that it stands for or "") for each element."""
    position = 0
    while position < len(glob):
        character = glob[position]
        position += 1
        if character == "*":
            yield ".*", ""
        elif character == "?":
            yield ".", ""
        elif character == "[" and (end := _closing(glob, position)) > 0:
            yield _character_class(glob[position:end]), ""
            position = end + 1
        else:
            yield re2.escape(character), character


def _closing(glob: str, start: int) -> int:
    """The place of the `]` that closes a class opened before `start`, or -1."""
    first = start + 1 if glob[start : start + 1] == "!" else start
    return glob.find("]", first + 1)


def _character_class(inside: str) -> str:
    negated = inside.startswith("!")
    escaped = "".join(c if c == "-" or c.isalnum() else re2.escape(c) for c in inside[negated:])
    return f"[{'^' if negated else ''}{escaped}]"


def pattern_options() -> Any:
    """RE2 as we use it: UTF-8, nothing printed, bounded memory."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = PATTERN_MEMORY
    return options


def compile_pattern(pattern: str) -> tuple[Any, str]:
    """(compiled, "") or (None, what is wrong) for one RE2 pattern; never raises."""
    if len(pattern) > MAX_PATTERN:
        return None, f"it has {len(pattern)} characters, at most {MAX_PATTERN} are allowed"
    try:
        return re2.compile(pattern, options=pattern_options()), ""
    except re2.error as error:
        said = error.args[0] if error.args else ""
        return None, _plainly(said.decode("utf-8", "replace") if isinstance(said, bytes) else said)


_SAID = {
    "missing )": "a `(` is never closed",
    "unexpected )": "a `)` closes nothing",
    "missing ]": "a `[` is never closed",
    "invalid perl operator": "it does not know `{}` (there is no look-ahead and no look-behind)",
    "invalid escape sequence": "it does not know `{}` (there are no back-references)",
    "invalid character class range": "the range `{}` runs backwards, or is none",
    "no argument for repetition operator": "nothing stands before `{}` that could be repeated",
    "bad repetition operator": "a repetition is repeated in `{}`",
    "invalid repetition size": "`{}` repeats more often than it allows, 1,000 times in all",
}


def _plainly(said: str) -> str:
    """What RE2 says of a pattern, for somebody who does not know RE2."""
    kind, _, where = said.partition(": ")
    return _SAID[kind].format(where) if kind in _SAID else said
