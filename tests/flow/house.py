"""A small company with its mail: settings, admin files, a database, and hands to play with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from sqlalchemy import Table, select

from inbox.app import filing_context
from inbox.config import Settings, load
from inbox.flow import active
from inbox.flow.admin.context import FilingContext
from inbox.flow.intake import file as filing
from inbox.flow.intake.accept import Incoming, accept
from inbox.store import ledger, messages, threads
from inbox.store.database import Conn, Database
from inbox.store.ledger import LedgerRow
from inbox.store.messages import Message
from inbox.store.threads import Thread
from tests.databases import NOW

CONFIG = """
mailboxes:
  - {address: hello@aboard.example, name: Onboarding}
own_domains: [aboard.example]
"""
TEAMS = """
people:
  - {handle: maya, name: Maya Okafor, address: maya@aboard.example, role: admin}
  - {handle: tom, name: Tom Alvarez, address: tom@aboard.example, role: lead}
  - {handle: ines, name: Ines Duarte, address: ines@aboard.example, role: agent}
teams:
  - {name: support, title: Support, duty: tom, members: [tom, ines]}
  - {name: success, title: Success, duty: maya, members: [maya]}
"""
SLA = "policies:\n  - {name: default, why: All else.}\n  - {name: urgent, why: It burns.}\n"
STAGES = "stages:\n  - {name: welcome, why: First.}\n  - {name: guidance, why: Last.}\n"
RULES = """
rules:
  - name: invoices
    why: Success answers for invoices.
    when: {subject contains: invoice}
    then: {team: success, tags: [billing]}
    tests:
      - given: {subject: Your invoice}
        expect: {team: success}
  - name: outage
    on: every-message
    why: An outage goes to support at once.
    when: {subject contains: outage}
    then: {team: support, priority: urgent, policy: urgent, tags: [outage]}
    tests:
      - given: {subject: Outage}
        expect: {team: support}
fallback: {team: support}
"""


def mail(sender: str = "Ana Costa <ana@acme.example>", **fields: Any) -> bytes:
    """One raw mail. `id` and `refs` are without brackets; `headers` adds or replaces any field."""
    letter = EmailMessage()
    headers = {
        "From": sender,
        "To": fields.pop("to", "hello@aboard.example"),
        "Subject": fields.pop("subject", "Kickoff"),
        "Date": fields.pop("date", "Mon, 02 Nov 2026 08:00:00 +0000"),
    }
    own = fields.pop("id", None)
    if own:
        headers["Message-ID"] = f"<{own}>"
    if refs := fields.pop("refs", ()):
        headers["References"] = " ".join(f"<{one}>" for one in refs)
    headers |= fields.pop("headers", {})
    for name, value in headers.items():
        if value is not None:
            letter[name] = value
    letter.set_content(fields.pop("body", f"Hello, this is {own}."))
    for name, content in fields.pop("files", {}).items():
        letter.add_attachment(content, maintype="application", subtype="pdf", filename=name)
    assert not fields, fields
    return letter.as_bytes()


def bounce(failed: str, original: str, *, id: str = "dsn1@mx.test", **headers: str) -> bytes:
    """A delivery report about a mail of ours (RFC 3464)."""
    more = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return (
        f"From: Mail Delivery System <MAILER-DAEMON@mx.test>\r\nTo: hello@aboard.example\r\n"
        f"Subject: Undelivered Mail Returned to Sender\r\nMessage-ID: <{id}>\r\n"
        f"Date: Mon, 02 Nov 2026 08:05:00 +0000\r\n{more}Auto-Submitted: auto-replied\r\n"
        'MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n'
        "\r\n--b\r\nContent-Type: text/plain\r\n\r\nIt could not be delivered.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.test\r\n\r\n"
        f"Final-Recipient: rfc822; {failed}\r\nAction: failed\r\nStatus: 5.1.1\r\n"
        "Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <{original}>\r\n"
        f"From: hello@aboard.example\r\nTo: {failed}\r\nSubject: Kickoff\r\n\r\n--b--\r\n"
    ).encode()


def write_files(folder: Path, **texts: str) -> Path:
    """A working folder as `aboard init` makes one, smaller; the path of its configuration."""
    (folder / "rules").mkdir(exist_ok=True)
    (folder / "templates").mkdir(exist_ok=True)
    given = {
        "aboard.yaml": CONFIG,
        "teams.yaml": TEAMS,
        "sla.yaml": SLA,
        "stages.yaml": STAGES,
        "rules/10-all.yaml": RULES,
    }
    for name, text in {**given, **texts}.items():
        (folder / name).write_text(text)
    return folder / "aboard.yaml"


@dataclass
class House:
    """The company. `accept` and `file` are the two stations; the rest looks at what is stored."""

    db: Database
    settings: Settings
    now: datetime = NOW
    rules: filing.Rules = field(default_factory=lambda: filing.Rules("n1"))

    def activate(self) -> None:
        """Put the files of the folder in force."""
        active.activate(self.db, self.settings, self.now)

    def write(self, name: str, text: str) -> None:
        """Change one of the admin's files."""
        (self.settings.folder / name).write_text(text)

    def context(self) -> FilingContext:
        """What a worker would make of the files in force."""
        return filing_context(self.db, self.settings, None, ())[0]

    def accept(self, *raws: bytes, source: str = "smtp", **how: Any) -> int:
        """Accept mails; how many."""
        how = {"accepted_at": self.now, "reverse_path": None, "peer": "192.0.2.1"} | how
        return accept(self.db, [Incoming(raw, source, **how) for raw in raws], "n1")

    def file(self, context: FilingContext | None = None) -> filing.Filed:
        """File everything that is due, a minute apart from what was filed before."""
        context = context or self.context()
        total = filing.Filed()
        while claims := filing.claim(self.db, self.rules, self.now):
            done = filing.file_claimed(self.db, claims, context, self.rules, lambda: self.now)
            total = filing.Filed(
                total.filed + done.filed,
                total.duplicates + done.duplicates,
                total.quarantined + done.quarantined,
                total.put_back + done.put_back,
            )
        return total

    def receive(self, *raws: bytes, **how: Any) -> filing.Filed:
        """Accept and file, one after the other."""
        self.accept(*raws, **how)
        return self.file()

    def later(self, **how: float) -> None:
        """Let time pass."""
        self.now += timedelta(**how)

    @contextmanager
    def looking(self) -> Iterator[Conn]:
        """A read connection."""
        with self.db.read() as conn:
            yield conn

    def rows(self, table: Table, **where: Any) -> Sequence[Any]:
        """The rows of a table, oldest first."""
        statement = select(table).order_by(*table.primary_key.columns)
        for name, value in where.items():
            statement = statement.where(table.c[name] == value)
        with self.db.read() as conn:
            return conn.execute(statement).all()

    def message(self, mail_id: str) -> Message:
        """The one message with this id."""
        with self.db.read() as conn:
            (found,) = messages.by_mail_id(conn, mail_id)
        return found

    def thread(self, mail_id: str) -> Thread:
        """The thread of the message with this id."""
        found = self.message(mail_id)
        with self.db.read() as conn:
            return threads.by_id(conn, found.thread_id)

    def ledger(self) -> tuple[LedgerRow, ...]:
        """The ledger, oldest first."""
        with self.db.read() as conn:
            numbers = conn.scalars(select(ledger.ledger.c.id).order_by(ledger.ledger.c.id)).all()
            return tuple(ledger.by_id(conn, number) for number in numbers)

    def states(self) -> dict[str, int]:
        """How many ledger rows are in which state, without zeros."""
        with self.db.read() as conn:
            return {state: n for state, n in ledger.state_counts(conn).items() if n}

    def components(self) -> set[frozenset[str]]:
        """The message ids of every thread."""
        found: dict[int, set[str]] = {}
        with self.db.read() as conn:
            table = messages.messages
            for row in conn.execute(select(table.c.thread_id, table.c.mail_id, table.c.id)):
                found.setdefault(row.thread_id, set()).add(row.mail_id or f"message {row.id}")
        return {frozenset(one) for one in found.values()}


def make(db: Database, folder: Path) -> House:
    """A house with its files written and in force."""
    settings = load(write_files(folder), {})
    house = House(db, settings)
    house.activate()
    return house
