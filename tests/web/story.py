"""Mail for the tests of pages: two companies, one of everything that a page shows in its own way."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime

from inbox.config import Files, Listen, Mailbox, Settings, Web
from inbox.flow import active
from inbox.flow.intake.accept import Incoming, accept
from inbox.store.database import Database
from inbox.worker import file_all
from tests.shared import REPO

NOW = datetime(2025, 6, 2, 9, 0, tzinfo=UTC)
OURS = "onboarding@aboard.example"
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000002000000020802000000fdd49a73"
    "0000001349444154789c63f8cfc0f09f81818101840100248d03fd5d2c0e1a0000000049454e44ae426082"
)
PAGE = (
    "<html><head><style>p{color:red}</style></head><body><p style='color:#123456'>Dear team,</p>"
    "<p>our <b>logo</b>: <img src='cid:logo@acme' alt='logo'></p>"
    "<img src='https://tracker.invalid/open.gif' width=1 height=1>"
    "<p><a href='https://acme.example/plan'>the plan</a></p></body></html>"
)


def mail(sender: str, subject: str, text: str, *, minutes: int = 0, **fields: str) -> EmailMessage:
    """A mail to us, sent so many minutes before NOW; fields as `in_reply_to="<x@y>"`."""
    made = EmailMessage()
    made["From"] = sender
    made["To"] = fields.pop("to", f"Aboard Onboarding <{OURS}>")
    made["Subject"] = subject
    made["Date"] = format_datetime(NOW - timedelta(minutes=minutes))
    number = abs(hash((sender, subject, minutes))) % 10**10
    made["Message-ID"] = fields.pop("message_id", f"<{number}@acme.example>")
    for name, value in fields.items():
        made[name.replace("_", "-")] = value
    made.set_content(text)
    return made


def kickoff() -> Iterable[EmailMessage]:
    """A thread of three with a quote, a signature, HTML, a picture in it and two files."""
    yield mail(
        "Anna Schmidt <anna@acme.example>",
        "Kickoff next week?",
        "Hello,\n\nwe signed on Friday and would like to start. Which day suits you?\n"
        "The plan is at https://acme.example/plan?a=1&b=2.\n\n-- \nAnna Schmidt\nACME GmbH\n",
        minutes=3000,
        message_id="<kickoff-1@acme.example>",
    )
    rich = mail(
        "Anna Schmidt <anna@acme.example>",
        "Re: Kickoff next week?",
        "Here are both documents. Is Thursday good?\n\n"
        "On Fri, 30 May 2025 at 10:00, Anna Schmidt <anna@acme.example> wrote:\n"
        "> we signed on Friday and would like to start.\n> Which day suits you?\n",
        minutes=60,
        message_id="<kickoff-2@acme.example>",
        in_reply_to="<kickoff-1@acme.example>",
        references="<kickoff-1@acme.example>",
        cc="Eva König <eva@acme.example>, per@nord.example",
    )
    rich.add_alternative(PAGE, subtype="html")
    page = rich.get_payload()[1]
    page.add_related(PNG, maintype="image", subtype="png", cid="<logo@acme>")
    rich.add_attachment(b"%PDF-1.4 x", maintype="application", subtype="pdf", filename="W-9.pdf")
    rich.add_attachment(
        b"<script>alert(1)</script>", maintype="text", subtype="html", filename="plan v2 ü.html"
    )
    yield rich
    yield mail(
        "Eva König <eva@acme.example>",
        "Re: Kickoff next week?",
        "Thursday works for me too. Kann ich noch jemanden mitbringen?\n",
        minutes=12,
        in_reply_to="<kickoff-2@acme.example>",
        references="<kickoff-1@acme.example> <kickoff-2@acme.example>",
    )


def invitation() -> EmailMessage:
    """A calendar invitation."""
    made = mail("per@nord.example", "Kickoff call", "Please join us.\n", minutes=200)
    made.add_attachment(
        b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//x//EN\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\n"
        b"UID:u1@nord.example\r\nDTSTAMP:20250601T080000Z\r\nDTSTART:20250605T080000Z\r\n"
        b"DTEND:20250605T090000Z\r\nSUMMARY:Kickoff with Nord\r\nLOCATION:Oslo\r\n"
        b"ORGANIZER:mailto:per@nord.example\r\nATTENDEE:mailto:onboarding@aboard.example\r\n"
        b"END:VEVENT\r\nEND:VCALENDAR\r\n",
        maintype="text",
        subtype="calendar",
        filename="invite.ics",
        params={"method": "REQUEST"},
    )
    return made


BOUNCE = (
    b"From: Mail Delivery System <mailer-daemon@nord.example>\r\n"
    b"To: onboarding@aboard.example\r\nSubject: Undelivered Mail Returned to Sender\r\n"
    b"Date: Mon, 2 Jun 2025 07:00:00 +0000\r\nMessage-ID: <dsn-1@nord.example>\r\n"
    b"Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
    b"--b\r\nContent-Type: text/plain\r\n\r\nI could not deliver your message.\r\n"
    b"--b\r\nContent-Type: message/delivery-status\r\n\r\n"
    b"Reporting-MTA: dns; mx.nord.example\r\n\r\nFinal-Recipient: rfc822; gone@nord.example\r\n"
    b"Action: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 user unknown\r\n\r\n"
    b"--b--\r\n"
)
BOMB = (
    b"From: anna@acme.example\r\nTo: onboarding@aboard.example\r\nSubject: "
    + b"x" * 70_000
    + b"\r\n\r\nbody\r\n"
)
"""A header field beyond the limit: goes to quarantine."""


def everything() -> list[bytes]:
    """All mails of the story, in order of arrival."""
    absence = mail(
        "Per Lund <per@nord.example>",
        "Out of office: Re: your question",
        "I am out of the office until 12 June 2025.\n",
        minutes=90,
        auto_submitted="auto-replied",
    )
    forwarded = mail(
        "Jonas Brandt <jonas@aboard.example>",
        "Fwd: Question about the data import",
        "From sales, please take it.\n\n---------- Forwarded message ---------\n"
        "From: Per Lund <per@nord.example>\nDate: Mon, Jun 2, 2025 at 8:00 AM\n"
        "Subject: Question about the data import\nTo: <jonas@aboard.example>\n\n"
        "Which columns do you need?\n",
        minutes=45,
    )
    arabic = mail(
        "شركة النور <info@alnoor.example>",
        "طلب حذف البيانات GDPR",
        "مرحبا،\n\nنرجو حذف بيانات المستخدم.\n",
        minutes=30,
    )
    odd = b"From: odd@nord.example\r\nSubject: no id\r\nContent-Type: text/plain; charset=x-none\r\n\r\nHi\r\n"
    made = [*kickoff(), invitation(), absence, forwarded, arabic]
    return [*(one.as_bytes() for one in made), BOUNCE, odd, BOMB]


def settings_for(url: str) -> Settings:
    """The shipped rules, teams and policies over a database of the test's own."""
    data = REPO / "data"
    return Settings(
        folder=REPO,
        database=url,
        mailboxes=(Mailbox(OURS, "Onboarding"),),
        own_domains=("aboard.example",),
        web=Web(listen=Listen("127.0.0.1", 0)),
        files=Files(
            rules=data / "rules",
            teams=data / "teams.yaml",
            sla=data / "sla.yaml",
            stages=data / "stages.yaml",
            macros=data / "macros.yaml",
            templates=REPO / "templates",
        ),
    )


def put(db: Database, settings: Settings, raws: Iterable[bytes], at: datetime = NOW) -> None:
    """Accept raw mails as they come in by SMTP, one minute apart, and file them."""
    listed = list(raws)
    accept(
        db,
        [
            Incoming(
                raw,
                "smtp",
                at - timedelta(minutes=len(listed) - number),
                reverse_path="anna@acme.example",
                forward_paths=(OURS,),
                peer="192.0.2.1",
            )
            for number, raw in enumerate(listed)
        ],
        "node-1",
    )
    file_all(db, settings)


def tell(db: Database, settings: Settings) -> None:
    """Put the admin's files in force and the whole story into the database."""
    active.activate(db, settings, NOW)
    put(db, settings, everything())
