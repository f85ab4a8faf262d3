"""Every JSON shape of `aboard classifier` is the one that docs/INTERFACES.md shows, and the reverse."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from inbox.app import open_database, put_in_force
from inbox.config import load
from inbox.flow.intake.accept import Incoming, accept
from inbox.flow.learning import training
from inbox.worker import file_all
from tests.classifier_flow.office import AUDIT, LOGIN, daring, letter
from tests.classifier_flow.test_commands import empty, terminal
from tests.classifier_flow.test_training import material_of, own_mail
from tests.classifiers.samples import small_model
from tests.cli.running import Ran, Terminal
from tests.databases import NOW

_ = (empty, terminal)  # fixtures
ROWS = (
    {"subject": "Form", "body": AUDIT, "attachments": ["a.pdf"], "from": "a@b.example"},
    {"text": LOGIN},
    {"text": ""},
)


@lru_cache
def documented() -> dict[str, Any]:
    """The first words of the paragraph above each example -> the example."""
    page = (Path(__file__).parents[2] / "docs" / "INTERFACES.md").read_text()
    section = re.split(r"^## ", page.split("\n## Classifier\n")[1], flags=re.MULTILINE)[0]
    found = re.findall(r"\n\n`([^`]+)`([^`]|`(?!``))*```json\n(.*?)```", section, re.DOTALL)
    return {name: json.loads(example) for name, _, example in found}


def mismatch(shown: Any, said: Any, where: str = "") -> list[str]:
    """Where what was said has not the documented shape; a null may stand for anything."""
    if shown is None or said is None:
        return []
    if isinstance(shown, dict) and isinstance(said, dict):
        if set(shown) == {"LABEL"}:
            shown = dict.fromkeys(said, shown["LABEL"])
        if set(shown) != set(said):
            return [f"{where}: {sorted(set(shown) ^ set(said))}"]
        return [
            one for name in shown for one in mismatch(shown[name], said[name], f"{where}.{name}")
        ]
    if isinstance(shown, list) and isinstance(said, list):
        return [one for each in said for one in mismatch(shown[0], each, f"{where}[]")]
    kinds = [float if type(one) is int else type(one) for one in (shown, said)]
    return [] if kinds[0] is kinds[1] else [f"{where}: {shown!r} is shown, {said!r} is said"]


def _is_as_shown(name: str, ran: Ran) -> list[Any]:
    assert ran.code == 0, ran.err
    assert ran.lines()
    for one in ran.lines():
        assert mismatch(documented()[name], one) == []
    return ran.lines()


def test_the_page_shows_every_command_that_prints_json() -> None:
    commands = {name.split()[0] for name in documented()}
    assert commands == {
        "train", "evaluate", "predict", "explain", "export", "promote", "status", "labels",
    }  # fmt: skip
    assert {"train DATA... --out MODEL --json", "train --json"} <= set(documented())


def test_a_wrong_shape_would_be_seen() -> None:
    assert mismatch({"a": 1}, {"b": 1})
    assert mismatch({"a": [{"b": 1}]}, {"a": [{"b": 1}, {"c": 1}]})
    assert mismatch({"LABEL": 1.0}, {"support": "x"})
    assert mismatch({"a": "x"}, {"a": True})
    assert not mismatch({"LABEL": 1.0}, {"support": 1})


def test_files_in_and_answers_out_are_as_shown(empty: Terminal) -> None:
    trained = empty.run("classifier", "train", "data.jsonl", "--out", "made", "--json")
    _is_as_shown("train DATA... --out MODEL --json", trained)
    judged = empty.run("classifier", "evaluate", "data.jsonl", "--model", "made", "--json")
    (found,) = _is_as_shown("evaluate DATA --json", judged)
    assert len(found["confusion"]["rows"]) == len(found["confusion"]["labels"])
    (empty.folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    said = _is_as_shown(
        "predict", empty.run("classifier", "predict", "rows.jsonl", "--model", "made")
    )
    assert [one["label"] for one in said[:2]] == ["compliance", "support"]
    for one in said:
        assert one["label"] == one["best"][0] == max(one["scores"], key=one["scores"].__getitem__)
        assert one["score"] == one["scores"][one["label"]]
        assert sum(one["scores"].values()) == pytest.approx(1.0, abs=1e-5)
        assert len(one["best"]) == 2


def test_what_is_learned_and_in_force_is_as_shown(terminal: Terminal) -> None:
    settings = load(terminal.config, {})
    db = open_database(settings)
    put_in_force(db, settings)
    accept(db, [Incoming(letter(at, AUDIT), "smtp", NOW) for at in (1, 2)], settings.node)
    file_all(db, settings)
    db.close()
    assert terminal.run("assign", "1", "success", "--by", "maya").code == 0
    explained = terminal.run("classifier", "explain", AUDIT, "--json", "--terms", "999")
    (found,) = _is_as_shown("explain --json", explained)
    assert found["nearest"]
    (row,) = _is_as_shown("export", terminal.run("classifier", "export"))
    assert row["own"] is True
    _is_as_shown("labels --json", terminal.run("classifier", "labels", "--json"))
    _is_as_shown("train --json", terminal.run("classifier", "train", "--json", "--dry-run"))
    promoted = terminal.run("classifier", "promote", "small", "--json")
    _is_as_shown("promote MODEL --json", promoted)
    back = _is_as_shown("promote MODEL --json", terminal.run("classifier", "rollback", "--json"))
    assert back[0]["model"] == daring().id
    assert terminal.run("classifier", "shadow", "small").code == 0
    (said,) = _is_as_shown("status --json", terminal.run("classifier", "status", "--json"))
    assert said["shadow"] is not None
    assert said["drift"] is not None


def test_a_comparison_is_as_shown() -> None:
    lesson = training.teach(material_of(own_mail(80)), small_model())
    assert lesson.comparison is not None
    shown = documented()["train --json"]
    assert mismatch(shown["comparison"], lesson.comparison.as_json()) == []
    assert set(lesson.as_json()) | {"promoted", "file", "size"} == set(shown)
