"""Passwords, one-time tokens and sessions, on both databases."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from inbox import passwords
from inbox.errors import NotFound
from inbox.flow.people import access
from inbox.flow.people.access import Lasts, NotYours, Opened, Refused, Whence
from inbox.store import audit_log, credentials, people, sessions
from inbox.store.access_tables import failures
from inbox.store.people import Person
from tests.flow.house import TEAMS, House

HERE = Whence("192.0.2.1", "a browser")
LASTS = Lasts(timedelta(hours=12), timedelta(days=14))
GOOD = "seven sleepy otters"


def let_in(house: House, handle: str = "ines", password: str = GOOD) -> Opened:
    token = access.give_token(house.db, handle, None, access.COMMAND, house.now)
    return access.redeem(house.db, token, password, HERE, LASTS, house.now)


def tried(house: House, typed: str, password: str, whence: Whence = HERE) -> Opened | Refused:
    return access.sign_in(house.db, typed, password, whence, LASTS, house.now)


def who(house: House, cookie: str) -> str | None:
    with house.looking() as conn:
        found = sessions.by_digest(conn, access.digest(cookie), house.now, LASTS.idle)
    return found[1].handle if found else None


def person(house: House, handle: str) -> Person:
    with house.looking() as conn:
        return people.by_handle(conn, handle)


def kinds(house: House) -> list[tuple[str, bool]]:
    with house.looking() as conn:
        found = audit_log.listing(conn, audit_log.Wanted())
    return [(one.kind, one.refused) for one in reversed(found)]


def test_nobody_has_a_password_until_a_token_sets_one(house: House) -> None:
    assert tried(house, "ines", "") == Refused()
    assert tried(house, "ines", GOOD) == Refused()
    opened = let_in(house)
    assert who(house, opened.cookie) == "ines"
    by_handle, by_address = tried(house, "INES ", GOOD), tried(house, "ines@aboard.example", GOOD)
    assert isinstance(by_handle, Opened) and isinstance(by_address, Opened)
    assert len({opened.cookie, by_handle.cookie, by_address.cookie}) == 3
    assert tried(house, "ines", GOOD + "x") == Refused()


def test_what_is_stored_opens_nothing(house: House, real_hashes: None) -> None:
    token = access.give_token(house.db, "ines", None, access.COMMAND, house.now)
    opened = access.redeem(house.db, token, GOOD, HERE, LASTS, house.now)
    assert len(opened.cookie) >= 43 and len(token) >= 43, "256 bits"
    with house.looking() as conn:
        stored = credentials.password_of(conn, opened.person.id) or ""
        everything = repr(
            [conn.exec_driver_sql(f"SELECT * FROM {name}").all() for name in (
                "credentials", "sessions", "one_time_tokens", "audit_log")]
        )  # fmt: skip
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$"), "as RFC 9106 section 4 advises"
    for secret in (token, opened.cookie, GOOD):
        assert secret not in everything


def test_a_token_is_used_once_lasts_a_day_and_gives_way_to_a_newer_one(house: House) -> None:
    def redeemed(token: str) -> Opened:
        return access.redeem(house.db, token, GOOD, HERE, LASTS, house.now)

    first = access.give_token(house.db, "ines", None, access.COMMAND, house.now)
    assert access.token_of(house.db, first, house.now) == person(house, "ines")
    second = access.give_token(house.db, "ines", None, access.COMMAND, house.now)
    for dead in (first, "", "x", second[:-1], second.lower()):
        with pytest.raises(NotYours):
            redeemed(dead)
    redeemed(second)
    with pytest.raises(NotYours):
        redeemed(second)
    third = access.give_token(house.db, "ines", None, access.COMMAND, house.now)
    house.later(hours=24)
    with pytest.raises(NotYours):
        redeemed(third)


def test_a_weak_password_is_refused_and_the_token_stays_good(house: House) -> None:
    token = access.give_token(house.db, "ines", None, access.COMMAND, house.now)
    weak = ("", "short", "a" * 40, "abababababab", "ines duarte 1234", "Password 12345", "x" * 257)
    for one in weak:
        with pytest.raises(passwords.WeakPassword):
            access.redeem(house.db, token, one, HERE, LASTS, house.now)
    assert access.redeem(house.db, token, "пароль из слов", HERE, LASTS, house.now)


def test_a_token_used_twice_at_the_same_instant_opens_once(house: House) -> None:
    token = access.give_token(house.db, "ines", None, access.COMMAND, house.now)
    ends: list[str] = []

    def use(number: int) -> None:
        try:
            access.redeem(house.db, token, f"{GOOD} {number}", HERE, LASTS, house.now)
            ends.append("in")
        except NotYours:
            ends.append("out")

    both = [threading.Thread(target=use, args=(number,)) for number in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert sorted(ends) == ["in", "out"]


def test_sessions_end_when_idle_when_old_and_when_somebody_ends_them(house: House) -> None:
    begun = house.now
    opened = let_in(house)
    house.now = begun + timedelta(hours=11)
    assert who(house, opened.cookie) == "ines"
    house.now = begun + timedelta(hours=12)
    assert who(house, opened.cookie) is None, "idle"
    with house.db.write() as conn:
        for day in range(14):
            sessions.seen(conn, 1, begun + timedelta(days=day, hours=23))
    house.now = begun + timedelta(days=13, hours=23, minutes=59)
    assert who(house, opened.cookie) == "ines"
    house.now = begun + timedelta(days=14)
    assert who(house, opened.cookie) is None, "absolute"
    house.now = begun
    access.sign_out(house.db, opened.person, 1, HERE, begun)
    assert who(house, opened.cookie) is None, "ended here, whoever has the cookie"


def test_another_password_ends_all_other_sessions_and_open_tokens(house: House) -> None:
    first, second = let_in(house), tried(house, "ines", GOOD)
    assert isinstance(second, Opened)
    token = access.give_token(house.db, "ines", None, access.COMMAND, house.now)
    with pytest.raises(NotYours, match="present password"):
        access.change_password(house.db, first.person, 1, "wrong", GOOD * 2, HERE, house.now)
    ended = access.change_password(house.db, first.person, 1, GOOD, GOOD * 2, HERE, house.now)
    assert ended == 1
    assert (who(house, first.cookie), who(house, second.cookie)) == ("ines", None)
    assert access.token_of(house.db, token, house.now) is None
    assert tried(house, "ines", GOOD) == Refused()
    assert isinstance(tried(house, "ines", GOOD * 2), Opened)


def test_who_leaves_teams_yaml_is_out_at_once_and_a_role_counts_at_once(house: House) -> None:
    opened = let_in(house)
    house.write("teams.yaml", TEAMS.replace("role: agent", "role: lead"))
    house.activate()
    with house.looking() as conn:
        found = sessions.by_digest(conn, access.digest(opened.cookie), house.now, LASTS.idle)
    assert found is not None and found[2].role == "lead" and found[2].teams == {"support"}
    gone = "\n".join(line for line in TEAMS.splitlines() if "handle: ines" not in line)
    house.write("teams.yaml", gone.replace("[tom, ines]", "[tom]"))
    house.activate()
    assert who(house, opened.cookie) is None
    assert tried(house, "ines", GOOD) == Refused()
    with pytest.raises(NotFound):
        access.give_token(house.db, "ines", None, access.COMMAND, house.now)


def test_disabled_means_no_password_no_token_no_session(house: House) -> None:
    opened = let_in(house)
    token = access.give_token(house.db, "ines", None, access.COMMAND, house.now)
    assert access.disable(house.db, "ines", None, access.COMMAND, house.now) == 1
    assert who(house, opened.cookie) is None
    assert tried(house, "ines", GOOD) == Refused()
    assert access.token_of(house.db, token, house.now) is None


def test_the_first_admin_gets_a_token_only_while_nobody_has_a_password(house: House) -> None:
    first = access.first_token(house.db, house.now)
    assert first is not None and first[0] == "maya"
    access.redeem(house.db, first[1], GOOD, HERE, LASTS, house.now)
    assert access.first_token(house.db, house.now) is None


# --- Brute force -------------------------------------------------------------------------------


def waits(house: House, typed: str, count: int, whence: Whence = HERE) -> list[int]:
    found = []
    for _ in range(count):
        one = tried(house, typed, "wrong", whence)
        assert isinstance(one, Refused)
        found.append(one.wait)
    return found


def test_after_five_tries_each_waits_longer_and_never_for_good(house: House) -> None:
    let_in(house)
    assert waits(house, "ines", 7) == [0, 0, 0, 0, 0, 16, 16], "nothing is looked at meanwhile"
    assert tried(house, "ines", GOOD) == Refused(16), "not even the right one"
    house.later(seconds=16)
    assert waits(house, "ines", 2) == [0, 31]
    for _ in range(12):
        house.later(minutes=15)
        assert waits(house, "ines", 1) == [0], "a quarter of an hour is the longest"
    assert isinstance(tried(house, "ines", GOOD, Whence("198.51.100.7", "")), Opened), (
        "nobody locks somebody out who comes from elsewhere"
    )
    house.later(minutes=15)
    assert isinstance(tried(house, "ines", GOOD), Opened)
    assert waits(house, "ines", 6) == [0, 0, 0, 0, 0, 16], "who came in begins anew"


def test_an_unknown_name_waits_as_a_known_one_does(house: House) -> None:
    let_in(house)
    assert waits(house, "ines", 7) == waits(house, "nobody", 7)


def test_one_address_that_tries_many_names_waits_too(house: House) -> None:
    for number in range(50):
        assert waits(house, f"name{number}", 1) == [0]
    assert waits(house, "another", 1) == [16]
    assert waits(house, "another", 1, Whence("192.0.2.2", "")) == [0]


def test_an_ipv6_network_is_one_address(house: House) -> None:
    for number in range(5):
        assert waits(house, "ines", 1, Whence(f"2001:db8:1:2::{number}", "")) == [0]
    assert waits(house, "ines", 1, Whence("2001:db8:1:2:ffff::1", "")) == [16]
    assert waits(house, "ines", 1, Whence("2001:db8:1:3::1", "")) == [0]


def test_many_tries_at_the_same_instant_are_five(house: House) -> None:
    looked: list[Refused | Opened] = []
    all_ = [
        threading.Thread(target=lambda: looked.append(tried(house, "ines", "wrong")))
        for _ in range(12)
    ]
    for one in all_:
        one.start()
    for one in all_:
        one.join()
    assert len([one for one in looked if one == Refused()]) == 5


def test_failures_are_forgotten_and_do_not_pile_up(house: House) -> None:
    waits(house, "ines", 5)
    waits(house, "nobody", 3)
    house.later(days=1)
    assert waits(house, "ines", 5) == [0] * 5
    house.later(days=2)
    let_in(house, "maya")
    assert isinstance(tried(house, "maya", GOOD), Opened)
    with house.looking() as conn:
        assert [row.count for row in conn.execute(failures.select())] == [0]


def test_no_more_hashes_are_made_at_once_than_memory_allows(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "PATIENCE", 0.01)
    with passwords._Turn(), passwords._Turn(), pytest.raises(passwords.Busy):
        tried(house, "ines", GOOD)


def test_an_unknown_name_costs_the_same_work(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    let_in(house)
    hashes: list[str] = []
    verify = passwords._hasher.verify

    def counted(stored: str, given: str) -> bool:
        hashes.append(stored.rpartition("$")[0].rpartition("$")[0])
        return verify(stored, given)

    monkeypatch.setattr(passwords, "_hasher", type("Counted", (), {
        "verify": staticmethod(counted), "hash": passwords._hasher.hash,
    }))  # fmt: skip
    tried(house, "ines", "wrong")
    tried(house, "tom", "wrong")
    tried(house, "nobody", "wrong")
    assert len(hashes) == 3 and len(set(hashes)) == 1, "one hash each, with the same parameters"


def test_each_deed_is_in_the_audit_log_and_what_was_typed_is_not(house: House) -> None:
    opened = let_in(house)
    tried(house, "ines", "wrong")
    tried(house, "my secret typed into the wrong field", "wrong")
    access.sign_out(house.db, opened.person, 1, HERE, house.now)
    access.end_sessions(house.db, opened.person, None, access.COMMAND, house.now)
    assert kinds(house) == [
        ("token-given", False),
        ("password-set", False),
        ("sign-in", False),
        ("sign-in", True),
        ("sign-in", True),
        ("sign-out", False),
        ("sessions-ended", False),
    ]
    with house.looking() as conn:
        assert "my secret" not in repr(audit_log.listing(conn, audit_log.Wanted()))
