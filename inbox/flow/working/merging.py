"""Two accounts made one, and parted again.

A merge is a deed: what moved is kept with it, and `undo` takes it back. What came since goes
with whom it is from; what is of both stays with the surviving account, and that is said.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from secrets import token_hex
from typing import Any

from inbox.errors import AboardError, NotFound
from inbox.flow.deciding.thread import absorb
from inbox.flow.promises import sla
from inbox.flow.working import regroup
from inbox.flow.working.undoing import UNDONE, Undoing, Way
from inbox.store import (
    account_look,
    account_moves,
    account_since,
    accounts,
    deeds,
    people,
    threads,
    timeline,
)
from inbox.store import regroup as rows
from inbox.store.account_look import Moves
from inbox.store.account_moves import Moved
from inbox.store.accounts import Account
from inbox.store.database import Conn, Database
from inbox.store.deeds import Deed

MERGED, UNMERGED = "accounts-merged", "accounts-unmerged"
DEED = "merge-accounts"


def merge(db: Database, source_id: int, target_id: int, by: str, now: datetime) -> int:
    """Make two accounts one: everything of the first goes to the second; threads joined by it.

    `by` is a handle. Raises `NotFound`, and `AboardError` where they cannot be one.
    """
    with db.write() as conn:
        person = people.at_work(conn, by)
        source, target = accounts.by_id(conn, source_id), accounts.by_id(conn, target_id)
        if source.id == target.id:
            raise AboardError(f"account {source.id} ({source.name}) is that account already")
        if source.kind != target.kind:
            raise AboardError("our own team's account cannot be merged with a customer's")
        accounts.lock(conn, {source.id, target.id})
        for account in (source, target):
            if accounts.by_id(conn, account.id).id != account.id:
                raise AboardError(
                    f"account {account.id} ({account.name}) has just been merged: look again"
                )
        pairs = threads.sharing_ids(conn, source.id, target.id)
        moved = account_moves.move_all(conn, source.id, target.id)
        joins = _join(conn, pairs, now)
        run = token_hex(16)
        before = {"source": source.id, "moved": moved.as_json(), "joins": joins}
        done = Deed(run, DEED, None, person.id, now, before, {"target": target.id})
        deeds.add(conn, done)
        data = {"merged": str(source.id), "name": source.name, "run": run}
        _happened(conn, target.id, MERGED, person.handle, data, now)
    return len(pairs)


def _join(conn: Conn, pairs: Sequence[tuple[int, int]], now: datetime) -> list[dict[str, Any]]:
    """Make one of each pair of threads; what is needed to part them again."""
    joins = []
    for one, other in pairs:
        first, second = threads.by_id(conn, one), threads.by_id(conn, other)
        if first.confidential or second.confidential:  # who sees one need not see the other
            threads.link(conn, first.id, second.id, "refers-to-its-mail", now)
        elif first.id != second.id:
            kept, lost = sorted((first, second), key=lambda thread: thread.id)
            before, after = absorb(conn, kept.id, lost.id, MERGED, now)
            joins.append({"kept": kept.id, "before": before, "after": after})
    return joins


def _happened(
    conn: Conn, account_id: int, kind: str, by: str, data: Mapping[str, Any], now: datetime
) -> None:
    event = timeline.Event(account_id, None, None, now, kind, f"person:{by}", data)
    timeline.append(conn, [event])


# --- Parting them again ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Merged:
    """A merge that can be looked at: who became part of whom, when, and under which name."""

    source: Account
    target: Account
    run: str
    at: datetime
    by: str
    """Name of who did it."""
    threads: int
    contacts: int
    domains: tuple[str, ...]
    joined: int


def find(conn: Conn, text: str) -> Account:
    """An account that was merged into another one, by its number or name. Raises `NotFound`."""
    wanted = text.strip()
    if wanted.isascii() and wanted.isdecimal() and len(wanted) < 19:
        one = accounts.by_ids(conn, [int(wanted)]).get(int(wanted))
    else:
        one = account_moves.merged_named(conn, wanted)
    if one is None:
        raise NotFound(f"there is no account {text!r} that was merged into another one")
    if one.merged_into_id is None:
        raise NotFound(f"account {one.id} ({one.name}) is an account of its own")
    return one


def look(conn: Conn, source_id: int) -> Merged:
    """The merge by which an account became part of another one. Raises `NotFound`."""
    source = find(conn, str(source_id))
    assert source.merged_into_id is not None
    target = accounts.by_ids(conn, [source.merged_into_id])[source.merged_into_id]
    run = account_moves.run_of(conn, source.id)
    found = deeds.of_run(conn, run) if run else ()
    if not found or found[0].undone_at is not None or found[0].kind != DEED:
        raise NotFound(
            f"account {source.id} ({source.name}) was merged before a merge kept what it moved:"
            " give its threads to an account one by one"
        )
    done, moved = found[0], Moved(**found[0].before["moved"])
    by = people.by_id(conn, done.by_id).name
    joined = len(done.before["joins"])
    return Merged(
        *(source, target, run, done.at, by),
        *(len(moved.rows["threads"]), len(moved.rows["contacts"]), tuple(moved.domains), joined),
    )


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What taking a merge back would do."""

    merged: Merged
    goes: Moves
    """What the account would have again."""
    stays: tuple[str, ...]
    """What would not go back, and why, as sentences."""


class _Enough(Exception):
    """Ends a rehearsal: nothing of it is kept."""


def rehearse(db: Database, source_id: int, by: str, now: datetime) -> Rehearsed:
    """What unmerging an account would do; it is done, looked at, and rolled back. Raises what
    `undo` would."""
    found: list[Rehearsed] = []
    try:
        with db.write() as conn:
            merged = look(conn, source_id)
            undoing = Undoing(conn, people.at_work(conn, by), now, sla.told)
            stays = _part(undoing, deeds.of_run(conn, merged.run)[0])
            goes = account_look.moves(conn, merged.source.id, merged.target.id)
            found.append(Rehearsed(merged, goes, tuple(stays)))
            raise _Enough
    except _Enough:
        pass
    return found[0]


def _unmerge(undoing: Undoing, done: Deed) -> str:
    """Take a merge back. Raises `AboardError` where it cannot be: it can still be, later."""
    return "; ".join(_part(undoing, done))


def _part(undoing: Undoing, done: Deed) -> list[str]:
    conn = undoing.conn
    moved = Moved(**done.before["moved"])
    apart = int(done.before["source"]), int(done.after["target"])
    accounts.lock(conn, set(apart))
    source, target = _still_one(conn, apart)
    said = []
    for one in reversed(done.before["joins"]):
        joined = replace(done, thread_id=one["kept"], before=one["before"], after=one["after"])
        if left := regroup.WAYS["merge"](undoing, joined):
            said.append(left)
    theirs = account_since.contacts_of(conn, target.id, moved)
    for one in done.before["joins"]:
        _sort_out(conn, (one["kept"], int(one["before"]["absorbed"])), theirs, moved)
    emptied = _emptied(conn, done)
    going, staying = _going(conn, (source, target), theirs, (moved, emptied))
    account_moves.give_back(conn, apart, moved, going, theirs)
    # Only now is a mail where it stays, and its thread with the account whose tier counts.
    pairs = {one["kept"] for one in done.before["joins"]}
    pairs |= {int(one["before"]["absorbed"]) for one in done.before["joins"]}
    sla.follow_moved(conn, pairs)
    said += staying
    for here, other in ((source, target), (target, source)):
        data = {"other": str(other.id), "name": other.name, "why": UNDONE}
        _happened(conn, here.id, UNMERGED, undoing.by.handle, data, undoing.now)
    return said


def _still_one(conn: Conn, apart: tuple[int, int]) -> tuple[Account, Account]:
    found = accounts.by_ids(conn, apart)
    source, target = (found[one] for one in apart)
    if target.merged_into_id is not None:
        beyond = accounts.by_id(conn, target.id)
        raise AboardError(
            f"{target.name} has become part of {beyond.name} since: unmerge account {target.id}"
            " first"
        )
    if source.merged_into_id != target.id:
        raise AboardError(f"account {source.id} ({source.name}) is no part of {target.name}")
    return source, target


def _sort_out(conn: Conn, pair: tuple[int, int], theirs: set[int], moved: Moved) -> None:
    """Two threads that the merge had made one: what came on the one since by people of the other
    account goes to the other."""
    kept, lost = (threads.by_id(conn, one) for one in pair)
    if kept.id == lost.id:
        return
    wrote = account_since.writers(conn, kept.account_id, moved).get(kept.id, set())
    strangers = wrote - theirs if kept.id in moved.rows["threads"] else wrote & theirs
    numbers = account_since.mails_of(conn, kept.id, strangers, moved)
    if numbers:
        rows.part(conn, kept.id, lost.id, numbers)
        if kept.status == "open":
            threads.save(conn, lost.id, status="open")
        for one in (kept.id, lost.id):
            threads.recount(conn, one)


def _emptied(conn: Conn, done: Deed) -> set[int]:
    """Threads that the merge had joined into another one, of whose mails none is there any more."""
    found = set()
    for one in done.before["joins"]:
        lost = int(one["before"]["absorbed"])
        root = threads.by_id(conn, lost).id
        came, _ = rows.mails_on(conn, root, rows.Moved(**one["before"]["moved"]))
        if root != lost and not came:
            found.add(lost)
    return found


def _going(
    conn: Conn,
    apart: tuple[Account, Account],
    theirs: set[int],
    what: tuple[Moved, Collection[int]],
) -> tuple[dict[int, int], list[str]]:
    """The threads that go back to the merged account, each with the one that it is part of;
    sentences about those that do not. `what` moved, and which threads are emptied since."""
    (source, target), (moved, emptied) = apart, what
    every = account_moves.roots(conn, [target.id])
    there = {one: root for one, root in every.items() if one not in emptied}
    came, newest = set(moved.rows["threads"]) - set(moved.astray), moved.newest["threads"]
    wrote = account_since.writers(conn, target.id, moved)
    joined_into = {root for one, root in there.items() if one != root and one in came}
    # Threads that were the other account's own have been joined into these since.
    mixed = {
        root
        for one, root in there.items()
        if one != root and one <= newest and one not in came and one not in moved.leading
    }
    standing = set(there.values()) & set(there)
    fresh = {root for root in standing if root > newest and root not in came}
    wrote |= account_since.of_any_age(conn, fresh)  # what was split off has old mails
    old = account_since.with_old_mail(conn, fresh, moved)
    going: set[int] = set()
    said = []
    for root in sorted(standing):
        who = wrote.get(root, set())
        if root in fresh:
            who = who or account_since.written_to(conn, root)
            its = bool(who) and who <= theirs
        else:
            its = root in came and who <= theirs
        if its and root not in mixed:
            going.add(root)
        elif root in came or root in joined_into or who & theirs:
            said.append(_stays(root, source, target))
        elif root in old and not who:
            said.append(_unknown(root, source, target))
    for one in account_since.elsewhere(conn, target.id, moved):
        said.append(f"thread {one} stays where it is: it was given to another account since")
    along = {one: root for one, root in there.items() if root in going and one not in moved.leading}
    return along | {one: there[one] for one in moved.astray if one in there}, said


def _stays(thread_id: int, source: Account, target: Account) -> str:
    return (
        f"thread {thread_id} stays with {target.name}: mails of both came together on it since;"
        f" split it, then give {source.name} its part"
    )


def _unknown(thread_id: int, source: Account, target: Account) -> str:
    return (
        f"thread {thread_id} stays with {target.name}: it was split off since, and no mail on it is"
        f" from anybody known; look whether it is {source.name}'s"
    )


WAYS: dict[str, Way] = {DEED: _unmerge}
