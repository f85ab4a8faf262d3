"""Content-Transfer-Encoding (RFC 2045 section 6, and uuencode), undone without ever failing."""

from __future__ import annotations

import binascii
import re

from inbox.mail.words import lenient_base64

BROKEN = "transfer-broken"
"""Defect: the part's encoding was damaged; what could be decoded was."""
UNKNOWN = "transfer-unknown"
"""Defect: the part names an encoding that does not exist; its bytes are taken as they are."""

_AS_IS = frozenset({"", "7bit", "8bit", "binary", "7-bit", "8-bit", "8bits", "7bits"})
_UU = frozenset({"uuencode", "x-uuencode", "uue", "x-uue"})
_UU_BEGIN = re.compile(rb"(?:\A|\n)begin [0-7]{3,4} [^\r\n]{0,255}\r?\n")
_SPACE_AT_END = re.compile(rb"[=\s]*\Z")


def decode_transfer(data: bytes, encoding: str) -> tuple[bytes, str]:
    """(decoded bytes, defect or an empty text) of a part's body; `encoding` in lower case."""
    if encoding in _AS_IS:
        return data, ""
    if encoding == "base64":
        return _base64(data)
    if encoding == "quoted-printable":
        return binascii.a2b_qp(data), ""
    if encoding in _UU:
        return _uu(data)
    return data, UNKNOWN


def _base64(data: bytes) -> tuple[bytes, str]:
    padding = data.find(b"=")
    if padding == -1 or (len(data) - padding <= 8 and _SPACE_AT_END.match(data, padding)):
        try:
            return binascii.a2b_base64(data), ""
        except binascii.Error:
            pass
    return lenient_base64(data), BROKEN


def _uu(data: bytes) -> tuple[bytes, str]:
    begin = _UU_BEGIN.search(data)
    if begin is None:
        return data, BROKEN
    out: list[bytes] = []
    defect = BROKEN
    for line in data[begin.end() :].split(b"\n"):
        line = line.rstrip(b"\r")
        if line.strip() in (b"end", b"`", b""):
            if line.strip() == b"end":
                defect = ""
                break
            continue
        try:
            out.append(binascii.a2b_uu(line))
        except binascii.Error:
            # Some encoders pad a line with rubbish: the first character says how much counts.
            count = (((line[0] - 32) & 63) * 4 + 5) // 3
            try:
                out.append(binascii.a2b_uu(line[:count]))
            except binascii.Error:
                break
    return b"".join(out), defect
