"""Acknowledgements: a person wrote to us, and is told at once that it arrived.

RFC 3834: only to human mail that was sent to one of our mailboxes by name and may be answered; with
a null reverse-path and Auto-Submitted; never to history, and with nothing that the sender wrote.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from inbox.flow.leaving import compose
from inbox.flow.leaving.notices import Done, Notices, Wish
from inbox.mail.letter import Address
from inbox.store import followup_facts
from inbox.store.columns import fitting
from inbox.store.followup_facts import FiledMail, RuleDeed
from inbox.store.outbox_tables import MOST_SEQUENCE
from routing.manners import ACKNOWLEDGES

NAME = "acknowledgement"
RULE = "rule:"
"""What the name of a run begins with that a rule has asked for."""
OLDEST = timedelta(days=1)
"""An acknowledgement of older mail tells nobody anything."""
VERIFIED = frozenset({"pass", "dkim", "dmarc", "relay"})


def answer(notices: Notices, mail: FiledMail, wanted: RuleDeed) -> tuple[Wish, Done] | None:
    """Send what a rule wants sent to who wrote this mail; None where nothing automatic may be."""
    envelope = followup_facts.envelope_of(notices.conn, mail.id)
    if not _may_be_answered(mail, notices.now) or envelope[1] == "file" or not envelope[0]:
        return None
    about = notices.about(mail.thread_id)
    answered = next((one for one in about.mails if one.id == mail.id), None)
    if answered is None or not _names_us(notices, answered.recipients):
        return None
    acknowledges = notices.role(wanted.reply) == ACKNOWLEDGES
    wish = Wish(
        about=about,
        template=wanted.reply,
        to=Address("" if acknowledges else mail.from_name, mail.from_address),
        sequence=fitting(f"{RULE}{wanted.rule}", MOST_SEQUENCE),
        step="1",
        cycle=wanted.event_id,
        answers=answered,
        acknowledges=acknowledges,
        vouched=_is_vouched_for(mail, envelope[0], notices.now),
        subject_id=mail.id,
    )
    return wish, notices.send(wish)


def acknowledge(notices: Notices, mail: FiledMail) -> None:
    """Put an acknowledgement into the outbox where this mail gets one."""
    said = notices.files.followups.acknowledge
    if said.who == "nobody" or not _may_be_answered(mail, notices.now):
        return
    reverse_path, source = followup_facts.envelope_of(notices.conn, mail.id)
    if source == "file" or not reverse_path or notices.is_ours(mail.from_address):
        return
    about = notices.about(mail.thread_id)
    answered = next((one for one in about.mails if one.id == mail.id), None)
    if answered is None or not _names_us(notices, answered.recipients):
        return
    vouched = _is_vouched_for(mail, reverse_path, notices.now)
    if said.who == "known" and not vouched:
        return
    late = bool(said.after_hours) and not about.calendar.is_open(notices.now)
    wish = Wish(
        about=about,
        template=said.after_hours if late else said.template,
        to=Address("", mail.from_address),
        sequence=NAME,
        step="1",
        cycle=mail.id,
        answers=answered,
        acknowledges=True,
        vouched=vouched,
        subject_id=mail.id,
    )
    notices.note(wish, notices.send(wish))


def _may_be_answered(mail: FiledMail, now: datetime) -> bool:
    """Did a person write it just now, and is an automatic answer allowed?"""
    human = mail.automatic == "none" and mail.may_answer
    if mail.direction != "in" or not human or mail.account_kind != "customer":
        return False
    since = now - OLDEST
    return mail.received_at >= since and (mail.sent_at is None or mail.sent_at >= since)


def _names_us(notices: Notices, recipients: object) -> bool:
    """Is a mailbox of ours in To or Cc? Else a list or a Bcc brought it here."""
    assert isinstance(recipients, dict)
    named = [address for key in ("to", "cc") for _, address in recipients.get(key, ())]
    return any(compose.is_mailbox(notices.post.mailboxes, one) for one in named)


def _is_vouched_for(mail: FiledMail, reverse_path: str, now: datetime) -> bool:
    """Verified, or a contact known before of an account that somebody of ours has confirmed, whose
    mail came under a reverse-path of that domain."""
    if mail.verified in VERIFIED:
        return True
    known = mail.contact_since is not None and mail.contact_since < now and not mail.provisional
    domain = mail.from_address.rpartition("@")[2]
    other = reverse_path.lower().rpartition("@")[2]
    return known and (other == domain or other.endswith(f".{domain}"))
