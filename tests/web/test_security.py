"""Hosts, tokens, headers and policies; and that no markup of a customer ever does anything."""

from __future__ import annotations

import random
import re
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import nh3
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from inbox.store import messages
from inbox.store.database import Database
from inbox.web import markup
from inbox.web.routes import ROUTES, Policy, undeclared
from inbox.web.site import build
from tests.web import story
from tests.web.conftest import Told, serving, telling
from tests.web.payloads import MORE, PAYLOADS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PAGES = ("/", "/threads/1", "/messages/1", "/accounts", "/accounts/1", "/search?q=x", "/quarantine",
         "/nope", "/messages/1/html", "/messages/1/raw", "/attachments/1", "/healthz", "/rules",
         "/rules/explain", "/messages/1/trace", "/threads/1/near")  # fmt: skip


# --- Hosts, headers, policies ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:8025", 200),
        ("127.0.0.1:8025", 200),
        ("[::1]:8025", 200),
        ("evil.example", 421),
        ("localhost.evil.example", 421),
        ("127.0.0.1.nip.io:8025", 421),
        ("169.254.169.254", 421),
        ("localhost@evil.example", 400),
        ("localhost:8025:1", 400),
        ("localhost/x", 400),
        ("", 400),
    ],
)
def test_only_our_own_host_names_are_answered(told: Told, host: str, status: int) -> None:
    client = told.client()
    for path in ("/healthz", "/threads", "/static/x", "/nope"):
        answer = client.get(path, headers={"host": host})
        expected = 404 if status == 200 and path in ("/static/x", "/nope") else status
        assert answer.status_code == expected, path
    if status == 421:
        assert "Wrong host name" in client.get("/", headers={"host": host}).text


def test_two_host_fields_are_refused(own: Told) -> None:
    with serving(own.site()) as address:
        port = int(address.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), 10) as plain:
            plain.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n")
            assert b" 400 " in plain.recv(200)


@pytest.mark.parametrize("path", PAGES)
def test_every_answer_carries_the_security_headers(told: Told, path: str) -> None:
    headers = told.client().get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] in ("same-origin", "no-referrer")
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "'unsafe-eval'" not in policy and "script-src 'unsafe" not in policy
    assert headers["cross-origin-resource-policy"] == "same-origin"


def test_proxy_headers_of_a_stranger_change_nothing(told: Told) -> None:
    forged = {
        "x-forwarded-host": "evil.example",
        "x-forwarded-proto": "https",
        "x-forwarded-for": "<script>alert(1)</script>",
        "forwarded": "host=evil.example",
        "x-original-url": "/quarantine",
        "x-http-method-override": "POST",
    }
    plain, other = told.client().get("/accounts"), told.client().get("/accounts", headers=forged)
    strip = re.compile(r'(?:value|content)="[0-9a-f]{64}"')
    assert strip.sub("", plain.text) == strip.sub("", other.text)


def test_every_route_has_a_policy_and_who_may_read_changes_nothing_by_it() -> None:
    for route in ROUTES:
        assert route.method == "GET" or route.policy is not Policy.READ, route.path
        assert route.method in ("GET", "POST"), route.path
    assert len({(route.method, route.path) for route in ROUTES}) == len(ROUTES)


def test_a_route_without_policy_fails_the_build(told: Told) -> None:
    app = build(told.site())
    assert undeclared(app) == ()

    @app.get("/forgotten")
    def forgotten() -> str:
        return ""

    @app.post("/threads")
    def sneaky() -> str:
        return ""

    app.mount("/below", FastAPI())
    assert undeclared(app) == ("GET /forgotten", "POST /threads", "/below")


def test_api_pages_of_the_framework_are_off(told: Told) -> None:
    client = told.client()
    for path in ("/docs", "/redoc", "/openapi.json", "/threads/", "/threads//1", "/accounts/1/"):
        answer = client.get(path)
        assert answer.status_code == 404, path
        assert "location" not in answer.headers


# --- Form tokens -------------------------------------------------------------------------------


def _form(client: TestClient) -> dict[str, str]:
    text = client.get("/quarantine").text
    return dict(re.findall(r'name="(token|ledger_id)" value="([^"]+)"', text))


CHANGES = [route.path for route in ROUTES if route.method != "GET"]


@pytest.mark.parametrize("path", CHANGES)
@pytest.mark.parametrize(
    "sent",
    [
        {"data": {}},
        {"data": {"token": ""}},
        {"data": {"token": "0" * 64}},
        {"data": {"token": "ü"}},
        {"json": {"ledger_id": "all"}},
        {"content": b"ledger_id=all", "headers": {"content-type": "text/plain"}},
        {"files": {"token": ("x", b"0")}},
        {"content": b"", "headers": {"x-http-method-override": "GET"}},
    ],
)
def test_a_change_without_our_token_is_refused(
    told: Told, path: str, sent: dict[str, object]
) -> None:
    client = told.client()
    client.get("/quarantine")
    before = list(told.retried)
    answer = client.post(path, **sent)  # type: ignore[arg-type]
    takes_files = any(one.path == path and one.files for one in ROUTES)
    assert answer.status_code == (400 if "files" in sent and not takes_files else 403), answer.text
    assert told.retried == before


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "http://localhost.evil.example"},
        {"origin": "https://localhost"},
        {"origin": "http://localhost:81"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
    ],
)
def test_a_change_from_elsewhere_is_refused_even_with_the_token(
    told: Told, headers: dict[str, str]
) -> None:
    client = told.client()
    form = _form(client)
    before = list(told.retried)
    answer = client.post("/quarantine/retry", data=form, headers=headers)
    assert answer.status_code == 403 and told.retried == before


def test_a_token_is_bound_to_its_visitor_and_its_site(told: Told) -> None:
    mine, theirs = told.client(), told.client()
    form = _form(mine)
    _form(theirs)
    assert theirs.post("/quarantine/retry", data=form).status_code == 403
    cookieless = told.client(None)
    assert cookieless.post("/quarantine/retry", data=form).status_code == 401


def test_our_own_form_passes(own: Told) -> None:
    client = own.client()
    headers = {"origin": "http://localhost", "sec-fetch-site": "same-origin"}
    passed = client.post("/quarantine/retry", data=_form(client), headers=headers)
    assert passed.status_code == 303


@pytest.mark.parametrize("given", ["", "x", "1 OR 1=1", "-1", "9" * 30, "ALL", "١"])
def test_a_retry_of_nothing_known_is_refused(own: Told, given: str) -> None:
    client = own.client()
    form = _form(client) | {"ledger_id": given}
    assert client.post("/quarantine/retry", data=form).status_code == 400
    assert own.retried == []


def test_a_large_request_is_refused_before_it_is_read(told: Told) -> None:
    client = told.client()
    answer = client.post("/quarantine/retry", data={"token": "x" * 200_000})
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "path", ["/?next=//evil.example", "/threads?next=%2f%5cevil", "/quarantine?retried=1%0d%0aX:y"]
)
def test_nothing_redirects_to_an_address_that_was_given(told: Told, path: str) -> None:
    answer = told.client().get(path)
    assert "location" not in answer.headers and "x" not in answer.headers


# --- Errors ------------------------------------------------------------------------------------


def test_a_bug_shows_a_number_and_no_secret(
    own: Told, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("postgres://u:secret@h")

    monkeypatch.setattr("inbox.web.list_pages.frame", broken)
    answer = own.client().get("/")
    assert answer.status_code == 500
    assert "secret" not in answer.text and "Traceback" not in answer.text
    incident = re.search(r'class="incident">([0-9a-f]{8})<', answer.text)
    assert incident is not None and incident[1] in caplog.text
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_database_that_is_away_is_said_plainly(own: Told, tmp_path: Path) -> None:
    away = Told(Database(f"sqlite:///{tmp_path / 'nowhere' / 'x.db'}"), own.settings)
    (tmp_path / "nowhere").rename(tmp_path / "gone")
    answer = away.client(None, cookies={"aboard_session": "x" * 43}).get("/threads")
    away.db.close()
    assert answer.status_code == 503 and "does not answer" in answer.text


# --- Hostile markup, read as HTML ---------------------------------------------------------------


class Seen(HTMLParser):
    """Collects the tags and attributes of a page."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))


def _names(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


OUR_TAGS = _names(
    "html head meta title link script body a p strong details summary ul ol li code div header nav"
    " form input kbd b h1 h2 span button main article bdi svg use iframe section aside dl dt dd"
    " time small table thead tbody tr th td pre mark i textarea label dialog h3 select option"
    " fieldset legend footer hr img optgroup"
    " datalist noscript tfoot rect line text defs pattern"
)
OUR_ATTRIBUTES = _names(
    "lang charset name content rel href type src class id role action placeholder aria-label"
    " maxlength autocomplete aria-hidden aria-current aria-labelledby popovertarget"
    " popovertargetaction popover tabindex title data-live data-at datetime hidden aria-live dir"
    " target open download sandbox loading referrerpolicy method value scope autofocus enctype for"
    " rows spellcheck required inputmode pattern data-label data-fill data-copy colspan"
    " data-now data-key data-zone data-palette aria-expanded aria-controls aria-autocomplete data-state"
    " data-here data-thread data-last data-keys data-theme data-count checked selected disabled"
    " aria-describedby aria-invalid aria-pressed aria-selected cols min max step lang accept multiple"
    " formaction formmethod width height alt hx-get hx-trigger hx-swap hx-target hx-select hx-post"
    " data-compose data-saved data-countdown data-leaves decoding"
    " list formnovalidate data-submit data-chosen data-every viewbox x y x1 x2 y1 y2 fill"
    " text-anchor http-equiv patternunits patterntransform"
    " data-dismiss data-me data-writes data-watch data-part data-grow data-shown name"
)
OUR_LINKS = re.compile(r"/(?!/)|#|https?://[^\s\"'<>]+$")


def assert_ours(text: str) -> None:
    """Only tags and attributes of our templates, scripts of our own, links with our schemes."""
    for tag, attributes in Seen(text).tags:
        assert tag in OUR_TAGS, (tag, attributes)
        assert set(attributes) <= OUR_ATTRIBUTES, (tag, attributes)
        for name in ("href", "src", "action", "formaction", "hx-get", "hx-post"):
            if name in attributes:
                assert OUR_LINKS.match(attributes[name]), (tag, attributes)
        if tag == "script":
            assert attributes["src"].startswith("/static/")
        if tag == "iframe" and not attributes["src"].endswith("/preview"):
            assert attributes["sandbox"] == "allow-popups allow-popups-to-escape-sandbox"
    assert not re.search(r"<script[^>]*>[^<]", text), "there is no inline script"


def hostile(payload: str, number: int) -> list[bytes]:
    """One mail with the payload everywhere; every tenth opens a new thread."""
    line = " ".join(payload.split())
    made = story.mail(
        "x@acme.example",
        line,
        f"plain {payload}\n\n> quoted {payload}\n",
        minutes=number,
        message_id=f"<hostile-{number}@acme.example>",
        references=f"<hostile-{number - number % 10}@acme.example>",
    )
    name = line.replace("\\", "\\\\").replace('"', '\\"')
    made.add_alternative(f"<html><body>before {payload} after</body></html>", subtype="html")
    made.add_attachment(b"x", maintype="text", subtype="html", filename=f"{line}.html")
    raw = made.as_bytes()
    sender = f'From: "{name}" <x{number}@acme.example>'.encode()
    return [re.sub(rb"(?m)^From: x@acme.example", lambda _: sender, raw, count=1)]


class Sink:
    """Counts who calls: a port on this machine that every payload points to."""

    def __init__(self) -> None:
        self.calls: list[bytes] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self._server.settimeout(0.2)
        self.address = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        while not self._stop.is_set():
            try:
                caller, _ = self._server.accept()
            except TimeoutError:
                continue
            with caller:
                caller.settimeout(1)
                self.calls.append(caller.recv(500))

    def close(self) -> None:
        self._stop.set()
        self._thread.join(5)
        self._server.close()


@pytest.fixture(scope="module")
def sink() -> Iterator[Sink]:
    made = Sink()
    yield made
    made.close()


@contextmanager
def attacked_with(path: Path, sink: Sink, payloads: Sequence[str]) -> Iterator[Told]:
    """The story, and one mail per payload."""
    with telling(f"sqlite:///{path}") as told:
        raws = [
            raw
            for number, payload in enumerate(payloads)
            for raw in hostile(payload.replace("SINK", sink.address), number)
        ]
        story.put(told.db, told.settings, raws)
        yield told


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory, sink: Sink) -> Iterator[Told]:
    """The payloads that are written by hand."""
    with attacked_with(tmp_path_factory.mktemp("hostile") / "x.db", sink, PAYLOADS) as told:
        yield told


def _hostile_messages(told: Told) -> list[messages.Message]:
    with told.db.read() as conn:
        found = [
            messages.by_mail_id(conn, f"hostile-{n}@acme.example")
            for n in range(len(PAYLOADS) + len(MORE))
        ]
    return [one for several in found for one in several]


def _pages(told: Told) -> list[str]:
    found = _hostile_messages(told)
    numbered = sorted({one.thread_id for one in found})
    accounts = sorted({one.account_id for one in found})
    return [
        "/threads",
        "/threads?fragment=rows",
        *(f"/threads/{n}" for n in numbered),
        *(f"/accounts/{n}" for n in accounts),
        "/accounts",
        "/search?q=plain",
        "/search?q=script+alert",
        "/search?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
        "/accounts?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
        "/threads?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
        "/threads?view=all&q=is:open",
        "/search?q=is:open",
        "/wall",
        "/reports/volume?by=account",
        "/reports/volume/threads?by=team&part=mails",
        "/outbox",
        "/followups",
        *(f"/accounts/{n}/merge?into=1" for n in accounts[:3]),
    ]


def test_there_are_payloads_enough_and_all_are_filed(attacked: Told) -> None:
    assert len(set(PAYLOADS)) == len(PAYLOADS) >= 60
    found = _hostile_messages(attacked)
    assert len(found) == len(PAYLOADS) and all(one.has_html for one in found)


def test_our_pages_hold_no_markup_but_our_own(attacked: Told) -> None:
    client = attacked.client()
    for path in _pages(attacked):
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert_ours(answer.text)
    for message in _hostile_messages(attacked):
        assert_ours(client.get(f"/messages/{message.id}").text)


def test_what_is_filed_of_a_payload_is_shown_as_text(attacked: Told) -> None:
    client = attacked.client()
    seen = client.get("/search?q=plain+alert").text
    assert "&lt;script&gt;" in seen and "49" not in Seen(seen).tags


def test_cleaned_html_keeps_to_the_allow_list(attacked: Told, sink: Sink) -> None:
    client = attacked.client()
    for message in _hostile_messages(attacked):
        text = client.get(f"/messages/{message.id}/html").text
        body = text.partition("<body>")[2]
        assert sink.address not in re.sub(r'href="[^"]*"', "", body) or "&lt;" in body
        for tag, attributes in Seen(body).tags:
            assert tag in markup.TAGS, (message.subject, tag)
            assert not [name for name in attributes if name.startswith("on")], message.subject
            assert attributes.get("src", "data:image/").startswith("data:image/")
            assert "url" not in attributes.get("style", ""), message.subject
            href = attributes.get("href", "https:")
            assert href.startswith(("http:", "https:", "mailto:", "tel:")), message.subject


@pytest.mark.parametrize("payload", PAYLOADS)
def test_cleaning_what_is_clean_changes_nothing(payload: str) -> None:
    once = markup.safe_html(payload, lambda _: None).html
    again = markup.safe_html(once, lambda _: None).html
    assert Seen(again).tags == Seen(once).tags and sorted(again) == sorted(once)


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 50_000,
        "<b><i>" * 30_000,
        "<font>" * 450 + "x",
        "<p>" * 50_000,
        "x" * 1_000_001,
    ],
)
def test_html_that_would_cost_too_much_is_refused_at_once(html: str) -> None:
    begun = time.perf_counter()
    with pytest.raises(markup.TooWild):
        markup.safe_html(html, lambda _: None)
    assert time.perf_counter() - begun < 1


def test_html_within_the_bounds_is_cleaned_quickly() -> None:
    begun = time.perf_counter()
    for html in ("<div>" * 390 + "x" * 900_000, "<b><p>" * 380, "<table><tr><td>x" * 130):
        markup.safe_html(html, lambda _: None)
    assert time.perf_counter() - begun < 4


def test_too_deep_html_is_answered_with_where_its_text_is(own: Told) -> None:
    made = story.mail("a@acme.example", "deep", "text", message_id="<deep@acme.example>")
    made.add_alternative("<div>" * 5000, subtype="html")
    story.put(own.db, own.settings, [made.as_bytes()])
    with own.db.read() as conn:
        (message,) = messages.by_mail_id(conn, "deep@acme.example")
    assert "Its text is in the thread." in own.client().get(f"/messages/{message.id}/html").text


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (story.PNG, "image/png"),
        (b"GIF89a...", "image/gif"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"RIFF....WEBPVP8 ", "image/webp"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", None),
        (b"<html><script>alert(1)</script>", None),
        (b"", None),
    ],
)
def test_a_picture_is_what_its_bytes_begin_with(content: bytes, kind: str | None) -> None:
    assert markup.raster_type(content) == kind


def test_a_cid_reaches_only_pictures_of_its_own_mail(own: Told) -> None:
    made = story.mail("a@acme.example", "cid", "text", message_id="<cid@acme.example>")
    made.add_alternative(
        "<img src='cid:logo@acme'><img src='cid:svg@x'><img src='cid:page@x'>", subtype="html"
    )
    page = made.get_payload()[1]
    page.add_related(b"<svg/>", maintype="image", subtype="svg+xml", cid="<svg@x>")
    page.add_related(b"<b>x</b>", maintype="image", subtype="png", cid="<page@x>")
    story.put(own.db, own.settings, [made.as_bytes()])
    with own.db.read() as conn:
        (message,) = messages.by_mail_id(conn, "cid@acme.example")
    assert "data:" not in own.client().get(f"/messages/{message.id}/html").text


def test_ten_thousand_references_to_one_picture_do_not_multiply_it(own: Told) -> None:
    made = story.mail("a@acme.example", "many", "text", message_id="<many@acme.example>")
    made.add_alternative("<img src='cid:one@x'>" * 10_000, subtype="html")
    made.get_payload()[1].add_related(
        story.PNG + b"\0" * 200_000, maintype="image", subtype="png", cid="<one@x>"
    )
    story.put(own.db, own.settings, [made.as_bytes()])
    with own.db.read() as conn:
        (message,) = messages.by_mail_id(conn, "many@acme.example")
    assert len(own.client().get(f"/messages/{message.id}/html").content) < 9_000_000


def test_the_cleaner_is_the_version_that_was_measured() -> None:
    assert tuple(int(part) for part in nh3.__version__.split(".")) >= (0, 3, 8)


# --- Hostile markup in a real browser -----------------------------------------------------------


LOAD_ALL = """
async () => {
  document.querySelectorAll('details').forEach((one) => { one.open = true; });
  await Promise.all([...document.querySelectorAll('iframe')].map((frame) => new Promise((done) => {
    frame.addEventListener('load', done, { once: true });
    frame.loading = 'eager';
    frame.src = frame.src;
  })));
}
"""
"""Opens everything that can be opened and waits until every frame has loaded."""


def _watch(page: Page, base: str) -> list[str]:
    """Everything that must not happen on a page, as it happens."""
    events: list[str] = []
    page.on("dialog", lambda one: (events.append(f"dialog {one.message}"), one.dismiss()))
    page.on("popup", lambda one: events.append(f"popup {one.url}"))
    page.on("download", lambda one: events.append(f"download {one.url}"))
    page.on("websocket", lambda one: events.append(f"websocket {one.url}"))
    page.on("response", lambda one: _note_foreign(events, one.url, base))
    return events


def _note_foreign(events: list[str], url: str, base: str) -> None:
    if not url.startswith((base, "data:image/", "about:")):
        events.append(f"response {url}")


@pytest.mark.browser
@pytest.mark.parametrize("every", [4, pytest.param(1, marks=pytest.mark.campaign)])
def test_in_a_real_browser_nothing_runs_and_nothing_leaves(
    attacked: Told, sink: Sink, chromium: Browser, every: int
) -> None:
    """A quarter of the payloads with every run, all of them before a release."""
    framed = nothing_happens(attacked, sink, chromium, every)
    assert framed >= len(PAYLOADS) // every


@pytest.mark.browser
@pytest.mark.parametrize("every", [24, pytest.param(1, marks=pytest.mark.campaign)])
def test_three_hundred_payloads_in_a_real_browser(
    tmp_path: Path, sink: Sink, chromium: Browser, every: int
) -> None:
    """Those that are made from lists: a seeded sample with every run, all of them and those written
    by hand before a release."""
    assert len({*PAYLOADS, *MORE}) >= 300
    chosen = list(MORE)
    random.Random(7).shuffle(chosen)
    payloads = [*PAYLOADS, *MORE] if every == 1 else chosen[::every]
    with attacked_with(tmp_path / "x.db", sink, payloads) as told:
        found = _hostile_messages(told)
        assert len(found) == len(payloads)
        client = told.client()
        for path in _pages(told):
            assert_ours(client.get(path).text)
        nothing_happens(told, sink, chromium, 1)


def nothing_happens(attacked: Told, sink: Sink, chromium: Browser, every: int) -> int:
    """Open every page that shows the payloads, and everything on it: nothing runs, nothing leaves,
    nothing goes elsewhere. How many frames were looked at."""
    calls = len(sink.calls)
    with serving(attacked.site()) as base:
        context = chromium.new_context()
        attacked.enter(context, base)
        page = context.new_page()
        events = _watch(page, base)
        framed = 0
        paths = _pages(attacked)
        others = [path for path in paths if not path.startswith("/threads/")]
        for path in others + [path for path in paths if path.startswith("/threads/")][::every]:
            page.goto(base + path)
            page.evaluate(LOAD_ALL)
            assert page.url == base + path, "the page went elsewhere"
            assert page.title() != "ran"
            frames = [one.url for one in page.frames[1:]]
            framed += len(frames)
            assert all(re.fullmatch(rf"{base}/messages/\d+/html", url) for url in frames), frames
        # All were in frames above; every third also as a page of its own, by its policy alone.
        for message in _hostile_messages(attacked)[:: 3 * every]:
            url = f"{base}/messages/{message.id}/html"
            page.goto(url)
            assert (page.url, page.title()) == (url, "Message")
        context.close()
    assert events == []
    assert sink.calls[calls:] == []
    return framed


@pytest.mark.browser
def test_the_sink_does_hear_a_page_that_calls_it(sink: Sink, chromium: Browser) -> None:
    calls = len(sink.calls)
    page = chromium.new_page()
    page.set_content(f"<img src='{sink.address}/heard'>")
    page.wait_for_timeout(500)
    page.close()
    assert any(b"/heard" in call for call in sink.calls[calls:])


@pytest.mark.parametrize("path", ["/accounts?q=a%00b", "/threads?team=%00", "/audit?kind=%00&by=x"])
def test_what_no_database_can_keep_is_refused_in_an_address(told: Told, path: str) -> None:
    answer = told.client("admin").get(path)
    assert (answer.status_code, "cannot be kept" in answer.text) == (400, True)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"name=a%00b&token=", "application/x-www-form-urlencoded"),
        (b"--x\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\n\\ud800\r\n--x--\r\n",
         "multipart/form-data; boundary=x; charset=unicode_escape"),
    ],
)  # fmt: skip
def test_what_no_database_can_keep_is_refused_in_a_form(told: Told, data: bytes, kind: str) -> None:
    answer = told.client(None).post("/sign-in", content=data, headers={"content-type": kind})
    assert (answer.status_code, "cannot be kept" in answer.text) == (400, True)
