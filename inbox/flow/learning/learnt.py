"""Which labels a model was made from: marks in its `info` that no other database's labels bear.

A mark holds no word of a mail and no address, so a model may be handed on. Row numbers alone would
not do: labels of two databases have the same ones.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

FIELD = "learnt"
"""Where a model's info holds the marks."""
_OF_MAIL = 6
_OF_TEAM = 2
_SIZE = _OF_MAIL + _OF_TEAM


@dataclass(frozen=True, slots=True)
class Mark:
    """One mail with one label."""

    mail: bytes
    team: bytes

    @classmethod
    def of(cls, message_id: int, received_at: datetime, team: str) -> Mark:
        """`message_id` is the number of the message here; with its instant it is like no other's.

        Only where two databases took in the same history in the same order are marks alike, and
        then it is the same mail.
        """
        instant = received_at.astimezone(UTC).isoformat(timespec="microseconds")
        mail = hashlib.sha256(f"{message_id} {instant}".encode()).digest()[:_OF_MAIL]
        return cls(mail, hashlib.sha256(team.encode()).digest()[:_OF_TEAM])


@dataclass(frozen=True, slots=True)
class Learnt:
    """What a model was made from."""

    marks: frozenset[Mark]
    mails: frozenset[bytes]

    def has_mail(self, mark: Mark) -> bool:
        """Was it made from this mail, whatever its label was then?"""
        return mark.mail in self.mails

    def __contains__(self, mark: Mark) -> bool:
        """Was it made from this mail with this label?"""
        return mark in self.marks


def learnt_by(info: Mapping[str, object]) -> Learnt:
    """What a model's info says; nothing where it says nothing that can be read."""
    said = info.get(FIELD)
    try:
        raw = base64.b64decode(said, validate=True) if isinstance(said, str) else b""
    except (binascii.Error, ValueError):
        raw = b""
    found = [raw[at : at + _SIZE] for at in range(0, len(raw) - _SIZE + 1, _SIZE)]
    marks = frozenset(Mark(one[:_OF_MAIL], one[_OF_MAIL:]) for one in found)
    return Learnt(marks, frozenset(one.mail for one in marks))


def as_info(marks: Iterable[Mark]) -> dict[str, str]:
    """The field for a model's info; 11 characters a label, in an order that says nothing."""
    raw = b"".join(sorted({one.mail + one.team for one in marks}))
    return {FIELD: base64.b64encode(raw).decode("ascii")}
