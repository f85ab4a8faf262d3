"""`aboard rules`: check, test, explain routing rules and make tests of mails; what looks back over
stored mail is in `rules_past`."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import orjson
import typer

from inbox.cli import opening, output
from inbox.errors import AboardError, ConfigError
from inbox.flow.admin.admin_files import exists
from routing.problems import Problem, errors
from routing.reader import did_you_mean

if TYPE_CHECKING:
    from inbox.flow.admin.admin_files import OnDisk
    from inbox.flow.admin.context import Guess
    from inbox.flow.evidence.explaining import Question, Surroundings
    from inbox.mail.letter import Letter
    from inbox.store.database import Conn
    from routing.ruleset import Ruleset

app = typer.Typer(help="Check, test, explain and replay routing rules.", no_args_is_help=True)

Where = Annotated[
    Path | None,
    typer.Argument(metavar="[PATH]", help="A folder of rule files, or one (default: yours)."),
]
Json = Annotated[bool, typer.Option("--json", help="JSON instead of text.")]
Mail = Annotated[
    str,
    typer.Argument(
        metavar="MAIL", help="A mail file, a stored message's number or Message-ID, - for stdin."
    ),
]
Rules = Annotated[
    Path | None, typer.Option("--rules", help="Rules to use instead of the configured ones.")
]


UNCHECKED = {"teams": "teams and people", "sla": "policies", "stages": "stages"}
"""What nobody can check where a list is not there."""


def rules_at(path: Path | None) -> OnDisk:
    """The rule files at a path, else those of the configuration; with the lists that lie beside
    them, else its lists, where there is one."""
    from inbox.flow.admin.admin_files import LISTS, read_disk, read_path, with_lists_of

    if path is None:
        return _from_here(read_disk(opening.settings()))
    disk = read_path(path)
    if all(disk.texts[kind] for kind in LISTS) or not opening.config_path().is_file():
        return disk
    return with_lists_of(disk, _from_here(read_disk(opening.settings())))


def _from_here(disk: OnDisk) -> OnDisk:
    """The same with files below the current folder named as seen from it, as a person would."""
    here = str(Path.cwd()) + os.sep
    texts = {
        kind: {name.removeprefix(here): text for name, text in files.items()}
        for kind, files in disk.texts.items()
    }
    problems = tuple(replace(one, file=one.file.removeprefix(here)) for one in disk.problems)
    return replace(disk, texts=texts, problems=problems)


def load(disk: OnDisk, *, linted: bool = True) -> tuple[Ruleset | None, tuple[Problem, ...]]:
    """The rules in these files, and every problem in them and in the lists beside them."""
    from inbox.flow.admin.proof import load_rules, read_lists

    lists, beside = read_lists(disk)
    ruleset, found = load_rules(disk.texts["rules"], lists.names(disk), linted=linted)
    return ruleset, tuple(sorted({*disk.problems, *beside, *found}))


def good_rules(disk: OnDisk) -> Ruleset:
    """The rules in these files. Raises `ConfigError` where they cannot be used: half of a set, or
    one whose teams cannot be read, would give answers that production never gives."""
    ruleset, problems = load(disk, linted=False)
    if ruleset is None or errors(problems):
        raise ConfigError(errors(problems))
    return ruleset


@app.command()
def check(path: Where = None, json: Json = False) -> None:
    """Report every problem of the rules in one run, as file:line:column: code: sentence."""
    disk = rules_at(path)
    ruleset, problems = load(disk)
    wrong = len(errors(problems))
    if json:
        output.as_json(
            {
                "ruleset": ruleset.hash if ruleset else None,
                "rules": len(ruleset.rules) if ruleset else None,
                "errors": wrong,
                "warnings": len(problems) - wrong,
                "problems": [one.as_json() for one in problems],
            }
        )
    else:
        for one in problems:
            output.line(_told(one).framed())
        unknown = [kind for kind in UNCHECKED if not disk.texts[kind]]
        if unknown and ruleset is not None:
            what = ", ".join(UNCHECKED[kind] for kind in unknown)
            files = ", ".join(f"{kind}.yaml" for kind in unknown)
            output.error(f"note: the names of {what} are not checked: no {files} lies beside")
        output.line(_summary(ruleset, wrong, len(problems) - wrong))
    if wrong:
        raise typer.Exit(1)


def _told(one: Problem) -> Problem:
    """A warning says so: some codes are errors in one place and warnings in another."""
    if one.severity == "error":
        return one
    return replace(one, message=f"{one.severity}: {one.message}")


def _summary(ruleset: Ruleset | None, wrong: int, warnings: int) -> str:
    told = f", {_count(warnings, 'warning')}" if warnings else ""
    if wrong or ruleset is None:
        return f"{_count(wrong, 'problem')}{told}"
    rules, files = _count(len(ruleset.rules), "rule"), _count(len(ruleset.files), "file")
    return f"{rules} in {files} are good{told} (ruleset {ruleset.hash[:12]})"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


@app.command()
def test(
    path: Where = None,
    require_coverage: Annotated[
        bool, typer.Option("--require-coverage", help="Fail where no test touches a rule.")
    ] = False,
    json: Json = False,
) -> None:
    """Run the rules' own tests; a failing one prints its trace."""
    from inbox.flow.admin.proof import read_lists, run_tests

    disk = rules_at(path)
    report = run_tests(good_rules(disk), disk.mailboxes, read_lists(disk)[0])
    if json:
        output.as_json(report.as_json())
    else:
        output.line(report.text().rstrip("\n"))
    if report.failed or (require_coverage and report.untouched):
        raise typer.Exit(1)


@app.command()
def explain(
    mail: Mail,
    why_not: Annotated[
        str, typer.Option("--why-not", metavar="RULE", help="Only why this rule did not decide.")
    ] = "",
    rules: Rules = None,
    account: Annotated[
        str, typer.Option(help="Whose mail it is: number, name, domain or contact's address.")
    ] = "",
    given: Annotated[
        str, typer.Option(metavar="JSON", help='More facts: {"account.stage": "welcome"}.')
    ] = "",
    json: Json = False,
) -> None:
    """Show every rule, every condition, the value seen, and the decision."""
    question = _question(mail, rules, account, given)
    chosen = _ruleset(question, rules)
    if why_not and chosen.rule(why_not) is None:
        hint = did_you_mean(why_not, [rule.name for rule in chosen.rules])
        raise AboardError(f"there is no rule {why_not!r}" + (f" ({hint})" if hint else ""))
    answer = question.answer(chosen)
    if json:
        shape = answer.as_json() | {"event": str(answer.decision.event), "note": question.note}
        output.as_json(shape | ({"why_not": answer.why_not(why_not)} if why_not else {}))
        return
    if question.note:
        output.error(f"note: {question.note}")
    output.line((answer.why_not(why_not) if why_not else answer.text()).rstrip("\n"))


@app.command("make-test")
def make_test(mail: Mail, rules: Rules = None) -> None:
    """Write a tests: entry from a mail, minimal and without words that no rule asks for."""
    question = _question(mail, rules, "", "")
    # The test will stand beside today's rules, so it expects what they decide.
    ruleset = good_rules(rules_at(rules))
    name = f"made from message {mail.lstrip('#')}" if _is_number(mail) else ""
    output.line(question.rule_test(ruleset, name).rstrip("\n"))


def _ruleset(question: Question, rules: Path | None) -> Ruleset:
    if rules is not None or question.ruleset is None:
        return good_rules(rules_at(rules))
    return question.ruleset


def _is_number(mail: str) -> bool:
    return mail.removeprefix("#").isdigit() and not exists(Path(mail))


def _is_mail_id(mail: str) -> bool:
    return "@" in mail and not exists(Path(mail))


def _number(conn: Conn, mail: str) -> int:
    """The number of a stored message that is named by it, or by its Message-ID."""
    from inbox.store import messages

    if not _is_mail_id(mail):
        return opening.number(mail, "message")
    found = messages.by_mail_id(conn, mail.strip().removeprefix("<").removesuffix(">"))
    if not found:
        raise AboardError(f"no message {mail} is stored, and there is no such file")
    return found[0].id


def _question(mail: str, rules: Path | None, account: str, given: str) -> Question:
    from inbox.flow.evidence import explaining

    more = _facts(given, rules)
    if _is_number(mail) or _is_mail_id(mail):
        with opening.database() as (_, db), db.read() as conn:
            question = explaining.stored(conn, _number(conn, mail), _surroundings(None))
    else:
        raw = _raw(mail)
        question = explaining.loose(raw, _surroundings(good_rules(rules_at(rules))))
    if account:
        with opening.database() as (_, db), db.read() as conn:
            more = explaining.facts_of_account(conn, account) | more
    return question.with_given(more) if more else question


def _surroundings(ruleset: Ruleset | None) -> Surroundings:
    """What a configuration, where there is one, and the rules say about reading a mail."""
    from inbox.flow.admin.loose_mail import asks_language, detector
    from inbox.flow.evidence.explaining import Surroundings

    detect = detector() if ruleset is not None and asks_language(ruleset) else None
    if not opening.config_path().is_file():
        return Surroundings((), detect)
    mailboxes = tuple(one.address for one in opening.settings().mailboxes)
    return Surroundings(mailboxes, detect, _classify)


def _classify(letter: Letter) -> Guess | None:
    """What the classifier in force says, where there is a database; makes none."""
    from inbox.flow.learning.guess import answering

    url = opening.settings().database_url()
    if url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).exists():
        return None
    with opening.database() as (_, db), db.read() as conn:
        classify = answering(conn).classify
    return classify(letter) if classify else None


def _raw(mail: str) -> bytes:
    if mail == "-":
        return _with_content(sys.stdin.buffer.read(), "standard input")
    path = Path(mail)
    if not exists(path):
        hint = "give a mail file, a stored message's number or Message-ID, or - for standard input"
        raise AboardError(f"{mail}: there is no such file ({hint})")
    try:
        return _with_content(path.read_bytes(), mail)
    except OSError as error:
        raise AboardError(f"{mail}: {error.strerror}") from error


def _with_content(raw: bytes, name: str) -> bytes:
    if not raw.strip():
        hint = "give a whole mail, header and all, as in `aboard rules explain - < mail.eml`"
        raise AboardError(f"{name}: it is empty ({hint})")
    return raw


def _facts(given: str, rules: Path | None) -> dict[str, object]:
    """`--given` as facts, checked as `given` of a test is; `{"account": {"stage": "welcome"}}` is
    short for `account.stage`."""
    from inbox.flow.admin.proof import read_lists
    from routing.load_cases import read_given

    if not given:
        return {}
    try:
        value = orjson.loads(given)
    except orjson.JSONDecodeError as error:
        raise AboardError(f"--given {given!r}: it is no JSON: {error}") from error
    if not isinstance(value, dict):
        raise AboardError(f'--given {given!r}: give an object, {{"account.tier": "gold"}}')
    disk = rules_at(rules)
    names = read_lists(disk)[0].names(disk)
    found, problems = read_given(orjson.dumps(value).decode(), names)
    wrong = errors(problems)
    if wrong:
        told = "; ".join(
            f"{one.message} ({one.hint})" if one.hint else one.message for one in wrong
        )
        raise AboardError(f"--given: {told} (`aboard rules fields` lists every field)")
    return found


@app.command()
def fields(json: Json = False) -> None:
    """List every field that a condition may look at, with its type."""
    from routing.fields import FIELDS, HEADER
    from routing.load_when import operators

    listed = [*FIELDS.values(), HEADER]
    if json:
        output.json_lines(
            {
                "field": one.name,
                "type": str(one.type),
                "about": one.about,
                "operators": [str(operator) for operator in operators(one)],
                "part": one.part,
                "choices": list(one.choices),
                "listed": one.listed or None,
            }
            for one in listed
        )
        return
    output.table(
        ("field", "holds", "what it is"),
        ((one.name, one.type, one.about) for one in listed),
        empty="",
    )


@app.command()
def schema() -> None:
    """Print the JSON Schema of rule files, for editors, with your teams and stages in it."""
    from inbox.flow.admin.proof import read_lists
    from routing.schema import json_schema

    names = None
    if opening.config_path().is_file():
        disk = rules_at(None)
        names = read_lists(disk)[0].names(disk)
    text = orjson.dumps(json_schema(names), option=orjson.OPT_INDENT_2).decode()
    output.line(text)


# The commands that look back over stored mail add themselves to `app`.
from inbox.cli import rules_past  # noqa: E402, F401
