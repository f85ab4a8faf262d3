"""A filed mail opened again for somebody who looks at it: its HTML, or one of its files.

A web process does this, which has no limits of its own and other people waiting. So no text is made
(of RTF, of HTML, of calendars), nothing is decoded that was not asked for, and the parts are found
once for however many files are taken.
"""

from __future__ import annotations

import re

from inbox.mail.bodies import outlined, part_bytes, read_leaf, select_bodies
from inbox.mail.packages import INSIDE
from inbox.mail.tnef import Packed, unpack
from inbox.mail.tree import read_tree

MOST_HTML = 8 * 1024 * 1024
"""Bytes of HTML, as it was sent, that are decoded to be shown."""

_NUMBER = re.compile(r"[1-9][0-9]{0,3}")


class TooMuchHtml(Exception):
    """More HTML than is decoded to be shown."""


class OpenedMail:
    """One raw mail. Raises LimitExceeded as `parse_letter` does."""

    def __init__(self, raw: bytes) -> None:
        self._tree = read_tree(raw)
        self._leaves = {part.path: part for part in self._tree.leaves()}
        self._packages: dict[str, tuple[Packed, ...]] = {}

    def html(self) -> str | None:
        """The HTML as `Letter.html` has it, or None. Raises TooMuchHtml above `MOST_HTML`."""
        outlines = {path: outlined(part) for path, part in self._leaves.items()}
        chosen = [
            self._leaves[leaf.path]
            for leaf in select_bodies(self._tree.root, outlines).html
            if leaf.content_type == "text/html"
        ]
        size = sum(part.end - part.start for part in chosen)
        if size > MOST_HTML:
            raise TooMuchHtml(f"it has {size:,} bytes of HTML")
        if not chosen:
            return None
        return "\n".join(read_leaf(self._tree, part, {}).text or "" for part in chosen)

    def file(self, path: str) -> bytes:
        """The decoded bytes of one file; `path` as in `Attachment.path`.

        Raises KeyError where the mail has no part there.
        """
        outer, _, number = path.partition(INSIDE)
        if outer not in self._leaves:
            raise KeyError(f"the mail has no part at {path!r}; take a path from Letter.attachments")
        if not number:
            return part_bytes(self._tree, self._leaves[outer])[0]
        if outer not in self._packages:
            data = part_bytes(self._tree, self._leaves[outer])[0]
            self._packages[outer] = tuple(unpack(data, texts=False).files)
        files = self._packages[outer]
        if not _NUMBER.fullmatch(number) or int(number) > len(files):
            raise KeyError(f"the mail has no part at {path!r}; take a path from Letter.attachments")
        return files[int(number) - 1].data
