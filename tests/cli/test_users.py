"""`aboard users`: links, sessions and the audit log, as somebody would type them."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from inbox import app
from inbox.clock import utc_now
from inbox.config import load
from inbox.flow.people import access
from inbox.flow.people.access import Lasts, Whence
from inbox.store.database import Database
from tests.access.hashes import cheapened
from tests.cli.running import Terminal

GOOD = "seven sleepy otters"


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    cheapened(monkeypatch)


def handle_of(terminal: Terminal) -> str:
    return str(terminal.run("people", "--json").lines()[0]["handle"])


def token(terminal: Terminal, command: str, handle: str) -> str:
    ran = terminal.run("users", command, handle)
    assert ran.code == 0
    found = re.search(r"^http://127\.0\.0\.1:\d+/sign-in/once\?token=([\w-]{43})$", ran.out, re.M)
    assert found is not None, ran.out
    return found[1]


def redeem(terminal: Terminal, once: str) -> None:
    settings = load(terminal.config, {})
    db = Database(settings.database_url())
    lasts = Lasts(timedelta(hours=12), timedelta(days=14))
    access.redeem(db, once, GOOD, Whence("192.0.2.1", "x"), lasts, utc_now())
    db.close()


def row(terminal: Terminal, handle: str) -> dict[str, object]:
    listed = terminal.run("users", "--json").lines()
    return next(one for one in listed if one["handle"] == handle)


def test_somebody_is_let_in_and_shut_out_again(terminal: Terminal) -> None:
    terminal.run("check")
    handle = handle_of(terminal)
    assert (row(terminal, handle)["password_set_at"], row(terminal, handle)["sessions"]) == (
        None,
        0,
    )
    redeem(terminal, token(terminal, "add", handle))
    assert row(terminal, handle)["sessions"] == 1 and row(terminal, handle)["password_set_at"]
    assert "1 sessions ended" in terminal.run("users", "disable-sessions", handle).out
    redeem(terminal, token(terminal, "reset", handle))
    assert terminal.run("users", "disable", handle).code == 0
    assert row(terminal, handle)["password_set_at"] is None
    assert handle in terminal.run("users").out
    kinds = [one["kind"] for one in terminal.run("users", "log", "--json").lines()]
    assert kinds == [
        *("access-ended", "sign-in", "password-set", "token-given", "sessions-ended"),
        *("sign-in", "password-set", "token-given"),
    ]
    by = terminal.run("users", "log", "--by", handle, "--kind", "sign-in", "--json").lines()
    assert len(by) == 2 and by[0]["address"] == "192.0.2.1"
    assert "access-ended" in terminal.run("users", "log").out


def test_a_link_for_nobody_says_so(terminal: Terminal) -> None:
    terminal.run("check")
    ran = terminal.run("users", "add", "nobody-here")
    assert ran.code == 1 and "nobody-here" in ran.err


def test_check_refuses_the_inbox_in_the_clear_beyond_this_machine(terminal: Terminal) -> None:
    config = terminal.config
    text = config.read_text()
    listen = '\nweb:\n  listen: "0.0.0.0:8025"\n'
    plain = re.sub(r"(?m)^web:\n(?:[ #].*\n)*", "", text)
    config.write_text(plain + listen)
    findings, _ = app.check_everything(load(config, {}))
    (exposed,) = [one for one in findings if one.code == "not-loopback"]
    assert "trusted_proxies" in exposed.hint
    config.write_text(plain + listen + "  trusted_proxies: [10.0.0.5/32]\n")
    findings, _ = app.check_everything(load(config, {}))
    assert [one for one in findings if one.code == "not-loopback"] == []
    config.write_text(plain + listen + "  trusted_proxies: [nonsense]\n")
    assert "trusted_proxies" in terminal.run("check").err + terminal.run("check").out
