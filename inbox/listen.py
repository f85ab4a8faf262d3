"""Where a server listens, and who could reach it there; a value, no sockets."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from routing.problems import Problem


@dataclass(frozen=True, slots=True)
class Listen:
    """Where a server listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def loopback(self) -> bool:
        """Can only this machine reach it?"""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def exposed(self, *, behind_proxy: bool = False) -> Problem | None:
        """What is wrong with it for the web inbox; None on loopback, or where only the proxies
        that end TLS are answered. Passwords never travel in the clear."""
        if self.loopback or behind_proxy:
            return None
        message = f"`web: listen: {self}` can be reached from other machines without TLS"
        hint = (
            "listen on 127.0.0.1; or put a proxy that ends TLS before it and name its address in"
            " `web: trusted_proxies:` (docs/WEB.md)"
        )
        return Problem("web.listen", 0, 0, "not-loopback", message, hint)
