"""A small company that follows up: mail comes, clocks tick, automatic mail leaves."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from inbox import shipped
from inbox.config import load
from inbox.store.database import Database
from tests.flow.house import House, mail, write_files
from tests.sla.office import SLA, TEAMS

__all__ = ["FOLLOW_UPS", "Office", "mail", "open_office"]

STAGES = """stages:
  - {name: welcome, why: First.}
  - {name: activation, why: Next.}
  - {name: guidance, why: Last.}
"""
FOLLOW_UPS = (shipped.DATA / "followups.yaml").read_text()


@dataclass
class Office(House):
    """The house."""


def open_office(db: Database, folder: Path, **texts: str) -> Office:
    """The office with its files written and in force."""
    shutil.copytree(shipped.TEMPLATES / "mail", folder / "templates" / "mail")
    given = {
        "teams.yaml": TEAMS,
        "sla.yaml": SLA,
        "stages.yaml": STAGES,
        "followups.yaml": FOLLOW_UPS,
    }
    office = Office(db, load(write_files(folder, **{**given, **texts}), {}))
    office.activate()
    return office
