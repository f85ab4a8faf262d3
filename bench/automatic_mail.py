"""Prints precision and recall of reports and automatic replies over the corpora, with every miss.

Run as `python -m bench.automatic_mail`; it reads `ABOARD_SHARED` (else ../shared), writes nothing.
"""

from __future__ import annotations

from tests.mail.automatic_corpus import cause, measured


def report() -> list[str]:
    """The table and the misses, line by line."""
    figures, people = measured()
    lines = [
        f"{people} mails of people and lists beside these:",
        "",
        "| taken for | right | wrong | missed | precision | recall |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, one in figures.items():
        counts = f"{one.right} | {len(one.wrong)} | {len(one.missed)}"
        lines.append(f"| {name} | {counts} | {one.precision:.1f} % | {one.recall:.1f} % |")
    lines.append("")
    for name, one in figures.items():
        for what, misses in (("missed", one.missed), ("wrong", one.wrong)):
            lines += [f"* {name}, {what}: {miss}: {cause(miss)}" for miss in misses]
    return lines


if __name__ == "__main__":
    print("\n".join(report()))
