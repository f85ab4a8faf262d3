"""Why a mail went where it went: the trace of a loose mail, or of a stored one from what its
decision kept. Also makes a rule test of either. Decides nothing anew and stores nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from inbox.errors import AboardError, NotFound
from inbox.flow import active
from inbox.flow.admin.context import Guess
from inbox.flow.admin.loose_mail import DetectLanguage, loose_facts, read_loose
from inbox.flow.admin.mail_facts import message_facts
from inbox.flow.admin.proof import load_rules, teams_named
from inbox.flow.author import author_of
from inbox.flow.deciding.assign import account_facts, event_of, guess_facts, thread_facts
from inbox.flow.deciding.forwarding import as_original, is_treated
from inbox.flow.deciding.unit import AccountPicture
from inbox.flow.working import correct
from inbox.mail.letter import Address, Attachment, Letter
from inbox.store import accounts, assignments, hits, ledger, messages, people, sets, threads
from inbox.store.assignments import Assignment
from inbox.store.database import Conn
from inbox.store.messages import Message
from routing.cases import case_from_facts
from routing.decide import NO_HISTORY, History
from routing.explain import Explanation, explain
from routing.facts import JUDGED, Facts, with_given
from routing.names import Names
from routing.ruleset import Event, Ruleset

Given = Mapping[str, object]
Judge = Callable[[Given], Given]
_JUDGEMENTS = ("language", "classifier.team", "classifier.score", "classifier.abstain")
"""What is said of a mail's text; for another text it is no longer known."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a decision is, or was, made from."""

    facts: Facts
    event: Event
    history: History = NO_HISTORY
    ruleset: Ruleset | None = None
    """The rules that decided, where they are known."""
    note: str = ""
    """Why the answer may differ from what happened; empty where it cannot."""
    judge: Judge | None = None
    """Tells language and classifier's answer again for given texts; None where nobody can."""

    def answer(self, ruleset: Ruleset | None = None) -> Explanation:
        """The whole trace, under the given rules or else under those that decided."""
        chosen = ruleset or self.ruleset
        if chosen is None:
            raise AboardError("no rules are known for this mail: give some with --rules PATH")
        return explain(chosen, self.facts, event=self.event, history=self.history)

    def with_given(self, given: Given) -> Question:
        """The same with some facts replaced, and with them what followed from the old ones.

        Raises `AboardError` for what is no fact.
        """
        judged = {name: given[name] for name in JUDGED if name in given}
        judged = {name: value for name, value in judged.items() if value != self.facts.get(name)}
        anew: Given = {}
        if judged:
            anew = dict.fromkeys(_JUDGEMENTS) if self.judge is None else self.judge(judged)
        facts = _with_given(self.facts, {**anew, **given})
        event = self.event
        if "thread.team" in given and event is not Event.BOUNCE:
            event = Event.REPLY if facts.text("thread.team") else Event.NEW_THREAD
        return replace(self, facts=facts, event=event)

    def rule_test(self, ruleset: Ruleset, name: str = "") -> str:
        """A minimal `tests:` entry that expects what these rules decide; no word of the mail is
        in it that the rules do not ask for."""
        return case_from_facts(ruleset, self.facts, event=self.event, name=name)


def _with_given(facts: Facts, given: Given) -> Facts:
    try:
        return with_given(facts, given)
    except (KeyError, TypeError) as error:
        hint = "`aboard rules fields` lists every field with its type"
        raise AboardError(f"a given fact cannot be used: {error.args[0]} ({hint})") from error


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a configuration adds to a loose mail; nothing where there is none."""

    mailboxes: tuple[str, ...] = ()
    detect: DetectLanguage | None = None
    classify: Callable[[Letter], Guess | None] | None = None


BARE = Surroundings()


def loose(raw: bytes, there: Surroundings) -> Question:
    """What a mail from a file asks, as the first one of a thread on an unknown account.

    Raises `UnreadableMail`.
    """
    letter = read_loose(raw)
    facts = loose_facts(letter, len(raw), there.mailboxes, there.detect)
    facts |= thread_facts(None)
    facts |= guess_facts(there.classify(letter) if there.classify else None)

    def judge(given: Given) -> Given:
        return _judged(letter, there, facts, given)

    return Question(Facts(facts), event_of(letter, None), judge=judge)


def _judged(letter: Letter, there: Surroundings, facts: Given, given: Given) -> Given:
    """Language and classifier's answer for the letter with what is given in place of its own."""
    changed = _letter_with(letter, given)
    language = facts["language"]
    if changed.visible_text != letter.visible_text:
        language = there.detect(changed.visible_text) if there.detect else None
    said = guess_facts(there.classify(changed) if there.classify else None)
    return {**dict.fromkeys(_JUDGEMENTS), "language": language, **said}


def _letter_with(letter: Letter, given: Given) -> Letter:
    changes: dict[str, Any] = {}
    if isinstance(subject := given.get("subject"), str):
        changes["subject"] = subject
    if isinstance(text := given.get("text"), str):
        changes |= {"visible_text": text, "text": text, "forwarded": None}
    if isinstance(body := given.get("body"), str):
        changes["text"] = body
    if isinstance(author := given.get("from"), str):
        changes["from_"] = (Address("", author),)
    names = given.get("attachment.name")
    if isinstance(names, tuple | list):
        changes["attachments"] = tuple(
            Attachment(str(place), str(name), "application/octet-stream", 0, "", False, None)
            for place, name in enumerate(names, 1)
        )
    return replace(letter, **changes)


def facts_of_account(conn: Conn, name: str) -> dict[str, object]:
    """The facts about an account, given by number, name, domain or address. Raises `NotFound`."""
    account = accounts.find(conn, name)
    domains = accounts.domains_by_account(conn, [account.id]).get(account.id, ())
    return account_facts(AccountPicture(account, domains))


def stored(conn: Conn, message_id: int, there: Surroundings = BARE) -> Question:
    """What was asked when a stored message was filed. Raises `NotFound`, for what we sent too.

    From the snapshot of its decision. A message without one (a reply that no rule acted on) has
    its facts gathered again, from its raw mail and from its thread as it was before it.
    """
    message = messages.by_id(conn, message_id)
    made = assignments.of_message(conn, message_id)
    if made is None:
        return _again(conn, message, there)
    ruleset, note = None, "the rules that decided are no longer stored"
    if made.ruleset is not None:
        ruleset = stored_rules(conn, made.ruleset)
    if ruleset is not None:
        note = ""
    return Question(
        facts=snapshot_facts(made, message),
        event=Event(made.decision.get("event", Event.NEW_THREAD)),
        history=_history(conn, message),
        ruleset=ruleset,
        note=note,
    )


def snapshot_facts(made: Assignment, message: Message) -> Facts:
    """The facts that a decision was made from: its snapshot, and the texts of its message."""
    texts = {"subject": message.subject, "text": message.visible_text, "body": message.text}
    return Facts({**made.facts, **texts})


def stored_rules(conn: Conn, ruleset_hash: str) -> Ruleset | None:
    """The rules of this hash as they were put in force once, or None."""
    files = sets.by_hash(conn, "rules", ruleset_hash)
    if files is None:
        return None
    # What a set of the past names may be gone by now; it was checked when it was put in force.
    # Its teams are also those that only the classifier names.
    known = tuple(sorted({*teams_named(files), *people.every_team(conn)}))
    return load_rules(files, Names(known), linted=False)[0]


def _again(conn: Conn, message: Message, there: Surroundings) -> Question:
    deliveries = ledger.of_message(conn, message.id)
    if not deliveries:
        raise NotFound(f"message {message.id} left from here; rules are asked about what comes in")
    delivery = deliveries[0]
    letter = read_loose(ledger.raw_bytes(conn, message.raw_id))
    author = author_of(letter, delivery.reverse_path).address
    if is_treated(message):
        letter, author = as_original(letter), message.from_address
    paths = delivery.forward_paths
    facts = message_facts(letter, author, paths, message.size, there.mailboxes)
    facts["mailbox"] = facts["mailbox"] if there.mailboxes else None
    facts["language"] = message.language
    facts |= facts_of_account(conn, str(message.account_id))
    before = _thread_before(conn, message, delivery.settled_at or message.received_at)
    facts |= thread_facts(before)
    facts |= guess_facts(there.classify(letter) if there.classify else None)
    files = active.in_force(conn)
    return Question(
        facts=Facts(facts),
        event=event_of(letter, before),
        history=_history(conn, message),
        ruleset=files.ruleset if files else None,
        note="nothing was decided anew for this reply, so no snapshot is stored:"
        " its facts were gathered again, and the rules are those in force now",
    )


def _history(conn: Conn, message: Message) -> History:
    at = message.received_at  # run policies go by the time of the mails, as in filing
    return History(hits.ran_before(conn, message.thread_id, message.id, at), at)


def _thread_before(conn: Conn, message: Message, filed_at: datetime) -> threads.Thread:
    """The thread with the team, and the number of messages, that it had before this message."""
    thread = threads.by_id(conn, message.thread_id)
    earlier = [one for one in messages.of_thread(conn, thread.id) if one.id < message.id]
    made = [
        one
        for one in assignments.of_thread(conn, thread.id)
        if (one.at <= filed_at if one.message_id is None else one.message_id < message.id)
    ]
    team, decided_by = thread.team, thread.decided_by
    for one in correct.standing(made):
        if one.decided_by != "thread":
            team, decided_by = one.team, one.decided_by
    return replace(thread, messages=len(earlier), team=team, decided_by=decided_by)


def rule_test(conn: Conn, message_id: int) -> str:
    """A ready `tests:` entry from a stored message, for the rules in force now.

    Raises `NotFound` for an unknown message or where no rules are in force.
    """
    files = active.in_force(conn)
    if files is None:
        raise NotFound("no rules are in force yet: `aboard rules activate` puts them in force")
    return stored(conn, message_id).rule_test(files.ruleset, f"made from message {message_id}")
