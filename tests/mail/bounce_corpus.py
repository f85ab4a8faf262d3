"""Holds bounces, automatic mail and visible text against the shared corpora; asserts nothing.

How a status is counted: `strict` is equality with the expectation as it stands. Sisimai writes
codes of its own (5.0.9xx) where a mail states none; RFC 3463 knows no such code, so those can
never agree strictly. `stated` is equality among the rest; `permanence` asks of Sisimai's own
codes only whether permanent and temporary were told apart.
"""

from __future__ import annotations

import email
import email.policy
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import mailparser

from inbox.mail.letter import AutomaticKind, Letter
from inbox.mail.limits import LimitExceeded
from inbox.mail.parse import parse_letter
from inbox.mail.visible import visible_text
from tests.mail.corpus import manifest
from tests.shared import shared

SISIMAI_OWN = re.compile(r"[45]\.0\.9\d\d$")
_NOT_BOUNCES = ("feedback", "vacation")


@dataclass(slots=True)
class Tally:
    """Agreed of asked, and each miss as (path, what was expected, what was found)."""

    agreed: int = 0
    asked: int = 0
    misses: list[tuple[str, str, str]] = field(default_factory=list)

    def count(self, good: bool, path: str, expected: str, found: str) -> None:
        """One question asked."""
        self.asked += 1
        self.agreed += good
        if not good:
            self.misses.append((path, expected, found))

    @property
    def share(self) -> float:
        """Agreed in percent; 100 where nothing was asked."""
        return 100 * self.agreed / self.asked if self.asked else 100.0


@lru_cache(maxsize=1)
def sisimai() -> list[tuple[str, Letter, list[dict[str, str]]]]:
    """(path, letter, expectations) of every mail that has expectations."""
    root = shared("corpora/sisimai")
    expected = json.loads((root / "expectations.json").read_text(encoding="utf-8"))
    return [
        (path, parse_letter((root / path).read_bytes()), wanted)
        for path, wanted in sorted(expected.items())
    ]


def bounce_tallies() -> dict[str, Tally]:
    """Recognised, status (strict, stated, permanence) and non-bounces over sisimai's mails."""
    names = ("recognised", "not bounces", "strict", "stated", "permanence", "recipient named")
    tallies = {name: Tally() for name in names}
    for path, letter, wanted in sisimai():
        real = [one for one in wanted if one["reason"] not in _NOT_BOUNCES]
        bounce = letter.bounce
        if not real:
            tallies["not bounces"].count(bounce is None, path, "none", "bounce")
            continue
        tallies["recognised"].count(bounce is not None, path, "bounce", "none")
        found = [one.status for one in bounce.recipients] if bounce else []
        addresses = [one.address for one in bounce.recipients] if bounce else []
        complete = len(addresses) >= len(real) and all("@" in one for one in addresses)
        tallies["recipient named"].count(complete, path, str(len(real)), str(addresses))
        for number, one in enumerate(real):
            status = found[number] if number < len(found) else "-"
            tallies["strict"].count(status == one["dsn"], path, one["dsn"], status)
            if not SISIMAI_OWN.match(one["dsn"]):
                tallies["stated"].count(status == one["dsn"], path, one["dsn"], status)
            else:
                good = status[:1] == one["dsn"][0]
                tallies["permanence"].count(good, path, one["dsn"], status)
    return tallies


def line_end_tally() -> Tally:
    """Do the CRLF and CR forms of a bounce read as its LF form does?"""
    root = shared("corpora/sisimai/maildir")
    tally = Tally()
    for folder in ("dos", "mac"):
        for path in sorted((root / folder).iterdir()):
            twin = root / "bsd" / path.name
            if twin.exists():
                found, wanted = (_statuses(p) for p in (path, twin))
                tally.count(found == wanted, f"{folder}/{path.name}", str(wanted), str(found))
    return tally


def _statuses(path: Path) -> list[tuple[str, str]] | None:
    bounce = parse_letter(path.read_bytes()).bounce
    return [(one.address, one.status) for one in bounce.recipients] if bounce else None


def flanker_tally() -> Tally:
    """Flanker's three expectations: bounce or not, and its status."""
    root = shared("corpora/flanker")
    tally = Tally()
    wanted = json.loads((root / "bounce_expectations.json").read_text(encoding="utf-8"))
    for path, one in wanted.items():
        bounce = parse_letter((root / path).read_bytes()).bounce
        status = bounce.recipients[0].status if bounce and bounce.recipients else ""
        good = (bounce is not None) == one["is_bounce"] and status == one.get("status", "")
        tally.count(good, path, str(one), status)
    return tally


def visible_tally() -> Tally:
    """Visible text against email_reply_trimmer, modulo surrounding blank space."""
    tally = Tally()
    for name, text, wanted in _replies():
        found = visible_text(text)
        good = _outer(found) == _outer(wanted)
        tally.count(good, name, _outer(wanted)[:80], found[:80])
    return tally


def _replies() -> Iterator[tuple[str, str, str]]:
    """(name, whole text, the text that its authors want to see) of every reply."""
    root = shared("corpora/email_reply_trimmer")
    for path in sorted((root / "emails").iterdir()):
        wanted = (root / "trimmed" / path.name).read_bytes().decode("utf-8")
        yield path.name, path.read_bytes().decode("utf-8"), wanted


def _outer(text: str) -> str:
    return text.replace("\r\n", "\n").strip()


def labelled() -> Iterator[tuple[str, str, Letter]]:
    """(path, label, letter) of the other corpora; the label says what its folder or mbox tells.

    `ham` is list mail or a person's mail, never a bounce or an automatic reply. Mails that the
    folders call something else (reports, spam) are not in it.
    """
    for entry, raw in manifest():
        path = entry["path"]
        if entry["corpus"] == "sisimai" or "spam.mbox" in path:
            continue
        place = f"{path}@{entry.get('index', '')}" if entry["form"] == "mbox" else path
        try:
            yield place, "ham", parse_letter(raw)
        except LimitExceeded:
            continue


def kinds_found() -> dict[str, list[tuple[str, str, str]]]:
    """By kind: (path, reason, subject) of every mail outside sisimai's that got it."""
    found: dict[str, list[tuple[str, str, str]]] = {kind.value: [] for kind in AutomaticKind}
    for path, _, letter in labelled():
        entry = (path, letter.automatic.reason, letter.subject[:80])
        found[letter.automatic.kind.value].append(entry)
    return found


def plain_tallies() -> dict[str, dict[str, Tally]]:
    """What the plain standard library and plain mail-parser give, by reader and question.

    Neither cuts quotes, so their visible text is the text. Statuses are the Status fields of what
    the reader shows as message/delivery-status; mail-parser shows it as text or an attachment.
    """
    readers = {"standard library": _library_statuses, "mail-parser": _mail_parser_statuses}
    result = {}
    for name, read in readers.items():
        tallies = {question: Tally() for question in ("strict", "stated", "visible")}
        for path, wanted in _bounces():
            try:
                found = read(path)
            except Exception:  # foreign readers raise whatever they like; that is what is measured
                found = []
            for number, one in enumerate(wanted):
                status = found[number] if number < len(found) else "-"
                tallies["strict"].count(status == one["dsn"], path.name, one["dsn"], status)
                if not SISIMAI_OWN.match(one["dsn"]):
                    tallies["stated"].count(status == one["dsn"], path.name, one["dsn"], status)
        for name_of, text, wanted_text in _replies():
            good = _outer(text) == _outer(wanted_text)
            tallies["visible"].count(good, name_of, _outer(wanted_text)[:80], text[:80])
        result[name] = tallies
    return result


def _bounces() -> Iterator[tuple[Path, list[dict[str, str]]]]:
    root = shared("corpora/sisimai")
    for path, _, wanted in sisimai():
        real = [one for one in wanted if one["reason"] not in _NOT_BOUNCES]
        if real:
            yield root / path, real


def _library_statuses(path: Path) -> list[str]:
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    blocks = [
        block
        for part in message.walk()
        if part.get_content_type() == "message/delivery-status"
        for block in (part.get_payload() if part.is_multipart() else ())
    ]
    return [_code(str(block["status"])) for block in blocks if block["status"]]


def _mail_parser_statuses(path: Path) -> list[str]:
    mail = mailparser.parse_from_bytes(path.read_bytes())
    shown = [mail.body, *(str(one["payload"]) for one in mail.attachments)]
    return [_code(one) for text in shown for one in _STATUS_FIELD.findall(text)]


_STATUS_FIELD = re.compile(r"^Status:[ \t]*(\S[^\r\n]*)", re.IGNORECASE | re.MULTILINE)


def _code(value: str) -> str:
    """The code without the comment that some systems write behind it."""
    return value.split("(")[0].strip()
