"""Who is it really? What a mail's signatures, and our own relay, prove about its From (DESIGN I6).

Pure: keys come through `look_up`, the time is given. It gives one verdict, and is slow to praise:

    pass       the author's domain signed this mail (DKIM, aligned), or our relay found that it did;
               or it came from a machine that may send for it (SPF, aligned) and that its owner
               takes as proof (DMARC); or a listed sealer on the way found one of these (ARC)
    fail       several From fields; or nothing proves it and its domain disowns such mail (DMARC)
    none       nothing proves it, and nothing speaks against it
    temperror  DNS gave no answer, so nobody knows; treated like `none`

A broken or missing signature is never a `fail` of its own: lists and forwards break good ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any

from inbox.mail import authentication_arc as arc
from inbox.mail import authentication_dkim as dkim
from inbox.mail import authentication_spf as spf
from inbox.mail.authentication_dkim import ONCE, Head, Signature, Unusable
from inbox.mail.authentication_domains import (
    DmarcPolicy,
    LookUp,
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
    sealers: frozenset[str] = frozenset()
    """Domains whose ARC seals are believed."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """How a stranger's machine handed the mail over, for SPF."""

    ip: spf.IP
    reverse_path: str
    ask: spf.Ask


@dataclass(frozen=True, slots=True)
class Note:
    """What became of one signature, for people."""

    domain: str
    selector: str
    result: str
    why: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is proved about the author. `by` says through what: dkim, spf, arc,
    authentication-results, policy, or nothing; `domain` is who vouches, or whose policy refuses."""

    result: str
    by: str
    domain: str
    aligned: bool
    why: str
    signatures: tuple[Note, ...] = ()
    spf: spf.Spf | None = None
    """What SPF said, where it was asked."""

    def as_json(self) -> dict[str, Any]:
        """The JSON shape of docs/INTERFACES.md."""
        path = self.spf and {
            "result": self.spf.result,
            "domain": self.spf.domain,
            "by": self.spf.by[:200],
        }
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
            "spf": path,
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
    envelope: Envelope | None
    ask: spf.Ask | None
    notes: list[Note] = field(default_factory=list)
    spf: spf.Spf | None = None
    looked_at: int = 0
    unanswered: str = ""


def authenticate(
    raw: bytes,
    author_domain: str,
    look_up: LookUp | None,
    now: datetime,
    how: How,
    envelope: Envelope | None = None,
    ask: spf.Ask | None = None,
) -> Verdict:
    """What is proved about `author_domain`, the domain of the one address in From (lower case,
    A-labels; empty where there is not one). `look_up` is None where no resolver is configured,
    `envelope` where a relay of ours or a mailbox handed it over; `ask` finds out whether the
    author's domain exists at all. Never raises on any mail.
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
    mail = _Mail(raw, head, author, now, how, look_up, envelope, ask, notes)
    found = from_relay(head.fields, how.relays) if how.relays else ()
    verdict = _by_relay(found, mail) or _by_signatures(mail, found)
    return verdict if mail.spf is None else replace(verdict, spf=mail.spf)


# --- What our relay says ---------------------------------------------------------------------


def _by_relay(found: Sequence[Result], mail: _Mail) -> Verdict | None:
    name = _proof(found, mail)
    if name is None:
        return None
    method, domain = name
    why = f"our relay found {method}=pass for {domain}"
    return Verdict(PASS, "authentication-results", domain, True, why)


def _proof(found: Sequence[Result], mail: _Mail) -> tuple[str, str] | None:
    """The finding (method, domain) that proves the author, among those of somebody we believe."""
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
            return one.method, names[0]
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
    proved = _by_path(mail, policy) or _by_sealers(mail)
    notes = tuple(mail.notes[:MOST_NOTES])
    if proved is not None:
        return replace(proved, signatures=notes)
    if mail.unanswered:
        return Verdict(TEMPERROR, "", "", False, mail.unanswered, notes)
    if _relay_refuses(found, mail):
        why = f"our relay found that {mail.author} disowns such mail (dmarc=fail)"
        return Verdict(FAIL, "authentication-results", mail.author, False, why, notes)
    refuses = policy is not None and policy.wants in ("quarantine", "reject")
    by_its_host = mail.spf is not None and mail.spf.result == spf.PASS
    if (
        policy is not None
        and refuses
        and not by_its_host
        and not _relayed_pass(found, policy, mail)
    ):
        why = f"{policy.at} asks to {policy.wants} mail that nothing proves to be its own"
        return Verdict(FAIL, "policy", policy.at, False, why, notes)
    why = notes[0].why if notes else "it is not signed"
    return Verdict(
        NONE, "", "", False, f"its signature proves nothing: {why}" if notes else why, notes
    )


def _by_path(mail: _Mail, policy: DmarcPolicy | None) -> Verdict | None:
    """Did a machine hand it over that may send for the author's domain (SPF, RFC 7208)?

    Proof only where the owner says so by a DMARC record, and not where all the world may send.
    """
    envelope = mail.envelope
    domain = envelope.reverse_path.rpartition("@")[2].lower() if envelope else ""
    if envelope is None or policy is None or not _in_line(domain, policy, mail):
        return None
    found = mail.spf = spf.evaluate(envelope.ip, envelope.reverse_path, envelope.ask)
    if found.result == spf.TEMPERROR:
        mail.unanswered = mail.unanswered or found.by
    if found.result != spf.PASS or not found.narrow:
        return None
    why = f"{domain} lets {envelope.ip} send for it ({found.by[:80]})"
    return Verdict(PASS, "spf", domain, True, why)


def _in_line(domain: str, policy: DmarcPolicy, mail: _Mail) -> bool:
    """Is the reverse-path's domain in line with the author's (RFC 9989 section 4.4)?"""
    if domain == mail.author:
        return True
    if policy.strict_path or mail.how.strict:
        return False
    below = f".{domain}".endswith(f".{policy.house}")
    return _vouches(domain, mail) or (below and may_be_kin(domain, mail.author, mail.how.public))


def _by_sealers(mail: _Mail) -> Verdict | None:
    """Did a listed sealer find proof when it took the mail, before it passed it on (ARC)?"""
    if not mail.how.sealers or mail.look_up is None:
        return None
    try:
        chain = arc.findings(mail.raw, mail.head, mail.how.sealers, mail.look_up)
    except Unusable as error:
        mail.notes.append(Note("", "", NONE, str(error)))
        return None
    except Unanswered as error:
        mail.unanswered = mail.unanswered or str(error)
        return None
    for one in chain:
        proof = _proof(one.results, mail)
        if proof is not None:
            why = f"{one.sealer}, a sealer of ours, found {proof[0]}=pass for {proof[1]}"
            return Verdict(PASS, "arc", one.sealer, True, why)
    return None


def _relayed_pass(found: Sequence[Result], policy: DmarcPolicy, mail: _Mail) -> bool:
    """Did the relay find an aligned `spf=pass`? DMARC asks for no more; a `pass` here does."""
    for one in found:
        if one.method == "spf" and one.result == PASS:
            for value in one.values("smtp.mailfrom"):
                domain = value.rpartition("@")[2]
                if _vouches(domain, mail) or f".{domain}".endswith(f".{policy.house}"):
                    return True
    return False


def _policy(mail: _Mail) -> DmarcPolicy | None:
    if mail.look_up is None or not mail.how.policies:
        return None
    try:
        exists = partial(_exists, mail.ask) if mail.ask else None
        return find_policy(mail.author, mail.look_up, exists)
    except Unanswered as error:
        mail.unanswered = mail.unanswered or str(error)
        return None


def _exists(ask: spf.Ask, name: str) -> bool:
    """Has the name an address or a mail host? What has neither is nobody's (RFC 9091).

    RFC 9989 goes by NXDOMAIN alone, which zones that are signed as they are asked (RFC 9824)
    never say.
    """
    return any(ask.find(name, kind) for kind in ("A", "MX", "AAAA"))


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
