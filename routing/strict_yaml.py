"""Reads the YAML files that admins own, strictly; knows nothing of what the files mean.

Configuration, rules, SLA, teams: all go through `load_text`. It never raises on any input; it
gives a tree of `Node`s in which every node (keys too) knows its file, line and column, or `None`,
and every problem it could find in one run.

    root, problems = load_text(data, "aboard.yaml")
    reader = Reader(problems)                           # from routing.reader
    top = reader.fields(root, known=("listen", "store"), what="the configuration")
    port = top.mapping("listen", known=("port",)).integer("port", default=25, at_least=1)
    reader.problems                                     # sorted, ready to print

The language is a subset of YAML 1.2's core schema (https://yaml.org/spec/1.2.2/#103-core-schema):

- a plain scalar is `true`, `false`, `null` (or nothing), a decimal number, or text. `NO`, `on`,
  `22:30`, `0123`, `1_000`, `0x1F`, `.inf` and numbers of more than 18 digits are text;
- a duplicate key, an anchor, an alias, a tag, a directive, a second document are problems;
- at most 1 MiB and 50 levels; UTF-8 without control characters or bidirectional overrides
  (write those as an escape in double quotes); no tab in an indentation.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from routing.nodes import ListNode, MapNode, Node, Scalar, Source
from routing.problems import Problem

__all__ = ["Node", "Scalar", "load_text"]

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 50
MAX_DIGITS = 18
"""A longer run of digits is an identifier, and would lose digits as a float."""

MAX_DECIMALS = 40

_PARSER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_HIDDEN = frozenset("\x7f\x85\u2028\u2029\ufeff\ufffe\uffff\u202a\u202b\u202c\u202d\u202e") | {
    chr(code) for code in range(0x2066, 0x206A)
}
"""Characters that an editor shows as nothing, as a line break, or that turn the text around."""

_SYNTAX = {
    "mapping values are not allowed in this context": (
        "a `:` stands where no key can be",
        "check the indentation, or put a text that contains `: ` in quotes",
    ),
    "found character that cannot start any token": (
        "a text cannot begin with this character",
        "put the text in quotes",
    ),
    "did not find expected key": (
        "this line does not continue the mapping above it",
        "check the indentation and the quotes",
    ),
    "could not find expected ':'": ("a key has no `:` behind it", "write `key: value`"),
    "found unexpected end of stream": ("a quote is opened and never closed", "close the quote"),
    "did not find expected '-' indicator": (
        "this line does not continue the list above it",
        "begin it with `- ` in the same column, or indent it more",
    ),
    "did not find expected ',' or ']'": ("a list in `[ ]` is not closed", "close it with `]`"),
    "did not find expected ',' or '}'": ("a mapping in `{ }` is not closed", "close it with `}`"),
    "found unknown escape character": (
        "a backslash in double quotes begins no known escape",
        "use single quotes, in which a backslash is a backslash",
    ),
    "did not find expected <document start>": (
        "something stands behind the end of the content",
        "check the indentation of this line",
    ),
    "did not find expected node content": ("a value is missing here", "write a value"),
}
"""What libyaml says -> what we say, and what to do."""


def load_text(text: str | bytes, file: str) -> tuple[Node | None, tuple[Problem, ...]]:
    """The tree of one file and its problems; the tree is None where the syntax could not be read.

    `file` is only used in problems. An empty file gives `None` and the problem `empty-file`.
    With any problem the file must not be used; the tree is still given where there is one, so
    that a reader can find the other problems in the same run.
    """
    size = len(text) if isinstance(text, bytes) else len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        message = f"the file has {size:,} bytes, at most {MAX_BYTES:,} are read"
        return None, (
            Problem(file, 0, 0, "file-too-large", message, "split it into several files"),
        )
    try:
        decoded = text.decode("utf-8") if isinstance(text, bytes) else text
    except UnicodeDecodeError as error:
        return None, (_not_utf8(error, file),)
    decoded = decoded.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    source = Source(file, tuple(decoded.split("\n")))
    problems = list(_bad_characters(source))
    if problems:
        return None, tuple(problems)
    root = _Builder(source, problems).build(decoded)
    if root is None and not problems:
        message = "the file has no content"
        problems.append(source.problem((1, 1), "empty-file", message, "write it or remove it"))
    return root, tuple(sorted(problems))


def _not_utf8(error: UnicodeDecodeError, file: str) -> Problem:
    data = error.object
    before = data[: error.start]
    line = before.count(b"\n") + 1
    column = len(before.rpartition(b"\n")[2].decode("utf-8", "replace")) + 1
    message = f"byte 0x{data[error.start]:02X} is not valid UTF-8"
    return Problem(file, line, column, "not-utf8", message, "save the file as UTF-8")


def _bad_characters(source: Source) -> Iterator[Problem]:
    for number, line in enumerate(source.lines, 1):
        if line.isprintable():
            continue
        indent = len(line) - len(line.lstrip(" \t"))
        tab = line.find("\t", 0, indent)
        if tab >= 0 and line.strip():
            message = "a tab stands in the indentation"
            yield source.problem((number, tab + 1), "tab", message, "use spaces")
        for column, character in enumerate(line, 1):
            code = ord(character)
            control = (code < 0x20 and character != "\t") or 0x80 <= code < 0xA0
            if control or character in _HIDDEN or 0xD800 <= code < 0xE000:
                message = f"the character U+{code:04X} is not allowed here"
                hint = f'remove it, or write "\\u{code:04x}" in double quotes'
                yield source.problem((number, column), "bad-character", message, hint)
                break


class _Builder:
    """Events of libyaml in, a tree out; a stack of its own, so that depth never recurses."""

    def __init__(self, source: Source, problems: list[Problem]) -> None:
        self.source = source
        self.problems = problems
        self.root: Node | None = None
        self.open: list[tuple[Node, Node | None]] = []
        """Open containers, each with the key that waits for its value."""
        self.documents = 0

    def build(self, text: str) -> Node | None:
        """The root node; None where there is none or where reading had to end early."""
        handlers = {
            yaml.ScalarEvent: self._scalar,
            yaml.MappingStartEvent: self._begin,
            yaml.SequenceStartEvent: self._begin,
            yaml.MappingEndEvent: self._end,
            yaml.SequenceEndEvent: self._end,
            yaml.AliasEvent: self._alias,
            yaml.DocumentStartEvent: self._document,
        }
        parser = _PARSER(text)
        try:
            while (event := parser.get_event()) is not None:
                kind = type(event)
                if kind is yaml.StreamEndEvent:
                    return self.root
                handler = handlers.get(kind)
                if handler is not None and not handler(event):
                    return None
        except yaml.YAMLError as error:
            self.problems.append(self._syntax(error))
        finally:
            parser.dispose()
        return None

    # Each handler takes one event and says whether the reading may go on.

    def _begin(self, event: Any) -> bool:
        mark = event.start_mark
        self._refuse_extras(event)
        if len(self.open) >= MAX_DEPTH:
            message = f"more than {MAX_DEPTH} levels are nested here"
            self._report(mark, "too-deep", message, "flatten it")
            return False
        is_map = type(event) is yaml.MappingStartEvent
        self.open.append(
            (MapNode(self.source, mark) if is_map else ListNode(self.source, mark), None)
        )
        return True

    def _end(self, event: Any) -> bool:
        self._place(self.open.pop()[0])
        return True

    def _alias(self, event: Any) -> bool:
        message = f"the alias `*{event.anchor}` is not allowed"
        self._report(event.start_mark, "alias", message, "repeat the value")
        self._place(Node("scalar", self.source, event.start_mark))
        return True

    def _document(self, event: Any) -> bool:
        if event.version or event.tags:
            message = "a `%` directive is not allowed"
            self._report(event.start_mark, "directive", message, "remove it")
        self.documents += 1
        if self.documents > 1:
            message = "a second document begins here"
            self._report(
                event.start_mark, "second-document", message, "put it in a file of its own"
            )
            return False
        return True

    def _scalar(self, event: Any) -> bool:
        if event.anchor is not None or event.tag is not None:
            self._refuse_extras(event)
        node = Node("scalar", self.source, event.start_mark)
        node.raw = raw = event.value
        if event.style:
            node.value = raw
            if "\0" in raw:
                message = "a text cannot hold the character U+0000"
                self._report(event.start_mark, "bad-character", message, "remove it")
        else:
            node.plain = True
            node.value = core_value(raw)
        self._place(node)
        return True

    def _refuse_extras(self, event: Any) -> None:
        if event.anchor is not None:
            message = f"the anchor `&{event.anchor}` is not allowed"
            self._report(event.start_mark, "anchor", message, "repeat the value where it is needed")
        if event.tag is not None:
            shown = event.tag.replace("tag:yaml.org,2002:", "!!")
            hint = "remove it; put a text that begins with ! in quotes"
            self._report(event.start_mark, "tag", f"the tag `{shown}` is not allowed", hint)

    def _place(self, node: Node) -> None:
        """Put a finished node into the container that is open, or make it the root."""
        if not self.open:
            self.root = node
            return
        parent, key = self.open[-1]
        if isinstance(parent, ListNode):
            parent.items.append(node)
        elif isinstance(parent, MapNode):
            if key is None:
                self.open[-1] = (parent, node)
            else:
                self.open[-1] = (parent, None)
                self._entry(parent, key, node)

    def _entry(self, parent: MapNode, key: Node, value: Node) -> None:
        if key.kind != "scalar" or not key.raw:
            message = f"a key must be a text, not {key.describe()}"
            self.problems.append(key.problem("bad-key", message, "write `key: value`"))
            return
        key.value = key.raw
        first = parent.names.setdefault(key.raw, key)
        if first is not key:
            message = f"the key `{key.raw}` stands here a second time, first in line {first.line}"
            self.problems.append(
                key.problem("duplicate-key", message, "join the two or remove one")
            )
            return
        parent.entries.append((key, value))

    def _report(self, mark: Any, code: str, message: str, hint: str) -> None:
        at = (mark.line + 1, mark.column + 1)
        self.problems.append(self.source.problem(at, code, message, hint))

    def _syntax(self, error: yaml.YAMLError) -> Problem:
        said = str(getattr(error, "problem", None) or getattr(error, "reason", None) or error)
        mark = getattr(error, "problem_mark", None)
        if said == "found unexpected end of stream":
            mark = getattr(error, "context_mark", None) or mark
        at = (mark.line + 1, mark.column + 1) if mark is not None else (0, 0)
        message, hint = _SYNTAX.get(said, (said.splitlines()[0] if said else "cannot be read", ""))
        return self.source.problem(at, "syntax", message, hint)


def core_value(text: str) -> Scalar:
    """What a plain scalar means: true, false, null, an int, a float, else the text itself."""
    if not text:
        return None
    if text[0] not in "-0123456789":
        return _WORDS.get(text, text)
    unsigned = text.removeprefix("-")
    whole, dot, rest = unsigned.partition(".")
    if not _digits(whole) or (len(whole) > 1 and whole[0] == "0") or len(whole) > MAX_DIGITS:
        return text
    if not dot:
        return int(text)
    return float(text) if _digits(rest) and len(rest) <= MAX_DECIMALS else text


_WORDS: dict[str, Scalar] = {"true": True, "false": False, "null": None}


def _digits(text: str) -> bool:
    return text.isascii() and text.isdigit()
