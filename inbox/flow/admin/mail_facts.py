"""What a mail alone tells the rules: the same at filing, in rule tests and in `explain`; pure."""

from __future__ import annotations

from collections.abc import Sequence

from inbox.mail.letter import AutomaticKind, Letter
from routing.fields import lookup


def message_facts(
    letter: Letter, author: str, forward_paths: Sequence[str], size: int, ours: Sequence[str]
) -> dict[str, object]:
    """The facts that a mail alone gives; account, thread and classifier are added to them."""
    to = tuple(one.address for one in letter.to)
    cc = tuple(one.address for one in letter.cc)
    recipients = tuple(dict.fromkeys((*to, *cc, *forward_paths)))
    headers: dict[str, list[str]] = {}
    for name, value in letter.headers:
        headers.setdefault(name, []).append(value)
    known = {
        f"header.{name}": values for name, values in headers.items() if lookup(f"header.{name}")
    }
    kind = letter.automatic.kind
    return known | {
        "from": author,
        "from.domain": author.rpartition("@")[2],
        "from.name": letter.from_[0].name if letter.from_ else "",
        "reply_to": tuple(one.address for one in letter.reply_to),
        "to": to,
        "cc": cc,
        "recipient": recipients,
        "mailbox": next((one for one in recipients if one.lower() in ours), ""),
        "subject": letter.subject,
        "text": letter.visible_text,
        "body": letter.text,
        "attachment.name": tuple(one.name for one in letter.attachments if not one.inline),
        "attachment.type": tuple(one.content_type for one in letter.attachments if not one.inline),
        "attachment.count": sum(not one.inline for one in letter.attachments),
        "size": size,
        "automatic": kind is not AutomaticKind.NONE,
        "automatic.kind": kind.value,
    }
