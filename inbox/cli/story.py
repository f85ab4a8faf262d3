"""The demo's story: six weeks of customers' mail, and what arrives while one watches.

Reads `data/demo`, makes real mails and hands them to a real SMTP port. It files nothing and waits
for nobody: whoever plays it sends each live mail when its time has come.
"""

from __future__ import annotations

import smtplib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from inbox.cli.story_build import Builder, builder
from inbox.cli.story_file import Person, Script, Scripted, read_script
from inbox.cli.story_words import spoken
from inbox.errors import AboardError

_HELO = "story.aboard.example"
"""Given to the server; asking the system for its name can take seconds without a network."""
_PATIENCE = 30.0
"""Seconds that the server may take for one answer."""


@dataclass(frozen=True, slots=True)
class StoryMail:
    """One mail of the story, ready to be handed over."""

    key: str
    sent_at: datetime
    """The instant of its Date field, in UTC."""
    reverse_path: str
    """Empty for a delivery report."""
    forward_paths: tuple[str, ...]
    raw: bytes
    after_seconds: float | None
    """Seconds after the start at which it arrives; None for history."""
    answers: str | None = None
    """The key of the mail that it answers."""


@dataclass(frozen=True, slots=True)
class Story:
    """The story as read; ask it for its mails with the instant of the start."""

    script: Script

    @property
    def people(self) -> tuple[Person, ...]:
        """Everybody in it: customers, our colleagues, machines."""
        return tuple(self.script.people.values())

    def history(self, now: datetime) -> tuple[StoryMail, ...]:
        """What had come before `now` (aware), the oldest first."""
        return self._made(now, live=False)

    def live(self, now: datetime) -> tuple[StoryMail, ...]:
        """What comes after a start at `now` (aware, the same as given to `history`), in order."""
        return self._made(now, live=True)

    def answers(self, now: datetime) -> tuple[StoryMail, ...]:
        """What our own people answered before `now`, as we sent it: the mails that `ours` tells."""
        made = builder(self.script, now)
        told = [mail for mail in self.script.mails if mail.ours is not None]
        found = [
            StoryMail(
                key=f"{mail.key}-ours",
                sent_at=mail.ours.when.instant(made.now, mail.ours.by.zone).astimezone(UTC),
                reverse_path=self.script.mailbox,
                forward_paths=(made.asked(mail).address,),
                raw=made.our_answer(mail, mail.ours),
                after_seconds=None,
                answers=mail.answers,
            )
            for mail in told
            if mail.ours is not None
        ]
        return tuple(sorted(found, key=lambda mail: (mail.sent_at, mail.key)))

    def files_of(self, person: Person, now: datetime) -> dict[str, str]:
        """The files that a person or a colleague of theirs has sent -> when, in their words."""
        made = builder(self.script, now)
        domain = person.address.rpartition("@")[2]
        found: dict[str, str] = {}
        for mail in self.script.mails:
            if mail.sender.address.endswith(f"@{domain}") and mail.after_seconds is None:
                day = made.sent_at(mail).date()
                found |= dict.fromkeys(mail.attach, spoken(day, person.language))
        return found

    def _made(self, now: datetime, live: bool) -> tuple[StoryMail, ...]:
        made = builder(self.script, now)
        chosen = (m for m in self.script.mails if (m.after_seconds is not None) == live)
        mails = [_story_mail(made, mail) for mail in chosen]
        return tuple(sorted(mails, key=lambda mail: (mail.sent_at, mail.key)))


def _story_mail(made: Builder, mail: Scripted) -> StoryMail:
    return StoryMail(
        key=mail.key,
        sent_at=made.sent_at(mail).astimezone(UTC),
        reverse_path=mail.reverse_path,
        forward_paths=(made.script.mailbox,),
        raw=made.raw(mail),
        after_seconds=mail.after_seconds,
        answers=mail.answers,
    )


def load_story(folder: Path) -> Story:
    """Read the story in `folder` (`story.yaml`). Raises `ConfigError` with every problem found."""
    return Story(read_script(folder))


def deliver(host: str, port: int, mail: StoryMail) -> None:
    """Hand over one mail by SMTP. Raises `AboardError` where it is not accepted."""
    for _ in deliver_all(host, port, [mail]):
        pass


def deliver_all(host: str, port: int, mails: Iterable[StoryMail]) -> Iterator[StoryMail]:
    """Hand over mails on one connection; gives each one back when the server has accepted it.

    Raises `AboardError` at the first that is not accepted; those given back before it are.
    """
    where = f"{host}:{port}"
    try:
        with smtplib.SMTP(host, port, local_hostname=_HELO, timeout=_PATIENCE) as connection:
            for mail in mails:
                connection.sendmail(mail.reverse_path, list(mail.forward_paths), mail.raw)
                yield mail
    except smtplib.SMTPRecipientsRefused as error:
        refused = "; ".join(
            f"{recipient}: {_said(code, text)}"
            for recipient, (code, text) in error.recipients.items()
        )
        message = f"{where} refuses the story's recipient: {refused}"
        raise AboardError(f"{message} (is it among the configured mailboxes?)") from error
    except smtplib.SMTPResponseException as error:
        said = _said(error.smtp_code, error.smtp_error)
        raise AboardError(f"{where} does not accept a mail of the story: {said}") from error
    except (smtplib.SMTPException, OSError) as error:
        hint = "is Aboard's SMTP port open there?"
        raise AboardError(f"cannot hand the story over to {where}: {error} ({hint})") from error


def _said(code: int, text: bytes | str) -> str:
    shown = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return f"{code} {shown}"
