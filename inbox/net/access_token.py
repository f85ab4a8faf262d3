"""OAuth2 access tokens: what a configured program prints, and how it is offered to a server.

A token is never shown, logged or kept.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence

from inbox.errors import TOKEN, MailboxError

SECONDS = 30.0
LONGEST = 16 * 1024
_TOKEN = re.compile(r"[\x21-\x7e]+\Z")


def access_token(command: Sequence[str], where: str, seconds: float = SECONDS) -> str:
    """Run a program without a shell and give the one line that it prints.

    Raises `MailboxError`; what the program said is in no error, as it may hold the token.
    """
    program = command[0]
    try:
        done = subprocess.run(
            list(command), stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds
        )
    except subprocess.TimeoutExpired:
        raise _trouble(where, program, f"took longer than {seconds:g} s") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise _trouble(where, program, f"cannot be run: {why}") from None
    if done.returncode:
        raise _trouble(where, program, f"ended with exit code {done.returncode}")
    token = done.stdout.strip().decode("ascii", "replace")
    if len(token) > LONGEST or not _TOKEN.match(token):
        raise _trouble(where, program, "did not print one line that can be a token")
    return token


class Offer:
    """The client's side of XOAUTH2, or of OAUTHBEARER (RFC 7628): the answer to each challenge."""

    def __init__(self, username: str, token: str, *, bearer: bool) -> None:
        name = username.replace("=", "=3D").replace(",", "=2C")
        start = f"n,a={name}," if bearer else f"user={username}"
        self._first: bytes | None = f"{start}\x01auth=Bearer {token}\x01\x01".encode()
        self._after_refusal = b"\x01" if bearer else b""
        self.refusal = ""
        """What the server said of a token that it does not take."""

    def __call__(self, challenge: bytes) -> bytes:
        first, self._first = self._first, None
        if first is not None:
            return first
        # A refusal is told in a challenge of its own, and the answer to it says nothing.
        self.refusal = challenge.decode("utf-8", "replace")
        return self._after_refusal


def _trouble(where: str, program: str, what: str) -> MailboxError:
    hint = "run it by hand as the user who runs Aboard; what it said is not shown here"
    return MailboxError(TOKEN, f"{where}: the token command {program!r} {what}; {hint}")
