"""Put a decision into force: thread, account, assignment, rule hits and events; decides nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from inbox.flow.admin.context import Guess
from inbox.flow.deciding import assign, run_policy
from inbox.flow.deciding.account import Belonging
from inbox.flow.deciding.forwarding import Forward
from inbox.flow.deciding.unit import Unit
from inbox.flow.deciding.verify import NOT_CONFIGURED
from inbox.flow.people.ownership import OWNER_CHANGED
from inbox.mail.authentication import Verdict
from inbox.mail.letter import AutomaticKind, Letter
from inbox.store import timeline
from inbox.store.intake import Claim
from inbox.store.threads import Thread
from routing.decide import NO_HISTORY, PERSON, Decision, decide
from routing.facts import Facts
from routing.ownership import Choice, Need

NO_TEAM = "none"
"""What the classifier calls automatic and off-topic mail. It goes to the fallback, marked."""


@dataclass(frozen=True, slots=True)
class Mail:
    """A letter on its way, with where it belongs."""

    claim: Claim
    letter: Letter
    there: Belonging
    at: datetime
    message_id: int
    verdict: Verdict = NOT_CONFIGURED
    forward: Forward | None = None
    stranger: bool = False
    """It came to the signed reply address of somebody else's thread."""

    def event(self, thread_id: int, kind: str, data: dict[str, Any]) -> timeline.Event:
        """Something that this mail's author did to its account."""
        actor = f"contact:{self.there.author.address.lower()}"
        message_id = None if kind == "account-created" else self.message_id
        return timeline.Event(
            self.there.account_id, thread_id, message_id, self.at, kind, actor, data
        )


@dataclass(frozen=True, slots=True)
class Reasons:
    """A decision and what it was made from."""

    decision: Decision
    facts: Facts
    guess: Guess | None
    is_new: bool
    """Did the mail open its thread? Else the decision may change one that is there."""
    chosen: list[Choice] = field(default_factory=list)
    """Who answers from here on, once that was asked: it is asked once, as turns are taken."""


def owner_of(unit: Unit, mail: Mail, reasons: Reasons) -> Choice:
    """Who answers for the thread that the decision gives to a team."""
    if not reasons.chosen:
        language, account_id = reasons.facts.text("language") or "", mail.there.account_id
        reasons.chosen.append(assign.owner_of(unit, account_id, reasons.decision, language))
    return reasons.chosen[0]


def put_in_force(unit: Unit, mail: Mail, thread: Thread, reasons: Reasons) -> None:
    """Carry out all that a decision says, and write down who decided it and why.

    `thread` is the state before; a new one was opened with the decision's team already.
    """
    decision = reasons.decision
    _compare(unit, mail, thread.id, reasons)
    _compare_models(unit, mail, reasons)
    if not reasons.is_new and not decision.matched:
        _stand_in(unit, mail, thread, reasons.facts.text("language") or "")
        return
    changes = {} if reasons.is_new else _changes(unit, mail, thread, reasons)
    if changes:
        unit.change_thread(thread.id, **changes)
    accountable_id = changes.get("accountable_id", thread.accountable_id)
    _write(unit, mail, thread.id, reasons, accountable_id)
    if reasons.is_new or changes.keys() & {"team", "accountable_id"}:
        unit.event(_assigned(mail, thread.id, reasons, owner_of(unit, mail, reasons)))
    else:
        _stand_in(unit, mail, thread, reasons.facts.text("language") or "")
    for note in decision.notes:
        unit.event(_happened(mail, thread.id, "note", _actor(decision), {"text": note}))
    if decision.stage:
        _change_stage(unit, mail, thread.id, decision)


def _stand_in(unit: Unit, mail: Mail, thread: Thread, language: str) -> None:
    """The customer writes to somebody who is away: the team finds somebody else for it."""
    human = mail.letter.automatic.kind in (AutomaticKind.NONE, AutomaticKind.LIST)
    by_customer = mail.there.direction == "in" and not mail.there.side
    if thread.claimed_at is None or not by_customer or not human:
        return
    owner = unit.owners.handle(thread.accountable_id)
    if owner not in unit.owners.away:
        return
    account_owner = unit.account(mail.there.account_id).owners.get(thread.team, "")
    wanted = Need(account_owner, tuple(thread.tags), language)
    choice = unit.owners.choose(thread.team, wanted)
    unit.change_thread(
        thread.id,
        accountable_id=unit.owners.number(choice.handle),
        claimed_at=unit.now if choice.owned else None,
    )
    why = "; ".join((f"{owner} is away and the customer wrote", *choice.why))
    data = {"from": owner, "to": choice.handle, "owned": choice.owned, "why": why}
    unit.event(_happened(mail, thread.id, OWNER_CHANGED, "aboard", data))


def _changes(unit: Unit, mail: Mail, thread: Thread, reasons: Reasons) -> dict[str, Any]:
    """What a decision about a reply changes of its thread."""
    decision = reasons.decision
    changes: dict[str, Any] = {}
    if decision.priority and decision.priority != thread.priority:
        changes["priority"] = decision.priority
    if decision.policy and decision.policy != thread.policy:
        changes["policy"] = decision.policy
    tags = tuple(sorted({*thread.tags, *decision.tags}))
    if tags != tuple(sorted(thread.tags)):
        changes["tags"] = list(tags)
    moved = decision.team != thread.team
    if not moved and not decision.assignee:
        return changes
    choice = owner_of(unit, mail, reasons)
    accountable_id = unit.owners.number(choice.handle)
    owned = {"claimed_at": unit.now if choice.owned else None}
    if moved:
        changes |= {"team": decision.team, "decided_by": decision.decided_by, **owned}
    if moved or accountable_id != thread.accountable_id:
        changes |= {"accountable_id": accountable_id, **owned}
    return changes


def _write(unit: Unit, mail: Mail, thread_id: int, reasons: Reasons, accountable_id: int) -> None:
    decision = reasons.decision
    row = {
        "thread_id": thread_id,
        "message_id": mail.message_id,
        "at": unit.now,
        "decided_by": decision.decided_by,
        "team": decision.team,
        "accountable_id": accountable_id,
        "by_id": None,
        "rule": decision.rule or None,
        "ruleset": unit.context.files.ruleset.hash,
        "model": reasons.guess.model if reasons.guess else None,
        "score": decision.score,
        "decision": assign.decision_json(decision) | assign.guess_json(reasons.guess),
        "facts": reasons.facts.snapshot(),
    }
    unit.writes.add("assignments", row)
    for rule in decision.matched:
        unit.add_hit(thread_id, mail.message_id, rule, mail.at, decided=rule == decision.rule)


def _assigned(mail: Mail, thread_id: int, reasons: Reasons, owner: Choice) -> timeline.Event:
    decision, guess = reasons.decision, reasons.guess
    data: dict[str, Any] = {"team": decision.team, "decided_by": decision.decided_by}
    data |= {"accountable": owner.handle, "owned": owner.owned, "why": "; ".join(owner.why)}
    if decision.rule:
        data["rule"] = decision.rule
    if decision.assignee:
        data["assignee"] = decision.assignee
    if decision.score is not None:
        data["score"] = round(decision.score, 4)
    if guess is not None and guess.team == NO_TEAM:
        data["marked"] = NO_TEAM
    return _happened(mail, thread_id, "assigned", _actor(decision), data)


def _actor(decision: Decision) -> str:
    return f"rule:{decision.rule}" if decision.rule else "aboard"


def _happened(
    mail: Mail, thread_id: int, kind: str, actor: str, data: dict[str, Any]
) -> timeline.Event:
    return timeline.Event(
        mail.there.account_id, thread_id, mail.message_id, mail.at, kind, actor, data
    )


def _change_stage(unit: Unit, mail: Mail, thread_id: int, decision: Decision) -> None:
    account = unit.account(mail.there.account_id).account
    if account.kind == "internal" or account.stage == decision.stage:
        return
    unit.change_stage(account.id, decision.stage)
    rules = unit.context.files.ruleset.rules
    by = next(one.name for one in rules if one.name in decision.matched and one.actions.stage)
    data = {"stage": decision.stage, "from": account.stage, "rule": by}
    unit.event(_happened(mail, thread_id, "stage-changed", f"rule:{by}", data))


def _compare(unit: Unit, mail: Mail, thread_id: int, reasons: Reasons) -> None:
    """Ask the rules in shadow mode the same, and note where they say another team."""
    live, shadow = reasons.decision, unit.context.files.shadow
    if shadow is None or live.decided_by == PERSON:
        return
    history = NO_HISTORY
    if not reasons.is_new:
        history = run_policy.in_shadow(unit, thread_id, mail.at)
    other = decide(shadow, reasons.facts, event=live.event, history=history)
    held = run_policy.held(shadow)
    for rule in other.matched:
        if rule in held:
            ran = {"shadow": shadow.hash, "rule": rule, "message_id": mail.message_id}
            unit.writes.add("shadow_hits", ran | {"at": mail.at})
    if other.team == live.team:
        return
    unit.writes.add(
        "shadow_results",
        {
            "shadow": shadow.hash,
            "ruleset": live.ruleset_hash,
            "thread_id": thread_id,
            "message_id": mail.message_id,
            "at": unit.now,
            "live_team": live.team,
            "shadow_team": other.team,
            "live_rule": live.rule or None,
            "shadow_rule": other.rule or None,
        },
    )


def _compare_models(unit: Unit, mail: Mail, reasons: Reasons) -> None:
    """Ask the model in shadow mode about a mail that opens a thread, and note both answers."""
    if unit.context.shadow is None or not reasons.is_new:
        return
    said, live = unit.context.shadow(mail.letter), reasons.guess
    unit.writes.add(
        "model_shadow",
        {
            "hash": unit.context.shadow_model,
            "message_id": mail.message_id,
            "at": unit.now,
            "team": said.team,
            "score": said.score,
            "abstain": said.abstain,
            "live_team": live.team if live else "",
            "live_abstain": live.abstain if live else True,
        },
    )
