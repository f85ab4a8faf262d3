"""`aboard classifier`: train, evaluate, predict, explain, and say which model is in force."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inbox.cli import classifier_force, classifying, opening, output
from inbox.errors import AboardError

if TYPE_CHECKING:
    from classifiers.dataset import Example
    from classifiers.evaluate import Evaluation
    from classifiers.model import Model

app = typer.Typer(help="Train, evaluate, explain and promote the classifier.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="JSON instead of text.")]
LabelField = Annotated[str, typer.Option(help="The field that holds the label.")]
ModelFile = Annotated[
    Path | None, typer.Option("--model", help="A model file (default: the model in force).")
]


@app.command()
def train(
    data: Annotated[
        list[Path] | None,
        typer.Argument(help="JSON lines with labels. Without: shipped examples and own labels."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Where the model is written.")] = None,
    label_field: LabelField = "team",
    unlabelled: Annotated[
        list[Path] | None, typer.Option(help="JSON lines of mail without labels, to learn words.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Compare and say, but leave in force what is.")
    ] = False,
    json: Json = False,
) -> None:
    """Train a model from files; without files from shipped examples and what people said.

    The latter is compared with the model in force on mail that neither knows, and replaces it only
    if it is better.
    """
    if out is not None:
        classifying.writable(out)
    if not data:
        classifier_force.learn(out, dry_run=dry_run, json=json)
        return
    if out is None:
        raise AboardError("say with --out MODEL where the model is to be written")
    examples = classifying.examples(data, label_field)
    made = _trained(examples, unlabelled or [])
    size = classifying.save(made, out)
    if json:
        from inbox.flow.learning.model_info import shown

        info = shown(made.info)
        output.as_json({"model": made.id, "file": str(out), "size": size, "info": info})
        return
    _say_trained(made)
    output.line(f"wrote {out} ({size} bytes)")


def _trained(examples: list[Example], unlabelled: list[Path]) -> Model:
    from classifiers.dataset import read_mail, read_row
    from inbox.flow.learning.training import fit_files

    mails = []
    for path in unlabelled:
        with classifying.lines(str(path)) as (name, found):
            for number, line in enumerate(found, start=1):
                try:
                    mails += [read_mail(read_row(line))] if line.strip() else []
                except ValueError as error:
                    raise AboardError(f"{name}:{number}: {error}") from None
    with classifying.said_plainly(), classifying.telling("reading") as tell:
        return fit_files(examples, mails, tell)


def _say_trained(made: Model) -> None:
    from inbox.flow.learning.model_info import held_out

    info: Any = made.info
    counts = info["examples"]
    shown = ", ".join(f"{label} {count}" for label, count in list(counts.items())[:12])
    more = f" and {len(counts) - 12} more labels" if len(counts) > 12 else ""
    output.line(f"model {made.id}: {sum(counts.values())} examples: {shown}{more}")
    held = held_out(info)
    if held is None:
        output.line(
            "accuracy: not measured, and so nothing is routed by itself: no part of this mail could"
            " be held out (its labels need mail of two accounts or more)"
        )
        return
    routed = held.accuracy_when_routed
    output.line(
        f"on held-out folds: accuracy {held.accuracy:.1%}, calibration error"
        f" {held.ece:.3f}; would route {held.coverage:.1%} by itself"
        + (f", of which {routed:.1%} right" if routed is not None else "")
    )


@app.command()
def evaluate(
    data: Annotated[Path, typer.Argument(help="JSON lines with labels.")],
    model: ModelFile = None,
    label_field: LabelField = "team",
    plot: Annotated[
        Path | None, typer.Option(help="Also write a page with plots here (.html).")
    ] = None,
    json: Json = False,
) -> None:
    """Measure a model on labelled mail: accuracy, per class, confusion, calibration, coverage."""
    from classifiers.dataset import data_hash
    from classifiers.evaluate import evaluate as measure

    if plot is not None:
        if plot.suffix.lower() not in (".html", ".htm"):
            raise AboardError(f"{plot}: the plots are one HTML page; name a file ending in .html")
        classifying.writable(plot)
    judged = classifying.model(model)
    examples = classifying.examples([data], label_field)
    if data_hash(examples) == judged.info.get("data_sha256"):
        output.error("the model was trained on these very mails: the figures flatter it")
    with classifying.telling("evaluating") as tell:
        found = measure(judged, examples, tell)
    if plot is not None:
        _plot(found, plot, f"{judged.id} on {data.name}")
    if json:
        output.as_json(found.as_json())
    else:
        _say(found)
        if plot is not None:
            output.line(f"wrote {plot}")


def _plot(found: Evaluation, path: Path, title: str) -> None:
    from classifiers.plots import report

    try:
        path.write_text(report(found, title), encoding="utf-8")
    except OSError as error:
        raise AboardError(f"{path}: cannot be written: {error.strerror or error}") from None


def _say(found: Evaluation) -> None:
    output.line(
        f"{found.examples} mails: accuracy {found.accuracy:.1%} (always the most frequent label:"
        f" {found.majority_baseline:.1%}), macro F1 {found.macro_f1:.1%}, calibration error"
        f" {found.ece:.3f}"
    )
    shares = ", ".join(f"{at} %: {got:.1%}" for at, got in found.accuracy_at_coverage.items())
    output.line(f"accuracy at coverage {shares}")
    if found.accuracy_when_routed is not None:
        output.line(
            f"routes {found.routed:.1%} by itself, of which {found.accuracy_when_routed:.1%} right"
        )
    output.table(
        ("label", "precision", "recall", "F1", "mails"),
        (
            (label, f"{one.precision:.1%}", f"{one.recall:.1%}", f"{one.f1:.1%}", one.support)
            for label, one in found.per_class.items()
        ),
        empty="",
    )


@app.command()
def predict(
    file: Annotated[str, typer.Argument(metavar="[FILE|-]", help="JSON lines of mail.")] = "-",
    model: ModelFile = None,
    evidence: Annotated[int, typer.Option(min=0, help="Words and phrases per answer.")] = 5,
) -> None:
    """Answer mail: one line of JSON for each line of JSON, in order.

    A line that is no mail ends the run with its number, after all answers before it.
    """
    from classifiers.stream import LineError, predict_lines

    answering = classifying.model(model)
    with classifying.lines(file) as (name, found):
        try:
            for line in predict_lines(found, answering, evidence=evidence):
                classifying.write(line)
        except LineError as error:
            raise AboardError(f"{name}:{error.line}: {error.reason}") from None


@app.command()
def explain(
    what: Annotated[
        str, typer.Argument(help="A text, a stored message's number, a JSON lines file, or -.")
    ],
    model: ModelFile = None,
    label: Annotated[str, typer.Option(help="Explain this label (default: the best).")] = "",
    terms: Annotated[int, typer.Option(min=1, help="Words and phrases shown.")] = 15,
    json: Json = False,
) -> None:
    """Say why: every word with its weight, and the past threads most like it."""
    from inbox.cli import explaining_guess

    explaining_guess.explain(what, explaining_guess.Asked(model, label, terms, json))


@app.command()
def export(
    out: Annotated[Path | None, typer.Option(help="A file (default: standard output).")] = None,
) -> None:
    """Write the mail that people labelled here as JSON lines, as `train` and `evaluate` read it."""
    from inbox.flow.learning.training import export_lines

    if out is not None:
        classifying.writable(out)
    with opening.database() as (_, db), db.read() as conn:
        found = list(export_lines(conn))
    if out is None:
        for line in found:
            classifying.write(line)
        return
    try:
        out.write_bytes("".join(f"{one}\n" for one in found).encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise AboardError(f"{out}: cannot be written: {error.strerror or error}") from None
    output.line(f"wrote {len(found)} labelled mails to {out}")


app.command()(classifier_force.promote)
app.command()(classifier_force.rollback)
app.command()(classifier_force.shadow)
app.command()(classifier_force.status)
app.add_typer(classifier_force.labels, name="labels")
