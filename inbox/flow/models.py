"""Which classifier is in force: kept by hash in the database, promoted, rolled back, in shadow.

A model that cannot be used is a problem and never a stop: then rules alone route (DESIGN I8).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Any

from classifiers import artifact, online
from classifiers.artifact import ModelError
from classifiers.model import Model
from inbox.errors import AboardError
from inbox.flow import mail_text
from inbox.store import labels, people
from inbox.store import models as store
from inbox.store.database import Conn, Database
from inbox.store.models import LIVE, SHADOW, Step
from routing.problems import Problem

MOST_CORRECTIONS = 30
"""Corrections taken in between two trainings, the newest; each costs 20 ms when
a worker starts."""
LAST_LABEL = "last_label"
"""In a model's info: the newest label that it was trained on."""
_REMEMBERED = 4

_GUARD = Lock()
"""Pages are made in several threads at once; both tables below change under it."""
_LOADED: dict[str, Model] = {}
_STEPPED: dict[str, tuple[tuple[tuple[int, str], ...], Model]] = {}


@dataclass(frozen=True, slots=True)
class InForce:
    """A model as it answers now: as it was trained, and with the corrections made since."""

    hash: str
    trained: Model
    model: Model
    corrections: int = 0

    @property
    def name(self) -> str:
        """What decisions call it: the trained model's id, and how many corrections came on top."""
        return f"{self.trained.id}+{self.corrections}" if self.corrections else self.trained.id


def keep(conn: Conn, model: Model, now: datetime) -> str:
    """Store a model; its hash."""
    manifest: dict[str, Any] = {
        "labels": list(model.labels),
        "thresholds": [None if one == float("inf") else one for one in model.thresholds],
        "info": dict(model.info),
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
    """The model in force with the corrections since its training; None where there is none.

    Every node applies the same corrections in the same order. Raises `ModelError`.
    """
    pointer = store.pointer(conn, LIVE)
    if pointer is None:
        return None
    trained = load(conn, pointer.hash)
    since = trained.info.get(LAST_LABEL, 0)
    after = since if isinstance(since, int) else 0
    mails = labels.labelled(conn, after=after, limit=MOST_CORRECTIONS)
    taken = tuple((one.label_id, one.team) for one in mails if one.team in trained.labels)
    with _GUARD:
        done, model = _STEPPED.get(pointer.hash, ((), trained))
    if done != taken[: len(done)]:
        done, model = (), trained
    for one in [mail for mail in mails if mail.team in trained.labels][len(done) :]:
        model = online.corrected(model, mail_text.of_message(one), one.team)
    with _GUARD:
        _STEPPED.clear()
        _STEPPED[pointer.hash] = (taken, model)
    return InForce(pointer.hash, trained, model, len(taken))


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


def rollback(conn: Conn, actor: str, now: datetime) -> Step:
    """Put the model before the one in force back. Raises `AboardError` where there is none."""
    done = store.go_back(conn, actor, now)
    if done is None:
        raise AboardError("there is no model to go back to: only one was ever in force")
    return done


def set_shadow(conn: Conn, model: Model | None, now: datetime) -> str | None:
    """Let a model answer beside the one in force (None: no more); its hash."""
    digest = None if model is None else keep(conn, model, now)
    store.set_shadow(conn, digest, now)
    return digest
