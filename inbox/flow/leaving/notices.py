"""Automatic mail to customers: to whom, with which values, whether now; composed and enqueued.

Everything automatic that leaves for a customer goes through `Notices.send`, so the bounds of
DESIGN I9 hold for all of it together. When a mail is wanted is decided by who calls it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from inbox.flow import extras
from inbox.flow.admin.admin_set import AdminFiles
from inbox.flow.leaving import compose
from inbox.flow.leaving.compose import Draft, Plan, Post
from inbox.flow.texts.day_words import day_in_words
from inbox.flow.texts.render import DEFAULT, MOST_LISTED, Rendered, TemplateTrouble
from inbox.mail.letter import Address
from inbox.mail.outgoing import Unsendable, wire_address
from inbox.store import (
    accounts,
    audience,
    followup_facts,
    handoffs,
    loops,
    messages,
    people,
    threads,
    timeline,
)
from inbox.store.accounts import Account
from inbox.store.columns import fitting
from inbox.store.database import Conn, one_at_a_time
from inbox.store.messages import Message
from inbox.store.outbox_tables import MOST_KEY
from inbox.store.threads import Thread
from routing import manners
from routing.hours import ALWAYS, Calendar
from routing.manners import ASKS, LATE, TELLS, Automatic, Earlier, Permission, Quiet

HUMAN = ("none", "list")
ZONE_TAG = "zone:"
"""An account with the tag `zone:Europe/Lisbon` has its clock there."""
SKIPPED, PARKED = "follow-up-skipped", "follow-up-parked"


@dataclass(frozen=True, slots=True)
class About:
    """A thread with all that mail about it may say."""

    thread: Thread
    account: Account
    mails: tuple[Message, ...]
    """Those between the customer and us; who was asked aside gets nothing automatic."""
    calendar: Calendar
    """When its team works."""
    zone: ZoneInfo
    """The customer's clock, else the team's."""


@dataclass(frozen=True, slots=True)
class Wish:
    """An automatic mail that somebody wants to send."""

    about: About
    template: str
    to: Address
    sequence: str
    step: str
    cycle: int
    answers: Message | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    """What is known beside the thread: `due_at`, `waiting_since`."""
    edited: Mapping[str, str] | None = None
    """Subject and body as a person wrote them, instead of the template's."""
    acknowledges: bool = False
    vouched: bool = True
    subject_id: int = 0
    """The message that is acknowledged; else it is about the thread."""

    @property
    def key(self) -> str:
        """Never two mails of one key (DESIGN I3)."""
        kind, number = ("message", self.subject_id) if self.subject_id else ("", 0)
        subject = f"{kind}/{number}" if kind else f"thread/{self.about.thread.id}"
        named = f"{self.sequence}/{self.step}/{self.cycle}/{self.to.address.lower()}"
        return fitting(f"{subject}/{named}", MOST_KEY)


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a wish."""

    what: str
    """`queued`, `held`, `there` (under its key already), `later`, `skipped` or `parked`."""
    why: str = ""
    item_id: int | None = None
    not_before: datetime | None = None


class Notices:
    """Automatic mail within one transaction that holds the accounts concerned."""

    def __init__(self, conn: Conn, files: AdminFiles, post: Post | None, now: datetime) -> None:
        """Without a post nothing can be sent, only planned."""
        self.conn, self.files, self.now = conn, files, now
        self._post = post
        self._teams = {one.name: one for one in files.directory.teams}
        self._being_read: frozenset[str] | bool | None = False

    @property
    def post(self) -> Post:
        """What sending needs."""
        assert self._post is not None, "nothing can be sent without a post"
        return self._post

    def about(self, thread_id: int) -> About:
        """A thread as it is now; those joined into another stand for that one."""
        thread = threads.by_id(self.conn, thread_id)
        account = accounts.by_id(self.conn, thread.account_id)
        calendar = self.calendar(thread.team)
        zone = next((z for tag in account.tags if (z := _zone(tag)) is not None), None)
        mails = tuple(
            one for one in messages.of_thread(self.conn, thread.id) if not extras.is_aside(one)
        )
        return About(thread, account, mails, calendar, zone or ZoneInfo(calendar.zone))

    def calendar(self, team: str) -> Calendar:
        """When a team works: its hours, those of sla.yaml, else round the clock."""
        there = self._teams.get(team)
        own = None if there is None else there.hours
        shared = None if self.files.sla is None else self.files.sla.hours
        return own or shared or ALWAYS

    def role(self, template: str) -> str:
        """What kind of mail a template makes; `tells` for one that is gone."""
        found = self.files.mail.by_name.get(template)
        return TELLS if found is None else found.role

    def is_ours(self, address: str) -> bool:
        """Is it a mailbox of ours, or one of our people?"""
        own = {one.address.lower() for one in self.files.directory.people}
        mailboxes = () if self._post is None else self._post.mailboxes
        return compose.is_mailbox(mailboxes, address) or address.lower() in own

    def being_read(self, address: str) -> bool:
        """Has mail from there, or from that domain, been accepted that nobody has read yet?"""
        if isinstance(self._being_read, bool):
            self._being_read = followup_facts.senders_being_read(self.conn)
        if self._being_read is None:
            return True
        domain = address.lower().rpartition("@")[2]
        return any(one.rpartition("@")[2] == domain for one in self._being_read if one)

    # --- May it go? ---------------------------------------------------------------------------

    def permission(self, wish: Wish, leaving: int | None = None) -> Permission:
        """May it go now? `leaving` is the outbox item that is about to: only what has left by
        now, or is leaving, counts beside it."""
        if loops.is_stopped(self.conn, wish.to.address.lower()):
            why = f"{wish.to.address} answers by machine too often: nothing automatic goes there"
            return Permission(False, None, why)
        role = self.role(wish.template)
        address = wish.to.address.lower()
        if leaving is not None:
            # Others may be about to write to them from another account, which nobody here holds.
            one_at_a_time(self.conn, f"automatic mail to {address}")
        past = followup_facts.automatic_to(self.conn, address, self.now - manners.DAY)
        if leaving is not None:
            past = tuple(one for one in past if one.item_id != leaving and _has_left(one))
        sent = [
            Earlier(one.settled_at or one.created_at, self.role(one.template), one.thread_id)
            for one in past
        ]
        wanted = Automatic(
            role=role,
            thread_id=wish.about.thread.id,
            quiet=None if leaving is not None else self._quiet(role, wish.about.zone),
            answers_at=None if leaving is not None or wish.answers is None else self.now,
            vouched=wish.vouched,
            strangers_in_hour=0 if wish.vouched else self._strangers(),
        )
        if not wish.acknowledges:
            wanted = Automatic(wanted.role, wanted.thread_id, wanted.quiet)
        return manners.may_send(wanted, sent, self.files.followups.limits, self.now)

    def _quiet(self, role: str, zone: ZoneInfo) -> Quiet | None:
        quiet = self.files.followups.quiet
        if quiet is None or role in self.files.followups.quiet_except:
            return None
        return Quiet(quiet[0], quiet[1], zone)

    def _strangers(self) -> int:
        told = self.files.followups.acknowledge
        names = {told.template, told.after_hours}
        return followup_facts.to_strangers(self.conn, names, self.now - timedelta(hours=1))

    def never(self, wish: Wish) -> str:
        """Why it may not go to this person at all; empty where it may."""
        address = wish.to.address.lower()
        if wish.about.account.kind != "customer" or self.is_ours(address):
            return f"{address} is one of us"
        answered = [one for one in wish.about.mails if one.from_address == address]
        if answered and not answered[-1].may_answer and answered[-1].automatic in HUMAN:
            return f"{address} asks for no automatic answers"
        back = audience.bounced(self.conn, [address])
        if address in back:
            return f"mail to {address} comes back"
        return ""

    # --- On its way ---------------------------------------------------------------------------

    def send(self, wish: Wish) -> Done:
        """Put it into the outbox where it may go; nothing is written where it may not."""
        why = self.never(wish)
        if why:
            return Done("skipped", why)
        allowed = self.permission(wish)
        if not allowed.send:
            what = "skipped" if allowed.not_before is None else "later"
            return Done(what, allowed.why, not_before=allowed.not_before)
        try:
            composed = compose.compose(self._draft(wish), self.post, self.now)
        except (TemplateTrouble, Unsendable) as trouble:
            return Done("parked", str(trouble))
        plan = Plan(
            key=wish.key,
            kind="automatic",
            thread_id=wish.about.thread.id,
            account_id=wish.about.account.id,
            template=wish.template,
            answers_id=None if wish.answers is None else wish.answers.id,
            cancel_if_answered=self.role(wish.template) == ASKS,
        )
        there = compose.enqueue(self.conn, composed, plan, self.post, self.now)
        what = "there" if not there.fresh else "held" if self.post.held else "queued"
        return Done(what, item_id=there.item_id)

    def _draft(self, wish: Wish) -> Draft:
        team = self._teams.get(wish.about.thread.team)
        rendered = self.rendered(wish)
        return Draft(
            mailbox=self.mailbox(wish.about),
            from_name=wish.about.thread.team if team is None else team.title,
            to=(Address(wish.to.name, wire_address(wish.to.address).lower()),),
            subject=rendered.subject,
            text=rendered.text,
            html=rendered.html,
            answers=wish.answers,
            automatic="auto-replied" if wish.acknowledges else "auto-generated",
            null_reverse_path=wish.acknowledges,
            language=rendered.language,
        )

    def rendered(self, wish: Wish) -> Rendered:
        """The mail's words. Raises `TemplateTrouble`."""
        language = self.language(wish)
        if wish.edited is not None:
            return Rendered(wish.edited["subject"], wish.edited["body"], None, language)
        template = self.files.mail.by_name.get(wish.template)
        known = (
            set() if template is None else {one.partition(".")[0] for one in template.variables()}
        )
        values = {key: value for key, value in self.values(wish).items() if key in known}
        return self.files.mail.render(wish.template, language, values)

    def language(self, wish: Wish) -> str:
        """The variant that the reader gets: the language of their last mail that we know."""
        spoken = [one.language for one in wish.about.mails if one.direction == "in"]
        own = [one.language for one in wish.about.mails if one.from_address == wish.to.address]
        wanted = next((one for one in (*reversed(own), *reversed(spoken)) if one), DEFAULT)
        template = self.files.mail.by_name.get(wish.template)
        plain = wanted.lower().partition("-")[0]
        return plain if template is not None and plain in template.variants else DEFAULT

    def mailbox(self, about: About) -> str:
        """The mailbox of ours that the customer writes to."""
        for mail in reversed(about.mails):
            named = [a for key in ("to", "cc") for _, a in mail.recipients.get(key, ())]
            for one in self.post.mailboxes:
                if any(compose.is_mailbox((one,), a) for a in (*named, mail.from_address)):
                    return one.address
        return self.post.mailboxes[0].address

    def values(self, wish: Wish) -> dict[str, Any]:
        """What templates may name; see `flow.texts.render` for what each means."""
        about, thread = wish.about, wish.about.thread
        team, mailbox = self._teams.get(thread.team), self.mailbox(about)
        name = wish.to.name.strip()
        handed = handoffs.last_accepted(self.conn, thread.id)
        since = wish.values.get("waiting_since") or thread.last_out_at or self.now
        found: dict[str, Any] = {
            "team": {"title": thread.team if team is None else team.title},
            "mailbox": {
                "name": next((m.name for m in self.post.mailboxes if m.address == mailbox), ""),
                "address": mailbox,
            },
            "contact": {"name": name, "first_name": name.partition(" ")[0]},
            "account": {"name": about.account.name},
            "thread": {"subject": thread.subject},
            "person": {"name": people.by_id(self.conn, thread.accountable_id).name},
            "asks": [] if handed is None else list(handed.asks)[:MOST_LISTED],
            "waiting_days": max((self.now - since).days, 0),
            "previous": {
                "name": "" if handed is None else people.by_id(self.conn, handed.giver_id).name
            },
            "stage": about.account.stage or "",
        }
        due_at = wish.values.get("due_at")
        if due_at is not None:
            local = due_at.astimezone(about.zone)
            day = day_in_words(local, self.language(wish))
            found["due"] = {"day": day, "time": f"{local:%H:%M}"}
        return found

    # --- Written down -------------------------------------------------------------------------

    def event(self, about: About, kind: str, data: Mapping[str, Any]) -> int:
        """Note something on the thread's timeline."""
        account, thread = about.account.id, about.thread.id
        return timeline.add(
            self.conn, timeline.Event(account, thread, None, self.now, kind, "aboard", dict(data))
        )

    def note(self, wish: Wish, done: Done) -> None:
        """Note why a mail was not sent; of what was sent its own events tell."""
        if done.what not in ("skipped", "parked"):
            return
        data = {"template": wish.template, "sequence": wish.sequence, "step": wish.step}
        data |= {"to": wish.to.address, "why": done.why}
        self.event(wish.about, SKIPPED if done.what == "skipped" else PARKED, data)


def customer_of(
    about: About, is_ours: Callable[[str], bool], *, unanswered: bool
) -> Message | None:
    """Whose mail it is about: with `unanswered` the oldest that nobody of us answered; else, and
    where there is none, the last that a person of the customer's wrote."""
    human = [
        one
        for one in about.mails
        if one.direction == "in" and one.automatic in HUMAN and not is_ours(one.from_address)
    ]
    if unanswered:
        ours = [m.received_at for m in about.mails if m.direction == "out" and m.automatic in HUMAN]
        waiting = [one for one in human if not ours or one.received_at > max(ours)]
        if waiting:
            return waiting[0]
    return human[-1] if human else None


def written_to(about: About, is_ours: Callable[[str], bool]) -> Address | None:
    """Whom our last mail on the thread was for, where the customer has written none."""
    for mail in reversed(about.mails):
        if mail.direction == "out":
            for name, address in mail.recipients.get("to", ()):
                if not is_ours(address):
                    return Address(name, address.lower())
    return None


def addressee(
    about: About, is_ours: Callable[[str], bool], *, unanswered: bool = False
) -> tuple[Address, Message | None] | None:
    """To whom an automatic mail on this thread goes, and which mail it answers."""
    mail = customer_of(about, is_ours, unanswered=unanswered)
    if mail is not None:
        return Address(mail.from_name, mail.from_address), mail
    to = written_to(about, is_ours)
    return None if to is None else (to, None)


def _has_left(one: followup_facts.Past) -> bool:
    return one.state in ("sent", "uncertain") or one.phase in ("data", "dot")


def _zone(tag: str) -> ZoneInfo | None:
    if not tag.lower().startswith(ZONE_TAG):
        return None
    try:
        return ZoneInfo(tag[len(ZONE_TAG) :])
    except (ValueError, OSError):
        return None  # a tag is what somebody typed


__all__ = ["ASKS", "LATE", "About", "Done", "Notices", "Wish", "addressee"]
