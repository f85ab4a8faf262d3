"""The errors that a face shows as one line; anything else is a bug and keeps its traceback."""

from __future__ import annotations

from collections.abc import Sequence

from routing.problems import Problem


class AboardError(Exception):
    """Something that a person can act on went wrong."""

    exit_code = 1


class ConfigError(AboardError):
    """A file or setting that an admin owns is wrong; carries every problem found."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class StoreError(AboardError):
    """The database cannot do what was asked: unreachable, locked, full or of another version."""

    exit_code = 75


class SchemaError(StoreError):
    """The database has another schema version than this program; `aboard db upgrade` mends it."""

    exit_code = 1


class NotFound(AboardError):
    """No such account, thread, message or quarantined mail."""


class UnreadableMail(AboardError):
    """A mail that cannot be read within the limits; it belongs in quarantine with this cause."""

    def __init__(self, cause: str, detail: str) -> None:
        self.cause = cause
        super().__init__(detail)


UNREACHABLE, CUT, SILENT = "unreachable", "cut", "silent"
TLS, SIGN_IN, TOKEN, FOLDER = "tls", "sign-in", "token", "folder"
REFUSED, GARBLED, TOO_MUCH = "refused", "garbled", "too-much"
"""Causes of `MailboxError`: no connection; it was cut; the server says nothing any more; TLS;
nobody is let in; no access token; no such folder; a command was refused; what the server said
cannot be read; it sends more than it was asked for."""


class MailboxError(AboardError):
    """A mailbox on a server cannot be polled now: which one, what happened, what to do."""

    exit_code = 75

    def __init__(self, cause: str, message: str) -> None:
        self.cause = cause
        super().__init__(message)

    @property
    def connected(self) -> bool:
        """Can the same connection be used for the next command?"""
        return self.cause in (REFUSED, GARBLED, FOLDER)
