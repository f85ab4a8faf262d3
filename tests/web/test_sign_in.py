"""Signing in and out over HTTP: what a browser is told, what it keeps, and what nobody is told.

T38, T39, T41 and T42 are the cases of that name in the list of attacks that this inbox withstands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from inbox.config import Listen, Settings
from inbox.flow.people import access
from inbox.flow.people.access import COMMAND
from inbox.store import audit_log
from inbox.web.routes import ROUTES
from inbox.web.server import WebServer
from inbox.web.site import build
from inbox.web.visitors import COOKIE, SECURE_COOKIE, own_path
from tests.access.hashes import cheapened
from tests.web import story
from tests.web.conftest import Told

GOOD = "seven sleepy otters"
PEER = ("192.0.2.9", 50000)
LOCAL = ("127.0.0.1", 50000)
PROXY = ("10.0.0.5", 50000)


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    cheapened(monkeypatch)


def token_in(text: str) -> str:
    found = re.search(r'name="token" value="([0-9a-f]{64})"', text)
    assert found is not None, text[:300]
    return found[1]


def form(client: TestClient, path: str = "/sign-in", **fields: str) -> dict[str, str]:
    return {"token": token_in(client.get(path).text), **fields}


def given(told: Told, handle: str = "ines") -> str:
    return access.give_token(told.db, handle, None, COMMAND, story.NOW)


def with_password(told: Told, handle: str = "ines") -> None:
    client = told.client(None)
    once = given(told, handle)
    sent = form(client, f"/sign-in/once?token={once}", once=once, password=GOOD, again=GOOD)
    assert client.post("/sign-in/once", data=sent).status_code == 303


def entered(told: Told, client: TestClient, name: str = "ines", **more: str) -> str:
    answer = client.post("/sign-in", data=form(client, name=name, password=GOOD, **more))
    assert answer.status_code == 303, answer.text[:600]
    return str(answer.headers["location"])


# --- The way in --------------------------------------------------------------------------------


def test_who_is_not_signed_in_is_led_to_the_door_and_back(own: Told) -> None:
    with_password(own)
    client = own.client(None)
    answer = client.get("/threads/1?status=all")
    assert answer.status_code == 303
    door = answer.headers["location"]
    assert door == "/sign-in?next=/threads/1%3Fstatus%3Dall"
    assert client.get("/").headers["location"] == "/sign-in"
    onward = re.search(r'name="next" value="([^"]+)"', client.get(door).text)
    assert onward is not None
    assert entered(own, client, next=onward[1]) == "/threads/1?status=all"
    assert client.get("/threads/1").status_code == 200
    assert client.get(door).headers["location"] == "/threads/1?status=all", "in already"


def test_parts_of_pages_and_streams_get_401_and_a_change_is_not_led_away(own: Told) -> None:
    client = own.client(None)
    for path, headers in (
        ("/threads?fragment=rows", {}),
        ("/threads", {"hx-request": "true"}),
        ("/threads", {"sec-fetch-dest": "empty"}),
        ("/live", {"accept": "text/event-stream"}),
    ):
        assert client.get(path, headers=headers).status_code == 401, path
    answer = client.post("/threads/1/team", data={"team": "support"})
    assert answer.status_code == 401 and "location" not in answer.headers


def test_a_link_is_looked_at_without_harm_and_sets_a_password_once(own: Told) -> None:
    once, client = given(own), own.client(None)
    path = f"/sign-in/once?token={once}"
    for _ in range(3):
        text = client.get(path).text
        assert "Inês Duarte" in text
    bad = {"token": token_in(text), "once": once, "password": GOOD, "again": GOOD + "x"}
    assert "not the same" in client.post("/sign-in/once", data=bad).text
    weak = bad | {"password": "short", "again": "short"}
    assert "at least 12" in client.post("/sign-in/once", data=weak).text
    right = bad | {"again": GOOD}
    assert client.post("/sign-in/once", data=right).headers["location"] == "/"
    assert "Inês Duarte" in client.get("/").text
    other = own.client(None)
    assert other.get(path).status_code == 404
    again = form(other, once=once, password=GOOD, again=GOOD)
    assert other.post("/sign-in/once", data=again).status_code == 400


def test_signing_out_ends_the_session_on_the_server_too(own: Told) -> None:
    client = own.client("agent")
    cookie = client.cookies[COOKIE]
    answer = client.post("/sign-out", data=form(client, "/threads"))
    assert answer.headers["location"] == "/sign-in"
    thief = own.client(None, cookies={COOKIE: cookie})
    assert thief.get("/threads").status_code == 303
    assert client.get("/threads").status_code == 303


# --- T38 ---------------------------------------------------------------------------------------


def test_T38_known_and_unknown_names_get_the_same_answer(own: Told) -> None:
    with_password(own)
    answers = []
    for name in ("ines", "jonas", "nobody"):  # with a password, without one, not there
        client = own.client(None, client=(f"192.0.2.{len(answers)}", 1))
        seen = []
        for _ in range(7):
            answer = client.post("/sign-in", data=form(client, name=name, password="wrong wrong"))
            plain = re.sub(r'value="[^"]*"', "", answer.text)
            seen.append((answer.status_code, answer.headers.get("retry-after"), plain))
        answers.append(seen)
    assert answers[0] == answers[1] == answers[2]
    assert [status for status, *_ in answers[0]] == [403] * 5 + [429] * 2
    assert answers[0][5][1] == "16"


def test_T38_the_session_is_a_new_one_at_sign_in_and_the_old_one_ends(own: Told) -> None:
    with_password(own)
    client = own.client("agent")
    before = client.cookies[COOKIE]
    fixed = own.client(None, cookies={COOKIE: "A" * 43})
    entered(own, fixed)
    assert fixed.cookies.get(COOKIE, path="/", domain="localhost.local") != "A" * 43
    once = given(own, "priya")
    sent = {"token": token_in(client.get("/threads").text), "once": once}
    client.post("/sign-in/once", data=sent | {"password": GOOD, "again": GOOD})
    assert own.client(None, cookies={COOKIE: before}).get("/threads").status_code == 303


def test_T38_cookies_are_out_of_reach_of_scripts_and_other_sites(own: Told) -> None:
    with_password(own)
    client = own.client(None)
    visit = client.get("/sign-in").headers["set-cookie"]
    assert "HttpOnly" in visit and "SameSite=strict" in visit
    answer = client.post("/sign-in", data=form(client, name="ines", password=GOOD))
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=") and "HttpOnly" in cookie and "SameSite=lax" in cookie
    assert "Path=/" in cookie and "Domain" not in cookie
    assert len(cookie.split("=")[1].split(";")[0]) >= 43, "256 bits"


def test_T38_behind_tls_the_cookie_is_of_this_host_alone(own: Told) -> None:
    with_password(own)
    own.settings = proxied(own.settings)
    client = TestClient(
        build(own.site()), "https://inbox.example", follow_redirects=False, client=PROXY
    )
    client.headers["x-forwarded-proto"] = "https"
    sent = form(client, name="ines", password=GOOD)
    answer = client.post("/sign-in", data=sent, headers={"origin": "https://inbox.example"})
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{SECURE_COOKIE}=") and "Secure" in cookie and "Domain" not in cookie
    value = cookie.partition("=")[2].partition(";")[0]
    assert client.get("/threads").status_code == 200
    stolen = TestClient(
        build(own.site()), "https://inbox.example", follow_redirects=False, client=PROXY,
        headers={"x-forwarded-proto": "https"}, cookies={COOKIE: value},
    )  # fmt: skip
    assert stolen.get("/threads").status_code == 303, "another name is another cookie"


@pytest.mark.parametrize("cookie", ["", "x", "A" * 43, "A" * 44, "ü" * 43, "../" * 15])
def test_T38_a_made_up_cookie_is_nobody(told: Told, cookie: str) -> None:
    client = told.client(None)
    header = f"{COOKIE}={cookie}".encode("latin-1", "replace")
    assert client.get("/threads", headers={"cookie": header}).status_code == 303


# --- T39 ---------------------------------------------------------------------------------------

CHANGES = [route for route in ROUTES if route.method != "GET"]


def at(path: str) -> str:
    return re.sub(r"\{[a-z_]+\}", "1", path)


@pytest.fixture(scope="module")
def clients(told: Told) -> Iterator[tuple[TestClient, TestClient]]:
    yield told.client("admin"), told.client("admin")


@pytest.mark.parametrize("route", CHANGES, ids=lambda one: one.path)
def test_T39_no_change_without_the_token_of_this_very_session(
    told: Told, clients: tuple[TestClient, TestClient], route: object
) -> None:
    path = at(route.path)  # type: ignore[attr-defined]
    mine, theirs = clients
    other = {"token": token_in(theirs.get("/quarantine").text)}
    own = {"token": token_in(mine.get("/quarantine").text)}
    anonymous = {"token": token_in(told.client(None).get("/sign-in").text)}
    for sent in ({"data": {}}, {"data": other}, {"data": anonymous}, {"json": own},
                 {"content": b"x=1", "headers": {"content-type": "text/plain"}},
                 {"data": own, "headers": {"origin": "https://evil.example"}},
                 {"data": own, "headers": {"sec-fetch-site": "cross-site"}}):  # fmt: skip
        assert mine.post(path, **sent).status_code == 403, sent  # type: ignore[arg-type]
    override = {"x-http-method-override": "POST"}
    assert mine.get(path, headers=override).status_code in (200, 303, 400, 404, 405)


@pytest.mark.parametrize("route", CHANGES, ids=lambda one: one.path)
def test_T37_a_field_that_nobody_knows_is_refused(
    clients: tuple[TestClient, TestClient], route: object
) -> None:
    mine, _ = clients
    sent = {"token": token_in(mine.get("/quarantine").text), "is_admin": "1"}
    assert mine.post(at(route.path), data=sent).status_code == 422  # type: ignore[attr-defined]


# --- T41 ---------------------------------------------------------------------------------------

ELSEWHERE = [
    "//evil.example", "/\\evil.example", "https://evil.example", "\\\\evil.example", "/\t/evil",
    "/%0d%0aX:y\r\nX: y", "javascript:alert(1)", "evil.example", "/ok\nnext", "///evil.example",
    "/sign-out", "/sign-in", " /threads", "", "/a\\b",
]  # fmt: skip


@pytest.mark.parametrize("there", ELSEWHERE)
def test_T41_after_signing_in_nobody_is_sent_elsewhere(own: Told, there: str) -> None:
    with_password(own)
    client = own.client(None)
    sent = form(client, name="ines", password=GOOD)
    assert client.post("/sign-in", data=sent | {"next": there}).headers["location"] == "/"


def test_T41_own_paths_are_kept() -> None:
    for path in ("/", "/threads/1?status=all", "/search?q=a%20b#x", "/accounts/7"):
        assert own_path(path) == path


# --- T42 ---------------------------------------------------------------------------------------


def proxied(settings: Settings) -> Settings:
    web = replace(
        settings.web,
        listen=Listen("0.0.0.0", 8025),
        hosts=("inbox.example", "localhost"),
        trusted_proxies=("10.0.0.0/24",),
    )
    return replace(settings, web=web)


def replace_listen(told: Told, host: str) -> Told:
    web = replace(told.settings.web, listen=Listen(host, 0))
    return Told(told.db, replace(told.settings, web=web))


def addresses(told: Told) -> list[str]:
    with told.db.read() as conn:
        listed = audit_log.listing(conn, audit_log.Wanted("sign-in", limit=1))
    return [one.address for one in listed]


@pytest.mark.parametrize(
    ("peer", "forwarded", "noted"),
    [
        (PEER, "198.51.100.1", "192.0.2.9"),
        (PROXY, "198.51.100.1", "198.51.100.1"),
        (PROXY, "203.0.113.7, 198.51.100.1", "198.51.100.1"),
        (PROXY, "203.0.113.7, 198.51.100.1, 10.0.0.8", "198.51.100.1"),
        (PROXY, "203.0.113.7, <script>, 10.0.0.8", "10.0.0.8"),
        (PROXY, "", "10.0.0.5"),
    ],
)
def test_T42_what_is_forwarded_counts_from_our_proxies_alone(
    own: Told, peer: tuple[str, int], forwarded: str, noted: str
) -> None:
    web = replace(own.settings.web, trusted_proxies=("10.0.0.0/24",))
    own.settings = replace(own.settings, web=web)
    client = own.client(None, client=peer)
    sent = form(client, name="ines", password="wrong wrong")
    client.post("/sign-in", data=sent, headers={"x-forwarded-for": forwarded})
    assert addresses(own) == [noted]


def test_T42_beyond_loopback_only_what_a_proxy_took_over_tls_is_answered(own: Told) -> None:
    own.settings = proxied(own.settings)
    app = build(own.site())

    def status(peer: tuple[str, int], **headers: str) -> int:
        client = TestClient(app, "http://inbox.example", client=peer)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return client.get("/healthz", headers=named).status_code

    assert status(PROXY, x_forwarded_proto="https") == 200
    assert status(PROXY, x_forwarded_proto="http") == 403
    assert status(PROXY) == 403
    assert status(PEER, x_forwarded_proto="https") == 403, "it says so itself"
    assert status(LOCAL) == 200, "this machine looks after itself"
    WebServer(app, Listen("0.0.0.0", 0), behind_proxy=True)


# --- One click, in the demo --------------------------------------------------------------------


def clicking(told: Told, *, demo: bool = True, client: tuple[str, int] = LOCAL) -> TestClient:
    return TestClient(
        build(told.site(demo=demo)), "http://localhost", follow_redirects=False, client=client
    )


def test_in_the_demo_one_click_is_enough_for_anybody(own: Told) -> None:
    client = clicking(own)
    text = client.get("/sign-in").text
    assert text.count('name="handle"') == 9 and "Noor Haddad" in text
    sent = {"token": token_in(text), "handle": "priya", "next": "/accounts"}
    assert client.post("/sign-in/demo", data=sent).headers["location"] == "/accounts"
    assert "Priya Raman" in client.get("/threads").text


@pytest.mark.parametrize(
    "name",
    [
        "forwarded",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
        "x-real-ip",
        "via",
    ],
)
def test_one_click_is_refused_to_what_was_forwarded(own: Told, name: str) -> None:
    client = clicking(own)
    sent = {"token": token_in(client.get("/sign-in").text), "handle": "maya"}
    headers = {name: "1.1 127.0.0.1"}
    assert client.post("/sign-in/demo", data=sent, headers=headers).status_code == 403
    assert 'name="handle"' not in client.get("/sign-in", headers=headers).text


def test_one_click_is_refused_outside_a_demo_and_from_elsewhere(own: Told) -> None:
    for client in (clicking(own, demo=False), clicking(own, client=PEER)):
        text = client.get("/sign-in").text
        assert 'name="handle"' not in text
        sent = {"token": token_in(text), "handle": "maya"}
        assert client.post("/sign-in/demo", data=sent).status_code == 403
    exposed = clicking(replace_listen(own, "0.0.0.0"))
    assert exposed.post("/sign-in/demo", data={"handle": "maya"}).status_code == 403
