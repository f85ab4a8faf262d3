"""What pages show, read over HTTP as a browser without scripts would."""

from __future__ import annotations

import asyncio
import hashlib
import html
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from inbox.config import Listen
from inbox.errors import ConfigError
from inbox.store import ledger, messages, regroup, threads
from inbox.store.database import Database
from inbox.web import render
from inbox.web.downloads import disposition, file_name
from inbox.web.server import WebServer
from inbox.web.site import build
from inbox.web.text import linked, shown, snippet
from tests.web import story
from tests.web.conftest import Told, alone, serving


@pytest.fixture
def client(told: Told) -> TestClient:
    return told.client()


def page(client: TestClient, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status, (path, answer.status_code, answer.text[:500])
    return answer.text


def words(text: str) -> str:
    """What a reader sees of a page: no tags, single spaces."""
    plain = re.sub(r"<(script|style|title)\b.*?</\1>", " ", text, flags=re.S)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", plain)).split())


def thread_of(db: Database, subject: str) -> int:
    with db.read() as conn:
        listed = threads.listing(conn, threads.Page(limit=100))
    return next(row.thread.id for row in listed if row.thread.subject == subject)


def test_the_list_has_every_open_thread_with_team_and_accountable_person(
    told: Told, client: TestClient
) -> None:
    seen = words(page(client, "/"))
    with told.db.read() as conn:
        listed = threads.listing(conn, threads.Page(limit=100))
    assert len(listed) == 7
    for row in listed:
        assert row.thread.subject in seen
        assert row.accountable_name in seen
    assert "طلب حذف البيانات GDPR" in seen
    assert "Waits for our answer." in seen


def test_the_list_narrows_by_team_status_and_account(told: Told, client: TestClient) -> None:
    row = 'class="row'
    whole = page(client, "/threads")
    assert whole.count(row) == 7
    by_team = {
        name: page(client, f"/threads?team={name}").count(row)
        for name in ("compliance", "implementation", "success", "support")
    }
    assert sum(by_team.values()) == 7 and max(by_team.values()) < 7
    assert page(client, "/threads?status=closed").count(row) == 0
    assert page(client, "/threads?status=all").count(row) == 7
    with told.db.read() as conn:
        account = threads.by_id(conn, thread_of(told.db, "Kickoff call")).account_id
    assert page(client, f"/threads?account={account}&status=all").count(row) == 4


def test_pages_of_the_list_follow_each_other_without_gap_or_overlap(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inbox.web.list_pages.ROWS", 3)
    client = told.client()
    path, seen = "/threads", []
    for _ in range(5):
        text = page(client, path)
        seen += re.findall(r'<li id="t(\d+)"', text)
        older = re.search(r'rel="next" href="([^"]+)"', text)
        if older is None:
            break
        path = html.unescape(older[1])
    assert len(seen) == len(set(seen)) == 7


def test_the_fragment_of_rows_is_the_rows_of_the_page(client: TestClient) -> None:
    whole, rows = page(client, "/threads"), page(client, "/threads?fragment=rows")
    assert "<html" not in rows
    assert rows.strip() in whole


def test_a_thread_shows_its_messages_oldest_first_and_the_newest_open(
    told: Told, client: TestClient
) -> None:
    text = page(client, f"/threads/{thread_of(told.db, 'Kickoff next week?')}")
    numbers = [int(n) for n in re.findall(r'<article class="message[^"]*" id="m(\d+)"', text)]
    assert len(numbers) == 3 and numbers == sorted(numbers)
    articles = text.split("<article")[1:]
    opened = ["<details open>" in article for article in articles]
    assert opened == [False, False, True]
    seen = words(text)
    assert "Quoted text, " in seen and "Signature, " in seen
    assert "sent it to Implementation" in seen
    assert "on duty, nobody has claimed it" in seen


def test_links_in_text_open_elsewhere_and_name_no_referrer(told: Told, client: TestClient) -> None:
    text = page(client, f"/threads/{thread_of(told.db, 'Kickoff next week?')}")
    assert (
        '<a href="https://acme.example/plan?a=1&amp;b=2" rel="noopener noreferrer nofollow"'
        ' target="_blank">https://acme.example/plan?a=1&amp;b=2</a>.' in text
    )


@pytest.mark.parametrize(
    ("subject", "said"),
    [
        ("Kickoff call", "Kickoff with Nord"),
        ("Out of office: Re: your question", "back on 2025-06-12"),
        ("Undelivered Mail Returned to Sender", "gone@nord.example was not reached 5.1.1"),
        ("Fwd: Question about the data import", "First written by Per Lund"),
        ("no id", "It has no Message-ID."),
        ("no id", "It names an unknown character set."),
    ],
)
def test_what_is_special_about_a_mail_is_said_on_it(
    told: Told, client: TestClient, subject: str, said: str
) -> None:
    assert said in words(page(client, f"/threads/{thread_of(told.db, subject)}"))


def test_a_joined_thread_answers_with_the_one_it_became(own: Told) -> None:
    kept, lost = thread_of(own.db, "Kickoff next week?"), thread_of(own.db, "Kickoff call")
    with own.db.write() as conn:
        regroup.join(conn, kept, lost)
    answer = own.client().get(f"/threads/{lost}")
    assert (answer.status_code, answer.headers["location"]) == (308, f"/threads/{kept}")


def test_long_threads_stay_light_and_every_message_is_within_reach(
    own: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    raws = [
        story.mail(
            "Anna Schmidt <anna@acme.example>",
            "Re: Kickoff next week?",
            f"Message number {n}.\n" + "All of this is new text, line by line.\n" * 200,
            minutes=n,
            in_reply_to="<kickoff-1@acme.example>",
        ).as_bytes()
        for n in range(70)
    ]
    story.put(own.db, own.settings, raws, at=story.NOW + timedelta(hours=2))
    client = own.client()
    text = page(client, f"/threads/{thread_of(own.db, 'Kickoff next week?')}")
    assert len(text) < 160_000
    assert text.count("<article") == 60
    brief = re.search(r'class="message brief" id="m\d+"><a href="([^"]+)"', text)
    assert brief is not None and "All of this is new text" in page(client, brief[1])
    earlier = re.search(r'class="earlier"><a class="button" href="([^"]+)"', text)
    assert earlier is not None
    first = page(client, html.unescape(earlier[1]))
    assert first.count("<article") == 13 and "we signed on Friday" in first


def test_an_accounts_timeline_holds_the_events_of_all_its_threads(
    told: Told, client: TestClient
) -> None:
    with told.db.read() as conn:
        account = threads.by_id(conn, thread_of(told.db, "Kickoff call")).account_id
    seen = words(page(client, f"/accounts/{account}"))
    for said in ("Kickoff call", "no id", "Undelivered Mail", "Out of office", "Account made"):
        assert said in seen
    assert "Per Lund" in seen and "nord.example" in seen
    only = words(page(client, f"/accounts/{account}?show=mail"))
    assert "Account made" not in only and "Kickoff call" in only
    assert "forwarded a mail of per@nord.example" in words(
        page(client, f"/accounts/{account}?show=routing")
    )


def test_accounts_are_listed_and_found_by_domain(client: TestClient) -> None:
    assert {"acme.example", "nord.example", "alnoor.example"} <= set(
        words(page(client, "/accounts")).split()
    )
    assert "nord.example" not in words(page(client, "/accounts?q=acme")).split()
    assert "No account matches" in page(client, "/accounts?q=nothing-like-it")


def test_the_list_of_accounts_says_where_in_it_one_is(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = page(client, "/accounts")
    listed = re.findall(r'<th scope="row"><a href="/accounts/(\d+)"', whole)
    assert len(listed) > 2 and f"{len(listed)} accounts" in words(whole)
    assert 'rel="next"' not in whole
    monkeypatch.setattr("inbox.web.account_pages.ROWS", 2)
    path, seen = "/accounts", list[str]()
    while path:
        text = page(client, path)
        first = len(seen) + 1
        seen += re.findall(r'<th scope="row"><a href="/accounts/(\d+)"', text)
        assert f"{first} to {len(seen)} of {len(listed)} accounts" in words(text)
        onward = re.search(r'rel="next" href="([^"]+)"', text)
        path = html.unescape(onward[1]) if onward else ""
    assert seen == listed
    some = page(client, "/accounts?q=example")
    onward = re.search(r'rel="next" href="([^"]+)"', some)
    assert onward and "q=example" in onward[1]


def test_search_finds_text_names_and_files_and_marks_the_words(client: TestClient) -> None:
    found = page(client, "/search?q=KONIG+thursday")
    assert "<mark>Thursday</mark>" in found and found.count('<li class="row">') == 2
    assert "Kickoff next week?" in words(page(client, "/search?q=W-9.pdf"))
    assert "Nothing found" in page(client, "/search?q=zebra")
    assert "Find any mail" in page(client, "/search")
    assert "Nothing found" in page(client, "/search?q=%22%27%3B--+*+OR+1")


def test_quarantine_says_why_and_gives_the_raw_mail(told: Told, client: TestClient) -> None:
    text = page(client, "/quarantine")
    assert "One of its header fields is too large" in words(text)
    with told.db.read() as conn:
        (held,) = ledger.quarantined(conn)
    raw = client.get(f"/quarantine/{held.id}/raw")
    assert hashlib.sha256(raw.content).hexdigest() == held.sha256
    assert raw.headers["content-type"] == "message/rfc822"


@pytest.mark.parametrize("which", ["one", "all"])
def test_quarantined_mail_is_tried_again_by_its_form(own: Told, which: str) -> None:
    client = own.client()
    form = dict(
        re.findall(r'name="(token|ledger_id)" value="([^"]+)"', page(client, "/quarantine"))
    )
    if which == "all":
        form["ledger_id"] = "all"
    answer = client.post("/quarantine/retry", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/quarantine?retried=1")
    assert own.retried == [None if which == "all" else [int(form["ledger_id"])]]
    seen = words(page(client, "/quarantine?retried=1"))
    assert "1 mail will be tried again" in seen and "Nothing is held back" in seen


def test_raw_mail_comes_back_byte_for_byte(told: Told, client: TestClient) -> None:
    with told.db.read() as conn:
        (message,) = messages.by_mail_id(conn, "kickoff-2@acme.example")
        raw = ledger.raw_bytes(conn, message.raw_id)
    answer = client.get(f"/messages/{message.id}/raw")
    assert answer.content == raw and b"Message-ID: <kickoff-2@acme.example>" in raw
    assert answer.headers["content-disposition"].startswith("attachment;")


def test_attachments_are_saved_under_their_name_and_never_shown(
    told: Told, client: TestClient
) -> None:
    text = page(client, f"/threads/{thread_of(told.db, 'Kickoff next week?')}")
    links = re.findall(r'href="(/attachments/\d+)" download>.*?<bdi>([^<]+)</bdi>', text)
    assert [name for _, name in links] == ["W-9.pdf", "plan v2 ü.html"]
    pdf, page_ = (client.get(link) for link, _ in links)
    assert pdf.content == b"%PDF-1.4 x" and pdf.headers["content-type"] == "application/pdf"
    assert page_.content == b"<script>alert(1)</script>"
    assert page_.headers["content-type"] == "application/octet-stream"
    assert page_.headers["x-content-type-options"] == "nosniff"
    assert page_.headers["content-disposition"] == (
        "attachment; filename=\"plan v2 u.html\"; filename*=UTF-8''plan%20v2%20%C3%BC.html"
    )
    assert "sandbox" in page_.headers["content-security-policy"]


def test_html_is_shown_with_the_mails_own_pictures_and_nothing_remote(
    told: Told, client: TestClient
) -> None:
    with told.db.read() as conn:
        (message,) = messages.by_mail_id(conn, "kickoff-2@acme.example")
    answer = client.get(f"/messages/{message.id}/html")
    assert 'src="data:image/png;base64,' in answer.text
    assert "tracker.invalid" not in answer.text
    assert 'style="color:#123456"' in answer.text and "<style>p{" not in answer.text
    assert 'href="https://acme.example/plan"' in answer.text
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "sandbox allow-popups" in policy
    assert "allow-scripts" not in policy and "allow-same-origin" not in policy
    with told.db.read() as conn:
        (plain,) = messages.by_mail_id(conn, "kickoff-1@acme.example")
    page(client, f"/messages/{plain.id}/html", 404)


def test_static_files_are_kept_for_ever_under_their_hash(client: TestClient) -> None:
    text = page(client, "/")
    for url in set(re.findall(r'(?:href|src)="(/static/[^"#]+)', text)):
        answer = client.get(url)
        assert answer.status_code == 200 and "immutable" in answer.headers["cache-control"]
    assert client.get("/static/app.css").status_code == 404
    assert client.get("/static/..%2fbase.html").status_code == 404


def test_pages_with_all_they_need_stay_under_a_hundred_kilobytes(
    told: Told, client: TestClient
) -> None:
    text = page(client, f"/threads/{thread_of(told.db, 'Kickoff next week?')}")
    urls = set(re.findall(r'(?:href|src)="(/static/[^"#]+)', text))
    weight = len(text.encode()) + sum(
        int(client.get(url, headers={"accept-encoding": "gzip"}).headers["content-length"])
        for url in urls
    )
    assert weight < 100_000, weight


def test_comments_stay_with_who_reads_the_files(client: TestClient) -> None:
    text = page(client, "/threads")
    for url in re.findall(r'(?:href|src)="(/static/app[^"]+)', text):
        lines = client.get(url).text.splitlines()
        assert not [one for one in lines if one.lstrip().startswith(("//", "/*"))]


def test_a_browser_that_takes_no_gzip_gets_the_plain_file(told: Told, client: TestClient) -> None:
    url = re.findall(r'src="(/static/app[^"]+)', page(client, "/threads"))[0]
    plain = client.get(url, headers={"accept-encoding": "identity"})
    packed = client.get(url, headers={"accept-encoding": "br, gzip"})
    assert "content-encoding" not in plain.headers and packed.headers["content-encoding"] == "gzip"
    assert plain.content == packed.content and "vary" in plain.headers


@pytest.mark.parametrize("path", ["/threads/999999", "/accounts/999999", "/messages/77777", "/x"])
def test_what_is_not_there_gets_a_page_that_says_so(client: TestClient, path: str) -> None:
    assert "Not here" in page(client, path, 404)


@pytest.mark.parametrize(
    "path",
    ["/?status=odd", "/?before=1", "/?before=99999999999999999-1", "/?account=x", "/search?from=x",
     "/accounts/1?show=odd", "/quarantine?after=-1", "/quarantine?retried=%3Cb%3E"],
)  # fmt: skip
def test_an_address_that_makes_no_sense_is_refused_politely(client: TestClient, path: str) -> None:
    assert "makes no sense" in page(client, path, 400)


@pytest.mark.parametrize(
    "number", ["99999999999999999999", "-1", "0x1", "1e3", "١", "1%00", "%2e%2e", "9" * 400]
)
def test_a_number_that_no_row_can_have_is_not_found(client: TestClient, number: str) -> None:
    for path in ("/threads/{}", "/accounts/{}", "/messages/{}/raw", "/attachments/{}"):
        page(client, path.format(number), 404)


def test_an_empty_inbox_teaches_the_first_step(sqlite_url: str) -> None:
    settings = story.settings_for(sqlite_url)
    db = Database(sqlite_url)
    from inbox.store import schema

    schema.ensure(db)
    alone(db)
    client = Told(db, settings).client()
    seen = words(page(client, "/"))
    assert "No mail has come in yet" in seen and story.OURS in seen
    assert "aboard accounts import" in words(page(client, "/accounts"))
    assert "Nothing is held back" in words(page(client, "/quarantine"))
    db.close()


def test_refused_admin_files_are_shown_on_every_page(own: Told) -> None:
    from inbox.store import sets

    with own.db.write() as conn:
        problem = {"file": "rules/10.yaml", "line": 3, "message": "there is no team `x`"}
        sets.refuse(conn, "rules", [problem])
    seen = words(page(own.client(), "/accounts"))
    assert "The newest files were refused" in seen
    assert "rules/10.yaml:3: there is no team `x`" in seen


def test_the_demo_says_that_it_is_one(told: Told) -> None:
    client = TestClient(build(told.site(demo=True)), base_url="http://localhost")
    assert "Nothing leaves this machine" in words(client.get("/").text)
    assert "Nothing leaves this machine" not in words(page(told.client(), "/"))


def test_health_is_ok_while_the_database_answers(client: TestClient) -> None:
    assert client.get("/healthz").text == "ok\n"


# --- The server ------------------------------------------------------------------------------


def test_the_server_finds_a_port_answers_and_stops(own: Told) -> None:
    import httpx2

    with serving(own.site()) as address:
        answer = httpx2.get(f"{address}/healthz")
        assert answer.status_code == 200
        assert "server" not in answer.headers
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(f"{address}/healthz")


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.7", "::", "mail.company.example"])
def test_the_server_refuses_an_address_that_others_can_reach(told: Told, host: str) -> None:
    with pytest.raises(ConfigError, match=r"without TLS.*listen on 127"):
        WebServer(build(told.site()), Listen(host, 0))


def test_a_taken_port_is_said_plainly(told: Told) -> None:
    async def both() -> None:
        first = WebServer(build(told.site()), Listen("127.0.0.1", 0))
        _, port = await first.start()
        try:
            with pytest.raises(ConfigError, match="cannot be had"):
                await WebServer(build(told.site()), Listen("127.0.0.1", port)).start()
        finally:
            await first.stop()

    asyncio.run(both())


# --- Small parts -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ("W-9.pdf", "W-9.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Windows\\system.ini", "system.ini"),
        ('a"\r\nX: y.txt', "a_ X_ y.txt"),
        ("..%2f..%2fx", "_2f.._2fx"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        (".htaccess", "htaccess"),
        ("in\u200bvoice\u202efdp.exe", "in voice fdp.exe"),
        ("\u202e\u2066", "fallback"),
        ("", "fallback"),
        ("x" * 300 + ".pdf", "x" * 138 + ".pdf"),
        ("<b>.html", "_b_.html"),
    ],
)
def test_a_file_name_is_only_a_name(given: str, made: str) -> None:
    assert file_name(given, "fallback") == made


@pytest.mark.parametrize("name", ["ü.pdf", "日本.txt", 'q"uote.txt', "semi;colon.txt", "a\\b"])
def test_a_disposition_has_one_line_and_two_quotes(name: str) -> None:
    value = disposition(name)
    assert value.isascii() and value.count('"') == 2 and "\\" not in value


@pytest.mark.parametrize(
    ("minutes", "said"),
    [(0, "now"), (5, "5 min"), (150, "2 h"), (60 * 30, "1 Jun"), (60 * 24 * 400, "28 Apr 2024")],
)
def test_times_are_said_in_the_shortest_true_words(minutes: int, said: str) -> None:
    assert render.ago(story.NOW - timedelta(minutes=minutes), story.NOW) == said


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: render.size(10), "10 B"),
        (lambda: render.size(1536), "1.5 KB"),
        (lambda: render.size(1_020_000), "996 KB"),
        (lambda: render.size(35 * 1024 * 1024), "35 MB"),
        (lambda: render.initials("Anna Schmidt"), "AS"),
        (lambda: render.initials("", "x@y"), "X"),
        (lambda: render.initials("<>", ""), "?"),
        (lambda: render.plural(1, "oddity", "oddities"), "1 oddity"),
    ],
)
def test_small_words(call: Callable[[], str], said: str) -> None:
    assert call() == said


def test_a_folded_text_loses_nothing_but_blank_lines() -> None:
    text = "Yes.\n\n> first\n\n> second\n\nBest\n"
    pieces = shown(text, 1000).pieces
    assert [piece.kind for piece in pieces] == ["own", "quote", "own"]
    assert pieces[1].html == "&gt; first\n\n&gt; second"


def test_links_are_escaped_and_end_before_punctuation() -> None:
    assert linked("see https://a.example/x). <b>") == (
        'see <a href="https://a.example/x" rel="noopener noreferrer nofollow" target="_blank">'
        "https://a.example/x</a>). &lt;b&gt;"
    )
    assert "href" not in linked('javascript:alert(1) https://"onclick=1')


def test_a_snippet_marks_whole_words_without_marks_and_case() -> None:
    assert snippet("Grüße aus Köln, nicht Kölner", "koln grusse") == (
        ("Grüße", True),
        (" aus ", False),
        ("Köln", True),
        (", nicht Kölner", False),
    )


def test_an_unverified_sender_is_marked_as_such(told: Told, client: TestClient) -> None:
    with told.db.read() as conn:
        row = threads.listing(conn, threads.Page(limit=1))[0]
    assert "not verified" in words(page(client, f"/threads/{row.thread.id}"))
