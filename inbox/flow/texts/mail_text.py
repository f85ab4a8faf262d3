"""What the classifier may read of a letter, or of a message filed before. It judges nothing."""

from __future__ import annotations

from collections.abc import Sequence

from classifiers.text import MailText
from inbox.mail.letter import Letter
from inbox.store.labels import LabelledMail

READ = 3_000
"""Characters of own words that are read: what a mail wants stands at its beginning, and the longest
training mail has half of that."""
READ_QUOTED = 1_000
"""Characters of quoted history, which counts little."""


def of_letter(letter: Letter) -> MailText:
    """Subject, own words, quoted history, names of files, sender of a letter.

    What a forward carries is what it is about, so it counts in full.
    """
    forwarded = letter.forwarded
    text = letter.text
    if forwarded is not None and forwarded.how == "attached":
        text = f"{text}\n{forwarded.subject}\n{forwarded.text}"
    visible, quoted = _parts(text, letter.visible_text, forwarded is not None)
    return MailText(
        subject=letter.subject,
        visible=visible,
        quoted=quoted,
        attachments=tuple(one.name for one in letter.attachments if not one.inline),
        sender=letter.from_[0].address if letter.from_ else "",
    )


def of_message(mail: LabelledMail) -> MailText:
    """The same of a message as it is stored; a forward as an attached message lacks its text."""
    visible, quoted = _parts(mail.text, mail.visible_text, mail.forwarded)
    return MailText(
        subject=mail.subject,
        visible=visible,
        quoted=quoted,
        attachments=mail.attachments,
        sender=mail.from_address,
    )


def _parts(text: str, visible: str, forwarded: bool) -> tuple[str, str]:
    """(what counts in full, what counts as quoted), each no longer than is ever read."""
    if forwarded:
        return text[:READ], ""
    own = visible[:READ]
    return own, _rest(text[: len(own) + READ_QUOTED].split("\n"), own.split("\n"))


def _rest(lines: Sequence[str], own: Sequence[str]) -> str:
    """The lines that are not among `own`, which come in the same order; blank ones left out."""
    wanted = [line.strip() for line in own if line.strip()]
    at = 0
    left: list[str] = []
    for line in lines:
        bare = line.strip()
        if not bare:
            continue
        if at < len(wanted) and bare == wanted[at]:
            at += 1
        else:
            left.append(bare.lstrip("> "))
    return "\n".join(left)
