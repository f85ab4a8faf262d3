"""Who is it really? What a mail's signatures, and our own relay, prove about its From (DESIGN I6).

Pure: keys come through `look_up`, the time is given. It gives one verdict, and is slow to praise:

    pass       the author's domain signed this mail (DKIM, aligned), or our relay found that it did
    fail       several From fields; or nothing proves it and its domain disowns such mail (DMARC)
    none       nothing proves it, and nothing speaks against it
    temperror  DNS gave no answer, so nobody knows; treated like `none`

A broken or missing signature is never a `fail` of its own: lists and forwards break good ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from inbox.mail import authentication_dkim as dkim
from inbox.mail.authentication_dkim import ONCE, Head, Signature, Unusable
from inbox.mail.authentication_domains import (
    LookUp,
    Policy,
    Unanswered,
    find_policy,
    may_be_kin,
    speaks_for,
)
from inbox.mail.authentication_results import Result, from_relay

PASS, FAIL, NONE, TEMPERROR = "pass", "fail", "none", "temperror"
UNKNOWN = "unknown"
"""Stored where nobody looked: no resolver and no relay is configured, or the mail is history."""

MOST_NOTES = 20
"""Signatures that a verdict tells about."""


@dataclass(frozen=True, slots=True)
class How:
    """What to go by. `relays` are names of relays of ours, and only where one of them is known to
    have handed this very mail over; else empty."""

    relays: frozenset[str] = frozenset()
    public: frozenset[str] = frozenset()
    """Domains below which strangers to each other live."""
    most_signatures: int = 5
    strict: bool = False
    """Only the very domain of From may vouch for it."""
    policies: bool = True
    """Ask the author's domain what it wants of mail that nothing proves (DMARC)."""


@dataclass(frozen=True, slots=True)
class Note:
    """What became of one signature, for people."""

    domain: str
    selector: str
    result: str
    why: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is proved about the author. `by` says through what: dkim, authentication-results,
    policy, or nothing; `domain` is who vouches, or whose policy refuses."""

    result: str
    by: str
    domain: str
    aligned: bool
    why: str
    signatures: tuple[Note, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The JSON shape of docs/INTERFACES.md."""
        return {
            "result": self.result,
            "by": self.by,
            "domain": self.domain,
            "aligned": self.aligned,
            "why": self.why,
            "signatures": [
                {
                    "domain": one.domain,
                    "selector": one.selector,
                    "result": one.result,
                    "why": one.why,
                }
                for one in self.signatures
            ],
        }


@dataclass(slots=True)
class _Mail:
    """One mail on its way to a verdict."""

    raw: bytes
    head: Head
    author: str
    now: datetime
    how: How
    look_up: LookUp | None
    notes: list[Note] = field(default_factory=list)
    looked_at: int = 0
    unanswered: str = ""


def authenticate(
    raw: bytes, author_domain: str, look_up: LookUp | None, now: datetime, how: How
) -> Verdict:
    """What is proved about `author_domain`, the domain of the one address in From (lower case,
    A-labels; empty where there is not one). `look_up` is None where no resolver is configured.
    Never raises on any mail.
    """
    count = dkim.count_from(raw)
    if count > 1:
        return Verdict(FAIL, "", "", False, f"it has {count} From fields")
    author = author_domain.lower().rstrip(".")
    if count == 0 or "." not in author:
        return Verdict(NONE, "", "", False, "no single author with a domain stands in From")
    notes = []
    try:
        head = dkim.read_head(raw)
    except Unusable as error:
        # Not a way out: what its domain wants of such mail is asked all the same.
        head, notes = Head((), b"", 0), [Note("", "", NONE, str(error))]
    mail = _Mail(raw, head, author, now, how, look_up, notes)
    found = from_relay(head.fields, how.relays) if how.relays else ()
    return _by_relay(found, mail) or _by_signatures(mail, found)


# --- What our relay says ---------------------------------------------------------------------


def _by_relay(found: Sequence[Result], mail: _Mail) -> Verdict | None:
    for one in found:
        if one.result != PASS:
            continue
        if one.method == "dmarc":
            names = [value.rpartition("@")[2] for value in one.values("header.from")]
            good = names == [mail.author]
        elif one.method == "dkim":
            names = [*one.values("header.d")] or [
                value.rpartition("@")[2] for value in one.values("header.i")
            ]
            good = len(names) == 1 and _vouches(names[0], mail)
        else:
            continue  # SPF proves a machine; whose mail it lets out, it does not say
        if good:
            why = f"our relay found {one.method}=pass for {names[0]}"
            return Verdict(PASS, "authentication-results", names[0], True, why)
    return None


def _relay_refuses(found: Sequence[Result], mail: _Mail) -> bool:
    """Did the relay find that DMARC fails, by a policy that asks for more than a report?"""
    for one in found:
        if one.method == "dmarc" and one.result == FAIL:
            names = {value.rpartition("@")[2] for value in one.values("header.from")}
            return names <= {mail.author} and "p=none" not in one.comment.lower().replace(" ", "")
    return False


def _vouches(signer: str, mail: _Mail) -> bool:
    return speaks_for(signer, mail.author, mail.how.strict, mail.how.public)


# --- What its signatures prove ---------------------------------------------------------------


def _by_signatures(mail: _Mail, found: Sequence[Result]) -> Verdict:
    signatures = _read(mail)
    kin = []
    for one in signatures:
        if not _vouches(one.domain, mail):
            kin.append(one)
        elif _good(one, mail):
            return _passed(one, mail)
    return _by_policy(mail, kin, found)


def _by_policy(mail: _Mail, kin: Sequence[Signature], found: Sequence[Result]) -> Verdict:
    """Nothing that needs no further word proves it: what does the domain itself say?"""
    policy = _policy(mail)
    allowed = policy is not None and not policy.strict and not mail.how.strict
    for one in kin:
        below = policy is not None and f".{one.domain}".endswith(f".{policy.house}")
        if allowed and below and may_be_kin(one.domain, mail.author, mail.how.public):
            if _good(one, mail):
                return _passed(one, mail)
        else:
            _note(mail, one, NONE, f"{one.domain} does not speak for {mail.author}")
    notes = tuple(mail.notes[:MOST_NOTES])
    if mail.unanswered:
        return Verdict(TEMPERROR, "", "", False, mail.unanswered, notes)
    if _relay_refuses(found, mail):
        why = f"our relay found that {mail.author} disowns such mail (dmarc=fail)"
        return Verdict(FAIL, "authentication-results", mail.author, False, why, notes)
    refuses = policy is not None and policy.wants in ("quarantine", "reject")
    if policy is not None and refuses and not _sent_by_its_host(found, policy, mail):
        why = f"{policy.at} asks to {policy.wants} mail that nothing proves to be its own"
        return Verdict(FAIL, "policy", policy.at, False, why, notes)
    why = notes[0].why if notes else "it is not signed"
    return Verdict(
        NONE, "", "", False, f"its signature proves nothing: {why}" if notes else why, notes
    )


def _sent_by_its_host(found: Sequence[Result], policy: Policy, mail: _Mail) -> bool:
    """Did the relay find an aligned `spf=pass`? DMARC asks for no more; a `pass` here does."""
    for one in found:
        if one.method == "spf" and one.result == PASS:
            for value in one.values("smtp.mailfrom"):
                domain = value.rpartition("@")[2]
                if _vouches(domain, mail) or f".{domain}".endswith(f".{policy.house}"):
                    return True
    return False


def _policy(mail: _Mail) -> Policy | None:
    if mail.look_up is None or not mail.how.policies:
        return None
    try:
        return find_policy(mail.author, mail.look_up)
    except Unanswered as error:
        mail.unanswered = mail.unanswered or str(error)
        return None


def _read(mail: _Mail) -> tuple[Signature, ...]:
    """The signatures worth a look: read well, good at sight, of domains of the author's family."""
    doubled = [name for name in sorted(ONCE) if len(mail.head.values(name)) > 1]
    found = []
    for place, value in enumerate(mail.head.values(b"dkim-signature")):
        try:
            one = dkim.read_signature(place, value)
        except Unusable as error:
            mail.notes.append(Note("", "", NONE, str(error)))
            continue
        why = dkim.refused_at_sight(mail.head, one, mail.now)
        if doubled:
            why = f"the mail has several {doubled[0].decode().title()} fields"
        if not why and mail.look_up is None:
            why = "no resolver is configured to look its key up"
        related = _vouches(one.domain, mail) or may_be_kin(one.domain, mail.author, mail.how.public)
        if not why and not related:
            why = f"{one.domain} does not speak for {mail.author}"
        if why:
            _note(mail, one, NONE, why)
        else:
            found.append(one)
    return tuple(found)


def _good(one: Signature, mail: _Mail) -> bool:
    """Look the key up and verify; what became of it is noted."""
    mail.looked_at += 1
    if mail.looked_at > mail.how.most_signatures or mail.look_up is None:
        _note(mail, one, NONE, f"more than {mail.how.most_signatures} signatures are not looked at")
        return False
    try:
        key = dkim.read_key(mail.look_up(one.key_name))
        dkim.verify(mail.raw, mail.head, one, key)
    except Unusable as error:
        _note(mail, one, NONE, str(error))
        return False
    except Unanswered as error:
        mail.unanswered = mail.unanswered or str(error)
        _note(mail, one, TEMPERROR, str(error))
        return False
    _note(mail, one, PASS, "")
    return True


def _note(mail: _Mail, one: Signature, result: str, why: str) -> None:
    mail.notes.append(Note(one.domain, one.selector, result, why))


def _passed(one: Signature, mail: _Mail) -> Verdict:
    notes = tuple(mail.notes[-MOST_NOTES:])
    why = f"{one.domain} signed it"
    return Verdict(PASS, "dkim", one.domain, True, why, notes)
