"""A small company that follows up: mail comes, clocks tick, automatic mail leaves over a bus."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from inbox import shipped
from inbox.config import load
from inbox.flow.admin import stored_sets
from inbox.flow.leaving import compose, deliver
from inbox.flow.promises import sla
from inbox.flow.promises.followups import FollowUps
from inbox.flow.promises.tick import Ticker
from inbox.flow.working.work import Desk
from inbox.mail.outgoing import (
    ACCEPTED,
    DATA,
    DOT,
    ENVELOPE,
    Answer,
    Envelope,
    Outcome,
    RecipientOutcome,
    Sent,
)
from inbox.store import outbox_desk, planned
from inbox.store.database import Database
from inbox.store.outbox_desk import Item
from inbox.store.outbox_tables import outbox
from inbox.store.planned import PlannedStep
from inbox.store.tables import events
from tests.flow.house import CONFIG, House, mail, write_files
from tests.sla.office import SLA, TEAMS

__all__ = ["FOLLOW_UPS", "Letter", "Office", "mail", "open_office"]

STAGES = """stages:
  - {name: welcome, why: First.}
  - {name: activation, why: Next.}
  - {name: guidance, why: Last.}
"""
FOLLOW_UPS = (shipped.DATA / "followups.yaml").read_text()
SENDING = "send: {host: 127.0.0.1, port: 1, tls: none, undo_seconds: 0}\n"
ANA = "ana@acme.example"


@dataclass(frozen=True)
class Letter:
    """A mail that left."""

    at: datetime
    reverse_path: str
    to: tuple[str, ...]
    raw: bytes

    @property
    def mail(self) -> EmailMessage:
        return message_from_bytes(self.raw, policy=policy.default)  # type: ignore[return-value]


@dataclass
class Office(House):
    """The house, with a desk, a sweep, and couriers that carry to a list."""

    left: list[Letter] = field(default_factory=list)

    @property
    def follow_ups(self) -> FollowUps:
        return FollowUps(compose.open_post(self.db, self.settings, self.now))

    def tick(self) -> None:
        """What is due now: promises, then what is planned."""
        follow_ups = self.follow_ups
        Ticker(self.db, "n1", stored_sets.in_force, follow_ups).tick(self.now)
        follow_ups.sweep(self.db, self.now)

    def courier(self, envelope: Envelope, raw: bytes, before: Any) -> Outcome:
        for phase in (ENVELOPE, DATA, DOT):
            before(phase)
        self.left.append(Letter(self.now, envelope.reverse_path, envelope.recipients, raw))
        ok = Answer(250, "2.0.0", "ok")
        return Sent(tuple(RecipientOutcome(one, ACCEPTED, ok) for one in envelope.recipients), ok)

    def rules_of_sending(self) -> deliver.Rules:
        return deliver.Rules(
            owner="n1/1/0/a",
            node="n1",
            own_addresses=lambda one: compose.is_mailbox(self.settings.mailboxes, one),
            clock=lambda: self.now,
            jitter=lambda: 0.5,
            recheck=self.follow_ups.recheck,
            told=sla.told,
        )

    def carry(self) -> list[str]:
        """Carry all that is due; the states of the items."""
        states, rules = [], self.rules_of_sending()
        while claims := deliver.claim(self.db, rules, 10):
            for one in claims:
                judged = deliver.carry(self.db, one, self.courier, rules)
                states.append(deliver.settle(self.db, judged, rules))
        return states

    def work(self, **how: float) -> None:
        """Let time pass, everybody at their work: by quarters of an hour, over days by hours."""
        end = self.now + timedelta(**how)
        step = timedelta(minutes=15 if end - self.now <= timedelta(hours=12) else 60)
        while self.now < end:
            self.now = min(self.now + step, end)
            self.tick()
            self.carry()

    def until(self, text: str) -> None:
        """Work until an instant of UTC, as in `2026-11-05 09:00`."""
        end = datetime.fromisoformat(text).replace(tzinfo=UTC)
        self.work(seconds=(end - self.now).total_seconds())

    def desk(self, by: str = "ines") -> Desk:
        return Desk(self.db, by, sla.told)

    def write_in(self, *, sender: str = "Ana Costa <ana@acme.example>", **fields: Any) -> int:
        """A mail comes now and is filed; its thread."""
        if "id" not in fields:
            fields["id"] = f"m{len(self.ledger())}@acme.example"
        fields.setdefault("date", format_datetime(self.now))
        path = fields.pop("reverse_path", sender.rpartition("<")[2].rstrip(">"))
        mail_id = fields["id"]
        self.receive(mail(sender, **fields), reverse_path=path)
        return self.thread(mail_id).id

    def planned(self, thread_id: int) -> Sequence[PlannedStep]:
        with self.looking() as conn:
            return planned.waiting_of_thread(conn, thread_id)

    def items(self, **where: Any) -> tuple[Item, ...]:
        """Items of the outbox, oldest first."""
        with self.looking() as conn:
            return outbox_desk.listing(conn, outbox_desk.Page(limit=500, **where))[::-1]

    def templates(self) -> list[str | None]:
        """The templates of everything that was ever enqueued, oldest first."""
        return [row.template for row in self.rows(outbox)]

    def happened(self, *kinds: str) -> list[dict[str, Any]]:
        """The data of events of these kinds, oldest first."""
        return [one.data for one in self.rows(events) if one.kind in kinds]


def open_office(db: Database, folder: Path, **texts: str) -> Office:
    """The office with its files written and in force."""
    shutil.copytree(shipped.TEMPLATES / "mail", folder / "templates" / "mail")
    given = {
        "aboard.yaml": CONFIG + SENDING,
        "teams.yaml": TEAMS,
        "sla.yaml": SLA,
        "stages.yaml": STAGES,
        "followups.yaml": FOLLOW_UPS,
    }
    office = Office(db, load(write_files(folder, **{**given, **texts}), {}))
    office.activate()
    return office
