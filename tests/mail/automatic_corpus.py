"""Precision and recall of what a machine wrote, over the shared corpora; asserts nothing.

What a mail is: for sisimai its expectations, for flanker its own file, else what the manifest says
(made from the folders of those who collected the mails). Everything without such a label is taken
for a person's or a list's mail, which must be taken for no report and no automatic reply.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from inbox.mail.letter import AutomaticKind, Letter
from inbox.mail.limits import LimitExceeded
from inbox.mail.parse import parse_letter
from tests.mail.bounce_corpus import sisimai
from tests.mail.corpus import manifest

CLASSES = ("bounce", "auto-reply", "abuse-report")
HUMAN = "human"
_FOUND = {
    AutomaticKind.BOUNCE: "bounce",
    AutomaticKind.AUTO_REPLY: "auto-reply",
    AutomaticKind.OUT_OF_OFFICE: "auto-reply",
    AutomaticKind.ABUSE_REPORT: "abuse-report",
}


@dataclass(slots=True)
class Figures:
    """One class: right, missed, and wrongly taken for it."""

    right: int = 0
    missed: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def precision(self) -> float:
        """In percent, of what was taken for it."""
        taken = self.right + len(self.wrong)
        return 100 * self.right / taken if taken else 100.0

    @property
    def recall(self) -> float:
        """In percent, of what it is."""
        there = self.right + len(self.missed)
        return 100 * self.right / there if there else 100.0


def taken_for(letter: Letter) -> str:
    """What a letter is taken for; lists and newsletters are answered by nobody, and are no one's
    reply or report either."""
    return _FOUND.get(letter.automatic.kind, HUMAN)


def measured() -> tuple[dict[str, Figures], int]:
    """The figures of every class, and how many mails of people and lists there were."""
    figures = {name: Figures() for name in CLASSES}
    people = 0
    for path, wanted, letter in _labelled():
        found = taken_for(letter)
        people += wanted == HUMAN
        if found == wanted:
            if wanted in figures:
                figures[wanted].right += 1
            continue
        if wanted in figures:
            figures[wanted].missed.append(f"{path} (taken for {found})")
        if found in figures:
            figures[found].wrong.append(f"{path} (it is {wanted})")
    return figures, people


def _labelled() -> list[tuple[str, str, Letter]]:
    found = []
    for path, letter, wanted in sisimai():
        reasons = {one["reason"] for one in wanted}
        what = "bounce"
        if not reasons:
            what = HUMAN
        elif reasons <= {"feedback"}:
            what = "abuse-report"
        elif reasons <= {"vacation"}:
            what = "auto-reply"
        found.append((f"sisimai/{path}", what, letter))
    for entry, raw in manifest():
        if entry["corpus"] == "sisimai" or "spam.mbox" in entry["path"]:
            continue
        try:
            letter = parse_letter(raw)
        except LimitExceeded:
            continue
        kinds = set(entry["kinds"])
        what = HUMAN
        if "arf" in kinds:
            what = "abuse-report"
        elif "bounce" in kinds or "/bounce/" in entry["path"]:
            what = "bounce"
        elif "auto-reply" in kinds:
            what = "auto-reply"
        place = f"@{entry['index']}" if entry["form"] == "mbox" else ""
        found.append((f"{entry['path']}{place}", what, letter))
    return found


CAUSES = {
    "lhost-amazonses-12.eml": "a notice that a mail was delivered, as JSON of Amazon SNS in a text",
    "lhost-amazonses-13.eml": "a notice that a mail was delivered, as JSON of Amazon SNS in a text",
    "lhost-fml-02.eml": "a list program says that somebody is no member: taken for list mail,"
    " which is answered by nobody either",
    "lhost-fml-03.eml": "a list program's alarm to its own admin; it names no recipient",
    "arf-26.eml": "`Auto-Submitted: auto-replied` of Apple Mail that unsubscribes; no ARF report",
    "disposition-notification.eml": "a read receipt; the folder has no word for it",
    "ham-threads.mbox@1303": "a true delivery report of Demon that lies in a box of list mail",
}
"""Why a mail is not what its label says, by the end of its path."""


def cause(miss: str) -> str:
    """The cause of a miss, or an empty text."""
    path = miss.partition(" (")[0]
    return next((why for end, why in CAUSES.items() if path.endswith(end)), "")
