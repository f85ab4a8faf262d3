"""The section `imap` of the configuration: mailboxes on IMAP servers that mail is fetched from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime
from pathlib import Path

from routing.reader import Fields

LONGEST_NAME, LONGEST_FOLDER = 40, 200
LONGEST_POLL = 60
"""Seconds: however well a server pushes, a folder is looked into this often."""
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
"""What no folder name, user name or search may hold: it would end one command and begin another
(CVE-2025-15366)."""
_LOCAL = ("localhost", "127.0.0.1", "::1")
PASSWORD, XOAUTH2, OAUTHBEARER = "password", "xoauth2", "oauthbearer"


@dataclass(frozen=True, slots=True)
class Polled:
    """One mailbox on a server, with the folders that are fetched from."""

    name: str
    """Cursors go by it: with another name everything is fetched again, and found to be known."""
    host: str
    port: int = 993
    tls: str = "implicit"
    """`implicit`, `starttls`, or `none` where the server is this very machine."""
    tls_ca: Path | None = None
    username: str = ""
    auth: str = PASSWORD
    password: str | None = field(default=None, repr=False, metadata={"secret": True})
    token_command: tuple[str, ...] = ()
    """Program and arguments that print an OAuth2 access token; run without a shell."""
    folders: tuple[str, ...] = ("INBOX",)
    address: str = ""
    """The mailbox of ours that its mail was sent to."""
    archive_before: datetime | None = None
    """What arrived before is history. None: a day before a folder is first seen."""
    archive_status: str = "closed"
    move_to: str = ""
    """Where mail is moved to once it is ours; empty: the server is never changed."""

    @property
    def where(self) -> str:
        """For people: which mailbox on which server."""
        return f"mailbox {self.name} ({self.host}:{self.port})"


@dataclass(frozen=True, slots=True)
class Imap:
    """All mailboxes that are polled, and how."""

    mailboxes: tuple[Polled, ...] = ()
    poll_seconds: int = LONGEST_POLL
    call_seconds: int = 60
    """How long a server may take to answer one command."""
    batch_mails: int = 200
    batch_mib: int = 8
    most_bytes: int = 40 * 1024 * 1024
    old_hours: int = 24
    """Mail that waited longer gets no automatic answer."""
    stalled_minutes: int = 5
    reconcile_minutes: int = 60


def read_polled(
    source: Fields, folder: Path, environment: Mapping[str, str], addresses: tuple[str, ...]
) -> tuple[Polled, ...]:
    """The list `mailboxes` of the section; `addresses` are the mailboxes of ours."""
    known = [one.name for one in fields(Polled) if one.name != "password"]
    entries = source.mappings(
        "mailboxes", (*known, "password_file", "password_variable"), "a mailbox that is polled"
    )
    found: list[Polled] = []
    for entry in entries:
        one = _mailbox(entry, folder, environment, addresses)
        if any(other.name == one.name for other in found):
            entry.wrong("name", "another one than those of the mailboxes above")
        found.append(one)
    return tuple(found)


def _mailbox(
    entry: Fields, folder: Path, environment: Mapping[str, str], addresses: tuple[str, ...]
) -> Polled:
    name = entry.text("name", required=True)
    if name and not re.fullmatch(rf"[a-z0-9][a-z0-9._-]{{0,{LONGEST_NAME - 1}}}", name):
        entry.wrong("name", f"at most {LONGEST_NAME} small letters, digits, dots and dashes")
    tls = entry.text("tls", "implicit", choices=("implicit", "starttls", "none"))
    host = entry.text("host", required=True)
    if not re.fullmatch(r"[A-Za-z0-9.:_-]*", host):
        entry.wrong("host", "the name or address of a host")
    if tls == "none" and host not in _LOCAL:
        entry.wrong("tls", "implicit or starttls: only a server on this machine does without TLS")
    default_port = 993 if tls == "implicit" else 143
    made = Polled(
        name=name,
        host=host,
        port=entry.integer("port", default_port, at_least=1, at_most=65535),
        tls=tls,
        tls_ca=folder / entry.text("tls_ca") if "tls_ca" in entry else None,
        username=entry.text("username", required=True),
        auth=entry.text("auth", PASSWORD, choices=(PASSWORD, XOAUTH2, OAUTHBEARER)),
        password=_password(entry, folder, environment),
        token_command=entry.texts("token_command"),
        folders=entry.texts("folders") or ("INBOX",),
        address=_address(entry, addresses),
        archive_before=_day(entry, "archive_before"),
        archive_status=entry.text("archive_status", "closed", choices=("closed", "open")),
        move_to=entry.text("move_to"),
    )
    _plain_text(entry, made)
    _signs_in(entry, made)
    return made


def _plain_text(entry: Fields, made: Polled) -> None:
    for key, texts in (
        ("username", (made.username,)),
        ("folders", made.folders),
        ("move_to", (made.move_to,)),
    ):
        if any(CONTROL.search(text) or len(text) > LONGEST_FOLDER for text in texts):
            entry.wrong(key, f"at most {LONGEST_FOLDER} characters without control characters")
    if len(set(made.folders)) != len(made.folders):
        entry.wrong("folders", "a list without repetitions")
    if made.move_to in made.folders:
        entry.wrong("move_to", "a folder that is not fetched from")


def _signs_in(entry: Fields, made: Polled) -> None:
    if made.auth != PASSWORD:
        if not made.token_command:
            _needs(entry, "token_command: [PROGRAM, ARGUMENT, ...] that prints an access token")
        return
    if made.token_command:
        entry.wrong("token_command", "given together with auth: xoauth2 or oauthbearer")
    if not ("password_file" in entry or "password_variable" in entry):
        _needs(entry, "password_file: PATH, or password_variable: NAME")


def _needs(entry: Fields, what: str) -> None:
    if entry.node is not None:
        entry.reader.report(entry.node, "missing-key", f"{entry.what} needs {what}")


def _password(entry: Fields, folder: Path, environment: Mapping[str, str]) -> str | None:
    if "password_variable" in entry:
        variable = entry.text("password_variable")
        if variable.startswith("ABOARD_"):
            entry.wrong("password_variable", "a name that does not begin with ABOARD_")
        elif not environment.get(variable):
            entry.wrong("password_variable", "the name of a variable that is set")
        return environment.get(variable)
    if "password_file" not in entry:
        return None
    try:
        return (folder / entry.text("password_file")).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:  # no file; or no text, no path: what it holds is secret
        why = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        entry.wrong("password_file", f"a file that can be read ({why})")
        return None


def _address(entry: Fields, addresses: tuple[str, ...]) -> str:
    given = entry.text("address").strip().lower()
    if given and given not in addresses:
        entry.wrong("address", f"one of `mailboxes`: {', '.join(addresses)}")
    if not given and "address" not in entry:
        return addresses[0] if addresses else ""
    return given


def _day(entry: Fields, key: str) -> datetime | None:
    text = entry.text(key)
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        entry.wrong(key, "a day such as 2026-11-01")
        return None
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
