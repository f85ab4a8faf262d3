"""What a person sees is part of every query: a confidential thread is not there for others."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from inbox.errors import NotFound
from inbox.flow.learning import guess
from inbox.store import accounts, messages, pages, people, picking, search, threads, timeline
from inbox.store.database import Conn
from inbox.store.messages import StoredAttachment
from inbox.store.seers import ALL, Seer
from inbox.store.tables import attachments
from tests.flow.house import House, mail

WEB = Path(guess.__file__).parents[1] / "web"


def seer(conn: Conn, handle: str, role: str = "", *teams: str) -> Seer:
    person = people.by_handle(conn, handle)
    return Seer(person.id, handle, role or person.role, frozenset(teams))


@pytest.fixture
def secret(house: House) -> int:
    """A confidential thread of support with a file, and an open one beside it; its number."""
    house.receive(
        mail(id="1@a", subject="Layoffs", files={"plan.pdf": b"x"}),
        mail(id="2@a", subject="Kickoff"),
    )
    one, other = house.thread("1@a"), house.thread("2@a")
    with house.db.write() as conn:
        threads.save(conn, one.id, confidential=True, team="support")
        threads.save(conn, other.id, team="support")
        threads.link(conn, one.id, other.id, "refers-to-its-mail", house.now)
    return one.id


def everything(conn: Conn, who: Seer | None, thread_id: int) -> dict[str, bool]:
    """Which queries show the thread."""
    (message,) = messages.of_thread(conn, thread_id)
    files = messages.attachments_of(conn, [message.id])[message.id]
    account = message.account_id
    other = next(
        row.thread.id for row in threads.listing(conn, threads.Page()) if row.thread.id != thread_id
    )

    def found(look: object) -> bool:
        try:
            return bool(look())  # type: ignore[operator]
        except NotFound:
            return False

    listed = threads.listing(conn, threads.Page(account_id=account), who)
    span = timeline.Span(limit=100)
    summary = accounts.listing(conn, who, like="acme")
    numbers = search.find(conn, "layoffs")
    return {
        "thread": found(lambda: threads.by_id(conn, thread_id, who)),
        "list": thread_id in {row.thread.id for row in listed},
        "message": found(lambda: messages.by_id(conn, message.id, who)),
        "raw": found(lambda: messages.by_id(conn, message.id, who, whole=True)),
        "files": bool(messages.attachments_of(conn, [message.id], who)),
        "file": found(lambda: messages.attachment(conn, files[0].id, who)),
        "timeline": any(
            row.event.thread_id == thread_id
            for row in timeline.of_account(conn, account, span, who)
        ),
        "history": bool(timeline.of_thread(conn, thread_id, span, who)),
        "search": bool(pages.hits(conn, numbers, who)),
        "linked": bool(pages.linked_threads(conn, other, who)),
        "pick": message.id in {one.id for one in picking.newest_incoming(conn, who)},
        "account": next(one.threads for one in summary) == 2,
    }


def test_a_confidential_thread_is_nowhere_for_who_does_not_see_it(
    house: House, secret: int
) -> None:
    with house.looking() as conn:
        sees = {
            "commands": ALL,
            "its team": seer(conn, "ines", "agent", "support"),
            "a lead": seer(conn, "ines", "lead", "success"),
            "an admin": seer(conn, "maya"),
            "who answers": seer(conn, "tom", "agent"),
        }
        for name, one in sees.items():
            shown = everything(conn, one, secret)
            assert all(shown.values()), (name, shown)
        blind = {
            "another team": seer(conn, "ines", "agent", "success"),
            "no team": seer(conn, "ines", "agent"),
            "a viewer": seer(conn, "ines", "viewer"),
        }
        for name, one in blind.items():
            shown = everything(conn, one, secret)
            assert not any(shown.values()), (name, shown)


def test_counts_tell_nobody_of_threads_that_they_do_not_see(house: House, secret: int) -> None:
    with house.looking() as conn:
        assert threads.counts(conn) == {"support": {"open": 2}}
        assert threads.counts(conn, confidential=False) == {"support": {"open": 1}}
        blind, team = seer(conn, "ines", "agent"), seer(conn, "ines", "agent", "support")
        assert threads.counts_of_confidential(conn, blind) == {}
        assert threads.counts_of_confidential(conn, team) == {"support": {"open": 1}}


def test_a_confidential_file_hides_itself_the_raw_mail_and_what_its_name_would_find(
    house: House,
) -> None:
    house.receive(mail(id="1@a", subject="Kickoff", files={"salaries.pdf": b"x", "w9.pdf": b"y"}))
    thread = house.thread("1@a")
    with house.db.write() as conn:
        threads.save(conn, thread.id, team="support")
        conn.execute(
            attachments.update()
            .where(attachments.c.name == "salaries.pdf")
            .values(confidential=True)
        )
    with house.looking() as conn:
        (message,) = messages.of_thread(conn, thread.id)

        def names(who: Seer | None) -> list[str]:
            listed: tuple[StoredAttachment, ...] = messages.attachments_of(
                conn, [message.id], who
            ).get(message.id, ())
            return [one.name for one in listed]

        blind, team = seer(conn, "ines", "agent"), seer(conn, "ines", "agent", "support")
        assert names(blind) == ["w9.pdf"]
        assert names(team) == names(ALL) == ["salaries.pdf", "w9.pdf"]
        assert messages.by_id(conn, message.id, blind).id == message.id
        with pytest.raises(NotFound):
            messages.by_id(conn, message.id, blind, whole=True)
        assert messages.by_id(conn, message.id, team, whole=True)
        found = search.find(conn, "salaries")
        assert pages.hits(conn, found, blind) == ()
        assert len(pages.hits(conn, found, team)) == 1


def test_every_query_of_a_page_that_can_be_limited_is_limited() -> None:
    """A page that calls a store function with a `seer` passes one: nobody forgets it (I10)."""
    limited: dict[str, set[str]] = {}
    for module in (accounts, messages, pages, picking, threads, timeline):
        name = module.__name__.rpartition(".")[2]
        for function in vars(module).values():
            if inspect.isfunction(function) and "seer" in inspect.signature(function).parameters:
                limited.setdefault(name, set()).add(function.__name__)
    forgotten = []
    for path in WEB.glob("*.py"):
        text = path.read_text()
        for name, functions in limited.items():
            for function in functions:
                for call in re.finditer(rf"\b{name}\.{function}\(", text):
                    depth, end = 1, call.end()
                    while depth:
                        depth += {"(": 1, ")": -1}.get(text[end], 0)
                        end += 1
                    if not re.search(r"\bseer\b", text[call.end() : end]):
                        forgotten.append(f"{path.name}: {text[call.start() : end][:90]}")
    assert sum(len(one) for one in limited.values()) >= 11
    assert forgotten == []
