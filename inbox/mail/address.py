"""Reads address fields (RFC 5322 section 3.4, RFC 6854 groups) in one bounded pass.

The address is what lies in the angle brackets or stands alone, never something that an encoded
word or a comment only looks like. There is one strict reading: where another reader could find
another domain (an `@` outside of quotes and brackets, two brackets, words behind an address), it
gives none. It checks no mailbox and asks no DNS.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from inbox.mail.clean import clean_line
from inbox.mail.domain import PLAIN_DOMAIN, normal_domain
from inbox.mail.letter import Address
from inbox.mail.words import decode_words

AMBIGUOUS = "address-ambiguous"
"""Two readers could take another address from it: nothing may be concluded from its domain."""
INVALID = "address-invalid"
"""Not an addr-spec; shown, but not usable for sending."""
UNCLOSED = "address-unclosed"
"""A quote, comment or angle bracket that is opened and never closed."""

_SIMPLE = re.compile(
    r"[ \t]*(?:([^\"(),:;<>@\[\]\\=\x00-\x1f\x7f]*)<)?"
    r"([A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64})@([A-Za-z0-9.-]{1,255})(>?)[ \t]*\Z"
)
_STOP = re.compile(r"[\"(<,;:\[\\]")
_QUOTE_END = re.compile(r'["\\]')
_COMMENT_MARK = re.compile(r"[()\\]")
_DOT_ATOM = re.compile(r"[^\s\"(),:;<>@\[\]\\\x00-\x20\x7f]+\Z")
_SPACES = re.compile(r"\s+")
_ENCODED = re.compile(r"(?<!\S)=\?[^?\s]{1,60}\?[bBqQ]\?[^?\s]*\?=(?!\S)")
_AT_FIRST = re.compile(r"(?:\A|\s)@")
_NOT_A_PHRASE = re.compile(r"[@()<>\[\]:;,\\]|=\?")
_GROUP_WORDS = 20
_MAX_LOCAL = 256


@dataclass(frozen=True, slots=True)
class AddressList:
    """The addresses of one or more fields, in order, and what was wrong with them."""

    addresses: tuple[Address, ...]
    defects: tuple[str, ...] = ()
    grouped: bool = False
    """Does a group (`name: ...;`) stand in it?"""

    def __iter__(self) -> Iterator[Address]:
        """The addresses in order."""
        return iter(self.addresses)


@dataclass(slots=True)
class _Element:
    """What has been collected since the last separator."""

    words: list[str] = field(default_factory=list)
    """Phrase text in order; quoted strings unquoted."""
    spec: list[str] = field(default_factory=list)
    """The same text as it would stand in an addr-spec: quotes kept, comments left out."""
    comments: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    """What stands in no quotes, brackets or comments."""
    escaped: bool = False
    """Does a backslash stand there? It has no meaning there, and readers differ about it."""
    angle: str | None = None
    head: int = 0
    """How many of the words stand before it."""
    literal: bool = False

    @property
    def empty(self) -> bool:
        return self.angle is None and not self.comments and not "".join(self.words).strip()


def parse_addresses(value: str) -> AddressList:
    """The addresses in one field value, unfolded but with its encoded words still encoded.

    Linear in the length of `value`; never raises. A group gives its members; a group without
    members gives one entry with the group's name and an empty address.
    """
    simple = _SIMPLE.match(value)
    if simple is not None and (simple[1] is None) == (not simple[4]):
        domain = simple[3].lower()
        if PLAIN_DOMAIN.match(domain) and ".." not in simple[2]:
            name = _SPACES.sub(" ", simple[1] or "").strip()
            return AddressList((Address(name, f"{simple[2]}@{domain}"),))
    return _Scanner(value).run()


class _Scanner:
    """One pass over a field value; every character is looked at a bounded number of times."""

    def __init__(self, value: str) -> None:
        self._value = value
        self._at = 0
        self._element = _Element()
        self._addresses: list[Address] = []
        self._defects: dict[str, None] = {}
        self._group: str | None = None
        self._group_size = 0
        self._grouped = False
        # Once one is found unclosed, all later ones are: looking again would make it quadratic.
        self._no_quote = self._no_comment = self._no_angle = False

    def run(self) -> AddressList:
        value = self._value
        while self._at < len(value):
            stop = _STOP.search(value, self._at)
            end = stop.start() if stop else len(value)
            self._plain(value[self._at : end])
            self._at = end + 1
            if stop is not None:
                self._special(stop[0])
        self._finish()
        self._end_group()
        return AddressList(tuple(self._addresses), tuple(self._defects), self._grouped)

    def _plain(self, text: str) -> None:
        if text:
            self._element.words.append(text)
            self._element.spec.append(text)
            self._element.outside.append(text)

    def _special(self, mark: str) -> None:
        if mark == '"':
            self._quoted()
        elif mark == "(":
            self._comment()
        elif mark == "<":
            self._angle()
        elif mark == ",":
            self._finish()
        elif mark == ";":
            self._finish()
            self._end_group(closed=True)
        elif mark == ":":
            self._colon()
        elif mark == "[":
            self._bracket()
        else:
            self._plain(self._value[self._at : self._at + 1])
            self._element.escaped = True
            self._at += 1

    def _quoted(self) -> None:
        read = None if self._no_quote else _quoted_end(self._value, self._at)
        if read is None:
            self._no_quote = True
            self._defects[UNCLOSED] = None
            self._plain(" ")
            return
        text, end = read
        self._element.words.append(text)
        self._element.spec.append(self._value[self._at - 1 : end])
        self._at = end

    def _comment(self) -> None:
        end = None if self._no_comment else _comment_end(self._value, self._at)
        if end is None:
            self._no_comment = True
            self._defects[UNCLOSED] = None
            self._plain(" ")
            return
        self._element.comments.append(self._value[self._at : end - 1])
        # A comment separates words, and inside an addr-spec it makes readers disagree.
        self._element.words.append(" ")
        self._element.spec.append("\0")
        self._at = end

    def _angle(self) -> None:
        if self._element.angle is not None:
            # Two brackets in one element: the separator was forgotten, or is not to be seen.
            self._defects[AMBIGUOUS] = None
            self._finish()
        self._element.head = len(self._element.words)
        end = -1 if self._no_angle else self._angle_end()
        if end == -1:
            self._no_angle = True
            self._defects[UNCLOSED] = None
            end = len(self._value)
            for mark in ",;":
                place = self._value.find(mark, self._at, end)
                end = place if place != -1 else end
            self._element.angle = self._value[self._at : end]
            self._at = end
            return
        self._element.angle = self._value[self._at : end]
        self._at = end + 1

    def _angle_end(self) -> int:
        """Where the bracket closes; a quoted local part may hold a `>`."""
        value, at = self._value, self._at
        if value.startswith('"', at) and not self._no_quote:
            read = _quoted_end(value, at + 1)
            if read is not None:
                return value.find(">", read[1])
        return value.find(">", at)

    def _colon(self) -> None:
        words = self._element.words
        # A group's name is a short phrase; joining long ones at every colon would be quadratic.
        text = "".join(words).strip() if len(words) <= _GROUP_WORDS else "@"
        if text.lower() == "mailto":
            self._element = _Element()
        elif self._group is None and self._element.angle is None and "@" not in _spoken(text):
            self._group, self._group_size = _spoken(text), 0
            self._element = _Element()
        else:
            self._plain(":")

    def _bracket(self) -> None:
        end = self._value.find("]", self._at, self._at + 70)
        if end != -1 and "".join(self._element.spec[-1:]).rstrip().endswith("@"):
            self._element.literal = True
            self._plain(self._value[self._at - 1 : end + 1])
            self._at = end + 1
        else:
            self._plain("[")

    def _finish(self) -> None:
        element, self._element = self._element, _Element()
        if element.empty:
            return
        self._group_size += 1
        address, defect = _element_address(element)
        if defect:
            self._defects[defect] = None
        self._addresses.append(address)

    def _end_group(self, closed: bool = False) -> None:
        if self._group is not None and not self._group_size:
            self._addresses.append(Address(self._group, ""))
        self._grouped = self._grouped or (closed and self._group is not None)
        self._group = None


def _quoted_end(value: str, start: int) -> tuple[str, int] | None:
    """The text of the quoted string whose content starts at `start`, and where it ends."""
    out: list[str] = []
    at = start
    while True:
        mark = _QUOTE_END.search(value, at)
        if mark is None:
            return None
        out.append(value[at : mark.start()])
        if mark[0] == '"':
            return "".join(out), mark.end()
        out.append(value[mark.end() : mark.end() + 1])
        at = mark.end() + 1


def _comment_end(value: str, start: int) -> int | None:
    """Behind the `)` that closes the comment that starts at `start`; None where none does."""
    depth, at = 1, start
    while depth:
        mark = _COMMENT_MARK.search(value, at)
        if mark is None:
            return None
        at = mark.end()
        if mark[0] == "(":
            depth += 1
        elif mark[0] == ")":
            depth -= 1
        else:
            at += 1
    return at


def _spoken(text: str) -> str:
    """Display text of a phrase or comment."""
    text = decode_words(text) if "=?" in text else text
    return _SPACES.sub(" ", clean_line(text)).strip()


def _element_address(element: _Element) -> tuple[Address, str]:
    name = _spoken("".join(element.words)).rstrip("> ")
    if element.angle is not None:
        address, defect = _addr_spec(element.angle)
        if _could_be_another(element, address):
            defect = AMBIGUOUS
        if not name and element.comments:
            name = _spoken(element.comments[-1])
        return _shown(name, address, defect, element.angle)
    spec = "".join(element.spec).strip().strip("\0").strip()
    comment = _spoken(element.comments[-1]) if element.comments else ""
    if "@" in spec:
        return _bare(element, spec, comment)
    if spec and not _SPACES.search(spec) and "\0" not in spec and "=?" not in spec:
        # A local name without a domain, as local mail systems write it.
        return Address(_spoken(spec.strip('"')), ""), INVALID
    return Address(name or comment, ""), INVALID


def _could_be_another(element: _Element, address: str) -> bool:
    """Is there an `@` beside the brackets that some readers take for the address?

    A name may hold one in quotes or as an encoded word, in front and with plain words only, and it
    may be the very address once more.
    """
    if "@" not in _spoken("".join(element.words)):
        return False
    if element.escaped or "@" in _spoken("".join(element.words[element.head :])):
        return True
    said = "".join(element.outside).strip()
    if said.lower() == address.lower() and len(element.words) == len(element.outside):
        return False
    return _NOT_A_PHRASE.search(_ENCODED.sub(" ", said)) is not None


def _bare(element: _Element, spec: str, comment: str) -> tuple[Address, str]:
    """An address without brackets, perhaps with words beside it that should be a name."""
    several = _SPACES.search(spec) is not None
    if element.escaped or _AT_FIRST.search(spec) or (several and "=?" in spec):
        return _shown(comment, "", AMBIGUOUS, spec)
    address, defect = _addr_spec(spec)
    if not defect or "\0" in spec:
        return _shown(comment, address, defect, spec)
    words = _SPACES.split(spec)
    with_at = [word for word in words if "@" in word]
    if len(words) > 1 and len(with_at) == 1:
        address, inner = _addr_spec(with_at[0])
        if words[-1] != with_at[0]:
            inner = AMBIGUOUS  # some take what follows for the rest of the domain
        rest = _spoken(" ".join(word for word in words if "@" not in word))
        return _shown(rest.strip('"') or comment, address, inner or INVALID, spec)
    return _shown(comment, address, defect, spec)


def _shown(name: str, address: str, defect: str, raw: str) -> tuple[Address, str]:
    """The entry; what could not be read as an address stays readable as its name."""
    if defect == AMBIGUOUS or not address:
        shown = _spoken(raw.replace("\0", " "))
        shown = f"<{shown}>" if name or "@" in shown else shown
        return Address(f"{name} {shown}".strip() if shown != "<>" else name, ""), defect or INVALID
    return Address(name, address), defect


def _addr_spec(raw: str) -> tuple[str, str]:
    """(normal form, defect) of one addr-spec; the normal form is empty where it is no address."""
    text, torn = _without_comments(raw)
    if torn:
        return "", AMBIGUOUS
    if text.startswith("@") and ":" in text:
        text = text.rpartition(":")[2].strip()  # a source route (RFC 5322 section 4.4)
    text = text[7:] if text[:7].lower() == "mailto:" else text
    local, domain, defect = _split_spec(text)
    if defect:
        return "", defect
    if not domain:
        return "", INVALID
    normal = normal_domain(domain)
    if not local or len(local) > _MAX_LOCAL or normal is None:
        return "", INVALID
    odd = local.startswith(".") or local.endswith(".") or ".." in local
    return f"{local}@{normal}", INVALID if odd and not local.startswith('"') else ""


def _without_comments(raw: str) -> tuple[str, bool]:
    """The spec without comments at its ends; True where one stands in the middle."""
    text = raw.strip().strip("\0").lstrip("<").strip()
    while text.startswith("("):
        end = _comment_end(text, 1)
        if end is None:
            return text, True
        text = text[end:].lstrip()
    opened = text.find("(") if not text.startswith('"') else text.find("(", text.rfind('"'))
    if opened == -1:
        return text, "\0" in text
    end = _comment_end(text, opened + 1)
    if end is None or text[end:].strip():
        return text, True
    return text[:opened].rstrip(), False


def _split_spec(text: str) -> tuple[str, str, str]:
    """(local part, domain, defect); quotes that a local part does not need are taken off."""
    if text.startswith('"'):
        read = _quoted_end(text, 1)
        if read is None:
            return "", "", INVALID
        inner, end = read
        rest = text[end:].strip()
        if not rest.startswith("@"):
            return "", "", INVALID
        local = inner if _DOT_ATOM.match(inner) else text[:end]
        return clean_line(local), rest[1:], AMBIGUOUS if "@" in rest[1:] else ""
    local, _, domain = text.partition("@")
    if "@" in domain:
        return "", "", AMBIGUOUS
    local = local.strip()
    if domain and not _DOT_ATOM.match(local):
        return "", "", INVALID
    return local, domain, ""
