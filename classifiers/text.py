"""From a mail to weighted words: what the model sees. Not an HTML or MIME reader, and no model.

A mail becomes two tables: words with their (weighted) counts and pairs of neighbouring words.
The same function serves training and prediction, so both see the same thing.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Container, Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice, pairwise

MAX_WORDS = 2_000
"""Words read per mail; what a mail wants stands near its beginning."""
MAX_WORD_LENGTH = 40
"""Longer runs are cut into pieces: they are encodings and keys, not words."""
MAX_CHARACTERS = 20_000
"""Characters read per field, before anything else looks at them."""
QUOTED_WEIGHT = 0.25
"""What one word of quoted history counts, beside 1 for a word that was written now."""

NUMBER = "#"
URL_WORD = "#url"
ADDRESS_WORD = "#address"

_URL = re.compile(r"(?:https?://|www\.)[^\s<>\"]+")
_ADDRESS = re.compile(r"[^\s<>()\[\]:;,\"@]{1,64}@[^\s<>()\[\]:;,\"@]{1,255}")
_DIGITS = re.compile(r"[\d#]+")
# Letters stay (small), digits become the placeholder, the rest of ASCII separates words. As a table
# of bytes it does not touch what UTF-8 needs for other letters.
_ASCII = bytes(
    ord("#")
    if chr(byte).isdigit() or chr(byte) == "#"
    else ord(chr(byte).lower())
    if chr(byte).isalpha()
    else ord(" ")
    for byte in range(128)
) + bytes(range(128, 256))
_ABOVE_0800 = bytes(range(0xE0, 0x100))
"""First bytes in UTF-8 of what lies from U+0800 on, where scripts without spaces are."""
_WORD = re.compile(rf"[\w#]{{1,{MAX_WORD_LENGTH}}}")
# Scripts that write no spaces between words: Thai, Lao, Burmese, Khmer, kana and Han.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\U00020000-\U0003ffff"
)
_UNSPACED_RUN = re.compile(f"[{_UNSPACED}]+")

_ROLES = frozenset(
    """
    accounting accounts admin administrator alerts billing buchhaltung buero compliance compta
    comptabilite contact daemon datenschutz dpo edv events facturacion finance financeiro finanzen
    helpdesk hr info informatica it juridico juridique kontakt kundenservice kyc legal mailer
    marketing news newsletter noreply notification notifications office onboarding operations
    partners postmaster press privacy procurement promo purchasing recht reply sales security
    service spam support sysadmin team technik vendas ventas verkauf vertrieb
    """.split()  # noqa: SIM905  # a list of words reads better as words
)
_FREE_MAIL = frozenset(
    """
    gmail googlemail outlook hotmail live yahoo icloud gmx web proton protonmail aol mail orange
    free wanadoo laposte libero virgilio terra uol bol ziggo kpnmail
    """.split()  # noqa: SIM905
)


@dataclass(frozen=True, slots=True)
class MailText:
    """What the classifier may read of one mail. Every field is display text."""

    subject: str = ""
    visible: str = ""
    """The text without quoted history and signature."""
    quoted: str = ""
    """Quoted history; it counts `QUOTED_WEIGHT` per word."""
    attachments: tuple[str, ...] = ()
    """File names."""
    sender: str = ""
    """The From address, with or without a display name; only signals are taken from it."""


@dataclass(frozen=True, slots=True)
class Words:
    """One mail as the model sees it: how often each word and each pair of neighbours occurs."""

    single: dict[str, float]
    pairs: dict[tuple[str, str], float]


def split(text: str) -> list[str]:
    """The words of `text` in order: NFKC, case-folded, with placeholders, at most `MAX_WORDS`.

    A number is `#` (also inside a word: `soc2` gives `soc#`), a web address `#url`, a mail address
    `#address`: so no number and no address can enter a vocabulary. Scripts without spaces give
    pairs of characters.
    """
    if len(text) > MAX_CHARACTERS:
        text = text[:MAX_CHARACTERS]
    ascii_only = text.isascii()
    text = text.lower() if ascii_only else unicodedata.normalize("NFKC", text).casefold()
    if "@" in text or "://" in text or "www." in text:
        # Neither pattern reaches over white space; asking each word first spares their search.
        runs = text.split()
        text = " ".join([_placed(r) if "@" in r or "://" in r or "www." in r else r for r in runs])
    # A translation of bytes and a split are several times faster than a pattern over the text.
    raw = text.encode("utf-8", "surrogatepass").translate(_ASCII)
    while b"##" in raw:
        raw = raw.replace(b"##", b"#")
    found = raw.decode("utf-8", "surrogatepass").split()
    if not (ascii_only or "".join(found).replace(NUMBER, "").isalpha()) or (
        max(map(len, found), default=0) > MAX_WORD_LENGTH
    ):
        found = _cleaned(found)
    high = not ascii_only and len(raw.translate(None, _ABOVE_0800)) < len(raw)
    if high and _UNSPACED_RUN.search(text):
        return list(islice(_unspaced(found[:MAX_WORDS]), MAX_WORDS))
    return found[:MAX_WORDS]


def _placed(word: str) -> str:
    """`word` (a run without white space) with its addresses as placeholders."""
    if "@" in word:
        word = _ADDRESS.sub(f" {ADDRESS_WORD} ", word)
    if "://" in word or "www." in word:
        word = _URL.sub(f" {URL_WORD} ", word)
    return word


def _cleaned(found: Iterable[str]) -> list[str]:
    """Words of runs that may hold signs or digits outside ASCII, or too many letters."""
    words: list[str] = []
    for word in found:
        if word.isalpha() and len(word) <= MAX_WORD_LENGTH:
            words.append(word)
        else:
            words += _WORD.findall(_DIGITS.sub(NUMBER, word))
    return words


def _unspaced(words: Iterable[str]) -> Iterable[str]:
    """Cut runs of a script without spaces into overlapping pairs of characters."""
    for word in words:
        at = 0
        for run in _UNSPACED_RUN.finditer(word):
            if run.start() > at:
                yield word[at : run.start()]
            piece = run.group()
            if len(piece) == 1:
                yield piece
            for start in range(len(piece) - 1):
                yield piece[start : start + 2]
            at = run.end()
        if at < len(word):
            yield word[at:]


@lru_cache(maxsize=4_096)
def sender_signals(sender: str) -> tuple[str, ...]:
    """What the address says about its role, never the address itself.

    `#from billing` for a role in the local part (a fixed list of words), `#from public` for a
    provider of free mail boxes.
    """
    local, _, domain = sender.rpartition("<")[2].rstrip("> ").casefold().rpartition("@")
    if not local:
        return ()
    compact = re.sub(r"[^a-z]", "", local)
    pieces = set(re.findall(r"[a-z]+", local)) | {compact}
    signals = [f"#from {role}" for role in sorted(pieces & _ROLES)]
    if domain.partition(".")[0] in _FREE_MAIL:
        signals.append("#from public")
    return tuple(signals)


@lru_cache(maxsize=4_096)
def company_of(sender: str) -> str:
    """Whose mail it is: the domain of its address, at a provider of free mail boxes all of it."""
    address = sender.rpartition("<")[2].rstrip("> ").casefold().strip()
    domain = address.rpartition("@")[2].strip()
    return address if domain.partition(".")[0] in _FREE_MAIL else domain


def attachment_words(names: Iterable[str]) -> list[str]:
    """The words in file names, and `#file pdf` for each kind of file."""
    found: list[str] = []
    for name in list(names)[:50]:
        stem, dot, extension = name[-255:].rpartition(".")
        found += split(stem if dot else name)
        if dot and extension.isascii() and extension.isalpha() and len(extension) <= 5:
            found.append(f"#file {extension.casefold()}")
    return found


def words_of(mail: MailText, known: Container[tuple[str, str]] | None = None) -> Words:
    """All words and pairs of one mail with their weighted counts.

    `known`: only these pairs are wanted (a model asks for those that it has).
    """
    main = split(f"{mail.subject[:1000]}\n{mail.visible}" if mail.subject else mail.visible)
    single: dict[str, float] = Counter(main)  # type: ignore[assignment]  # int counts are floats
    found = list(_pairs(main, known))
    pairs: dict[tuple[str, str], float] = dict.fromkeys(found, 1)
    if len(pairs) != len(found):
        pairs = Counter(found)  # type: ignore[assignment]
    if mail.attachments or mail.sender:
        for word in (*attachment_words(mail.attachments), *sender_signals(mail.sender)):
            single[word] = single.get(word, 0) + 1
    if mail.quoted:
        quoted = split(mail.quoted)
        for word in quoted:
            single[word] = single.get(word, 0) + QUOTED_WEIGHT
        for pair in _pairs(quoted, known):
            pairs[pair] = pairs.get(pair, 0) + QUOTED_WEIGHT
    return Words(single, pairs)


def _pairs(words: list[str], known: Container[tuple[str, str]] | None) -> Iterable[tuple[str, str]]:
    found = pairwise(words)
    return found if known is None else filter(known.__contains__, found)


_SHOWN = {URL_WORD: "(web address)", ADDRESS_WORD: "(mail address)", NUMBER: "(number)"}


def readable(term: str) -> str:
    """A term as people should see it in evidence."""
    if "#" not in term:
        return term
    if term.startswith("#from "):
        return f"sender: {term[6:]}"
    if term.startswith("#file "):
        return f"attachment: .{term[6:]}"
    return _SHOWN.get(term, term)
