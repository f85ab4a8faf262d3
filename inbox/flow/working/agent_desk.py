"""Does what our own people say by mail, when `flow.deciding.agents` has found that it is theirs.

All of a mail is understood before any of it is done. The text leaves as the team's reply, under a
key of its own, so that a mail that is worked on twice replies once; then come the commands, each
noted in the transaction that does it. What cannot be done is told to who asked, by mail.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from inbox import log
from inbox.errors import AboardError, StoreError
from inbox.flow.deciding.agents import HELD_KIND, KIND
from inbox.flow.deciding.proposals import MADE_EVENT, event
from inbox.flow.leaving.compose import Post
from inbox.flow.promises import handoff, sla
from inbox.flow.promises.handoff import Offer
from inbox.flow.working import desk, reply
from inbox.flow.working.reply import StaleReply
from inbox.flow.working.work import Desk
from inbox.mail import agent_commands
from inbox.mail.agent_commands import Command, Said
from inbox.mail.opened import OpenedMail
from inbox.mail.writing import File
from inbox.store import (
    accounts,
    agent_mails,
    agent_notices,
    ledger,
    messages,
    outbox_desk,
    people,
    proposals,
    threads,
    timeline,
)
from inbox.store.agent_mails import AgentMail
from inbox.store.agent_notices import NewNotice
from inbox.store.database import Conn, Database, Within
from inbox.store.messages import Message
from inbox.store.people import Person
from inbox.store.proposals import Proposal
from inbox.store.seers import seer_of
from routing.load_then import read_duration

BATCH = 50
LEASE = timedelta(minutes=10)
"""How long a node may take for one mail until another thinks that it died."""
DONE, ERROR = "answer-done", "answer-error"
STALE = "stale"
REPLY_KEY = "agent-mail/"
HELD_EVENT = "agent-mail-held"


@dataclass(frozen=True, slots=True)
class _Job:
    """A mail of ours that is being done."""

    made: AgentMail
    person: Person
    message: Message
    said: Said
    thread_id: int
    files: tuple[File, ...]


class _Wrong(Exception):
    """Nothing of the mail is done; `str` says why."""


class _Lost(Exception):
    """Another node took the mail over: it thought that this one had died."""


@dataclass(frozen=True, slots=True)
class AgentDesk:
    """Our own people's mails, done one after the other."""

    db: Database
    post: Post

    def work(self, now: datetime, stop: Callable[[], bool] = lambda: False) -> int:
        """Do everything that waits; how many mails. Raises `StoreError`."""
        with self.db.read() as conn:
            waiting = agent_mails.pending(conn, BATCH)
        done = 0
        for made in waiting:
            if stop():
                break
            with self.db.write() as conn:
                if not agent_mails.take(conn, made.message_id, now, LEASE):
                    continue
            try:
                self._do(made, now)
            except StoreError:
                raise
            except _Lost:
                continue
            except AboardError as reason:
                self._settle(made, agent_mails.REFUSED, ERROR, {"why": str(reason)}, now)
            except Exception as error:
                # A bug of ours must not stand in the way of the mails behind this one.
                log.step_failed(error)
                why = "something went wrong here; it was not carried out"
                self._settle(made, agent_mails.REFUSED, ERROR, {"why": why}, now)
            done += 1
        return done

    def _do(self, made: AgentMail, now: datetime) -> None:
        try:
            job = self._understood(made)
        except _Wrong as reason:
            self._settle(made, agent_mails.REFUSED, ERROR, {"why": str(reason)}, now)
            return
        if any(one.name == "send" for one in job.said.commands):
            self._release(job, now)
            return
        try:
            done = self._reply(job, now)
        except StaleReply as stale:
            self._hold(job, stale, now)
            return
        for number, command in enumerate(job.said.commands):
            name = f"{number}:{command.name} "
            before = next((one for one in made.steps_done if one.startswith(name)), None)
            if before is not None:
                done.append(before.removeprefix(name))
                continue
            try:
                done.append(self._step(job, (name, command), now))
            except StoreError:
                raise
            except AboardError as reason:
                data = {"why": _but(done, f"#{command.name}: {reason}")}
                self._settle(made, agent_mails.REFUSED, ERROR, data, now)
                return
        self._settle(made, agent_mails.DONE, DONE, {"done": done}, now)

    # --- What it says ---------------------------------------------------------------------------

    def _understood(self, made: AgentMail) -> _Job:
        if made.thread_id is None:
            raise _Wrong("the mail that you answered is about several threads: answer that of one")
        with self.db.read() as conn:
            message = messages.by_id(conn, made.message_id)
            person = people.by_id(conn, made.person_id)
            files = _files(conn, message)
            notice = outbox_desk.by_id(conn, made.item_id)
            teams = {one.lower(): one for one in people.team_names(conn)}
            handles = {one.handle for one in people.everybody(conn).values() if one.active}
            # What they may no longer see they may no longer work on.
            thread = threads.by_id(conn, made.thread_id, seer_of(conn, person))
        said = agent_commands.read(message.text)
        problems = list(said.problems)
        if files and (said.is_note or not said.text):
            problems.append(
                f"{len(files)} files came with it, but no text that goes to the customer"
            )
        if any(notice.mail_id.encode() in one.content for one in files):
            problems.append("the notice itself came with it as a file; it is not for the customer")
        for command in said.commands:
            problems += _impossible(command, teams, handles)
        if problems:
            raise _Wrong("; ".join(problems))
        return _Job(made, person, message, said, thread.id, files)

    def _reply(self, job: _Job, now: datetime) -> list[str]:
        """The text goes to the customer; what was done, as a list to go on with."""
        key = f"{REPLY_KEY}{job.message.id}"
        if not job.said.text or job.said.is_note:
            return []
        with self.db.read() as conn:
            there = outbox_desk.by_key(conn, key)
        if there is not None:
            return ["your answer was sent before"]
        wish = reply.Wish(
            thread_id=job.thread_id,
            by=job.person.handle,
            text=job.said.text,
            seen_id=job.made.seen_id,
            files=job.files,
            key=key,
        )
        post = replace(self.post, undo_for=timedelta(0))
        queued = reply.reply(self.db, wish, post, now, sla.told)
        to = ", ".join(one.address for one in queued.planned.audience.to)
        return [f"your answer goes to {to}" + (" when somebody releases it" if queued.held else "")]

    def _step(self, job: _Job, named: tuple[str, Command], now: datetime) -> str:
        """Do a command and note that it is done, both or neither."""
        name, command = named
        with self.db.write() as conn:
            accounts.lock(conn, [threads.by_id(conn, job.thread_id).account_id])
            mine = agent_mails.hold(conn, job.message.id, now)
            if mine is None:
                raise _Lost
            what = _command(conn, job, command, now)
            steps = [*mine.steps_done, f"{name}{what}"]
            agent_mails.save(conn, job.message.id, steps_done=steps)
        return what

    # --- Held -----------------------------------------------------------------------------------

    def _hold(self, job: _Job, stale: StaleReply, now: datetime) -> None:
        """Something newer arrived: nothing of the mail is done until its author says so again."""
        why = "; ".join(stale.newer)
        with self.db.write() as conn:
            thread = threads.by_id(conn, job.thread_id)
            accounts.lock(conn, [thread.account_id])
            what = f"Send {job.person.name}'s answer although something newer arrived"
            data = {"what": what, "why": why, "handle": job.person.handle, STALE: True}
            made = Proposal(KIND, thread.account_id, thread.id, job.message.id, data, now)
            made = replace(made, id=proposals.add(conn, made))
            happened = timeline.Event(
                account_id=thread.account_id,
                thread_id=thread.id,
                message_id=None,
                at=now,
                kind=HELD_EVENT,
                actor=f"person:{job.person.handle}",
                data={"why": why, "proposal": str(made.id)},
            )
            timeline.append(conn, [event(made, MADE_EVENT, "aboard", now), happened])
            agent_mails.save(conn, job.message.id, state=agent_mails.HELD, why=why)
            _tell(conn, job.made, HELD_KIND, {"why": why}, now)

    def _release(self, job: _Job, now: datetime) -> None:
        """`#send`: the answer that was held on this thread goes as it is."""
        if len(job.said.commands) > 1 or job.said.text:
            raise AboardError("#send goes alone: it sends the answer that was held")
        with self.db.write() as conn:
            held = [
                one
                for one in proposals.listing(conn, thread_id=job.thread_id)
                if one.kind == KIND
                and one.data.get(STALE)
                and one.data.get("handle") == job.person.handle
            ]
            if not held or held[-1].message_id is None:
                raise AboardError("no answer of yours is held on this thread")
            proposals.settle(conn, held[-1].id, proposals.APPLIED, job.person.id, now)
            applied = event(held[-1], "proposal-applied", f"person:{job.person.handle}", now)
            timeline.append(conn, [applied])
            let_go(conn, held[-1], job.made.seen_id)
            agent_mails.save(
                conn, job.message.id, state=agent_mails.DONE, settled_at=now, why="#send"
            )

    # --- Written down ---------------------------------------------------------------------------

    def _settle(
        self, made: AgentMail, state: str, kind: str, data: Mapping[str, object], now: datetime
    ) -> None:
        why = data.get("why")
        with self.db.write() as conn:
            if agent_mails.hold(conn, made.message_id, now) is None:
                raise _Lost
            agent_mails.save(conn, made.message_id, state=state, settled_at=now, why=why)
            _tell(conn, made, kind, data, now)


def _command(conn: Conn, job: _Job, command: Command, now: datetime) -> str:
    """Do it, within the transaction; what was done, in words."""
    within, name, rest = Within(conn), command.name, command.rest
    at = Desk(within, job.person.handle)
    if name == "note":
        text = "\n\n".join(one for one in (rest, job.said.text) if one)
        at.note(job.thread_id, text, now)
        return "your note is on the thread"
    if name == "close":
        at.close(job.thread_id, now)
        return "the thread is closed"
    if name == "tag":
        words = rest.replace(",", " ").split()
        add = [one for one in words if not one.startswith("-")]
        at.tag(job.thread_id, add, [one[1:] for one in words if one.startswith("-")], now)
        return f"tagged {rest}"
    if name == "snooze":
        span = read_duration(rest)
        assert span is not None, "it was looked at before"
        at.snooze(job.thread_id, now + span, now)
        return f"put aside for {rest}"
    if name == "handoff":
        team, reason = rest.split(None, 1)
        offer = Offer(job.thread_id, team.lower(), job.person.handle, reason)
        handoff.offer(within, offer, now)
        return f"offered to {team.lower()}"
    return _assign(conn, job, rest.lower(), now)


def _assign(conn: Conn, job: _Job, to: str, now: datetime) -> str:
    if to in people.team_names(conn):
        desk.assign(Within(conn), job.thread_id, to, job.person.handle, now)
        return f"given to {to}"
    handle = job.person.handle if to == "me" else to.lstrip("@")
    Desk(Within(conn), job.person.handle).give(job.thread_id, handle, now)
    return f"given to {handle}"


def confirm(conn: Conn, made: Proposal, person: Person, now: datetime) -> None:
    """Apply a proposal of kind `agent-mail`: its author, signed in, says that it is theirs."""
    if made.data.get("handle") != person.handle:
        raise AboardError(f"only {made.data.get('handle')} can say that this mail is theirs")
    let_go(conn, made)


def let_go(conn: Conn, made: Proposal, seen_id: int | None = None) -> None:
    """What was held is done by the next round; a stale answer goes although it is stale, but not
    over what came after `seen_id`, which is the newest that its author has read by now."""
    there = None if made.message_id is None else agent_mails.by_message(conn, made.message_id)
    if there is None or there.state != agent_mails.HELD:
        raise AboardError("the mail is not held any more")
    if not made.data.get(STALE):
        seen_id = there.seen_id
    free = {"state": agent_mails.PENDING, "begun_at": None}
    agent_mails.save(conn, there.message_id, **free, seen_id=seen_id, why=None)


def _files(conn: Conn, message: Message) -> tuple[File, ...]:
    """The files of a mail, without the pictures of its signature."""
    listed = messages.attachments_of(conn, [message.id]).get(message.id, ())
    kept = [one for one in listed if not one.inline]
    if not kept:
        return ()
    opened = OpenedMail(ledger.raw_bytes(conn, message.raw_id))
    return tuple(
        File(one.name or "file", one.content_type.lower(), opened.file(one.path)) for one in kept
    )


def _tell(
    conn: Conn, made: AgentMail, kind: str, data: Mapping[str, object], now: datetime
) -> None:
    """Let its author know by mail what became of it."""
    thread_id = made.thread_id
    if thread_id is None:
        told = agent_notices.of_item(conn, made.item_id)
        thread_id = told[0].thread_id
    key = f"{kind}/{made.message_id}/{now.timestamp():.0f}/{made.person_id}"
    agent_notices.add(conn, [NewNotice(key, made.person_id, thread_id, kind, now, data)])


def _impossible(command: Command, teams: dict[str, str], handles: set[str]) -> Sequence[str]:
    """Why a command cannot be done whatever the thread is like."""
    rest = command.rest.lower()
    if command.name == "snooze":
        span = read_duration(command.rest)
        if span is None or not timedelta(0) < span <= timedelta(days=366):
            return [f"#snooze {command.rest}: write a time such as 4h, 3d or 2w"]
    known_there = rest in teams or rest.lstrip("@") in handles or rest == "me"
    if command.name == "assign" and not known_there:
        return [f"#assign {command.rest}: there is no such team and no such person"]
    if command.name == "handoff" and rest.split(None, 1)[0] not in teams:
        known = ", ".join(sorted(teams))
        return [f"#handoff {rest.split(None, 1)[0]}: there is no such team ({known})"]
    return []


def _but(done: Sequence[str], why: str) -> str:
    return f"{why} (done before that: {'; '.join(done)})" if done else why
