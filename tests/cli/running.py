"""Runs `aboard` as a person would: in this process for speed, or as a process of its own."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest

from inbox.cli import opening
from inbox.cli.main import main

ABOARD = Path(sys.executable).parent / "aboard"


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """The one JSON value that was printed."""
        return orjson.loads(self.out)

    def lines(self) -> list[Any]:
        """The JSON values that were printed, one a line."""
        return [orjson.loads(line) for line in self.out.splitlines() if line.strip()]


class Terminal:
    """A person's terminal in a folder, with a configuration where one was written."""

    def __init__(self, folder: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.config = folder / "work" / "aboard.yaml"
        self._capture = capture

    def run(self, *arguments: str | Path) -> Ran:
        """Run a command in this process."""
        chosen = ["--config", str(self.config)] if self.config.exists() else []
        opening.WHERE.config = None
        self._capture.readouterr()
        try:
            main([*chosen, *map(str, arguments)])
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        said = self._capture.readouterr()
        return Ran(code, said.out, said.err)

    def start(self) -> None:
        """Write the working folder that every other command needs."""
        ran = self.run("init", self.folder / "work")
        assert ran.code == 0, ran.err

    def environment(self) -> dict[str, str]:
        """The environment of a process of its own."""
        return {**os.environ, "ABOARD_CONFIG": str(self.config)}
