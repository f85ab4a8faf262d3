"""Reads delivery reports: who was not reached, why, and which mail of ours it was.

The machine fields of RFC 3464 and 6533 first, then the text of mail systems that have none. It
does not decide what to do about a bounce nor match it to an item; a forged one reads as a true one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from inbox.mail.auto_phrases import AUTO_SUBJECT, BOUNCE_SUBJECT, OUT_OF_OFFICE_SUBJECT
from inbox.mail.dsn_fields import is_notification, read_groups, read_notification
from inbox.mail.dsn_phrases import BOUNCE_TEXT, ORIGINAL_BELOW
from inbox.mail.dsn_text import read_text, refined
from inbox.mail.ids import message_id
from inbox.mail.letter import Bounce, BouncedRecipient

TEXT_CAP = 65_536
"""Characters of a report that are looked at; a bounce states its reason at the top."""
RECIPIENT_CAP = 100
_DAEMON = re.compile(
    r"(?:mailer|mail)[-_.]?(?:daemon|deliver|system|admin)|^postmaster|^mmdf|^mdaemon|^bounces?\b|"
    r"mailerdaemon|^post_master|^daemon|^deliver|^mail(?:er|master|gateway)?@|^emailserver|^administrator|^system|^mailsweeper|"
    r"^notification|^no-?reply|^do-?not-?reply|^root@|^smtp|^mxlogic|^undeliver|^exchange|^operator|^hostmaster|^internet|microsoftexchange",
    re.IGNORECASE,
)
_LOCAL_DAEMONS = ("mailer-daemon", "mail-daemon", "mailerdaemon", "postmaster", "post_master")
_ID_LINE = re.compile(
    r"^[ \t>]*message-id:[ \t]*(?:\r?\n[ \t]+)?(\S{1,998})", re.IGNORECASE | re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class BounceParts:
    """The parts of a mail that may be a delivery report."""

    subject: str
    from_address: str
    headers: tuple[tuple[str, str], ...]
    """(name in lower case, value) in order."""
    text: str
    delivery_status: tuple[str, ...]
    """The text of every message/delivery-status part."""
    original_headers: tuple[str, ...]
    """The headers, or the beginning, of every mail that this one carries."""
    report_type: str | None


def read_bounce(parts: BounceParts) -> Bounce | None:
    """The bounce, or None for a mail that is none (replies by machines and abuse reports too)."""
    kind = (parts.report_type or "").lower()
    if kind and kind != "delivery-status":
        return None
    told_by_fields = bool(kind or parts.delivery_status or is_notification(parts.text))
    if not told_by_fields and not _may_be_bounce(parts):
        return None
    reporting, found = read_groups(parts.delivery_status)
    found = found or read_notification(parts.text)
    text = parts.text[:TEXT_CAP]
    said, original = _cut_original(text)
    if found:
        found = tuple(refined(one, said, alone=len(found) == 1) for one in found[:RECIPIENT_CAP])
    else:
        failed = _failed_recipients(parts.headers)
        if not kind and not failed and not _says_so(parts, said):
            return None
        found = read_text(said, parts.subject, failed)[:RECIPIENT_CAP]
        if not found:
            found = _from_original(parts, original, said)
        if not found and not (kind or _is_daemon(parts)):
            return None
    return Bounce(found, _original_id(parts, original), reporting)


def _may_be_bounce(parts: BounceParts) -> bool:
    """The cheap check: a daemon, a null reverse-path or a bounce's subject, and nobody absent."""
    subject = parts.subject[:300]
    if AUTO_SUBJECT.match(subject) or OUT_OF_OFFICE_SUBJECT.match(subject):
        return False
    names = {name for name, _ in parts.headers}
    if "x-failed-recipients" in names:
        return True
    told = BOUNCE_SUBJECT.search(subject) is not None
    if _is_daemon(parts):
        local = parts.from_address.lower()
        if told or local.startswith(_LOCAL_DAEMONS):
            return True
        return bool(parts.original_headers) and "not be delivered" in parts.text[:1_000].lower()
    null = any(
        name == "return-path" and value.strip() in ("<>", "") for name, value in parts.headers
    )
    return told and (null or bool(parts.original_headers))


def _says_so(parts: BounceParts, said: str) -> bool:
    """A daemon's subject is enough; without one the text has to say that something failed."""
    if BOUNCE_SUBJECT.search(parts.subject[:300]) and _is_daemon(parts):
        return True
    return BOUNCE_TEXT.search(said or parts.text[:TEXT_CAP]) is not None


def _is_daemon(parts: BounceParts) -> bool:
    return not parts.from_address or _DAEMON.search(parts.from_address[:200]) is not None


def _failed_recipients(headers: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    found: list[str] = []
    for name, value in headers:
        if name == "x-failed-recipients":
            found += [one.strip(" <>\t") for one in value[:8_000].split(",") if "@" in one]
    return tuple(dict.fromkeys(found))


def _cut_original(text: str) -> tuple[str, str]:
    """(what the daemon says, our own mail below it)."""
    for found in ORIGINAL_BELOW.finditer(text):
        if text[: found.start()].strip():
            return text[: found.start()], text[found.start() :]
    return text, ""


def _from_original(parts: BounceParts, original: str, said: str) -> tuple[BouncedRecipient, ...]:
    """The text names nobody: whom our own mail was for, when it was for one address only."""
    below = "\n".join((*parts.original_headers, original))[:TEXT_CAP]
    for line in re.findall(
        r"^(?:x-envelope-to|envelope-to|to):[ \t]*([^\n]{3,400})",
        below,
        re.IGNORECASE | re.MULTILINE,
    ):
        addresses = re.findall(r"[^\s<>,;:\"()]{1,64}@[^\s<>,;:\"()]{1,255}", line)
        if len(addresses) == 1:
            blank = BouncedRecipient(addresses[0], "failed", "", "")
            return (refined(blank, f"{parts.subject}\n{said}", alone=True),)
    return ()


def _original_id(parts: BounceParts, original: str) -> str | None:
    for block in (*parts.original_headers, original):
        found = _ID_LINE.search(block[:TEXT_CAP])
        if found is not None:
            read = message_id(found[1])
            if read is not None:
                return read
    for name, value in parts.headers:
        if name in ("in-reply-to", "x-original-message-id", "references"):
            read = message_id(value.split(" ")[-1])
            if read is not None:
                return read
    return None
