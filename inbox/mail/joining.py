"""Which mails belong to one thread: a connected component over all their ids.

JWZ and RFC 5256 pick one parent a mail; here every id in References and In-Reply-To joins,
because one lost mail must not split a thread. Which account an id counts in is the caller's
business. A parent is chosen only to draw the tree.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from inbox.mail.ids import read_ids
from inbox.mail.letter import Letter


@dataclass(frozen=True, slots=True)
class Join:
    """Where a mail goes: a known thread, and those threads that it proves to be the same."""

    thread: int | None
    """None: no id is known, the mail opens a thread."""
    absorbed: tuple[int, ...] = ()


def ids_of(letter: Letter) -> tuple[str, ...]:
    """Every id that ties this mail to others: its own, then all it refers to; each once."""
    own = (letter.message_id,) if letter.message_id else ()
    return tuple(dict.fromkeys((*own, *letter.references, *letter.in_reply_to)))


def looked_up(letter: Letter) -> tuple[str, ...]:
    """Every id that filing may ask for: those that tie it, and those of a mail
    that it forwards or complains about."""
    more = letter.forwarded.ids if letter.forwarded else ()
    reported = (letter.reported_id,) if letter.reported_id else ()
    return (*ids_of(letter), *more, *reported)


def everything_bracketed(letter: Letter) -> tuple[str, ...]:
    """`ids_of`, and all else in brackets in In-Reply-To, people's addresses too, as programs that
    read ids plainly have it. For comparison with them: filing does not join by it, since two
    answers to Ana that say `Message from Ana <ana@host>` are not one thread for that."""
    plain = [
        one
        for name, value in letter.headers
        if name.lower() == "in-reply-to" and "<" in value
        for one in read_ids(value)
    ]
    return tuple(dict.fromkeys((*ids_of(letter), *plain)))


def join(known: Mapping[str, int]) -> Join:
    """Decide from the threads that already use a mail's ids (mail id -> thread).

    The lowest number survives, so every order of arrival ends in the same components.
    """
    threads = sorted(set(known.values()))
    return Join(threads[0], tuple(threads[1:])) if threads else Join(None)


class Components:
    """Threads over a batch of mails, held in memory and without the account boundary."""

    def __init__(self) -> None:
        self._thread_of: dict[str, int] = {}
        self._ids: dict[int, list[str]] = {}
        self._count = 0

    def add(self, ids: Sequence[str]) -> int:
        """Join one mail by its ids; the number of its thread for now (later mails may join it)."""
        known = {one: self._thread_of[one] for one in ids if one in self._thread_of}
        decided = join(known)
        if decided.thread is None:
            self._count += 1
            thread = self._count
            self._ids[thread] = []
        else:
            thread = decided.thread
        for absorbed in decided.absorbed:
            moved = self._ids.pop(absorbed)
            self._ids[thread] += moved
            self._thread_of.update(dict.fromkeys(moved, thread))
        fresh = [one for one in ids if one not in known]
        self._ids[thread] += fresh
        self._thread_of.update(dict.fromkeys(fresh, thread))
        return thread

    def thread_of(self, mail_id: str) -> int | None:
        """The thread that uses this id, or None."""
        return self._thread_of.get(mail_id)


def parents(mails: Iterable[tuple[str | None, Sequence[str]]]) -> tuple[int | None, ...]:
    """For each mail (own id, ids it refers to with the nearest last) the place of its parent.

    The parent is the nearest reference that is there (RFC 5256 section 3), never one that would
    close a circle; None for the top of a tree.
    """
    given = list(mails)
    place: dict[str, int] = {}
    for index, (own, _) in enumerate(given):
        if own is not None:
            place.setdefault(own, index)
    chosen: list[int | None] = [None] * len(given)
    for index, (_, refers) in enumerate(given):
        for reference in reversed(refers):
            candidate = place.get(reference)
            if candidate is not None and not _reaches(chosen, candidate, index):
                chosen[index] = candidate
                break
    return tuple(chosen)


def _reaches(chosen: Sequence[int | None], start: int, target: int) -> bool:
    """Does the way up from `start` lead to `target`? It ends, since no circle was ever closed."""
    at: int | None = start
    while at is not None:
        if at == target:
            return True
        at = chosen[at]
    return False
