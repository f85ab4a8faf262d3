"""Which classifier is in force: kept by hash in the database, promoted, rolled back, in shadow.

A model that cannot be used is a problem and never a stop: then rules alone route (DESIGN I8).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Any

from classifiers import artifact, memory, online
from classifiers.artifact import ModelError
from classifiers.model import Model
from inbox.errors import AboardError
from inbox.flow.learning import learnt, model_info
from inbox.flow.learning.learnt import Mark
from inbox.flow.texts import mail_text
from inbox.store import labels, people
from inbox.store import models as store
from inbox.store.database import Conn, Database
from inbox.store.models import LIVE, SHADOW, Step
from routing.problems import Problem

MOST_CORRECTIONS = 500
"""Corrections taken in between two trainings, the newest: together some 100 ms when a worker
starts. Beyond them a problem says that it is time to train."""
MOST_REMEMBERED = 250
"""Own labels remembered mail by mail (`classifiers.memory`), the newest, learnt or not: an answer
costs a tenth of a millisecond more with so many."""
AGAIN = "classifier-again"
"""The code by which a problem says that there is none any more."""
_REMEMBERED = 4

_GUARD = Lock()
"""Pages are made in several threads at once; both tables below change under it."""
_LOADED: dict[str, Model] = {}
_STEPPED: dict[str, tuple[tuple[tuple[Mark, ...], ...], Model]] = {}


@dataclass(frozen=True, slots=True)
class InForce:
    """A model as it answers now: as it was trained, and with what people have said on top."""

    hash: str
    trained: Model
    model: Model
    corrections: int = 0
    """Labels that came on top of the training, and count in `model`."""
    waiting: int = 0
    """Older ones that do not count before the next training (`MOST_CORRECTIONS`)."""

    @property
    def name(self) -> str:
        """What decisions call it: the trained model's id and, where corrections moved it, its own.

        An id is a hash over everything that decides answers: two models never share one.
        """
        moved = self.model.id != self.trained.id
        return f"{self.trained.id}+{self.model.id}" if moved else self.trained.id


def keep(conn: Conn, model: Model, now: datetime) -> str:
    """Store a model; its hash."""
    manifest: dict[str, Any] = {
        "labels": list(model.labels),
        "thresholds": [None if one == float("inf") else one for one in model.thresholds],
        "info": model_info.shown(model.info),
    }
    return store.put(conn, model.id, artifact.dump(model), manifest, now)


def load(conn: Conn, digest: str) -> Model:
    """A kept model, checked as a file would be. Raises `ModelError`."""
    with _GUARD:
        found = _LOADED.get(digest)
    if found is not None:
        return found
    content = store.content(conn, digest)
    if content is None:
        raise ModelError(f"model {digest[:12]}: the database does not hold it")
    found = artifact.loads(content, f"model {digest[:12]} in the database")
    with _GUARD:
        while len(_LOADED) >= _REMEMBERED:
            _LOADED.pop(next(iter(_LOADED)))
        _LOADED[digest] = found
    return found


def in_force(conn: Conn) -> InForce | None:
    """The model in force with the corrections since its training, and with the newest labels
    remembered; None where there is none.

    Every node takes in the same labels in the same order. Raises `ModelError`.
    """
    pointer = store.pointer(conn, LIVE)
    if pointer is None:
        return None
    trained = load(conn, pointer.hash)
    known = learnt.learnt_by(trained.info)
    marked = [
        (Mark.of(one.message_id, one.received_at, one.team), one.label_id)
        for one in labels.latest(conn)
        if one.team in trained.labels
    ]
    fresh = [one for one in marked if one[0] not in known]
    taken = fresh[-MOST_CORRECTIONS:]
    kept = marked[-MOST_REMEMBERED:]
    model = _with_labels(conn, pointer.hash, trained, (taken, kept)) if kept else trained
    return InForce(pointer.hash, trained, model, len(taken), len(fresh) - len(taken))


Labelled = Sequence[tuple[Mark, int]]
"""Marks with the number of their label."""


def _with_labels(conn: Conn, digest: str, trained: Model, said: tuple[Labelled, Labelled]) -> Model:
    """The model with corrections on top and with labels remembered (`said`), made once."""
    key = tuple(tuple(mark for mark, _ in part) for part in said)
    with _GUARD:
        done, model = _STEPPED.get(digest, ((), trained))
    if done == key:
        return model
    taken, kept = ({number for _, number in part} for part in said)
    mails = [
        (one.label_id, (mail_text.of_message(one), one.team))
        for one in labels.labelled(conn, only=sorted(taken | kept))
    ]
    model = online.corrected_by(trained, [mail for number, mail in mails if number in taken])
    model = memory.remembering(model, [mail for number, mail in mails if number in kept])
    with _GUARD:
        _STEPPED.clear()
        _STEPPED[digest] = (key, model)
    return model


def in_shadow(conn: Conn) -> InForce | None:
    """The model that answers without effect, or None. Raises `ModelError`."""
    pointer = store.pointer(conn, SHADOW)
    if pointer is None:
        return None
    model = load(conn, pointer.hash)
    return InForce(pointer.hash, model, model)


def activate_shipped(db: Database, path: Path, now: datetime) -> Problem | None:
    """Put the model that comes with Aboard in force where none ever was; what kept it from that."""
    with db.read() as conn:
        if store.pointer(conn, LIVE) is not None:
            return None
    try:
        model = artifact.load(path)
    except ModelError as error:
        return problem(path.name, str(error))
    with db.write() as conn:
        if store.pointer(conn, LIVE) is None:
            why = "the model that comes with Aboard"
            store.put_in_force(conn, keep(conn, model, now), "aboard", why, now)
    return None


def unusable(path: Path) -> Problem | None:
    """What is wrong with a model file, or None."""
    try:
        artifact.load(path)
    except ModelError as error:
        return problem(path.name, str(error))
    return None


def problem(where: str, message: str) -> Problem:
    """A model that cannot be used, as `check` and the log show it."""
    hint = "rules alone route until `aboard classifier promote MODEL` or `rollback`"
    return Problem(where, 0, 0, "classifier", message, hint, severity="warning")


def none_in_force() -> Problem:
    """Nothing was ever promoted, and nothing started yet."""
    hint = "`aboard serve` puts the one that comes with Aboard in force when it first starts"
    message = "no classifier is in force; rules alone route"
    return Problem("database", 0, 0, "classifier", message, hint, severity="warning")


def shadow_problem(message: str) -> Problem:
    """A model in shadow that cannot be used: nothing depends on it, but nothing is counted."""
    hint = "`aboard classifier shadow MODEL` names another one, `shadow --off` ends it"
    return Problem("database", 0, 0, "classifier", message, hint, severity="warning")


def failed(model: InForce, error: Exception) -> Problem:
    """The model in force failed on a mail."""
    what = f"model {model.name} failed on a mail ({type(error).__name__}: {error})"
    return problem("database", f"{what}; rules alone routed it")


def answers_again(model: InForce) -> Problem:
    """No problem any more: what was noted about this model is over."""
    return Problem("database", 0, 0, AGAIN, f"model {model.name} answers again", "", "warning")


def time_to_train(live: InForce) -> Problem:
    """More labels came since the training than count by themselves."""
    message = (
        f"{live.corrections + live.waiting} labels came since model {live.trained.id} was trained;"
        f" the newest {live.corrections} count, {live.waiting} older ones do not until the next"
        " training"
    )
    hint = "`aboard classifier train` learns from all of them"
    return Problem("database", 0, 0, "classifier-train", message, hint, severity="warning")


def find(conn: Conn, wanted: str) -> Model:
    """A model by the name of a file, or by the beginning of a kept one's id or hash.

    Raises `ModelError` for a file that is no model, `AboardError` for a name nobody has.
    """
    path = Path(wanted)
    if path.is_file():
        return artifact.load(path)
    kept = store.find(conn, wanted) if len(wanted) >= 4 else ()
    if not kept:
        raise AboardError(
            f"{wanted}: there is no such file, and no kept model has an id that begins like this"
            " (`aboard classifier status` lists them)"
        )
    if len({one.model_id for one in kept}) > 1:
        raise AboardError(f"{wanted}: several kept models begin like this; give more of the id")
    return load(conn, kept[0].hash)


def promote(conn: Conn, model: Model, actor: str, why: str, now: datetime) -> Step:
    """Put a model in force, once the database gives it back whole.

    Raises `AboardError` where it could never name a team of ours, `ModelError` where it was not
    kept as it is.
    """
    teams = people.team_names(conn)
    if teams and not set(teams) & set(model.labels):
        raise AboardError(
            f"model {model.id} knows {', '.join(model.labels[:5])}, none of which is a team"
            f" ({', '.join(teams)}): it could never route anything"
        )
    digest = keep(conn, model, now)
    with _GUARD:
        _LOADED.pop(digest, None)  # what this process remembers says nothing about what is kept
    load(conn, digest)
    store.put_in_force(conn, digest, actor, why, now)
    done = store.last_step(conn)
    assert done is not None
    return done


def rollback(conn: Conn, actor: str, now: datetime, shipped: Path | None = None) -> Step:
    """Put the model before the one in force back; one that is damaged is passed over.

    Where there is none, the model that comes with Aboard (`shipped`, a file), unless that is the
    one in force. Raises `AboardError` where there is nothing to go back to, `ModelError` for a
    shipped file that is damaged.
    """
    before = store.pointer(conn, LIVE)
    while done := store.go_back(conn, actor, now):
        with _GUARD:
            _LOADED.pop(done.hash, None)
        try:
            load(conn, done.hash)
        except ModelError:
            continue
        return done
    if shipped is not None:
        model = artifact.load(shipped)
        digest = keep(conn, model, now)
        if before is None or digest != before.hash:
            why = "rollback to the model that comes with Aboard"
            done = store.start_over(conn, digest, actor, why, now)
            assert done is not None
            return done
    raise AboardError(
        "there is no model to go back to: none was in force before this one"
        " (`aboard classifier promote MODEL` takes any that is kept)"
    )


def set_shadow(conn: Conn, model: Model | None, now: datetime) -> str | None:
    """Let a model answer beside the one in force (None: no more); its hash."""
    digest = None if model is None else keep(conn, model, now)
    store.set_shadow(conn, digest, now)
    return digest
