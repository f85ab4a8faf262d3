"""The demo's live people: customers who answer what is sent to them, a colleague who gets in the
way and takes handoffs on.

What leaves Aboard goes to a port of this very process and no further: the customers read it there
and answer through Aboard's own SMTP port. Nothing can reach the world.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from inbox.cli.play_answers import Heard, Says, answer
from inbox.cli.story import Story, StoryMail
from inbox.cli.story_file import Person
from inbox.clock import monotonic, utc_now
from inbox.config import Listen, Smtp
from inbox.errors import AboardError
from inbox.flow.leaving.compose import reply_subject
from inbox.flow.promises import handoff
from inbox.flow.working import live
from inbox.flow.working.drafts import Drafting, Typed
from inbox.mail.letter import Address, AutomaticKind, Letter
from inbox.mail.parse import parse_letter
from inbox.mail.writing import File, Outgoing, write
from inbox.net.envelope import Received
from inbox.net.smtp_in import Ingress
from inbox.store import handoffs, people, presence
from inbox.store.database import Database

SEED = 17
COLLEAGUES = ("priya", "tom")
"""Who starts to answer where somebody else does; the second where the first is who watches."""
WRITES_FOR = timedelta(seconds=25)
ACCEPTS_AFTER = timedelta(seconds=8)
TAB = "demo"
HALF_WRITTEN = "I can take this one, I am just looking at the log"


class Sink:
    """Where the demo's mail goes: a port on loopback that keeps it and passes nothing on."""

    def __init__(self, port: int, heard: Callable[[Received], None]) -> None:
        self._heard = heard
        self.taken = 0
        settings = Smtp(listen=Listen("127.0.0.1", port), mails_per_minute_per_sender=60_000)
        self._ingress = Ingress(
            settings, self._take, lambda address: True, monotonic, lambda: secrets.token_hex(4)
        )

    async def start(self) -> None:
        """Listen."""
        await self._ingress.start()

    async def stop(self) -> None:
        """End."""
        await self._ingress.stop(1.0)

    def _take(self, mails: Sequence[Received]) -> None:
        for mail in mails:
            self.taken += 1
            self._heard(mail)


@dataclass(slots=True)
class Customers:
    """Everybody outside who answers. `deliver` hands a mail to Aboard's SMTP port and blocks."""

    story: Story
    deliver: Callable[[StoryMail], None]
    tell: Callable[[str], None]
    seed: int = SEED
    _answered: Counter[tuple[str, str]] = field(default_factory=Counter)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _listening: bool = False

    def listen(self) -> None:
        """From now on they answer; what came before was history."""
        self._listening = True

    def stop(self) -> None:
        """Nobody says anything more."""
        self._listening = False
        for task in self._tasks:
            task.cancel()
        self._answered.clear()

    def hear(self, mail: Received) -> None:
        """A mail of ours reached the sink; called in the event loop."""
        if not self._listening:
            return
        letter = parse_letter(mail.raw, envelope_from=mail.reverse_path or None)
        if letter.automatic.kind is not AutomaticKind.NONE:
            return  # no machine is answered by anybody of ours either
        for address in mail.forward_paths:
            person = self._person(address)
            if person is not None:
                self._answer(person, letter)

    def _person(self, address: str) -> Person | None:
        found = (one for one in self.story.people if one.address.lower() == address.lower())
        person = next(found, None)
        ours = self.story.script.mailbox.rpartition("@")[2]
        return None if person is None or person.address.endswith(f"@{ours}") else person

    def _answer(self, person: Person, letter: Letter) -> None:
        root = (letter.references or (letter.message_id or "",))[0]
        key = (person.address, root)
        says = answer(
            Heard(
                address=person.address,
                language=person.language,
                text=letter.visible_text,
                answered=self._answered[key],
                sent=self.story.files_of(person, utc_now()),
            ),
            self.seed,
        )
        if says is None:
            return
        self._answered[key] += 1
        task = asyncio.get_running_loop().create_task(self._say(person, letter, says))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _say(self, person: Person, letter: Letter, says: Says) -> None:
        await asyncio.sleep(says.after_seconds)
        mail = self._mail(person, letter, says, utc_now())
        await asyncio.to_thread(self.deliver, mail)
        self.tell(f"  {person.name} answers: {says.text}")

    def _mail(self, person: Person, letter: Letter, says: Says, now: datetime) -> StoryMail:
        to = (letter.reply_to or letter.from_)[0]
        quoted = "\n".join(f"> {line}" for line in letter.text.strip().splitlines()[:40])
        who = letter.from_[0].name or letter.from_[0].address
        text = f"{says.text}\n\n{person.signature or person.name}\n\n{who} wrote:\n{quoted}\n"
        number = next(self._numbers)
        raw = write(
            Outgoing(
                mail_id=f"play-{number}-{secrets.token_hex(6)}@{person.address.partition('@')[2]}",
                date=now,
                from_=Address(person.name, person.address),
                to=(to,),
                subject=reply_subject(letter.subject),
                text=text,
                in_reply_to=letter.message_id,
                references=(*letter.references, letter.message_id or ""),
                files=tuple(File(name, "application/pdf", b"%PDF-1.4\n") for name in says.files),
            )
        )
        return StoryMail(f"play-{number}", now, person.address, (to.address,), raw, None)


@dataclass(slots=True)
class Colleague:
    """Somebody of ours who is at work too: looks in, starts to answer, leaves; takes handoffs."""

    db: Database
    tell: Callable[[str], None]
    _at: tuple[int, str, datetime] | None = None
    _draft: int | None = None
    _been: set[int] = field(default_factory=set)

    def look(self, now: datetime) -> None:
        """Once a second: do what a colleague would do now."""
        self._take_handoffs(now)
        with self.db.read() as conn:
            here = presence.here(conn, now - live.EXPIRES)
        if self._at is not None:
            self._go_on(now)
            return
        for one in here:
            if one.does == "writes" and one.thread_id not in self._been:
                by = next(handle for handle in COLLEAGUES if handle != one.handle)
                self._been.add(one.thread_id)
                self._at = (one.thread_id, by, now)
                self._go_on(now)
                self.tell(f"  {by} starts to answer the same thread")
                return

    def _go_on(self, now: datetime) -> None:
        assert self._at is not None
        thread_id, by, since = self._at
        with self.db.read() as conn:
            person = people.by_handle(conn, by)
        drafting = Drafting(self.db, by)
        if now - since < WRITES_FOR:
            live.at_thread(self.db, person.id, TAB, thread_id, "writes", now)
            if self._draft is None:
                saved = drafting.save(Typed(thread_id, "reply", HALF_WRITTEN, {}), now)
                self._draft = None if saved is None else saved.draft.id
            return
        live.left(self.db, person.id, TAB)
        if self._draft is not None:
            drafting.discard(self._draft, thread_id, now)
        self._at = self._draft = None

    def _take_handoffs(self, now: datetime) -> None:
        with self.db.read() as conn:
            offered = [
                one for one in handoffs.listing(conn) if one.offered_at < now - ACCEPTS_AFTER
            ]
            holders = {one.to_team: people.duty_holder(conn, one.to_team) for one in offered}
        for one in offered:
            by = holders[one.to_team].handle
            try:
                handoff.accept(self.db, one.id, by, now)
            except AboardError:
                continue  # they are away, or somebody was quicker
            self.tell(f"  {by} accepts what was handed to {one.to_team}")
