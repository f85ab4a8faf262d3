"""Makes the mails of the story, as raw bytes, for one instant of start; sends and stores nothing.

The same script and the same start give the same bytes. Ids follow from the script alone, so that a
mail that is made later, with a later start, still answers the mails of the history.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from email.utils import format_datetime

from inbox.cli.story_file import Ours, Person, Script, Scripted, working_day
from inbox.cli.story_mime import (
    Part,
    address,
    block,
    file_part,
    identifiers,
    message,
    multipart,
    text_part,
    unstructured,
)
from inbox.cli.story_style import Page, Quoted, forward_block, html, plain
from inbox.cli.story_words import REPLY_PREFIX, fill

OUR_NAME = "Aboard Onboarding"


@dataclass(frozen=True, slots=True)
class Builder:
    """The script at one start; every method takes a mail of it."""

    script: Script
    now: datetime
    mails: dict[str, Scripted] = field(default_factory=dict)

    def raw(self, mail: Scripted) -> bytes:
        """The whole mail."""
        if mail.bounce is not None:
            return self._report(mail)
        body = self._body(mail)
        if mail.attach or mail.calendar:
            files = [file_part(name, self._file(name)) for name in mail.attach]
            if mail.calendar:
                files.append(file_part(mail.calendar, self._file(mail.calendar)))
            body = multipart("mixed", [body, *files])
        return message(self._fields(mail), body)

    def sent_at(self, mail: Scripted) -> datetime:
        """When the mail was sent, in its sender's zone."""
        return mail.when.instant(self.now, mail.sender.zone)

    def message_id(self, mail: Scripted) -> str:
        """The mail's id without brackets, in the form of its sender's program."""
        digest = self._digest(mail.key)
        if mail.sender.client == "gmail":
            return f"CA{digest[:6]}+{digest[6:40]}@mail.gmail.com"
        domain = self._domain(mail.sender).removeprefix("mail.")
        if mail.sender.client in ("apple", "phone"):
            return f"{str(uuid.UUID(hex=digest[:32])).upper()}@{domain}"
        return f"{digest[:32]}@mail.{domain}"

    def references(self, mail: Scripted) -> tuple[str, ...]:
        """The ids of the thread above the mail, the oldest first, our own answers among them."""
        if mail.answers is None:
            return ()
        parent = self.mails[mail.answers]
        ids = (*self.references(parent), self.message_id(parent))
        if mail.ours is None:
            return ids
        return (*ids, f"{self._digest(mail.key + ' ours')[:32]}@aboard.example")

    def subject(self, mail: Scripted) -> str:
        """Its own subject, or the thread's behind the prefix of its sender's program."""
        if mail.subject:
            return self._filled(mail.subject, mail.sender)
        program = mail.sender.client
        prefix = "Re: " if program != "outlook" else REPLY_PREFIX[mail.sender.language]
        return prefix + self._root_subject(mail)

    def _root_subject(self, mail: Scripted) -> str:
        while not mail.subject and mail.answers is not None:
            mail = self.mails[mail.answers]
        return self._filled(mail.subject, mail.sender)

    @staticmethod
    def _digest(name: str) -> str:
        return hashlib.sha256(f"story {name}".encode()).hexdigest()

    def _day(self, back: int) -> date:
        return working_day(self.now.date(), back)

    def _filled(self, text: str, writer: Person) -> str:
        return fill(text, writer.language, self._day)

    def _file(self, name: str) -> bytes:
        data = self.script.files[name]
        if not name.endswith(".ics"):
            return data
        # Its days move with the start, and RFC 5545 wants CR LF.
        return fill(data.decode("utf-8"), "en", self._day).replace("\n", "\r\n").encode("utf-8")

    def _fields(self, mail: Scripted) -> tuple[tuple[str, str], ...]:
        sender = mail.sender
        fields = [
            ("From", address(sender.name, sender.address)),
            ("To", address(OUR_NAME, self.script.mailbox)),
        ]
        if mail.cc:
            people = ",\r\n ".join(address(one.name, one.address) for one in mail.cc)
            fields.append(("Cc", people))
        fields += [
            ("Subject", unstructured(self.subject(mail))),
            ("Date", format_datetime(self.sent_at(mail))),
            ("Message-ID", f"<{self.message_id(mail)}>"),
        ]
        above = self.references(mail)
        if above:
            fields += [("In-Reply-To", f"<{above[-1]}>"), ("References", identifiers(above))]
        if sender.client in ("apple", "phone"):
            program = "Apple Mail (2.3774)" if sender.client == "apple" else "iPhone Mail (21F90)"
            fields.append(("X-Mailer", program))
        return (*fields, *mail.headers)

    def _page(self, mail: Scripted) -> Page:
        sender = mail.sender
        picture = None
        if mail.picture is not None:
            picture = (f"{self._digest(mail.key)[:12]}@{self._domain(sender)}", mail.picture)
        return Page(
            client=sender.client,
            language=sender.language,
            text=self._filled(mail.text, sender),
            signature=sender.signature,
            history=self._history(mail) if mail.quote else (),
            picture=picture,
        )

    def _domain(self, person: Person) -> str:
        return person.address.rpartition("@")[2]

    def _history(self, mail: Scripted) -> tuple[Quoted, ...]:
        """What the mail answers, and below it what that one answered."""
        shown: list[Quoted] = []
        if mail.ours is not None:
            shown.append(self._our_answer(mail, mail.ours))
        if mail.answers is not None:
            parent = self.mails[mail.answers]
            shown.append(
                Quoted(
                    name=parent.sender.name,
                    address=parent.sender.address,
                    to=f"{OUR_NAME} <{self.script.mailbox}>",
                    at=self.sent_at(parent).astimezone(mail.sender.zone),
                    subject=self.subject(parent),
                    text=self._filled(parent.text, parent.sender),
                )
            )
        return tuple(shown)

    def asked(self, mail: Scripted) -> Person:
        """To whom our own people's answer went that a mail quotes."""
        return self.mails[mail.answers].sender if mail.answers else mail.sender

    def our_answer(self, mail: Scripted, ours: Ours) -> bytes:
        """That answer as a whole mail; its id is the one that the mail refers to."""
        to = self.asked(mail)
        above: tuple[str, ...] = ()
        if mail.answers is not None:
            parent = self.mails[mail.answers]
            above = (*self.references(parent), self.message_id(parent))
        at = ours.when.instant(self.now, ours.by.zone)
        fields = [
            ("From", address(ours.by.name, self.script.mailbox)),
            ("To", address(to.name, to.address)),
            ("Subject", unstructured("Re: " + self._root_subject(mail))),
            ("Date", format_datetime(at)),
            ("Message-ID", f"<{self._digest(mail.key + ' ours')[:32]}@aboard.example>"),
        ]
        if above:
            fields += [("In-Reply-To", f"<{above[-1]}>"), ("References", identifiers(above))]
        text = fill(ours.text, mail.sender.language, self._day)
        return message(tuple(fields), text_part(text, "text/plain; charset=utf-8"))

    def _our_answer(self, mail: Scripted, ours: Ours) -> Quoted:
        asked = self.asked(mail)
        at = ours.when.instant(self.now, ours.by.zone)
        return Quoted(
            name=ours.by.name,
            address=self.script.mailbox,
            to=f"{asked.name} <{asked.address}>",
            at=at.astimezone(mail.sender.zone),
            subject="Re: " + self._root_subject(mail),
            text=fill(ours.text, mail.sender.language, self._day),
        )

    def _body(self, mail: Scripted) -> Part:
        page = self._page(mail)
        text = plain(page)
        if mail.forward is not None:
            original = mail.forward
            forwarded = Quoted(
                name=original.sender.name,
                address=original.sender.address,
                to=f"{mail.sender.name} <{mail.sender.address}>",
                at=original.when.instant(self.now, original.sender.zone),
                subject=original.subject,
                text=self._filled(original.text, original.sender),
            )
            return text_part(f"{text}\n\n{forward_block(forwarded)}", "text/plain; charset=utf-8")
        parts = [text_part(text, "text/plain; charset=utf-8")]
        if mail.sender.html or page.picture is not None:
            shown = text_part(html(page), "text/html; charset=utf-8")
            if page.picture is not None:
                content_id, name = page.picture
                image = file_part(name, self._file(name), content_id)
                shown = multipart("related", [shown, image])
            parts.append(shown)
        if mail.calendar is not None:
            told = self._file(mail.calendar).decode("utf-8").replace("\r\n", "\n")
            parts.append(text_part(told, "text/calendar; charset=utf-8; method=REQUEST"))
        return parts[0] if len(parts) == 1 else multipart("alternative", parts)

    def _report(self, mail: Scripted) -> bytes:
        """A delivery report (RFC 3464) about a mail that a colleague sent."""
        assert mail.bounce is not None
        failed, domain = mail.bounce, self._domain(mail.sender)
        status = block(
            (
                ("Reporting-MTA", f"dns; {domain}"),
                ("Arrival-Date", f"{format_datetime(self.sent_at(mail))}\r\n"),
                ("Final-Recipient", f"rfc822; {failed.recipient}"),
                ("Action", "failed"),
                ("Status", failed.status),
                ("Diagnostic-Code", f"smtp; {failed.diagnostic}"),
            )
        )
        original = block(
            (
                ("From", address(OUR_NAME, self.script.mailbox)),
                ("To", failed.recipient),
                ("Subject", unstructured(failed.subject)),
                ("Date", format_datetime(self.sent_at(mail))),
                ("Message-ID", f"<{self._digest(mail.key + ' ours')[:32]}@aboard.example>"),
            )
        )
        parts = [
            text_part(self._filled(mail.text, mail.sender), "text/plain; charset=utf-8"),
            Part((("Content-Type", "message/delivery-status"),), status),
            Part((("Content-Type", "text/rfc822-headers"),), original),
        ]
        body = multipart("report", parts, " report-type=delivery-status;")
        return message(self._fields(mail), body)


def builder(script: Script, now: datetime) -> Builder:
    """The script's mails as they are when the demo starts at `now` (aware)."""
    start = now.astimezone(UTC).replace(microsecond=0)
    return Builder(script, start, {mail.key: mail for mail in script.mails})
