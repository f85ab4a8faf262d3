"""The strict YAML subset: what is text stays text, every node knows its place."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.reader import Reader, did_you_mean
from routing.strict_yaml import MAX_DEPTH, Node, load_text

SCALARS = {
    "NO": "NO", "no": "no", "yes": "yes", "on": "on", "True": "True", "TRUE": "TRUE", "~": "~",
    "Null": "Null", "22:30": "22:30", "1:2:3": "1:2:3", "0123": "0123", "-0123": "-0123",
    "1_000": "1_000", "0x1F": "0x1F", "0o17": "0o17", "1e5": "1e5", ".5": ".5", "5.": "5.",
    ".inf": ".inf", ".nan": ".nan", "+1": "+1", "2026-11-22": "2026-11-22", "1.2.3": "1.2.3",
    "-": "-", "１２": "１２", "1234567890123456789": "1234567890123456789",
    "true": True, "false": False, "null": None, "": None, "0": 0, "-0": 0, "7": 7, "-3": -3,
    "123456789012345678": 123456789012345678, "1.5": 1.5, "-0.25": -0.25, "0.30000000000000004": 0.30000000000000004,
    "'true'": "true", '"7"': "7", "''": "", '"\\u00e9"': "é",
}  # fmt: skip


def read(text: str | bytes) -> Node:
    root, problems = load_text(text, "f.yaml")
    assert root is not None and not problems, problems
    return root


@pytest.mark.parametrize(("written", "meant"), SCALARS.items())
def test_a_scalar_means_what_the_core_schema_subset_says(written: str, meant: object) -> None:
    value = read(f"k: {written}\n" if written != "-" else "k: '-'\n").plain_value()
    assert value == {"k": meant}
    assert type(value["k"]) is type(meant)  # type: ignore[index]


@pytest.mark.parametrize("key", ["on", "no", "true", "null", "1", "22:30", "<<", "0x1"])
def test_a_key_is_always_text(key: str) -> None:
    assert read(f"{key}: x\n").plain_value() == {key: "x"}


def test_every_node_knows_its_line_and_column() -> None:
    root = read("a:\n  - b: [x, yy]\n    ö: {k: v}\n")
    (key, value) = root.entries[0]
    assert (key.at, value.at) == ((1, 1), (2, 3))
    first = value.items[0]
    assert [(k.value, k.at, v.at) for k, v in first.entries] == [
        ("b", (2, 5), (2, 8)),
        ("ö", (3, 5), (3, 8)),
    ]
    assert [item.at for item in first.entries[0][1].items] == [(2, 9), (2, 12)]
    assert first.entries[1][1].entries[0][1].at == (3, 12)


@pytest.mark.parametrize("text", ["a: 1\r\nb: 2\r\n", "\ufeffa: 1\nb: 2\n", "a: 1\rb: 2\r"])
def test_line_ends_and_byte_order_marks_make_no_difference(text: str) -> None:
    root = read(text)
    assert root.plain_value() == {"a": 1, "b": 2}
    assert root.entries[1][0].at == (2, 1)


def test_block_texts_are_read() -> None:
    assert read("a: |\n  x\n  y\nb: >-\n  x\n  y\n").plain_value() == {"a": "x\ny\n", "b": "x y"}


def test_several_problems_of_one_file_come_in_one_run() -> None:
    _, problems = load_text("a: &x 1\na: 2\nb: *x\nc: !t 3\n", "f.yaml")
    assert [(problem.line, problem.code) for problem in problems] == [
        (1, "anchor"),
        (2, "duplicate-key"),
        (3, "alias"),
        (4, "tag"),
    ]


def test_the_depth_is_capped_without_recursion() -> None:
    fits = "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1)
    assert not load_text(fits, "f")[1]
    for opening in ("[", "{a: ", "- ", "? "):
        root, problems = load_text(opening * 20_000, "f")
        assert root is None and problems


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=200), st.binary(max_size=200)))
def test_any_input_gives_a_tree_or_problems_and_never_raises(data: str | bytes) -> None:
    root, problems = load_text(data, "f")
    assert root is not None or problems
    for problem in problems:
        assert problem.file == "f" and problem.message and problem.code
        assert problem.framed()


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab:-[]{}#&*!|>'\"%@`,? \n\\\t0é", max_size=60))
def test_anything_that_looks_like_yaml_never_raises(text: str) -> None:
    root, problems = load_text(text, "f")
    assert root is not None or problems
    if root is not None:
        root.plain_value()


def fields(text: str, known: tuple[str, ...] | None = None) -> tuple[Reader, object]:
    root, problems = load_text(text, "f.yaml")
    reader = Reader(problems)
    return reader, reader.fields(root, known, "the file")


def test_the_reader_reads_typed_values_and_defaults() -> None:
    root, problems = load_text(
        "port: 25\nhost: h\nratio: 0.5\non: true\nlist: [a, b]\none: a\n", "f"
    )
    reader = Reader(problems)
    top = reader.fields(root, ("port", "host", "ratio", "on", "list", "one", "absent"), "the file")
    assert (top.integer("port"), top.text("host"), top.number("ratio")) == (25, "h", 0.5)
    assert top.flag("on") and top.texts("list") == ("a", "b") and top.texts("one") == ("a",)
    assert top.integer("absent", 7) == 7 and top.mapping("absent", ("x",)).text("x", "d") == "d"
    assert not reader.problems and "port" in top and next(iter(top)) == "port"


@pytest.mark.parametrize(
    ("text", "read_it", "code"),
    [
        ("k: 1\n", lambda top: top.text("k"), "wrong-type"),
        ("k: ''\n", lambda top: top.text("k"), "empty-text"),
        ("k: c\n", lambda top: top.text("k", choices=("a", "b")), "bad-value"),
        ("k: yes\n", lambda top: top.flag("k"), "wrong-type"),
        ("k: 1.5\n", lambda top: top.integer("k"), "wrong-type"),
        ("k: true\n", lambda top: top.integer("k"), "wrong-type"),
        ("k: 70000\n", lambda top: top.integer("k", at_most=65535), "out-of-range"),
        ("k: 0\n", lambda top: top.number("k", at_least=0.1), "out-of-range"),
        ("k: x\n", lambda top: top.number("k"), "wrong-type"),
        ("k: [1]\n", lambda top: top.texts("k"), "wrong-type"),
        ("k: {}\n", lambda top: top.items("k"), "wrong-type"),
        ("k: []\n", lambda top: top.mapping("k", ()), "wrong-type"),
        ("k: 1\n", lambda top: top.require("j"), "missing-key"),
    ],
)
def test_a_wrong_value_is_a_problem_with_its_place(text: str, read_it: object, code: str) -> None:
    reader, top = fields(text)
    read_it(top)  # type: ignore[operator]
    assert [(problem.code, problem.line) for problem in reader.problems] == [(code, 1)]


def test_an_unknown_key_gets_a_suggestion() -> None:
    reader, _ = fields("prot: 1\n", ("port", "host"))
    (problem,) = reader.errors
    assert (
        str(problem) == "f.yaml:1:1: unknown-key: the file has no key `prot` (did you mean `port`?)"
    )
    assert did_you_mean("zzz", ["a", "b"]) == "known: a, b"
    assert did_you_mean("zzz", [str(number) for number in range(40)]) == ""
