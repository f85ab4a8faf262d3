"""Password hashes that cost nearly nothing, for tests that are not about their cost."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher

from inbox import passwords


def cheapened(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash with the least memory and time until the test ends."""
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", cheap)
    monkeypatch.setattr(passwords, "_of_nobody", [])
