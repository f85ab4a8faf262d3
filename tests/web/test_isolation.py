"""Characters that turn the direction of text stay inside what they belong to, on every page."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from inbox.store.tables import accounts
from inbox.web.text import linked, plain
from tests.web import story
from tests.web.conftest import Told, telling

TURN = "\u202e"
VOID = {"meta", "link", "input", "br", "img", "hr"}


class Loose(HTMLParser):
    """Finds turning characters in text that nothing isolates, and in attributes."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._open: list[tuple[str, bool]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        for name, value in given.items():
            if TURN in (value or "") and name not in ("value", "href"):
                self.found.append(f"<{tag} {name}={value!r}>")
        if tag not in VOID:
            isolates = tag in ("bdi", "textarea", "pre", "code") or "dir" in given
            self._open.append((tag, isolates))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if TURN in data and not any(isolates for _, isolates in self._open):
            self.found.append(f"{'/'.join(tag for tag, _ in self._open)}: {data.strip()[:80]!r}")


@pytest.fixture(scope="module")
def turned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """The story, and a mail that turns everything it can."""
    path: Path = tmp_path_factory.mktemp("turned") / "x.db"
    with telling(f"sqlite:///{path}") as told:
        made = story.mail(
            f"{TURN}Anna <anna@acme.example>",
            f"Kickoff {TURN}fdp.exe",
            f"turned {TURN}text https://acme.example/{TURN}moc.live\n",
            references="<kickoff-1@acme.example>",
            cc=f"Eva{TURN} <eva@acme.example>",
        )
        made.add_attachment(b"x", maintype="text", subtype="plain", filename=f"a{TURN}fdp.exe")
        alone = story.mail(f"{TURN}Zoe <zoe@new.example>", f"{TURN}alone", f"turned {TURN}too\n")
        story.put(told.db, told.settings, [made.as_bytes(), alone.as_bytes()])
        with told.db.write() as conn:
            conn.execute(accounts.update().values(name=f"{TURN}Company"))
        yield told


PATHS = (
    "/threads", "/threads?status=all", "/threads?account=1", "/threads/1", "/threads/1/near", "/accounts", "/accounts/1",
    "/search?q=turned", f"/search?q={TURN}x", "/quarantine", "/rules/explain", "/messages/1", "/messages/1/trace",
)  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_nothing_turns_what_stands_beside_it(turned: Told, path: str) -> None:
    answer = turned.client().get(path)
    assert answer.status_code == 200
    assert Loose(answer.text).found == []


def test_the_last_message_and_its_trace_are_isolated_too(turned: Told) -> None:
    client = turned.client()
    newest = client.get("/search?q=turned").text.count("row")
    assert newest
    for number in range(8, 12):
        for path in (f"/messages/{number}", f"/messages/{number}/trace"):
            answer = client.get(path)
            assert answer.status_code != 200 or Loose(answer.text).found == [], path


def test_a_file_is_saved_under_a_name_that_cannot_turn(turned: Told) -> None:
    client = turned.client()
    for number in range(1, 8):
        answer = client.get(f"/attachments/{number}")
        if answer.status_code == 200:
            assert TURN not in answer.headers["content-disposition"]
            assert "%E2%80%AE" not in answer.headers["content-disposition"]


def test_titles_lose_what_nobody_sees_and_keep_every_language() -> None:
    assert plain("a\u202eb\u2066c\x07d\U000e0041e") == "abcde"
    assert plain("طلب حذف 👩‍🔧 naïve\tx") == "طلب حذف 👩‍🔧 naïve\tx"


def test_an_address_ends_where_its_direction_turns() -> None:
    assert 'href="https://acme.example/"' in linked(f"see https://acme.example/{TURN}moc.live")
