"""A folder that mail cannot be moved to holds up no mail, and is said once (F14)."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from inbox.errors import MailboxError
from inbox.flow.intake.mailbox_state import as_json, states
from inbox.store.mailbox_uids import ACCEPTED
from tests.polling.at_work import health, polling
from tests.polling.box import Box, numbered
from tests.polling.relay import instead, relaying
from tests.polling.test_shown import client as browser_of
from tests.services.waiting import until


def unmoved(box: Box) -> tuple[int, str | None]:
    """What the pages say of it."""
    with box.house.looking() as conn:
        (state,) = states(conn, (box.polled,))
    shape = as_json(state, box.house.now)["folders"][0]
    return shape["unmoved"], shape["unmoved_error"]


def said(caplog: pytest.LogCaptureFixture, event: str) -> int:
    return len([one for one in caplog.messages if one.startswith(f"{event} ")])


def test_a_missing_folder_is_said_once_while_mail_goes_on_coming(
    box: Box, caplog: pytest.LogCaptureFixture
) -> None:
    logging.getLogger("aboard").propagate = True
    box.polled = replace(box.polled, move_to="Done")
    box.put(numbered(1), numbered(2))
    with caplog.at_level("INFO", "aboard"), polling(box, stalled_minutes=0):
        until(lambda: unmoved(box)[0] == 2)
        box.put(numbered(3))
        until(lambda: box.count() == 3)
        why = unmoved(box)[1]
        assert why is not None and "make the folder 'Done'" in why and "move_to" in why
        found = until(lambda: [one for one in [health(box.house.db)] if one.last_ok_at])[0]
        assert (found.failing_since, found.cause) == (None, None)
        with box.client() as client:
            client.create_folder("Done")
        until(lambda: unmoved(box) == (0, None))
        until(lambda: box.compare().on_server == 0)
    assert (said(caplog, "mail-not-moved"), said(caplog, "mail-moves-again")) == (1, 1)
    assert said(caplog, "mailbox-trouble") == said(caplog, "mailbox-stalled") == 0
    box.everything_once()
    with box.client("Done") as client:
        assert len(client.search()) == 3


def test_a_folder_that_nobody_may_write_to_is_tried_each_round_and_said_once(
    small_box: Box,
) -> None:
    box = small_box
    box.polled = replace(box.polled, tls="none", host="127.0.0.1", move_to="Done")
    box.put(numbered(1))
    with box.client() as client:
        client.create_folder("Done")
    refuse = instead("UID MOVE", "{tag} NO [NOPERM] Permission denied\r\n")
    with relaying(box.server.port, refuse) as relay:
        for number in (2, 3):
            assert box.poll(port=relay.port).accepted == 1
            box.put(numbered(number))
        tries = [one for one in relay.commands if "MOVE" in one]
    assert len(tries) == 2 and len(box.told) == 1
    assert "[NOPERM]" in str(box.told[0])
    assert f"let {box.user.name!r} write to it" in str(box.told[0])
    page = browser_of(box).get("/mailboxes").text
    assert "2 mails not moved away" in page and "[NOPERM]" in page
    box.polled = replace(box.polled, port=box.server.port)
    assert box.poll().accepted == 1
    assert box.told[1:] == [None] and unmoved(box) == (0, None)
    box.everything_once()


def test_a_line_that_is_cut_while_moving_is_a_failed_round(small_box: Box) -> None:
    box = small_box
    box.polled = replace(box.polled, tls="none", host="127.0.0.1", move_to="Done")
    box.put(numbered(1))
    hang_up = instead("UID MOVE", "")
    with relaying(box.server.port, hang_up) as relay, pytest.raises(MailboxError) as cut:
        box.poll(port=relay.port)
    assert cut.value.cause == "cut" and box.told == []
    assert box.outcomes() == {1: ACCEPTED}


def test_without_move_nothing_is_copied_where_nothing_may_be_deleted(small_box: Box) -> None:
    box = small_box
    box.polled = replace(box.polled, move_to="Done")
    with box.client() as client:
        client.create_folder("Done")
    box.put(numbered(1))
    with box.polling() as poll:
        raw = poll._remote._client
        has, select = raw.has_capability, raw.select_folder
        raw.has_capability = lambda name: name != "MOVE" and has(name)
        raw.select_folder = lambda *given, **how: (
            select(*given, **how) | {b"PERMANENTFLAGS": (b"\\Seen",)}
        )
        assert poll.look("INBOX").accepted == 1
        assert poll.look("INBOX").total == 0
    assert len(box.told) == 1 and "nothing may be deleted" in str(box.told[0])
    with box.client("Done") as client:
        assert client.search() == []
