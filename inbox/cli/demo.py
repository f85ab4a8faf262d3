"""`aboard demo`: a whole working Aboard in a folder of its own, fed by a story over real SMTP.

The folder is made anew every time, so the demo always begins at the same point. Everything
listens on loopback only, and nothing can leave the machine: outgoing mail has no way out yet.
"""

from __future__ import annotations

import asyncio
import shutil
import socket
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from inbox import shipped
from inbox.app import files_in_force, open_database, put_in_force
from inbox.cli import output
from inbox.cli.starter import write_folder
from inbox.cli.story import Story, StoryMail, deliver, deliver_all, load_story
from inbox.clock import utc_now
from inbox.config import Listen, Settings, load
from inbox.errors import AboardError
from inbox.flow import customers
from inbox.flow.audit import audit
from inbox.node import Node, Running
from inbox.store import accounts, ledger
from inbox.store.database import Database

FOLDER = shipped.DATA / "var" / "demo"
STORY = shipped.DATA / "demo"
MARK = "demo-folder.txt"
"""Says that a folder may be made anew."""

PATIENCE = 60.0
"""Seconds that the history may take to be filed."""


async def play(folder: Path, *, once: bool, port: int) -> None:
    """Set up, deliver the history, serve; then let the live part of the story arrive.

    With `once`, deliver all of it at once and end. Raises `AboardError` where it cannot be played.
    """
    settings = _prepare(folder, port)
    db = open_database(settings)
    try:
        for problem in put_in_force(db, settings):
            output.error(problem.framed())
        _import_accounts(db)
        node = Node(settings, db, demo=True)
        player = _Player(node, db, load_story(STORY), once)
        await node.serve(player.start)
        await player.end()
    finally:
        db.close()


def _prepare(folder: Path, port: int) -> Settings:
    if folder.is_dir() and any(folder.iterdir()):
        if not (folder / MARK).exists():
            raise AboardError(f"{folder}: it holds something that is no demo; name another folder")
        shutil.rmtree(folder)
    for _ in write_folder(folder):
        pass
    (folder / MARK).write_text("This folder is made anew by every `aboard demo`.\n")
    settings = load(folder / "aboard.yaml", {})
    smtp = replace(settings.smtp, listen=Listen("127.0.0.1", _free(settings.smtp.listen.port)))
    web = replace(settings.web, listen=Listen("127.0.0.1", _free(port)))
    return replace(settings, smtp=smtp, web=web)


def _free(wanted: int) -> int:
    """The wanted port, or any free one where somebody else has it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _import_accounts(db: Database) -> None:
    files = files_in_force(db)
    known = customers.Known(files.directory.team_names, files.stages, files.directory.handles)
    path = STORY / "accounts.csv"
    lines = customers.read_csv(path.read_bytes(), str(path), known)
    customers.import_accounts(db, lines, utc_now() - timedelta(days=45))


@dataclass(slots=True)
class _Player:
    node: Node
    db: Database
    story: Story
    once: bool
    live: asyncio.Task[None] | None = None

    async def start(self, running: Running) -> None:
        """Deliver the history through the SMTP port, say where to look, start the live part."""
        now = utc_now()
        history = self.story.history(now)
        running.dated = True
        with output.progress("delivering six weeks of mail", len(history)) as advance:
            arrived = deliver_all(*self._smtp(running), history)
            while await asyncio.to_thread(next, arrived, None) is not None:
                advance(1)
        await self._filed(len(history))
        running.dated = False
        if self.once:
            live = self.story.live(now)
            for mail in live:
                await asyncio.to_thread(deliver, *self._smtp(running), mail)
            await self._filed(len(history) + len(live))
            self._summary()
            self.node.stop()
            return
        self._summary()
        self._welcome(running)
        self.live = asyncio.create_task(self._arrive(running, self.story.live(now)))

    async def end(self) -> None:
        """Stop the live part; a failure in it is shown."""
        if self.live is not None:
            self.live.cancel()
            await asyncio.gather(self.live, return_exceptions=True)

    async def _arrive(self, running: Running, live: Sequence[StoryMail]) -> None:
        began = asyncio.get_running_loop().time()
        for mail in live:
            due = began + (mail.after_seconds or 0.0)
            await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
            await asyncio.to_thread(deliver, *self._smtp(running), mail)
            output.line(f"  a mail arrives from {mail.reverse_path or 'a mail system'}")

    async def _filed(self, count: int) -> None:
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while asyncio.get_running_loop().time() < deadline:
            with self.db.read() as conn:
                counts = ledger.state_counts(conn)
            if sum(counts.values()) >= count and not counts["pending"]:
                return
            await asyncio.sleep(0.1)
        raise AboardError(f"the demo's mail was not filed within {PATIENCE:.0f} s: {counts}")

    @staticmethod
    def _smtp(running: Running) -> tuple[str, int]:
        assert running.smtp is not None
        return running.smtp.host, running.smtp.port

    def _summary(self) -> None:
        with self.db.read() as conn:
            listed = accounts.listing(conn, limit=100)
        result = audit(self.db)
        customers_there = [row for row in listed if row.account.kind == "customer"]
        threads = sum(row.threads for row in listed)
        output.line(
            f"{result.accepted} mails came in over SMTP: {result.filed} filed on {threads}"
            f" threads of {len(customers_there)} accounts, {result.quarantined} in quarantine;"
            f" the ledger {'balances' if result.balanced else 'DOES NOT BALANCE'}"
        )

    def _welcome(self, running: Running) -> None:
        output.line()
        output.line(f"  Open   http://{running.web}/")
        output.line(f"  Write  to onboarding@aboard.example by SMTP at {running.smtp}")
        output.line(
            f"  Look   aboard --config {_shown(self.node.settings.folder)}/aboard.yaml threads"
        )
        output.line("  More mail arrives in a few seconds. Ctrl-C ends the demo.")
        output.line()


def _shown(path: Path) -> Path:
    try:
        return path.relative_to(Path.cwd())
    except ValueError:
        return path
