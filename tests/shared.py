"""Where the shared corpora are; not a copy of them and not a reader.

`ABOARD_SHARED` names the folder, else it is `../shared` beside the repository. Who sets the
variable says that the corpora must be there: then a missing one fails. On a newcomer's machine,
where the default folder is absent, such tests skip with their reason.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parent.parent


def shared(relative: str) -> Path:
    """The path of a shared file or folder, for instance `corpora/sisimai`; fails or skips without."""
    given = os.environ.get("ABOARD_SHARED")
    folder = Path(given) if given else REPO.parent / "shared"
    path = folder / relative
    if path.exists():
        return path
    if given:
        pytest.fail(f"ABOARD_SHARED={given} is set, but it has no {relative}", pytrace=False)
    if not folder.is_dir():
        pytest.skip(f"the shared corpora are not here (set ABOARD_SHARED); needed: {relative}")
    return pytest.fail(f"the shared folder {folder} has no {relative}", pytrace=False)
