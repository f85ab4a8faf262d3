"""The outside: sockets and protocols; no SQL."""
