"""Gather the facts of a message, ask `routing.decide`, and put the decision into force."""

from __future__ import annotations

from typing import Any

from inbox.flow.admin.context import Guess
from inbox.flow.deciding.unit import AccountPicture, Unit
from inbox.mail.letter import Letter
from inbox.store import threads
from inbox.store.accounts import Contact
from routing.decide import Decision
from routing.ownership import Choice, Need
from routing.ruleset import Event


def account_facts(there: AccountPicture) -> dict[str, object]:
    """The facts about the customer; our own people's account has none."""
    account = there.account
    if account.kind == "internal":
        return {}
    return {
        "account.name": account.name,
        "account.domain": there.domains,
        "account.stage": account.stage or "",
        "account.tier": account.tier or "",
        "account.tags": account.tags,
        "account.provisional": account.provisional,
    }


def contact_facts(contact: Contact | None, *, internal: bool) -> dict[str, object]:
    """The facts about who wrote; our own people have none."""
    if internal:
        return {}
    return {"contact.role": (contact.role or "") if contact is not None else ""}


def thread_facts(thread: threads.Thread | None) -> dict[str, object]:
    """The facts about the thread that the message joins."""
    if thread is None:
        return {
            "thread.team": "",
            "thread.decided_by": "",
            "thread.status": "open",
            "thread.messages": 1,
            "thread.tags": (),
        }
    return {
        "thread.team": thread.team,
        "thread.decided_by": thread.decided_by,
        "thread.status": thread.status,
        "thread.messages": thread.messages + 1,
        "thread.tags": thread.tags,
    }


def guess_facts(guess: Guess | None) -> dict[str, object]:
    """What the classifier said, as facts that rules may use."""
    if guess is None:
        return {}
    return {
        "classifier.team": guess.team,
        "classifier.score": guess.score,
        "classifier.abstain": guess.abstain,
    }


def guess_json(guess: Guess | None) -> dict[str, Any]:
    """What a stored decision keeps of the classifier's answer; nothing where it was not asked."""
    if guess is None:
        return {}
    return {
        "classifier": {
            "team": guess.team,
            "score": round(guess.score, 6),
            "abstain": guess.abstain,
            "best": [{"team": team, "score": round(score, 6)} for team, score in guess.best],
            "evidence": [
                {"term": term, "weight": round(weight, 6)} for term, weight in guess.evidence
            ],
        }
    }


def event_of(letter: Letter, thread: threads.Thread | None) -> Event:
    """What happened, in the words of a rule's `on`."""
    if letter.bounce is not None:
        return Event.BOUNCE
    return Event.NEW_THREAD if thread is None else Event.REPLY


def owner_of(unit: Unit, account_id: int, decision: Decision, language: str) -> Choice:
    """Who answers for a thread that a decision gives to a team: the person whom a rule names,
    else whom the team's strategy names, else who is on duty."""
    account_owner = unit.account(account_id).owners.get(decision.team, "")
    asked = decision.assignee
    named = account_owner if asked == "account-owner" else asked
    wanted = Need(account_owner, tuple(decision.tags), language)
    return unit.owners.choose(decision.team, wanted, "" if named == "team-strategy" else named)


def decision_json(decision: Decision) -> dict[str, Any]:
    """What a decision did, in the JSON shape of docs/INTERFACES.md; the trace is recomputed."""
    return {
        "team": decision.team,
        "decided_by": decision.decided_by,
        "reason": decision.reason,
        "rule": decision.rule or None,
        "tags": list(decision.tags),
        "priority": decision.priority or None,
        "policy": decision.policy or None,
        "assignee": decision.assignee or None,
        "matched": list(decision.matched),
        "event": str(decision.event),
        **_deeds(decision),
    }


def _deeds(decision: Decision) -> dict[str, Any]:
    """What a decision does beside its thread; only where it does something."""
    said: dict[str, Any] = {}
    if decision.reply:
        said["reply"] = decision.reply
    if decision.notify:
        said["notify"] = list(decision.notify)
    if decision.snooze_for is not None:
        said["snooze_seconds"] = int(decision.snooze_for.total_seconds())
    return said
