"""A file that is being written never takes effect, however slowly, and neither does half a proof."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from inbox import watch
from inbox.app import put_in_force
from inbox.flow import active
from inbox.store import sets
from inbox.watch import Watcher, open_for_writing
from tests.flow.house import RULES, House, mail

LONG = 20.0
"""Seconds after which a test gives up; it never waits that long when all is well."""

LONGER = RULES.replace("fallback: {team: support}\n", "") + "".join(
    f"  - name: more-{n}\n    when: {{subject contains: word{n}}}\n    then: {{team: success}}\n"
    for n in range(6)
)
"""Without its fallback, which stands in a file of its own: every line end may be the last one."""


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A watcher that waits less, so that the tests do."""
    monkeypatch.setattr(watch, "QUIET_SECONDS", 0.05)
    monkeypatch.setattr(watch, "QUIET_SECONDS_WHEN_CUT", 0.1)
    monkeypatch.setattr(watch, "LOOK_EVERY_MS", 100)


def _while_watched(house: House, change: Callable[[], None], ends: Callable[[], bool]) -> list[int]:
    """How many rules every set had that was in force, from the first load to the end."""
    seen: list[int] = []
    come = threading.Event()

    def propose() -> None:
        put_in_force(house.db, house.settings)
        with house.looking() as conn:
            files = active.in_force(conn)
        assert files is not None
        seen.append(len(files.ruleset.rules))
        if ends():
            come.set()

    watcher = Watcher(house.settings, propose)
    watcher.start()
    try:
        change()
        assert come.wait(LONG), "the whole file was never put in force"
    finally:
        watcher.stop()
    return seen


def test_a_file_written_in_pieces_takes_effect_whole_or_not_at_all(house: House) -> None:
    path = house.settings.folder / "rules/10-all.yaml"
    house.write("rules/90-fallback.yaml", "fallback: {team: support}\n")
    house.write("rules/10-all.yaml", RULES.replace("fallback: {team: support}\n", ""))
    house.activate()
    pause = threading.Event()

    def slowly() -> None:
        with path.open("w") as file:
            for piece in LONGER.split("  - name: "):
                file.write(piece if piece.startswith("\nrules") else f"  - name: {piece}")
                file.flush()
                pause.wait(0.4)  # eight times as long as files have to be quiet

    def whole() -> bool:
        with house.looking() as conn:
            files = active.in_force(conn)
        return files is not None and len(files.ruleset.rules) == 8

    assert _while_watched(house, slowly, whole) == [8]


def test_a_changed_mail_beside_the_rules_is_proven_by_a_running_node(house: House) -> None:
    beside = house.settings.folder / "rules/mails/one.eml"
    beside.parent.mkdir()
    beside.write_bytes(mail(id="1@a.example", subject="Invoice"))
    house.write("rules/20-t.yaml", "tests:\n  - mail: mails/one.eml\n    expect: {team: success}\n")
    house.activate()

    def refused() -> bool:
        with house.looking() as conn:
            return any(one.code == "test-failed" for one in sets.refused(conn))

    assert not refused()
    other = mail(id="1@a.example", subject="Kickoff")
    _while_watched(house, lambda: _write(beside, other), refused)


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def test_a_file_that_somebody_has_open_to_write_is_known(tmp_path: Path) -> None:
    path = tmp_path / "one.yaml"
    path.write_text("rules: []\n")
    assert not open_for_writing(str(path))
    with path.open("a"):
        assert open_for_writing(str(path))
    with path.open():
        assert not open_for_writing(str(path))
    assert not open_for_writing(str(tmp_path / "gone.yaml"))
