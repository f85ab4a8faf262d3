"""How mailboxes are doing shows on a page, in health and on the terminal, without what is secret."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import orjson
from starlette.testclient import TestClient

from inbox.flow.intake.mailbox_state import as_json, states
from inbox.imap_settings import Imap
from inbox.store import mailbox_health, mailboxes
from inbox.web.site import Site, build
from tests.polling.box import Box, numbered
from tests.web.conftest import signed_in

STALLED_AFTER = timedelta(minutes=5)


def client(box: Box, handle: str = "maya") -> TestClient:
    settings = replace(box.house.settings, imap=Imap(mailboxes=(box.polled,)))
    site = Site(box.house.db, settings, lambda: box.house.now, lambda _: 0)
    made = TestClient(build(site), base_url="http://localhost")
    return signed_in(made, box.house.db, handle, box.house.now)


def went_wrong(box: Box) -> None:
    with box.house.db.write() as conn:
        trouble = ("sign-in", "the server does not let 'secret-user' in: wrong password")
        mailbox_health.failed(conn, "main", trouble, box.house.now, STALLED_AFTER)


def test_a_mailbox_shows_from_the_first_round_to_the_recovery(small_box: Box) -> None:
    box = small_box
    browser = client(box)
    assert "not opened yet" in browser.get("/mailboxes").text
    box.put(numbered(1), numbered(2))
    held = box.take()
    box.poll(held=held)
    with box.house.db.write() as conn:
        mailbox_health.went_well(conn, "main", box.house.now)
    page = browser.get("/mailboxes").text
    assert "main: ok" in page and "2 mails accepted" in page
    assert browser.get("/healthz").text == "ok\n"
    went_wrong(box)
    box.house.later(minutes=6)
    went_wrong(box)
    health = browser.get("/healthz")
    assert health.status_code == 200 and health.text.startswith("degraded: no mail comes")
    assert "main" in health.text and "sign-in" in health.text
    assert "secret-user" not in health.text, "everybody may read this page"
    page = browser.get("/mailboxes").text
    assert "main: stalled" in page and "secret-user" in page and "not recovered yet" in page
    with box.house.db.write() as conn:
        mailboxes.hold(conn, held)
        assert mailbox_health.went_well(conn, "main", box.house.now) is not None
        assert mailbox_health.went_well(conn, "main", box.house.now) is None
    assert browser.get("/healthz").text == "ok\n"
    assert "recovered" in browser.get("/mailboxes").text


def test_a_mailbox_fails_while_somebody_tries_and_is_not_polled_when_nobody_does(
    small_box: Box,
) -> None:
    """Between two tries nobody holds the lease: another node may reach the server."""
    box = small_box
    held = box.take()
    went_wrong(box)
    with box.house.db.write() as conn:
        mailboxes.release(conn, held)

    def word() -> str:
        with box.house.looking() as conn:
            return states(conn, (box.polled,))[0].word(box.house.now)

    assert word() == "failing"
    box.house.later(minutes=11)
    assert word() == "not polled"


def test_health_says_so_where_no_process_is_left_to_say_it(small_box: Box) -> None:
    small_box.poll()
    with small_box.house.db.write() as conn:
        mailbox_health.went_well(conn, "main", small_box.house.now)
    browser = client(small_box)
    small_box.house.later(minutes=6)
    assert "nobody polls it" in browser.get("/healthz").text
    assert "main: not polled" in browser.get("/mailboxes").text


def test_only_leads_and_admins_see_the_page(small_box: Box) -> None:
    assert client(small_box, "ines").get("/mailboxes").status_code in (403, 404)


def test_the_json_shape_holds_no_password(small_box: Box) -> None:
    small_box.put(numbered(1))
    small_box.poll()
    with small_box.house.looking() as conn:
        (state,) = states(conn, (small_box.polled,))
    shape = as_json(state, small_box.house.now)
    text = orjson.dumps(shape).decode()
    assert small_box.user.password not in text
    assert shape["folders"][0]["last_uid"] == "1" and shape["lease"]["fence"] == "1"
