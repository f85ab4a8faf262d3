"""A small company with promises: mail comes, people work, clocks tick."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from inbox.config import load
from inbox.flow.admin import stored_sets
from inbox.flow.promises import sla
from inbox.flow.promises.climb import Fired
from inbox.flow.promises.tick import Ticked, Ticker
from inbox.flow.working.work import Desk
from inbox.store import targets, timeline
from inbox.store.clock_tables import target_steps
from inbox.store.database import Conn, Database
from inbox.store.tables import events
from inbox.store.targets import StoredTarget
from tests.flow.house import House, mail, write_files

__all__ = ["Office", "mail", "open_office"]

TEAMS = """
people:
  - {handle: maya, name: Maya Okafor, address: maya@aboard.example, role: admin}
  - {handle: tom, name: Tom Alvarez, address: tom@aboard.example, role: lead}
  - {handle: ines, name: Ines Duarte, address: ines@aboard.example, role: agent}
  - {handle: lena, name: Lena Fischer, address: lena@aboard.example, role: lead}
teams:
  - {name: support, title: Support, duty: ines, lead: tom, members: [tom, ines]}
  - name: success
    title: Success
    duty: maya
    lead: lena
    members: [maya, lena]
    hours: {zone: America/New_York, week: {mon-fri: 08:00-16:00}}
"""
SLA = """
hours: {zone: Europe/Berlin, week: {mon-fri: 09:00-18:00}}
policies:
  - name: default
    why: All else.
    targets: {first_response: 4h, next_response: 6h, resolution: 3d, handoff_acceptance: 2h,
      untouched: 1h}
    at_risk: [1h]
    ladder:
      - {when: due, for: first_response, notify: owner, follow-up: first-response-late}
      - {when: due, for: next_response, notify: owner, follow-up: next-response-late}
      - {when: due, for: untouched, reassign: team, notify: lead}
      - {when: 1h after, for: [first_response, next_response], notify: lead, tag: late,
         priority: high}
      - {when: 3h after, for: first_response, reassign: lead, notify: admin}
  - name: urgent
    why: It burns.
    hours: always
    targets: {first_response: 1h, resolution: 4h}
    at_risk: [10m]
"""


@dataclass
class Post:
    """Effects that note what they were asked to do."""

    notified: list[tuple[int, str, tuple[str, ...]]] = field(default_factory=list)
    mails: list[tuple[int, str]] = field(default_factory=list)

    def notify(self, conn: Conn, fired: Fired, handles: tuple[str, ...]) -> None:
        """Note whom."""
        self.notified.append((fired.due.target.thread_id, fired.step.name, handles))

    def follow_up(self, conn: Conn, fired: Fired, template: str) -> str:
        """Note which."""
        self.mails.append((fired.due.target.thread_id, template))
        return "queued"


@dataclass
class Office(House):
    """The house, with a desk and a ticker."""

    post: Post = field(default_factory=Post)

    def ticker(self, node: str = "n1", **how: Any) -> Ticker:
        """This node's sweep."""
        return Ticker(self.db, node, stored_sets.in_force, self.post, **how)

    def tick(self) -> Ticked:
        """What is due now."""
        return self.ticker().tick(self.now)

    def desk(self, by: str) -> Desk:
        """Somebody at work, whose deeds the clocks hear of."""
        return Desk(self.db, by)

    def reply(self, thread_id: int, by: str = "ines") -> None:
        """A person's reply is put into the outbox: the event that it leaves, and its clocks."""
        with self.db.write() as conn:
            account = targets.subjects(conn, [thread_id])[0].account_id
            event = timeline.Event(
                account, thread_id, None, self.now, "reply-queued", f"person:{by}", {}
            )
            timeline.add(conn, event)
            clocks = sla.clocks_of(self.context().files)
            assert clocks is not None
            sla.refresh(conn, clocks, [thread_id], self.now)

    def targets(self, thread_id: int) -> dict[str, StoredTarget]:
        """metric -> the latest target of a thread."""
        with self.db.read() as conn:
            return {one.metric: one for one in targets.of_threads(conn, [thread_id])[thread_id]}

    def steps(self, *, skipped: bool = False) -> list[str]:
        """The steps that were done, or passed over, in the order of the table's key."""
        rows = self.rows(target_steps)
        return [one.step for one in rows if (one.skipped is not None) == skipped]

    def kinds(self, *kinds: str) -> list[dict[str, Any]]:
        """The data of events of these kinds, oldest first."""
        return [one.data for one in self.rows(events) if one.kind in kinds]

    def days(self, count: float) -> None:
        """Let days pass, ticking every quarter of an hour."""
        end = self.now + timedelta(days=count)
        while self.now < end:
            self.now += timedelta(minutes=15)
            self.tick()


def open_office(db: Database, folder: Path, **texts: str) -> Office:
    """The office with its files written and in force."""
    given = {"teams.yaml": TEAMS, "sla.yaml": SLA, **texts}
    office = Office(db, load(write_files(folder, **given), {}))
    office.activate()
    return office
