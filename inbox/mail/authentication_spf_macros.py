"""Macros in SPF records (RFC 7208 section 7): `%{ir}.%{v}._spf.%{d2}`. Expansion only."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import quote

_PIECE = re.compile(r"%(?:([%_-])|\{([slodiphvcrt])([0-9]*)(r?)([.+,/_=-]*)\})", re.IGNORECASE)
MOST = 1024
"""Characters of an expanded name before it is cut to a domain's length."""


class BadMacro(Exception):
    """A macro that RFC 7208 does not know."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends: the peer's address and the reverse-path in its two halves."""

    ip: ipaddress.IPv4Address | ipaddress.IPv6Address
    local: str
    domain: str


def expand(written: str, sender: Sender, domain: str) -> str:
    """The text with its macros replaced; `domain` is the one whose record it stands in.

    `%{p}` and `%{h}` are `unknown`: nobody should rely on the first, and the name of HELO, which
    is the second, is not kept. Raises `BadMacro`.
    """
    made: list[str] = []
    at = 0
    while at < len(written):
        mark = written.find("%", at)
        if mark < 0:
            made.append(written[at:])
            break
        made.append(written[at:mark])
        found = _PIECE.match(written, mark)
        if found is None:
            raise BadMacro(f"{written[mark : mark + 20]!r} is no macro of SPF")
        made.append(_one(found, sender, domain))
        at = found.end()
    return "".join(made)[-MOST:]


def _one(found: re.Match[str], sender: Sender, domain: str) -> str:
    if found[1]:
        return {"%": "%", "_": " ", "-": "%20"}[found[1]]
    letter = found[2]
    value = {
        "s": f"{sender.local}@{sender.domain}",
        "l": sender.local,
        "o": sender.domain,
        "d": domain,
        "i": _dotted(sender.ip),
        "p": "unknown",
        "h": "unknown",
        "v": "in-addr" if sender.ip.version == 4 else "ip6",
        "c": str(sender.ip),
        "r": "unknown",
        "t": "0",
    }[letter.lower()]
    parts = re.split(f"[{re.escape(found[5] or '.')}]", value)
    if found[4]:
        parts.reverse()
    if found[3]:
        count = int(found[3][:3])
        if count == 0:
            raise BadMacro("a macro that keeps no part of its value")
        parts = parts[-count:]
    text = ".".join(parts)
    return quote(text, safe="-._~") if letter.isupper() else text


def _dotted(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    """An IPv4 address as it is, an IPv6 one as 32 digits with dots between them."""
    if ip.version == 4:
        return str(ip)
    return ".".join(ip.exploded.replace(":", ""))
