"""`aboard classifier`: learn from one's own mail, promote, roll back, shadow, status, labels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inbox.cli import classifying, opening, output
from inbox.errors import AboardError

if TYPE_CHECKING:
    from classifiers.model import Model
    from inbox.flow.learning.model_state import State
    from inbox.flow.learning.training import Lesson
    from inbox.store.database import Database
    from inbox.store.models import Step

ACTOR = "operator"
"""Who promotes and rolls back from the command line."""

Json = Annotated[bool, typer.Option("--json", help="JSON instead of text.")]

labels = typer.Typer(
    help="What people said about where a mail belongs.", invoke_without_command=True
)


def learn(out: Path | None, *, dry_run: bool, json: bool) -> None:
    """Train on shipped and own mail, compare, and promote where that is better."""
    from inbox import shipped
    from inbox.clock import utc_now
    from inbox.flow.learning import training

    with opening.working() as (_, db):
        expected, old = _before(db)
        with classifying.said_plainly(), db.read() as conn:
            material = training.gather(conn, shipped.TRAINING)
        with classifying.said_plainly(), classifying.telling("reading") as tell:
            lesson = training.teach(material, old, tell)
        size = None if out is None else classifying.save(lesson.model, out)
        promoted = lesson.promote and not dry_run
        if promoted:
            _replace(db, lesson, expected, utc_now())
    if json:
        written = {"file": None if out is None else str(out), "size": size}
        output.as_json(lesson.as_json() | {"promoted": promoted} | written)
        return
    output.line(
        f"model {lesson.model.id}: {len(material.shipped)} shipped examples, {lesson.own} own"
        f" labels, {lesson.settled} threads that nobody moved"
    )
    output.line(lesson.reason)
    if lesson.kept_back:
        output.line(
            f"{lesson.kept_back} labels were kept back to judge by: they count as corrections"
        )
    if out is not None:
        output.line(f"wrote {out} ({size} bytes)")
    output.line("it is in force now" if promoted else "the model in force stays")


def _before(db: Database) -> tuple[str, Model | None]:
    """(the hash of what is in force, that model as it was trained); None where it is damaged.

    Then nothing is compared, since a damaged model answers nothing: training repairs.
    """
    from classifiers.artifact import ModelError
    from inbox.flow.learning import models
    from inbox.store import models as store

    with db.read() as conn:
        pointer = store.pointer(conn)
        try:
            live = models.in_force(conn)
        except ModelError as error:
            output.error(f"{error}; the new model takes its place without a comparison")
            live = None
    return "" if pointer is None else pointer.hash, None if live is None else live.trained


def _replace(db: Database, lesson: Lesson, expected: str, now: Any) -> None:
    """Promote, unless somebody else changed the model in force while we trained."""
    from inbox import log
    from inbox.flow.learning import models
    from inbox.store import models as store

    with db.write() as conn:
        pointer = store.pointer(conn)
        if (pointer.hash if pointer else "") != expected:
            raise AboardError("another model came into force meanwhile; train again")
        models.promote(conn, lesson.model, ACTOR, lesson.reason, now)
    log.classifier_changed(lesson.model.id, lesson.reason)


def promote(
    model: Annotated[str, typer.Argument(help="A file, or a kept model's id (see `status`).")],
    why: Annotated[str, typer.Option(help="Noted in the history.")] = "promoted by hand",
    json: Json = False,
) -> None:
    """Put a model in force on every node, now. `rollback` puts the one before back."""
    from inbox.clock import utc_now
    from inbox.flow.learning import models

    with classifying.said_plainly(), opening.database() as (_, db), db.write() as conn:
        done = models.promote(conn, models.find(conn, model), ACTOR, why, utc_now())
    if json:
        output.as_json(_step(done))
        return
    output.line(f"model {done.model_id} is in force; `aboard classifier rollback` undoes that")


def rollback(json: Json = False) -> None:
    """Put the model before the one in force back; again, and the one before that.

    Before the first of them stands the model that comes with Aboard.
    """
    from inbox import shipped
    from inbox.clock import utc_now
    from inbox.flow.learning import models

    with classifying.said_plainly(), opening.database() as (_, db), db.write() as conn:
        done = models.rollback(conn, ACTOR, utc_now(), shipped.MODEL)
    if json:
        output.as_json(_step(done))
        return
    output.line(f"model {done.model_id} is in force again")


def _step(done: Step) -> dict[str, str]:
    from inbox.clock import iso

    return {
        "model": done.model_id,
        "hash": done.hash,
        "at": iso(done.at),
        "by": done.actor,
        "why": done.why,
    }


def shadow(
    model: Annotated[str | None, typer.Argument(help="A file, or a kept model's id.")] = None,
    off: Annotated[bool, typer.Option("--off", help="No shadow any more.")] = False,
) -> None:
    """Let a model answer beside the one in force, to count where they disagree."""
    from inbox.clock import utc_now
    from inbox.flow.learning import models

    if (model is None) == (not off):
        raise AboardError("name a model, or say --off")
    with classifying.said_plainly(), opening.database() as (_, db), db.write() as conn:
        chosen = None if model is None else models.find(conn, model)
        models.set_shadow(conn, chosen, utc_now())
    if chosen is None:
        output.line("no model answers in shadow")
    else:
        output.line(f"model {chosen.id} answers in shadow; `aboard classifier status` counts")


def status(json: Json = False) -> None:
    """Which model is in force, since when and why; corrections, drift, shadow. 1 on trouble."""
    from inbox.clock import utc_now
    from inbox.flow.learning.model_state import state

    with opening.database() as (_, db), db.read() as conn:
        found = state(conn, utc_now())
    if json:
        output.as_json(found.as_json())
    else:
        _say_state(found)
    for problem in found.problems:
        output.error(problem.framed())
    if found.problems:
        raise typer.Exit(1)


def _say_state(found: State) -> None:
    from inbox.flow.learning.model_info import held_out
    from inbox.flow.learning.model_state import TRAIN_FROM

    live = found.live
    if live is not None:
        held = held_out(live.trained.info)
        output.line(f"model {live.name}: {', '.join(live.trained.labels)}")
        if held is not None:
            output.line(
                f"on held-out folds: accuracy {held.accuracy:.1%}, would route"
                f" {held.coverage:.1%} by itself"
            )
        output.line(f"{found.labels} own labels, {live.corrections} count as corrections")
        if live.corrections >= TRAIN_FROM:
            output.line("`aboard classifier train` makes a model of them, and says if it is better")
    if found.drift is not None:
        output.line(found.drift.message)
    if found.shadow_counts is not None:
        counts = found.shadow_counts
        output.line(
            f"shadow {found.shadow}: {counts.answers} mails, {counts.other_team} with another team,"
            f" {counts.other_route} would have gone another way"
        )
    output.table(
        ("in force", "model", "by", "why"),
        ((f"{one.at:%Y-%m-%d %H:%M}", one.model_id, one.actor, one.why) for one in found.steps),
        empty="No model was ever in force.",
    )


@labels.callback()
def labels_list(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, max=output.MOST_ROWS)] = 100,
    json: Json = False,
) -> None:
    """List what people said, newest first."""
    from inbox.clock import iso
    from inbox.store import labels as store

    if context.invoked_subcommand is not None:
        return
    with opening.database() as (_, db), db.read() as conn:
        found = store.listing(conn, limit)
    if json:
        output.json_lines(
            {
                "id": str(one.id),
                "thread_id": str(one.thread_id),
                "message_id": str(one.message_id),
                "team": one.team,
                "was_team": one.was_team,
                "was_decided_by": one.was_decided_by,
                "by": one.by,
                "at": iso(one.at),
                "opted_out": one.opted_out,
                "undone_at": iso(one.undone_at) if one.undone_at else None,
            }
            for one in found
        )
        return
    output.table(
        ("id", "when", "by", "thread", "from", "to", "learned", "about"),
        (
            (
                one.id,
                f"{one.at:%Y-%m-%d %H:%M}",
                one.by,
                one.thread_id,
                f"{one.was_team} ({one.was_decided_by})",
                one.team,
                "taken back" if one.undone_at else "no" if one.opted_out else "yes",
                one.subject or "(no subject)",
            )
            for one in found
        ),
        empty="Nobody has moved a thread yet: `aboard assign THREAD TEAM --by HANDLE`.",
    )


@labels.command()
def undo(label: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """Take a label back: nothing is learned from it. The thread stays where it is."""
    from inbox.clock import utc_now
    from inbox.store import labels as store

    with opening.database() as (_, db), db.write() as conn:
        done = store.undo(conn, opening.number(label, "label"), utc_now())
    output.line(f"label {done.id} ({done.team}) is taken back; thread {done.thread_id} stays")
