"""Mail templates: read, checked as a whole, and rendered; the one door to Jinja2 for mail.

A folder a template: `about.yaml` (why, role), `subject.txt`, `body.txt`, where wanted `body.html`;
variants by language beside them (`subject.de.txt`). What a template may do is a list of what it may
hold: text, variables that are named here, a few filters, `if`, and `for` over a list. Nothing in
that list can call, assign, multiply or recurse, so that a template ends, and how much it writes is
bounded by what goes in; the caps below are the second belt.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from inbox.errors import AboardError
from inbox.flow.texts.render_samples import MOST_ITEMS, SAMPLES
from routing.problems import Problem
from routing.reader import Reader, did_you_mean
from routing.strict_yaml import load_text

ROLES = ("acknowledges", "tells", "asks", "late")
"""acknowledges: we have it. tells: news. asks: the customer is to do something. late: we are."""

MOST_SOURCE = 32 * 1024
MOST_SUBJECT = 200
MOST_BODY = 64 * 1024
DEEPEST = 2
"""Characters of a file, a subject, a body; loops within each other."""

FILTERS = frozenset(["upper", "lower", "capitalize", "trim", "default", "join", "length", "e"])

ALWAYS = {
    "team.title": "the team that answers",
    "mailbox.name": "our name as customers know it",
    "mailbox.address": "the address that customers write to",
}
THEIRS = {
    "contact.name": "the person we write to",
    "contact.first_name": "their first name, or all of it",
    "account.name": "their company",
    "thread.subject": "what the thread is about",
    "person.name": "who of us answers for the thread",
    "asks": "list: what we still wait for",
    "due.day": "the day until which we had promised to answer",
    "due.time": "the time of that day, in the customer's zone",
    "waiting_days": "days since we asked",
    "previous.name": "who of us answered for it before a handoff",
    "stage": "where the onboarding is",
}
"""Not for acknowledgements: a stranger would have us mail their words to somebody else."""
LISTS = frozenset(["asks"])
MOST_LISTED = MOST_ITEMS

_GAP = re.compile(r"\n(?:[ \t]*\n){2,}")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")
_FILE = re.compile(r"(?P<part>subject|body)(?:\.(?P<language>[a-z]{2}))?\.(?P<kind>txt|html)")
_PLAIN: tuple[type[nodes.Node], ...] = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Const,
    nodes.If,
    nodes.CondExpr,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.Test,
    nodes.Getattr,
    nodes.Filter,
    nodes.For,
)
_TESTS = frozenset(["defined", "none"])


class TemplateTrouble(AboardError):
    """A template cannot be rendered for this thread; only the item that wants it is parked."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """What goes into a mail."""

    subject: str
    text: str
    html: str | None
    language: str
    """ISO 639-1 code of the variant; `en` for the files without one."""


@dataclass(frozen=True, slots=True)
class MailTemplate:
    """One template with its variants; language -> part (`subject.txt`, ...) -> source."""

    name: str
    why: str
    role: str
    variants: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages it is there in, the one to fall back to first."""
        return tuple(sorted(self.variants, key=lambda one: (one != DEFAULT, one)))

    def variables(self) -> Mapping[str, str]:
        """name -> meaning of what it may use."""
        return ALWAYS if self.role == "acknowledges" else ALWAYS | THEIRS


DEFAULT = "en"


def _environment(*, html: bool) -> ImmutableSandboxedEnvironment:
    made = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, autoescape=html, keep_trailing_newline=False
    )
    made.globals.clear()
    made.filters = {name: made.filters[name] for name in FILTERS}
    made.tests = {name: made.tests[name] for name in _TESTS}
    return made


_ENVIRONMENTS = {"txt": _environment(html=False), "html": _environment(html=True)}


@dataclass(frozen=True, slots=True)
class MailTemplates:
    """All templates of a set that is in force."""

    by_name: Mapping[str, MailTemplate]

    @property
    def names(self) -> tuple[str, ...]:
        """The names, in alphabetical order."""
        return tuple(sorted(self.by_name))

    def render(self, name: str, language: str, values: Mapping[str, Any]) -> Rendered:
        """A template for a reader of `language` (BCP 47; `de-AT` falls back to `de`, then `en`).

        `values` is nested: `{"contact": {"name": ...}, ...}`. Raises `TemplateTrouble` where a
        variable has no value or the result is too large.
        """
        template = self.by_name.get(name)
        if template is None:
            hint = did_you_mean(name, self.names)
            raise TemplateTrouble(f"there is no mail template {name!r} ({hint})")
        chosen = language.lower().partition("-")[0]
        chosen = chosen if chosen in template.variants else DEFAULT
        parts = template.variants.get(chosen, {})
        if not {"subject.txt", "body.txt"} <= parts.keys():
            raise TemplateTrouble(f"templates/mail/{name}: subject.txt or body.txt is missing")
        where = f"templates/mail/{name}"
        subject = _one_line(_fill(f"{where}/subject.txt", parts["subject.txt"], values))
        text = _fill(f"{where}/body.txt", parts["body.txt"], values)
        html = None
        if "body.html" in parts:
            html = _fill(f"{where}/body.html", parts["body.html"], values)
        plain = _GAP.sub("\n\n", text).strip() + "\n"
        return Rendered(subject, plain, html, chosen)


def _one_line(subject: str) -> str:
    """A subject quotes what customers wrote, at any length: the rest is left out."""
    line = " ".join(subject.split())
    return line if len(line) <= MOST_SUBJECT else line[: MOST_SUBJECT - 1].rstrip() + "\u2026"


@lru_cache(maxsize=512)
def _compiled(kind: str, source: str) -> Template:
    """Compiled once: the same few sources write every mail."""
    return _ENVIRONMENTS[kind].from_string(source)


def _fill(where: str, source: str, values: Mapping[str, Any]) -> str:
    try:
        written = _compiled(where.rpartition(".")[2], source).render(values)
    except TemplateError as error:
        raise TemplateTrouble(f"{where}: {error.message or type(error).__name__}") from error
    except (TypeError, ValueError, RecursionError) as error:
        raise TemplateTrouble(f"{where}: {error}") from error
    if len(written) > MOST_BODY:
        said = f"{where}: it gives {len(written)} characters, the most is {MOST_BODY}"
        raise TemplateTrouble(said)
    return written


# --- Reading and checking ---------------------------------------------------------------------


def load_templates(files: Mapping[str, str]) -> tuple[MailTemplates, tuple[Problem, ...]]:
    """Read `NAME/FILE` -> content; what is good, and every problem of what is not."""
    folders: dict[str, dict[str, str]] = {}
    problems: list[Problem] = []
    for path, content in sorted(files.items()):
        folder, _, name = path.rpartition("/")
        if folder:
            folders.setdefault(folder, {})[name] = content
    found: dict[str, MailTemplate] = {}
    for folder, there in folders.items():
        template, trouble = _template(folder, there)
        problems += trouble
        if template is not None and not any(one.severity == "error" for one in trouble):
            found[folder] = template
    return MailTemplates(found), tuple(problems)


def stored_templates(files: Mapping[str, str]) -> MailTemplates:
    """The templates of a set that was checked as it was put in force; nothing is checked again.

    One without a role that this program knows is left out: only what asks for it fails.
    """
    found: dict[str, MailTemplate] = {}
    for path, content in files.items():
        folder, _, name = path.rpartition("/")
        if name == "about.yaml":
            why, role, _ = _about(folder, content)
            found[folder] = MailTemplate(folder, why, role, {})
    for path, content in files.items():
        folder, _, name = path.rpartition("/")
        match = _FILE.fullmatch(name)
        if match is not None and folder in found:
            language = match["language"] or DEFAULT
            parts = dict(found[folder].variants.get(language, {}))
            parts[f"{match['part']}.{match['kind']}"] = content
            variants = {**found[folder].variants, language: parts}
            found[folder] = replace(found[folder], variants=variants)
    return MailTemplates({name: one for name, one in found.items() if one.role})


def _template(name: str, files: Mapping[str, str]) -> tuple[MailTemplate | None, list[Problem]]:
    problems: list[Problem] = []
    if not _NAME.fullmatch(name):
        said = f"`{name}` is no name for a template"
        problems.append(_problem(name, "bad-name", said, "lower-case letters, digits and `-`"))
    why, role, trouble = _about(name, files.get("about.yaml"))
    problems += trouble
    variants: dict[str, dict[str, str]] = {}
    for file, source in files.items():
        if file == "about.yaml":
            continue
        match = _FILE.fullmatch(file)
        if match is None or (match["part"], match["kind"]) == ("subject", "html"):
            hint = "about.yaml, subject.txt, body.txt, body.html, and with a language body.de.txt"
            problems.append(
                _problem(f"{name}/{file}", "unknown-file", f"`{file}` is not read", hint)
            )
            continue
        part = f"{match['part']}.{match['kind']}"
        variants.setdefault(match["language"] or DEFAULT, {})[part] = source
    template = MailTemplate(name, why, role, variants)
    problems += _complete(template)
    for language, parts in variants.items():
        for part, source in parts.items():
            problems += _check(template, _path(name, part, language), part, source)
    return (template if role else None), problems


def _path(name: str, part: str, language: str) -> str:
    stem, _, kind = part.partition(".")
    return f"{name}/{part}" if language == DEFAULT else f"{name}/{stem}.{language}.{kind}"


def _about(name: str, content: str | None) -> tuple[str, str, list[Problem]]:
    if content is None:
        hint = f"it says `why`, and `role`: one of {', '.join(ROLES)}"
        return "", "", [_problem(name, "missing-file", "`about.yaml` is missing", hint)]
    root, found = load_text(content, f"templates/mail/{name}/about.yaml")
    reader = Reader(found)
    top = reader.fields(root, ("why", "role"), "about.yaml")
    why = top.text("why", required=True)
    role = top.text("role", required=True, choices=ROLES)
    return why, role, list(reader.problems)


def _complete(template: MailTemplate) -> list[Problem]:
    problems = []
    for language in {DEFAULT, *template.variants}:
        for part in ("subject.txt", "body.txt"):
            if part not in template.variants.get(language, {}):
                file = _path(template.name, part, language).rpartition("/")[2]
                problems.append(_problem(template.name, "missing-file", f"`{file}` is missing"))
    return problems


def _check(template: MailTemplate, path: str, part: str, source: str) -> list[Problem]:
    if len(source) > MOST_SOURCE:
        return [_problem(path, "too-large", f"over {MOST_SOURCE} characters")]
    if part == "subject.txt" and "\n" in source.strip():
        return [_problem(path, "two-lines", "a subject is one line")]
    if not source.strip():
        return [_problem(path, "empty-file", "it is empty")]
    try:
        tree = _ENVIRONMENTS[part.rpartition(".")[2]].parse(source)
    except TemplateSyntaxError as error:
        return [_problem(path, "syntax", str(error.message), line=error.lineno)]
    problems = list(_walk(tree, path, template.variables(), frozenset(), 0))
    return problems or _try(template, path, part, source)


def _walk(
    node: nodes.Node, path: str, known: Mapping[str, str], items: frozenset[str], depth: int
) -> Iterator[Problem]:
    """Everything in the tree that a template may not hold."""
    line = node.lineno
    if not isinstance(node, _PLAIN):
        what = type(node).__name__.lower()
        hint = "a template holds text, variables, filters, `if` and `for`"
        yield _problem(path, "not-allowed", f"`{what}` is not allowed", hint, line)
        return
    if isinstance(node, nodes.Filter) and node.name not in FILTERS:
        said = f"there is no filter `{node.name}`"
        yield _problem(path, "unknown-filter", said, did_you_mean(node.name, FILTERS), line)
    if isinstance(node, nodes.Name | nodes.Getattr):
        yield from _variable(node, path, known, items)
        return
    if isinstance(node, nodes.For):
        yield from _loop(node, path, known, items, depth)
        return
    for child in node.iter_child_nodes():
        yield from _walk(child, path, known, items, depth)


def _variable(
    node: nodes.Name | nodes.Getattr, path: str, known: Mapping[str, str], items: frozenset[str]
) -> Iterator[Problem]:
    written = _dotted(node)
    if written in known or written in items:
        return
    hidden = written in THEIRS
    hint = did_you_mean(written, tuple(known))
    if hidden:
        hint = "an acknowledgement goes to whoever is named in From: it repeats nothing of theirs"
    yield _problem(path, "unknown-variable", f"there is no `{written}` here", hint, node.lineno)


def _dotted(node: nodes.Node) -> str:
    if isinstance(node, nodes.Getattr):
        return f"{_dotted(node.node)}.{node.attr}"
    return node.name if isinstance(node, nodes.Name) else "?"


def _loop(
    node: nodes.For, path: str, known: Mapping[str, str], items: frozenset[str], depth: int
) -> Iterator[Problem]:
    over = _dotted(node.iter)
    if over not in LISTS or over not in known or not isinstance(node.target, nodes.Name):
        hint = f"write `for one in {' or '.join(sorted(LISTS))}`"
        yield _problem(path, "not-a-list", f"`{over}` is no list to go through", hint, node.lineno)
        return
    if depth >= DEEPEST:
        said = f"loops stand at most {DEEPEST} deep"
        yield _problem(path, "too-deep", said, "", node.lineno)
        return
    inner = items | {node.target.name}
    for child in (*node.body, *node.else_, *([node.test] if node.test else [])):
        yield from _walk(child, path, known, inner, depth + 1)


def _try(template: MailTemplate, path: str, part: str, source: str) -> list[Problem]:
    """Render against the sample values: the plain ones and the worst ones."""
    for label, values in SAMPLES.items():
        allowed = _only(values, template.variables())
        try:
            written = _fill(f"x.{part.rpartition('.')[2]}", source, allowed)
        except TemplateTrouble as trouble:
            said = f"with the {label} sample: {str(trouble).partition(': ')[2]}"
            return [_problem(path, "cannot-render", said)]
        if not written.strip():
            return [_problem(path, "renders-empty", f"with the {label} sample nothing is written")]
    return []


def _only(values: Mapping[str, Any], known: Mapping[str, str]) -> dict[str, Any]:
    tops = {name.partition(".")[0] for name in known}
    return {name: value for name, value in values.items() if name in tops}


def _problem(path: str, code: str, said: str, hint: str = "", line: int = 0) -> Problem:
    return Problem(f"templates/mail/{path}", line, 1 if line else 0, code, said, hint)
