"""Fields that `teams.yaml` marks confidential: their values are on no page of who may not see them.

Each field holds a word that stands nowhere else. Every GET route of the site is asked as everybody,
and the words are looked for in whatever comes back.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from inbox.flow import active
from inbox.flow.working.account_deeds import Facts, Keeper
from inbox.store import account_look, accounts, messages, people
from inbox.store.database import Database
from inbox.store.seers import ALL, seer_of
from tests.shared import REPO
from tests.web import story
from tests.web.conftest import Told, telling
from tests.web.test_matrix import GUARDED, STREAMS, WHO, World, made_of, token

TIER, TAG, ROLE = "platinumzz", "latepayerzz", "whistlerzz"
LIMITS = """
confidential_fields:
  account.tier: [compliance]
  account.tags: [compliance]
  contact.role: [support]
"""
RULES = f"""rules:
  - name: looked-after
    why: The most valued customers are marked.
    when: {{any: [{{account.tier: {TIER}}}, {{account.tags: {TAG}}}, {{contact.role: {ROLE}}}]}}
    then: {{tags: [looked-after]}}
  - name: not-looked-after
    why: A rule that stands in nobody's way.
    when: {{subject contains: zephyr, account.tier: {TIER}}}
    then: {{priority: low}}
"""
HIDDEN = {
    "viewer": {TIER, TAG, ROLE},
    "agent of another team": {ROLE},  # of compliance
    "agent of the open thread's team": {TIER, TAG, ROLE},
    "agent of the confidential thread's team": {TIER, TAG},  # of support
    "lead": set(),
    "admin": set(),
}


@dataclass
class Marked:
    """A world in which the fields of an account and a contact are set, and a mail came in since."""

    world: World
    account_id: int
    contact_id: int
    message_id: int
    thread_id: int


@contextmanager
def _marked(told: Told, folder: Path) -> Iterator[Marked]:
    data = folder / "data"
    shutil.copytree(REPO / "data", data)
    with (data / "teams.yaml").open("a") as file:
        file.write(LIMITS)
    (data / "rules" / "15-looked-after.yaml").write_text(RULES)
    files = replace(
        told.settings.files,
        rules=data / "rules",
        teams=data / "teams.yaml",
        sla=data / "sla.yaml",
        stages=data / "stages.yaml",
        macros=data / "macros.yaml",
    )
    told.settings = replace(told.settings, files=files)
    active.activate(told.db, told.settings, story.NOW)
    with made_of(told) as world:
        account_id = world.open["account_id"]
        with told.db.read() as conn:
            one = accounts.by_id(conn, account_id)
            anna = next(
                who
                for who in account_look.contacts_of(conn, account_id)
                if "anna@acme.example" in who.addresses
            )
        keeper = Keeper(told.db, "jonas")
        keeper.edit(account_id, Facts(one.name, TIER, one.stage or "", [TAG]), story.NOW)
        keeper.role(account_id, anna.id, ROLE, story.NOW)
        came = story.mail(
            "Anna Schmidt <anna@acme.example>",
            "Something else",
            "Which of both?\n",
            message_id="<since@acme.example>",
        )
        story.put(told.db, told.settings, [came.as_bytes()])
        with told.db.read() as conn:
            (found,) = messages.by_mail_id(conn, "since@acme.example")
        yield Marked(world, account_id, anna.id, found.id, found.thread_id)


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory, told_file: Path) -> Iterator[Marked]:
    folder = tmp_path_factory.mktemp("limits")
    shutil.copyfile(told_file, folder / "limits.db")
    url = f"sqlite:///{folder / 'limits.db'}"
    told = Told(Database(url), story.settings_for(url))
    with _marked(told, folder) as made:
        yield made
    told.db.close()


def pages(marked: Marked) -> list[str]:
    """Every page of the site that answers and ends, and those of the account in each of its ways."""
    world, one = marked.world, marked
    found = {world.path(route, "open") for route in GUARDED if route.method == "GET"}
    found -= {*STREAMS}
    account = f"/accounts/{one.account_id}"
    found |= {
        *(account, f"{account}?show=changes", f"{account}/merge?q=nord", "/accounts?q=acme"),
        *(f"/messages/{one.message_id}", f"/messages/{one.message_id}/trace"),
        *(f"/messages/{one.message_id}/trace?rules=now", f"/threads/{one.thread_id}"),
        *(f"/threads/{one.thread_id}/near", "/live/find?q=acme", "/search?q=anna"),
        *(f"/threads?account={one.account_id}&status=all", "/threads?status=all&fragment=rows"),
        *(f"/accounts/{other}/merge?into={one.account_id}" for other in _others(one)),
    }
    return sorted(found)


def _others(marked: Marked) -> list[int]:
    with marked.world.told.db.read() as conn:
        listed = accounts.listing(conn)
    return [one.account.id for one in listed if one.account.id != marked.account_id][:1]


def told_on(marked: Marked, who: str, words: set[str]) -> dict[str, set[str]]:
    """page -> which of these words it tells."""
    client, found = marked.world.clients[who], {}
    for path in pages(marked):
        answer = client.get(path)
        assert answer.status_code < 500, path
        text = (answer.text + str(answer.headers)).lower()
        if told := {word for word in words if word in text}:
            found[path] = told
    return found


@pytest.mark.parametrize("who", HIDDEN)
def test_a_confidential_field_is_on_no_page_of_who_may_not_see_it(marked: Marked, who: str) -> None:
    _is_nowhere(marked, who)


def _is_nowhere(marked: Marked, who: str) -> None:
    found = told_on(marked, who, {TIER, TAG, ROLE})
    assert {path: told & HIDDEN[who] for path, told in found.items() if told & HIDDEN[who]} == {}
    seen = {TIER, TAG, ROLE} - HIDDEN[who]
    account, trace = f"/accounts/{marked.account_id}", f"/messages/{marked.message_id}/trace"
    assert found.get(account, set()) == seen
    assert found.get(trace, set()) == seen, "the trace of a rule that asks for it"
    assert (TIER in found.get(f"/threads/{marked.thread_id}", set())) == (TIER in seen)


@pytest.mark.postgres
def test_a_confidential_field_is_nowhere_on_postgres_either(
    postgres_url: str, tmp_path: Path
) -> None:
    with telling(postgres_url) as told, _marked(told, tmp_path) as marked:
        for who in ("agent of the open thread's team", "agent of another team", "lead"):
            _is_nowhere(marked, who)


def test_the_value_leaves_the_database_for_nobody_who_may_not_see_it(marked: Marked) -> None:
    """It is part of the query (I10): what a page is made from has no value, either."""
    with marked.world.told.db.read() as conn:
        for handle, sees in (("priya", False), ("jonas", True), ("noor", False)):
            seer = seer_of(conn, people.by_handle(conn, handle))
            one = accounts.by_id(conn, marked.account_id, seer)
            (listed,) = [
                row.account
                for row in accounts.listing(conn, seer, like="acme")
                if row.account.id == one.id
            ]
            assert one == listed
            roles = {who.role for who in account_look.contacts_of(conn, one.id, seer)}
            assert (one.tier, one.tags) == ((TIER, (TAG,)) if sees else (None, ()))
            assert (ROLE in roles) == sees
            assert one.name == accounts.by_id(conn, one.id, ALL).name


def test_a_trace_tells_neither_what_was_asked_nor_what_was_answered(marked: Marked) -> None:
    client = marked.world.clients["agent of the open thread's team"]
    text = client.get(f"/messages/{marked.message_id}/trace").text
    assert "it asks for a confidential field" in text
    assert "account.tier" in text and "confidential" in text
    assert "Make a rule test" not in text
    seen = marked.world.clients["lead"].get(f"/messages/{marked.message_id}/trace").text
    assert "Make a rule test" in seen and "it asks for a confidential field" not in seen


def test_who_does_not_see_a_field_does_not_change_it(marked: Marked) -> None:
    world = marked.world
    client = world.clients["agent of the open thread's team"]
    page = client.get(f"/accounts/{marked.account_id}").text
    assert 'name="stage"' in page
    assert not any(f'name="{name}"' in page for name in ("tier", "tags", "role"))
    with world.told.db.read() as conn:
        before = accounts.by_id(conn, marked.account_id)
    form = {"token": token(client), "name": before.name, "stage": before.stage or ""}
    for sent in (form, {**form, "tier": "basic", "tags": "x, y"}):
        assert client.post(f"/accounts/{marked.account_id}", data=sent).status_code == 303
    role = f"/accounts/{marked.account_id}/contacts/{marked.contact_id}"
    answer = client.post(role, data={"token": token(client), "role": "sponsor"})
    assert answer.status_code == 400 and "is confidential" in answer.text
    with world.told.db.read() as conn:
        after = accounts.by_id(conn, marked.account_id)
        roles = {who.role for who in account_look.contacts_of(conn, marked.account_id)}
    assert (after.tier, after.tags) == (TIER, (TAG,))
    assert ROLE in roles


def test_everybody_of_the_matrix_is_asked() -> None:
    assert set(HIDDEN) == set(WHO)


def test_where_nothing_is_listed_everybody_sees_every_field(own: Told) -> None:
    with own.db.read() as conn:
        account_id = accounts.find(conn, "anna@acme.example").id
        one = accounts.by_id(conn, account_id)
    Keeper(own.db, "jonas").edit(account_id, Facts(one.name, TIER, "", [TAG]), story.NOW)
    text = own.client("viewer").get(f"/accounts/{account_id}").text
    assert TIER in text and TAG in text
