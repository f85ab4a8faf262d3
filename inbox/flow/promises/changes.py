"""Rules that are asked about a change of a thread: `on: handoff` and `on: stage-change`.

No mail arrives, so what rules may ask is the account and the thread; every field of a mail is
unknown. What they say is put into force in the transaction of the change. A change that such a
rule makes asks no rules again, so none can go round in a ring.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from inbox.flow.admin.admin_set import AdminFiles
from inbox.flow.admin.hours_fact import NAME, is_open
from inbox.flow.deciding import assign
from inbox.flow.deciding.unit import AccountPicture
from inbox.flow.people.ownership import Owners
from inbox.flow.promises import sequences, tell
from inbox.store import (
    accounts,
    assignments,
    followup_facts,
    hits,
    messages,
    people,
    threads,
    timeline,
)
from inbox.store.database import Conn
from inbox.store.followup_facts import RuleDeed, Start
from inbox.store.threads import Thread
from routing.decide import PERSON, THREAD, Decision, History, decide
from routing.facts import Facts
from routing.ownership import Need
from routing.ruleset import Event

EVENTS = {"handoff-accepted": Event.HANDOFF, "stage-changed": Event.STAGE_CHANGE}
"""Kinds of events of the timeline that rules may be asked at."""


def after_filing(conn: Conn, files: AdminFiles, filed: Sequence[int]) -> None:
    """Mails were filed in this transaction; rules of theirs may have changed stages."""
    if any(Event.STAGE_CHANGE in one.events for one in files.ruleset.rules):
        for happened in followup_facts.stage_changes(conn, filed):
            _ask(conn, files, happened, Event.STAGE_CHANGE)


def after_event(conn: Conn, files: AdminFiles, event_id: int) -> None:
    """Something happened on a thread: ask the rules that are for it."""
    asked = {event for one in files.ruleset.rules for event in one.events}
    if not asked & set(EVENTS.values()):
        return
    happened = followup_facts.event(conn, event_id)
    event = None if happened is None else EVENTS.get(happened.kind)
    if happened is not None and event in asked and event is not None:
        _ask(conn, files, happened, event)


def _ask(conn: Conn, files: AdminFiles, happened: Start, event: Event) -> None:
    if happened.thread_id is None:
        return
    thread = threads.by_id(conn, happened.thread_id)
    facts = _facts(conn, files, thread, happened.at)
    ran = hits.of_threads(conn, [thread.id])[thread.id]
    history = History(hits.nearest(ran, happened.at), happened.at)
    decision = decide(files.ruleset, facts, event=event, history=history)
    if decision.matched:
        _Force(conn, files, thread, decision, happened).put(facts)


def _facts(conn: Conn, files: AdminFiles, thread: Thread, at: datetime) -> Facts:
    account_id = thread.account_id
    picture = AccountPicture(
        accounts.by_id(conn, account_id),
        accounts.domains_by_account(conn, [account_id]).get(account_id, ()),
    )
    fallback = files.ruleset.fallback.team
    known = assign.account_facts(picture) | assign.thread_facts(thread)
    known["thread.messages"] = thread.messages
    known[NAME] = is_open(files.directory, files.sla, fallback, thread.team, at)
    return Facts(known)


class _Force:
    """One decision about a change, put into force."""

    def __init__(
        self, conn: Conn, files: AdminFiles, thread: Thread, decision: Decision, happened: Start
    ) -> None:
        self._conn = conn
        self._files = files
        self._thread = thread
        self._decision = decision
        self._at = happened.at
        self._event_id = happened.id
        self._written: list[int] = []

    def put(self, facts: Facts) -> None:
        """Change the thread, and write down who decided it and why."""
        decision, thread = self._decision, self._thread
        changes = self._changes()
        if changes:
            threads.save(self._conn, thread.id, **changes)
        accountable_id = changes.get("accountable_id", thread.accountable_id)
        assignments.append(self._conn, self._assignment(accountable_id, facts))
        newest = messages.newest(self._conn, thread.id)
        if newest is not None:
            hits.add(self._conn, decision.matched, decision.rule, (thread.id, newest), self._at)
        tags = [one for one in decision.tags if one not in thread.tags]
        if tags:
            self._event("tagged", {"added": tags, "removed": []})
        for note in decision.notes:
            self._event("note", {"text": note})
        self._stage()
        deed = RuleDeed(
            message_id=0,
            event_id=self._event_id,
            thread_id=thread.id,
            at=self._at,
            rule=decision.matched[0],
            reply="",
            notify=decision.notify,
            snooze_for=decision.snooze_for,
        )
        tell.carry_out(self._conn, self._files, deed, self._at)
        for number in self._written:
            sequences.after_event(self._conn, self._files, number)
            tell.after_event(self._conn, number)

    def _changes(self) -> dict[str, Any]:
        decision, thread = self._decision, self._thread
        changes: dict[str, Any] = {}
        if decision.priority:
            changes["priority"] = decision.priority
        if decision.policy:
            changes["policy"] = decision.policy
        if set(decision.tags) - set(thread.tags):
            changes["tags"] = sorted({*thread.tags, *decision.tags})
        moved = decision.team != thread.team and decision.decided_by not in (THREAD, PERSON)
        if moved or (decision.assignee and decision.decided_by != PERSON):
            changes |= self._owner(moved=moved)
        return changes

    def _owner(self, *, moved: bool) -> dict[str, Any]:
        decision, thread = self._decision, self._thread
        known = {one.handle: one.id for one in people.everybody(self._conn).values() if one.active}
        owners = Owners(self._conn, self._files.directory, known, self._at)
        of_account = accounts.owners_by_account(self._conn, [thread.account_id])
        account_owner = of_account.get(thread.account_id, {}).get(decision.team, "")
        named = account_owner if decision.assignee == "account-owner" else decision.assignee
        wanted = Need(account_owner, thread.tags)
        choice = owners.choose(decision.team, wanted, "" if named == "team-strategy" else named)
        data: dict[str, Any] = {
            "team": decision.team,
            "decided_by": decision.decided_by,
            "rule": decision.rule,
        }
        data |= {"accountable": choice.handle, "owned": choice.owned, "why": "; ".join(choice.why)}
        self._event("assigned", data)
        changes = {"team": decision.team, "decided_by": decision.decided_by} if moved else {}
        claimed_at = self._at if choice.owned else None
        return changes | {"accountable_id": known[choice.handle], "claimed_at": claimed_at}

    def _stage(self) -> None:
        stage, account_id = self._decision.stage, self._thread.account_id
        account = accounts.by_id(self._conn, account_id)
        if stage and account.kind != "internal" and account.stage != stage:
            accounts.update_facts(self._conn, account_id, stage=stage)
            self._event("stage-changed", {"stage": stage, "from": account.stage})

    def _assignment(self, accountable_id: int, facts: Facts) -> assignments.Assignment:
        decision = self._decision
        return assignments.Assignment(
            thread_id=self._thread.id,
            message_id=None,
            at=self._at,
            decided_by=decision.decided_by,
            team=decision.team,
            accountable_id=accountable_id,
            by_id=None,
            rule=decision.rule or None,
            ruleset=self._files.ruleset.hash,
            model=None,
            score=None,
            decision=assign.decision_json(decision),
            facts=facts.snapshot(),
        )

    def _event(self, kind: str, data: dict[str, Any]) -> None:
        by = self._decision.rule or self._decision.matched[0]
        thread = self._thread
        event = timeline.Event(
            thread.account_id, thread.id, None, self._at, kind, f"rule:{by}", data
        )
        self._written.append(timeline.add(self._conn, event))
