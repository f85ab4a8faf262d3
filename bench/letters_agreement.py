"""Prints how far visible text, bounces and automatic mail agree with the shared corpora.

Run it from the repository root: `python -m bench.letters_agreement`. It measures; the floors are
in tests/mail.
"""

from __future__ import annotations

import time

from bench.place import SHARED
from inbox.mail.auto import AutomaticInput, classify_automatic
from inbox.mail.letter import AutomaticKind
from inbox.mail.visible import visible_text
from tests.mail.bounce_corpus import (
    Tally,
    bounce_tallies,
    flanker_tally,
    kinds_found,
    line_end_tally,
    sisimai,
    visible_tally,
)

_ROUNDS = 2_000


def automatic_tallies() -> dict[str, Tally]:
    """Recall of each kind over sisimai's mails, by what its expectations call them."""
    tallies = {name: Tally() for name in ("bounce", "abuse report", "answer of a machine")}
    answers = (AutomaticKind.AUTO_REPLY, AutomaticKind.OUT_OF_OFFICE)
    for path, letter, wanted in sisimai():
        kind = letter.automatic.kind
        reasons = {one["reason"] for one in wanted}
        if "feedback" in reasons:
            good = kind is AutomaticKind.ABUSE_REPORT
            tallies["abuse report"].count(good, path, "abuse-report", kind.value)
        elif "vacation" in reasons:
            tallies["answer of a machine"].count(kind in answers, path, "auto-reply", kind.value)
        elif wanted:
            good = kind is AutomaticKind.BOUNCE
            tallies["bounce"].count(good, path, "bounce", kind.value)
    return tallies


def microseconds() -> float:
    """Visible text and classification of one ordinary reply of about 3.5 KiB."""
    own = "Thank you, the documents are attached and we can start in May.\n" * 25
    quote = "> We need your tax id and the signed contract before we can start.\n" * 28
    text = f"{own}\nOn Tue, 3 Mar 2026 at 09:12, Ada Byte <ada@acme.example> wrote:\n{quote}"
    headers = tuple((f"x-field-{number}", "some value") for number in range(25))
    facts = AutomaticInput(headers, "Re: Start", own, "a@b.example", None, None, False, None)
    begun = time.perf_counter()
    for _ in range(_ROUNDS):
        visible_text(text)
        classify_automatic(facts)
    return (time.perf_counter() - begun) / _ROUNDS * 1e6


def main() -> None:
    """Prints the table, then every miss."""
    if not (SHARED / "corpora").is_dir():
        print("skipped: the shared corpora are not there")
        return
    tallies = {"visible text / email_reply_trimmer": visible_tally()}
    tallies |= {f"sisimai, {name}": tally for name, tally in bounce_tallies().items()}
    tallies["sisimai, CRLF and CR as LF"] = line_end_tally()
    tallies["flanker bounces"] = flanker_tally()
    tallies |= {f"automatic, {name}": tally for name, tally in automatic_tallies().items()}
    for name, tally in tallies.items():
        print(f"{name:<42} {tally.agreed:>4} of {tally.asked:<4} {tally.share:6.1f} %")
    print("\nmail outside sisimai by kind found (reason and subject where it is not list or none)")
    for kind, entries in kinds_found().items():
        print(f"  {kind:<14} {len(entries)}")
        for path, reason, subject in entries if kind not in ("none", "list") else []:
            print(f"    {path}: {reason}: {subject}")
    print(f"\nvisible text and classification of a 3.5 KiB reply: {microseconds():.0f} us")
    for name, tally in tallies.items():
        for path, wanted, found in tally.misses:
            print(f"miss: {name}: {path}: expected {wanted!r}, found {found!r}")


if __name__ == "__main__":
    main()
