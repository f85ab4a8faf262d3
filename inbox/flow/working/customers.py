"""Accounts from a CSV file; the stage of an account, the role of a contact."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from inbox.errors import AboardError, ConfigError, NotFound
from inbox.flow.admin.stored_sets import in_force
from inbox.flow.promises import sla
from inbox.flow.working.work import Told
from inbox.store import accounts, followup_facts, people, threads, timeline
from inbox.store.accounts import Contact
from inbox.store.database import Conn, Database
from routing.problems import Problem
from routing.reader import did_you_mean

MOST_ROLE = 100
COLUMNS = ("name", "domains", "contacts", "tier", "stage", "owners", "tags")
"""`name` is required; several values of a cell are parted by `;`; owners are `team=handle`."""


@dataclass(frozen=True, slots=True)
class Line:
    """One account of a CSV file."""

    name: str
    domains: tuple[str, ...] = ()
    contacts: tuple[str, ...] = ()
    tier: str | None = None
    stage: str | None = None
    owners: Mapping[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """What a file's cells are checked against."""

    teams: Sequence[str]
    stages: Sequence[str]
    people: Sequence[str]


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did."""

    created: int
    updated: int


def read_csv(content: bytes, file: str, known: Known) -> tuple[Line, ...]:
    """Read a CSV file with a header line. Raises `ConfigError` with every problem."""
    problems: list[Problem] = []
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"byte {error.start} is not UTF-8"
        raise ConfigError([Problem(file, 0, 0, "encoding", message, "save it as UTF-8")]) from error
    separator = (
        ";" if text.partition("\n")[0].count(";") > text.partition("\n")[0].count(",") else ","
    )
    reader = csv.DictReader(io.StringIO(text), delimiter=separator, restkey="+", restval="")
    header = [name.strip().lower() for name in reader.fieldnames or ()]
    reader.fieldnames = header
    for name in header:
        if name not in COLUMNS:
            hint = did_you_mean(name, COLUMNS)
            problems.append(Problem(file, 1, 0, "unknown-column", f"no column `{name}`", hint))
    if "name" not in header:
        hint = "the columns are " + ", ".join(COLUMNS)
        problems.append(Problem(file, 1, 0, "missing-column", "there is no column `name`", hint))
    lines = []
    if not problems:
        for row in reader:
            lines.append(_line(row, file, reader.line_num, known, problems))
    if problems:
        raise ConfigError(problems)
    return tuple(lines)


def _line(
    row: Mapping[str, str], file: str, number: int, known: Known, problems: list[Problem]
) -> Line:
    def problem(code: str, message: str, hint: str = "") -> None:
        problems.append(Problem(file, number, 0, code, message, hint))

    def cell(name: str) -> str:
        return (row.get(name) or "").strip()

    def several(name: str) -> tuple[str, ...]:
        return tuple(part.strip() for part in cell(name).split(";") if part.strip())

    if "+" in row:
        problem("too-many-cells", "the line has more cells than the header", "quote the commas")
    if not cell("name"):
        problem("empty-name", "an account needs a name")
    if cell("stage") and cell("stage") not in known.stages:
        problem(
            "unknown-stage",
            f"no stage `{cell('stage')}`",
            did_you_mean(cell("stage"), known.stages),
        )
    owners: dict[str, str] = {}
    for pair in several("owners"):
        team, equals, handle = (part.strip() for part in pair.partition("="))
        if not equals:
            problem("bad-owner", f"`{pair}` is not an owner", "write team=handle")
        elif team not in known.teams:
            problem("unknown-team", f"no team `{team}`", did_you_mean(team, known.teams))
        elif handle not in known.people:
            problem("unknown-person", f"no person `{handle}`", did_you_mean(handle, known.people))
        owners[team] = handle
    for domain in several("domains"):
        if "." not in domain or "@" in domain:
            problem("bad-domain", f"`{domain}` is no domain", "write company.example")
    for address in several("contacts"):
        if address.count("@") != 1:
            problem("bad-address", f"`{address}` is no mail address")
    return Line(
        name=cell("name"),
        domains=tuple(domain.lower() for domain in several("domains")),
        contacts=tuple(address.lower() for address in several("contacts")),
        tier=cell("tier") or None,
        stage=cell("stage") or None,
        owners=owners,
        tags=several("tags"),
    )


def import_accounts(db: Database, lines: Sequence[Line], now: datetime) -> Imported:
    """Create or update accounts; one is found again by a domain of its, else by its name."""
    created = updated = 0
    with db.write() as conn:
        for line in lines:
            found = _find(conn, line)
            if found is None:
                new = accounts.NewAccount(line.name, now, tier=line.tier, stage=line.stage)
                account_id = accounts.create(conn, new)
                created += 1
            else:
                account_id = found
                updated += 1
            _apply(conn, account_id, line, now)
    return Imported(created, updated)


def _find(conn: Conn, line: Line) -> int | None:
    owned = accounts.by_domains(conn, line.domains)
    if owned:
        return min(owned.values())
    return accounts.named(conn, line.name)


def _apply(conn: Conn, account_id: int, line: Line, now: datetime) -> None:
    facts: dict[str, object] = {"name": line.name, "provisional": False}
    for name in ("tier", "stage"):
        if getattr(line, name):
            facts[name] = getattr(line, name)
    if line.tags:
        facts["tags"] = list(line.tags)
    accounts.update_facts(conn, account_id, **facts)
    accounts.add_domains(conn, account_id, line.domains)
    for address in line.contacts:
        if address not in accounts.contacts_by_address(conn, [address]):
            accounts.add_contact(conn, account_id, "", address, now)
    for team, handle in line.owners.items():
        accounts.set_owner(conn, account_id, team, people.by_handle(conn, handle).id)


def note_role(db: Database, address: str, role: str) -> Contact:
    """Note what a contact does at their company; the contact. Raises `NotFound`, `AboardError`."""
    written = " ".join(role.split())
    if len(written) > MOST_ROLE:
        raise AboardError(f"a role has at most {MOST_ROLE} characters, this one {len(written)}")
    with db.write() as conn:
        found = accounts.set_role(conn, address.strip().lower(), written)
    if found is None:
        raise NotFound(f"nobody at a customer has the address {address!r}")
    return replace(found, role=written or None)


def move_to_stage(
    db: Database, account_id: int, stage: str, by: str, now: datetime, told: Told = sla.told
) -> bool:
    """Move an account to another stage of its onboarding, as the person `by` says; False where it
    is there already. What a stage starts, starts on the account's newest open thread.

    Raises `NotFound` for an unknown account, person or stage.
    """
    with db.write() as conn:
        files = in_force(conn)
        if files is not None and stage not in files.stages:
            raise NotFound(f"there is no stage {stage!r} ({did_you_mean(stage, files.stages)})")
        person = people.at_work(conn, by)
        accounts.lock(conn, [account_id])
        account = accounts.by_id(conn, account_id)
        if account.stage == stage:
            return False
        accounts.update_facts(conn, account.id, stage=stage)
        there = followup_facts.open_threads(conn, account.id)
        thread = threads.by_id(conn, max(there)) if there else None
        number = timeline.add(
            conn,
            timeline.Event(
                account_id=account.id,
                thread_id=None if thread is None else thread.id,
                message_id=None,
                at=now,
                kind="stage-changed",
                actor=f"person:{person.handle}",
                data={"stage": stage, "from": account.stage},
            ),
        )
        if thread is not None:
            told(conn, thread, number)
    return True
