"""Identification fields: Message-ID, In-Reply-To, References (RFC 5322 section 3.6.4), bounded.

An id is compared as the text between its brackets. It decides nothing about threads, it only reads.
"""

from __future__ import annotations

import base64
import re

MAX_ID = 998
"""Longest id that is taken, in bytes of UTF-8: one line of RFC 5322, and what an index can hold."""
MAX_IDS = 1000
"""Most ids that are taken from one field; of a longer list the first and the last ones."""

_BRACKETED = re.compile(r"<([^<>]*)>")
_SPACE = re.compile(r"\s+")
_TOKEN = re.compile(r"[^\s<>,;\"()]+")
_UNUSABLE = re.compile(r"[\x00-\x20\x7f-\x9f<>\ud800-\udfff]")
_HEX_RUN = re.compile(r"[0-9a-f]{8}", re.IGNORECASE)


def normal_id(raw: str) -> str | None:
    """The normal form of one id: without brackets, blanks and quotes; None where it is unusable.

    >>> normal_id(" <[abc@d]> ")
    'abc@d'
    """
    text = _SPACE.sub("", raw[: 4 * MAX_ID]).strip("<>")
    if text.startswith("[") and text.endswith("]"):
        text = text[1:-1]
    text = text.strip("'\"") if text[:1] in "'\"" and text[-1:] == text[:1] else text
    if not text or _UNUSABLE.search(text) or len(text.encode()) > MAX_ID:
        return None
    return text


def message_id(value: str) -> str | None:
    """The id of a Message-ID field value, however its brackets are broken; None for none.

    The first bracketed id counts; without brackets, the first token, preferably one with an @.
    """
    found = _first(read_ids(value))
    if found is not None:
        return found
    inner = value.strip().lstrip("<")
    whole = inner.partition(">")[0].strip()
    if whole and not _SPACE.search(whole):
        return normal_id(whole)
    tokens = [token for token in _TOKEN.findall(value[: 4 * MAX_ID]) if "@" in token]
    return normal_id(tokens[0]) if tokens else None


def references(value: str) -> tuple[str, ...]:
    """All usable ids of a References field, in order, each once."""
    return _bounded(read_ids(value))


def in_reply_to(value: str) -> tuple[str, ...]:
    """The ids of an In-Reply-To field; its phrases and addresses of people are left out.

    Old mailers write `Your message of "Mon, 1 Jan" <id@host>` or `Anna <anna@host>'s message <id>`
    (RFC 2822 section 3.6.4). Where a field holds nothing but brackets, all of them are ids.
    """
    ids = read_ids(value)
    if "<" in value and not _has_phrase(value):
        return _bounded(ids)
    return _bounded([one for one in ids if not _looks_like_person(one)])


def read_ids(value: str) -> list[str]:
    """Bracketed ids in order; where no bracket pair is found, the tokens that hold an @."""
    found = [_read(inner) for inner in _BRACKETED.findall(value)]
    if not found:
        found = [normal_id(token) for token in _TOKEN.findall(value) if "@" in token]
    return [one for one in found if one is not None]


def make_message_id(unique: bytes, domain: str) -> str:
    """An id of our own, without brackets: lower-case base32 of `unique`, at `domain`.

    `unique` is at least 16 random or derived bytes; the caller brings them, so that a repeated
    send repeats the id. Raises ValueError on fewer bytes or a domain that is not ASCII.
    """
    if len(unique) < 16:
        raise ValueError(f"make_message_id: {len(unique)} bytes given, at least 16 are needed")
    if not domain or not domain.isascii() or _UNUSABLE.search(domain):
        raise ValueError(f"make_message_id: {domain!r} is no ASCII domain; give its A-labels")
    text = base64.b32encode(unique).decode("ascii").rstrip("=").lower()
    return f"{text}@{domain.lower()}"


def _read(inner: str) -> str | None:
    return normal_id(inner) if inner.strip() else None


def _first(ids: list[str]) -> str | None:
    return ids[0] if ids else None


def _bounded(ids: list[str]) -> tuple[str, ...]:
    unique = list(dict.fromkeys(ids))
    if len(unique) > MAX_IDS:
        # The first starts the thread, the last are the nearest parents (RFC 5537 section 3.4.4).
        unique = [unique[0], *unique[-(MAX_IDS - 1) :]]
    return tuple(unique)


def _has_phrase(value: str) -> bool:
    """Is there text beside the bracketed ids?"""
    return bool(_BRACKETED.sub(" ", value[: 4 * MAX_ID]).strip(" \t,;"))


def _looks_like_person(one: str) -> bool:
    """Does an id that stands in or without a phrase look like `anna.berg@example.com`?

    Ids are made by machines: they are long, or hold many digits, or signs that names do not.
    """
    local, at, domain = one.partition("@")
    if not at or "." not in domain or "[" in domain:
        return False
    if len(local) > 32 or "$" in local or _HEX_RUN.search(local):
        return False
    return sum(character.isdigit() for character in local) <= 4
