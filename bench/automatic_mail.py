"""Prints precision and recall of reports and automatic replies over the corpora, with every miss.

Run as `python -m bench.automatic_mail`; it reads `ABOARD_SHARED` (else ../shared), writes nothing.
"""

from __future__ import annotations

from tests.mail.automatic_corpus import cause, measured
from tests.mail.bounce_corpus import bounce_tallies


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
    lines += ["", *reports()]
    return lines


def reports() -> list[str]:
    """Whom reports name, and the statuses that they state, with every miss."""
    tallies, lines = bounce_tallies(), []
    for name, what in (
        ("recipient named", "reports that name every recipient"),
        ("stated", "statuses as stated"),
    ):
        one = tallies[name]
        lines.append(f"{what}: {one.agreed} of {one.asked} ({one.share:.1f} %)")
        lines += [f"* {path}: {found} for {wanted}" for path, wanted, found in one.misses]
    return lines


if __name__ == "__main__":
    print("\n".join(report()))
