"""Lists: deeds on all of one, searches that are cut short, odd addresses, and what leaves."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from urllib.parse import parse_qsl

import pytest
from sqlalchemy import update
from starlette.testclient import TestClient

from inbox.flow.evidence import trying
from inbox.flow.texts.render import TemplateTrouble
from inbox.store import finding, outbox_desk, people, threads, views
from inbox.store.database import Conn
from inbox.store.outbox_tables import outbox
from inbox.web.list_address import Filters, filters_in
from tests.web.conftest import Told
from tests.web.test_lists import form_of, rows
from tests.web.test_pages import page, thread_of, words
from tests.web.test_work import Desk


@pytest.fixture
def client(told: Told) -> TestClient:
    return told.client()


def test_a_deed_on_all_of_a_list_stays_within_it_however_long_its_question(own: Told) -> None:
    """Nothing that narrowed the list may fall off the end of what the form brings back."""
    client = own.client()
    for typed in (" ".join(["-nosuchword"] * 20), "-" + "n" * 495):
        listing = page(client, f"/threads?q={typed}&status=open&team=support")
        seen = rows(listing)
        assert 0 < len(seen) < 7
        form = form_of(listing, "/threads/bulk") | {"deed": "closed", "all": "yes"}
        asked = client.post("/threads/bulk", data=form)
        chosen = form_of(asked.text, "/threads/bulk")["ids"].split(",")
        assert sorted(map(int, chosen)) == sorted(seen)


def test_a_list_says_that_not_every_mail_was_looked_at(
    own: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = own.client()
    said = "newest 1 mails and 1 notes"
    assert said not in words(page(client, "/threads?q=kickoff"))
    monkeypatch.setattr(finding, "MOST", 1)
    for path in ("/threads?q=kickoff", "/threads?q=-kickoff", "/search?q=-kickoff"):
        assert said in words(page(client, path)), path
    listing = page(client, "/threads?q=-kickoff")
    form = form_of(listing, "/threads/bulk") | {"deed": "closed", "all": "yes"}
    assert said in words(client.post("/threads/bulk", data=form).text)


def test_every_view_of_the_house_has_its_place_beside_the_pages(client: TestClient) -> None:
    text = page(client, "/threads")
    listed = re.search(r'<ul class="views".*?</ul>', text, re.S)
    assert listed is not None
    assert re.findall(r"view=([a-z-]+)", listed[0]) == [one.name for one in views.HOUSE]


def _account(thread: threads.Thread) -> int:
    return thread.account_id


def test_many_are_given_to_a_person_and_merged(own: Told) -> None:
    client = own.client()
    with own.db.read() as conn:
        every = [row.thread for row in threads.listing(conn, threads.Page(limit=100))]
    one, other = next(
        (a, b) for a, b in pairwise(sorted(every, key=_account)) if a.account_id == b.account_id
    )
    chosen = [str(one.id), str(other.id)]
    listing = page(client, "/threads")
    form = form_of(listing, "/threads/bulk") | {"id": chosen}
    client.post("/threads/bulk", data=form | {"deed": "team:implementation", "sure": "yes"})
    asked = client.post("/threads/bulk", data=form | {"deed": "owner:priya"})
    assert "Give to Priya" in words(asked.text)
    confirm = form_of(asked.text, "/threads/bulk") | {"deed": "owner:priya"}
    given = client.post("/threads/bulk", data=confirm)
    assert given.status_code == 303, words(given.text)
    with own.db.read() as conn:
        priya = people.by_handle(conn, "priya").id
        assert {threads.by_id(conn, int(one)).accountable_id for one in chosen} == {priya}
    done = client.post("/threads/bulk", data=form | {"deed": "merge", "sure": "yes"})
    with own.db.read() as conn:
        assert len({threads.by_id(conn, int(one)).id for one in chosen}) == 1
    after = page(client, done.headers["location"])
    assert "Done on 1 thread." in words(after)
    assert client.post("/threads/undo", data=form_of(after, "/threads/undo")).status_code == 303
    with own.db.read() as conn:
        assert len({threads.by_id(conn, int(one)).id for one in chosen}) == 2
    for wrong in ("owner:nobody", "owner", "team:nowhere", "team", "priority:huge", "snooze:never"):
        answer = client.post("/threads/bulk", data=form | {"deed": wrong})
        assert 400 <= answer.status_code < 500, wrong
        answer = client.post("/threads/bulk", data=form | {"deed": wrong, "sure": "yes"})
        assert answer.status_code == 200 or 400 <= answer.status_code < 500, wrong
    alone = client.post("/threads/bulk", data=form | {"deed": "merge", "sure": "yes", "id": "1"})
    assert "Merging needs two threads or more" in words(alone.text)


@pytest.mark.parametrize(
    "path",
    [
        "/reports/volume?days=%C2%B3",
        "/reports/volume?days=" + "9" * 5000,
        "/reports/volume/threads?key=%00",
        "/reports/volume/csv?part=%00",
        "/threads?done=%00",
        "/threads?view=%00",
        "/threads?q=%00",
        "/accounts?q=%00",
        "/search?q=%00",
        "/explain?subject=%00",
        "/threads?before=-9999999999999999-1",
        "/threads?account=999999999999999",
        "/search?q=kickoff&from=999999999999999",
        "/outbox?before=999999999999999",
        "/followups?after=999999999999999",
        "/search?q=account:999999999999999",
        "/search?q=before:0001-01-01+after:9999-12-29",
    ],
)
def test_an_odd_address_is_answered_or_refused(client: TestClient, path: str) -> None:
    assert client.get(path).status_code in (200, 400, 404)


def test_a_form_with_the_character_nul_is_refused(client: TestClient) -> None:
    form = form_of(page(client, "/threads"), "/views")
    answer = client.post("/views", data=form | {"name": "A\x00B"})
    assert answer.status_code == 400


def _hide(conn: Conn, thread_id: int) -> None:
    """Make a thread confidential, of a team and a person that are not Samuel's."""
    tom = people.by_handle(conn, "tom").id
    threads.save(conn, thread_id, team="support", accountable_id=tom, confidential=True)


def _items(own: Told) -> tuple[outbox_desk.Item, ...]:
    with own.db.read() as conn:
        return outbox_desk.listing(conn, outbox_desk.Page())


def test_an_item_is_released_tried_again_and_cancelled_by_its_buttons(own: Told) -> None:
    writer = Desk(own, "lead")
    writer.open("/threads/1?compose=reply")
    writer.write("Monday is fine.", "send")
    (item,) = _items(own)
    assert item.state == "held"

    def press(deed: str, status: int) -> str:
        client = own.client()
        there = f"/outbox/{item.id}"
        answer = client.post(there, data=form_of(page(client, "/outbox"), there) | {"deed": deed})
        assert answer.status_code == status, words(answer.text)
        return words(answer.text)

    def is_now(state: str) -> None:
        with own.db.write() as conn:
            conn.execute(update(outbox).where(outbox.c.id == item.id).values(state=state))

    assert re.search("<button[^>]*disabled[^>]*>.*?Release", page(own.client(), "/outbox"), re.S)
    assert "an operator sets" in press("release", 409)
    own.settings = replace(own.settings, send=replace(own.settings.send, host="127.0.0.1", port=9))
    own.app = None
    press("release", 303)
    assert _items(own)[0].state == "queued"
    assert "nothing to release" in press("release", 409)
    for state in ("failed", "uncertain", "expired"):
        is_now(state)
        assert "Try again" in words(page(own.client(), f"/outbox?state={state}"))
        press("retry", 303)
        assert _items(own)[0].state == "queued"
    press("nonsense", 400)
    press("cancel", 303)
    assert _items(own)[0].state == "cancelled"
    press("retry", 409)
    press("cancel", 409)
    history = words(page(own.client(), "/threads/1"))
    assert "let mail leave" in history and history.count("had mail sent again") == 3


def test_an_item_of_a_confidential_thread_is_neither_shown_nor_counted(own: Told) -> None:
    writer = Desk(own, "lead")
    writer.open("/threads/1?compose=reply")
    writer.write("Between us.", "send")
    assert "Held 1" in words(page(own.client(handle="samuel"), "/outbox"))
    with own.db.write() as conn:
        _hide(conn, 1)
    samuel = own.client(handle="samuel")
    token = form_of(page(samuel, "/threads"), "/views")["token"]
    assert "Held 1" not in words(page(samuel, "/outbox"))
    there = f"/outbox/{_items(own)[0].id}"
    assert samuel.post(there, data={"token": token, "deed": "cancel"}).status_code == 404
    assert _items(own)[0].state == "held"


def test_an_agent_finds_nothing_of_a_confidential_thread(own: Told) -> None:
    number = thread_of(own.db, "Kickoff next week?")
    samuel, ours = own.client(handle="samuel"), own.settings.mailboxes[0].address
    asked = (
        "thursday",
        "thursday from:eva",
        "from:eva",
        f"to:{ours} thursday",
        "-nosuchword",
    )
    before = {typed: page(samuel, f"/search?q={typed}") for typed in asked}
    with own.db.write() as conn:
        _hide(conn, number)
    link = re.compile(rf'href="/threads/{number}["?#]')
    assert [typed for typed, text in before.items() if not link.search(text)] == []
    samuel = own.client(handle="samuel")
    for typed in asked:
        assert not link.search(page(samuel, f"/search?q={typed}")), typed
        assert number not in rows(page(samuel, f"/threads?q={typed}")), typed


def test_a_template_that_cannot_be_written_says_why(
    own: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_given: object, **_more: object) -> None:
        raise TemplateTrouble("the link that it needs is not there")

    client = own.client()
    assert page(client, "/templates/acknowledgement?thread=1")
    monkeypatch.setattr(trying, "preview", fails)
    text = page(client, "/templates/acknowledgement?thread=1")
    assert "cannot be written for this thread: the link that it needs is not there" in words(text)
    assert "Nothing was sent" not in words(text)
    monkeypatch.undo()
    page(client, "/templates/acknowledgement?thread=999999", 404)


@pytest.mark.parametrize("status", ["open", "closed", None])
@pytest.mark.parametrize("typed", ["", "kickoff"])
def test_the_address_of_a_list_stands_for_that_list(status: str | None, typed: str) -> None:
    filters = Filters("support", status, None, None, typed, "due")
    assert filters_in(filters.fields()) == filters
    assert filters_in(dict(parse_qsl(filters.query(before="1-1")[1:]))) == filters
    assert Filters().query() == ""


def test_a_page_behind_the_last_hit_says_that_it_is_the_end(client: TestClient) -> None:
    text = words(page(client, "/search?q=thursday&from=3000"))
    assert "Nothing found" not in text and "The list of hits ends here." in text
