"""One function per business event, one line each: `event key=value`. No bodies, no local parts.

Other rooms never call `logging` themselves, so this page is the vocabulary of the log.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from routing.problems import Problem, few

_log = logging.getLogger("aboard")


def set_up(level: str = "INFO") -> None:
    """Write the log to standard error, one line per event."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    _log.handlers[:] = [handler]
    _log.setLevel(level)
    _log.propagate = False


def silence(library: str) -> None:
    """Let a library's own logger say nothing: it would name addresses that this log leaves out."""
    logging.getLogger(library).disabled = True


def accepted(count: int, source: str, peer: str) -> None:
    """Mails were made durable."""
    _log.info("accepted count=%d source=%s peer=%s", count, source, peer)


def refused(code: str, why: str, peer: str) -> None:
    """A mail, recipient or connection was refused."""
    _log.info("refused code=%s why=%r peer=%s", code, why, peer)


def intake_failed(incident: str, error: BaseException) -> None:
    """Accepting failed inside; the sender was asked to try again."""
    _log.error("intake-failed incident=%s error=%r", incident, error, exc_info=error)


def round_filed(filed: int, duplicates: int, quarantined: int, put_back: int) -> None:
    """A worker filed a batch."""
    _log.info(
        "filed filed=%d duplicates=%d quarantined=%d put_back=%d",
        filed,
        duplicates,
        quarantined,
        put_back,
    )


def worker_ended(pid: int, why: str, ledger_ids: Sequence[int]) -> None:
    """A worker died or was ended; its mails were given back."""
    _log.warning("worker-ended pid=%d why=%r ledger=%s", pid, why, list(ledger_ids))


def database_trouble(error: BaseException) -> None:
    """The database did not do what was asked; it is asked again."""
    _log.error("database-trouble error=%r", str(error))


def rules_refused(problems: Sequence[Problem]) -> None:
    """An admin's file was refused; what was in force stays."""
    for problem in few(problems):
        _log.error("files-refused problem=%r", str(problem))


def rules_activated(ruleset: str, rules: int) -> None:
    """A ruleset was put in force."""
    _log.info("files-activated ruleset=%s rules=%d", ruleset[:12], rules)


def watching_failed(error: BaseException) -> None:
    """The admin's files could not be watched or proposed just now; it is tried again."""
    _log.warning("watching-failed error=%r", error)


def serving(what: str, where: str) -> None:
    """A part listens."""
    _log.info("serving part=%s at=%s", what, where)


def stopped() -> None:
    """The node has stopped."""
    _log.info("stopped")


def page_failed(incident: str, path: str, error: BaseException) -> None:
    """A page could not be shown; the visitor was given the incident number."""
    _log.error("page-failed incident=%s path=%r error=%r", incident, path, error, exc_info=error)


def classifier_trouble(problem: object) -> None:
    """A classifier cannot be used; rules alone route."""
    _log.warning("classifier-trouble problem=%r", str(problem))


def classifier_changed(model: str, why: str) -> None:
    """Another classifier came into force."""
    _log.info("classifier-changed model=%s why=%r", model, why)


def item_settled(item: int, state: str, outcome: str, cause: str) -> None:
    """An attempt to send an outbox item ended."""
    _log.info("item-settled item=%d state=%s outcome=%s cause=%s", item, state, outcome, cause)


def item_lost(item: int, why: str) -> None:
    """A courier's item was taken away from it, because it was cancelled or its lease ran out."""
    _log.warning("item-lost item=%d why=%r", item, why)


def items_recovered(states: Sequence[str]) -> None:
    """Items that a dead courier left behind were judged."""
    _log.warning("items-recovered count=%d states=%s", len(states), sorted(set(states)))


def ticked(fired: int, skipped: int, woken: int) -> None:
    """A tick did what deadlines demand."""
    _log.info("ticked fired=%d skipped=%d woken=%d", fired, skipped, woken)


def step_failed(error: BaseException) -> None:
    """A step of a ladder could not be done; it is tried again."""
    _log.error("step-failed error=%r", error, exc_info=error)


def sweep_failed(error: BaseException) -> None:
    """A sweep ended early by a bug of ours; the next one comes soon."""
    _log.error("sweep-failed error=%r", error, exc_info=error)


def courier_failed(error: BaseException) -> None:
    """A courier met a bug of ours; it goes on, and what it carried is tried or judged again."""
    _log.error("courier-failed error=%r", error, exc_info=error)


def clock_jumped(seconds: float) -> None:
    """The wall clock jumped; nothing is swept until two readings agree."""
    _log.error("clock-jumped seconds=%.0f", seconds)


def fetched(mailbox: str, folder: str, accepted: int, known: int, gone: int, left: int) -> None:
    """A round over a folder of a mailbox accounted for mails."""
    _log.info(
        "fetched mailbox=%s folder=%r accepted=%d known=%d gone=%d left=%d",
        mailbox,
        folder,
        accepted,
        known,
        gone,
        left,
    )


def fetching(mailbox: str, folder: str, done: int, total: int) -> None:
    """How far a long round is."""
    _log.info("fetching mailbox=%s folder=%r done=%d of=%d", mailbox, folder, done, total)


def mailbox_trouble(mailbox: str, cause: str, error: BaseException, wait: float) -> None:
    """A mailbox could not be polled; it is tried again."""
    _log.warning(
        "mailbox-trouble mailbox=%s cause=%s error=%r again_in=%.0f",
        mailbox,
        cause,
        str(error),
        wait,
    )


def mailbox_stalled(mailbox: str, since: str, error: str) -> None:
    """No mail came from a mailbox for long; said once."""
    _log.error("mailbox-stalled mailbox=%s since=%s error=%r", mailbox, since, error)


def mailbox_recovered(mailbox: str, since: str) -> None:
    """A mailbox that had stalled is polled again; said once."""
    _log.warning("mailbox-recovered mailbox=%s stalled_since=%s", mailbox, since)


def mail_not_moved(mailbox: str, folder: str, why: str) -> None:
    """Mail that is ours cannot be moved away on the server; said once, more is fetched."""
    _log.error("mail-not-moved mailbox=%s folder=%r why=%r", mailbox, folder, why)


def mail_moves_again(mailbox: str, folder: str) -> None:
    """What could not be moved away on the server has been; said once."""
    _log.warning("mail-moves-again mailbox=%s folder=%r", mailbox, folder)


def holes_found(mailbox: str, folder: str, uids: Sequence[int]) -> None:
    """Mail on the server was on no record although later mail was; it has been fetched now."""
    _log.error(
        "holes-found mailbox=%s folder=%r count=%d uids=%s",
        mailbox,
        folder,
        len(uids),
        list(uids[:20]),
    )


def polling_ceded(mailbox: str, why: str) -> None:
    """Another process polls this mailbox now."""
    _log.warning("polling-ceded mailbox=%s why=%r", mailbox, why)


def polling_failed(mailbox: str, error: BaseException) -> None:
    """A bug of ours ended a round; the next one comes."""
    _log.error("polling-failed mailbox=%s error=%r", mailbox, error, exc_info=error)
