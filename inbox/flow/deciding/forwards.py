"""What a colleague's forward does to timelines, and what a person may decide or correct about it.

From a proved colleague it is the original sender's mail already; from any other it is filed on our
own account, shown on the customer's timeline, and one click makes it theirs.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from inbox.flow.deciding import account as account_flow
from inbox.flow.deciding import proposals as proposal_flow
from inbox.flow.deciding.enforce import Mail
from inbox.flow.deciding.forwarding import Forward
from inbox.flow.deciding.unit import Unit
from inbox.store import proposals
from inbox.store.proposals import Proposal
from inbox.store.threads import Thread

KIND = "forward"
"""The kind of the proposal."""
FORWARDED = "forwarded-by-colleague"


def extra(forward: Forward | None) -> dict[str, Any]:
    """What a message keeps of being a forward: by whom, and whether it counts as the original
    sender's mail."""
    if forward is None:
        return {}
    by = {"address": forward.by.address.lower(), "name": forward.by.name}
    return {"forwarded_by": {**by, "treated": forward.trusted, "ids": list(forward.ids)}}


def note(unit: Unit, mail: Mail, thread: Thread) -> None:
    """Say on the timelines what a forward is taken for; propose what nothing proves."""
    forward, original = mail.forward, mail.letter.forwarded
    if forward is None or original is None:
        return
    sender = forward.sender.address.lower()
    data: dict[str, Any] = {"original_sender": sender, "subject": original.subject}
    data |= {"verified": mail.verdict.result, "by": forward.by.address.lower()}
    data |= {"treated": forward.trusted}
    actor = f"contact:{forward.by.address.lower()}"
    happened = replace(mail.event(thread.id, FORWARDED, data), actor=actor)
    if forward.trusted:
        unit.event(happened)
        return
    account_id = account_flow.account_of(unit, sender)
    if account_id is not None:
        unit.event(replace(happened, account_id=account_id))
    _propose(unit, mail, thread, forward)


def _propose(unit: Unit, mail: Mail, thread: Thread, forward: Forward) -> None:
    data: dict[str, Any] = {
        "what": f"Treat this mail as a forward from {forward.sender.address}",
        "why": f"It says to come from {forward.by.address}, and nothing proves it.",
        "sender": {"name": forward.sender.name, "address": forward.sender.address},
    }
    made = Proposal(
        *(KIND, mail.there.account_id, thread.id, mail.message_id, data, mail.at),
        id=unit.writes.key("proposals"),
    )
    unit.writes.add("proposals", {"id": made.id, **proposals.row_of(made)})
    unit.event(proposal_flow.event(made, proposal_flow.MADE_EVENT, "aboard", mail.at))
