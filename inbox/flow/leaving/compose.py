"""Compose: the bytes of everything that leaves, and their way into the outbox.

One mail is composed once. Its Message-ID, its signed reply address and its signed reverse-path all
come from one random name, so that an answer or a bounce finds the item again. Decides neither
whether a mail may be sent nor to whom.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from inbox.config import Mailbox, Settings
from inbox.errors import ConfigError
from inbox.flow.deciding import signing
from inbox.mail.dkim_signing import DkimKey, UnusableKey, signed
from inbox.mail.letter import Address
from inbox.mail.outgoing import wire_address
from inbox.mail.tokens import BOUNCE, REF_BYTES, REPLY, new_ref, signed_address
from inbox.mail.writing import File, Outgoing, write
from inbox.store import intake, outbox, outbox_filing
from inbox.store.database import Conn, Database
from inbox.store.messages import Message
from inbox.store.outbox import Enqueued, NewItem
from inbox.store.outbox_desk import Lifetimes
from routing.problems import Problem

MOST_QUOTED = 20_000
"""Characters of the answered mail that a reply quotes."""


@dataclass(frozen=True, slots=True)
class Post:
    """What composing and sending need beside the mail; made once by `open_post`."""

    mailboxes: tuple[Mailbox, ...]
    secret: bytes = field(repr=False)
    dkim: DkimKey | None
    held: bool
    """No smarthost is configured: nothing leaves unless a person releases it."""
    undo_for: timedelta
    lifetimes: Lifetimes
    random: Callable[[int], bytes] = secrets.token_bytes


@dataclass(frozen=True, slots=True)
class Draft:
    """What a mail is to say, to whom, and what it answers."""

    mailbox: str
    """The mailbox of ours that it comes from."""
    from_name: str
    """The team's name."""
    to: tuple[Address, ...]
    subject: str
    text: str
    cc: tuple[Address, ...] = ()
    html: str | None = None
    answers: Message | None = None
    """It answers this message: In-Reply-To and References follow from it."""
    automatic: str = ""
    """`auto-replied` or `auto-generated` (RFC 3834) for what no person wrote."""
    null_reverse_path: bool = False
    """For acknowledgements: nobody is told when they cannot be delivered."""
    language: str = ""
    files: tuple[File, ...] = ()
    purpose: str = REPLY
    """What the signed reply address is for (`mail.tokens`)."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How a mail enters the outbox."""

    key: str
    """For automatic mail (subject kind, subject id, sequence, step, cycle, recipient)."""
    kind: str
    thread_id: int | None = None
    account_id: int | None = None
    template: str | None = None
    by_id: int | None = None
    answers_id: int | None = None
    run_after: datetime | None = None
    cancel_if_answered: bool = False


@dataclass(frozen=True, slots=True)
class Composed:
    """A mail's bytes and envelope."""

    mail_id: str
    raw: bytes = field(repr=False)
    subject: str
    reverse_path: str
    recipients: tuple[tuple[str, str], ...]


def open_post(db: Database, settings: Settings, now: datetime) -> Post:
    """Signing secret, DKIM key and smarthost as the settings say. Raises `ConfigError`."""
    send = settings.send
    return Post(
        mailboxes=settings.mailboxes,
        secret=signing.secrets_of(db, now)[0],
        dkim=dkim_key(settings),
        held=not send.host,
        undo_for=timedelta(seconds=send.undo_seconds),
        lifetimes=lifetimes(settings),
    )


def is_mailbox(mailboxes: Sequence[Mailbox], address: str) -> bool:
    """Is it a mailbox of ours, signed or not?"""
    local, _, domain = address.lower().rpartition("@")
    plain = f"{local.partition('+')[0]}@{domain}"
    return any(one.address in (address.lower(), plain) for one in mailboxes)


def lifetimes(settings: Settings) -> Lifetimes:
    """How long items are tried."""
    send = settings.send
    return Lifetimes(timedelta(hours=send.automatic_hours), timedelta(days=send.reply_days))


def dkim_key(settings: Settings) -> DkimKey | None:
    """The key that signs what leaves, or None. Raises `ConfigError` where it cannot sign."""
    send = settings.send
    if send.dkim_key is None:
        return None
    path = settings.path(send.dkim_key)
    try:
        key = DkimKey(send.dkim_selector, send.dkim_domain, path.read_bytes())
        signed(b"From: a@b.example\r\n\r\nx\r\n", key, "b.example")
    except (OSError, UnusableKey) as error:
        message = f"{path}: {getattr(error, 'strerror', None) or error}"
        hint = "give an RSA private key as PEM"
        problem = Problem("send.dkim_key", 0, 0, "bad-key", message, hint)
        raise ConfigError([problem]) from error
    return key


def compose(draft: Draft, post: Post, now: datetime) -> Composed:
    """Write the mail. Raises `Unsendable` with the reason where an address cannot be written."""
    mailbox = wire_address(draft.mailbox).lower()
    domain = mailbox.rpartition("@")[2]
    ref = new_ref(post.random(REF_BYTES))
    reply_to = signed_address(post.secret, draft.purpose, mailbox, ref)
    bounces = signed_address(post.secret, BOUNCE, mailbox, ref)
    mail = Outgoing(
        mail_id=f"{ref}@{domain}",
        date=now,
        from_=Address(draft.from_name, mailbox),
        to=draft.to,
        cc=draft.cc,
        reply_to=() if reply_to is None else (Address(draft.from_name, reply_to),),
        subject=draft.subject,
        text=draft.text,
        html=draft.html,
        automatic=draft.automatic,
        language=draft.language,
        files=draft.files,
    )
    if draft.answers is not None:
        answered = draft.answers.mail_id
        mail = replace(mail, in_reply_to=answered, references=_references(draft.answers))
    raw = write(mail)
    if post.dkim is not None:
        raw = signed(raw, post.dkim, domain)
    return Composed(
        mail_id=mail.mail_id,
        raw=raw,
        subject=draft.subject,
        reverse_path="" if draft.null_reverse_path else (bounces or mailbox),
        recipients=_recipients(draft),
    )


def _references(answered: Message) -> tuple[str, ...]:
    """The references of the answered mail, then the mail itself (RFC 5322 section 3.6.4)."""
    parents = tuple(one for one in answered.parents if one != answered.mail_id)
    return parents if answered.mail_id is None else (*parents, answered.mail_id)


def _recipients(draft: Draft) -> tuple[tuple[str, str], ...]:
    found: dict[str, str] = {}
    for name, listed in (("to", draft.to), ("cc", draft.cc)):
        for one in listed:
            found.setdefault(wire_address(one.address).lower(), name)
    return tuple(found.items())


def enqueue(conn: Conn, composed: Composed, plan: Plan, post: Post, now: datetime) -> Enqueued:
    """Put a composed mail into the outbox, once per key: a repeat names the item that is there.

    Its Message-ID is tied to the thread in the same transaction, so that an answer finds it however
    soon it comes. `conn` is a writing transaction of the caller's, who commits.
    """
    item = NewItem(
        key=plan.key,
        kind=plan.kind,
        mail_id=composed.mail_id,
        raw=intake.pack(composed.raw),
        subject=composed.subject,
        reverse_path=composed.reverse_path,
        recipients=composed.recipients,
        created_at=now,
        run_after=plan.run_after or now,
        expires_at=(plan.run_after or now) + post.lifetimes.of(plan.kind),
        held=post.held,
        thread_id=plan.thread_id,
        account_id=plan.account_id,
        template=plan.template,
        by_id=plan.by_id,
        answers_id=plan.answers_id,
        cancel_if_answered=plan.cancel_if_answered,
    )
    done = outbox.enqueue(conn, item)
    if done.fresh and plan.thread_id is not None and plan.account_id is not None:
        outbox_filing.tie(conn, plan.account_id, plan.thread_id, composed.mail_id)
    return done


def reply_subject(subject: str) -> str:
    """The subject of an answer: one `Re:`, however many there were."""
    bare = subject.strip()
    while bare[:3].lower() == "re:":
        bare = bare[3:].strip()
    return f"Re: {bare}" if bare else "Re: your mail"


def quoted(answered: Message) -> str:
    """The answered mail as quoted context: who wrote it and when, its visible text behind `>`."""
    who = answered.from_name or answered.from_address
    when = f"{answered.received_at:%Y-%m-%d %H:%M} UTC"
    text = answered.visible_text.strip()
    cut = text[:MOST_QUOTED] + ("\n[...]" if len(text) > MOST_QUOTED else "")
    lines = [f">{'' if line.startswith('>') else ' '}{line}".rstrip() for line in cut.splitlines()]
    return f"{when}, {who} wrote:\n" + "\n".join(lines)
