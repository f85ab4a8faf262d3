"""Tells our own people by mail what was written down for them: one mail a thread, a digest above
the budget, nothing to who is away or wants none.

The reply address of each mail is signed for it alone (`mail.tokens.AGENT`): what comes back there
is judged by `flow.deciding.agents`. These mails are no customer's: they are on no timeline.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from inbox import log
from inbox.errors import NotFound, StoreError
from inbox.flow import extras
from inbox.flow.admin.admin_set import AdminFiles
from inbox.flow.admin.stored_sets import in_force
from inbox.flow.leaving import compose
from inbox.flow.leaving.compose import Composed, Draft, Plan, Post
from inbox.flow.texts import agent_words
from inbox.flow.texts.agent_words import Scene
from inbox.mail.letter import Address
from inbox.mail.outgoing import Unsendable
from inbox.mail.tokens import AGENT
from inbox.store import absences, accounts, agent_notices, messages, people, threads
from inbox.store.agent_notices import Notice
from inbox.store.database import Conn, Database
from inbox.store.people import Person
from inbox.store.seers import seer_of

BATCH = 500
HOUR = timedelta(hours=1)
OLDEST = timedelta(days=1)
"""Older news tells nobody anything by mail."""
RECEIPTS = frozenset({"answer-done", "answer-held", "answer-error"})
"""What is told of a person's own mail: not counted, and told to who is away or wants no news."""
HUMAN = ("none", "list")


@dataclass(frozen=True, slots=True)
class AgentPost:
    """What telling needs."""

    db: Database
    post: Post
    an_hour: int
    files: Callable[[Conn], AdminFiles | None] = in_force

    def sweep(self, now: datetime) -> int:
        """Tell everything that waits to be told, within the budgets; how many mails. Raises
        `StoreError`."""
        with self.db.read() as conn:
            if not agent_notices.any_pending(conn):
                return 0
        with self.db.write() as conn:
            round_ = _Round(conn, self, now)
            waiting = agent_notices.pending(conn, BATCH)
            for person_id, group in groupby(waiting, key=lambda one: one.person_id):
                round_.tell(person_id, tuple(group))
            return round_.mails


class _Round:
    """One sweep's transaction."""

    def __init__(self, conn: Conn, station: AgentPost, now: datetime) -> None:
        files = station.files(conn)
        if files is None:
            raise StoreError("nothing that admins own is in force yet")
        self._conn, self._post, self._now = conn, station.post, now
        self._an_hour = station.an_hour
        self._titles = {one.name: one.title for one in files.directory.teams}
        self._people = people.everybody(conn)
        self._away = absences.away(conn, now)
        self._want_none = agent_notices.want_none(conn)
        self.mails = 0

    def tell(self, person_id: int, waiting: Sequence[Notice]) -> None:
        """One person's share."""
        person = self._people[person_id]
        wanted: list[Notice] = []
        for one in waiting:
            why = self._why_not(person, one)
            if why:
                agent_notices.settle(
                    self._conn, [one.id], agent_notices.SKIPPED, self._now, why=why
                )
            else:
                wanted.append(one)
        for receipt in (one for one in wanted if one.kind in RECEIPTS):
            self._one(person, [receipt])
        self._news(person, [one for one in wanted if one.kind not in RECEIPTS])

    def _why_not(self, person: Person, one: Notice) -> str:
        """Why this notice is not told at all; empty where it is."""
        if not person.active:
            return f"{person.handle} is not one of us any more"
        if self._post.held or not self._post.mailboxes:
            return "no way out is configured"
        if self._now - one.at > OLDEST:
            return "it is older than a day"
        if not _sees(self._conn, person, one.thread_id):
            return f"{person.handle} may not see the thread"
        if one.kind in RECEIPTS:
            return ""
        if person.id in self._want_none:
            return f"{person.handle} wants no notices by mail"
        return f"{person.handle} is away" if person.handle in self._away else ""

    def _news(self, person: Person, news: Sequence[Notice]) -> None:
        by_thread: dict[int, list[Notice]] = {}
        for one in news:
            by_thread.setdefault(threads.by_id(self._conn, one.thread_id).id, []).append(one)
        told = agent_notices.told_since(self._conn, person.id, self._now - HOUR)
        left = self._an_hour - told
        if not by_thread or left <= 0:
            return  # it waits for the next hour, and comes in one mail then
        single = list(by_thread.values())
        rest = single[left - 1 :] if len(single) > left else []
        for group in single[: len(single) - len(rest)]:
            self._one(person, group)
        if rest:
            self._digest(person, rest)

    def _one(self, person: Person, told: Sequence[Notice]) -> None:
        scene = self._scene(told[0].thread_id)
        seen_id = messages.newest(self._conn, scene.thread.id)

        def words() -> tuple[str, str]:
            return agent_words.subject_of(scene, told), agent_words.text_of(scene, told, person)

        self._send(person, words, told, seen_id)

    def _digest(self, person: Person, groups: Sequence[Sequence[Notice]]) -> None:
        scenes = [(self._scene(one[0].thread_id), one) for one in groups]
        everything = [one for group in groups for one in group]
        self._send(person, lambda: agent_words.digest(scenes, person), everything, None)

    def _scene(self, thread_id: int) -> Scene:
        thread = threads.by_id(self._conn, thread_id)
        theirs = [
            one
            for one in messages.of_thread(self._conn, thread.id)
            if one.direction == "in" and one.automatic in HUMAN and not extras.is_aside(one)
        ]
        return Scene(
            thread,
            accounts.by_id(self._conn, thread.account_id),
            self._titles.get(thread.team, thread.team),
            self._people[thread.accountable_id],
            theirs[-1] if theirs else None,
        )

    def _send(
        self,
        person: Person,
        words: Callable[[], tuple[str, str]],
        told: Iterable[Notice],
        seen_id: int | None,
    ) -> None:
        ids = [one.id for one in told]
        composed = self._composed(person, words)
        if isinstance(composed, str):
            agent_notices.settle(self._conn, ids, agent_notices.SKIPPED, self._now, why=composed)
            return
        plan = Plan(key=f"notice/{ids[0]}/{person.id}", kind="notice")
        there = compose.enqueue(self._conn, composed, plan, self._post, self._now)
        if not there.fresh:
            return  # another node told it in this very instant, and knows what its mail says
        agent_notices.settle(
            self._conn,
            ids,
            agent_notices.SENT,
            self._now,
            item_id=there.item_id,
            seen_id=seen_id,
        )
        self.mails += 1

    def _composed(self, person: Person, words: Callable[[], tuple[str, str]]) -> Composed | str:
        """The mail, or why there is none; it asks the database nothing."""
        try:
            subject, text = words()
            draft = Draft(
                mailbox=self._post.mailboxes[0].address,
                from_name="Aboard",
                to=(Address(person.name, person.address),),
                subject=subject,
                text=text,
                automatic="auto-generated",
                purpose=AGENT,
            )
            return compose.compose(draft, self._post, self._now)
        except Unsendable as reason:
            return str(reason)
        except Exception as error:
            # A bug of ours must not keep everybody else's news back for ever.
            log.step_failed(error)
            return "it could not be written"


def lost_reason(conn: Conn, item_id: int) -> str | None:
    """Why a mail to one of us must not leave after all, right before DATA: they have left, or may
    no longer see what it tells of (DESIGN I7, I10). None where it may."""
    for one in agent_notices.of_item(conn, item_id):
        person = people.by_id(conn, one.person_id)
        if not person.active:
            return f"{person.handle} is not one of us any more"
        if not _sees(conn, person, one.thread_id):
            return f"{person.handle} may not see the thread"
    return None


def _sees(conn: Conn, person: Person, thread_id: int) -> bool:
    """A notice tells what the thread says: only to who may see it."""
    try:
        threads.by_id(conn, thread_id, seer_of(conn, person))
    except NotFound:
        return False
    return True
