"""The quick form of a search finds what the plain one finds, and stays quick when it is asked often."""

from __future__ import annotations

import random
from typing import Any

from sqlalchemy import event, insert, select, text

from inbox.store import asking, finding, people, search
from inbox.store.asking import Asked, Known
from inbox.store.database import Conn, Database
from inbox.store.finding import Eyes
from inbox.store.search import words_of
from inbox.store.seers import Seer, events_seen, threads_seen, whole_messages
from inbox.store.tables import attachments, events, messages
from inbox.store.tables import threads as threads_table
from tests.databases import NOW
from tests.store.company import MINUTE, thread_row
from tests.store.test_lists import write_message

KNOWN = Known(teams=("support", "success"), people=("tom", "maya"))
THREADS, MAILS, NOTES = 40, 160, 30
WORDS = ("invoice", "draft", "contract", "signed", "käse")
PEOPLE = (("Ana Costa", "ana@acme.example"), ("Ben", "ben@acme.example"), ("", "lima@nord.example"))
TERMS = (
    *(
        "invoice",
        "draft",
        '"signed contract"',
        "kase",
        "-draft",
        "-invoice",
        "from:ana",
        "from:acme",
    ),
    *("-from:ben", "to:onboarding", "is:open", "is:live", "-is:closed", "is:late", "team:support"),
    *("owner:tom", "priority:high", "has:attachment", "-has:attachment", "after:2026-11-02"),
)


def fill(conn: Conn, chance: random.Random) -> dict[int, str]:
    """Threads, mails, notes and files, some for few eyes only; number -> words, notes below zero."""
    tom = people.by_handle(conn, "tom").id
    rows = [
        thread_row(
            NOW + chance.randrange(900) * MINUTE,
            accountable_id=tom,
            status=chance.choice(("open", "waiting", "snoozed", "closed")),
            team=chance.choice(("support", "success")),
            priority=chance.choice(("normal", "high")),
            confidential=chance.random() < 0.3,
            merged_into_id=1 if number and chance.random() < 0.1 else None,
        )
        for number in range(THREADS)
    ]
    for row in rows:
        conn.execute(insert(threads_table), row)
    written: dict[int, str] = {}
    for number in range(1, MAILS + 1):
        name, address = chance.choice(PEOPLE)
        said = " ".join(chance.choices(WORDS, k=3))
        at = NOW + chance.randrange(900) * MINUTE  # filed in another order than it came
        who = {"from_name": name, "from_address": address, "received_at": at}
        to = {"to": [["Inbox", "onboarding@aboard.example"]]}
        write_message(conn, chance.randint(1, THREADS), number, recipients=to, **who)
        written[number] = f"{said} {name} {address} onboarding@aboard.example"
        if chance.random() < 0.3:
            file = {"message_id": number, "path": "1", "name": "w9.pdf", "sha256": "0" * 64}
            file |= {"content_type": "application/pdf", "size": 1, "inline": False}
            conn.execute(attachments.insert(), file | {"confidential": chance.random() < 0.5})
    for number in range(1, NOTES + 1):
        said = " ".join(chance.choices(WORDS, k=2))
        note = {"account_id": 1, "thread_id": chance.randint(1, THREADS), "data": {"text": said}}
        note |= {"id": number, "at": NOW + number * MINUTE, "kind": "note", "actor": "person:tom"}
        conn.execute(events.insert(), note)
        written[-number] = said
    search.add(conn, list(written.items()))
    return written


def plainly(conn: Conn, asked: Asked, eyes: Eyes, written: dict[int, str]) -> list[Any]:
    """What a search finds, looked for without an index: all that hold the words, joined with their
    threads."""
    names = [one for one in asked.of("from", "to") if not one.negated]
    phrases = {*asked.phrases(), *(words_of(one.value) for one in names)}
    over = [threads_table.c.merged_into_id.is_(None), threads_seen(eyes.seer)]
    over += finding._plain(conn, asked, eyes)
    found: list[Any] = []
    for kind, sign, wanted in ((messages, 1, phrases), (events, -1, {*asked.phrases()})):
        holding = [
            abs(number)
            for number, said in written.items()
            if number * sign > 0
            and wanted
            and all(f" {one} " in f" {words_of(said)} " for one in wanted)
            and not any(f" {o} " in f" {words_of(said)} " for o in asked.phrases(negated=True))
        ]
        there = kind.join(threads_table, threads_table.c.id == kind.c.thread_id)
        seen = whole_messages(eyes.seer) if sign > 0 else events_seen(eyes.seer)
        rows = conn.execute(
            select(kind).select_from(there).where(kind.c.id.in_(holding), seen, *over)
        )
        found += [one for row in rows if (one := _place(conn, row, sign, asked)) is not None]
    return sorted(found, reverse=True)


def _place(conn: Conn, row: Any, sign: int, asked: Asked) -> tuple[Any, int, int, int] | None:
    at = row.received_at if sign > 0 else row.at
    if sign < 0 and any(not one.negated for one in asked.of("to", "has")):
        return None
    for one in asked.of("from", "to", "has", "after"):
        if sign < 0 and one.name in ("to", "has"):
            continue
        if one.name == "from" and sign < 0:
            holds = row.actor == f"person:{one.value}"
        elif one.name == "from":
            holds = (
                f" {words_of(one.value)} "
                in f" {words_of(row.from_name + ' ' + row.from_address)} "
            )
        elif one.name == "to":
            holds = f" {words_of(one.value)} " in f" {words_of(str(row.recipients))} "
        elif one.name == "has":
            files = select(attachments.c.id).where(attachments.c.message_id == row.id)
            holds = conn.scalar(files) is not None
        else:
            holds = at >= one.day()
        if holds is one.negated:
            return None
    return (at, row.id if sign > 0 else 0, 0 if sign > 0 else row.id, row.thread_id)


def test_the_quick_form_finds_what_the_plain_one_finds_in_the_same_order(house: Database) -> None:
    chance = random.Random(7)
    with house.write() as conn:
        written = fill(conn, chance)
    hits = 0
    with house.read() as conn:
        maya = people.by_handle(conn, "maya").id
        seers = (None, Seer(maya, "maya", "agent", frozenset({"success"})))
        seers = (
            *seers,
            Seer(maya, "maya", "agent", frozenset()),
            Seer(maya, "maya", "lead", frozenset()),
        )
        for _ in range(40):
            typed = " ".join(chance.sample(TERMS, k=chance.randint(1, 3)))
            asked = asking.read(typed, KNOWN)
            if not asked.is_for_mails:
                continue
            for seer in seers:
                places = finding.mails(conn, asked, Eyes(seer, NOW)).places
                quick = [(p.at, p.message_id or 0, p.event_id or 0, p.thread_id) for p in places]
                assert quick == plainly(conn, asked, Eyes(seer, NOW), written), (typed, seer)
                hits += len(quick)
    assert hits > 500


def test_a_question_asked_often_is_planned_by_its_words_and_reads_no_thread_it_does_not_need(
    house: Database,
) -> None:
    """PostgreSQL, which would plan once for all words after five times; and a few mails looked up
    in many threads on both."""
    with house.write() as conn:
        tom = people.by_handle(conn, "tom").id
        conn.execute(insert(threads_table), [thread_row(accountable_id=tom)] * 3_000)
        for number in range(1, 40):
            write_message(conn, 70 * number, number)
        search.add(conn, [(number, "invoice") for number in range(1, 40)])
        conn.exec_driver_sql("ANALYZE")
    asked = asking.read("invoice is:open", KNOWN)
    seen: list[tuple[str, Any]] = []

    def note(_conn: Any, _cursor: Any, statement: str, values: Any, *_rest: Any) -> None:
        seen.append((statement, values))

    with house.read() as conn:
        for _ in range(12):
            assert len(finding.mails(conn, asked, Eyes(None, NOW)).places) == 39
        if not house.is_sqlite:
            generic = "SELECT sum(generic_plans), sum(custom_plans) FROM pg_prepared_statements"
            row = conn.execute(text(f"{generic} WHERE statement LIKE '%to_tsquery%'")).one()
            assert row[0] == 0 and row[1] >= 10, row
        event.listen(house.engine(), "before_cursor_execute", note)
        finding.mails(conn, asked, Eyes(None, NOW))
        event.remove(house.engine(), "before_cursor_execute", note)
        statement, values = next(one for one in seen if "FROM messages" in one[0])
        how = "EXPLAIN QUERY PLAN " if house.is_sqlite else "EXPLAIN "
        plan = "\n".join(str(row[-1]) for row in conn.exec_driver_sql(how + statement, values))
    assert "SCAN threads" not in plan and "Seq Scan on threads" not in plan, plan
    assert "Hash" not in plan, plan


def test_leaving_out_a_condition_comes_before_leaving_out_a_word(house: Database) -> None:
    with house.write() as conn:
        tom = people.by_handle(conn, "tom").id
        conn.execute(insert(threads_table), [thread_row(accountable_id=tom, status="closed")] * 2)
        for number, said in ((1, "invoice"), (2, "draft")):
            write_message(conn, number, number)
            search.add(conn, [(number, said)])
    with house.read() as conn:
        eyes, heard = Eyes(None, NOW), finding.Heard()
        for typed, worst in (
            ("invoice is:open", "is:open"),
            ("invoice draft", "invoice"),
            ("invoice is:open team:support", "is:open"),
            ("invoice is:open team:success", None),
            ("nothing", None),
        ):
            asked = asking.read(typed, KNOWN)
            assert not finding.mails(conn, asked, eyes, heard).places
            found = finding.narrowest(conn, asked, eyes, heard)
            assert (found.written if found else None) == worst, typed
