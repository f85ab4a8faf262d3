"""A small company whose people answer from their own mail programs, behind a relay that vouches."""

from __future__ import annotations

from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from inbox.flow.leaving.agent_post import AgentPost
from inbox.flow.working.agent_desk import AgentDesk
from inbox.store.database import Database
from tests.flow.house import CONFIG
from tests.followups.office import SENDING, Letter, Office, open_office

VERIFY = """verify:
  trusted_relays: [mx.aboard.example]
  relay_networks: [192.0.2.0/24]
"""
PROVED = (
    "mx.aboard.example; dkim=pass header.d=aboard.example; dmarc=pass header.from=aboard.example"
)
DENIED = "mx.aboard.example; dkim=fail; dmarc=fail header.from=aboard.example"
RELAY = "Received: from x by mx.aboard.example; Mon, 2 Nov 2026 08:00:00 +0000\n"
NO_FOLLOW_UPS = "acknowledge: {who: nobody}\n"
INES = "ines@aboard.example"


@dataclass
class AgentOffice(Office):
    """The office; its people are told by mail, and answer."""

    an_hour: int = 12

    def mailed(self, to: str = INES) -> list[Letter]:
        """Tell what is to be told, and carry it; what this address has got now."""
        before = len(self.left)
        post = self.follow_ups.post
        AgentDesk(self.db, post).work(self.now)
        AgentPost(self.db, post, self.an_hour).sweep(self.now)
        self.carry()
        return [one for one in self.left[before:] if one.to == (to,)]

    def answer(
        self, letter: Letter, body: str, *, proof: str | None = PROVED, **fields: Any
    ) -> None:
        """An answer to a mail of ours comes in, through the relay."""
        got = letter.mail
        answer = EmailMessage()
        headers = {
            "From": fields.pop("sender", f"Ines Duarte <{INES}>"),
            "To": str(got["Reply-To"]),
            "Subject": f"Re: {got['Subject']}",
            "Date": format_datetime(self.now),
            "Message-ID": fields.pop("id", f"<answer{len(self.ledger())}@aboard.example>"),
            "In-Reply-To": str(got["Message-ID"]),
            **fields.pop("headers", {}),
        }
        for name, value in headers.items():
            answer[name] = value
        quoted = "\n".join(f"> {line}" for line in got.get_content().splitlines())
        answer.set_content(f"{body}\n\nOn Monday Aboard wrote:\n{quoted}\n")
        for name, content in fields.pop("files", {}).items():
            answer.add_attachment(content, maintype="application", subtype="pdf", filename=name)
        assert not fields, fields
        above = f"Authentication-Results: {proof}\n" if proof else ""
        raw = (above + RELAY).encode() + answer.as_bytes()
        self.receive(raw, reverse_path=INES, peer="192.0.2.7")

    def to_customer(self) -> list[Letter]:
        """Everything that has left for somebody who is not one of us."""
        return [one for one in self.left if not one.to[0].endswith("@aboard.example")]


def open_agent_office(db: Database, folder: Path) -> AgentOffice:
    """The office with its files in force; nothing automatic goes to customers."""
    texts = {"aboard.yaml": CONFIG + SENDING + VERIFY, "followups.yaml": NO_FOLLOW_UPS}
    made = open_office(db, folder, **texts)
    return AgentOffice(made.db, made.settings, made.now, made.rules)
