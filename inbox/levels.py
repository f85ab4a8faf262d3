"""One level of the configuration as it is read: the file's entries, the environment over them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

from routing.reader import Fields
from routing.strict_yaml import Node


def keys_of(kind: type) -> tuple[str, ...]:
    """The keys that a section may have in the file; a secret is also given as a file."""
    names: list[str] = []
    for one in fields(kind):
        if one.name == "folder":
            continue
        names.append(one.name)
        if one.metadata.get("secret"):
            names.append(f"{one.name}_file")
    return tuple(names)


class Level:
    """One level of the configuration: the file's entries, with the environment laid over them."""

    def __init__(self, there: Fields, overlay: dict[str, Node], prefix: str = "") -> None:
        self.there = there
        self._overlay = overlay
        self._prefix = prefix
        self._used: set[str] = set()
        self.given: Mapping[str, str] = {}
        """Secrets of the environment, taken as they are."""

    def at(self, key: str) -> Fields:
        """The entries that hold this key: the environment's where it is set, else the file's."""
        name = self._prefix + key
        self._used.add(name)
        node = self._overlay.get(name)
        if node is None:
            return self.there
        reader = self.there.reader
        return Fields(reader, node, {key: (node, node)}, node.file)

    def below(self, key: str, kind: type) -> Level:
        self._used.add(self._prefix + key)
        level = Level(
            self.there.mapping(key, keys_of(kind)), self._overlay, f"{self._prefix}{key}."
        )
        level._used = self._used
        return level

    def unused(self) -> tuple[str, ...]:
        return tuple(sorted(set(self._overlay) - self._used))
