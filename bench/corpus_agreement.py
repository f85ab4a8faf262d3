"""Prints how often three readers agree with the corpora: ours, standard library, mail-parser.

Run as `python -m bench.corpus_agreement`; it reads `ABOARD_SHARED` (else ../shared) and writes
nothing. Mails on which a reader raised are counted as disagreements and shown as failures. Every
thread that is not as the labels have it is named.
"""

from __future__ import annotations

import logging

from bench.place import SHARED
from tests.mail import corpus, thread_corpus
from tests.mail.bounce_corpus import Tally, bounce_tallies, plain_tallies, visible_tally

OURS = "aboard"
READERS = (OURS, "standard library", "mail-parser")
ASKED = {
    "visible": "visible text (email_reply_trimmer)",
    "strict": "DSN status, sisimai's own 5.0.9xx among the expected codes",
    "stated": "DSN status, expected codes that the mails state",
}


def table() -> list[str]:
    """The report, line by line: a Markdown table with shares in percent."""
    lines = [
        "| corpus | mails | reader | " + " | ".join(corpus.ASPECTS) + " | failures |",
        "|---|---:|---|" + "---:|" * (len(corpus.ASPECTS) + 1),
    ]
    for name in corpus.MEASURED:
        for reader, read in corpus.READERS.items():
            score = corpus.score(name, read)
            cells = [_cell(score, aspect) for aspect in corpus.ASPECTS]
            lines.append(
                f"| {name} | {len(corpus.cases(name))} | {reader} | "
                + " | ".join(cells)
                + f" | {score.failures} |"
            )
    return lines


def _cell(score: corpus.Score, aspect: str) -> str:
    share = score.share(aspect)
    agreed, asked = score.counts[aspect]
    return "-" if share is None else f"{share:.1f} ({agreed}/{asked})"


def other_table(threads: dict[str, dict[str, Tally]]) -> list[str]:
    """Threads, visible text and bounces: a row a question, a column a reader."""
    ours = bounce_tallies() | {"visible": visible_tally()}
    found = {OURS: ours} | plain_tallies()
    lines = ["| asked | " + " | ".join(READERS) + " |", "|---|---:|---:|---:|"]
    for what in threads[OURS]:
        cells = " | ".join(_share(threads[reader][what]) for reader in READERS)
        lines.append(f"| whole thread right (spamassassin), labels {what} | {cells} |")
        filed = _share(threads["aboard, as filed"][what])
        lines.append(
            f"| the same with `--as-filed`: people's addresses are no ids | {filed} | - | - |"
        )
    for question, name in ASKED.items():
        cells = " | ".join(_share(found[reader][question]) for reader in READERS)
        lines.append(f"| {name} | {cells} |")
    return lines


def _share(tally: Tally) -> str:
    return f"{tally.share:.1f} ({tally.agreed}/{tally.asked})"


def thread_differences(threads: dict[str, dict[str, Tally]]) -> list[str]:
    """Every mail whose thread is not the labels', and what the labels' own references give."""
    own = threads["the file's own references"]["as the file stands"]
    people = sorted(set(thread_corpus.addresses().values()))
    lines = [
        f"The label file counts the addresses of {len(people)} people in `In-Reply-To: Message from"
        " Ana <ana@host> of ... <id>` as ids.",
        f"Components of the file's own references agree with it in {_share(own)}.",
    ]
    for what, tally in threads["aboard, as filed"].items():
        lines.append(f"labels {what}: {len(tally.misses)} mails in another thread than as filed")
        lines += [
            f"  {path} (labels: thread of {wanted}, ours: {found})"
            for path, wanted, found in tally.misses
        ]
    return lines


def main() -> None:
    """Print the report."""
    if not (SHARED / "corpora").is_dir():
        print("skipped: the shared corpora are not there")
        return
    logging.getLogger("mailparser").setLevel(logging.CRITICAL)
    threads = thread_corpus.tallies()
    print("\n".join([*table(), "", *other_table(threads), "", *thread_differences(threads)]))


if __name__ == "__main__":
    main()
