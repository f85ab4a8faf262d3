"""`aboard classifier` as a person runs it, from training to rollback."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import update

from classifiers import artifact
from inbox import shipped
from inbox.app import open_database, put_in_force
from inbox.config import load
from inbox.flow.intake.accept import Incoming, accept
from inbox.flow.learning import models
from inbox.flow.working import desk
from inbox.store.model_tables import models as models_table
from inbox.worker import file_all
from tests.classifier_flow.office import AUDIT, AWAY, LOGIN, daring, letter
from tests.classifiers.samples import PHRASES, small_model
from tests.cli.running import Ran, Terminal
from tests.databases import NOW

WORDS = """
    warehouse invoice zebra quartz harbour lantern violin marble copper saddle orchard glacier
    meadow pepper anchor bottle candle dragon falcon garden
""".split()  # noqa: SIM905  # a list of words reads better as words
FIRST = NOW - timedelta(days=100)
"""When the first mail comes."""
SHAPE = {"label", "score", "scores", "abstain", "best", "evidence"}


@pytest.fixture
def empty(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Terminal]:
    """A terminal in a folder with labelled mail and a model, with small shipped files."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ABOARD_CONFIG", raising=False)
    rows = [{"text": text, "label": label} for label, texts in PHRASES.items() for text in texts]
    folder = tmp_path / "training"
    folder.mkdir()
    data = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "data.jsonl").write_text(data)
    (tmp_path / "data.jsonl").write_text(data)
    artifact.save(small_model(), tmp_path / "small")
    artifact.save(daring(), tmp_path / "daring")
    monkeypatch.setattr(shipped, "TRAINING", folder)
    monkeypatch.setattr(shipped, "MODEL", tmp_path / "daring")
    yield Terminal(tmp_path, capsys)


@pytest.fixture
def terminal(empty: Terminal) -> Terminal:
    """The same with a working folder."""
    empty.start()
    return empty


def _ingest(terminal: Terminal, *raws: bytes) -> None:
    """Mail that comes a day after each other."""
    settings = load(terminal.config, {})
    db = open_database(settings)
    put_in_force(db, settings)
    coming = [Incoming(raw, "smtp", FIRST + timedelta(days=at)) for at, raw in enumerate(raws)]
    accept(db, coming, settings.node)
    file_all(db, settings)
    db.close()


def _ok(ran: Ran) -> Ran:
    assert ran.code == 0, ran.err
    return ran


def test_train_evaluate_and_predict_from_file_to_file(empty: Terminal) -> None:
    ran = _ok(
        empty.run("classifier", "train", "data.jsonl", "--out", "made", "--label-field", "label")
    )
    assert "40 examples" in ran.out
    found = _ok(
        empty.run("classifier", "evaluate", "data.jsonl", "--model", "made", "--json")
    ).json()
    assert found["examples"] == 40
    assert found["accuracy"] > 0.9
    assert set(found["accuracy_at_coverage"]) == {"100", "90", "80"}
    assert {"macro_f1", "per_class", "confusion", "ece", "majority_baseline"} <= set(found)
    answers = _ok(empty.run("classifier", "predict", "data.jsonl", "--model", "made")).lines()
    assert len(answers) == 40
    assert all(set(one) == SHAPE and len(one["best"]) == 2 for one in answers)
    assert answers[0]["label"] == "implementation"
    assert set(answers[0]["evidence"][0]) == {"term", "weight"}


def test_evaluating_on_the_training_mail_is_said_to_flatter(empty: Terminal) -> None:
    _ok(empty.run("classifier", "train", "data.jsonl", "--out", "made", "--label-field", "label"))
    (empty.folder / "other.jsonl").write_text('{"text": "login fails", "label": "support"}\n')
    for file, flatters in (("data.jsonl", True), ("other.jsonl", False)):
        ran = _ok(
            empty.run("classifier", "evaluate", file, "--model", "made", "--label-field", "label")
        )
        assert ("trained on these very mails" in ran.err) is flatters


def test_predict_answers_a_pipe_line_by_line_and_in_order(
    empty: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail = {"subject": "Form", "body": AUDIT, "attachments": ["a.pdf"], "from": "a@b.example"}
    lines = "\n".join(
        [json.dumps(mail), json.dumps({"text": LOGIN}), json.dumps({"text": "\ud800"})]
    )
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines.encode())))
    found = _ok(empty.run("classifier", "predict", "--model", "small")).lines()
    assert [one["label"] for one in found[:2]] == ["compliance", "support"]
    assert len(found) == 3


@pytest.mark.parametrize(
    ("second", "says"),
    [
        (b"{", "mail.jsonl:2: not JSON"),
        (b"[]", "mail.jsonl:2: a JSON object is needed"),
        (b'{"text": 1}', 'mail.jsonl:2: "text" must be text'),
        (b"\xff\xfe", "mail.jsonl:2: not UTF-8 at byte 0 of the line"),
        (b'{"text": "a\xc3"}', "mail.jsonl:2: not UTF-8 at byte 11 of the line"),
    ],
)
def test_a_malformed_line_is_named_and_the_answers_before_it_were_given(
    empty: Terminal, second: bytes, says: str
) -> None:
    (empty.folder / "mail.jsonl").write_bytes(b'{"text": "login error"}\n' + second + b"\n")
    ran = empty.run("classifier", "predict", "mail.jsonl", "--model", "small")
    assert ran.code == 1
    assert says in ran.err
    assert len(ran.lines()) == 1
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("predict", "data.jsonl", "--model", "nowhere"), "nowhere: there is no model file"),
        (("predict", "data.jsonl", "--model", "data.jsonl"), "not a model file of Aboard"),
        (("predict", "data.jsonl", "--model", "cut"), "it should have"),
        (("predict", "nowhere", "--model", "small"), "nowhere: cannot be read"),
        (("evaluate", "nowhere", "--model", "small"), "nowhere: cannot be read"),
        (("evaluate", "data.jsonl", "--model", "small", "--plot", "x.png"), "ending in .html"),
        (("train", "data.jsonl"), "--out MODEL"),
        (("train", "small", "--out", "x"), "small:1: not UTF-8"),
        (("train", "none.jsonl", "--out", "x"), "not one labelled mail"),
        (("train", "data.jsonl", "--out", "no/such/folder"), "there is no folder"),
        (("explain", "hello", "--model", "small", "--label", "sales"), "knows no label 'sales'"),
    ],
)
def test_what_cannot_be_done_is_one_line_that_says_why(
    empty: Terminal, arguments: tuple[str, ...], says: str
) -> None:
    (empty.folder / "cut").write_bytes((empty.folder / "small").read_bytes()[:-1])
    (empty.folder / "none.jsonl").write_text("\n")
    ran = empty.run("classifier", *arguments)
    assert ran.code == 1
    assert says in ran.err
    assert "Traceback" not in ran.err


def test_a_page_with_plots_stands_on_its_own(empty: Terminal) -> None:
    _ok(empty.run("classifier", "evaluate", "data.jsonl", "--model", "small", "--plot", "r.html"))
    page = (empty.folder / "r.html").read_text()
    assert "<svg" in page
    assert "Reliability" in page
    assert "http" not in page.replace("http-equiv", "")


def test_explain_shows_words_and_the_nearest_past_threads(terminal: Terminal) -> None:
    _ingest(terminal, letter(1, AUDIT), letter(2, LOGIN), letter(3, AUDIT))
    for what in (AUDIT, "1"):
        found = _ok(terminal.run("classifier", "explain", what, "--json", "--terms", "999")).json()
        assert found["label"] == "compliance"
        total = found["bias"] + sum(one["weight"] for one in found["parts"])
        assert abs(total - found["margin"]) < 1e-3
        assert found["nearest"][0]["team"] == "compliance"
    assert found["nearest"][0]["thread_id"] == "3"
    ran = _ok(terminal.run("classifier", "explain", AUDIT))
    assert "compliance" in ran.out
    assert "auditors" in ran.out


def test_people_teach_it_from_assign_to_rollback(terminal: Terminal) -> None:
    first = terminal.run("classifier", "status", "--json")
    assert (first.code, first.json()["model"]) == (1, None)
    chosen = Random(5)
    texts = [f"login error page {' '.join(chosen.sample(WORDS, 4))}" for _ in range(72)]
    _ingest(terminal, *(letter(at, text) for at, text in enumerate(texts, 1)))
    assert _ok(terminal.run("classifier", "status", "--json")).json()["model"] == daring().id
    _ok(terminal.run("assign", "1", "success", "--by", "maya"))
    _ok(terminal.run("assign", "2", "success", "--by", "maya", "--no-label"))
    listed = _ok(terminal.run("classifier", "labels", "--json")).lines()
    assert [one["opted_out"] for one in listed] == [True, False]
    assert len(_ok(terminal.run("classifier", "export")).lines()) == 1
    _ok(terminal.run("classifier", "labels", "undo", listed[1]["id"]))
    assert _ok(terminal.run("classifier", "export")).out == ""
    assert "0 mails were labelled" in _ok(terminal.run("classifier", "train")).out
    _assign_all(terminal, range(3, 73))
    ran = _ok(terminal.run("classifier", "train", "--out", "own", "--json")).json()
    assert set(ran) == {
        "model",
        "hash",
        "own_labels",
        "kept_back",
        "settled",
        "comparison",
        "better",
        "reason",
        "promoted",
        "file",
        "size",
    }
    assert ran["promoted"], ran["reason"]
    assert ran["own_labels"] + ran["kept_back"] == 70
    assert ran["kept_back"] >= ran["comparison"]["held_out"] == 30
    assert ran["comparison"]["only_new_right"] >= 15
    status = terminal.run("classifier", "status", "--json").json()
    assert status["hash"] == ran["hash"]
    assert hashlib.sha256((terminal.folder / "own").read_bytes()).hexdigest() == ran["hash"]
    assert (
        status["corrections"] == ran["kept_back"]
    )  # what was kept back to judge by counts at once
    found = _ok(terminal.run("classifier", "explain", texts[35], "--json")).json()
    assert found["label"] == "success"
    _ok(terminal.run("classifier", "export", "--out", "own.jsonl"))
    judged = terminal.run("classifier", "evaluate", "own.jsonl", "--model", "own", "--json")
    assert _ok(judged).json()["accuracy"] > 0.9
    back = _ok(terminal.run("classifier", "rollback", "--json")).json()
    assert set(back) == {"model", "hash", "at", "by", "why"}
    assert back["model"] == daring().id
    history = terminal.run("classifier", "status", "--json").json()["history"]
    assert [one["by"] for one in history] == ["operator", "operator", "aboard"]


def _assign_all(terminal: Terminal, numbers: range) -> None:
    """Each the evening it came."""
    settings = load(terminal.config, {})
    db = open_database(settings)
    for number in numbers:
        desk.assign(db, number, "success", "maya", FIRST + timedelta(days=number - 1, hours=8))
    db.close()


def test_training_repairs_a_damaged_model(terminal: Terminal) -> None:
    _ingest(terminal, letter(1, AUDIT))
    settings = load(terminal.config, {})
    db = open_database(settings)
    with db.write() as conn:
        conn.execute(update(models_table).values(content=b"cut"))
    db.close()
    models._LOADED.clear()
    assert terminal.run("classifier", "status").code == 1
    ran = _ok(terminal.run("classifier", "train"))
    assert "takes its place without a comparison" in ran.err
    assert "it is in force now" in ran.out
    found = _ok(terminal.run("classifier", "status", "--json")).json()
    assert found["problems"] == []
    assert found["model"] is not None


def test_the_way_back_of_a_model_promoted_before_the_first_start(terminal: Terminal) -> None:
    done = _ok(terminal.run("classifier", "promote", "small", "--json")).json()
    assert set(done) == {"model", "hash", "at", "by", "why"}
    assert done["model"] == small_model().id
    assert daring().id in _ok(terminal.run("classifier", "rollback")).out
    assert terminal.run("classifier", "status", "--json").json()["model"] == daring().id
    assert "no model to go back to" in terminal.run("classifier", "rollback").err


def test_training_on_mail_of_one_account_says_that_nothing_was_measured(empty: Terminal) -> None:
    rows = [
        {"text": text, "label": label, "account": "acme"}
        for label, texts in PHRASES.items()
        for text in texts
    ]
    (empty.folder / "one.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    ran = _ok(empty.run("classifier", "train", "one.jsonl", "--out", "made"))
    assert "not measured" in ran.out
    assert "%" not in ran.out
    shape = _ok(empty.run("classifier", "train", "one.jsonl", "--out", "made", "--json")).json()
    assert shape["info"]["held_out"] is None
    ran = _ok(empty.run("classifier", "predict", "one.jsonl", "--model", "made"))
    assert all(one["abstain"] for one in ran.lines())


def test_what_a_forged_model_says_is_never_shown_raw(terminal: Terminal) -> None:
    _ingest(terminal, letter(1, AUDIT))
    said = {"held_out": {"accuracy": "\x1b[2J"}, "promise": "\x1b]0;x\x07", "secret": "x" * 9_000}
    artifact.save(replace(daring(), info=said), terminal.folder / "forged")
    _ok(terminal.run("classifier", "promote", "forged"))
    for shape in ((), ("--json",)):
        ran = _ok(terminal.run("classifier", "status", *shape))
        assert "\x1b" not in ran.out and "u001b" not in ran.out
        assert "xxxx" not in ran.out


def test_promote_shadow_and_their_ends(terminal: Terminal) -> None:
    _ingest(terminal, letter(1, AUDIT))
    _ok(terminal.run("classifier", "promote", "small", "--why", "a try"))
    assert terminal.run("classifier", "status", "--json").json()["model"] == small_model().id
    _ok(terminal.run("classifier", "shadow", daring().id))
    _ingest(terminal, letter(2, AUDIT))
    shadow = terminal.run("classifier", "status", "--json").json()["shadow"]
    assert (shadow["answers"], shadow["other_route"]) == (1, 1)
    _ok(terminal.run("classifier", "shadow", "--off"))
    assert terminal.run("classifier", "status", "--json").json()["shadow"] is None
    assert terminal.run("classifier", "shadow").code == 1
    assert terminal.run("classifier", "promote", "data.jsonl").code == 1


def test_mail_like_spam_goes_to_the_fallback_marked(terminal: Terminal) -> None:
    _ingest(terminal, letter(1, AWAY))
    (row,) = _ok(terminal.run("threads", "--json")).lines()
    assert (row["team"], row["decided_by"]) == ("support", "fallback")
    events = _ok(terminal.run("timeline", "1", "--json")).lines()
    assert [one["data"].get("marked") for one in events if one["kind"] == "assigned"] == ["none"]


def test_check_names_the_model_and_shows_when_there_is_none(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "the shipped one" in _ok(terminal.run("check")).out
    monkeypatch.setattr(shipped, "MODEL", terminal.folder / "gone")
    ran = _ok(terminal.run("check"))
    assert "there is no model file" in ran.err
    _ingest(terminal, letter(1, AUDIT))
    assert "classifier: none" in _ok(terminal.run("check")).out


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["classifier", "--help"], ["threads"], ["classifier", "predict", "data.jsonl"]],
    ids=" ".join,
)
def test_no_command_pays_for_sklearn_that_does_not_train(
    terminal: Terminal, arguments: list[str]
) -> None:
    program = (
        "import sys\nfrom inbox.cli.main import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        "bad = {'sklearn', 'scipy'} & set(sys.modules)\nassert not bad, bad\n"
        "assert 'numpy' not in sys.modules or 'predict' in sys.argv\n"
    )
    _run(terminal, program, arguments)


def test_workers_do_not_load_sklearn(terminal: Terminal) -> None:
    program = (
        "import sys\nimport inbox.worker, inbox.flow.warm\n"
        "bad = {'sklearn', 'scipy'} & set(sys.modules)\nassert not bad, bad\n"
    )
    _run(terminal, program, [])


def _run(terminal: Terminal, program: str, arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=terminal.folder,
        env=terminal.environment() | {"PYTHONPATH": str(shipped.ROOT)},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()[-2000:]
