"""Signs what leaves with DKIM (RFC 6376); the door to dkimpy for signing. Verifies nothing."""

from __future__ import annotations

from dataclasses import dataclass, field

import dkim


class UnusableKey(ValueError):
    """The private key is none that DKIM can sign with."""


@dataclass(frozen=True, slots=True)
class DkimKey:
    """A private key (PEM, RSA) and where its public half is: `SELECTOR._domainkey.DOMAIN`."""

    selector: str
    domain: str
    private_key: bytes = field(repr=False)


def signed(raw: bytes, key: DkimKey, domain: str = "") -> bytes:
    """The mail with a DKIM-Signature in front. `domain` where the key names none.

    Signed are the fields that a reader sees, those that thread it, and the whole body; From, Date
    and Subject so that another one of each cannot be added. Raises `UnusableKey`.
    """
    try:
        header = dkim.sign(
            raw,
            key.selector.encode(),
            (key.domain or domain).encode(),
            key.private_key,
            canonicalize=(b"relaxed", b"relaxed"),
        )
    except dkim.DKIMException as error:
        raise UnusableKey(f"it cannot sign: {error}") from error
    return bytes(header) + raw
