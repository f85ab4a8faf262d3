"""Poll: take what a folder of a mailbox holds, and account for every UID of it.

Mails and cursor are in one commit, under the lease of who polls. The cursor never passes a UID of
which it is not on record what became: it is ours, it was ours before, it is gone, or it is left on
the server and listed as such. Nothing on the server changes before that commit.

One bad mail hurts only itself: a batch that fails is fetched mail by mail, each attempt counted
before it is made, and after `MOST_ATTEMPTS` the next one is taken.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from inbox.errors import MailboxError, StoreError
from inbox.flow.intake.accept import Incoming, accept
from inbox.flow.intake.poll_move import move_away
from inbox.flow.intake.poll_round import Batch, Round, Rules
from inbox.flow.intake.reconcile import compare
from inbox.mail.polled import Folders, Listed
from inbox.mail.return_path import return_path
from inbox.store import mailbox_uids, mailboxes
from inbox.store.database import Conn, Database
from inbox.store.mailbox_uids import ACCEPTED, GONE, KNOWN, REFUSED, TOO_LARGE, Noted
from inbox.store.mailboxes import Folder, Held, PollerFenced

EARLIEST = datetime(1980, 1, 1, tzinfo=UTC)
MOST_REFUSED = 5
"""Mails refused one after the other: then it is the server, not the mails."""
MOST_ATTEMPTS = 3
"""Times that a mail is asked for at once; later ones come with the comparison."""
LISTED_AT_ONCE = 500


class Poll:
    """A connection at work for whoever holds the lease of its mailbox."""

    def __init__(self, db: Database, remote: Folders, rules: Rules, held: Held) -> None:
        self._db, self._remote, self._rules, self._held = db, remote, rules, held
        self._refused = 0
        self._moves_cursor = True

    def look(self, folder: str) -> Round:
        """Take what is new in a folder.

        Raises `MailboxError`, `StoreError`, and `PollerFenced` where somebody else polls now. What
        was committed until then is accounted for, and the next call goes on behind it.
        """
        at = self._meet(folder)
        listed = self._remote.uids(at.last_uid)
        done = self._live_first(at, listed)
        uids, newest, unasked = self._unsettled(at, listed), max(listed, default=0), 0
        for batch in self._batches(at, uids):
            if self._rules.stopping():
                return done
            done += self._take(at, batch)
            self._rules.progress(folder, done.total, len(uids))
            unasked += len(batch.uids)
            if unasked >= LISTED_AT_ONCE:
                came, unasked = self._remote.uids(newest), 0
                done += self._ahead(at, came)
                newest = max(came, default=newest)
        done += self._once_more(at)
        move_away(self._db, self._remote, self._rules, at)
        with self._db.write() as conn:
            mailboxes.hold(conn, self._held)
            mailboxes.advance(conn, at, max(listed, default=0))
            mailboxes.change(conn, at.id, looked_at=self._rules.clock())
        return done

    def reconcile(self, folder: str) -> tuple[int, ...]:
        """Compare the folder with the records and take what is on none; the UIDs that were holes.

        What was too large and is not any more, and what was refused, is asked for again.
        """
        at = self._meet(folder)
        found = compare(self._db, self._remote, self._rules.box, folder)
        self._one_by_one(at, found.unaccounted, None)
        # Noted before the rest: a mail over which the server hangs up must not be the first thing
        # that every later connection asks for.
        with self._db.write() as conn:
            mailboxes.change(conn, at.id, reconciled_at=self._rules.clock())
        most = self._rules.imap.most_bytes
        again = [one.uid for one in found.left if one.outcome == REFUSED or one.size <= most]
        try:
            self._one_by_one(at, again, None)
        except MailboxError as error:
            if not error.connected:
                raise
        return found.unaccounted

    # --- What to take -----------------------------------------------------------------------

    def _meet(self, folder: str) -> Folder:
        opened = self._remote.open(folder)
        now, box = self._rules.clock(), self._rules.box
        last = opened.uidnext - 1 if opened.uidnext else max(self._remote.uids(0), default=0)
        before = box.archive_before or now - timedelta(hours=self._rules.imap.old_hours)
        with self._db.write() as conn:
            mailboxes.hold(conn, self._held)
            return mailboxes.meet(conn, box.name, folder, opened.uidvalidity, last, now, before)

    def _batches(self, at: Folder, uids: Sequence[int]) -> Iterator[Batch]:
        """UIDs in portions within the budget; in portions of one where an earlier one failed."""
        imap = self._rules.imap
        room = imap.batch_mib * 1024 * 1024
        for start in range(0, len(uids), LISTED_AT_ONCE):
            some = uids[start : start + LISTED_AT_ONCE]
            whole = Batch(tuple(some), self._remote.listed(some))
            held: list[int] = []
            used = 0
            for uid in some:
                alone = uid <= at.careful_to or (held and held[-1] <= at.careful_to)
                size = whole.size_of(uid)
                full = len(held) >= imap.batch_mails or used + size > room
                if held and (alone or full):
                    yield whole.of(held)
                    held, used = [], 0
                held.append(uid)
                used += size
            yield whole.of(held)

    def _unsettled(self, at: Folder, listed: Sequence[int]) -> list[int]:
        """Of these, what was not taken ahead, in this round or one that was ended."""
        with self._db.read() as conn:
            settled = mailbox_uids.settled_above(conn, at)
        return [uid for uid in listed if uid not in settled]

    def _live_first(self, at: Folder, listed: Sequence[int]) -> Round:
        """Where years of history wait, what came after them is not to wait behind them."""
        if len(listed) <= LISTED_AT_ONCE or at.last_uid >= at.archive_to:
            return Round()
        # A search goes by days of the server's zone.
        before = (self._rules.box.archive_before or at.archive_before) - timedelta(days=1)
        live = self._remote.uids(at.last_uid, before.date())
        return self._ahead(at, self._unsettled(at, live))

    def _ahead(self, at: Folder, uids: Sequence[int]) -> Round:
        """Take some now, one by one, and leave the cursor where it is. Of many that are no history
        each waits for those before it."""
        if len(uids) > LISTED_AT_ONCE:
            return Round()
        self._moves_cursor = False
        try:
            return self._one_by_one(at, uids, MOST_ATTEMPTS)
        finally:
            self._moves_cursor = True

    def _once_more(self, at: Folder) -> Round:
        """What was refused in the last rounds; what is refused for good waits for `reconcile`."""
        with self._db.read() as conn:
            again = mailbox_uids.refused(conn, at, MOST_ATTEMPTS)
        return self._one_by_one(at, again, MOST_ATTEMPTS)

    def _one_by_one(self, at: Folder, uids: Sequence[int], most_attempts: int | None) -> Round:
        done = Round()
        for batch in self._batches(at, uids):
            for uid in batch.uids:
                done += self._carefully(at, batch.of([uid]), most_attempts)
        return done

    # --- Taking -----------------------------------------------------------------------------

    def _take(self, at: Folder, batch: Batch) -> Round:
        if batch.uids[-1] <= at.careful_to:
            return self._carefully(at, batch, MOST_ATTEMPTS)
        try:
            return self._fetch(at, batch)
        except PollerFenced:
            raise
        except Exception:
            # Whatever it is, the server's, the database's or a bug of ours, it goes on from here.
            # But one of these mails may be the reason, and then it must not keep the others back
            # for ever. Where that cannot be noted, what went wrong first is what to tell.
            with suppress(StoreError), self._db.write() as conn:
                mailboxes.hold(conn, self._held)
                mailboxes.change(conn, at.id, careful_to=batch.uids[-1])
            raise

    def _carefully(self, at: Folder, one: Batch, most_attempts: int | None) -> Round:
        """Take a single mail, the attempt on record before it is made.

        Where the server refuses this mail alone, it stays on record as refused and the next is
        taken. Where the connection is lost over it, the attempt counts.
        """
        (uid,) = one.uids
        with self._db.write() as conn:
            mailboxes.hold(conn, self._held)
            attempts = mailbox_uids.attempts_of(conn, at, uid)
            if most_attempts is not None and attempts >= most_attempts:
                self._advance(conn, at, uid)
                return Round(left=1)
            size = one.listed[uid].size if uid in one.listed else 0
            detail = "asked for; it did not come, or could not be stored"
            asked = Noted(uid, REFUSED, size, attempts=attempts + 1, detail=detail)
            mailbox_uids.note(conn, at, [asked], self._rules.clock())
        try:
            done = self._fetch(at, one, attempts)
        except MailboxError as error:
            if not error.connected:
                raise
            self._commit(at, [uid], {uid: replace(asked, detail=str(error))}, [])
            self._refused += 1
            if self._refused >= MOST_REFUSED:
                raise
            return Round(left=1)
        self._refused = 0
        return done

    def _fetch(self, at: Folder, batch: Batch, attempts: int = 0) -> Round:
        most = self._rules.imap.most_bytes
        large = {
            uid: Noted(uid, TOO_LARGE, batch.listed[uid].size, detail=f"larger than {most} bytes")
            for uid in batch.uids
            if uid in batch.listed and batch.listed[uid].size > most
        }
        wanted = batch.of([uid for uid in batch.uids if uid in batch.listed and uid not in large])
        size = max(wanted.size, most) if attempts else wanted.size  # some servers tell wrong sizes
        bodies = self._remote.bodies(wanted.uids, size) if wanted.uids else {}
        missing = [uid for uid in batch.uids if uid not in bodies and uid not in large]
        outcomes = dict(large)
        if missing:
            found, lost = self._singly(batch, missing, attempts)
            bodies |= found
            outcomes |= lost
        return self._accept(at, batch, bodies, outcomes)

    def _singly(
        self, batch: Batch, missing: Sequence[int], attempts: int
    ) -> tuple[dict[int, bytes], dict[int, Noted]]:
        """Ask once more for what did not come; gone is only what the server lists no more."""
        there = set(self._remote.uids(missing[0] - 1))
        bodies: dict[int, bytes] = {}
        for uid in missing:
            if uid in there:
                bodies |= self._remote.bodies([uid], batch.of([uid]).size)
        lost = [uid for uid in missing if uid not in bodies]
        # A server may list for one command longer what another client has just removed.
        there = set(self._remote.uids(missing[0] - 1)) if lost else set()
        return bodies, {
            uid: Noted(uid, REFUSED, attempts=attempts + 1, detail="listed, but not given")
            if uid in there
            else Noted(uid, GONE, detail="moved or removed before it was fetched")
            for uid in lost
        }

    # --- Accepting --------------------------------------------------------------------------

    def _accept(
        self, at: Folder, batch: Batch, bodies: Mapping[int, bytes], outcomes: dict[int, Noted]
    ) -> Round:
        hashes = {uid: hashlib.sha256(raw).hexdigest() for uid, raw in bodies.items()}
        known = self._known(at, hashes)
        to_move = bool(self._rules.box.move_to)
        fresh = []
        for uid, raw in sorted(bodies.items()):
            before = known.get(hashes[uid]) if uid <= at.rescan_to else None
            outcomes[uid] = Noted(
                uid,
                ACCEPTED if before is None else KNOWN,
                len(raw),
                hashes[uid],
                before,
                to_move=to_move,
            )
            if before is None:
                fresh.append(self._incoming(at, uid, raw, batch.listed.get(uid)))
        self._commit(at, batch.uids, outcomes, fresh)
        count = [one.outcome for one in outcomes.values()].count
        return Round(
            accepted=count(ACCEPTED),
            known=count(KNOWN),
            gone=count(GONE),
            left=count(TOO_LARGE) + count(REFUSED),
        )

    def _known(self, at: Folder, hashes: Mapping[int, str]) -> dict[str, int]:
        again = [value for uid, value in hashes.items() if uid <= at.rescan_to]
        if not again:
            return {}
        with self._db.read() as conn:
            return mailbox_uids.known_contents(conn, at, again)

    def _incoming(self, at: Folder, uid: int, raw: bytes, listed: Listed | None) -> Incoming:
        """A mail as it is accepted: what waited long is answered by nobody automatic any more."""
        box, now = self._rules.box, self._rules.clock()
        arrived = listed.arrived_at if listed is not None else None
        arrived = None if arrived is None or arrived < EARLIEST else min(arrived, now)
        before = box.archive_before or at.archive_before
        archived = arrived < before if arrived is not None else uid <= at.archive_to
        old = arrived is not None and now - arrived > timedelta(hours=self._rules.imap.old_hours)
        path, to = return_path(raw), (box.address,) if box.address else ()
        # By when they came to the server: what waits there after an outage is no flood.
        second = (arrived or now).timestamp()
        return Incoming(
            raw=raw,
            source="imap",
            accepted_at=now,
            reverse_path=path,
            forward_paths=to,
            peer=box.host,
            origin=origin(at, uid),
            dated=archived or old,
            arrived_at=arrived,
            opens_as=box.archive_status if archived else None,
            deferred=not (archived or old) and self._rules.deferred(path or "", to, second),
        )

    def _commit(
        self,
        at: Folder,
        uids: Sequence[int],
        outcomes: Mapping[int, Noted],
        fresh: Sequence[Incoming],
    ) -> None:
        """Mails, records and cursor, all or nothing."""

        def written(conn: Conn) -> None:
            mailboxes.hold(conn, self._held)
            places = {uid: origin(at, uid) for uid in uids}
            numbers = mailbox_uids.numbers_of(conn, list(places.values()))
            noted = [outcomes[uid] for uid in uids]  # all of them, or the cursor must not move
            mailbox_uids.note(
                conn,
                at,
                [
                    replace(one, ledger_id=numbers[places[one.uid]])
                    if one.outcome == ACCEPTED
                    else one
                    for one in noted
                ],
                self._rules.clock(),
            )
            self._advance(conn, at, max(uids))

        accept(self._db, fresh, self._rules.node, written)

    def _advance(self, conn: Conn, at: Folder, uid: int) -> None:
        if self._moves_cursor:
            mailboxes.advance(conn, at, uid)


def origin(at: Folder, uid: int) -> str:
    """Where a mail was fetched, as the ledger has it: fetched twice, it is accepted once."""
    return f"imap:{at.mailbox}/{at.folder};{at.uidvalidity}/{uid}"
