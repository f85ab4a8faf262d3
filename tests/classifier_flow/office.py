"""A company with four teams and a small model that dares to answer; for the tests of this folder."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from classifiers.model import Model, fingerprint
from inbox.config import load
from inbox.flow.learning import models
from inbox.store.database import Database
from tests.classifiers.samples import small_model
from tests.databases import NOW
from tests.flow.house import House, mail, write_files

TEAMS = """
people:
  - {handle: maya, name: Maya Okafor, address: maya@aboard.example, role: admin}
  - {handle: tom, name: Tom Alvarez, address: tom@aboard.example, role: lead}
teams:
  - {name: implementation, title: Implementation, duty: maya, members: [maya]}
  - {name: support, title: Support, duty: tom, members: [tom]}
  - {name: compliance, title: Compliance, duty: maya, members: [maya]}
  - {name: success, title: Success, duty: maya, members: [maya]}
"""
RULES = """
rules:
  - name: invoices
    why: Success answers for invoices.
    when: {subject contains: invoice}
    then: {team: success}
    tests:
      - given: {subject: Your invoice}
        expect: {team: success}
fallback: {team: support, classifier_at_least: model}
"""

AUDIT = "our auditors ask for your security certificate and the data processing agreement"
LOGIN = "the login page shows an error message since this morning"
AWAY = "automatic reply, I am out of the office, on holiday until Monday"
TRAINING = "we would like to book a training for new colleagues"


@lru_cache(maxsize=2)
def daring(at_least: float = -1e6) -> Model:
    """The small model with a threshold that every answer reaches."""
    model = small_model()
    thresholds = (at_least,) * len(model.labels)
    name = fingerprint(model.labels, model.table, (model.temperature, *thresholds))
    return replace(model, thresholds=thresholds, id=name)


def letter(number: int, body: str, **fields: object) -> bytes:
    """A mail of a company of its own."""
    sender = f"Ana <ana@company{number}.example>"
    given = {"id": f"m{number}@company{number}.example", "subject": "Hello", "body": body} | fields
    return mail(sender, **given)


def open_office(db: Database, folder: Path) -> House:
    """The company with its files in force, and no model yet."""
    config = write_files(folder, **{"teams.yaml": TEAMS, "rules/10-all.yaml": RULES})
    house = House(db, load(config, {}))
    house.activate()
    return house


def promote(house: House, model: Model) -> None:
    """Put a model in force."""
    with house.db.write() as conn:
        models.promote(conn, model, "test", "for a test", NOW)
