"""The rules of the house, checked on the tree itself: sizes, names, doors, pins. Not behaviour."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parent.parent
HOUSES = ("inbox", "routing", "classifiers")
NOT_OURS = {".git", ".venv", ".tools", "build", "__pycache__", "node_modules", "var"}
MODULE_LINES = 400
FUNCTION_LINES = 60
NO_ROOM = {"utils", "util", "helpers", "helper", "common", "core", "manager", "managers", "misc"}
RUNS_CODE_ON_LOAD = {"pickle", "cPickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
# Written with brackets and escapes, so that this file is no finding of its own.
MARKS = {
    "package index": re.compile(
        r"[p]ypi\.org|[p]ythonhosted\.org|[n]pmjs\.(org|com)|[d]eb\.debian\.org|[c]rates\.io/api"
        r"|(?<!emit-)[i]ndex-url|[f]ind-links|//[^\s\"']+/[s]imple\b"
    ),
    "machine's path": re.compile(
        r"(?<![\w.$}/~-])/(?:[w]ork|[r]oot|[h]ome/\w+|[U]sers/\w+|[t]mp)/\w|/opt/[p]ypi|/opt/[w]heels"
    ),
}


@cache
def files() -> tuple[Path, ...]:
    """Every file of the tree that is ours to write, without what tools leave behind."""
    found: list[Path] = []
    for folder, folders, names in os.walk(REPO):
        folders[:] = [
            n for n in folders if n not in NOT_OURS and not n.endswith((".egg-info", "_cache"))
        ]
        folders[:] = [n for n in folders if n != ".hypothesis"]
        found += [Path(folder) / name for name in names if name not in NOT_OURS]
    return tuple(sorted(found))


def sized() -> list[Path]:
    """What the size limits hold for: the product, but for migrations, which are records."""
    return [file for file in modules(*HOUSES) if file.parent.name != "versions"]


def modules(*houses: str) -> list[Path]:
    """The Python files of these top-level folders; of all without an argument."""
    inside = [file for file in files() if file.suffix == ".py"]
    return [f for f in inside if not houses or f.relative_to(REPO).parts[0] in houses]


@cache
def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"), str(file))


def place(file: Path, line: int = 1) -> str:
    return f"{file.relative_to(REPO)}:{line}"


def functions(module: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def code_loaders(module: ast.Module) -> Iterator[tuple[int, str]]:
    """Where a module imports something that runs code on load, or lets numpy do it."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or "", *(alias.name for alias in node.names)]
        elif isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            forbidden = isinstance(node.value, ast.Constant) and node.value.value is False
            names = [] if forbidden else ["pickle"]
        else:
            continue
        for name in names:
            if name.partition(".")[0] in RUNS_CODE_ON_LOAD:
                yield getattr(node, "lineno", 1), name


def marks(text: str) -> Iterator[tuple[int, str]]:
    """The lines that name a package index or a path of one machine, and which of the two."""
    for number, line in enumerate(text.splitlines(), start=1):
        for kind, pattern in MARKS.items():
            if pattern.search(line):
                yield number, kind


def test_no_module_is_longer_than_400_lines() -> None:
    lengths = {place(file): len(file.read_text().splitlines()) for file in sized()}
    assert {name: lines for name, lines in lengths.items() if lines > MODULE_LINES} == {}


def test_no_function_is_longer_than_60_lines() -> None:
    lengths = {
        f"{place(file, node.lineno)} {node.name}": length(node)
        for file in sized()
        for node in functions(tree(file))
    }
    assert {name: lines for name, lines in lengths.items() if lines > FUNCTION_LINES} == {}


def test_every_module_says_what_it_is() -> None:
    silent = [place(file) for file in modules() if not ast.get_docstring(tree(file))]
    assert not silent, "\n".join(["without a docstring:", *silent])


def test_no_room_has_a_name_that_says_nothing() -> None:
    parts = {part for file in files() for part in file.relative_to(REPO).with_suffix("").parts}
    assert parts & NO_ROOM == set()


def test_nothing_that_we_load_can_run_code() -> None:
    found = [
        f"{place(file, line)} {name}"
        for file in modules(*HOUSES, "bench")
        for line, name in code_loaders(tree(file))
    ]
    assert not found, "\n".join(found)


def test_no_file_names_an_index_or_a_path_of_one_machine() -> None:
    found = []
    for file in files():
        try:
            text = file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # an image or a mail in another charset
        found += [f"{place(file, line)} {kind}" for line, kind in marks(text)]
    assert not found, "\n".join(found)


def test_the_imports_only_point_down() -> None:
    program = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run(
        [program, "--no-cache", "--no-logo"], cwd=REPO, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


def project() -> dict[str, object]:
    return tomllib.loads((REPO / "pyproject.toml").read_text())


def test_every_package_is_named_in_the_project_file() -> None:
    """Discovery is off, so a new folder that is not named would be missing from what is built."""
    named = set(project()["tool"]["setuptools"]["packages"])  # type: ignore[index]
    holding = {file.parent.relative_to(REPO) for file in modules(*HOUSES)}
    assert {".".join(folder.parts) for folder in holding} == named


def locked() -> dict[str, tuple[str, list[str]]]:
    """Package -> version and hashes, from requirements.lock."""
    text = (REPO / "requirements.lock").read_text().replace("\\\n", " ")
    found: dict[str, tuple[str, list[str]]] = {}
    for line in text.splitlines():
        match = re.match(r"([a-z0-9-]+)(?:\[[^]]*\])?==([^\s;]+)", line)
        assert match, f"requirements.lock: this is not a pinned package: {line[:80]!r}"
        found[match[1]] = (match[2], re.findall(r"--hash=sha256:[0-9a-f]{64}\b", line))
    return found


def test_every_locked_package_has_a_version_and_a_hash() -> None:
    packages = locked()
    assert len(packages) > 50
    assert [name for name, (_, hashes) in packages.items() if not hashes] == []


def test_the_lock_holds_what_the_project_asks_for() -> None:
    data = project()["project"]
    asked = [*data["dependencies"], *data["optional-dependencies"]["dev"]]  # type: ignore[index]
    packages = locked()
    for line in asked:
        name, _, version = re.sub(r"\[[^]]*\]", "", line).partition("==")
        assert packages[name.lower()][0] == version, f"{line} is not what requirements.lock has"


def test_make_help_lists_every_target() -> None:
    text = (REPO / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    assert phony
    explained = re.findall(r"^([a-z-]+):.*## ", text, re.MULTILINE)
    assert sorted(phony[1].split()) == sorted(explained)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("pip install --ind" + "ex-url x", ["package index"]),
        ("uv pip compile --no-emit-ind" + "ex-url", []),
        ("see https://py" + "pi.org/project/x", ["package index"]),
        ("open('/wo" + "rk/main/x')", ["machine's path"]),
        ("HOME=/ho" + "me/ada/x", ["machine's path"]),
        ("cd /t" + "mp/x1", ["machine's path"]),
        ("net" + "work/ab tests/wo" + "rk/x $TMP/t" + "mp/x", []),
        ('Path("/t' + 'mp")', []),
    ],
)
def test_marks_of_a_machine_are_recognised(line: str, expected: list[str]) -> None:
    assert [kind for _, kind in marks(line)] == expected


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import pickle", 1),
        ("from joblib import load", 1),
        ("import numpy; numpy.load(f, allow_pickle=True)", 1),
        ("import numpy; numpy.load(f, allow_pickle=False)", 0),
        ("'''no pickle here'''", 0),
    ],
)
def test_loading_code_is_recognised(source: str, found: int) -> None:
    assert len(list(code_loaders(ast.parse(source)))) == found
