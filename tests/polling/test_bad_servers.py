"""Servers that refuse, forget, hang up or choke on one mail: everything else goes on (F12, F14)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from inbox.errors import MailboxError, StoreError
from inbox.store import mailboxes
from tests.polling.box import HASTY, Box, numbered
from tests.polling.relay import Answer, instead, relaying

FETCH = r"UID FETCH .*BODY"


@pytest.fixture
def plain(small_box: Box) -> Box:
    """Twelve mails, asked for without TLS, so that a relay can read along."""
    small_box.polled = replace(
        small_box.polled, tls="none", host="127.0.0.1", port=small_box.server.port
    )
    small_box.put(*(numbered(n) for n in range(12)))
    return small_box


def rounds(box: Box, answer: Answer, at_most: int = 1) -> list[str]:
    """Rounds through a relay until one goes well; the causes of those that did not."""
    causes: list[str] = []
    with relaying(box.server.port, answer) as relay:
        while len(causes) < at_most:
            try:
                box.poll(port=relay.port, waits=HASTY)
                return causes
            except MailboxError as error:
                causes.append(error.cause)
    return causes


def well(box: Box) -> None:
    """A round without anything in between."""
    box.poll()


@pytest.mark.parametrize(
    ("pattern", "said", "cause"),
    [
        (FETCH, "{tag} NO [UNAVAILABLE] try later\r\n", "refused"),
        (FETCH, "{tag} BAD what?\r\n", "refused"),
        (FETCH, "* BYE shutting down\r\n", "cut"),
        (FETCH, "", "cut"),
        (FETCH, "* 1 FETCH (UID 1 BODY[] {{5000}}\r\nonly the beginning", "silent"),
        (FETCH, "* 1 FETCH (UID 1 BODY[] {{999999999}}\r\n", "too-much"),
        (FETCH, "* 1 FETCH ((((((\r\n{tag} OK done\r\n", "garbled"),
        (FETCH, "no protocol at all\r\n", "cut"),
        ("UID SEARCH", "{tag} NO not now\r\n", "refused"),
        ("UID SEARCH", "* SEARCH one two\r\n{tag} OK done\r\n", "garbled"),
        ("EXAMINE", "{tag} NO [NONEXISTENT] gone\r\n", "folder"),
        ("EXAMINE", "{tag} OK done\r\n", "folder"),
        ("CAPABILITY", "* BYE overloaded\r\n", "unreachable"),
        ("RFC822.SIZE", "{tag} NO not now\r\n", "refused"),
    ],
)
def test_what_a_server_does_wrong_once_costs_a_round(
    plain: Box, pattern: str, said: str, cause: str
) -> None:
    assert rounds(plain, instead(pattern, said, times=1)) == [cause]
    well(plain)
    plain.everything_once()


def test_a_mail_that_the_server_refuses_keeps_no_other_back(plain: Box) -> None:
    refuse = instead(r"UID FETCH (\d+,)*5(,\d+)* \(BODY", "{tag} NO [SERVERBUG] cannot\r\n")
    assert rounds(plain, refuse, 2) == ["refused"]
    found = plain.compare()
    assert [(one.uid, one.outcome) for one in found.left] == [(5, "refused")]
    assert (found.unaccounted, found.waiting, plain.count()) == ((), (), 11)
    well(plain)
    plain.everything_once()


def test_a_mail_over_which_the_server_hangs_up_keeps_no_other_back(plain: Box) -> None:
    hang_up = instead(r"UID FETCH (\d+,)*5(,\d+)* \(BODY", "")
    assert rounds(plain, hang_up, 9) == ["cut"] * 4
    assert plain.count() == 11
    assert [(one.uid, one.attempts) for one in plain.compare().left] == [(5, 3)]
    with plain.polling() as poll:
        poll.reconcile("INBOX")
    plain.everything_once()


def test_a_server_that_refuses_everything_for_a_while_loses_nothing(plain: Box) -> None:
    throttle = instead(FETCH, "{tag} NO [LIMIT] too many requests\r\n")
    assert rounds(plain, throttle, 3) == ["refused"] * 3
    assert plain.count() == 0
    well(plain)
    with plain.polling() as poll:
        poll.reconcile("INBOX")
    plain.everything_once()


@pytest.mark.parametrize("said", ["{tag} NO [SERVERBUG] cannot\r\n", ""])
def test_mails_that_are_refused_for_good_do_not_make_every_round_fail(
    plain: Box, said: str
) -> None:
    """They are asked for with each comparison, and the next comparison is due in an hour."""
    rounds(plain, instead(r"UID FETCH .*\(BODY", said), 40)
    assert {one.outcome for one in plain.compare().left} == {"refused"}
    plain.house.later(minutes=61)
    with relaying(plain.server.port, instead(FETCH, said)) as relay, \
            plain.polling(port=relay.port, waits=HASTY) as poll:  # fmt: skip
        try:
            assert poll.reconcile("INBOX") == ()
        except MailboxError as error:
            assert error.cause == "cut" and not said
    with plain.house.looking() as conn:
        known = mailboxes.folder_of(conn, "main", "INBOX")
    assert known is not None and known.reconciled_at == plain.house.now
    with plain.polling() as poll:
        poll.reconcile("INBOX")
    plain.everything_once()


def test_a_database_that_fails_too_does_not_hide_what_failed_first(
    plain: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*given: object, **values: object) -> None:
        raise StoreError("the disk is full")

    with relaying(plain.server.port, instead(FETCH, "")) as relay, \
            plain.polling(port=relay.port, waits=HASTY) as poll:  # fmt: skip
        monkeypatch.setattr(mailboxes, "change", full)
        with pytest.raises(MailboxError) as first:
            poll.look("INBOX")
    assert first.value.cause == "cut"
    monkeypatch.undo()
    well(plain)
    plain.everything_once()


def test_a_result_that_is_missing_is_not_gone_while_it_is_listed(plain: Box) -> None:
    forget = instead(FETCH, "{tag} OK nothing for you\r\n")
    assert rounds(plain, forget) == []
    assert set(plain.outcomes().values()) == {"refused"}
    well(plain)
    plain.everything_once()


def test_dates_that_cannot_be_read_cost_the_dates(plain: Box) -> None:
    odd = instead(
        "INTERNALDATE",
        '* 1 FETCH (UID 1 RFC822.SIZE 10 INTERNALDATE "99-Foo-0000 00:00:00 +0000")\r\n{tag} OK done\r\n',
    )
    assert rounds(plain, odd) == []
    plain.everything_once()


def test_nothing_but_reading_is_ever_sent(plain: Box) -> None:
    with relaying(plain.server.port, lambda tag, command: None) as relay:
        plain.poll(port=relay.port)
        said = {one.partition(" ")[0] for one in relay.commands}
        bodies = [one for one in relay.commands if "BODY" in one]
        uid = {one.split()[1] for one in relay.commands if one.startswith("UID")}
    assert {"EXAMINE", "UID", "LOGOUT"} <= said
    assert not said & {"SELECT", "STORE", "EXPUNGE", "COPY", "MOVE", "FETCH", "CLOSE"}
    assert uid == {"SEARCH", "FETCH"}
    assert bodies and all("BODY.PEEK[]" in one for one in bodies)
