"""Reading labelled mail, and splitting it so that nothing leaks."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.dataset import (
    DataError,
    Example,
    data_hash,
    read_example,
    read_examples,
    split_quoted,
)
from classifiers.grouping import assign_folds, group_examples
from classifiers.text import MailText
from tests.classifiers.samples import examples


def test_a_mail_row_and_a_text_row_are_both_examples() -> None:
    row = {
        "subject": "Contract",
        "body": "see attached\n> old words",
        "attachments": ["dpa.pdf"],
        "from": "legal@acme.example",
        "team": "compliance",
        "industry": "banking",
    }
    found = read_example(json.dumps(row))
    assert found.label == "compliance"
    assert found.industry == "banking"
    assert found.mail == MailText(
        "Contract", "see attached", "> old words", ("dpa.pdf",), "legal@acme.example"
    )
    assert read_example('{"text": "hi", "label": "a"}').mail == MailText(visible="hi")
    assert read_example('{"text": "hi", "queue": "a"}', "queue").label == "a"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "not JSON: "),
        ("[1]", "a JSON object is needed, this is list"),
        ('{"text": "x"}', 'there is no "team" and no "label" in it, only "text"'),
        ('{"text": "x", "label": 3}', '"team" \\(or "label"\\) must be a text'),
        ('{"text": "x", "label": " "}', "must be a text of 1 to 200"),
        ('{"text": 5, "label": "a"}', '"text" must be text, not int'),
        ('{"label": "a"}', 'a row needs "text"'),
        ('{"subject": "a", "attachments": "x", "label": "a"}', "list of file names"),
        ('{"subject": "a", "attachments": [1], "label": "a"}', "list of file names"),
        ('{"text": "x", "label": "a", "weight": 0}', '"weight" must be'),
        ('{"text": "x", "label": "a", "weight": true}', '"weight" must be'),
        ('{"text": "x", "label": "a", "weight": NaN}', '"weight" must be'),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_an_unusable_line_says_why(line: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read_example(line)


def test_all_problems_of_all_files_come_at_once_with_their_lines(tmp_path: Path) -> None:
    first, second = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    first.write_text('{"text": "x", "label": "a"}\n\nnonsense\n{"text": "x"}\n', encoding="utf-8")
    second.write_bytes(b"\xff\xfe")
    with pytest.raises(DataError) as caught:
        read_examples([first, second, tmp_path / "missing.jsonl"])
    found = [(Path(p.file).name, p.line) for p in caught.value.problems]
    assert found == [("a.jsonl", 3), ("a.jsonl", 4), ("b.jsonl", 1), ("missing.jsonl", 0)]
    assert "a.jsonl:3: not JSON" in str(caught.value)


def test_a_line_separator_inside_a_text_does_not_cut_its_row(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "a\u2028b\u0085c", "label": "x"}\n', encoding="utf-8")
    assert read_examples([path])[0].mail.visible == "a\u2028b\u0085c"


@given(st.text(max_size=200))
def test_any_line_is_an_example_or_a_value_error(line: str) -> None:
    try:
        read_example(line)
    except ValueError as error:
        assert str(error)


def test_quoted_lines_are_told_from_written_ones() -> None:
    assert split_quoted("new\n> old\n>> older\nmore") == ("new\nmore", "> old\n>> older")
    assert split_quoted("2 > 1") == ("2 > 1", "")


def test_the_data_hash_ignores_order_and_sees_every_label() -> None:
    mails = examples()
    assert data_hash(mails) == data_hash(mails[::-1])
    assert data_hash(mails) != data_hash([replace(mails[0], label="x"), *mails[1:]])


def test_an_account_and_near_duplicates_stay_together() -> None:
    texts = [
        "the export of our stock list stops with an error every night at two",
        "the export of our stock list stops with an error every night at three",
        "please sign the processing agreement before friday",
        "when is the next training for planners",
    ]
    mails = [Example(MailText(visible=text), "a") for text in texts]
    mails[2] = replace(mails[2], account="acme")
    mails[3] = replace(mails[3], account="acme")
    groups = group_examples(mails).tolist()
    assert groups[0] == groups[1]
    assert groups[2] == groups[3]
    assert groups[0] != groups[2]


@given(st.lists(st.tuples(st.integers(0, 8), st.sampled_from("abc")), min_size=6, max_size=60))
def test_a_group_never_straddles_two_folds(rows: list[tuple[int, str]]) -> None:
    groups = np.array([group for group, _ in rows])
    folds = assign_folds(groups, [label for _, label in rows], 3, seed=1)
    for group in set(groups.tolist()):
        assert len(set(folds[groups == group].tolist())) == 1


def test_folds_spread_the_labels() -> None:
    labels = ["a"] * 30 + ["b"] * 6
    folds = assign_folds(np.arange(36), labels, 3, seed=0)
    assert [int((folds[:30] == f).sum()) for f in range(3)] == [10, 10, 10]
    assert [int((folds[30:] == f).sum()) for f in range(3)] == [2, 2, 2]
