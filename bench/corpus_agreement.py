"""Prints how often three readers agree with the corpora: ours, standard library, mail-parser.

Run as `python -m bench.corpus_agreement`; it reads `ABOARD_SHARED` (else ../shared) and writes
nothing. Mails on which a reader raised are counted as disagreements and shown as failures.
"""

from __future__ import annotations

import logging

from tests.mail import corpus


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


def main() -> None:
    """Print the report."""
    logging.getLogger("mailparser").setLevel(logging.CRITICAL)
    print("\n".join(table()))


if __name__ == "__main__":
    main()
