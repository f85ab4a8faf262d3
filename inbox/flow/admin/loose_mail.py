"""The facts of a mail that was never accepted: a file, standard input, the mail of a rule test.

Nothing is stored; the facts are gathered by the same functions as in filing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from inbox.errors import UnreadableMail
from inbox.flow.admin.admin_files import contents
from inbox.flow.admin.mail_facts import message_facts
from inbox.flow.author import author_of
from inbox.mail.letter import Letter
from inbox.mail.limits import LimitExceeded
from inbox.mail.parse import parse_letter
from routing.cases import MailFacts
from routing.conditions import tests_of
from routing.ruleset import Case, Ruleset

DetectLanguage = Callable[[str], str | None]


def read_loose(raw: bytes) -> Letter:
    """The letter in these bytes. Raises `UnreadableMail` where filing would quarantine it."""
    try:
        return parse_letter(raw)
    except LimitExceeded as refusal:
        raise UnreadableMail(refusal.cause, f"{refusal.cause}: {refusal}") from refusal


def loose_facts(
    letter: Letter, size: int, mailboxes: Sequence[str], detect: DetectLanguage | None
) -> dict[str, object]:
    """What a mail alone says. Without `mailboxes` our mailbox is unknown, without `detect` the
    language. Raises `UnreadableMail` for a mail without any author."""
    facts = message_facts(letter, author_of(letter, "").address, (), size, mailboxes)
    if not mailboxes:
        facts["mailbox"] = None
    facts["language"] = detect(letter.visible_text) if detect else None
    return facts


def mails_of_tests(ruleset: Ruleset, mailboxes: Sequence[str]) -> MailFacts:
    """Reads the mails that rule tests name, each from beside the file of its test."""
    detect = detector() if asks_language(ruleset) else None

    def read(case: Case) -> Mapping[str, object] | str:
        try:
            raw = contents(Path(case.file).parent / case.mail)
            facts = loose_facts(read_loose(raw), len(raw), mailboxes, detect)
        except OSError as error:
            return error.strerror or str(error)
        except UnreadableMail as error:
            return str(error)
        text = case.given.get("text")
        if detect is not None and isinstance(text, str):
            facts["language"] = detect(text)  # of the text that is given, not of the mail's
        return facts

    return read


def asks_language(ruleset: Ruleset) -> bool:
    """Does any rule look at the language? Telling it costs a second and 100 MB at first use."""
    return any(
        test.field.name == "language" for rule in ruleset.rules for test in tests_of(rule.when)
    )


def detector() -> DetectLanguage:
    """Tells languages as filing does; loads its model at the first text."""
    from classifiers.language import detect

    return detect
