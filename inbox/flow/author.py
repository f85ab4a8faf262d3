"""Who wrote a mail, as far as it says so; nothing here proves it."""

from __future__ import annotations

from inbox.errors import UnreadableMail
from inbox.mail.letter import Address, Letter

NOBODY = Address("", "mailer-daemon@invalid")
"""Stands for the machine behind a delivery report that names no author at all."""


def author_of(letter: Letter, reverse_path: str | None) -> Address:
    """Who wrote a mail: From, else Sender, else the reverse-path.

    Raises `UnreadableMail` where there is nobody at all.
    """
    for address in (*letter.from_, *letter.sender):
        if "@" in address.address:
            return address
    if reverse_path and "@" in reverse_path:
        return Address("", reverse_path.lower())
    if letter.bounce is not None:
        return NOBODY
    written = ", ".join(one.name or one.address for one in letter.from_).strip(", ")
    if written:
        raise UnreadableMail("no-author", f"From cannot be read: {written[:200]!r} is no address")
    raise UnreadableMail("no-author", "neither From nor Sender nor the envelope names an author")
