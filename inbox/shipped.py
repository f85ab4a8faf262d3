"""Where the files are that come with the program: rules, templates, demo mail to start from."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "data"
TEMPLATES = ROOT / "templates"
TRAINING = DATA / "training"
MODEL = DATA / "models" / "shipped.aboard-model"
"""The classifier of day one, made of the examples in `TRAINING`."""
