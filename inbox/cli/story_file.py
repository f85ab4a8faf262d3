"""The demo's story as its files tell it: who writes, when, what. Makes no mail and knows no clock.

`story.yaml` names the people and the chapters; each chapter lists mails. A reply names the mail it
`answers`; what a colleague of ours wrote in between is told under `ours` and only ever quoted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from inbox.cli.story_words import LANGUAGES, wrong_marks
from inbox.errors import ConfigError
from routing.problems import Problem
from routing.reader import Fields, Reader, did_you_mean
from routing.strict_yaml import Node, load_text

CLIENTS = ("outlook", "gmail", "apple", "phone", "machine")
_PERSON = ("name", "address", "client", "language", "zone", "signature", "html")
_MAIL = (
    "key", "from", "at", "after", "subject", "text", "answers", "ours", "quote", "cc", "attach",
    "picture", "calendar", "forward", "bounce", "headers", "reverse_path",
)  # fmt: skip
_OURS = ("by", "at", "text")
_FORWARD = ("from", "at", "subject", "text")
_BOUNCE = ("recipient", "status", "diagnostic", "subject")
_BACK = re.compile(r"(\d{1,3}) (\d\d):(\d\d)\Z")
_AGO = re.compile(r"(\d{1,3})([hm])\Z")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who writes, and what their mail program looks like."""

    key: str
    name: str
    address: str
    client: str
    language: str
    zone: ZoneInfo
    signature: str
    html: bool


@dataclass(frozen=True, slots=True)
class When:
    """An instant told by its distance from the start: working days and a clock, or a duration."""

    days: int = 0
    """Working days before the start's day (UTC); counts only where `clock` is given."""
    clock: time | None = None
    """In the writer's zone."""
    ahead: timedelta = timedelta()
    """Negative for the past; counts only where there is no `clock`."""

    def instant(self, now: datetime, zone: ZoneInfo) -> datetime:
        """The instant in the writer's zone, to the second."""
        if self.clock is None:
            return (now + self.ahead).replace(microsecond=0).astimezone(zone)
        return datetime.combine(working_day(now.date(), self.days), self.clock, zone)


@dataclass(frozen=True, slots=True)
class Ours:
    """What a colleague answered; it was never received, so it is only quoted."""

    by: Person
    when: When
    text: str


@dataclass(frozen=True, slots=True)
class Forwarded:
    """The customer's mail inside a colleague's forward."""

    sender: Person
    when: When
    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Undelivered:
    """What a delivery report reports about a mail of ours."""

    recipient: str
    status: str
    diagnostic: str
    subject: str


@dataclass(frozen=True, slots=True)
class Scripted:
    """One mail of the story."""

    key: str
    sender: Person
    when: When
    after_seconds: float | None
    """None for history; else seconds from the start."""
    subject: str
    """Empty for a reply, whose subject follows from what it answers."""
    text: str
    answers: str | None
    ours: Ours | None
    quote: bool
    cc: tuple[Person, ...]
    attach: tuple[str, ...]
    picture: str | None
    calendar: str | None
    forward: Forwarded | None
    bounce: Undelivered | None
    headers: tuple[tuple[str, str], ...]
    reverse_path: str


@dataclass(frozen=True, slots=True)
class Script:
    """The whole story and the files that are attached to its mails."""

    mailbox: str
    people: Mapping[str, Person]
    mails: tuple[Scripted, ...]
    files: Mapping[str, bytes]


def working_day(today: date, back: int) -> date:
    """The day `back` working days (Monday to Friday) before `today`; negative: after it."""
    day, step = today, timedelta(days=-1 if back > 0 else 1)
    for _ in range(abs(back)):
        day += step
        while day.weekday() > 4:
            day += step
    return day


def read_script(folder: Path) -> Script:
    """Read `story.yaml`, its chapters and files. Raises `ConfigError` with every problem."""
    reader = Reader()
    top = reader.fields(
        _load(reader, folder / "story.yaml"), ("mailbox", "people", "chapters"), "the story"
    )
    mailbox = top.text("mailbox", required=True)
    people = _people(top.mapping("people", None))
    names = folder / "files"
    files = {f.name: f.read_bytes() for f in sorted(names.iterdir())} if names.is_dir() else {}
    pages = _Pages(reader, people, files, {})
    for chapter in top.texts("chapters", required=True):
        root = _load(reader, folder / chapter)
        mails = reader.fields(root, ("mails",), f"the chapter {chapter}")
        for fields in mails.mappings("mails", _MAIL, "a mail"):
            pages.mail(fields)
    if reader.errors:
        raise ConfigError(reader.errors)
    return Script(mailbox, people, tuple(pages.mails.values()), files)


def _load(reader: Reader, path: Path) -> Node | None:
    try:
        data = path.read_bytes()
    except OSError as error:
        hint = "the demo's story comes with the program; is the folder complete?"
        reader.add(Problem(path.name, 0, 0, "no-file", f"cannot read it: {error.strerror}", hint))
        return None
    root, problems = load_text(data, path.name)
    reader.add(*problems)
    return root


def _people(fields: Fields) -> dict[str, Person]:
    people = {}
    for key in fields:
        one = fields.mapping(key, _PERSON)
        address = one.text("address", required=True)
        if address.count("@") != 1:
            one.wrong("address", "a mail address")
        people[key] = Person(
            key=key,
            name=one.text("name", required=True),
            address=address,
            client=one.text("client", "gmail", choices=CLIENTS),
            language=one.text("language", "en", choices=LANGUAGES),
            zone=_zone(one),
            signature=one.text("signature"),
            html=one.flag("html"),
        )
    return people


def _zone(fields: Fields) -> ZoneInfo:
    name = fields.text("zone", "UTC")
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        fields.wrong("zone", "a time zone such as Europe/Berlin")
        return ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class _Pages:
    """Reads mails one after the other; a mail may answer only one that stands before it."""

    reader: Reader
    people: Mapping[str, Person]
    files: Mapping[str, bytes]
    mails: dict[str, Scripted]

    def mail(self, fields: Fields) -> None:
        """Read one mail and keep it, or note why not."""
        key = fields.text("key", required=True)
        sender = self.person(fields, "from")
        if key in self.mails:
            fields.wrong("key", "a name that no other mail has")
        after = fields.number("after", -1.0, at_least=0) if "after" in fields else None
        when = self.when(fields) if after is None else When(ahead=timedelta(seconds=after))
        if sender is None:
            return
        answers = self.known(fields, "answers", self.mails)
        if answers is None:
            fields.text("subject", required=True)
        self.mails[key] = Scripted(
            key=key,
            sender=sender,
            when=when,
            after_seconds=after,
            subject=fields.text("subject"),
            text=self.prose(fields),
            answers=answers,
            ours=self.ours(fields),
            quote=fields.flag("quote", True),
            cc=self.listed(fields, "cc"),
            attach=fields.texts("attach", choices=tuple(self.files)),
            picture=self.known(fields, "picture", self.files),
            calendar=self.known(fields, "calendar", self.files),
            forward=self.forward(fields),
            bounce=_bounce(fields),
            headers=_headers(fields),
            reverse_path=_reverse_path(fields, sender),
        )

    def person(self, fields: Fields, key: str) -> Person | None:
        """Who a key names; a problem where nobody is."""
        name = fields.text(key, required=True)
        if name and name not in self.people:
            fields.wrong(key, "one of the people", did_you_mean(name, self.people))
        return self.people.get(name)

    def listed(self, fields: Fields, key: str) -> tuple[Person, ...]:
        """The people of a list."""
        names = fields.texts(key, choices=tuple(self.people))
        return tuple(self.people[name] for name in names)

    def known(self, fields: Fields, key: str, things: Mapping[str, object]) -> str | None:
        """The name of a file, or of a mail that stands before; None where none is named."""
        if key not in fields:
            return None
        name = fields.text(key)
        if name and name not in things:
            what = "a mail above this one" if things is self.mails else "one of the story's files"
            fields.wrong(key, what, did_you_mean(name, things))
        return name if name in things else None

    def when(self, fields: Fields) -> When:
        """`29 09:12`: 29 working days back at that time of the writer's day; `3h`, `20m`: ago."""
        text = fields.text("at", required=True)
        back, ago = _BACK.match(text), _AGO.match(text)
        if back and int(back[1]) > 0 and int(back[2]) < 24 and int(back[3]) < 60:
            return When(int(back[1]), time(int(back[2]), int(back[3])))
        if ago:
            return When(ahead=-timedelta(minutes=int(ago[1]) * (60 if ago[2] == "h" else 1)))
        fields.wrong("at", "working days back and a time (`29 09:12`), or `3h`, or `20m`")
        return When()

    def prose(self, fields: Fields) -> str:
        """The text of a mail, with its `[[marks]]` checked."""
        text = fields.text("text", required=True)
        for mark in wrong_marks(text):
            fields.wrong("text", "free of unknown marks", f"{mark} is none of them")
        return text.strip("\n")

    def ours(self, fields: Fields) -> Ours | None:
        """What a colleague wrote in between."""
        told = fields.mapping("ours", _OURS)
        if told.node is None:
            return None
        by = self.person(told, "by")
        return None if by is None else Ours(by, self.when(told), self.prose(told))

    def forward(self, fields: Fields) -> Forwarded | None:
        """The mail that this one forwards."""
        told = fields.mapping("forward", _FORWARD)
        if told.node is None:
            return None
        sender = self.person(told, "from")
        subject = told.text("subject", required=True)
        if sender is None:
            return None
        return Forwarded(sender, self.when(told), subject, self.prose(told))


def _bounce(fields: Fields) -> Undelivered | None:
    told = fields.mapping("bounce", _BOUNCE)
    if told.node is None:
        return None
    return Undelivered(*(told.text(name, required=True) for name in _BOUNCE))


def _headers(fields: Fields) -> tuple[tuple[str, str], ...]:
    told = fields.mapping("headers", None)
    return tuple((name, told.text(name, required=True)) for name in told)


def _reverse_path(fields: Fields, sender: Person) -> str:
    """The sender's address, another one, or nothing at all where the file says `<>`."""
    given = fields.text("reverse_path", sender.address)
    return "" if given == "<>" else given
