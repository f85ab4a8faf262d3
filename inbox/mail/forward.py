"""Reads the mail that somebody forwarded inline: who wrote it, when, its subject and text.

Decided by structure (a forward marker with a header block below it), never by a subject alone.
Attached messages are not read here.
"""

from __future__ import annotations

from inbox.mail.address import parse_addresses
from inbox.mail.history import HeaderBlock, header_block, label_of, separator
from inbox.mail.letter import Address, ForwardedOriginal
from inbox.mail.phrases import FORWARD_SUBJECT
from inbox.mail.sent_dates import stated_instant

_LINES = 2_000
_TEXT_CAP = 262_144


def forwarded_original(text: str, subject: str = "") -> ForwardedOriginal | None:
    """The original of the first inline forward in `text`, or None.

    Outlook puts the same header block over a reply and a forward. Such a block counts when it
    stands at the very top, or when `subject` (of the mail itself) says forward as well.
    """
    lines = text[:_TEXT_CAP].replace("\r\n", "\n").replace("\r", "\n").split("\n")
    own = marked = False
    ruler = -1
    for number in range(min(len(lines), _LINES)):
        line = lines[number].strip()
        if not line:
            continue
        kind = separator(line)
        if kind:
            marked = marked or kind == "forward"
            ruler = number
            continue
        labelled = label_of(line.lstrip("> "))
        block = header_block(lines, number) if labelled is not None else None
        if block is not None:
            near = ruler >= 0 and number - ruler <= 6
            if (near and marked) or not own or FORWARD_SUBJECT.match(subject[:200]):
                return _original(lines, block)
            return None
        if not line.strip("_-=*> "):
            continue
        if ruler >= 0 and number - ruler > 6:
            marked = False
        own = own or ruler < 0
    return None


def _original(lines: list[str], block: HeaderBlock) -> ForwardedOriginal | None:
    sender = _address(block.values.get("from", ""))
    if sender is None and not block.values.get("date"):
        return None
    body = lines[block.end :]
    first = lines[block.start].lstrip()
    if first[:1] == ">":
        body = [_one_level_less(line) for line in body]
    return ForwardedOriginal(
        sender=sender,
        subject=block.values.get("subject", ""),
        sent_at=stated_instant(block.values.get("date", "")),
        text="\n".join(body).strip(),
        how="inline",
    )


def _one_level_less(line: str) -> str:
    text = line.lstrip()
    if text[:1] != ">":
        return line
    return text[2:] if text[1:2] == " " else text[1:]


def _address(value: str) -> Address | None:
    """The first address of a From line as mail programs write it into a text."""
    value = value.replace("[mailto:", "<").replace("<mailto:", "<").replace("]", ">")
    value = value.replace("&lt;", "<").replace("&gt;", ">")[:400]
    for found in parse_addresses(value).addresses:
        if "@" in found.address:
            return found
    return None
