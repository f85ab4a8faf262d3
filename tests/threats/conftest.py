"""The office of `tests/followups`."""

from __future__ import annotations

from tests.followups.conftest import office, sqlite_office

__all__ = ["office", "sqlite_office"]
