"""Typed reading of a strict YAML tree: every wrong type, missing or unknown key is a `Problem`.

Knows no file of ours; configuration, rules, SLA and teams say what they expect. Nothing here
raises: a problem is noted and the default is given, so that one run finds all problems.

    root, problems = load_text(data, "aboard.yaml")
    reader = Reader(problems)
    top = reader.fields(root, known=("listen", "mailboxes"), what="the configuration")
    listen = top.mapping("listen", known=("host", "port"))      # absent: an empty one
    host = listen.text("host", default="127.0.0.1")
    port = listen.integer("port", default=25, at_least=1, at_most=65535)
    for box in top.mappings("mailboxes", known=("address", "kind"), what="a mailbox"):
        address = box.text("address", required=True)
        kind = box.text("kind", default="imap", choices=("imap", "smtp"))
    if reader.errors: ...
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from difflib import get_close_matches

from routing.problems import Problem, errors
from routing.strict_yaml import Node


def did_you_mean(value: str, known: Iterable[str]) -> str:
    """`did you mean ...?` for a misspelt word, else the list of what is known, else nothing."""
    words = sorted(set(known))
    close = get_close_matches(value.casefold(), words, n=1, cutoff=0.6)
    if close:
        return f"did you mean `{close[0]}`?"
    if 0 < len(words) <= 12:
        return "known: " + ", ".join(words)
    return ""


MOST_COMPARED = 20_000
"""Words that are compared for suggestions in one load, which takes a second: with thousands of
names misspelt and thousands known, comparing all with all would take an hour."""


class Reader:
    """Collects the problems of one or several files."""

    def __init__(self, problems: Iterable[Problem] = ()) -> None:
        self._problems = list(problems)
        self._compared = 0

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All problems so far, by file, line and column."""
        return tuple(sorted(self._problems))

    @property
    def errors(self) -> tuple[Problem, ...]:
        """Those problems that refuse the load."""
        return errors(self.problems)

    def add(self, *problems: Problem) -> None:
        """Note problems that were found elsewhere."""
        self._problems.extend(problems)

    def suggest(self, value: str, known: Collection[str]) -> str:
        """`did_you_mean` for a list that may be long; nothing once `MOST_COMPARED` words were."""
        self._compared += len(known)
        first = self._compared == len(known)
        return did_you_mean(value, known) if first or self._compared <= MOST_COMPARED else ""

    def report(self, node: Node, code: str, message: str, hint: str = "") -> None:
        """Note a problem at a node."""
        self._problems.append(node.problem(code, message, hint))

    def fields(self, node: Node | None, known: Iterable[str] | None, what: str) -> Fields:
        """The keys of a mapping; any key outside `known` is a problem (`known=None`: any key).

        `node=None` stands for an absent mapping and gives an empty `Fields`; another kind than
        a mapping is a problem and gives an empty one too. `what` names the mapping in errors,
        such as `the configuration` or `rule "x"`.
        """
        if node is None:
            return Fields(self, None, {}, what)
        if node.kind != "map":
            self.report(node, "wrong-type", f"{what} must be a mapping, not {node.describe()}")
            return Fields(self, None, {}, what)
        allowed = None if known is None else tuple(known)
        found: dict[str, tuple[Node, Node]] = {}
        for key, value in node.entries:
            name = str(key.value)
            if allowed is not None and name not in allowed:
                message = f"{what} has no key `{name}`"
                self.report(key, "unknown-key", message, did_you_mean(name, allowed))
                continue
            found[name] = (key, value)
        return Fields(self, node, found, what)


class Fields:
    """The entries of one mapping, read by type. A missing key gives the default."""

    def __init__(
        self, reader: Reader, node: Node | None, found: dict[str, tuple[Node, Node]], what: str
    ) -> None:
        self.reader = reader
        self.node = node
        """The mapping's node; None where it is absent."""
        self.what = what
        self._found = found

    def __contains__(self, key: str) -> bool:
        return key in self._found

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def get(self, key: str) -> Node | None:
        """The value's node, or None."""
        entry = self._found.get(key)
        return entry[1] if entry else None

    def key(self, key: str) -> Node | None:
        """The node of the key itself, to report a problem about the key."""
        entry = self._found.get(key)
        return entry[0] if entry else None

    def require(self, key: str) -> Node | None:
        """The value's node; a missing key is a problem."""
        node = self.get(key)
        if node is None and self.node is not None:
            message = f"{self.what} needs the key `{key}`"
            self.reader.report(self.node, "missing-key", message)
        return node

    def wrong(self, key: str, expected: str, hint: str = "") -> None:
        """Note that the value under `key` is not what is expected."""
        node = self.get(key)
        if node is not None:
            message = f"`{key}` must be {expected}, not {node.describe()}"
            self.reader.report(node, "wrong-type", message, hint)

    def text(
        self,
        key: str,
        default: str = "",
        *,
        required: bool = False,
        choices: Sequence[str] | None = None,
    ) -> str:
        """A text; a number or true/false is a problem (put it in quotes), so is an empty text."""
        node = self.require(key) if required else self.get(key)
        if node is None:
            return default
        if not isinstance(node.value, str) or node.kind != "scalar":
            quote = "put it in quotes" if node.value is not None else ""
            self.wrong(key, f"one of {', '.join(choices)}" if choices else "a text", quote)
            return default
        if not node.value.strip():
            self.reader.report(node, "empty-text", f"`{key}` must not be empty")
            return default
        if choices is not None and node.value not in choices:
            message = f'`{key}` cannot be "{node.value}"'
            self.reader.report(node, "bad-value", message, did_you_mean(node.value, choices))
            return default
        return node.value

    def flag(self, key: str, default: bool = False) -> bool:
        """True or false, written so; `yes`, `on` and `True` are texts and therefore problems."""
        node = self.get(key)
        if node is None:
            return default
        if isinstance(node.value, bool):
            return node.value
        known = {"yes": "true", "on": "true", "true": "true", "no": "false", "off": "false"}
        meant = known.get(node.raw.casefold(), "false" if node.raw.casefold() == "false" else "")
        self.wrong(key, "true or false", f"write `{meant}` without quotes" if meant else "")
        return default

    def integer(
        self,
        key: str,
        default: int = 0,
        *,
        required: bool = False,
        at_least: int | None = None,
        at_most: int | None = None,
    ) -> int:
        """A whole number within the given bounds, both included."""
        node = self.require(key) if required else self.get(key)
        if node is None:
            return default
        if not isinstance(node.value, int) or isinstance(node.value, bool):
            self.wrong(key, "a whole number")
            return default
        return int(node.value) if self._within(node, key, (at_least, at_most)) else default

    def number(
        self,
        key: str,
        default: float = 0.0,
        *,
        required: bool = False,
        at_least: float | None = None,
        at_most: float | None = None,
    ) -> float:
        """A number within the given bounds, both included."""
        node = self.require(key) if required else self.get(key)
        if node is None:
            return default
        if not isinstance(node.value, int | float) or isinstance(node.value, bool):
            self.wrong(key, "a number")
            return default
        return float(node.value) if self._within(node, key, (at_least, at_most)) else default

    def _within(self, node: Node, key: str, bounds: tuple[float | None, float | None]) -> bool:
        low, high = bounds
        value = node.value
        assert isinstance(value, int | float)
        if low is not None and value < low:
            message = f"`{key}` must be at least {low:g}, not {node.raw}"
        elif high is not None and value > high:
            message = f"`{key}` must be at most {high:g}, not {node.raw}"
        else:
            return True
        self.reader.report(node, "out-of-range", message)
        return False

    def texts(
        self, key: str, *, required: bool = False, choices: Sequence[str] | None = None
    ) -> tuple[str, ...]:
        """A text, or a list of texts; each must be a text and, where given, one of `choices`."""
        node = self.require(key) if required else self.get(key)
        if node is None:
            return ()
        nodes = node.items if node.kind == "list" else [node]
        found = []
        for item in nodes:
            if item.kind != "scalar" or not isinstance(item.value, str) or not item.value.strip():
                hint = "put it in quotes" if isinstance(item.value, int | float) else ""
                message = f"`{key}` must be a list of texts, not {item.describe()}"
                self.reader.report(item, "wrong-type", message, hint)
            elif choices is not None and item.value not in choices:
                message = f'`{key}` cannot be "{item.value}"'
                self.reader.report(item, "bad-value", message, did_you_mean(item.value, choices))
            else:
                found.append(item.value)
        return tuple(found)

    def only(self, keys: Iterable[str]) -> Fields:
        """The same mapping with these of its keys."""
        found = {key: self._found[key] for key in keys}
        return Fields(self.reader, self.node, found, self.what)

    def mapping(self, key: str, known: Iterable[str] | None, what: str = "") -> Fields:
        """The mapping under `key`; an empty one where it is absent."""
        return self.reader.fields(self.get(key), known, what or f"`{key}`")

    def items(self, key: str, *, required: bool = False) -> list[Node]:
        """The nodes of the list under `key`; anything but a list is a problem."""
        node = self.require(key) if required else self.get(key)
        if node is None:
            return []
        if node.kind != "list":
            self.wrong(key, "a list", "begin each item with `- `")
            return []
        return list(node.items)

    def mappings(self, key: str, known: Iterable[str] | None, what: str) -> list[Fields]:
        """The mappings of the list under `key`, such as the mailboxes of a configuration."""
        allowed = None if known is None else tuple(known)
        return [self.reader.fields(item, allowed, what) for item in self.items(key)]
