"""`Authentication-Results` (RFC 8601): read, and which of them our own relay can have written.

Anybody can write this field into a mail. It counts only where the caller knows that one of our
relays handed the mail over, and only at a place of the header that the relay wrote:

- The topmost `Received` has to be the relay's own: its `by` is a trusted name.
- What stands above that was put there after our relay took the mail; the topmost run of fields
  that bear a trusted name counts.
- Else the first such field below it counts, or below further `Received` of ours. Only the first: a
  stranger's may follow it, and a relay that strips nothing would hand it to us.
- Nothing below the first `Received` of anybody else counts.

A relay that adds no result of its own to some mail and strips none either (against RFC 8601
section 5) would leave a stranger's field at that place; that cannot be seen from here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

MOST_FIELD = 16 * 1024
MOST_RESULTS = 50

_TOKEN = re.compile(r'[ \t\r\n]+|"(?:[^"\\]|\\.)*"|[;=/]|[^ \t\r\n";=/()]+|.', re.DOTALL)
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_BY = re.compile(rb"(?:\A|[ \t\r\n)])by[ \t\r\n]+([A-Za-z0-9._-]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Result:
    """One finding: `dkim=pass header.d=customer.example`."""

    method: str
    result: str
    properties: tuple[tuple[str, str], ...]
    """(`header.d`, value) in order, values as written."""
    comment: str
    """What stood in parentheses, where receivers tell the policy (`p=REJECT`)."""

    def values(self, name: str) -> tuple[str, ...]:
        """All values of one property, lower case."""
        return tuple(value.lower() for key, value in self.properties if key == name)


@dataclass(frozen=True, slots=True)
class Results:
    """One field as read."""

    authserv_id: str
    results: tuple[Result, ...]


def read_results(value: bytes) -> Results | None:
    """Read one field's value; None where it is none of RFC 8601, or of another version."""
    if len(value) > MOST_FIELD:
        return None
    parts = list(_parts(value.decode("utf-8", "replace")))
    if not parts or not parts[0][0]:
        return None
    words = parts[0][0]
    version = [one for one in words[1:] if one != " "]
    if version not in ([], ["1"]):
        return None
    found = []
    for tokens, comment in parts[1 : MOST_RESULTS + 1]:
        one = _result([token for token in tokens if token != " "], comment)
        if one is not None:
            found.append(one)
    return Results(_plain(words[0]).lower(), tuple(found))


def _parts(text: str) -> Iterator[tuple[list[str], str]]:
    """The parts between semicolons, as tokens; comments, which may nest, apart."""
    tokens: list[str] = []
    comment: list[str] = []
    depth, at = 0, 0
    while at < len(text):
        char = text[at]
        if char == "\\" and depth:
            at += 2
        elif char in "()":
            depth = max(0, depth + (1 if char == "(" else -1))
            comment.append(" ")
            at += 1
        elif depth:
            comment.append(char)
            at += 1
        else:
            token = _TOKEN.match(text, at)
            if token is None:
                return
            at = token.end()
            if token[0] == ";":
                yield tokens, "".join(comment)
                tokens, comment = [], []
            elif token[0].strip():
                tokens.append(token[0])
    yield tokens, "".join(comment)


def _plain(token: str) -> str:
    quoted = len(token) > 1 and token[0] == token[-1] == '"'
    return re.sub(r"\\(.)", r"\1", token[1:-1]) if quoted else token


def _result(tokens: Sequence[str], comment: str) -> Result | None:
    """`method[/version] = result [reason = value] *( ptype.property = value )`."""
    pairs: list[tuple[str, str]] = []
    at = 0
    while at < len(tokens):
        name = tokens[at].lower()
        if at == 0 and len(tokens) > 3 and tokens[1] == "/":
            if tokens[2] != "1":
                return None
            at += 2
        if at + 2 >= len(tokens) or tokens[at + 1] != "=":
            return None if at == 0 else _made(pairs, comment)
        value, at = _plain(tokens[at + 2]), at + 3
        while at < len(tokens) and tokens[at] in "/=":
            # A value such as user=tag@domain or base64 is one word to whoever wrote it.
            value += tokens[at] + (_plain(tokens[at + 1]) if at + 1 < len(tokens) else "")
            at += 2
        pairs.append((name, value))
    return _made(pairs, comment)


def _made(pairs: Sequence[tuple[str, str]], comment: str) -> Result | None:
    if not pairs or not _WORD.fullmatch(pairs[0][0]):
        return None
    return Result(pairs[0][0], pairs[0][1].lower(), tuple(pairs[1:]), comment.strip())


def from_relay(fields: Sequence[tuple[bytes, bytes]], names: frozenset[str]) -> tuple[Result, ...]:
    """What our relay found, out of a header (names in lower case) that it handed over.

    `names` are its authserv-ids and host names, lower case. Empty where it wrote nothing.
    """
    run: list[Result] = []
    confirmed = seen = ended = False
    for name, value in fields:
        if name == b"received":
            if (seen and confirmed) or _written_by(value) not in names:
                break
            confirmed, ended = True, seen
        elif name == b"authentication-results" and not ended:
            read = read_results(value)
            if read is not None and read.authserv_id in names:
                run += read.results
                seen = True
            # Above the relay's own Received all is its own; below it only the first field is.
            ended = confirmed
        elif seen:
            ended = True
    return tuple(run[:MOST_RESULTS]) if confirmed else ()


def _written_by(received: bytes) -> str:
    found = _BY.search(re.sub(rb"\([^()]*\)", b" ", received[:4096]))
    return found[1].decode("ascii").lower().rstrip(".") if found else ""
