"""Mail as bytes (RFC 5322, RFC 2045 to 2047), the same for the same values. Reads nothing.

Written out here instead of by the library, whose folding of long ids and whose random boundaries
would make the demo's mail differ from what mail programs send and from run to run.
"""

from __future__ import annotations

import base64
import hashlib
import quopri
from collections.abc import Sequence
from dataclasses import dataclass
from email.header import Header
from email.utils import formataddr

_TYPES = {
    "pdf": "application/pdf",
    "png": "image/png",
    "csv": "text/csv; charset=utf-8",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "ics": "application/ics",
}
_LONGEST_PLAIN_LINE = 200

Fields = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Part:
    """One part: its MIME fields and its encoded content with CR LF line ends."""

    fields: Fields
    content: bytes


def text_part(text: str, content_type: str) -> Part:
    """A text in UTF-8; as it is where that is plain ASCII in short lines, else quoted-printable."""
    text = text.rstrip("\n") + "\n"
    short = all(len(line) <= _LONGEST_PLAIN_LINE for line in text.split("\n"))
    if text.isascii() and short:
        fields = (("Content-Type", content_type), ("Content-Transfer-Encoding", "7bit"))
        return Part(fields, text.encode("ascii").replace(b"\n", b"\r\n"))
    encoded = quopri.encodestring(text.encode("utf-8")).replace(b"\r\n", b"\n")
    fields = (
        ("Content-Type", content_type),
        ("Content-Transfer-Encoding", "quoted-printable"),
    )
    return Part(fields, encoded.replace(b"\n", b"\r\n"))


def file_part(name: str, data: bytes, content_id: str | None = None) -> Part:
    """A file, attached; with a Content-ID it is shown inside the HTML."""
    kind = _TYPES.get(name.rpartition(".")[2].lower(), "application/octet-stream")
    disposition = "inline" if content_id else "attachment"
    fields = [
        ("Content-Type", f'{kind}; name="{name}"'),
        ("Content-Disposition", f'{disposition}; filename="{name}"'),
        ("Content-Transfer-Encoding", "base64"),
    ]
    if content_id:
        fields.append(("Content-ID", f"<{content_id}>"))
    return Part(tuple(fields), base64.encodebytes(data).replace(b"\n", b"\r\n"))


def multipart(kind: str, parts: Sequence[Part], parameters: str = "") -> Part:
    """Several parts in one; the boundary follows from what they hold."""
    inside = b"".join(part.content for part in parts)
    boundary = f"=_{kind[:3]}_{hashlib.sha256(kind.encode() + inside).hexdigest()[:24]}"
    content = b""
    for part in parts:
        content += f"--{boundary}\r\n".encode() + block(part.fields) + b"\r\n" + part.content
        content += b"" if part.content.endswith(b"\r\n") else b"\r\n"
    content += f"--{boundary}--\r\n".encode()
    fields = (("Content-Type", f'multipart/{kind};{parameters} boundary="{boundary}"'),)
    return Part(fields, content)


def message(fields: Fields, body: Part) -> bytes:
    """A whole mail: header fields of the letter, then those of its content, then the content."""
    return block((*fields, ("MIME-Version", "1.0"), *body.fields)) + b"\r\n" + body.content


def block(fields: Fields) -> bytes:
    """Header fields as bytes."""
    return b"".join(f"{name}: {value}\r\n".encode("ascii") for name, value in fields)


def address(name: str, addr_spec: str) -> str:
    """`Name <local@domain>`, the name encoded where it is not ASCII."""
    return formataddr((name, addr_spec))


def unstructured(text: str, name: str = "Subject") -> str:
    """The value of a field such as Subject, encoded (RFC 2047) where it is not ASCII."""
    if text.isascii():
        return text
    return Header(text, "utf-8", header_name=name).encode(linesep="\r\n")


def identifiers(ids: Sequence[str]) -> str:
    """The value of References: one id a line, folded."""
    return "\r\n ".join(f"<{one}>" for one in ids)
