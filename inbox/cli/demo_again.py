"""`aboard demo reset`: a demo as it was when it began. Loads little, so that it takes a second."""

from __future__ import annotations

from pathlib import Path

from inbox import shipped
from inbox.clock import utc_now
from inbox.config import Settings, load
from inbox.errors import AboardError
from inbox.store import snapshot

FOLDER = shipped.DATA / "var" / "demo"
MARK = "demo-folder.txt"
"""Says that a folder may be made anew."""
SNAPSHOT, RESET = "as-it-began.db", "reset.txt"
"""The database as it was when the history was filed; touched where somebody went back to it."""


def reset(folder: Path) -> None:
    """Bring a demo back to where it began, whether it runs or not. Raises `AboardError`."""
    if not (folder / MARK).exists() or not (folder / SNAPSHOT).exists():
        raise AboardError(f"{folder}: there is no demo to begin again; `aboard demo` makes one")
    settings = load(folder / "aboard.yaml", {})
    snapshot.copy(folder / SNAPSHOT, file_of(settings))
    (folder / RESET).write_text(f"{utc_now().isoformat()}\n")


def file_of(settings: Settings) -> Path:
    """The file of the demo's database."""
    return Path(settings.database_url().removeprefix("sqlite:///"))
