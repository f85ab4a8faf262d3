"""The content of DATA: cut out of the stream, dot-stuffing undone. Knows no SMTP commands.

Only CR LF . CR LF ends a mail. Reading waits for just these five bytes, so bare CR, bare LF and
NUL are content like any other byte (no SMTP smuggling), there is no limit on the length of a
line, and the cost depends on the bytes and not on the lines.
"""

from __future__ import annotations

import asyncio
import io
from typing import Protocol

END = b"\r\n.\r\n"


def begin_content(stream: asyncio.StreamReader) -> bool:
    """Put the line end of the DATA command back, so that an empty mail ends as any other.

    Call it before answering 354. False when bytes came before that answer, which no honest peer
    sends: they could be read as content by one server and as commands by the next.
    """
    if stream._buffer:  # type: ignore[attr-defined]
        return False
    stream.feed_data(b"\r\n")
    return True


def forget(stream: asyncio.StreamReader) -> None:
    """Drop what came and was not read."""
    stream._buffer.clear()  # type: ignore[attr-defined]


async def skip(stream: asyncio.StreamReader, size: int) -> None:
    """Read so many bytes and drop them."""
    while size > 0:
        size -= len(await stream.read(min(size, 65536)))


class Reserve(Protocol):
    """Asks for memory for so many more bytes; False when there is none."""

    def __call__(self, size: int, /) -> bool: ...


class TooMuch(Exception):
    """The mail is larger than one may be."""


class NoRoom(Exception):
    """All mails under way together are larger than they may be."""


async def read_content(stream: asyncio.StreamReader, most_bytes: int, reserve: Reserve) -> bytes:
    """One mail, up to and without its final dot; `begin_content` was called.

    Content that is too large is read to its end all the same (RFC 5321 section 4.2.5: the
    answer comes after the dot) but not kept. Raises `TooMuch` or `NoRoom` then.
    """
    content = Content(most_bytes, reserve)
    while True:
        try:
            chunk = await stream.readuntil(END)
        except asyncio.LimitOverrunError as error:
            content.add(await stream.read(error.consumed))
            continue
        if content.is_empty:
            return content.whole(chunk)
        content.add(chunk)
        return content.finish()


class Content:
    """A mail that arrives in pieces; holds no more than `most_bytes`.

    The first two bytes are the line end of the DATA command, and no part of the mail.
    """

    def __init__(self, most_bytes: int, reserve: Reserve) -> None:
        self._most = most_bytes
        self._reserve = reserve
        # BytesIO gives its bytes away without a copy: a mail of 40 MB costs 40 MB.
        self._kept = io.BytesIO()
        self._held = b""
        self._skip = 2
        self._size = 0
        self._refusal: type[TooMuch | NoRoom] | None = None

    @property
    def is_empty(self) -> bool:
        """Did nothing come so far?"""
        return self._size == 0

    def whole(self, chunk: bytes) -> bytes:
        """The usual case: the mail with the line end before it and its end, in one piece."""
        self._count(len(chunk))
        if self._refusal is not None:
            raise self._refusal
        return _unstuffed(chunk[: -len(END) + 2])[2:]

    def add(self, piece: bytes) -> None:
        """Take the next bytes of the stream."""
        self._count(len(piece))
        if self._refusal is not None:
            return
        piece = self._held + piece
        # The end of a piece may be the middle of CR LF dot: it waits for the next one.
        keep = 2 if piece.endswith(b"\r\n") else 1 if piece.endswith(b"\r") else 0
        self._held = piece[len(piece) - keep :]
        piece = _unstuffed(piece[: len(piece) - keep])
        self._kept.write(piece[self._skip :])
        self._skip = max(0, self._skip - len(piece))

    def finish(self) -> bytes:
        """The whole mail; the last piece ended with the end."""
        if self._refusal is not None:
            self._kept.close()
            raise self._refusal
        # What was written last is the line end before the dot; the dot itself went as stuffing,
        # and the line end after it is still held.
        assert self._held == b"\r\n"
        return self._kept.getvalue()

    def _count(self, more: int) -> None:
        self._size += more
        if self._refusal is None and self._size - len(END) > self._most:
            self._refusal = TooMuch
        elif self._refusal is None and not self._reserve(more):
            self._refusal = NoRoom
        if self._refusal is not None:
            self._kept = io.BytesIO()
            self._held = b""


def _unstuffed(text: bytes) -> bytes:
    """RFC 5321 section 4.5.2: a dot that begins a line is taken away."""
    return text.replace(b"\r\n.", b"\r\n") if b"\r\n." in text else text
