"""A session ends when nobody uses it, also where a tab with its stream stays open."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from inbox.web.site import build
from tests.web import story
from tests.web.conftest import HANDLES, Told, signed_in
from tests.web.test_sign_in import form

HOURS = timedelta(hours=1)


class Clock:
    """The site's clock, which a test turns on."""

    def __init__(self) -> None:
        self.now = story.NOW

    def __call__(self) -> object:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(own: Told, clock: Clock) -> TestClient:
    app = build(replace(own.site(), clock=clock))
    made = TestClient(app, base_url="http://localhost", follow_redirects=False)
    return signed_in(made, own.db, HANDLES["agent"])


def there(client: TestClient, clock: Clock, at: timedelta) -> bool:
    """Is the session still good at that time? Asking prolongs nothing."""
    clock.now = story.NOW + at
    return client.get("/live/counts").status_code == 200


ITSELF = (
    ("/live/counts", {}),
    ("/threads?fragment=rows", {"accept": "text/html"}),
    ("/wall?fragment=wall", {"hx-request": "true"}),
    ("/threads/1", {"sec-fetch-dest": "empty", "accept": "text/html"}),
    ("/messages/1/body", {"sec-fetch-dest": "iframe"}),
    ("/static/app.css", {"sec-fetch-dest": "style"}),
    ("/wall?itself=1", {"sec-fetch-dest": "document"}),
)
"""What open pages ask for while nobody sits before them."""


def test_a_tab_that_is_left_open_does_not_keep_its_session(
    client: TestClient, clock: Clock
) -> None:
    beat = form(client, "/threads/1", tab="tab-tab-tab", thread="1", does="views")
    for hour in range(1, 12):
        clock.now = story.NOW + hour * HOURS
        for path, headers in ITSELF:
            assert client.get(path, headers=headers).status_code != 401, (hour, path)
        assert client.post("/live/here", data=beat).status_code == 204
    assert not there(client, clock, 12 * HOURS)


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/threads/1", {"sec-fetch-dest": "document"}),
        ("/threads/1", {}),
        ("/attachments/1", {"sec-fetch-dest": "document"}),
    ],
)
def test_a_page_that_somebody_opens_prolongs_a_session(
    client: TestClient, clock: Clock, path: str, headers: dict[str, str]
) -> None:
    clock.now = story.NOW + 11 * HOURS
    assert client.get(path, headers=headers).status_code in (200, 404)
    assert there(client, clock, 22 * HOURS)
    assert not there(client, clock, 23 * HOURS)


def test_a_deed_and_a_draft_that_is_typed_prolong_a_session(
    client: TestClient, clock: Clock
) -> None:
    typed = form(client, "/threads/1?compose=reply", do="autosave", mode="reply", text="Soon.")
    clock.now = story.NOW + 11 * HOURS
    sent = client.post("/threads/1/draft", data=typed, headers={"sec-fetch-dest": "empty"})
    assert sent.status_code == 200, sent.text
    assert there(client, clock, 22 * HOURS)
