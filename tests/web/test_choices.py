"""One's own choices, and pictures on other servers: nothing is fetched before somebody asked."""

from __future__ import annotations

import re

import pytest

from inbox.store.tables import messages
from inbox.web import markup
from tests.web.conftest import Told

FRAME = {"sec-fetch-dest": "iframe", "sec-fetch-site": "same-origin"}


def rich(own: Told) -> int:
    """The message with a picture on another server."""
    with own.db.read() as conn:
        query = messages.select().where(messages.c.mail_id == "kickoff-2@acme.example")
        return int(conn.execute(query).one().id)


def prove(own: Told, verified: str) -> None:
    with own.db.write() as conn:
        conn.execute(messages.update().values(verified=verified))


def token(text: str) -> str:
    return re.findall(r'name="token" (?:content|value)="([0-9a-f]{64})"', text)[0]


def test_pictures_of_other_servers_stay_out_until_somebody_asks(own: Told) -> None:
    client, number = own.client("agent"), rich(own)
    plain = client.get(f"/messages/{number}/html", headers=FRAME)
    assert (
        "tracker.invalid" not in plain.text
        and "https:" not in plain.headers["content-security-policy"]
    )
    asked = client.get(f"/messages/{number}/html?pictures=shown", headers=FRAME)
    assert 'src="https://tracker.invalid/open.gif"' in asked.text
    assert asked.headers["content-security-policy"] == markup.PICTURES_POLICY
    assert "sandbox" in markup.PICTURES_POLICY and "script" not in markup.PICTURES_POLICY


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-dest": "document", "sec-fetch-site": "same-origin"},
        {"sec-fetch-dest": "iframe", "sec-fetch-site": "cross-site"},
        {"sec-fetch-dest": "document", "sec-fetch-site": "none"},
    ],
)
def test_a_link_in_a_mail_to_its_own_pictures_shows_none(
    own: Told, headers: dict[str, str]
) -> None:
    text = own.client().get(f"/messages/{rich(own)}/html?pictures=shown", headers=headers).text
    assert "tracker.invalid" not in text


def test_a_sender_is_let_in_by_one_person_and_only_where_it_is_proven(own: Told) -> None:
    client, number = own.client("agent"), rich(own)
    prove(own, "none")
    page = client.get("/threads/1").text
    assert "Always for" not in page
    said = {"token": token(page)}
    assert client.post(f"/messages/{number}/pictures", data=said).status_code == 400
    prove(own, "pass")
    page = client.get("/threads/1").text
    assert "Always for" in page
    answer = client.post(f"/messages/{number}/pictures", data={"token": token(page)})
    assert answer.status_code == 303 and answer.headers["location"].endswith(f"#m{number}")
    url = f"/messages/{number}/html"
    assert "tracker.invalid" in client.get(url, headers=FRAME).text
    assert "tracker.invalid" not in own.client("lead").get(url, headers=FRAME).text
    prove(own, "none")  # the same address, but nothing proves that it is theirs
    assert "tracker.invalid" not in client.get(url, headers=FRAME).text
    prove(own, "pass")
    mine = client.get("/preferences").text
    assert "anna@acme.example" in mine
    said = {"token": token(mine), "address": "anna@acme.example"}
    assert client.post("/preferences/pictures", data=said).status_code == 303
    assert "tracker.invalid" not in client.get(url, headers=FRAME).text


@pytest.mark.parametrize(
    "source",
    [
        "http://x.example/a.gif",
        "//x.example/a",
        "https:/x",
        "data:image/png;base64,xx",
        "https://@x",
    ],
)
def test_even_asked_for_only_pictures_over_tls_are_let_in(source: str) -> None:
    clean = markup.safe_html(f'<img src="{source}">', lambda _: None, pictures=True)
    assert "src" not in clean.html


def test_choices_are_kept_for_the_person_and_shown_on_every_page(own: Told) -> None:
    client = own.client("viewer")
    page = client.get("/threads").text
    assert 'data-theme="system"' in page and 'data-keys="on"' in page
    for name, value in (("theme", "dark"), ("keys", "off")):
        said = {"token": token(page), "name": name, "value": value}
        answer = client.post(
            "/preferences", data=said, headers={"referer": "http://localhost/threads?team=x"}
        )
        assert (answer.status_code, answer.headers["location"]) == (303, "/threads?team=x")
    page = client.get("/accounts").text
    assert 'data-theme="dark"' in page and 'data-keys="off"' in page
    assert 'data-theme="system"' in own.client("agent").get("/accounts").text


@pytest.mark.parametrize(("name", "value"), [("theme", "pink"), ("role", "admin"), ("keys", "")])
def test_what_cannot_be_chosen_is_refused(own: Told, name: str, value: str) -> None:
    client = own.client()
    said = {"token": token(client.get("/threads").text), "name": name, "value": value}
    assert client.post("/preferences", data=said).status_code == 400


def test_going_back_goes_to_our_own_pages_alone(own: Told) -> None:
    client = own.client()
    said = {"token": token(client.get("/threads").text), "name": "keys", "value": "on"}
    for came in (
        "http://localhost//evil.example",
        "javascript:alert(1)",
        "http://localhost/\\evil",
    ):
        answer = client.post("/preferences", data=said, headers={"referer": came})
        assert answer.headers["location"] == "/preferences"
