"""An office that sends: a house, a smarthost, a pool, and hands to write, carry and look."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from inbox.clock import monotonic
from inbox.config import Settings, load
from inbox.flow.leaving import compose, deliver
from inbox.flow.leaving.compose import Draft, Plan, Post
from inbox.flow.leaving.settling import Judged
from inbox.mail.letter import Address
from inbox.mail.outgoing import Carry
from inbox.net.smtp_out import Smarthost, Waits
from inbox.net.smtp_pool import Pool
from inbox.store import messages, outbox_desk
from inbox.store.outbox import Claimed, Enqueued
from inbox.store.outbox_desk import Item
from tests.flow.house import CONFIG, House, mail, write_files
from tests.services.smtp_sink import SmtpSink

HELLO = "hello@aboard.example"
ANA = "ana@acme.example"
QUICK = Waits(connect=5, greeting=2, command=2, block=2, dot=2)


def smarthost_lines(port: int) -> str:
    return f"send: {{host: 127.0.0.1, port: {port}, tls: none, undo_seconds: 10}}\n"


def write_smarthost(folder: Path, port: int) -> Settings:
    path = write_files(folder, **{"aboard.yaml": CONFIG + smarthost_lines(port)})
    return load(path, {})


@dataclass
class Office:
    """The office. Everything happens at `house.now`."""

    house: House
    sink: SmtpSink
    waits: Waits = QUICK
    recheck: deliver.Recheck = deliver.nothing_to_check
    pool: Pool = field(init=False)
    thread_id: int = 0
    account_id: int = 0
    owner: str = "n1/1/0/a"
    stopping: bool = False

    def __post_init__(self) -> None:
        self.pool = self.pool_to(self.sink.port)
        self.house.receive(mail(id="one@acme.example", subject="Kickoff", body="When do we start?"))
        thread = self.house.thread("one@acme.example")
        self.thread_id, self.account_id = thread.id, thread.account_id

    def pool_to(self, port: int) -> Pool:
        return Pool(Smarthost("127.0.0.1", port, None, waits=self.waits), monotonic)

    @property
    def rules(self) -> deliver.Rules:
        return deliver.Rules(
            owner=self.owner,
            node="n1",
            own_addresses=lambda one: compose.is_mailbox(self.house.settings.mailboxes, one),
            clock=lambda: self.house.now,
            jitter=lambda: 0.5,
            recheck=self.recheck,
            stopping=lambda: self.stopping,
        )

    def post(self, **changes: Any) -> Post:
        made = compose.open_post(self.house.db, self.house.settings, self.house.now)
        return replace(made, **changes)

    def draft(self, *to: str, **changes: Any) -> Draft:
        people = tuple(Address("", one) for one in to or (ANA,))
        with self.house.db.read() as conn:
            (answered,) = messages.by_mail_id(conn, "one@acme.example")
        draft = Draft(HELLO, "Support", people, "Re: Kickoff", "On Monday.", answers=answered)
        return replace(draft, **changes)

    def put(
        self, key: str = "k1", kind: str = "automatic", *, draft: Draft | None = None, **plan: Any
    ) -> Enqueued:
        """Compose and enqueue."""
        post = self.post(held=plan.pop("held", False))
        composed = compose.compose(draft or self.draft(), post, self.house.now)
        how = Plan(key, kind, self.thread_id, self.account_id, **plan)
        with self.house.db.write() as conn:
            return compose.enqueue(conn, composed, how, post, self.house.now)

    def claim(self, limit: int = 10) -> tuple[Claimed, ...]:
        return deliver.claim(self.house.db, self.rules, limit)

    def carry(self, carrier: Carry | None = None) -> list[str]:
        """One round: claim, carry, settle; the states of the items."""
        states = []
        for claimed in self.claim():
            judged = deliver.carry(self.house.db, claimed, carrier or self.pool.deliver, self.rules)
            states.append(self.settle(judged))
        return states

    def settle(self, judged: Judged) -> str:
        return deliver.settle(self.house.db, judged, self.rules)

    def item(self, number: int) -> Item:
        with self.house.db.read() as conn:
            return outbox_desk.by_id(conn, number)

    def items(self, **where: Any) -> tuple[Item, ...]:
        with self.house.db.read() as conn:
            return outbox_desk.listing(conn, outbox_desk.Page(**where))

    def events(self, *kinds: str) -> list[Any]:
        from inbox.store.tables import events

        return [one for one in self.house.rows(events) if not kinds or one.kind in kinds]
