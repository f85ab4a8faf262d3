"""The body of a mail as DKIM hashes it (RFC 6376 section 3.4): linear, in little memory.

No crypto and no header fields in here. dkimpy's own canonicalisation takes time that grows with
the square of a run of spaces and holds every line as an object, so a mail of a stranger could end
its worker; this one reads pieces and keeps none.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

PIECE = 1024 * 1024
"""Bytes that are looked at together."""

_BLANK = b" \t\r\n"


@dataclass(frozen=True, slots=True)
class BodyHash:
    """SHA-256 of the canonical body (of its first `limit` bytes), and how long all of it is."""

    digest: bytes
    length: int


def body_hash(raw: bytes, start: int, relaxed: bool, limit: int | None = None) -> BodyHash:
    """Hash the body that begins at `raw[start]`. Bare LF counts as CRLF, as mail files hold it.

    `limit` is the `l=` of a signature: so many canonical bytes are hashed, all are counted.
    """
    hasher, length, carry = hashlib.sha256(), 0, b""
    for at in range(start, len(raw), PIECE):
        # What may belong to a longer blank run, or be the end of the mail, waits for the rest.
        data = carry + raw[at : at + PIECE]
        text = data.rstrip(_BLANK)
        carry = data[len(text) :]
        length = _feed(hasher, _canonical(text, relaxed), length, limit)
    tail = _canonical(carry, relaxed).removesuffix(b" ") if relaxed else _canonical(carry, relaxed)
    # In `tail` every LF follows a CR: fold the pairs, drop those at the end, unfold the others.
    tail = tail.replace(b"\r\n", b"\n").rstrip(b"\n").replace(b"\n", b"\r\n")
    if length or tail or not relaxed:
        length = _feed(hasher, tail + b"\r\n", length, limit)
    return BodyHash(hasher.digest(), length)


def _canonical(text: bytes, relaxed: bool) -> bytes:
    text = text.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    if not relaxed:
        return text
    text = text.replace(b"\t", b" ")
    while b"  " in text:
        text = text.replace(b"  ", b" ")
    return text.replace(b" \r\n", b"\r\n")


def _feed(hasher: hashlib._Hash, text: bytes, length: int, limit: int | None) -> int:
    hasher.update(text if limit is None else text[: max(0, limit - length)])
    return length + len(text)
