"""What runs beside a model: JSON lines, nearest threads, language, and what is not imported."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from classifiers import artifact
from classifiers.language import detect, warm
from classifiers.nearest import NearestIndex, Past
from classifiers.stream import LineError, predict_lines
from classifiers.text import MailText
from tests.classifiers.samples import PHRASES, small_model
from tests.shared import REPO

PREDICT = """
import sys
from pathlib import Path
from classifiers.artifact import load
from classifiers.stream import predict_lines
model = load(Path(sys.argv[1]))
print(*predict_lines(['{"text": "login error"}'], model))
heavy = {"sklearn", "scipy", "joblib", "pandas", "py3langid", "socket", "sqlalchemy"}
loaded = sorted(heavy & set(sys.modules))
assert not loaded, loaded
"""


def test_predicting_imports_neither_sklearn_nor_scipy(tmp_path: Path) -> None:
    path = tmp_path / "a.aboard-model"
    artifact.save(small_model(), path)
    done = subprocess.run(
        [sys.executable, "-c", PREDICT, str(path)],
        capture_output=True,
        text=True,
        cwd=REPO,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["label"] == "support"


@pytest.mark.parametrize(
    "words",
    [["--help"], ["rules", "check", str(REPO / "data" / "rules")], ["audit", "--help"]],
    ids=["--help", "rules check", "audit --help"],
)
def test_a_command_that_trains_nothing_pays_for_no_library_of_numbers(words: list[str]) -> None:
    program = (
        "import sys\nfrom inbox.cli.main import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit as end:\n    assert not end.code\n"
        "loaded = {'sklearn', 'scipy', 'numpy', 'py3langid'} & set(sys.modules)\n"
        "assert not loaded, loaded\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *words], capture_output=True, text=True, cwd=REPO
    )
    assert done.returncode == 0, done.stderr


def test_one_line_in_gives_one_line_out_in_order() -> None:
    texts = [text for texts in PHRASES.values() for text in texts]
    lines = [json.dumps({"text": text}) + "\n" for text in texts]
    answers = [json.loads(line) for line in predict_lines(lines, small_model())]
    expected = [small_model().predict(MailText(visible=text)).label for text in texts]
    assert [answer["label"] for answer in answers] == expected
    assert list(answers[0]) == ["label", "score", "scores", "abstain", "best", "evidence"]


def test_a_malformed_line_stops_with_its_number_after_the_earlier_answers() -> None:
    answers = predict_lines(['{"text": "a\\nb"}', "", "nonsense", '{"text": "c"}'], small_model())
    assert json.loads(next(answers))["label"]
    with pytest.raises(LineError, match="line 3: not JSON") as caught:
        next(answers)
    assert caught.value.line == 3


def _index() -> NearestIndex:
    past = [
        Past(f"{team}-{number}", MailText(visible=text), team)
        for team, texts in PHRASES.items()
        for number, text in enumerate(texts)
    ]
    return NearestIndex(small_model(), past)


def test_the_nearest_threads_are_those_with_the_same_words() -> None:
    found = _index().nearest(MailText(visible="the login page shows an error"))
    assert len(found) == 3
    assert found[0].thread_id == "support-0"
    assert found[0].team == "support"
    assert 1.0 >= found[0].likeness >= found[1].likeness >= found[2].likeness > 0


def test_a_thread_is_its_own_nearest_with_likeness_one() -> None:
    text = PHRASES["compliance"][0]
    found = _index().nearest(MailText(visible=text), count=1)
    assert found[0].thread_id == "compliance-0"
    assert found[0].likeness == pytest.approx(1.0, abs=1e-6)


def test_a_thread_that_may_not_be_seen_is_not_shown() -> None:
    mail = MailText(visible="the login page shows an error")
    allowed = frozenset({"support-1", "none-3"})
    index = _index()
    assert {n.thread_id for n in index.nearest(mail, allowed=allowed)} <= allowed
    index.forget("support-0")
    assert "support-0" not in {n.thread_id for n in index.nearest(mail, count=40)}


def test_a_thread_that_moved_replaces_its_former_entry() -> None:
    index = _index()
    size = len(index)
    index.add(Past("support-0", MailText(visible="sign the agreement"), "compliance"))
    assert len(index) == size
    found = index.nearest(MailText(visible="the login page shows an error"), count=40)
    assert [n.team for n in found if n.thread_id == "support-0"] in ([], ["compliance"])


def test_nothing_known_has_no_neighbours() -> None:
    assert _index().nearest(MailText(visible="zzyzx")) == ()
    assert NearestIndex(small_model()).nearest(MailText(visible="error")) == ()


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Could you please tell us when the migration will start?", "en"),
        ("Könnten Sie uns bitte sagen, wann die Umstellung beginnt?", "de"),
        ("Pourriez-vous nous dire quand commence la migration ?", "fr"),
        ("¿Podrían decirnos cuándo empieza la migración de los datos?", "es"),
        ("Kunt u ons laten weten wanneer de overstap begint?", "nl"),
        ("Poderiam dizer-nos quando começa a migração dos dados?", "pt"),
        ("Potreste dirci quando inizia la migrazione dei dati?", "it"),
        ("ok", None),
        ("", None),
        ("4711 0815 https://example.org/this/is/no/language a@b.example", None),
        ("\ud800\udfff", None),
    ],
)
def test_a_language_is_named_or_left_open(text: str, language: str | None) -> None:
    warm()
    assert detect(text) == language
