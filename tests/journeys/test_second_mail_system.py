"""A second mail system from end to end: Postfix delivers into Dovecot, Aboard polls it, a colleague
answers through Postfix, and the customer's answer to that comes back on the same thread."""

from __future__ import annotations

import os
import signal
import smtplib
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from inbox.clock import utc_now
from inbox.config import load
from inbox.store.database import Database
from inbox.store.tables import messages
from tests.cli.running import ABOARD, Terminal
from tests.services import postfix
from tests.services.dovecot import Dovecot, User
from tests.services.smtp_sink import SmtpSink
from tests.services.waiting import until

pytestmark = pytest.mark.skipif(postfix.missing() is not None, reason=str(postfix.missing()))

OURS, ANA = "onboarding@aboard.example", "ana@bank.example"
WITHIN = 240
"""Seconds for one leg of the way: each starts programs, and all cores may be somebody else's."""
MORE = """
send: {{host: 127.0.0.1, port: {port}, tls: none, undo_seconds: 0}}
imap:
  poll_seconds: 1
  mailboxes:
    - name: onboarding
      host: {server.host}
      port: {server.tls_port}
      tls_ca: {server.certificate}
      username: {user.name}
      password_file: password
"""


def letter(subject: str, text: str, **headers: str) -> EmailMessage:
    mail = EmailMessage()
    fields = {"From": f"Ana Costa <{ANA}>", "To": OURS, "Subject": subject}
    fields["Date"] = format_datetime(utc_now())
    for name, value in {**fields, **headers}.items():
        mail[name] = value
    mail.set_content(text)
    return mail


def send(port: int, mail: EmailMessage, to: str = OURS) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
        client.send_message(mail, ANA, [to])


@contextmanager
def serving(terminal: Terminal) -> Iterator[None]:
    process = subprocess.Popen(
        [str(ABOARD), "serve", "--only", "poll,file,send"],
        env=terminal.environment() | {"PYTHONWARNINGS": "ignore"},
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def configure(terminal: Terminal, port: int, server: Dovecot, user: User) -> None:
    folder = terminal.config.parent
    (folder / "password").write_text(user.password)
    (folder / "followups.yaml").write_text("acknowledge: {who: nobody}\n")
    terminal.config.write_text(
        terminal.config.read_text() + MORE.format(port=port, server=server, user=user)
    )


def filed(terminal: Terminal, count: int) -> None:
    """Wait until so many mails are on the timeline; asked of the database, as a command a look
    would take the core that the node needs."""
    db = Database(load(terminal.config, {}).database_url())

    def there() -> bool:
        with db.read() as conn:
            return bool(conn.scalar(select(func.count()).select_from(messages)) == count)

    until(there, within=WITHIN)
    db.close()


def test_mail_comes_by_postfix_and_dovecot_and_is_answered_through_postfix(
    dovecot: Dovecot,
    smtp_sink: SmtpSink,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ABOARD_CONFIG", raising=False)
    terminal, user = Terminal(tmp_path, capsys), dovecot.new_user()
    terminal.start()
    with postfix.delivering(dovecot, user, OURS, "bank.example", smtp_sink.port) as port:
        configure(terminal, port, dovecot, user)
        assert os.access(terminal.config, os.R_OK)
        tried = terminal.run("check", "--connect")
        assert tried.code == 0 and "signed in; INBOX (0 mails)" in tried.out, tried
        with serving(terminal):
            send(
                port, letter("Kickoff", "When do we start?", **{"Message-ID": "<k1@bank.example>"})
            )
            filed(terminal, 1)
            (thread,) = terminal.run("threads", "--json").lines()
            words = tmp_path / "answer.txt"
            words.write_text("On Monday at nine.\n")
            said = terminal.run("reply", thread["id"], "--by", "maya", "--text", words)
            assert said.code == 0, said
            (kept,) = smtp_sink.wait_for(1, within=WITHIN)
            answer = message_from_bytes(kept.content, policy=policy.default)
            assert kept.rcpt_tos == (ANA,) and "On Monday at nine." in kept.content.decode()
            assert answer["In-Reply-To"] == "<k1@bank.example>"
            back = {"In-Reply-To": str(answer["Message-ID"]), "Message-ID": "<k2@bank.example>"}
            send(port, letter("Re: Kickoff", "Fine, see you.", **back))
            filed(terminal, 3)
            (only,) = terminal.run("threads", "--json").lines()
            assert only["messages"] == 3
        found = terminal.run("mail", "reconcile", "--json")
        assert found.code == 0, found
        (folder,) = found.lines()
        assert (folder["on_server"], folder["accounted"]) == (2, 2)
        assert (folder["unaccounted"], folder["waiting"], folder["left"]) == ([], 0, [])
        (state,) = terminal.run("mail", "mailboxes", "--json").lines()
        assert state["folders"][0]["outcomes"] == {"accepted": 2}
        assert terminal.run("audit").code == 0
