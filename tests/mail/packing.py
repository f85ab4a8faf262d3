"""Makes winmail.dat files (TNEF) with chosen contents, and compresses RTF without compressing."""

from __future__ import annotations

import struct
from collections.abc import Sequence


def attribute(level: int, name: int, kind: int, data: bytes) -> bytes:
    """One attribute with its checksum."""
    head = struct.pack("<BHHI", level, name, kind, len(data))
    return head + data + struct.pack("<H", sum(data) % 65536)


def properties(*values: tuple[int, int, bytes]) -> bytes:
    """A block of MAPI properties (id, type, value), variable ones with their lengths."""
    out = struct.pack("<I", len(values))
    for name, kind, value in values:
        out += struct.pack("<HH", kind, name)
        if kind in (0x1E, 0x1F, 0xD, 0x102):
            out += struct.pack("<II", 1, len(value)) + value + b"\0" * (-len(value) % 4)
        else:
            out += value
    return out


def utf16(text: str) -> bytes:
    """A text as PT_UNICODE holds it."""
    return f"{text}\0".encode("utf-16-le")


def winmail(
    files: Sequence[tuple[str, bytes]] = (), message: bytes = b"", inner: Sequence[bytes] = ()
) -> bytes:
    """A winmail.dat with these files, a block of message properties and embedded messages."""
    out = struct.pack("<IH", 0x223E9F78, 1)
    out += attribute(1, 0x9007, 6, struct.pack("<II", 1252, 0))
    if message:
        out += attribute(1, 0x9003, 6, message)
    for name, data in files:
        out += attribute(2, 0x9002, 6, b"\0" * 14)
        out += attribute(2, 0x8010, 1, name.encode("cp1252", "replace")[:12] + b"\0")
        out += attribute(2, 0x800F, 6, data)
        block = properties((0x3707, 0x1F, utf16(name)), (0x3705, 3, struct.pack("<I", 1)))
        out += attribute(2, 0x9005, 6, block)
    for one in inner:
        out += attribute(2, 0x9002, 6, b"\0" * 14)
        out += attribute(2, 0x9005, 6, properties((0x3701, 0xD, b"\0" * 16 + one)))
    return out


def packed_rtf(rtf: bytes) -> bytes:
    """RTF as PR_RTF_COMPRESSED holds it, every byte a literal."""
    body = bytearray()
    for start in range(0, len(rtf), 8):
        body += b"\0" + rtf[start : start + 8]
    return struct.pack("<IIII", len(body) + 12, len(rtf), 0x75465A4C, 0) + bytes(body)
