"""DKIM signatures (RFC 6376, 8301): read strictly, verified with dkimpy. No look-ups, no verdict.

dkimpy hashes the header and does the RSA. What it leaves to the clock of the machine, or takes
too long over, is done here: which signatures are worth a look, times, `l=`, keys, the body.
Every refusal is a sentence for people; none of them is proof that a mail is forged.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import dkim
from dkim.crypto import parse_public_key

from inbox.mail.authentication_body import body_hash
from inbox.mail.limits import MAX_BLOCK

LEAST_KEY_BITS, MOST_KEY_BITS = 1024, 4096
"""RFC 8301 section 3.2; above it a stranger's key would cost us more than his mail is worth."""
MOST_EXPONENT = 2**32
MOST_FIELD = 16 * 1024
MOST_SIGNED_FIELDS = 128
MOST_BLANKS = 64
"""Blanks in a row within a signature: dkimpy takes the square of it in time."""
SKEW = timedelta(hours=1)
"""How far ahead of ours the signer's clock may be."""

ONCE = frozenset(
    b"from sender reply-to to cc subject date message-id in-reply-to references mime-version"
    b" content-type content-transfer-encoding".split()
)
"""Fields that a mail has once. A signature speaks for one of two: nobody knows which is shown."""

_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_FROM = re.compile(rb"(?:\A|[\r\n])from[ \t]*:", re.IGNORECASE)
_FIELD = re.compile(rb"([\x21-\x39\x3b-\x7e]+):(.*)", re.DOTALL)
_LINE_START = re.compile(rb"\r?\n(?![ \t])")
_NAME = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9-]+")
_LONG_BLANK = re.compile(rb"[ \t\r\n]{%d}" % (MOST_BLANKS + 1))


class Unusable(ValueError):
    """A signature, key or header that proves nothing; the message says why."""


@dataclass(frozen=True, slots=True)
class Head:
    """The header of a mail, read so strictly that every reader sees the same fields in it."""

    fields: tuple[tuple[bytes, bytes], ...]
    """(name in lower case, value as sent), in order."""
    block: bytes
    body_at: int

    def values(self, name: bytes) -> tuple[bytes, ...]:
        """Every value of one field, first to last."""
        return tuple(value for key, value in self.fields if key == name)


def count_from(raw: bytes) -> int:
    """How many From fields any reader might see in the header, however it is written."""
    block = raw[:MAX_BLOCK]
    end = _BLANK_LINE.search(block)
    return len(_FROM.findall(block[: end.start()] if end else block))


def read_head(raw: bytes) -> Head:
    """The header of `raw`. Raises `Unusable` for one that two readers could read differently."""
    block = raw[:MAX_BLOCK]
    end = _BLANK_LINE.search(block)
    if end is None:
        raise Unusable("no empty line ends the header")
    block = block[: end.start()]
    if b"\0" in block or b"\r" in block.replace(b"\r\n", b"\n"):
        raise Unusable("the header holds bare carriage returns or NUL")
    fields = []
    for line in _LINE_START.split(block):
        found = _FIELD.fullmatch(line)
        if found is None:
            raise Unusable("the header holds a line that is no field")
        fields.append((found[1].lower(), found[2]))
    return Head(tuple(fields), block, end.end())


@dataclass(frozen=True, slots=True)
class Signature:
    """One DKIM-Signature field as read; nothing about it is verified."""

    place: int
    """Which of the DKIM-Signature fields it is, from 0."""
    domain: str
    selector: str
    tags: dict[str, str]

    @property
    def key_name(self) -> str:
        """Where its public key is published."""
        return f"{self.selector}._domainkey.{self.domain}"


def read_tags(text: str) -> dict[str, str]:
    """A tag list of RFC 6376 section 3.2. Raises `Unusable`; a tag that comes twice is refused."""
    tags: dict[str, str] = {}
    for part in text.rstrip().removesuffix(";").split(";"):
        name, equals, value = part.partition("=")
        name = name.strip()
        if not equals or not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name) or name in tags:
            raise Unusable("it is no list of tags, each once")
        tags[name] = value.strip()
    return tags


def read_signature(place: int, value: bytes) -> Signature:
    """Read the field's value. Raises `Unusable` where it could be none that is good."""
    if len(value) > MOST_FIELD or _LONG_BLANK.search(value):
        raise Unusable("it is longer than any honest signature")
    try:
        tags = read_tags(value.decode("ascii"))
    except UnicodeDecodeError as error:
        raise Unusable("it is not written in ASCII") from error
    missing = [tag for tag in ("v", "a", "b", "bh", "d", "h", "s") if not tags.get(tag)]
    if missing:
        raise Unusable(f"{missing[0]}= is missing")
    domain, selector = tags["d"].lower(), tags["s"].lower()
    if not _NAME.fullmatch(domain) or "." not in domain or not _NAME.fullmatch(selector):
        raise Unusable("its domain or selector is no name")
    if tags["v"] != "1":
        raise Unusable(f"its version is {tags['v'][:20]!r}, not 1")
    return Signature(place, domain, selector, tags)


def refused_at_sight(head: Head, signature: Signature, now: datetime) -> str:
    """Why a signature proves nothing whatever its key says; empty where it may."""
    tags = signature.tags
    if tags["a"] != "rsa-sha256":
        return f"it is made with {tags['a'][:30]}, and only rsa-sha256 is verified"
    if tags.get("q", "dns/txt") != "dns/txt":
        return "its key is not in DNS"
    signed = [one.strip().lower() for one in tags["h"].split(":")]
    if len(signed) > MOST_SIGNED_FIELDS:
        return f"it signs more than {MOST_SIGNED_FIELDS} fields"
    for name in ("from", "subject", "reply-to"):
        # What a reader sees and what an answer goes to, or another could be put into its place.
        if name not in signed and (name == "from" or head.values(name.encode())):
            return f"it does not sign {name.title()}"
    identity = tags.get("i", "").lower().rpartition("@")[2] or signature.domain
    if identity != signature.domain and not identity.endswith(f".{signature.domain}"):
        return "its i= is outside its d="
    return _times(tags, now)


def _times(tags: dict[str, str], now: datetime) -> str:
    seconds: dict[str, int] = {}
    for name in ("t", "x"):
        if name in tags:
            if not re.fullmatch(r"[0-9]{1,12}", tags[name]):
                return f"its {name}= is no time"
            seconds[name] = int(tags[name])
    at = now.timestamp()
    if seconds.get("x", at) < at:
        return "it has expired"
    if seconds.get("t", at) > at + SKEW.total_seconds():
        return "it was made in the future"
    if "t" in seconds and "x" in seconds and seconds["x"] < seconds["t"]:
        return "it expired before it was made"
    return ""


@dataclass(frozen=True, slots=True)
class Key:
    """A public key that may verify."""

    rsa: Any
    bits: int
    exact: bool
    """`t=s`: the i= of a signature has to be in the very domain, not below it."""


def read_key(texts: tuple[bytes, ...]) -> Key:
    """The key in the TXT records of its name. Raises `Unusable`."""
    if not texts:
        raise Unusable("no key is published for it")
    if len(texts) > 1:
        raise Unusable("several keys are published under one name")
    try:
        tags = read_tags(texts[0].decode("ascii"))
    except (Unusable, UnicodeDecodeError) as error:
        raise Unusable("its key record cannot be read") from error
    flags = [one.strip() for one in tags.get("t", "").split(":")]
    for wrong, why in (
        (tags.get("v", "DKIM1") != "DKIM1", "its key record is of an unknown version"),
        (tags.get("k", "rsa") != "rsa", "its key is not RSA"),
        (not _lists(tags, "h", "sha256"), "its key is not for SHA-256"),
        (not _lists(tags, "s", "email"), "its key is not for mail"),
        ("y" in flags, "its domain says that it only tests DKIM"),
        (not tags.get("p"), "its key was revoked"),
    ):
        if wrong:
            raise Unusable(why)
    return _rsa(tags["p"], "s" in flags)


def _lists(tags: dict[str, str], name: str, wanted: str) -> bool:
    given = [one.strip() for one in tags.get(name, "*").split(":")]
    return "*" in given or wanted in given


def _rsa(written: str, exact: bool) -> Key:
    try:
        found = parse_public_key(base64.b64decode(re.sub(r"\s", "", written), validate=True))
        modulus, exponent = int(found["modulus"]), int(found["publicExponent"])
    except Exception as error:
        # dkimpy reads a stranger's DER here, and fails on bad ones in whatever way comes.
        raise Unusable("its key cannot be read") from error
    bits = modulus.bit_length() if modulus > 0 else 0
    if not LEAST_KEY_BITS <= bits <= MOST_KEY_BITS:
        raise Unusable(f"its key has {bits} bits, not {LEAST_KEY_BITS} to {MOST_KEY_BITS}")
    if not 3 <= exponent <= MOST_EXPONENT or exponent % 2 == 0:
        raise Unusable("its key has an exponent that no key should have")
    return Key(found, bits, exact)


def verify(
    raw: bytes, head: Head, signature: Signature, key: Key, name: bytes = b"dkim-signature"
) -> None:
    """Hold the mail against the signature; silent where it is good. Raises `Unusable`.

    `name` is the field in which it stands: ARC (RFC 8617) signs mail in one of its own.
    """
    tags = signature.tags
    identity = tags.get("i", "").lower().rpartition("@")[2] or signature.domain
    if key.exact and identity != signature.domain:
        raise Unusable("its key is not for subdomains")
    header, _, body = tags.get("c", "simple/simple").partition("/")
    body = body or "simple"
    if {header, body} - {"simple", "relaxed"}:
        raise Unusable("its canonicalisation is unknown")
    if not _header_holds(head, signature, key, name):
        raise Unusable("it does not fit the header: the header was changed, or it is forged")
    _body_holds(raw, head, tags, body == "relaxed")


def _header_holds(head: Head, signature: Signature, key: Key, name: bytes) -> bool:
    try:
        # Only the header: the whole mail as lines would cost many times its size in memory.
        mail = dkim.DKIM(head.block + b"\r\n\r\n")
        fields = [one for one in mail.headers if one[0].lower() == name]
        mail.pk, mail.keysize, mail.ktag, mail.seqtlsrpt = key.rsa, key.bits, b"rsa", False
        # Without `bh` dkimpy leaves the body alone; `_body_holds` judges it.
        tags = {k.encode(): v.encode() for k, v in signature.tags.items() if k not in ("bh", "l")}
        signed = [one.strip().lower() for one in tags[b"h"].split(b":")]
        return bool(mail.verify_sig_process(tags, signed, fields[signature.place], None))
    except (dkim.DKIMException, binascii.Error, ValueError, IndexError, AssertionError) as error:
        raise Unusable("it cannot be read") from error


def _body_holds(raw: bytes, head: Head, tags: dict[str, str], relaxed: bool) -> None:
    limit = None
    if "l" in tags:
        if not re.fullmatch(r"[0-9]{1,12}", tags["l"]):
            raise Unusable("its l= is no length")
        limit = int(tags["l"])
    found = body_hash(raw, head.body_at, relaxed, limit)
    if limit is not None and limit != found.length:
        raise Unusable("it leaves a part of the text unsigned (l=)")
    try:
        claimed = base64.b64decode(re.sub(r"\s", "", tags["bh"]), validate=True)
    except binascii.Error as error:
        raise Unusable("its bh= cannot be read") from error
    if claimed != found.digest:
        raise Unusable("it does not fit the text: the text was changed")
