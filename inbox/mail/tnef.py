"""Unpacks winmail.dat (TNEF, MS-OXTNEF): the files inside, and the text of a mail without any.

Own bounded reader: it trusts no length, follows embedded messages three deep, and gives what it
could read where the rest is broken. Nothing is executed, opened or written.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from inbox.mail.charset import decode_text
from inbox.mail.rtf import decompressed, rtf_to_text

TYPES = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
BROKEN = "tnef-broken"
"""Defect: a winmail.dat that could not be read to its end."""
_SIGNATURE = struct.pack("<I", 0x223E9F78)
MOST_ATTRIBUTES, MOST_PROPERTIES, MOST_FILES, MOST_DEPTH = 5_000, 5_000, 500, 3
MOST_BODY = 4 * 1024 * 1024

_MESSAGE, _FILE = 1, 2
_BODY, _CODEPAGE, _MESSAGE_PROPS = 0x800C, 0x9007, 0x9003
_FILE_BEGINS, _FILE_DATA, _FILE_TITLE, _FILE_PROPS = 0x9002, 0x800F, 0x8010, 0x9005
_P_BODY, _P_HTML, _P_RTF = 0x1000, 0x1013, 0x1009
_P_DATA, _P_SHORT, _P_LONG, _P_TYPE, _P_ID = 0x3701, 0x3704, 0x3707, 0x370E, 0x3712
_P_DISPLAY = 0x3001
_FIXED = {2: 4, 3: 4, 4: 4, 5: 8, 6: 8, 7: 8, 0xA: 4, 0xB: 4, 0x14: 8, 0x40: 8, 0x48: 16}
_STRING8, _UNICODE, _OBJECT, _BINARY = 0x1E, 0x1F, 0xD, 0x102
_MULTI = 0x1000


class _Torn(Exception):
    """The data ends, or says something impossible, where a value should be."""


@dataclass(slots=True)
class Packed:
    """One file inside."""

    name: str = ""
    content_type: str = ""
    content_id: str | None = None
    data: bytes = b""


@dataclass(slots=True)
class Unpacked:
    """What a winmail.dat holds."""

    files: list[Packed] = field(default_factory=list)
    text: str = ""
    """Plain text, or text made of RTF; empty where there is none."""
    html: str = ""
    whole: bool = True
    """Could all of it be read?"""


def is_tnef(data: bytes) -> bool:
    """Does it begin as TNEF does?"""
    return data[:4] == _SIGNATURE


def unpack(data: bytes, depth: int = MOST_DEPTH, texts: bool = True) -> Unpacked:
    """Read a winmail.dat. Never raises; `whole` says whether anything is missing.

    Without `texts` the files alone are read: four megabytes of RTF take more than a second.
    """
    found = Unpacked()
    if not is_tnef(data):
        found.whole = False
        return found
    reader = _Reader(found, depth)
    try:
        for level, name, value in _attributes(data):
            reader.take(level, name, value)
    except _Torn:
        found.whole = False
    reader.end(texts)
    return found


def _attributes(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    at = 6
    for _ in range(MOST_ATTRIBUTES):
        if len(data) - at < 9:
            return
        level, name, length = struct.unpack_from("<BII", data, at)
        at += 9
        if level not in (_MESSAGE, _FILE) or length > len(data) - at:
            raise _Torn
        value = data[at : at + length]
        at += length + 2  # a checksum follows, which says nothing that the mail does not
        yield level, name & 0xFFFF, value
    raise _Torn


class _Reader:
    """Puts attributes together, in the order in which they come."""

    def __init__(self, found: Unpacked, depth: int) -> None:
        self._found = found
        self._depth = depth
        self._codepage: str | None = None
        self._open: Packed | None = None
        self._plain = self._rtf = b""

    def take(self, level: int, name: int, value: bytes) -> None:
        """One attribute. Raises `_Torn`."""
        if level == _MESSAGE:
            if name == _CODEPAGE and len(value) >= 4:
                self._codepage = f"cp{struct.unpack_from('<I', value)[0]}"
            elif name == _BODY:
                self._plain = value.rstrip(b"\0")
            elif name == _MESSAGE_PROPS:
                self._message(value)
        elif name == _FILE_BEGINS:
            self._close()
            self._open = Packed()
        elif self._open is not None:
            if name == _FILE_DATA:
                self._open.data = value
            elif name == _FILE_TITLE:
                self._open.name = self._open.name or self._text(value)
            elif name == _FILE_PROPS:
                self._file(value)

    def end(self, texts: bool) -> None:
        """Nothing follows."""
        self._close()
        if not texts:
            return
        if self._plain and not self._found.text:
            self._found.text = self._text(self._plain[:MOST_BODY])
        if self._rtf and not self._found.text:
            self._found.text = rtf_to_text(decompressed(self._rtf, MOST_BODY))

    def _message(self, block: bytes) -> None:
        for name, kind, value in _properties(block):
            if name == _P_BODY:
                self._found.text = self._string(kind, value)
            elif name == _P_HTML:
                self._found.html = decode_text(value[:MOST_BODY].rstrip(b"\0"), None).text
            elif name == _P_RTF:
                self._rtf = value

    def _file(self, block: bytes) -> None:
        there = self._open
        assert there is not None
        names: dict[int, str] = {}
        for name, kind, value in _properties(block):
            if name == _P_DATA:
                data = value[16:] if kind == _OBJECT else value  # an interface's identifier
                if kind == _OBJECT and is_tnef(data):
                    self._embedded(data)
                elif not there.data:
                    there.data = data
            elif name in (_P_LONG, _P_SHORT, _P_DISPLAY):
                names[name] = self._string(kind, value)
            elif name == _P_TYPE:
                there.content_type = self._string(kind, value).lower()
            elif name == _P_ID:
                there.content_id = self._string(kind, value).strip("<> ") or None
        best = names.get(_P_LONG) or names.get(_P_SHORT) or there.name or names.get(_P_DISPLAY)
        there.name = best or ""

    def _embedded(self, data: bytes) -> None:
        """A message in the message: its files are files of this one."""
        if self._depth <= 1:
            self._found.whole = False
            return
        inner = unpack(data, self._depth - 1, texts=False)
        self._found.whole = self._found.whole and inner.whole
        room = MOST_FILES - len(self._found.files)
        self._found.files.extend(inner.files[:room])

    def _close(self) -> None:
        done, self._open = self._open, None
        if done is None or not done.data:
            return
        if len(self._found.files) >= MOST_FILES:
            self._found.whole = False
            return
        self._found.files.append(done)

    def _string(self, kind: int, value: bytes) -> str:
        if kind == _UNICODE:
            return value[:MOST_BODY].decode("utf-16-le", "replace").rstrip("\0")
        return self._text(value[:MOST_BODY])

    def _text(self, value: bytes) -> str:
        return decode_text(value.rstrip(b"\0"), self._codepage).text


def _properties(block: bytes) -> Iterator[tuple[int, int, bytes]]:
    """(id, type, first value) of each MAPI property. Raises `_Torn`."""
    at = 4
    (count,) = _numbers(block, 0, "<I")
    if count > MOST_PROPERTIES:
        raise _Torn
    for _ in range(count):
        kind, name = _numbers(block, at, "<HH")
        at += 4
        if name >= 0x8000:
            at = _named(block, at)
        plain = kind & ~_MULTI
        if plain in _FIXED:
            values = 1
            if kind & _MULTI:
                (values,) = _numbers(block, at, "<I")
                at += 4
            size = values * _FIXED[plain]
            _fits(block, at, size)
            yield name, plain, block[at : at + _FIXED[plain]]
            at += size
            continue
        if plain not in (_STRING8, _UNICODE, _OBJECT, _BINARY):
            raise _Torn
        (values,) = _numbers(block, at, "<I")
        at += 4
        for position in range(min(values, MOST_PROPERTIES)):
            (size,) = _numbers(block, at, "<I")
            at += 4
            _fits(block, at, size)
            if position == 0:
                yield name, plain, block[at : at + size]
            at += size + -size % 4


def _named(block: bytes, at: int) -> int:
    """Past the name that a property of a program of its own bears."""
    (kind,) = _numbers(block, at + 16, "<I")
    at += 20
    (size,) = _numbers(block, at, "<I")
    at += 4
    if kind == 0:
        return at
    _fits(block, at, size)
    return at + size + -size % 4


def _numbers(block: bytes, at: int, shape: str) -> tuple[int, ...]:
    _fits(block, at, struct.calcsize(shape))
    return struct.unpack_from(shape, block, at)


def _fits(block: bytes, at: int, size: int) -> None:
    if size > len(block) - at:
        raise _Torn
