"""Passwords: argon2id (RFC 9106), a few at a time, and the same work whether or not one is there.

The only room that knows argon2.
"""

from __future__ import annotations

import secrets
import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from inbox.errors import AboardError

SHORTEST, LONGEST = 12, 256
"""Characters. No rules of composition: length is what counts (NIST SP 800-63B 3.1.1.2)."""
AT_ONCE = 2
"""Hashes in work: each takes 64 MiB, and a flood of sign-ins must not take all memory."""
PATIENCE = 5.0
"""Seconds that one waits for its turn."""

_TOO_EASY = frozenset({"password", "passwort", "aboard", "onboarding", "qwerty", "letmein", "abc"})
_hasher = PasswordHasher(time_cost=3, memory_cost=65536, parallelism=4)
_turn = threading.BoundedSemaphore(AT_ONCE)


class Busy(AboardError):
    """Too many passwords are being checked; try again in a moment."""


class WeakPassword(AboardError):
    """A password that must not be used; says why."""


def judge(password: str, *names: str) -> None:
    """Raises `WeakPassword` for what is too short, too long, or easily guessed from `names`."""
    if len(password) < SHORTEST:
        raise WeakPassword(f"A password needs at least {SHORTEST} characters; a sentence is good.")
    if len(password) > LONGEST:
        raise WeakPassword(f"A password has at most {LONGEST} characters.")
    bare = "".join(c for c in password.casefold() if c.isalpha())
    said = {"".join(c for c in name.casefold() if c.isalpha()) for name in names}
    pieces = _TOO_EASY | {one for one in said if one}
    if len(set(password)) < 5 or bare in pieces or any(bare == 2 * one for one in pieces):
        raise WeakPassword("This password is easily guessed; a sentence of your own is good.")


def hashed(password: str) -> str:
    """The hash of a password, with a salt of its own. Raises `Busy`."""
    with _Turn():
        return _hasher.hash(password)


def right(stored: str | None, password: str) -> bool:
    """Is it the password that was hashed? Where none is stored the same work is done for nothing,
    so that the time tells nobody who has an account. Raises `Busy`."""
    with _Turn():
        try:
            _hasher.verify(_nobody() if stored is None else stored, password[:LONGEST])
        except (VerificationError, InvalidHashError):
            return False
    return stored is not None


def outdated(stored: str) -> bool:
    """Was it hashed with other parameters than those of today?"""
    return _hasher.check_needs_rehash(stored)


class _Turn:
    def __enter__(self) -> None:
        if not _turn.acquire(timeout=PATIENCE):
            raise Busy("Too many people are signing in at this moment; try again.")

    def __exit__(self, *_: object) -> None:
        _turn.release()


_of_nobody: list[str] = []


def _nobody() -> str:
    """A hash that no password fits, made once."""
    if not _of_nobody:
        _of_nobody.append(_hasher.hash(secrets.token_urlsafe(32)))
    return _of_nobody[0]
