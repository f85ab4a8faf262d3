"""The tests' own Dovecot: users log in over TLS, mail stays, the index can be lost."""

from __future__ import annotations

import imaplib
import ssl
from typing import Any

import pytest
from imapclient import IMAPClient
from imapclient.exceptions import LoginError

from tests.services.dovecot import Dovecot, User
from tests.services.waiting import answers

MAIL = b"From: ada@example.org\r\nSubject: hello\r\n\r\nA line.\r\n"


def login(server: Dovecot, user: User) -> Any:
    client = IMAPClient(server.host, server.tls_port, ssl_context=server.tls(), timeout=10)
    client.login(user.name, user.password)
    return client


def test_a_user_logs_in_over_tls_and_reads_a_mail(dovecot: Dovecot) -> None:
    user = dovecot.new_user()
    with login(dovecot, user) as client:
        client.append("INBOX", MAIL)
        client.select_folder("INBOX")
        (uid,) = client.search()
        assert client.fetch([uid], ["BODY.PEEK[]"])[uid][b"BODY[]"] == MAIL
        assert {b"IDLE", b"UIDPLUS", b"CONDSTORE", b"MOVE"} <= set(client.capabilities())


def test_starttls_works_on_the_plain_port(dovecot: Dovecot) -> None:
    user = dovecot.new_user()
    with IMAPClient(dovecot.host, dovecot.port, ssl=False, timeout=10) as client:
        client.starttls(dovecot.tls())
        client.login(user.name, user.password)
        client.logout()


def test_a_wrong_password_is_refused(dovecot: Dovecot) -> None:
    one, other = dovecot.new_user(), dovecot.new_user()
    with (
        IMAPClient(dovecot.host, dovecot.port, ssl=False, timeout=10) as client,
        pytest.raises(LoginError),
    ):
        client.login(one.name, other.password)


def test_a_stranger_to_the_certificate_does_not_trust_it(dovecot: Dovecot) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        imaplib.IMAP4_SSL(
            dovecot.host, dovecot.tls_port, ssl_context=ssl.create_default_context(), timeout=10
        )


def test_mail_outlives_an_outage(dovecot: Dovecot) -> None:
    user = dovecot.new_user()
    with login(dovecot, user) as client:
        client.append("INBOX", MAIL)
    dovecot.stop()
    assert not answers(dovecot.port)
    dovecot.start()
    with login(dovecot, user) as client:
        assert client.select_folder("INBOX")[b"EXISTS"] == 1


def test_a_deleted_index_changes_uidvalidity_and_keeps_the_mail(dovecot: Dovecot) -> None:
    user = dovecot.new_user()
    seen = []
    for _ in range(3):
        with login(dovecot, user) as client:
            client.append("INBOX", MAIL)
            seen.append(client.select_folder("INBOX")[b"UIDVALIDITY"])
        dovecot.delete_index(user)
    assert len(set(seen)) == 3
    with login(dovecot, user) as client:
        assert client.select_folder("INBOX")[b"EXISTS"] == 3
