"""What a mail asks for stands on the thread's page until one click settles it."""

from __future__ import annotations

import re

from inbox.flow.proposals import propose
from inbox.store import proposals, threads
from inbox.store.proposals import Proposal
from tests.web import story
from tests.web.conftest import Told


def _proposed(told: Told, kind: str = "unknown") -> int:
    with told.db.write() as conn:
        one = threads.by_id(conn, 1)
        made = Proposal(
            0, kind, one.account_id, 1, None, {"what": "Add <b>Bo</b>"}, "open", story.NOW
        )
        return propose(conn, made)


def test_a_proposal_is_shown_and_declined_by_one_click(told: Told) -> None:
    number, client = _proposed(told), told.client()
    page = client.get("/threads/1").text
    assert "Add &lt;b&gt;Bo&lt;/b&gt;" in page
    assert f'action="/proposals/{number}"' in page
    token = re.search(r'name="token" value="([^"]+)"', page)
    assert token is not None
    assert client.post(f"/proposals/{number}", data={"answer": "decline"}).status_code == 403
    form = {"answer": "decline", "token": token[1]}
    answer = client.post(f"/proposals/{number}", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/threads/1?said=declined")
    with told.db.read() as conn:
        assert proposals.by_id(conn, number).state == "declined"
    after = client.get("/threads/1?said=declined").text
    assert f'action="/proposals/{number}"' not in after
    assert "nothing has changed" in after
    again = client.post(f"/proposals/{number}", data=form)
    assert again.headers["location"] == "/threads/1?said=not-settled"


def test_what_cannot_be_applied_stays_and_a_form_must_say_what(told: Told) -> None:
    number, client = _proposed(told), told.client()
    token = re.search(r'name="token" value="([^"]+)"', client.get("/threads/1").text)
    assert token is not None
    form = {"answer": "apply", "token": token[1]}
    answer = client.post(f"/proposals/{number}", data=form)
    assert answer.headers["location"] == "/threads/1?said=not-settled"
    assert client.post(f"/proposals/{number}", data=form | {"answer": "x"}).status_code == 400
    assert client.post("/proposals/4711", data=form).status_code == 404
    with told.db.read() as conn:
        assert proposals.by_id(conn, number).state == "open"
