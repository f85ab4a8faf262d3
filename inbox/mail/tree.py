"""Finds the parts of a raw mail (RFC 2046) as positions in its bytes, in one bounded pass.

It copies no body and decodes nothing; it stops at attached messages (message/rfc822), which stay
one part. Its limits are those of `inbox.mail.limits`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from inbox.mail.limits import MAX_BLOCK, MAX_DEPTH, MAX_PARTS, LimitExceeded, check_header
from inbox.mail.words import parameters, unfolded

_FIELD_NAME = re.compile(rb"[!-9;-~\x80-\xff]+[ \t]*:")
_BLANK = re.compile(rb"[ \t\r\n]{1,4096}")
_ENVELOPE = re.compile(rb">?From ")
_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,127}/[a-z0-9!#$&^_.+-]{1,127}\Z")
_GUESS_WITHIN = 4096
_MAX_DELIMITER = 1000
"""Bytes of a line that may be a boundary; RFC 2046 allows 72."""


@dataclass(slots=True, eq=False)
class Part:
    """One MIME part: where it is, what it says about itself."""

    path: str
    """IMAP section number; empty for the whole mail where it is a multipart."""
    fields: list[tuple[str, bytes]]
    """(name in lower case, raw value) in order."""
    content_type: str = "text/plain"
    parameters: dict[str, str] = field(default_factory=dict)
    """Of Content-Type."""
    start: int = 0
    """First byte of the body."""
    end: int = 0
    """Behind the last byte of the body; the line break before a boundary is not body."""
    children: list[Part] = field(default_factory=list)

    def field(self, name: str) -> bytes | None:
        """The first raw value of a field, or None; `name` in lower case."""
        for key, value in self.fields:
            if key == name:
                return value
        return None

    @property
    def is_multipart(self) -> bool:
        """Does it have parts of its own?"""
        return bool(self.children)


@dataclass(frozen=True, slots=True)
class Tree:
    """A whole mail: its bytes (line ends as LF or CRLF), its parts, and what was wrong."""

    raw: bytes
    root: Part
    defects: tuple[str, ...]

    def leaves(self) -> list[Part]:
        """The parts without parts of their own, in order."""
        found: list[Part] = []
        waiting = [self.root]
        while waiting:
            part = waiting.pop()
            if part.children:
                waiting.extend(reversed(part.children))
            else:
                found.append(part)
        return found


def read_tree(raw: bytes) -> Tree:
    """The parts of `raw`. Linear; raises LimitExceeded, and nothing else.

    A mail whose lines end in a bare CR (old Macs) is read as if they were LF, same positions.
    """
    if b"\n" not in raw and b"\r" in raw:
        raw = raw.replace(b"\r", b"\n")
    return _Splitter(raw).run()


def _header_start(raw: bytes) -> int:
    """Behind the blank lines that some relays and exports put before a header."""
    blank = _BLANK.match(raw)
    if blank is None or not _FIELD_NAME.match(raw, blank.end(), blank.end() + _MAX_DELIMITER):
        return 0
    return blank.end()


class _Splitter:
    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._open: list[tuple[Part, bytes]] = []
        self._levels: dict[bytes, int] = {}
        self._defects: dict[str, None] = {}
        self._parts = 0

    def run(self) -> Tree:
        root = self._part("", _header_start(self._raw), "text/plain")
        self._scan(root.start)
        if self._open:
            self._defects["multipart-unclosed"] = None
            self._close_to(0, len(self._raw))
        if not root.children:
            root.path = "1"
        return Tree(self._raw, root, tuple(self._defects))

    def _scan(self, at: int) -> None:
        """Go from one line that starts with `--` to the next, while a multipart is open."""
        raw = self._raw
        while self._open:
            if not (raw.startswith(b"--", at) and (at == 0 or raw[at - 1] == 10)):
                found = raw.find(b"\n--", max(at - 1, 0))
                if found == -1:
                    return
                at = found + 1
            eol = raw.find(b"\n", at)
            eol = len(raw) if eol == -1 else eol
            level, closes = self._delimiter(raw, at, eol)
            if level < 0:
                at = eol
                if eol == len(raw):
                    return
                continue
            at = self._boundary_met(level, closes, at, min(eol + 1, len(raw)))

    def _boundary_met(self, level: int, closes: bool, line: int, following: int) -> int:
        """A boundary of the multipart at `level` was met at `line`; where to go on."""
        end = line - 1 if line else 0
        if end and self._raw[end - 1] == 13:
            end -= 1
        container = self._open[level][0]
        self._close_to(level + 1, end)
        if container.children and container.children[-1].end < 0:
            container.children[-1].end = max(end, container.children[-1].start)
        if closes:
            self._close_to(level, following)
            return following
        default = "message/rfc822" if container.content_type == "multipart/digest" else "text/plain"
        path = f"{container.path}.{len(container.children) + 1}".lstrip(".")
        child = self._part(path, following, default)
        container.children.append(child)
        return child.start

    def _close_to(self, level: int, end: int) -> None:
        """Close every multipart from the innermost down to `level`."""
        while len(self._open) > level:
            part = self._open.pop()[0]
            part.end = end
            if part.children and part.children[-1].end < 0:
                part.children[-1].end = max(end, part.children[-1].start)
        self._levels = {delimiter: i for i, (_, delimiter) in enumerate(self._open)}

    def _delimiter(self, raw: bytes, at: int, eol: int) -> tuple[int, bool]:
        """(level, closes) of the line from `at` to `eol`; level -1 where it is no boundary."""
        if eol - at > _MAX_DELIMITER:
            return -1, False
        line = raw[at:eol].rstrip(b" \t\r\n")
        if not line.startswith(b"--"):
            return -1, False
        # A boundary counts with anything behind a blank too (RFC 2046 section 5.1.1); a boundary
        # that merely begins like another one must not.
        for text in (line, line.split(None, 1)[0]):
            level = self._levels.get(text)
            if level is not None:
                return level, False
            if text.endswith(b"--") and text[:-2] in self._levels:
                return self._levels[text[:-2]], True
        return -1, False

    def _part(self, path: str, start: int, default: str) -> Part:
        """Read the header of the part that starts at `start`; open it where it is a multipart."""
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise LimitExceeded("too-many-parts", self._parts, MAX_PARTS, "MIME parts")
        fields, body = self._header(start)
        part = Part(path, fields, default, start=body, end=-1)
        value = part.field("content-type")
        if value is not None:
            self._read_type(part, unfolded(value), default)
        if part.content_type.startswith("multipart/"):
            self._open_multipart(part)
        if part.end < 0 and not self._open:
            part.end = len(self._raw)
        return part

    def _read_type(self, part: Part, value: str, default: str) -> None:
        spoken = value.partition(";")[0].strip().lower()
        part.parameters = parameters(value) if ";" in value else {}
        if not _TYPE.match(spoken):
            spoken = "text/html" if spoken == "html" else default
            self._defects["content-type-invalid"] = None
        part.content_type = spoken

    def _open_multipart(self, part: Part) -> None:
        boundary = part.parameters.get("boundary", "").rstrip().encode("utf-8", "replace")
        delimiter = b"--" + boundary
        if not boundary:
            self._defects["boundary-missing"] = None
            delimiter = self._guessed_delimiter(part.start)
            if not delimiter:
                return
        if len(self._open) >= MAX_DEPTH:
            raise LimitExceeded("too-deep", len(self._open) + 1, MAX_DEPTH, "multiparts in a row")
        self._open.append((part, delimiter))
        self._levels[delimiter] = len(self._open) - 1

    def _guessed_delimiter(self, start: int) -> bytes:
        """The first line of a body that starts with `--`, for want of a named boundary."""
        head = b"\n" + self._raw[start : start + _GUESS_WITHIN]
        at = head.find(b"\n--")
        line = head[at + 1 :].partition(b"\n")[0].rstrip() if at != -1 else b""
        return line if 2 < len(line) <= 72 and b" " not in line else b""

    def _header(self, start: int) -> tuple[list[tuple[str, bytes]], int]:
        """The fields from `start` on, and where the body starts."""
        raw, at = self._raw, start
        spans: list[tuple[int, int]] = []
        while at < len(raw):
            eol = raw.find(b"\n", at)
            following = len(raw) if eol == -1 else eol + 1
            first = raw[at]
            if at - start > MAX_BLOCK:
                raise LimitExceeded("header-too-large", at - start, MAX_BLOCK, "bytes of header")
            if first in b"\r\n" and not raw[at:following].strip(b"\r\n"):
                at = following
                break
            if first in b" \t" and spans:
                spans[-1] = (spans[-1][0], following)
            elif first == 45 and self._delimiter(raw, at, following)[0] >= 0:
                break  # a part whose header lacks its blank line
            elif _FIELD_NAME.match(raw, at, following):
                spans.append((at, following))
            elif not self._skippable(start, at, following):
                break
            at = following
        if spans:
            check_header(raw[spans[0][0] : spans[-1][1]])
        return [self._split(a, b) for a, b in spans], at

    def _skippable(self, start: int, at: int, following: int) -> bool:
        """May a line that is no field be left out, or does the body start here?"""
        raw = self._raw
        if at == start and _ENVELOPE.match(raw, at):
            return True
        self._defects["header-torn"] = None
        if self._delimiter(raw, at, following)[0] >= 0:
            return False
        return at > start and _FIELD_NAME.match(raw, following) is not None

    def _split(self, start: int, end: int) -> tuple[str, bytes]:
        name, _, value = self._raw[start:end].partition(b":")
        return name.rstrip().lower().decode("ascii", "replace"), value.strip(b" \t\r\n")
