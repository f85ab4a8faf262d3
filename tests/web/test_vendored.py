"""What we took from others is what its list says: unchanged, with its licence beside it."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

import pytest

from inbox.web.assets import FOLDER

LISTS = (FOLDER / "static" / "VENDORED.md", Path(__file__).parent / "vendored" / "VENDORED.md")
ROW = re.compile(r"^\| `([^`]+)` \| .* \| ([\w+/]{64}) \|$", re.MULTILINE)


@pytest.mark.parametrize("listed", LISTS, ids=["served", "tests"])
def test_every_vendored_file_is_unchanged_and_has_its_licence(listed: Path) -> None:
    text = listed.read_text(encoding="utf-8")
    rows = ROW.findall(text)
    assert rows and "icence" in text
    for name, sha384 in rows:
        content = (listed.parent / name).read_bytes()
        assert base64.b64encode(hashlib.sha384(content).digest()).decode() == sha384, name
