"""Writes mail: from values to bytes that every server takes unchanged (RFC 5322, 2045, 2047).

ASCII only, CRLF, no line over 998 bytes. What comes from outside (subjects, names, ids) is a value
here and never a header: control characters are gone before a field is written, so none can begin.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.quoprimime import body_encode
from email.utils import format_datetime
from urllib.parse import quote

from inbox.mail.clean import clean_line, clean_text
from inbox.mail.ids import normal_id
from inbox.mail.letter import Address
from inbox.mail.outgoing import check_wire, wire_address

MOST_SUBJECT = 500
MOST_NAME = 200
MOST_REFERENCES = 40
"""Ids that References keeps: the first and the last ones (RFC 5322 section 3.6.4)."""
LONGEST_REFERENCE = 900
_WIDTH = 76
_WORD_BYTES = 42
"""Bytes of text in one encoded word, which may have 75 characters in all."""
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+\Z")
_TYPE = re.compile(r"[a-z0-9][a-z0-9.+-]{0,60}/[a-z0-9][a-z0-9.+-]{0,80}\Z")
_FROM_LINE = re.compile(r"(?m)^From ")


@dataclass(frozen=True, slots=True)
class File:
    """A file that goes with a mail."""

    name: str
    content_type: str
    content: bytes = field(repr=False)
    content_id: str | None = None
    """Of a picture that the HTML shows, without brackets."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A mail about to be written."""

    mail_id: str
    """Without brackets."""
    date: datetime
    from_: Address
    to: tuple[Address, ...]
    subject: str
    text: str
    cc: tuple[Address, ...] = ()
    reply_to: tuple[Address, ...] = ()
    html: str | None = None
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()
    automatic: str = ""
    """The value of Auto-Submitted (RFC 3834): `auto-replied`, `auto-generated`; empty: a person's
    mail, which has none."""
    language: str = ""
    files: tuple[File, ...] = ()


def write(mail: Outgoing) -> bytes:
    """The mail's bytes. Raises `Unsendable` for an address that cannot be written."""
    fields = [
        ("Date", format_datetime(mail.date)),
        ("From", _addresses((mail.from_,))),
        ("Reply-To", _addresses(mail.reply_to)),
        ("To", _addresses(mail.to)),
        ("Cc", _addresses(mail.cc)),
        ("Subject", _unstructured(clean_line(mail.subject)[:MOST_SUBJECT])),
        ("Message-ID", f"<{mail.mail_id}>"),
        ("In-Reply-To", _ids((mail.in_reply_to,) if mail.in_reply_to else ())),
        ("References", _ids(mail.references)),
        ("Auto-Submitted", mail.automatic),
        # Exchange asks this field, not the one above, before it answers for an absent person.
        ("X-Auto-Response-Suppress", "All" if mail.automatic else ""),
        ("Content-Language", mail.language),
        ("MIME-Version", "1.0"),
    ]
    head = "".join(f"{name}: {value}\r\n" for name, value in fields if value)
    raw = (head + _body(mail)).encode("ascii")
    check_wire(raw)
    return raw


def _body(mail: Outgoing) -> str:
    """Fields and content of the body: what shows the text first, then the files beside it."""
    shown = [one for one in mail.files if one.content_id and mail.html is not None]
    beside = [_file(one) for one in mail.files if one not in shown]
    body = _part("plain", mail.text)
    if mail.html is not None:
        html = _part("html", mail.html)
        if shown:
            html = _many(mail, "related", [html, *(_file(one, shown=True) for one in shown)])
        body = _many(mail, "alternative", [body, html])
    return _many(mail, "mixed", [body, *beside]) if beside else body


def _many(mail: Outgoing, kind: str, parts: Sequence[str]) -> str:
    boundary = f"=_{kind[0]}{mail.mail_id.partition('@')[0]}"[:70]
    inner = "".join(f"--{boundary}\r\n{_ended(one)}" for one in parts)
    return f'Content-Type: multipart/{kind}; boundary="{boundary}"\r\n\r\n{inner}--{boundary}--\r\n'


def _ended(part: str) -> str:
    return part if part.endswith("\r\n") else f"{part}\r\n"


def _file(one: File, *, shown: bool = False) -> str:
    """A part with a file. Its name is a value (RFC 2231) and can begin no field."""
    name = quote(" ".join(clean_line(one.name).split())[:MOST_NAME] or "file", safe="")
    kind = one.content_type if _TYPE.match(one.content_type) else "application/octet-stream"
    encoded = base64.encodebytes(one.content).decode().replace("\n", "\r\n")
    way = "inline" if shown else "attachment"
    pieces = [name[start : start + 60] for start in range(0, len(name), 60)]
    star = "{}*" if len(pieces) > 1 else ""
    named = [
        f";\r\n filename*{star.format(at)}={piece}"
        for at, piece in enumerate([f"utf-8''{pieces[0]}", *pieces[1:]])
    ]
    listed = "".join(named)
    number = f"Content-ID: <{one.content_id}>\r\n" if shown else ""
    return (
        f"Content-Type: {kind}\r\nContent-Disposition: {way}{listed}\r\n{number}"
        f"Content-Transfer-Encoding: base64\r\n\r\n{encoded}"
    )


def _part(kind: str, text: str) -> str:
    """A text part with its fields, its encoding the most readable one that is safe."""
    clean = clean_text(text).rstrip("\n") + "\n"
    way, body = _encoded(clean)
    return (
        f"Content-Type: text/{kind}; charset=utf-8\r\n"
        f"Content-Transfer-Encoding: {way}\r\n\r\n{body}"
    )


def _encoded(text: str) -> tuple[str, str]:
    lines = text.split("\n")
    if text.isascii() and max(map(len, lines)) <= _WIDTH and not _FROM_LINE.search(text):
        return "7bit", text.replace("\n", "\r\n")
    raw = text.encode("utf-8")
    beyond = sum(byte > 126 for byte in raw)
    if beyond * 3 > len(raw):
        return "base64", base64.encodebytes(raw).decode().replace("\n", "\r\n")
    # A line that begins with "From " is changed on its way by some, which breaks a signature.
    body = body_encode(raw.decode("latin-1"), _WIDTH, "\r\n")
    return "quoted-printable", _FROM_LINE.sub("=46rom ", body)


# --- Header fields -----------------------------------------------------------------------------


def _unstructured(text: str) -> str:
    """Text of a field such as Subject, folded; as encoded words where it is not plain ASCII."""
    text = " ".join(text.split())
    if not text.isascii() or "=?" in text:
        return "\r\n ".join(_encoded_words(text))
    return "\r\n ".join(_folded(text))


def _folded(text: str) -> Iterator[str]:
    line = ""
    for word in text.split(" "):
        if line and len(line) + len(word) + 1 > _WIDTH - len("Subject: "):
            yield line
            line = word
        else:
            line = f"{line} {word}" if line else word
    yield line


def _encoded_words(text: str) -> Iterator[str]:
    """RFC 2047, never parting a character; blanks between the words belong to nobody."""
    held = b""
    for letter in text:
        raw = letter.encode("utf-8", "replace")
        if len(held) + len(raw) > _WORD_BYTES:
            yield _encoded_word(held)
            held = b""
        held += raw
    if held:
        yield _encoded_word(held)


def _encoded_word(raw: bytes) -> str:
    return f"=?utf-8?b?{base64.b64encode(raw).decode()}?="


def _addresses(listed: Sequence[Address]) -> str:
    return ",\r\n ".join(_address(one) for one in listed)


def _address(one: Address) -> str:
    spec = wire_address(one.address)
    name = " ".join(clean_line(one.name).split())[:MOST_NAME]
    if not name or name == one.address:
        return spec
    if not name.isascii() or "=?" in name:
        return "\r\n ".join((*_encoded_words(name), f"<{spec}>"))
    if not _ATOMS.match(name):
        name = '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"{name} <{spec}>"


def _ids(listed: Sequence[str]) -> str:
    """Message ids, one a line. Ids that would not fit a line, or are no ids, are left out."""
    good = [one for one in listed if one.isascii() and normal_id(one) == one]
    good = [one for one in dict.fromkeys(good) if len(one) <= LONGEST_REFERENCE]
    if len(good) > MOST_REFERENCES:
        good = [*good[:1], *good[-(MOST_REFERENCES - 1) :]]
    return "\r\n ".join(f"<{one}>" for one in good)
