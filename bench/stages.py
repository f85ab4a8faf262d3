"""What each stage of filing costs for one mail, in microseconds; one process, nothing else."""

from __future__ import annotations

import time

from bench.place import fresh, real_mails
from inbox.app import filing_context
from inbox.clock import utc_now
from inbox.flow.deciding.unit import Unit
from inbox.flow.intake import file as filing
from inbox.flow.intake import message
from inbox.flow.intake.accept import Incoming, accept
from inbox.flow.promises import sla
from inbox.store import intake
from inbox.store.intake import Settlement

BATCH = 20


def main() -> None:
    """Print microseconds a mail for each stage."""
    mails = real_mails()[:1000]
    if not mails:
        print("skipped: the shared corpora are not there")
        return
    spent = dict.fromkeys(
        ("pack and accept", "claim", "read", "look up", "decide", "write", "clocks", "commit"), 0.0
    )
    with fresh() as (settings, db):
        context, _ = filing_context(db, settings, None, ())
        rules = filing.Rules(settings.node, BATCH, 2)

        def timed(stage: str, began: float) -> float:
            now = time.perf_counter()
            spent[stage] += now - began
            return now

        at = time.perf_counter()
        for start in range(0, len(mails), BATCH):
            some = mails[start : start + BATCH]
            batch = [Incoming(raw, "file", utc_now(), dated=True) for raw in some]
            accept(db, batch, settings.node)
        at = timed("pack and accept", at)
        while claims := filing.claim(db, rules, utc_now()):
            at = timed("claim", at)
            letters = [filing.read(one, context) for one in claims]
            at = timed("read", at)
            with db.write() as conn:
                unit = Unit(conn, context, utc_now())
                unit.load([(one.claim, one.ready.letter) for one in letters if one.ready])
                at = timed("look up", at)
                done = [_settle(unit, one) for one in letters]
                for settled in done:
                    unit.writes.settle(settled)
                at = timed("decide", at)
                unit.writes.flush()
                at = timed("write", at)
                filed = [
                    (one.message_id, True)
                    for one in done
                    if one.state == "filed" and one.message_id is not None
                ]
                sla.after_filing(conn, context.files, filed, utc_now())
                at = timed("clocks", at)
            at = timed("commit", at)
    total = sum(spent.values())
    for stage, seconds in spent.items():
        print(f"{stage:<16} {seconds / len(mails) * 1e6:8.0f} us  {seconds / total:5.0%}")
    print(
        f"{'all':<16} {total / len(mails) * 1e6:8.0f} us  ({len(mails)} mails, batches of {BATCH})"
    )


def _settle(unit: Unit, one: filing.Read) -> intake.Settlement:
    if one.ready is None:
        return Settlement(one.claim, "quarantined", None, one.cause, one.detail)
    known = unit.same_mail(one.claim, one.ready.letter)
    if known is not None:
        return Settlement(one.claim, "duplicate", known)
    return Settlement(one.claim, "filed", message.file_letter(unit, one.ready))


if __name__ == "__main__":
    main()
