"""A terminal in an empty folder, and one with a working folder in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.running import Terminal


@pytest.fixture
def empty(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Terminal:
    """A terminal in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ABOARD_CONFIG", raising=False)
    return Terminal(tmp_path, capsys)


@pytest.fixture
def terminal(empty: Terminal) -> Terminal:
    """A terminal in a folder in which `aboard init work` was run."""
    empty.start()
    return empty
