"""How the classifier in force is doing: since when, how often people move what it routed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from classifiers.artifact import ModelError
from classifiers.compare import promise_of
from classifiers.drift import LOOKS, Drift, watch_newest
from inbox.clock import iso
from inbox.flow.learning import model_info, models
from inbox.flow.learning.models import InForce
from inbox.store import labels, sets
from inbox.store import models as store
from inbox.store.database import Conn
from inbox.store.models import ShadowCounts, Step
from routing.problems import Problem

DRIFT_FOR = timedelta(days=60)
"""Threads routed longer ago say nothing about how the model does now, however few there are."""
TRAIN_FROM = 50
"""Labels since the training from which `status` says that training is worth while."""


@dataclass(frozen=True, slots=True)
class State:
    """All that `aboard classifier status` says."""

    live: InForce | None
    steps: tuple[Step, ...]
    """How models came into force, the last first."""
    labels: int
    drift: Drift | None
    shadow: str
    """The id of the model in shadow; empty where there is none."""
    shadow_counts: ShadowCounts | None
    problems: tuple[Problem, ...]

    def as_json(self) -> dict[str, Any]:
        """The JSON shape of docs/INTERFACES.md."""
        live, drift, counts = self.live, self.drift, self.shadow_counts
        return {
            "model": None if live is None else live.name,
            "hash": None if live is None else live.hash,
            "labels_of_model": [] if live is None else list(live.trained.labels),
            "info": {} if live is None else model_info.shown(live.trained.info),
            "corrections": 0 if live is None else live.corrections,
            "waiting": 0 if live is None else live.waiting,
            "own_labels": self.labels,
            "history": [
                {"model": one.model_id, "at": iso(one.at), "by": one.actor, "why": one.why}
                for one in self.steps
            ],
            "drift": None
            if drift is None
            else {
                "routed": drift.routed,
                "corrected": drift.corrected,
                "promised_errors": round(drift.promised_errors, 6),
                "p_value": round(drift.p_value, 6),
                "alarm": drift.alarm,
                "message": drift.message,
            },
            "shadow": None
            if counts is None
            else {
                "model": self.shadow,
                "answers": counts.answers,
                "other_team": counts.other_team,
                "other_route": counts.other_route,
            },
            "problems": [one.as_json() for one in self.problems],
        }


def state(conn: Conn, now: datetime) -> State:
    """How things stand; a model that cannot be used, or failed on a mail, is among the problems."""
    problems: list[Problem] = []
    live = shadow = None
    try:
        live = models.in_force(conn)
        if live is None:
            problems.append(models.none_in_force())
    except ModelError as error:
        problems.append(models.problem("database", str(error)))
    try:
        shadow = models.in_shadow(conn)
    except ModelError as error:
        problems.append(models.shadow_problem(str(error)))
    steps = store.steps(conn)
    if live is not None:
        problems += _noted(conn)
        if live.waiting:
            problems.append(models.time_to_train(live))
    if shadow is not None and (failures := store.shadow_failures(conn, shadow.hash)):
        mails = "the last mail" if failures == 1 else f"the last {failures} mails"
        said = f"model {shadow.name}, in shadow, failed on {mails} that it was asked about"
        problems.append(models.shadow_problem(said))
    drift = _drift(conn, live, now) if live is not None else None
    if drift is not None and drift.alarm:
        problems.append(_alarm(drift))
    return State(
        live=live,
        steps=steps,
        labels=labels.state(conn)[1],
        drift=drift,
        shadow=shadow.trained.id if shadow else "",
        shadow_counts=store.shadow_counts(conn, shadow.hash) if shadow else None,
        problems=tuple(problems),
    )


def _noted(conn: Conn) -> list[Problem]:
    """What was written down while the model in force answered."""
    return [one for one in sets.refused(conn, store.LIVE) if one.code == "classifier"]


def _drift(conn: Conn, live: InForce, now: datetime) -> Drift:
    moved = labels.moved_of_routed(conn, live.trained.id, max(LOOKS), now - DRIFT_FOR)
    return watch_newest(moved, promise_of(live.trained) or 0.95)


def _alarm(drift: Drift) -> Problem:
    return Problem("database", 0, 0, "classifier-drift", drift.message, "", severity="warning")
