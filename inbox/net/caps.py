"""What all connections may cost together: how many there are, and the memory of their mails."""

from __future__ import annotations

from collections import Counter


class Caps:
    """Counts connections and bytes; the caller gives back what it took."""

    def __init__(self, most_connections: int, most_per_peer: int, most_bytes: int) -> None:
        self._most_connections = most_connections
        self._most_per_peer = most_per_peer
        self._most_bytes = most_bytes
        self._peers: Counter[str] = Counter()
        self._connections = 0
        self._bytes = 0

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return self._connections

    @property
    def bytes_held(self) -> int:
        """How much memory is given out."""
        return self._bytes

    def enter(self, peer: str) -> str | None:
        """Count a connection in; or why it may not come in."""
        if self._connections >= self._most_connections:
            return "too many connections"
        if self._peers[peer] >= self._most_per_peer:
            return "too many connections from your address"
        self._connections += 1
        self._peers[peer] += 1
        return None

    def leave(self, peer: str) -> None:
        """Count a connection out."""
        self._connections -= 1
        self._peers[peer] -= 1
        if self._peers[peer] <= 0:
            del self._peers[peer]

    def has_room(self, size: int) -> bool:
        """Would `size` more bytes fit now?"""
        return self._bytes + size <= self._most_bytes

    def reserve(self, size: int) -> bool:
        """Take memory for `size` bytes; False, and nothing taken, where that is too much."""
        if not self.has_room(size):
            return False
        self._bytes += size
        return True

    def release(self, size: int) -> None:
        """Give memory back."""
        self._bytes -= size
