"""Where a server of the tests may live and as whom it runs; it starts nothing itself."""

from __future__ import annotations

import os
import pwd
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import Any


def server_user() -> pwd.struct_passwd:
    """Ourselves, or `nobody` when we are root: servers refuse root, or drop it themselves."""
    return pwd.getpwnam("nobody") if os.getuid() == 0 else pwd.getpwuid(os.getuid())


def popen_as_server_user() -> dict[str, Any]:
    """The arguments that make subprocess start a program as `server_user`."""
    if os.getuid() != 0:
        return {}
    user = server_user()
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def temporary_root() -> Path:
    """A temporary folder that `server_user` can reach: as root, TMPDIR may be root's own.

    It is short as well, because the path of a Unix socket ends at about 100 bytes.
    """
    for folder in (Path(tempfile.gettempdir()).resolve(), Path("/tmp"), Path("/var/tmp")):
        reachable = all(above.stat().st_mode & 0o001 for above in (folder, *folder.parents))
        if folder.is_dir() and len(str(folder)) < 60 and (reachable or os.getuid() != 0):
            return folder
    raise RuntimeError("no temporary folder that user nobody can reach; set TMPDIR to one")


def temporary_folder(name: str) -> Path:
    """A new folder that others can walk through; what lies in it has modes of its own."""
    folder = Path(tempfile.mkdtemp(prefix=f"ab-{name}-", dir=temporary_root()))
    folder.chmod(0o711)
    return folder


def owned_folder(path: Path) -> Path:
    """Make `path`, mode 0700, owned by `server_user`."""
    path.mkdir(mode=0o700)
    user = server_user()
    os.chown(path, user.pw_uid, user.pw_gid)
    return path


def free_port() -> int:
    """A port of the loopback that nobody listened on a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def self_signed(folder: Path) -> tuple[Path, Path]:
    """A certificate for `localhost` and 127.0.0.1 that signs itself, and its key."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    words = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
    ]
    words += ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    words += ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(words, check=True, capture_output=True)
    return certificate, key
