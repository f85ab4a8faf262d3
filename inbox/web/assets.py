"""Style sheet, script, icons: served under names that carry their content's hash.

So a browser may keep them for ever, and a new version is a new address. The files of `css/` are one
style sheet (`app.css`) in the order of their names, those of `js/` one script (`app.js`): a page
asks for two files, and every part of the inbox has a file of its own. They are packed once, at
start; pages are not, because they hold form tokens and other people's words side by side (BREACH).
"""

from __future__ import annotations

import gzip
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from fastapi import HTTPException, Request
from starlette.responses import Response

FOLDER = Path(__file__).resolve().parents[2] / "templates" / "web"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

COMMENTS = {
    ".css": re.compile(rb"/\*.*?\*/\n?", re.DOTALL),
    ".js": re.compile(rb"^[ \t]*(?://[^\n]*|/\*[^\n]*?\*/)[ \t]*\n", re.MULTILINE),
}
"""What is said to who reads the files; browsers need not load it. In scripts only whole lines,
which can be found without understanding the language."""


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is served."""

    content: bytes
    media_type: str
    packed: bytes
    """The same with gzip."""


class Assets:
    """All files of a folder, read once."""

    def __init__(self, folder: Path) -> None:
        self._served: dict[str, Asset] = {}
        self._names: dict[str, str] = {}
        for path in sorted(folder.iterdir()):
            if path.suffix in TYPES:
                self._add(path.stem, path.suffix, path.read_bytes())
        for suffix, comments in COMMENTS.items():
            parts = sorted((folder / suffix[1:]).glob(f"*{suffix}"))
            joined = b"\n".join(part.read_bytes() for part in parts)
            self._add("app", suffix, comments.sub(b"", joined))

    def _add(self, stem: str, suffix: str, content: bytes) -> None:
        name = f"{stem}.{hashlib.sha256(content).hexdigest()[:12]}{suffix}"
        self._served[name] = Asset(content, TYPES[suffix], gzip.compress(content, 9, mtime=0))
        self._names[f"{stem}{suffix}"] = f"/static/{name}"

    def url(self, name: str) -> str:
        """The address of a file, for instance of `app.css`. Raises KeyError for an unknown one."""
        return self._names[name]

    def served(self, name: str) -> Asset | None:
        """What a name with hash stands for."""
        return self._served.get(name)


def static(request: Request) -> Response:
    """One file, to be kept for ever."""
    assets: Assets = request.app.state.desk.renderer.assets
    asset = assets.served(request.path_params["name"])
    if asset is None:
        raise HTTPException(404)
    headers = {"cache-control": "public, max-age=31536000, immutable", "vary": "accept-encoding"}
    taken = request.headers.get("accept-encoding", "").split(",")
    if not any(one.strip() == "gzip" for one in taken):
        return Response(asset.content, media_type=asset.media_type, headers=headers)
    headers["content-encoding"] = "gzip"
    return Response(asset.packed, media_type=asset.media_type, headers=headers)
