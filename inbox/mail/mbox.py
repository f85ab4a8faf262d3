"""Finds raw mails in files: .eml, folders, Maildir, mbox, mboxrd and mboxcl2, one at a time.

It streams: at most one mail is held in memory. It parses no mail and changes no file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from inbox.errors import AboardError

_SNIFF = 64 * 1024
_ONE_MAIL = frozenset({".eml", ".rfc822"})
_SNIFF_MAIL = 4096
_OLE = b"\xd0\xcf\x11\xe0"
"""How Outlook's own .msg files start; they are no raw mail."""
_FIELD = re.compile(rb"[!-9;-~]{1,76}[ \t]*:")
_MAIL_FIELD = re.compile(
    rb"(?:\A|[\r\n])(?:From|To|Subject|Date|Message-ID|Received|Return-Path|Delivered-To|Sender|"
    rb"MIME-Version|Content-Type|X-[A-Za-z-]{1,40})[ \t]*:",
    re.IGNORECASE,
)
_HEADER_END = re.compile(rb"\r?\n\r?\n|\r\r")
_SEPARATOR = re.compile(rb"From .*\d{1,2}:\d{2}.*\d{4}")
"""Every writer of mbox puts a time and a year behind the sender (RFC 4155)."""
_SEPARATOR_WITHIN = 400
_QUOTED = re.compile(rb">+From ")
_LENGTH = re.compile(rb"content-length:[ \t]*(\d{1,12})\s*\Z", re.IGNORECASE)


Passed = Callable[[AboardError], None]
"""Told of a file or folder that cannot be read, which then is passed over; or it raises."""


def refuse(error: AboardError) -> None:
    """What cannot be read ends the reading: mail is never left out in silence."""
    raise error


def messages_at(path: Path, passed: Passed = refuse) -> Iterator[tuple[Path, int, bytes]]:
    """Every raw mail at `path`: (its file, 0-based position there, its bytes), in a fixed order.

    A mail out of an mbox loses its `From ` line, one `>` of each quoted `>From ` line and the empty
    line behind it, nothing else. A file or folder that cannot be read goes to `passed`.
    """
    for file in mail_files(path, passed):
        try:
            yield from _mails_of(file)
        except AboardError as error:
            passed(error)


def _mails_of(file: Path) -> Iterator[tuple[Path, int, bytes]]:
    with _told(file):
        if _is_mbox(file):
            yield from ((file, index, raw) for index, raw in enumerate(_mbox(file)))
        else:
            yield file, 0, file.read_bytes()


def total_bytes(paths: Iterable[Path]) -> int:
    """Bytes of all files that `messages_at` can read: the whole of a progress bar."""
    total = 0
    for path in paths:
        for file in mail_files(path, lambda error: None):
            with suppress(OSError):
                total += file.stat().st_size
    return total


def name_of(path: Path) -> str:
    """A path as text that can be stored and sent: bytes of a name that are no UTF-8 as `\\xe9`."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> AboardError:
    return AboardError(f"{name_of(path)}: cannot be read: {error.strerror or error}")


def mail_files(path: Path, passed: Passed = refuse) -> Iterator[Path]:
    """The files with mail at `path`: itself, or what a folder or Maildir holds, sorted by name.

    In a folder, hidden files and files that hold no mail are left out (those that start neither
    with header fields of a mail nor with a `From ` line), and the `tmp` of a Maildir. A file that
    is named itself is always read. One that cannot be looked into goes to `passed`.
    """
    if not path.is_dir():
        yield path
        return
    for folder, names, files in os.walk(
        path, onerror=lambda error: passed(_unreadable(Path(error.filename), error))
    ):
        here = Path(folder)
        if {"cur", "new"} & set(names):
            names[:] = [name for name in names if name != "tmp"]
        # Maildir++ keeps its sub-folders in folders whose names start with a dot.
        names[:] = sorted(
            name for name in names if not name.startswith(".") or _maildir(here / name)
        )
        for name in sorted(files):
            file = here / name
            if name.startswith(".") or not file.is_file():
                continue
            try:
                wanted = _holds_mail(file, here)
            except AboardError as error:
                passed(error)
                continue
            if wanted:
                yield file


def _maildir(folder: Path) -> bool:
    return (folder / "cur").is_dir() or (folder / "new").is_dir()


def _holds_mail(file: Path, folder: Path) -> bool:
    if folder.name in ("cur", "new") and _maildir(folder.parent):
        return True
    if file.suffix.lower() in _ONE_MAIL:
        return True
    with _told(file), file.open("rb") as stream:
        head = stream.read(_SNIFF_MAIL).lstrip(b"\r\n")
    if head.startswith(_OLE):
        return False
    if head.startswith((b"From ", b">From ")) or file.suffix.lower() == ".msg":
        return True
    header = _HEADER_END.split(head, maxsplit=1)[0]
    return _FIELD.match(header) is not None and _MAIL_FIELD.search(header) is not None


def _is_mbox(file: Path) -> bool:
    if file.suffix.lower() in _ONE_MAIL or _maildir(file.parent.parent):
        return False
    with file.open("rb") as stream:
        return stream.read(_SNIFF).lstrip(b"\r\n").startswith(b"From ")


def _mbox(file: Path) -> Iterator[bytes]:
    with file.open("rb") as stream:
        head = stream.read(_SNIFF)
        stream.seek(0)
        first = head.lstrip(b"\r\n").splitlines()[0]
        dated = _SEPARATOR.match(first[:_SEPARATOR_WITHIN]) is not None
        if b"\n" not in head and b"\r" in head:
            yield from _Mailbox(_Carriage(stream), dated, 0).mails()
        else:
            yield from _Mailbox(stream, dated, file.stat().st_size).mails()


class _Carriage:
    """Lines of a file whose lines end in a bare CR, as old Macs wrote them."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._held = b""
        self._at = 0

    def readline(self) -> bytes:
        """The next line with its CR; empty at the end."""
        pieces: list[bytes] = []
        while True:
            end = self._held.find(b"\r", self._at)
            if end != -1:
                pieces.append(self._held[self._at : end + 1])
                self._at = end + 1
                return b"".join(pieces)
            pieces.append(self._held[self._at :])
            self._held, self._at = self._stream.read(_SNIFF), 0
            if not self._held:
                return b"".join(pieces)


class _Mailbox:
    """One pass over the lines of an mbox."""

    def __init__(self, stream: BinaryIO | _Carriage, dated: bool, size: int) -> None:
        self._stream = stream
        self._dated = dated
        self._size = size
        """Bytes of the file; 0 where Content-Length is not to be followed."""
        self._lines: list[bytes] = []

    def mails(self) -> Iterator[bytes]:
        """All mails in order."""
        begun, blank, in_header, length = False, True, False, 0
        while line := self._stream.readline():
            if blank and self._separates(line):
                if begun:
                    yield self._mail()
                begun, blank, in_header, length = True, False, True, 0
                continue
            if not begun:
                continue  # empty lines before the first mail
            bare = line.strip(b"\r\n")
            blank = not bare
            if not in_header and bare[:1] == b">" and _QUOTED.match(bare):
                line = line[1:]
            self._lines.append(line)
            if in_header:
                counted = _LENGTH.match(bare)
                length = int(counted[1]) if counted else length
                if blank:
                    in_header = False
                    blank = self._counted_body(length) if length else blank
        if begun:
            yield self._mail()

    def _separates(self, line: bytes) -> bool:
        if not line.startswith(b"From "):
            return False
        return not self._dated or _SEPARATOR.match(line[:_SEPARATOR_WITHIN]) is not None

    def _counted_body(self, length: int) -> bool:
        """Take a body by its Content-Length, where the next mail really starts behind it."""
        stream = self._stream
        if isinstance(stream, _Carriage) or not self._size:
            return True
        start = stream.tell()
        if start + length > self._size:
            return True
        stream.seek(start + length)
        behind = stream.read(7)
        stream.seek(start)
        if behind.strip(b"\r\n") and not behind.lstrip(b"\r\n").startswith(b"From"[: len(behind)]):
            return True
        self._lines.append(stream.read(length))
        return True

    def _mail(self) -> bytes:
        """The collected lines as one raw mail, without the empty line that ends it in the mbox."""
        lines, self._lines = self._lines, []
        if len(lines) > 1 and not lines[-1].strip(b"\r\n"):
            lines.pop()
        return b"".join(lines)
