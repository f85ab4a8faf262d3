"""What an SMTP dialogue says about a mail: paths, parameters, trace fields. Pure; no sockets."""

from __future__ import annotations

import re
from dataclasses import dataclass

MOST_PATH_CHARACTERS = 512
MOST_TRACE_FIELDS = 50
"""RFC 5321 section 6.3 asks for a limit; a mail with more `Received` fields is going in circles."""
MOST_HEADER_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Received:
    """A mail that a peer has handed over and that nobody has answered for yet.

    `raw` is the content of DATA with the dot-stuffing undone and nothing else changed.
    `reverse_path` is empty for the null path; the paths are as the peer wrote them, without angle
    brackets. `peer` is its IP address, `helo` the name that it gave itself.
    """

    raw: bytes
    reverse_path: str
    forward_paths: tuple[str, ...]
    peer: str
    tls: bool
    helo: str


@dataclass(frozen=True, slots=True)
class Path:
    """An address in angle brackets and the ESMTP parameters after it (RFC 5321 section 4.1.2)."""

    address: str
    parameters: dict[str, str]


# Control characters, spaces, direction marks and surrogates (bytes that were no UTF-8) are in no
# set below, so an address that leaves here can go into a log line or a header field again.
_BAD = r"\x00-\x20\x7f-\xa0\u200b-\u200f\u2028-\u202f\u2060-\u206f\ud800-\udfff\ufeff"
_ATOM = rf'[^{_BAD}"(),:;<>@\[\\\]]+'
_QUOTED = rf'"(?:[^{_BAD}"\\]|[ ]|\\[\x20-\x7e])*"'
_LABEL = rf"(?:[0-9A-Za-z_-]|[^\x00-\x7f{_BAD}])+"
_DOMAIN = rf"(?:{_LABEL}\.)*{_LABEL}\.?"
_LITERAL = r"\[[0-9A-Za-z.:-]+\]"
_ADDRESS = rf"(?:{_ATOM}|{_QUOTED})@(?:{_DOMAIN}|{_LITERAL})"
_ROUTE = rf"(?:@{_DOMAIN}(?:,@{_DOMAIN})*:)?"
_PATH = re.compile(
    rf"[ ]*(?:<{_ROUTE}(?P<in>{_ADDRESS}|(?i:postmaster)|)>|(?P<bare>{_ADDRESS}))(?P<rest>[ ].*)?"
)
_PARAMETER = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([\x21-\x3c\x3e-\x7e]+))?")
_HEADER_END = re.compile(rb"\r?\n\r?\n")
_TRACE_FIELD = re.compile(rb"(?:\A|\n)received[ \t]*:", re.IGNORECASE)


def read_path(text: str) -> Path | None:
    """The path and parameters after `FROM:` or `TO:`; None where it is none.

    A source route is read and dropped (RFC 5321 appendix C); angle brackets may be missing, as
    old clients leave them out. `<>` gives an empty address.
    """
    if len(text) > 4 * MOST_PATH_CHARACTERS:
        return None
    match = _PATH.fullmatch(text)
    if match is None:
        return None
    address = match["bare"] or match["in"] or ""
    if len(address) > MOST_PATH_CHARACTERS:
        return None
    parameters: dict[str, str] = {}
    for word in (match["rest"] or "").split():
        parameter = _PARAMETER.fullmatch(word)
        if parameter is None or parameter[1].upper() in parameters:
            return None
        parameters[parameter[1].upper()] = parameter[2] or ""
    return Path(address, parameters)


def goes_in_circles(raw: bytes) -> bool:
    """Are there more `Received` fields than any honest way needs?"""
    end = _HEADER_END.search(raw, 0, MOST_HEADER_BYTES)
    header = raw[: end.start() if end else MOST_HEADER_BYTES]
    return len(_TRACE_FIELD.findall(header)) > MOST_TRACE_FIELDS


def readable(text: str, most: int = 255) -> str:
    """A name that a peer gave itself, made safe to store and to log."""
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(char if char.isprintable() else "?" for char in text[:most])
