"""Reads recipients and reasons out of the words of a bounce that has no machine fields.

Structure first: an address at the start of a line, or behind a phrase such as `RCPT TO:`, opens a
paragraph that says why. Codes are taken from that paragraph, then phrases.
"""

from __future__ import annotations

import re
from dataclasses import replace

from inbox.mail.dsn_fields import plain_address, status_in
from inbox.mail.dsn_phrases import REASONS, TEMPORARY
from inbox.mail.letter import BouncedRecipient

_PARAGRAPH = 1_500
_REASON = 600
_MAILBOX = r"[^\s<>,;:\"'()\[\]@]{1,64}@[A-Za-z0-9\u0080-\uffff][^\s<>,;:\"'()\[\]@]{1,250}"
_LEADING = re.compile(
    rf"^[ \t>*|-]{{0,20}}(?:(?:to|recipient|user|address|mailbox|rcpt to|recipient address|"
    rf"final-recipient|original-recipient|failed recipient|e-?mail address|delivery to|"
    rf"(?:could not|unable to) deliver message to|"
    rf"(?:name|addressee)|destination|for|an|宛先)[ \t]*[:=]?[ \t]*(?:rfc822;)?[ \t]*)?"
    rf"[<\[(\"']{{0,2}}(?:mailto:)?({_MAILBOX})[>\])\"']{{0,2}}",
    re.IGNORECASE | re.MULTILINE,
)
_ANYWHERE = re.compile(rf"[<(\[\"' \t:]({_MAILBOX})")
_ENHANCED = re.compile(
    r"(?<![\w.])(?:[245]\d\d[- ]{1,2}#?|#|\(|\[|status[:= ]+|code[:= ]+|)"
    r"([245]\.\d{1,3}\.\d{1,3})(?![\w]|\.\d)",
    re.IGNORECASE,
)
_ANSWER = re.compile(r"(?:^|(?<= ))[45]\d\d[- ][#'\"]?([45]\.\d{1,3}\.\d{1,3})(?![\d.]*\d)")
"""A reply code with its enhanced code (RFC 2034) in a diagnostic, as a server answered."""
_LEAD = re.compile(
    r"(?:following|these|to reach|not deliver\w* to)[^\n]{0,40}(?:recipient|address|people|user)"
    r"[^\n]{0,80}$",
    re.IGNORECASE | re.MULTILINE,
)
"""The sentence after which a report lists whom it is about."""
_REPLY_CODE = re.compile(r"(?<![\d.:#@-])([45]\d\d)(?=[ :\-\"),\]]|$)(?!-?\d)", re.MULTILINE)


def read_text(said: str, subject: str, failed: tuple[str, ...]) -> tuple[BouncedRecipient, ...]:
    """The recipients that the text of a bounce names, each with what is said about it.

    `failed` are addresses a header field has named already; they win over the text.
    """
    places = _places(said)
    if failed:
        known = {address.lower() for address in failed}
        named = [place for place in places if place[0].lower() in known]
        missing = known - {address.lower() for address, _ in named}
        places = named + [(address, 0) for address in failed if address.lower() in missing]
    found: list[BouncedRecipient] = []
    for number, (address, start) in enumerate(places):
        end = places[number + 1][1] if number + 1 < len(places) else len(said)
        end = max(end, start)
        own = said[start : min(end, start + _PARAGRAPH)]
        one = BouncedRecipient(address, _action(subject, said), "", " ".join(own.split())[:_REASON])
        found.append(refined(one, f"{subject}\n{said}", alone=len(places) == 1))
    return tuple(found)


def _places(said: str) -> list[tuple[str, int]]:
    places: dict[str, tuple[str, int]] = {}
    for pattern in (_LEADING, _ANYWHERE):
        for found in pattern.finditer(said):
            address = plain_address(found[1]).rstrip(".")
            if "." in address.rpartition("@")[2] and not _is_ours(said, found.start(1)):
                places.setdefault(address.lower(), (address, found.start()))
            if len(places) >= 100:
                break
        if places:
            break
    found_places = sorted(places.values(), key=lambda place: place[1])
    lead = _LEAD.search(said)
    below = [place for place in found_places if lead is not None and place[1] >= lead.start()]
    return below or found_places


def _is_ours(said: str, start: int) -> bool:
    """An address behind `from`, or in an id, is not the one that failed."""
    before = said[max(start - 30, 0) : start].rpartition("\n")[2].lower()
    return (
        re.search(
            r"(?:from|sender|von|by|contact|postmaster|reply|message-id|id)\b\W{0,4}$", before
        )
        is not None
    )


def refined(one: BouncedRecipient, said: str, alone: bool) -> BouncedRecipient:
    """A recipient with the most telling status: of its diagnostic, its own, the text, a phrase.

    What the refusing server said behind its reply code is the cause; the Status field repeats it,
    or is what the reporting system made of it. A code that says nothing (such as 5.0.0) gives way
    to a narrower one of the same class.
    """
    own, told = one.status, enhanced(one.diagnostic)
    answered = _ANSWER.search(one.diagnostic)
    if answered is not None and not answered[1].endswith(".0.0") and own[:1] != "2":
        return replace(one, status=answered[1], action=_fitting(one.action, answered[1]))
    if own and not own.endswith(".0.0"):
        return one
    if told and (not own or (told[0] == own[0] and not told.endswith(".0.0"))):
        return replace(one, status=told, action=_fitting(one.action, told))
    around = said[:8_000] if alone else _paragraph(said, one.address)
    beside = enhanced(around)
    if own:
        narrower = beside[:1] == own[0] and not beside.endswith(".0.0")
        return replace(one, status=beside) if narrower else one
    status = (
        beside
        or _by_phrase(one.diagnostic, one.action)
        or _by_phrase(around, one.action)
        or _by_reply_code(one.diagnostic)
        or _by_reply_code(around)
        or ("4.0.0" if one.action == "delayed" else "5.0.0" if one.action == "failed" else "")
    )
    return replace(one, status=status, action=_fitting(one.action, status))


def _paragraph(said: str, address: str) -> str:
    start = said.find(address) if address else -1
    if start < 0:
        return ""
    return said[start : start + _PARAGRAPH].partition("\n\n")[0]


def enhanced(text: str) -> str:
    """The enhanced status code a text states, narrow before general; empty for none."""
    found = [match[1] for match in _ENHANCED.finditer(text[:8_000])]
    for code in found:
        if not code.endswith(".0.0") and code[0] != "2":
            return status_in(code)
    return status_in(found[0]) if found else ""


def _action(subject: str, said: str) -> str:
    return "delayed" if TEMPORARY.search(f"{subject}\n{said[:1_000]}") else "failed"


def _fitting(action: str, status: str) -> str:
    return "failed" if status[:1] == "5" and action in ("", "delayed") else action


def _by_phrase(text: str, action: str) -> str:
    code = _REPLY_CODE.search(text[:4_000])
    first = "4" if (code is not None and code[1][0] == "4") or action == "delayed" else "5"
    flat = " ".join(text[:4_000].split())
    for pattern, rest in REASONS:
        if pattern.search(flat):
            return f"{first}.{rest}"
    return ""


def _by_reply_code(text: str) -> str:
    code = _REPLY_CODE.search(text[:4_000])
    return f"{code[1][0]}.0.0" if code is not None else ""
