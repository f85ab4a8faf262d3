"""ARC (RFC 8617): what a sealer on the way found, where the sealer is one of ours to believe.

A chain proves only who sealed it. Its findings count where every sealer from the finding onwards
is listed; then all seals and the newest signature have to hold. The RSA and the hashes are those
of DKIM, within the same limits.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

from dkim.crypto import DigestTooLargeError, RSASSA_PKCS1_v1_5_verify

from inbox.mail import authentication_dkim as dkim
from inbox.mail.authentication_dkim import Head, Key, Signature, Unusable
from inbox.mail.authentication_domains import LookUp
from inbox.mail.authentication_results import Result, read_results

RESULTS, MESSAGE, SEAL = b"arc-authentication-results", b"arc-message-signature", b"arc-seal"
MOST_SETS = 5
"""RFC 8617 allows 50; honest chains have two or three, and each costs a key and an RSA."""
_INSTANCE = re.compile(rb"\s*i\s*=\s*([1-9][0-9]?)\s*;")
_B = re.compile(rb"([;\s]b\s*=)[^;]*")


@dataclass(frozen=True, slots=True)
class Finding:
    """What one listed sealer found when it took the mail."""

    sealer: str
    results: tuple[Result, ...]


@dataclass(frozen=True, slots=True)
class _Set:
    results: bytes
    message: bytes
    seal: bytes
    place: int
    """Which of the ARC-Message-Signature fields it is, from 0."""
    tags: dict[str, str]

    @property
    def sealer(self) -> str:
        return self.tags["d"].lower()


def findings(
    raw: bytes, head: Head, sealers: frozenset[str], look_up: LookUp
) -> tuple[Finding, ...]:
    """What listed sealers found, the oldest first; nothing where the mail bears no chain or no
    listed sealer sealed it last. Raises `Unusable` for a chain that does not hold, `Unanswered`.
    """
    if not head.values(SEAL) or not sealers:
        return ()
    chain = _chain(head)
    first = len(chain)
    while first and chain[first - 1].sealer in sealers:
        first -= 1
    if first == len(chain):
        return ()
    keys: dict[str, Key] = {}
    for number in range(len(chain), 0, -1):
        _seal_holds(chain[:number], look_up, keys)
    _message_holds(raw, head, chain[-1], look_up)
    found = []
    for one in chain[first:]:
        read = read_results(one.results.partition(b";")[2])
        if read is not None:
            found.append(Finding(one.sealer, read.results))
    return tuple(found)


def _chain(head: Head) -> list[_Set]:
    """The sets by instance. Raises `Unusable` where one is missing, doubled or broken."""
    by_name: dict[bytes, dict[int, tuple[int, bytes]]] = {}
    for name in (RESULTS, MESSAGE, SEAL):
        there = by_name[name] = {}
        for place, value in enumerate(head.values(name)):
            number = _INSTANCE.match(value) if name == RESULTS else None
            instance = int(number[1]) if number else _instance(value)
            if instance in there or len(value) > dkim.MOST_FIELD:
                raise Unusable("its ARC chain has a set twice")
            there[instance] = (place, value)
    count = len(by_name[SEAL])
    wanted = set(range(1, count + 1))
    if count > MOST_SETS or any(set(there) != wanted for there in by_name.values()):
        raise Unusable(f"its ARC chain is not of whole sets, {MOST_SETS} at most")
    chain = []
    for instance in range(1, count + 1):
        place, message = by_name[MESSAGE][instance]
        seal = by_name[SEAL][instance][1]
        tags = _tags(seal)
        if tags.get("cv", "").lower() != ("none" if instance == 1 else "pass") or "h" in tags:
            raise Unusable("its ARC chain was broken on the way")
        chain.append(_Set(by_name[RESULTS][instance][1], message, seal, place, tags))
    return chain


def _tags(value: bytes) -> dict[str, str]:
    try:
        tags = dkim.read_tags(value.decode("ascii"))
    except UnicodeDecodeError as error:
        raise Unusable("its ARC chain is not written in ASCII") from error
    if any(not tags.get(one) for one in ("i", "a", "b", "d", "s")):
        raise Unusable("a field of its ARC chain misses a tag")
    if tags["a"].lower() != "rsa-sha256":
        raise Unusable("its ARC chain is not made with rsa-sha256")
    return tags


def _instance(value: bytes) -> int:
    written = _tags(value)["i"]
    if not re.fullmatch(r"[1-9][0-9]?", written):
        raise Unusable("a field of its ARC chain has no instance")
    return int(written)


def _seal_holds(chain: list[_Set], look_up: LookUp, keys: dict[str, Key]) -> None:
    """The seal of the last of these sets covers all of them in order (section 5.1.1)."""
    last = chain[-1]
    name = f"{last.tags['s'].lower()}._domainkey.{last.sealer}"
    if name not in keys:
        keys[name] = dkim.read_key(look_up(name))
    lines = []
    for one in chain:
        lines.append(_relaxed(RESULTS, one.results))
        lines.append(_relaxed(MESSAGE, one.message))
        seal = one.seal if one is not last else _B.sub(rb"\1", b" " + one.seal, count=1)
        lines.append(_relaxed(SEAL, seal))
    _rsa_holds(b"\r\n".join(lines), last.tags["b"], keys[name], "seal")


def _relaxed(name: bytes, value: bytes) -> bytes:
    return name + b":" + re.sub(rb"[ \t\r\n]+", b" ", value).strip()


def _rsa_holds(text: bytes, written: str, key: Key, what: str) -> None:
    try:
        signature = base64.b64decode(re.sub(r"\s", "", written), validate=True)
        if RSASSA_PKCS1_v1_5_verify(hashlib.sha256(text), signature, key.rsa):
            return
    except (binascii.Error, ValueError, DigestTooLargeError) as error:
        raise Unusable(f"a {what} of its ARC chain cannot be read") from error
    raise Unusable(f"a {what} of its ARC chain does not hold")


def _message_holds(raw: bytes, head: Head, newest: _Set, look_up: LookUp) -> None:
    """The newest signature over the mail itself, which says that it is still as it was sealed."""
    tags = _tags(newest.message)
    if not tags.get("h") or not tags.get("bh"):
        raise Unusable("a field of its ARC chain misses a tag")
    signed = [one.strip().lower() for one in tags["h"].split(":")]
    if "from" not in signed or "arc-seal" in signed or len(signed) > dkim.MOST_SIGNED_FIELDS:
        raise Unusable("its ARC chain does not sign From")
    tags.setdefault("c", "relaxed/relaxed")
    one = Signature(newest.place, tags["d"].lower(), tags["s"].lower(), tags)
    dkim.verify(raw, head, one, dkim.read_key(look_up(one.key_name)), MESSAGE)
