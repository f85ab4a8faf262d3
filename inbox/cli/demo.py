"""`aboard demo`: a whole working Aboard in a folder of its own, fed by a story over real SMTP.

The folder is made anew every time, so the demo always begins at the same point, and `reset` brings
it back there. Everything listens on loopback only. What leaves goes to a port of this process and
no further; the story's customers read it there and answer (`demo_cast`).
"""

from __future__ import annotations

import asyncio
import shlex
import shutil
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from inbox import log, shipped
from inbox.app import files_in_force, open_database, put_in_force
from inbox.cli import demo_past, output
from inbox.cli.demo_again import FOLDER, MARK, RESET, SNAPSHOT, file_of
from inbox.cli.demo_cast import Colleague, Customers, Sink
from inbox.cli.starter import write_folder
from inbox.cli.story import Story, StoryMail, deliver, deliver_all, load_story
from inbox.clock import utc_now
from inbox.config import Listen, Settings, load
from inbox.errors import AboardError
from inbox.flow.evidence.audit import audit
from inbox.flow.promises.climb import BREACHED
from inbox.flow.working import customers
from inbox.net.envelope import Received
from inbox.node import Node, Running
from inbox.store import accounts, handoffs, ledger, outbox_desk, snapshot, timeline
from inbox.store.database import Database

STORY = shipped.DATA / "demo"

PATIENCE = 60.0
"""Seconds that the history may take to be filed."""
QUIET = (
    "quiet_hours: {from: 20:00, until: 08:00}",
    "quiet_hours: {from: 20:00, until: 08:00, except: [late]}",
)
"""Whoever looks at night wants to see the notice of a broken promise too."""


async def play(folder: Path, *, once: bool, port: int) -> None:
    """Set up, deliver the history, serve; then let the live part of the story arrive.

    With `once`, deliver all of it at once and end. Raises `AboardError` where it cannot be played.
    """
    settings = _prepare(folder, port)
    db = open_database(settings)
    loop = asyncio.get_running_loop()
    try:
        for problem in put_in_force(db, settings):
            output.error(problem.framed())
        _import_accounts(db)
        node = Node(settings, db, demo=True)
        player = _Player(node, db, load_story(STORY), once)
        sink = Sink(settings.send.port, lambda mail: _soon(loop, player.customers.hear, mail))
        await sink.start()
        player.sink = sink
        try:
            await node.serve(player.start)
            await player.end()
        finally:
            await sink.stop()
    finally:
        db.close()


def _soon(
    loop: asyncio.AbstractEventLoop, heard: Callable[[Received], None], mail: Received
) -> None:
    """The sink's mail comes in a thread of its own; the customers live in the loop."""
    if not loop.is_closed():
        loop.call_soon_threadsafe(heard, mail)


def _prepare(folder: Path, port: int) -> Settings:
    if folder.is_dir() and any(folder.iterdir()):
        if not (folder / MARK).exists():
            raise AboardError(f"{folder}: it holds something that is no demo; name another folder")
        shutil.rmtree(folder)
    for _ in write_folder(folder):
        pass
    (folder / MARK).write_text("This folder is made anew by every `aboard demo`.\n")
    follow_ups = folder / "followups.yaml"
    follow_ups.write_text(follow_ups.read_text().replace(*QUIET))
    config = folder / "aboard.yaml"
    send = f"send: {{host: 127.0.0.1, port: {_free(2526)}, tls: none}}\n"
    config.write_text(
        f"{config.read_text()}\n# The demo's own port, which passes nothing on.\n{send}"
    )
    settings = load(config, {})
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
    sink: Sink | None = None
    customers: Customers = field(init=False)

    def __post_init__(self) -> None:
        self.customers = Customers(self.story, self._hand_over, output.line)

    def _hand_over(self, mail: StoryMail) -> None:
        deliver(*self._smtp(self.node.running), mail)

    async def start(self, running: Running) -> None:
        """Deliver the history through the SMTP port, say where to look, start the live part."""
        now = utc_now()
        history = demo_past.history(self.story, now)
        running.dated = True
        with output.progress("delivering six weeks of mail", len(history)) as advance:
            arrived = deliver_all(*self._smtp(running), history)
            while await asyncio.to_thread(next, arrived, None) is not None:
                advance(1)
        answers = self.story.answers(now)
        await asyncio.to_thread(demo_past.answers, self.db, self.node.settings, answers, now)
        await self._filed(len(history) + len(answers))
        running.dated = False
        await asyncio.to_thread(self._past, now)
        began = len(history) + len(answers) + len(demo_past.LATE)
        await self._filed(began)
        await self._settled()
        self._remember()
        if self.once:
            live = self.story.live(now)
            for mail in live:
                await asyncio.to_thread(deliver, *self._smtp(running), mail)
            await self._filed(began + len(live))
            await self._settled()
            self._summary()
            self.node.stop()
            return
        self._summary()
        self._welcome(running)
        self.live = asyncio.create_task(self._play(running, now))
        self.live.add_done_callback(_tell_failure)

    async def end(self) -> None:
        """Stop the live part."""
        if self.live is not None:
            self.live.cancel()
            await asyncio.gather(self.live, return_exceptions=True)

    def _past(self, now: datetime) -> None:
        """What happened before somebody looks and is no mail of customers."""
        demo_past.finished(self.db, now)
        demo_past.late(self.db, self.node.settings, self.story, now)
        if self.node.running.supervisor is not None:
            self.node.running.supervisor.wake()
        demo_past.deeds(self.db, self.node.settings, self.story, now)

    def _remember(self) -> None:
        """Keep how it began, for `aboard demo reset`."""
        folder = self.node.settings.folder
        snapshot.copy(file_of(self.node.settings), folder / SNAPSHOT)
        (folder / RESET).write_text("")

    async def _play(self, running: Running, now: datetime) -> None:
        """The live part, and again from its beginning whenever somebody goes back there."""
        while True:
            self.customers.listen()
            arriving = asyncio.create_task(self._arrive(running, self.story.live(now)))
            arriving.add_done_callback(_tell_failure)
            colleague = Colleague(self.db, output.line)
            seen = self._reset_at()
            try:
                while self._reset_at() == seen:
                    await self._let(colleague)
                    await asyncio.sleep(1.0)
            finally:
                arriving.cancel()
                self.customers.stop()
                await asyncio.gather(arriving, return_exceptions=True)
            output.line("  back at the beginning")

    async def _let(self, colleague: Colleague) -> None:
        """A colleague whose thread is gone, or whom the database keeps waiting, tries again."""
        try:
            await asyncio.to_thread(colleague.look, utc_now())
        except AboardError as error:
            log.database_trouble(error)

    def _reset_at(self) -> int:
        return (self.node.settings.folder / RESET).stat().st_mtime_ns

    async def _arrive(self, running: Running, live: Sequence[StoryMail]) -> None:
        began = asyncio.get_running_loop().time()
        for mail in live:
            due = began + (mail.after_seconds or 0.0)
            await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
            await asyncio.to_thread(deliver, *self._smtp(running), mail)
            output.line(f"  a mail arrives from {mail.reverse_path or 'a mail system'}")

    async def _settled(self) -> None:
        """Wait until what is due has been done and what is to leave has left."""
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while asyncio.get_running_loop().time() < deadline:
            with self.db.read() as conn:
                breached = timeline.any_of_kind(conn, BREACHED)
                waiting = outbox_desk.counts(conn)
            if breached and not waiting.get("queued") and not waiting.get("sending"):
                return
            await asyncio.sleep(0.2)
        raise AboardError(f"the demo did not come to rest within {PATIENCE:.0f} s: {waiting}")

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
            f"{result.accepted} mails of six weeks, {result.filed} filed on {threads}"
            f" threads of {len(customers_there)} accounts, {result.quarantined} in quarantine;"
            f" the ledger {'balances' if result.balanced else 'DOES NOT BALANCE'}"
        )
        with self.db.read() as conn:
            offers = [
                one for one in handoffs.listing(conn, settled=True) if one.state == "accepted"
            ]
        left = 0 if self.sink is None else self.sink.taken
        output.line(
            f"a promise was broken and its follow-up wrote to the customer; {len(offers)} handoff"
            f" accepted; {left} mails left, for this machine's own port and no further"
        )

    def _welcome(self, running: Running) -> None:
        output.line()
        output.line(f"  Open   http://{running.web}/")
        output.line(f"  Write  to onboarding@aboard.example by SMTP at {running.smtp}")
        folder = self.node.settings.folder
        config = _word(folder / "aboard.yaml")
        output.line(f"  Look   {_program()} --config {config} threads")
        output.line("  More mail arrives in a few seconds, and customers answer what you send.")
        reset = f"{_program()} demo reset"
        if folder != FOLDER:
            reset += f" --folder {_word(folder)}"
        output.line(f"  `{reset}` goes back to the beginning. Ctrl-C ends the demo.")
        output.line()


def _program() -> str:
    """Aboard as it has to be typed here: `make run` puts it on nobody's PATH."""
    program = Path(sys.argv[0])
    found = shutil.which(program.name)
    if found is not None and Path(found).resolve() == program.resolve():
        return program.name
    return _word(program.absolute())


def _word(path: Path) -> str:
    """A path as a word for a shell, from where we are."""
    with suppress(ValueError):
        path = path.relative_to(Path.cwd())
    return shlex.quote(str(path))


def _tell_failure(ended: asyncio.Task[None]) -> None:
    if not ended.cancelled() and (error := ended.exception()) is not None:
        output.error(f"the story goes no further: {error}")
