"""May an automatic mail go to this person now? The bounds that hold whatever the other side says.

Values in, a permission out. `sent` is all automatic mail to the address in the last day and what is
about to leave; nothing here reads headers of theirs, so a responder that hides what it is is
bounded like any other (RFC 3834 section 2 is asked before: `may_answer`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

DAY = timedelta(hours=24)

ACKNOWLEDGES, TELLS, ASKS, LATE = "acknowledges", "tells", "asks", "late"
"""Roles of templates: see templates/mail/README.md."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What an operator may set."""

    most_a_day: int = 4
    """Automatic mails to one outside address in 24 hours."""
    asks_a_day: int = 1
    """Reminders and check-ins to one person in 24 hours, across all teams."""
    echo_for: timedelta = timedelta(minutes=10)
    """A mail that comes so soon after an automatic one of ours is taken for an answer to it."""
    strangers_an_hour: int = 30
    """Acknowledgements to senders whom nothing vouches for, over all of them."""


@dataclass(frozen=True, slots=True)
class Quiet:
    """Hours in which nothing automatic is sent, on the clock of who gets it."""

    begins: time
    ends: time
    zone: ZoneInfo

    def until(self, now: datetime) -> datetime | None:
        """When the quiet hours that hold now end; None outside of them."""
        local = now.astimezone(self.zone)
        at = local.time()
        over_midnight = self.begins > self.ends
        inside = (
            (at >= self.begins or at < self.ends)
            if over_midnight
            else (self.begins <= at < self.ends)
        )
        if not inside:
            return None
        day = local.date() + timedelta(days=1 if over_midnight and at >= self.begins else 0)
        end = datetime.combine(day, self.ends, self.zone).astimezone(now.tzinfo)
        return max(end, now + timedelta(minutes=1))  # a clock that was put forward over the end


@dataclass(frozen=True, slots=True)
class Earlier:
    """An automatic mail that went, or is about to go, to the address."""

    at: datetime
    role: str
    thread_id: int


@dataclass(frozen=True, slots=True)
class Automatic:
    """An automatic mail that somebody wants to send."""

    role: str
    thread_id: int
    quiet: Quiet | None = None
    """None for a mail that may come at any hour."""
    answers_at: datetime | None = None
    """When the mail came that an acknowledgement answers."""
    vouched: bool = True
    """Is the sender verified, or a contact that we know?"""
    strangers_in_hour: int = 0
    """Acknowledgements to strangers in the last hour, over all addresses."""


@dataclass(frozen=True, slots=True)
class Permission:
    """`send` it, else not before `not_before`; None there: not at all."""

    send: bool
    not_before: datetime | None
    why: str


def may_send(
    wanted: Automatic, sent: Sequence[Earlier], limits: Limits, now: datetime
) -> Permission:
    """Hold the bounds of DESIGN I9. Those that wait get an instant, acknowledgements are dropped:
    one that comes late says nothing any more."""
    recent = [one for one in sent if one.at > now - DAY]
    if wanted.role == ACKNOWLEDGES:
        refusal = _acknowledgement(wanted, recent, limits)
        return Permission(not refusal, None, refusal or "nothing speaks against it")
    if wanted.role == ASKS:
        asked = [one.at for one in recent if one.role == ASKS]
        if len(asked) >= limits.asks_a_day:
            due = sorted(asked)[-limits.asks_a_day] + DAY
            return Permission(False, due, "this person was reminded within the last 24 hours")
    if len(recent) >= limits.most_a_day:
        due = sorted(one.at for one in recent)[-limits.most_a_day] + DAY
        why = f"this address had {len(recent)} automatic mails within the last 24 hours"
        return Permission(False, due, why)
    quiet_until = None if wanted.quiet is None else wanted.quiet.until(now)
    if quiet_until is not None:
        return Permission(False, quiet_until, "these are quiet hours where this person is")
    return Permission(True, None, "nothing speaks against it")


def _acknowledgement(wanted: Automatic, recent: Sequence[Earlier], limits: Limits) -> str:
    """Why an acknowledgement is not sent; empty where it is."""
    if len(recent) >= limits.most_a_day:
        return f"this address had {len(recent)} automatic mails within the last 24 hours"
    if any(one.role == ACKNOWLEDGES and one.thread_id == wanted.thread_id for one in recent):
        return "this address had an acknowledgement in this thread within the last 24 hours"
    came = wanted.answers_at
    if came is not None and any(timedelta(0) <= came - one.at < limits.echo_for for one in recent):
        minutes = int(limits.echo_for.total_seconds() // 60)
        return f"it came within {minutes} minutes of an automatic mail of ours: it may be a robot's"
    if not wanted.vouched and wanted.strangers_in_hour >= limits.strangers_an_hour:
        return f"{wanted.strangers_in_hour} strangers had one within the last hour"
    return ""
