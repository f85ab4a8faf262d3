"""What a mail asks for stands on the thread's page until one click settles it."""

from __future__ import annotations

import re

from sqlalchemy import update

from inbox.flow.deciding.proposals import propose
from inbox.flow.working import participants
from inbox.store import audience, messages, proposals, tables, threads
from inbox.store.proposals import Proposal
from tests.web import story
from tests.web.conftest import Told


def _proposed(own: Told, kind: str = "unknown", **data: str) -> int:
    with own.db.write() as conn:
        one = threads.by_id(conn, 1)
        made = Proposal(kind, one.account_id, 1, None, {"what": "Add <b>Bo</b>", **data}, story.NOW)
        return propose(conn, made)


def test_a_proposal_is_shown_and_declined_by_one_click(own: Told) -> None:
    number, client = _proposed(own), own.client()
    page = client.get("/threads/1").text
    assert "Add &lt;b&gt;Bo&lt;/b&gt;" in page
    assert f'action="/proposals/{number}"' in page
    token = re.search(r'name="token" value="([^"]+)"', page)
    assert token is not None
    assert client.post(f"/proposals/{number}", data={"answer": "decline"}).status_code == 403
    form = {"answer": "decline", "token": token[1]}
    answer = client.post(f"/proposals/{number}", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/threads/1?said=declined")
    with own.db.read() as conn:
        assert proposals.by_id(conn, number).state == "declined"
    after = client.get("/threads/1?said=declined").text
    assert f'action="/proposals/{number}"' not in after
    assert "nothing has changed" in after
    again = client.post(f"/proposals/{number}", data=form)
    assert again.status_code == 409
    assert f"Not done: proposal {number} was declined at " in again.text


def test_what_cannot_be_applied_stays_and_a_form_must_say_what(own: Told) -> None:
    number, client = _proposed(own), own.client()
    token = re.search(r'name="token" value="([^"]+)"', client.get("/threads/1").text)
    assert token is not None
    form = {"answer": "apply", "token": token[1]}
    answer = client.post(f"/proposals/{number}", data=form)
    assert answer.status_code == 409
    assert "Not done: nothing here can apply a proposal of kind" in answer.text
    assert client.post(f"/proposals/{number}", data=form | {"answer": "x"}).status_code == 400
    assert client.post("/proposals/4711", data=form).status_code == 404
    with own.db.read() as conn:
        assert proposals.by_id(conn, number).state == "open"


def test_one_click_adds_whom_a_verified_mail_names_to_replies_to_everybody(own: Told) -> None:
    bo = "bo@partner.example"
    number, client = (
        _proposed(own, participants.KIND, address=bo, why="Anna named them."),
        own.client(),
    )
    page = client.get("/threads/1").text
    assert "Anna named them." in page
    token = re.search(r'name="token" value="([^"]+)"', page)
    assert token is not None
    form = {"answer": "apply", "token": token[1]}
    answer = client.post(f"/proposals/{number}", data=form)
    assert answer.headers["location"] == "/threads/1?said=applied"
    with own.db.read() as conn:
        assert audience.known(conn, threads.by_id(conn, 1).account_id, 1, [bo]) == {bo}


def test_a_forward_is_corrected_and_a_linked_thread_joined_by_one_click(own: Told) -> None:
    with own.db.write() as conn:
        first, last = threads.by_id(conn, 1), threads.by_id(conn, 2)
        threads.link(conn, first.id, last.id, "refers-to-its-mail", story.NOW)
        mails = messages.of_thread(conn, 1)
        by = {"address": "maya@aboard.example", "name": "Maya", "treated": True, "ids": []}
        conn.execute(
            update(tables.messages)
            .where(tables.messages.c.id == mails[0].id)
            .values(extras={"forwarded_by": by})
        )
    client = own.client()
    page = client.get("/threads/1?status=all").text
    assert "Treated as a forward from" in page and "/threads/1/join" in page
    found = re.search(r'name="token" value="([^"]+)"', page)
    assert found is not None
    form = {"token": found[1]}
    assert client.post("/threads/1/join", data=form).status_code == 400
    answer = client.post("/threads/1/join", data=form | {"other": "2"})
    where = answer.headers["location"]
    assert where.startswith("/threads/1?said=done&run=")
    assert "Undo" in client.get(where).text
    run = where.partition("run=")[2]
    back = client.post("/threads/1/take-back", data=form | {"run": run})
    assert back.headers["location"] == "/threads/1?said=undone"
    path = f"/messages/{mails[0].id}/forward"
    assert client.post(path, data=form | {"answer": "sender"}).status_code == 400
    bad = client.post(path, data=form | {"answer": "sender", "sender": "nobody"})
    assert bad.status_code == 409
    assert "Not done: &#39;nobody&#39; is not one mail address" in bad.text
    assert "Treated as a forward from" in bad.text, "the thread is still there"
    done = client.post(path, data=form | {"answer": "none"})
    assert "said=done" in done.headers["location"]
    with own.db.read() as conn:
        assert messages.by_id(conn, mails[0].id).from_address == "maya@aboard.example"
