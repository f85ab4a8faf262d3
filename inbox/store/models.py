"""Classifier models by hash, which one is in force or in shadow, and every step between them.

Models are bytes here: nothing in this room can read one. What is in force stands in `active_sets`,
so workers see a change where they see a change of rules.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from inbox.store.database import Conn, new_key, upsert
from inbox.store.model_tables import model_shadow, model_steps, models
from inbox.store.set_tables import active_sets

LIVE, SHADOW = "classifier", "classifier-shadow"
"""The kinds of `active_sets` that hold a model's hash."""


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A model as it is kept, without its bytes."""

    hash: str
    model_id: str
    size: int
    manifest: Mapping[str, Any]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Step:
    """A model came into force."""

    id: int
    hash: str
    model_id: str
    previous_id: int | None
    at: datetime
    actor: str
    why: str


@dataclass(frozen=True, slots=True)
class Pointer:
    """The model in force or in shadow, and what was found wrong with it."""

    hash: str
    since: datetime
    problems: tuple[Mapping[str, Any], ...]


def put(
    conn: Conn, model_id: str, content: bytes, manifest: Mapping[str, Any], now: datetime
) -> str:
    """Keep a model; its hash. The same bytes are kept once, and mend a row that was damaged."""
    digest = hashlib.sha256(content).hexdigest()
    row = {
        "hash": digest,
        "model_id": model_id,
        "size": len(content),
        "content": content,
        "manifest": dict(manifest),
        "created_at": now,
    }
    mended = {name: row[name] for name in ("size", "content", "manifest")}
    upsert(conn, models, row, key=("hash",), set_=mended)
    return digest


def content(conn: Conn, digest: str) -> bytes | None:
    """The bytes of a model, or None where it is not kept."""
    found = conn.scalar(select(models.c.content).where(models.c.hash == digest))
    return None if found is None else bytes(found)


_ABOUT = (
    models.c.hash,
    models.c.model_id,
    models.c.size,
    models.c.manifest,
    models.c.created_at,
)


def find(conn: Conn, wanted: str) -> tuple[StoredModel, ...]:
    """The models whose id or hash begins with `wanted`, newest first."""
    begins = models.c.model_id.startswith(wanted, autoescape=True) | models.c.hash.startswith(
        wanted, autoescape=True
    )
    found = conn.execute(
        select(*_ABOUT).where(begins).order_by(models.c.created_at.desc(), models.c.hash)
    )
    return tuple(StoredModel(*row) for row in found)


def pointer(conn: Conn, kind: str = LIVE) -> Pointer | None:
    """The model in force (or in shadow), or None."""
    row = conn.execute(select(active_sets).where(active_sets.c.kind == kind)).first()
    return None if row is None else Pointer(row.hash, row.activated_at, tuple(row.problems))


def put_in_force(conn: Conn, digest: str, actor: str, why: str, now: datetime) -> int:
    """Make a kept model the one in force; the number of the step."""
    before = last_step(conn)
    return _step(conn, digest, None if before is None else before.id, (actor, why), now)


def start_over(conn: Conn, digest: str, actor: str, why: str, now: datetime) -> Step | None:
    """Make a kept model the one in force, with nothing before it to go back to; the step taken."""
    _step(conn, digest, None, (actor, why), now)
    return last_step(conn)


def go_back(conn: Conn, actor: str, now: datetime) -> Step | None:
    """Put the model before the one in force back; the step taken, or None where there is none.

    Going back twice goes two models back; nothing is forgotten.
    """
    current = last_step(conn)
    if current is None or current.previous_id is None:
        return None
    previous = _steps(conn, model_steps.c.id == current.previous_id)[0]
    why = f"rollback from {current.model_id}"
    _step(conn, previous.hash, previous.previous_id, (actor, why), now)
    return last_step(conn)


def _step(
    conn: Conn, digest: str, previous_id: int | None, said: tuple[str, str], now: datetime
) -> int:
    values = {"hash": digest, "previous_id": previous_id, "at": now}
    made = conn.execute(
        model_steps.insert(), {**values, "actor": said[0][:120], "why": said[1][:2000]}
    )
    _point(conn, LIVE, digest, now)
    return new_key(made)


def set_shadow(conn: Conn, digest: str | None, now: datetime) -> None:
    """Let a kept model answer beside the one in force, without effect; None ends that."""
    if digest is None:
        conn.execute(active_sets.delete().where(active_sets.c.kind == SHADOW))
    else:
        _point(conn, SHADOW, digest, now)


def _point(conn: Conn, kind: str, digest: str, now: datetime) -> None:
    values = {"hash": digest, "activated_at": now, "problems": []}
    upsert(conn, active_sets, {"kind": kind, **values}, key=("kind",), set_=values)


def last_step(conn: Conn) -> Step | None:
    """The step by which the model in force came there; None before the first."""
    found = _steps(conn)
    return found[0] if found else None


def steps(conn: Conn, limit: int = 20) -> tuple[Step, ...]:
    """The latest steps, the last first."""
    return _steps(conn, limit=limit)


def _steps(conn: Conn, *conditions: Any, limit: int = 1) -> tuple[Step, ...]:
    found = conn.execute(
        select(
            model_steps.c.id,
            model_steps.c.hash,
            models.c.model_id,
            model_steps.c.previous_id,
            model_steps.c.at,
            model_steps.c.actor,
            model_steps.c.why,
        )
        .join(models, models.c.hash == model_steps.c.hash)
        .where(*conditions)
        .order_by(model_steps.c.id.desc())
        .limit(limit)
    )
    return tuple(Step(*row) for row in found)


@dataclass(frozen=True, slots=True)
class ShadowCounts:
    """How often a model in shadow said something else than the one in force."""

    answers: int
    other_team: int
    """The best team differs, whether or not either would have routed by itself."""
    other_route: int
    """Mail would have gone another way: another team by itself, or to triage, or no longer."""


def shadow_counts(conn: Conn, digest: str) -> ShadowCounts:
    """What a model in shadow said so far, beside the models that were in force."""
    table = model_shadow.c
    other = table.team != table.live_team
    # Both abstain: the mail goes to the fallback either way, whatever each would have guessed.
    routed = (table.abstain != table.live_abstain) | (other & table.abstain.is_(False))
    row = conn.execute(
        select(
            func.count().label("answers"),
            func.count().filter(other).label("other"),
            func.count().filter(routed).label("routed"),
        ).where(table.hash == digest)
    ).one()
    return ShadowCounts(row.answers, row.other, row.routed)


def shadow_failures(conn: Conn, digest: str) -> int:
    """On how many mails a model in shadow failed since it last named a team; 0 where it works."""
    table = model_shadow.c
    worked = select(func.coalesce(func.max(table.id), 0)).where(
        table.hash == digest, table.team != ""
    )
    failed = select(func.count()).where(
        table.hash == digest, table.team == "", table.id > worked.scalar_subquery()
    )
    return int(conn.scalar(failed) or 0)
