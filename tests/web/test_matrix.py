"""Every route, for every role, on what is their team's, another team's, confidential, or not there.

Generated from the table of routes: a new route is in it by itself, a new kind of object has to be
given below, or the test says so. T37: what somebody may not see is not there for them.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from inbox.flow.working.drafts import Drafting, Typed, Upload
from inbox.store import account_look, draft_tables, messages, people, threads, timeline
from inbox.store.database import Database, new_key
from inbox.store.outbox_tables import outbox, planned, sequences
from inbox.store.seers import ALL
from inbox.store.tables import attachments
from inbox.store.view_tables import saved_views
from inbox.web import csrf
from inbox.web.policy import Policy, Route
from inbox.web.routes import ROUTES
from inbox.web.visitors import COOKIE
from tests.web import story
from tests.web.conftest import Told, telling

WORD = "zephyrine"
"""Stands in the subject, the text, and a file's name of the confidential thread; nowhere else."""
FILE_WORD = "quillwort"
"""Stands in the name of a confidential file of a thread that every team sees."""

WHO = {
    "viewer": "noor",
    "agent of another team": "samuel",
    "agent of the open thread's team": "priya",
    "agent of the confidential thread's team": "ines",
    "lead": "jonas",
    "admin": "maya",
}
BLIND = ("viewer", "agent of another team", "agent of the open thread's team")
"""Who does not see what is confidential."""
STREAMS = ("/live",)
"""Answers that never end; who may open one is asked, what it tells is tested with the streams."""
MISSING = 987_654_321


@dataclass
class World:
    """A site with a thread of each kind, and a signed-in client for everybody."""

    told: Told
    open: dict[str, int]
    secret: dict[str, int]
    clients: dict[str, TestClient]
    anonymous: TestClient

    def path(self, route: Route, kind: str) -> str:
        """The route's path with the numbers of one kind of object."""
        numbers = {"open": self.open, "secret": self.secret}.get(kind, {})

        def number(match: re.Match[str]) -> str:
            name = match[1]
            assert name in self.open, f"say in this test what `{name}` of {route.path} stands for"
            return str(numbers.get(name, MISSING))

        named = route.path.replace("/reports/{name}", "/reports/volume")
        named = named.replace("/templates/{name}", "/templates/acknowledgement")
        return re.sub(r"\{([a-z_]+)\}", number, named)


def _objects(db: Database, thread_id: int) -> dict[str, int]:
    with db.read() as conn:
        thread = threads.by_id(conn, thread_id)
        listed = messages.of_thread(conn, thread_id)
        files = messages.attachments_of(conn, [one.id for one in listed], ALL)
        message = next(one for one in listed if files.get(one.id))
        file = next(one for one in files[message.id] if not one.inline)
        numbered = draft_tables.drafts.c.thread_id == thread_id
        draft = conn.scalar(select(draft_tables.drafts.c.id).where(numbered))
        of_draft = draft_tables.draft_files.c.draft_id == draft
        draft_file = conn.scalar(select(draft_tables.draft_files.c.id).where(of_draft))
        item = conn.scalar(select(outbox.c.id).where(outbox.c.thread_id == thread_id))
        of_thread = sequences.c.thread_id == thread_id
        step = conn.scalar(select(planned.c.id).join(sequences).where(of_thread))
        owned = saved_views.c.owner_id == thread.accountable_id
        view = conn.scalar(select(saved_views.c.id).where(owned))
        contacts = account_look.contacts_of(conn, thread.account_id)
    numbers = {"draft_id": draft, "file_id": draft_file, "item_id": item, "planned_id": step,
               "view_id": view}  # fmt: skip
    assert all(numbers.values()), numbers
    return {
        **{name: int(number or 0) for name, number in numbers.items()},
        "contact_id": contacts[0].id,
        "thread_id": thread_id,
        "message_id": message.id,
        "attachment_id": file.id,
        "account_id": thread.account_id,
        "ledger_id": message.raw_id,
        "proposal_id": MISSING,
    }


def _secret_mail() -> bytes:
    made = story.mail(
        "Anna Schmidt <anna@acme.example>",
        f"About {WORD}",
        f"The {WORD} must stay between us.\n",
        minutes=5,
        message_id="<secret-1@acme.example>",
    )
    made.add_alternative(f"<p>The {WORD} must stay between us.</p>", subtype="html")
    made.add_attachment(
        b"%PDF-1.4 x", maintype="application", subtype="pdf", filename=f"{WORD}.pdf"
    )
    return made.as_bytes()


def _write_something(db: Database, thread_id: int, word: str) -> None:
    """A draft of who answers for the thread, with a file."""
    with db.read() as conn:
        by = people.by_id(conn, threads.by_id(conn, thread_id).accountable_id).handle
    writing = Drafting(db, by)
    kept = writing.save(Typed(thread_id, "reply", f"As to the {word}", {}), story.NOW)
    assert kept is not None
    upload = Upload(f"{word}.txt", "text/plain", b"x", b"0123456789abcdef")
    writing.attach(kept.draft.id, thread_id, upload, story.NOW)


def _leaves_something(db: Database, thread_id: int, word: str) -> None:
    """A mail that waits in the outbox, a follow-up that is planned, and a view of who answers."""
    with db.write() as conn:
        thread = threads.by_id(conn, thread_id)
        raw = messages.of_thread(conn, thread_id)[0].raw_id
        (event, *_) = timeline.of_thread(conn, thread_id, timeline.Span(limit=1))
        conn.execute(
            outbox.insert().values(
                key=f"test-{thread_id}",
                kind="reply",
                thread_id=thread_id,
                account_id=thread.account_id,
                by_id=thread.accountable_id,
                raw_id=raw,
                mail_id=f"out-{thread_id}@aboard.example",
                subject=f"Re: {word}",
                reverse_path="",
                state="held",
                cancel_if_answered=False,
                created_at=story.NOW,
                run_after=story.NOW,
                expires_at=story.NOW + timedelta(days=5),
            )
        )
        run = new_key(
            conn.execute(
                sequences.insert().values(
                    name=f"about {word}",
                    account_id=thread.account_id,
                    thread_id=thread_id,
                    cycle=event.event.id,
                    recipient="anna@acme.example",
                    state="running",
                    started_at=story.NOW,
                )
            )
        )
        conn.execute(
            planned.insert().values(
                sequence_id=run,
                step="first",
                template="x",
                asks=True,
                due_at=story.NOW + timedelta(days=1),
                state="planned",
            )
        )
        conn.execute(
            saved_views.insert().values(
                owner_id=thread.accountable_id,
                name=f"On {word}",
                query="is:open",
                sort="due",
                shared="me",
                position=1,
                created_at=story.NOW,
            )
        )


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, told_file: Path) -> Iterator[World]:
    path = tmp_path_factory.mktemp("matrix") / "world.db"
    shutil.copyfile(told_file, path)
    url = f"sqlite:///{path}"
    with made_of(Told(Database(url), story.settings_for(url))) as found:
        yield found
        found.told.db.close()


@pytest.fixture
def world_on_postgres(postgres_url: str) -> Iterator[World]:
    with telling(postgres_url) as told, made_of(told) as found:
        yield found


@contextmanager
def made_of(told: Told) -> Iterator[World]:
    """The world over a story that was told."""
    story.put(told.db, told.settings, [_secret_mail()])
    with told.db.write() as conn:
        (found,) = messages.by_mail_id(conn, "secret-1@acme.example")
        tom = people.by_handle(conn, "tom")
        threads.save(
            conn, found.thread_id, team="support", accountable_id=tom.id, confidential=True
        )
        jonas = people.by_handle(conn, "jonas")
        threads.save(conn, 1, team="implementation", accountable_id=jonas.id)
        conn.execute(
            attachments.update()
            .where(attachments.c.name.like("plan%"))
            .values(name=f"{FILE_WORD}.html", confidential=True)
        )
    _write_something(told.db, 1, "kickoff")
    _write_something(told.db, found.thread_id, WORD)
    _leaves_something(told.db, 1, "kickoff")
    _leaves_something(told.db, found.thread_id, WORD)
    clients = {name: told.client(handle=handle) for name, handle in WHO.items()}
    kinds = _objects(told.db, 1), _objects(told.db, found.thread_id)
    yield World(told, *kinds, clients, told.client(None))


def token(client: TestClient) -> str:
    return csrf.token(client.cookies[COOKIE])


VALUES = {
    "team": "compliance",
    "confidential": "no",
    "answer": "sender",
    "sender": "x@acme.example",
    "does": "views",
    "tab": "a-tab-of-the-test",
    "handle": "priya",
}


def filled(route: Route, world: World, kind: str) -> dict[str, str]:
    """A form with something sensible in every field."""
    numbers = {"open": world.open, "secret": world.secret}.get(kind, {})
    thread = str(numbers.get("thread_id", MISSING))
    made = {name: VALUES.get(name, "1") for name in route.fields}
    made |= {name: thread for name in ("thread", "other") if name in route.fields}
    return made


ALL_ROUTES = [route for route in ROUTES if route.path not in ("/static/{name}", "/healthz")]
GUARDED = [route for route in ALL_ROUTES if route.policy is not Policy.OPEN]
ON_OBJECTS = [
    route
    for route in GUARDED
    if "{" in route.path and not route.path.startswith(("/accounts/", "/reports/", "/templates/"))
]
"""Every team sees every account, report and template; that no word of what is confidential is on
those pages is asked, too."""
by_path = pytest.mark.parametrize("route", GUARDED, ids=lambda one: f"{one.method} {one.path}")
by_object = pytest.mark.parametrize("route", ON_OBJECTS, ids=lambda one: f"{one.method} {one.path}")


@by_path
def test_nobody_comes_in_without_signing_in(world: World, route: Route) -> None:
    for kind in ("open", "secret", "missing"):
        path = world.path(route, kind)
        if route.method == "GET":
            answer = world.anonymous.get(path)
            assert answer.status_code == 303
            assert answer.headers["location"].startswith("/sign-in")
            as_part = world.anonymous.get(path, headers={"sec-fetch-dest": "empty"})
            assert as_part.status_code == 401
        else:
            sent = {"token": csrf.token("x" * 43), **filled(route, world, kind)}
            assert world.anonymous.post(path, data=sent).status_code == 401


@by_path
@pytest.mark.parametrize("who", WHO)
def test_a_role_is_let_in_as_the_policy_says(world: World, route: Route, who: str) -> None:
    client = world.clients[who]
    with world.told.db.read() as conn:
        role = people.by_handle(conn, WHO[who]).role
    admitted = route.policy.admits(role)
    path = world.path(route, "open")
    if route.method != "GET":
        # Whom the policy admits is stopped by the field that nobody knows, so that nothing changes.
        answer = client.post(path, data={"token": token(client), "no-such-field": "1"})
        assert answer.status_code == (422 if admitted else 403), answer.text[:300]
        assert client.post(path, data={"no-such-field": "1"}).status_code == 403
    elif not admitted:
        assert client.get(path).status_code == 403
    elif route.path not in STREAMS:
        assert client.get(path).status_code in (200, 204, 303, 308, 400, 404), path


def test_a_viewer_can_change_nothing_but_what_is_their_own() -> None:
    own = {
        route.path for route in ROUTES if route.method != "GET" and route.policy.admits("viewer")
    }
    assert own == {
        *("/sign-in", "/sign-in/demo", "/sign-in/once", "/sign-out", "/me/password"),
        *(
            "/views",
            "/views/{view_id}",
            "/me/sessions",
            "/mentions",
            "/rules/explain",
            "/live/here",
            "/preferences",
            "/preferences/pictures",
        ),
        "/messages/{message_id}/pictures",
    }


@by_object
@pytest.mark.parametrize("who", BLIND)
def test_T37_what_is_confidential_is_not_there_for_others(
    world: World, route: Route, who: str
) -> None:
    _is_not_there(world, route, who)


def _is_not_there(world: World, route: Route, who: str) -> None:
    client = world.clients[who]
    with world.told.db.read() as conn:
        before = threads.by_id(conn, world.secret["thread_id"])
        role = people.by_handle(conn, WHO[who]).role
    answers = []
    for kind in ("secret", "missing"):
        path = world.path(route, kind)
        if route.method == "GET":
            answers.append(client.get(path))
        else:
            sent = {"token": token(client), **filled(route, world, kind)}
            answers.append(client.post(path, data=sent))
    secret, missing = answers
    expected = 404 if route.policy.admits(role) else 403
    assert secret.status_code == missing.status_code, secret.text[:400]
    assert secret.status_code in (expected, 400), secret.text[:400]
    assert WORD not in secret.text and FILE_WORD not in secret.text
    with world.told.db.read() as conn:
        assert threads.by_id(conn, world.secret["thread_id"]) == before


@pytest.mark.postgres
def test_T37_what_is_confidential_is_not_there_on_postgres_either(
    world_on_postgres: World,
) -> None:
    """Conditions of who sees what are SQL: every route for one role each, in turn, and every
    list for all of them."""
    world = world_on_postgres
    for number, route in enumerate(ON_OBJECTS):
        _is_not_there(world, route, BLIND[number % len(BLIND)])
    for who in BLIND:
        for path in LISTS:
            text = world.clients[who].get(path).text
            assert WORD not in text, (who, path)
        counted = world.clients[who].get("/live/counts").json()
        everything = world.clients["admin"].get("/live/counts").json()
        assert everything[":open"] == counted[":open"] + 1
    seen = world.clients["agent of the confidential thread's team"]
    assert WORD in seen.get("/threads?status=all").text


@by_object
@pytest.mark.parametrize("who", sorted(set(WHO) - set(BLIND)))
def test_what_is_confidential_is_there_for_who_sees_it(
    world: World, route: Route, who: str
) -> None:
    client = world.clients[who]
    if route.method == "GET" and "{proposal_id}" not in route.path:
        assert client.get(world.path(route, "secret")).status_code in (200, 303, 308, 403)


LISTS = (
    *("/threads?status=all", "/threads?team=support&status=all", "/search?q=between+us"),
    *("/search?q=anna", "/live/find?q=about", "/live/find?q=schmidt", "/rules/explain"),
    *("/threads?fragment=rows&status=all", "/accounts?q=acme"),
)


@pytest.mark.parametrize("who", BLIND)
def test_no_page_tells_a_word_of_what_is_confidential(world: World, who: str) -> None:
    client = world.clients[who]
    pages = {world.path(route, "open") for route in GUARDED if route.method == "GET"} - {*STREAMS}
    pages |= {world.path(route, "open") for route in ON_OBJECTS if route.method == "GET"}
    own_file = who == "agent of the open thread's team"
    words = re.compile(WORD if own_file else f"{WORD}|{FILE_WORD}", re.IGNORECASE)
    told = [path for path in sorted(pages | {*LISTS}) if words.search(client.get(path).text)]
    assert told == []
    found = client.get(f"/search?q={WORD}").text
    assert "About" not in found and "Anna" not in found
    assert own_file or "Anna" not in client.get(f"/search?q={FILE_WORD}").text


def test_the_words_are_there_for_who_may_read_them(world: World) -> None:
    client = world.clients["agent of the confidential thread's team"]
    assert WORD in client.get("/threads?status=all").text
    assert WORD in client.get(f"/accounts/{world.secret['account_id']}").text
    assert FILE_WORD not in client.get("/threads/1").text, "that file is implementation's"
    assert FILE_WORD in world.clients["agent of the open thread's team"].get("/threads/1").text


@pytest.mark.parametrize("who", BLIND)
def test_numbers_beside_teams_do_not_count_what_is_confidential(world: World, who: str) -> None:
    counted = world.clients[who].get("/live/counts").json()
    everything = world.clients["admin"].get("/live/counts").json()
    assert everything["support:open"] == counted.get("support:open", 0) + 1
    assert everything[":open"] == counted[":open"] + 1


def test_every_route_is_in_the_matrix() -> None:
    rest = {route.path for route in ROUTES} - {route.path for route in GUARDED}
    assert rest == {
        *("/static/{name}", "/healthz", "/sign-in", "/sign-in/demo", "/sign-in/once"),
    }
