"""`aboard templates`: check mail templates, see one as a customer would get it."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from inbox.cli import opening, output

app = typer.Typer(help="Check mail templates, and see them as a customer would.")
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


@app.command()
def check(
    threads: Annotated[
        int, typer.Option(min=0, max=1000, help="Also render for this many of the newest threads.")
    ] = 20,
    json: Json = False,
) -> None:
    """Check every template: against samples, and against real threads where there are any."""
    from inbox.clock import utc_now
    from inbox.flow import active
    from inbox.flow.evidence import trying
    from inbox.flow.leaving import compose
    from inbox.flow.texts import render

    settings = opening.settings()
    disk = active.read_disk(settings)
    mail, problems = render.load_templates(disk.texts.get("templates", {}))
    rendered = 0
    if threads:
        with opening.database(settings) as (_, db):
            now = utc_now()
            trial = trying.Trial(mail, compose.open_post(db, settings, now), now)
            rendered, more = trying.on_threads(db, trial, threads)
        problems = (*problems, *more)
    if json:
        output.json_lines(one.as_json() for one in problems)
    else:
        for one in problems:
            output.error(one.framed())
        found = f"{len(problems)} problem{'s' if len(problems) != 1 else ''}"
        output.line(f"{len(mail.names)} templates, rendered for {rendered} threads: {found}")
    if problems:
        raise typer.Exit(1)


@app.command()
def preview(
    name: Annotated[str, typer.Argument(help="The template.")],
    thread: Annotated[str, typer.Option(help="The thread it is to be about.")],
    language: Annotated[str, typer.Option(help="As in `de`; else that of their mail.")] = "",
) -> None:
    """Show a template of the files as the customer of a thread would get it; sends nothing."""
    from inbox.clock import utc_now
    from inbox.flow import active
    from inbox.flow.evidence import trying
    from inbox.flow.leaving import compose
    from inbox.flow.texts import render

    number = opening.number(thread, "thread")
    with opening.database() as (settings, db):
        disk = active.read_disk(settings)
        mail, _ = render.load_templates(disk.texts.get("templates", {}))
        now = utc_now()
        trial = trying.Trial(mail, compose.open_post(db, settings, now), now)
        shown = trying.preview(db, trial, trying.Asked(name, number, language))
    output.line(f"To: {shown.to}")
    output.line(f"Subject: {shown.rendered.subject}")
    output.line(f"Language: {shown.rendered.language}")
    output.line()
    output.line(shown.rendered.text.rstrip("\n"))


@app.command()
def variables(json: Json = False) -> None:
    """List what may stand between the braces of a template."""
    from inbox.flow.texts.render import ALWAYS, LISTS, THEIRS

    rows = [
        {
            "name": name,
            "about": about.removeprefix("list: "),
            "list": name in LISTS,
            "acknowledgements": name in ALWAYS,
        }
        for name, about in (ALWAYS | THEIRS).items()
    ]
    if json:
        output.json_lines(rows)
        return
    marks = ((one["name"], one["about"], _notes(one)) for one in rows)
    output.table(("name", "about", "note"), marks, empty="")


def _notes(one: dict[str, Any]) -> str:
    notes = ["a list"] if one["list"] else []
    return ", ".join([*notes, *([] if one["acknowledgements"] else ["not in acknowledgements"])])


@app.command("list")
def listing(json: Json = False) -> None:
    """List the templates of the files."""
    from inbox.flow import active
    from inbox.flow.texts import render

    disk = active.read_disk(opening.settings())
    mail, _ = render.load_templates(disk.texts.get("templates", {}))
    rows = [
        {"name": name, "role": one.role, "languages": list(one.languages), "why": one.why}
        for name, one in sorted(mail.by_name.items())
    ]
    if json:
        output.json_lines(rows)
        return
    output.table(
        ("name", "role", "languages", "why"),
        ((one["name"], one["role"], ", ".join(one["languages"]), one["why"]) for one in rows),
        empty="There are no mail templates.",
    )
