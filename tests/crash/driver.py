"""The program that is killed: it accepts one mail, says so, and files it; or does so under load.

python -m tests.crash.driver          one mail after the other, each in a fork: URL FOLDER NUMBER
python -m tests.crash.driver FOLDER   workers and a stream of mail until it is killed
"""

from __future__ import annotations

import hashlib
import sys
from functools import cache
from pathlib import Path

from inbox.app import filing_context
from inbox.clock import utc_now
from inbox.config import Settings, load
from inbox.errors import StoreError
from inbox.flow.admin.context import FilingContext
from inbox.flow.intake import file as filing
from inbox.flow.intake.accept import Incoming, accept
from inbox.store import intake
from inbox.store.database import Database
from inbox.worker import Supervisor
from tests.crash.forks import say, serve
from tests.flow.house import mail


def raw_mail(number: int) -> bytes:
    """A mail that no other number has, with a body that takes several pages."""
    words = " ".join(hashlib.sha256(f"{number}/{n}".encode()).hexdigest() for n in range(300))
    refs = [f"{number - 1}@kill.example"] if number % 3 else []
    return mail(id=f"{number}@kill.example", refs=refs, body=words)


@cache
def _settings(folder: Path) -> Settings:
    return load(folder / "aboard.yaml", {})


_CONTEXTS: dict[Path, FilingContext] = {}


def in_force(url: str, folder: Path) -> FilingContext:
    """What filing needs, read once per folder: its databases are copies of one."""
    if folder not in _CONTEXTS:
        db = Database(url)
        _CONTEXTS[folder], _ = filing_context(db, _settings(folder), None, ())
        db.close()
    return _CONTEXTS[folder]


def one_mail(url: str, folder: Path, number: int) -> None:
    """Accept and file mail `number`; what became of each step is said."""
    db = Database(url)
    raw = raw_mail(number)
    for _ in range(4):
        try:
            accept(db, [Incoming(raw, "smtp", utc_now())], "n1")
        except StoreError:
            say("REFUSED")
            continue
        say(f"ACK {hashlib.sha256(raw).hexdigest()}")
        break
    context = in_force(url, folder)
    rules = filing.Rules("n1")
    held: tuple[intake.Claim, ...] = ()
    for _ in range(6):
        try:
            if held:
                with db.write() as conn:
                    intake.give_back(conn, held)
            held = filing.claim(db, rules, utc_now())
            if not held:
                break
            filing.file_claimed(db, held, context, rules, utc_now)
            held = ()
            say("FILED")
        except StoreError:
            say("TROUBLE")
    db.close()


def load_until_killed(folder: Path) -> None:
    """Start workers as a node does, then accept mail after mail, each said once it is ours."""
    settings = load(folder / "aboard.yaml", {})
    db = Database(settings.database_url())
    supervisor = Supervisor(settings, db)
    supervisor.start()
    say("READY")
    supervisor.wait_ready(30)
    start = int((folder / "next").read_text())
    for number in range(start, start + 100_000, 3):
        raws = [raw_mail(one) for one in range(number, number + 3)]
        accept(db, [Incoming(raw, "smtp", utc_now()) for raw in raws], "n1")
        for raw in raws:
            say(f"ACK {hashlib.sha256(raw).hexdigest()}")
        supervisor.wake()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        load_until_killed(Path(sys.argv[1]))
    else:
        serve(lambda words: one_mail(words[0], Path(words[1]), int(words[2])))
