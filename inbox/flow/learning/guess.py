"""The classifier's answer for a letter, with its evidence, and for a thread why it went there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from classifiers.artifact import ModelError
from classifiers.model import Model
from classifiers.nearest import NearestIndex, Past
from classifiers.text import MailText, words_of
from inbox.flow.admin.context import Classify, Guess
from inbox.flow.learning import models
from inbox.flow.learning.models import InForce
from inbox.flow.texts import mail_text
from inbox.mail.letter import Letter
from inbox.store import assignments, labels, messages, search, sets
from inbox.store import models as store
from inbox.store import threads as thread_store
from inbox.store.database import Conn, Database
from inbox.store.seers import ALL, Seer
from routing.problems import Problem

Asked = Callable[[Letter], Guess | None]
Report = Callable[[str, Problem], None]
"""Told the kind of `active_sets` and what is wrong with its model."""

EVIDENCE = 5
"""Words and phrases that a decision keeps."""
NEAREST = 3
_TELLING = 8
"""Words of a mail by which past threads are looked for."""
_PER_WORD = 40
"""Past messages looked at per word, the newest."""
_PAST_CHARACTERS = 4_000
"""Characters of a past message that are compared: what it wants stands near its beginning."""


@dataclass(frozen=True, slots=True)
class Answering:
    """Who answers while mail is filed."""

    classify: Asked | None = None
    shadow: Classify | None = None
    shadow_hash: str = ""
    problems: Mapping[str, Problem] | None = None
    """kind of `active_sets` -> what is wrong with its model."""


def version(conn: Conn, active: Mapping[str, str]) -> dict[str, str]:
    """What changes whenever the answers may change, beside the hashes in force (`active`)."""
    if store.LIVE not in active:
        return {}
    newest, count = labels.state(conn)
    return {"labels": f"{newest}/{count}"}


def answering(conn: Conn, report: Report | None = None) -> Answering:
    """The model in force and the one in shadow, ready to answer; one that is broken is missing.

    `report` is told, once, when the model in force fails on a letter, and when it answers again.
    """
    problems: dict[str, Problem] = {}
    live = shadow = None
    try:
        live = models.in_force(conn)
    except ModelError as error:
        problems[store.LIVE] = models.problem("database", str(error))
    try:
        shadow = models.in_shadow(conn)
    except ModelError as error:
        problems[store.SHADOW] = models.shadow_problem(str(error))
    if live is not None and live.waiting:
        problems[store.LIVE] = models.time_to_train(live)
    told = None
    if report is not None:
        told = _Listening(report, store.LIVE not in problems and _is_noted(conn))
    return Answering(
        classify=None if live is None else classifier_of(live, told=told),
        shadow=None if shadow is None else _shadow_of(shadow),
        shadow_hash="" if shadow is None else shadow.hash,
        problems=problems,
    )


def note(db: Database, problems: Mapping[str, Problem]) -> None:
    """Write down what is wrong with a model, where it is not written down yet.

    What `models.answers_again` says takes back what was written down before.
    """
    with db.write() as conn:
        for kind, problem in problems.items():
            pointer = store.pointer(conn, kind)
            said = () if problem.code == models.AGAIN else (problem.as_json(),)
            if pointer is not None and pointer.problems != said:
                sets.refuse(conn, kind, said)


def _is_noted(conn: Conn) -> bool:
    pointer = store.pointer(conn)
    return pointer is not None and bool(pointer.problems)


@dataclass(slots=True)
class _Listening:
    """Who is told when the model in force fails, and when it answers again; each change once."""

    report: Report
    failing: bool
    """What is written down says that it fails."""

    def fails(self, problem: Problem) -> None:
        if not self.failing:
            self.failing = True
            self.report(store.LIVE, problem)

    def answers(self, model: InForce) -> None:
        if self.failing:
            self.failing = False
            self.report(store.LIVE, models.answers_again(model))


def classifier_of(live: InForce, evidence: int = EVIDENCE, told: _Listening | None = None) -> Asked:
    """Letter in, guess out; None where the model fails, which `told` hears: rules alone route."""

    def classify(letter: Letter) -> Guess | None:
        try:
            found = guess_of(live, mail_text.of_letter(letter), evidence)
        except MemoryError:
            raise  # the bounds of filing are about the mail, and have their own end: quarantine
        # Whatever a model file holds that its checks let pass, no mail may stop for it (I8).
        except Exception as error:
            if told is not None:
                told.fails(models.failed(live, error))
            return None
        if told is not None:
            told.answers(live)
        return found

    return classify


def _shadow_of(shadow: InForce) -> Classify:
    """As `classifier_of` for a model without effect: one that fails names no team.

    It is asked while filing writes, so that nothing else can be written; `model_state` finds its
    failures among its answers.
    """
    asked = classifier_of(shadow, evidence=0)
    nothing = Guess("", 0.0, abstain=True, best=(), evidence=(), model=shadow.name)
    return lambda letter: asked(letter) or nothing


def guess_of(live: InForce, mail: MailText, evidence: int = EVIDENCE) -> Guess:
    """The answer for one mail."""
    said = live.model.predict(mail, evidence=evidence)
    return Guess(
        team=said.label,
        score=said.score,
        abstain=said.abstain,
        best=tuple((label, said.scores[label]) for label in said.best),
        evidence=tuple((one.term, one.weight) for one in said.evidence),
        model=live.name,
    )


@dataclass(frozen=True, slots=True)
class Near:
    """A past thread like the one asked about, and where it is now."""

    thread_id: int
    account_id: int
    subject: str
    team: str
    likeness: float
    """Cosine of the words, 0 to 1."""

    def as_json(self) -> dict[str, object]:
        """For `--json` and the API."""
        return {
            "thread_id": str(self.thread_id),
            "subject": self.subject,
            "team": self.team,
            "likeness": round(self.likeness, 4),
        }


def nearest(
    conn: Conn,
    model: Model,
    mail: MailText,
    *,
    without: int = 0,
    seer: Seer | None = ALL,
) -> tuple[Near, ...]:
    """The three past threads most like a mail, the most similar first.

    Looked for among the newest messages that share its most telling words. `without`: the mail's
    own thread. `seer`: nobody sees through its likeness a thread that they do not see (DESIGN I10).
    """
    vector = model.table.vector(words_of(mail))
    telling = sorted((word for word in vector if "#" not in word), key=lambda word: -vector[word])
    found = {
        message
        for word in telling[:_TELLING]
        for message in search.find(conn, word, limit=_PER_WORD)
    }
    past = {
        str(one.message_id): one
        for one in labels.of_messages(conn, sorted(found), _PAST_CHARACTERS, seer, received=True)
        if one.thread_id != without
    }
    index = NearestIndex(
        model, (Past(key, mail_text.of_message(one), one.team) for key, one in past.items())
    )
    threads: dict[int, Near] = {}
    for like in index.nearest(mail, count=len(past)):
        one = past[like.thread_id]
        near = Near(one.thread_id, one.account_id, one.subject, one.team, like.likeness)
        threads.setdefault(one.thread_id, near)
        if len(threads) == NEAREST:
            break
    return tuple(threads.values())


@dataclass(frozen=True, slots=True)
class Why:
    """Where a thread went and what the classifier had to do with it; for the thread page."""

    thread_id: int
    team: str
    """The team that the decision named."""
    decided_by: str
    reason: str
    guess: Guess
    nearest: tuple[Near, ...]
    now_with: str
    """The team that has the thread now; another one where somebody moved it since."""

    @property
    def decided(self) -> bool:
        """Did the classifier decide, or was it only asked?"""
        return self.decided_by == "classifier"

    def sentence(self) -> str:
        """`sent to compliance: 91 %, because of "audit", "sub processors"`."""
        terms = ", ".join(f'"{term}"' for term, _ in self.guess.evidence[:3])
        because = f", because of {terms}" if terms else ""
        if self.decided:
            return f"sent to {self.team}: {self.guess.score:.0%}{because}"
        said = " or ".join(f"{team} ({score:.0%})" for team, score in self.guess.best)
        return f"sent to {self.team} by {self.decided_by}; the classifier says {said}{because}"


def why(conn: Conn, thread_id: int, seer: Seer | None = ALL) -> Why | None:
    """What the classifier said when this thread was routed; None where it was not asked.

    Raises `NotFound`, also for a thread that the seer does not see.
    """
    thread = thread_store.by_id(conn, thread_id, seer)
    for made in reversed(assignments.of_thread(conn, thread.id)):
        guess = stored_guess(made.decision, made.model)
        if guess is not None and made.message_id is not None:
            mail = labels.of_messages(conn, [made.message_id])
            near: tuple[Near, ...] = ()
            live = usable(conn)
            if live is not None and mail:
                text = mail_text.of_message(mail[0])
                near = nearest(conn, live.model, text, without=thread.id, seer=seer)
            reason = str(made.decision.get("reason", ""))
            return Why(thread.id, made.team, made.decided_by, reason, guess, near, thread.team)
    return None


def usable(conn: Conn) -> InForce | None:
    """The model in force; None where there is none, or none that works."""
    try:
        return models.in_force(conn)
    except ModelError:
        return None


def stored_guess(decision: Mapping[str, Any], model: str | None) -> Guess | None:
    """The guess that a stored decision was made with."""
    said = decision.get("classifier")
    if not isinstance(said, dict):
        return None
    return Guess(
        team=said["team"],
        score=said["score"],
        abstain=said["abstain"],
        best=tuple((one["team"], one["score"]) for one in said["best"]),
        evidence=tuple((one["term"], one["weight"]) for one in said["evidence"]),
        model=model or "",
    )


def mail_of_message(conn: Conn, message_id: int) -> tuple[MailText, int]:
    """(what the classifier reads of a stored message, its thread). Raises `NotFound`."""
    message = messages.by_id(conn, message_id)
    return mail_text.of_message(labels.of_messages(conn, [message.id])[0]), message.thread_id
