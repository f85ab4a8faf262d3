"""Fifty ways of answering mail by machine, none of which may draw more mail than the bounds allow."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NOW = timedelta(0)


@dataclass(frozen=True)
class Responder:
    """How somebody's machine answers whatever it gets."""

    name: str
    after: timedelta = NOW
    headers: dict[str, str | None] = field(default_factory=dict)
    subject: str = "Re: {subject}"
    body: str = "We have received your message and will be in touch."
    cites: bool = True
    """Does it name the mail that it answers?"""
    quotes: bool = False
    null_path: bool = False
    to: str = ""
    """Whom it answers: Reply-To, unless it always writes to the mailbox."""
    local: str = "desk"
    changes_sender: bool = False
    """Another local part each time."""
    times: int = 1
    """Answers to each mail."""
    jitter: timedelta = NOW

    @property
    def domain(self) -> str:
        """Where it lives."""
        return f"{self.name.replace(' ', '-')}.example"

    def delay(self, random: Random) -> timedelta:
        """Until its next answer."""
        return self.after + self.jitter * random.random()


def _kind(name: str, **how: object) -> Responder:
    return Responder(name, **how)  # type: ignore[arg-type]


OOO = "I am out of the office until 12 November 2026."
BOX = "hello@aboard.example"
RESPONDERS = (
    # With the header fields that say what they are.
    _kind("rfc 3834", headers={"Auto-Submitted": "auto-replied"}, null_path=True),
    _kind("auto generated", headers={"Auto-Submitted": "auto-generated"}),
    _kind("auto notified", headers={"Auto-Submitted": "auto-notified"}),
    _kind("with a comment", headers={"Auto-Submitted": "auto-replied (vacation)"}),
    _kind(
        "exchange",
        headers={"X-Auto-Response-Suppress": "All"},
        subject="Automatic reply: {subject}",
    ),
    _kind("autoreply field", headers={"X-Autoreply": "yes"}),
    _kind("autorespond field", headers={"X-Autorespond": "ticket"}),
    _kind("precedence bulk", headers={"Precedence": "bulk"}),
    _kind("precedence auto", headers={"Precedence": "auto_reply"}),
    _kind("precedence junk", headers={"Precedence": "junk"}),
    _kind("list expander", headers={"List-Id": "<all.expander.example>", "Precedence": "list"}),
    _kind("list post", headers={"List-Post": "<mailto:all@post.example>"}),
    _kind("newsletter", headers={"List-Unsubscribe": "<https://n.example/x>"}, cites=False),
    _kind("null path", null_path=True),
    _kind("daemon", local="MAILER-DAEMON", null_path=True, subject="Undelivered mail"),
    _kind("no reply", local="no-reply"),
    _kind("do not answer", local="donotreply", after=HOUR),
    _kind("loop field", headers={"X-Loop": "desk@x.example"}),
    # By their words alone.
    _kind("out of office", subject="Out of office: {subject}", body=OOO),
    _kind("abwesend", subject="Abwesenheitsnotiz", body="Ich bin bis 12.11.2026 nicht im Haus."),
    _kind("absent du bureau", subject="Absence du bureau", body="Je suis absent."),
    _kind("automatic answer", subject="Automatische Antwort: {subject}"),
    _kind("out of office that says nothing", subject="Away", body=OOO, after=2 * MINUTE),
    # Without anything that gives them away.
    _kind("plain at once"),
    _kind("plain after a second", after=timedelta(seconds=1)),
    _kind("plain after nine minutes", after=9 * MINUTE),
    _kind("plain after eleven minutes", after=11 * MINUTE),
    _kind("plain after an hour", after=HOUR),
    _kind("plain after five hours", after=5 * HOUR),
    _kind("plain after a day", after=DAY),
    _kind("plain after 25 hours", after=DAY + HOUR),
    _kind("plain at any time", jitter=6 * HOUR),
    _kind("plain within the hour", after=10 * MINUTE, jitter=HOUR),
    _kind("same subject", subject="Your request", after=15 * MINUTE),
    _kind("new ticket each time", subject="[#{number}] New ticket", cites=False, after=12 * MINUTE),
    _kind("new ticket at once", subject="[#{number}] New ticket", cites=False),
    _kind("ticket a day", subject="[#{number}] {subject}", cites=False, after=DAY),
    _kind("quoting", quotes=True, after=20 * MINUTE),
    _kind("quoting without ids", quotes=True, cites=False, after=20 * MINUTE),
    _kind("growing subject", subject="Re: Re: AW: {subject}", after=30 * MINUTE),
    _kind("empty subject", subject="", after=30 * MINUTE, cites=False),
    _kind("empty body", body=" ", after=30 * MINUTE),
    _kind("to the mailbox", to=BOX, after=13 * MINUTE),
    _kind("to the mailbox without ids", to=BOX, cites=False, after=13 * MINUTE),
    _kind("another sender each time", changes_sender=True, after=11 * MINUTE),
    _kind("another sender and ticket", changes_sender=True, cites=False, after=11 * MINUTE),
    _kind("three answers", times=3, after=11 * MINUTE),
    _kind("three tickets", times=3, cites=False, after=HOUR),
    _kind("stripping gateway", headers={"Auto-Submitted": "no"}, after=11 * MINUTE),
    _kind("a twin without fields", after=4 * HOUR, body="We have your mail. You get an answer."),
)
assert len(RESPONDERS) == 50
assert len({one.name for one in RESPONDERS}) == 50
