"""OAuth2: mailboxes whose server takes tokens, and what happens when it takes one no more."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from inbox.errors import MailboxError
from inbox.imap_settings import OAUTHBEARER, XOAUTH2
from tests.polling.at_work import health, polling
from tests.polling.box import Box, numbered
from tests.services import proxy as proxies
from tests.services.tokens import Issuer
from tests.services.waiting import until

EXPIRED = timedelta(minutes=-5)
WAYS = (XOAUTH2, OAUTHBEARER)


class Signed:
    """A mailbox that is signed in to with what lies in a file, and how often that was read."""

    def __init__(self, box: Box, folder: Path, auth: str) -> None:
        self._file, self._runs = folder / "token", folder / "runs"
        program = folder / "print-token"
        program.write_text(f"#!/bin/sh\necho run >>{self._runs}\ncat {self._file}\n")
        program.chmod(0o755)
        box.polled = replace(
            box.polled, auth=auth, password=None, token_command=(str(program),), tls="implicit"
        )

    def gives(self, token: str) -> None:
        """From now on the program prints this token."""
        fresh = self._file.with_suffix(".new")
        fresh.write_text(token)
        fresh.replace(self._file)

    @property
    def runs(self) -> int:
        """How often the program ran."""
        return self._runs.read_text().count("run")


@pytest.mark.parametrize("auth", WAYS)
def test_mail_is_fetched_with_a_token_the_server_verifies(
    small_box: Box, tmp_path: Path, auth: str
) -> None:
    box, signed = small_box, Signed(small_box, tmp_path, auth)
    signed.gives(box.server.issuer.token(box.user.name))
    box.put(*(numbered(n) for n in range(5)))
    assert box.poll().accepted == 5
    box.everything_once()
    assert signed.runs == 2, "one token a connection: it may have been renewed in between"


@pytest.mark.parametrize("auth", WAYS)
def test_a_refused_token_is_said_plainly_and_never_shown(
    small_box: Box, tmp_path: Path, auth: str
) -> None:
    box, signed = small_box, Signed(small_box, tmp_path, auth)
    strangers = Issuer(tmp_path / "strangers")
    for token in (
        box.server.issuer.token(box.user.name, EXPIRED),
        box.server.issuer.token("somebody-else"),
        strangers.token(box.user.name),
        "not-a-token-at-all",
    ):
        signed.gives(token)
        with pytest.raises(MailboxError) as refusal:
            box.poll()
        assert refusal.value.cause == "sign-in"
        assert f"does not take the token for {box.user.name!r}" in str(refusal.value)
        assert "see to the token command" in str(refusal.value)
        assert token not in str(refusal.value)


@pytest.mark.parametrize("auth", WAYS)
def test_an_expired_token_is_made_up_for_by_the_next_one(
    small_box: Box,
    tmp_path: Path,
    auth: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("inbox.poller.FIRST_WAIT", 0.05)
    monkeypatch.setattr("inbox.poller.LONGEST_WAIT", 0.1)
    logging.getLogger("aboard").propagate = True
    box, signed = small_box, Signed(small_box, tmp_path, auth)
    expired = box.server.issuer.token(box.user.name, EXPIRED)
    signed.gives(expired)
    box.put(numbered(1))
    with caplog.at_level("INFO", "aboard"), polling(box, stalled_minutes=0):
        until(lambda: health(box.house.db).cause == "sign-in")
        assert "does not take the token" in str(health(box.house.db).error)
        signed.gives(box.server.issuer.token(box.user.name))
        until(lambda: box.count() == 1)
        until(lambda: health(box.house.db).failing_since is None)
        box.put(numbered(2))
        until(lambda: box.count() == 2)
    said = [one.partition(" ")[0] for one in caplog.messages]
    assert (said.count("mailbox-stalled"), said.count("mailbox-recovered")) == (1, 1)
    assert expired not in caplog.text
    box.everything_once()


def test_a_connection_that_ends_with_its_token_is_made_again_with_a_new_one(
    small_box: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Providers hang up when the token runs out, an hour after the sign-in."""
    monkeypatch.setattr("inbox.poller.FIRST_WAIT", 0.05)
    box, signed = small_box, Signed(small_box, tmp_path, XOAUTH2)
    signed.gives(box.server.issuer.token(box.user.name))
    box.put(numbered(1))
    with proxies.running(box.server.tls_port) as between:
        box.polled = replace(box.polled, port=between.port)
        with polling(box):
            until(lambda: box.count() == 1)
            signed.gives(box.server.issuer.token(box.user.name, timedelta(hours=2)))
            between.hang_up()
            box.put(numbered(2))
            until(lambda: box.count() == 2)
        assert (signed.runs, len(between.connections)) == (2, 2)
        box.everything_once()
