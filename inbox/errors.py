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
