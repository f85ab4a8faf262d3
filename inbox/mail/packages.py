"""Files inside a file: what a winmail.dat holds, as attachments of the mail itself."""

from __future__ import annotations

import hashlib
import mimetypes
import re
from dataclasses import dataclass

from inbox.mail.clean import clean_file_name, clean_line
from inbox.mail.html import html_to_text
from inbox.mail.letter import Attachment
from inbox.mail.tnef import BROKEN, TYPES, Packed, is_tnef, unpack

INSIDE = "!"
"""Parts the path of a package from the number of a file in it."""
_NAMES = re.compile(r"winmail\d{0,3}\.dat|att\d{1,8}\.dat", re.IGNORECASE)
_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,60}/[a-z0-9!#$&^_.+-]{1,100}")


@dataclass(frozen=True, slots=True)
class Contents:
    """What is inside."""

    files: tuple[Attachment, ...]
    text: str
    defect: str
    """Empty where all of it could be read."""


def may_be_packed(content_type: str, name: str) -> bool:
    """Is a part worth a look, by what it says of itself?"""
    return content_type in TYPES or (
        content_type == "application/octet-stream" and _NAMES.fullmatch(name) is not None
    )


def unpacked(path: str, data: bytes, texts: bool) -> Contents | None:
    """What the package at `path` holds; None where it is none. Never raises.

    Without `texts` no text is made of what it says.
    """
    if not is_tnef(data):
        return None
    found = unpack(data, texts=texts)
    files = tuple(
        _attachment(one, f"{path}{INSIDE}{number}") for number, one in enumerate(found.files, 1)
    )
    text = found.text if found.text.strip() else html_to_text(found.html)
    return Contents(files, text, "" if found.whole else BROKEN)


def _attachment(one: Packed, path: str) -> Attachment:
    name = clean_file_name(one.name) or f"part-{path.replace(INSIDE, '-')}"
    stated = one.content_type if _TYPE.fullmatch(one.content_type) else ""
    return Attachment(
        path=path,
        name=name,
        content_type=stated or mimetypes.guess_type(name)[0] or "application/octet-stream",
        size=len(one.data),
        sha256=hashlib.sha256(one.data).hexdigest(),
        inline=one.content_id is not None,
        content_id=clean_line(one.content_id)[:900] if one.content_id else None,
    )
