"""From where a request comes, as far as it can be believed.

What a proxy says counts only from the proxies named in `web: trusted_proxies:`; the same fields
from anybody else are somebody's claim about themselves, and are ignored.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from starlette.datastructures import Headers
from starlette.types import Scope

FORWARDING = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto",
              "x-real-ip", "via")  # fmt: skip

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Source:
    """Who asks, over what."""

    address: str
    """Of the browser, or of the nearest machine on the way that nobody vouches for."""
    secure: bool
    """Did the request come over TLS, here or to a proxy of ours?"""
    local: bool
    """Is it this very machine, with nobody in between?"""
    by_proxy: bool
    """Did one of our proxies hand it over?"""


@lru_cache(maxsize=8)
def networks(written: Sequence[str]) -> tuple[Network, ...]:
    """The networks of the settings, which were checked when they were read."""
    return tuple(ipaddress.ip_network(one) for one in written)


def _address(text: str) -> Address | None:
    try:
        found = ipaddress.ip_address(text.strip().strip("[]"))
    except ValueError:
        return None
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
        return found.ipv4_mapped
    return found


def source_of(scope: Scope, trusted: tuple[str, ...]) -> Source:
    """Where the request of an ASGI scope comes from."""
    peer_text = str((scope.get("client") or ("", 0))[0])
    peer = _address(peer_text)
    headers = Headers(scope=scope)
    secure = scope.get("scheme") == "https"
    ours = networks(trusted)
    if peer is None or not any(peer in one for one in ours):
        told = any(name in headers for name in FORWARDING)
        local = peer is not None and peer.is_loopback and not told
        return Source(str(peer or peer_text)[:64], secure, local, False)
    hops = [one for line in headers.getlist("x-forwarded-for") for one in line.split(",")]
    address = peer
    for hop in reversed(hops):
        parsed = _address(hop)
        if parsed is None:
            break
        address = parsed
        if not any(parsed in one for one in ours):
            break
    protocols = [one for line in headers.getlist("x-forwarded-proto") for one in line.split(",")]
    secure = secure or (bool(protocols) and protocols[-1].strip().lower() == "https")
    return Source(str(address), secure, False, True)
