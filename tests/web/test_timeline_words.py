"""Every kind of event is a sentence on the pages, not the name of a kind."""

from __future__ import annotations

import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from inbox import shipped
from inbox.store.people import Person
from inbox.store.timeline import Event
from inbox.web.render import FILTERS
from inbox.web.words import EVENTS
from tests.databases import NOW

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "INTERFACES.md"
TOM = Person(1, "tom", "Tom Alvarez", "tom@aboard.example", "lead", True)
DATA = {
    "owner-changed": {"from": "ines", "to": "tom", "owned": True, "why": "claimed it"},
    "status-changed": {"status": "snoozed", "until": "2026-03-04T09:00:00+00:00"},
    "tagged": {"added": ["sso"], "removed": ["old"]},
    "handoff-offered": {"team": "support", "reason": "<b>theirs</b>"},
    "target-breached": {"metric": "first_response", "due": "2026-03-04T09:00:00Z"},
    "mail-queued": {"to": ["ana@acme.example"], "held": True},
    "mail-failed": {"to": "ana@acme.example", "cause": "refused"},
}


class Frame:
    """What pages know of teams."""

    def title(self, team: str) -> str:
        """A team's title."""
        return team.capitalize()


def sentence(kind: str) -> str:
    environment = Environment(
        loader=FileSystemLoader(shipped.TEMPLATES / "web"),
        autoescape=True,
        undefined=StrictUndefined,
    )
    environment.filters |= FILTERS
    source = (
        '{% import "_fragments/event.html" as happened with context %}'
        "{{ happened.words(event, people) }}"
    )
    event = Event(1, 1, None, NOW, kind, "person:tom", DATA.get(kind, {}))
    values = {"event": event, "people": {1: TOM}, "frame": Frame(), "icon": str}
    return environment.from_string(source).render(values).strip()


def kinds() -> set[str]:
    events = DOCUMENT.read_text().partition("## Events")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in events.splitlines() if line.startswith("| `")]
    return {kind for row in rows for kind in re.findall("`([a-z-]+)`", row)}


def test_every_documented_kind_has_words_of_its_own() -> None:
    assert len(kinds()) > 25
    for kind in kinds():
        assert sentence(kind).casefold() != kind.replace("-", " "), kind


def test_every_documented_kind_is_found_by_a_filter() -> None:
    shown = {kind for listed in EVENTS.values() for kind in listed}
    assert kinds() <= shown


def test_sentences_name_people_and_escape_what_others_wrote() -> None:
    assert sentence("owner-changed") == (
        "<strong>Tom Alvarez</strong> has it now: <bdi>claimed it</bdi>"
    )
    assert sentence("handoff-offered") == (
        "Tom Alvarez offered it to <strong>Support</strong>: <bdi>&lt;b&gt;theirs&lt;/b&gt;</bdi>"
    )
    assert sentence("status-changed") == (
        "Tom Alvarez put it aside until Wed 4 Mar 2026, 09:00 UTC"
    )
    assert "no way out is configured" in sentence("mail-queued")
