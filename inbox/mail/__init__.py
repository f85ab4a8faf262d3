"""Letters: bytes to values and RFC knowledge; no database, no sockets, no clock."""
