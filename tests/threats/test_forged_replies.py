"""Forged replies by the thousand: none joins a foreign thread, none gets a byte of history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from inbox.flow.intake.accept import Incoming, accept
from inbox.flow.people.audience import Asked
from inbox.flow.working.reply import Wish, plan
from inbox.mail.joining import ids_of
from inbox.mail.parse import parse_letter
from inbox.store import messages, tables
from inbox.store.database import Conn
from tests.followups.office import Office
from tests.threats.forging import MAILBOX, Forger, Real

SECRET = "the-secret-of-this-thread"
VICTIMS = ("ana@acme.example", "bo@else-where.example")
COLLEAGUES = ("ines@aboard.example", "tom@aboard.example", MAILBOX)


def with_threads(office: Office) -> tuple[list[int], list[Real]]:
    """Two customers' threads with an answer of ours that left; what an eavesdropper would know."""
    threads, leaked = [], []
    for number, who in enumerate(VICTIMS):
        mail_id = f"7f3a9c{number}d1e2b4@genuine.example"
        office.write_in(sender=f"<{who}>", id=mail_id, subject="Kickoff", body=SECRET)
        threads.append(office.thread(mail_id).id)
    assert set(office.carry()) == {"sent"}
    for letter, thread in zip(office.left, threads, strict=True):
        sent = parse_letter(letter.raw)
        leaked.append(Real(sent.reply_to[0].address, ids_of(sent)))
        assert thread
    office.left.clear()
    return threads, leaked


def campaign(office: Office, forger: Forger, count: int, batch: int = 250) -> list[str]:
    """Accept and file forged mails, and let everything automatic leave; the ids of the mails."""
    ids: list[str] = []
    # What a mail is about decides nothing here: no model, no language, so that more can be tried.
    context = replace(office.context(), classify=None, detect_language=None)
    while len(ids) < count:
        made = [forger.one() for _ in range(min(batch, count - len(ids)))]
        incoming = [
            Incoming(one.raw, "smtp", office.now, one.reverse_path, one.forward_paths, "192.0.2.9")
            for one in made
        ]
        accept(office.db, incoming, "n1")
        office.file(context)
        ids += [one.mail_id for one in made]
        office.later(seconds=30)
        office.carry()
    return ids


def of_threads(office: Office, threads: Sequence[int]) -> dict[int, list[str | None]]:
    with office.looking() as conn:
        return {one: [m.mail_id for m in messages.of_thread(conn, one)] for one in threads}


def nothing_leaked(office: Office) -> None:
    for letter in office.left:
        assert SECRET.encode() not in letter.raw
        assert b"Kickoff" not in letter.raw


def knows_nothing(office: Office, count: int, seed: int) -> None:
    threads, _ = with_threads(office)
    before = of_threads(office, threads)
    participants = office.rows(tables.thread_participants)
    ids = campaign(office, Forger(seed, VICTIMS, COLLEAGUES), count)
    assert len(ids) == count
    assert of_threads(office, threads) == before
    theirs = [row for row in office.rows(tables.thread_participants) if row.thread_id in threads]
    assert theirs == [row for row in participants if row.thread_id in threads]
    assert sum(office.states().values()) == count + len(threads)
    assert set(office.states()) == {"filed"}
    nothing_leaked(office)


def knows_one(office: Office, count: int, seed: int) -> None:
    threads, leaked = with_threads(office)
    before = of_threads(office, threads)
    forger = Forger(seed, VICTIMS, COLLEAGUES, leaked)
    ids = set(campaign(office, forger, count))
    nothing_leaked(office)
    joined = 0
    with office.looking() as conn:
        for thread in threads:
            owner = _author(conn, before[thread][0])
            for one in messages.of_thread(conn, thread):
                if one.mail_id in ids:  # it shows a customer's own address, and that unproved
                    joined += 1
                    assert (one.from_address, one.verified) == (owner, "unknown")
            wish = Wish(thread, "ines", "Our answer.", asked=Asked(everybody=True))
            who = plan(conn, wish, office.follow_ups.post).audience
            assert {one.address for one in (*who.to, *who.cc)} == {owner}
    assert joined  # else the forger did not use what it knows
    known = set(VICTIMS)
    for row in office.rows(tables.thread_participants):
        assert row.thread_id not in threads or row.address in known


def _author(conn: Conn, mail_id: str | None) -> str:
    (found,) = messages.by_mail_id(conn, str(mail_id))
    return found.from_address


def test_no_forged_reply_of_a_sample_joins_a_foreign_thread(office: Office) -> None:
    knows_nothing(office, 500, 3)


def test_a_real_token_or_id_gives_a_sample_no_history_and_no_recipient(office: Office) -> None:
    knows_one(office, 400, 5)


def test_a_stranger_with_a_real_token_or_id_joins_nothing(office: Office) -> None:
    threads, leaked = with_threads(office)
    before = of_threads(office, threads)
    campaign(office, Forger(7, VICTIMS, COLLEAGUES, leaked, only_strangers=True), 200)
    assert of_threads(office, threads) == before
    nothing_leaked(office)


@pytest.mark.campaign
def test_no_forged_reply_of_100_000_joins_a_foreign_thread(sqlite_office: Office) -> None:
    knows_nothing(sqlite_office, 100_000, 11)


@pytest.mark.campaign
def test_a_real_token_or_id_gives_20_000_no_history(office: Office) -> None:
    knows_one(office, 20_000, 13)
