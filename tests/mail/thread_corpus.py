"""Holds threads against the label file of the spamassassin corpus; it measures, asserts nothing.

The file joins by everything in brackets, so also by the addresses of people in old fields like
`In-Reply-To: Message from Ana <ana@host> of "Mon, 1 Jul 2002" <id>`. Two persons' answers to Ana
then are one thread, whatever they are about. `corrected` makes the components of the same
references without those addresses, which are known by the words before and after them, not by
our own reading of ids.
"""

from __future__ import annotations

import email
import email.policy
import json
import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping
from functools import lru_cache
from typing import Any

import mailparser

from inbox.cli.parsed import thread_rows
from inbox.mail.mbox import messages_at
from tests.mail.bounce_corpus import Tally
from tests.shared import shared

FOLDER = "corpora/spamassassin"

Place = tuple[str, int]
"""(mbox, position in it)."""
Partition = dict[Place, Hashable]
"""Which thread each mail is in; only who is together with whom counts."""

_ID = re.compile(r"<([^<>\s]+@[^<>\s]+)>")
_PERSON = re.compile(r"^Message from\b[^<>]*<([^<>\s]+@[^<>\s]+)>\s+of\b", re.DOTALL)


@lru_cache(maxsize=1)
def labels() -> list[dict[str, Any]]:
    """The lines of the label file."""
    text = shared(f"{FOLDER}/threads.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


@lru_cache(maxsize=1)
def _mails() -> dict[Place, bytes]:
    return {
        (f"spamassassin/{path.name}", index): raw
        for path, index, raw in messages_at(shared(FOLDER))
    }


@lru_cache(maxsize=1)
def subjects() -> Mapping[Place, str]:
    """The subject of every mail, as the standard library reads it."""
    return {place: str(_plain(raw)["subject"] or "") for place, raw in _mails().items()}


def _plain(raw: bytes) -> email.message.Message:
    return email.message_from_bytes(raw, policy=email.policy.compat32)


def _place(line: Mapping[str, Any]) -> Place:
    return line["path"], line["index"]


def as_labelled() -> Partition:
    """The threads of the label file as they stand."""
    return {_place(line): line["thread"] for line in labels()}


@lru_cache(maxsize=1)
def addresses() -> dict[Place, str]:
    """Where a reference of the label file is a person's address, and which."""
    found = {}
    for line in labels():
        written = str(_plain(_mails()[_place(line)])["in-reply-to"] or "")
        person = _PERSON.match(" ".join(written.split()))
        if person is not None and person[1] in line["refs"]:
            found[_place(line)] = person[1]
    return found


def from_labelled_references(*, people: bool) -> Partition:
    """Components of the label file's own references, with or without the addresses of people."""
    persons = frozenset() if people else frozenset(addresses().values())
    return _components(
        {
            _place(line): [line["id"], *(one for one in line["refs"] if one not in persons)]
            for line in labels()
        }
    )


@lru_cache(maxsize=2)
def ours(*, as_filed: bool) -> Partition:
    """The threads as `aboard mail threads` gives them, and as filing joins them."""
    rows = thread_rows(messages_at(shared(FOLDER)), as_filed=as_filed)
    found = {(f"spamassassin/{row['path'].rpartition('/')[2]}", row["index"]): row for row in rows}
    return {_place(line): found[_place(line)]["thread"] for line in labels()}


def standard_library() -> Partition:
    """Components over the ids in brackets that the plain standard library sees."""
    return _read_by(lambda raw: (_plain(raw).get(name) for name in _FIELDS))


@lru_cache(maxsize=1)
def plain_mail_parser() -> Partition:
    """Components over the ids in brackets that mail-parser's headers hold."""

    def fields(raw: bytes) -> Any:
        headers = {
            name.lower(): value for name, value in mailparser.parse_from_bytes(raw).headers.items()
        }
        return (headers.get(name) for name in _FIELDS)

    return _read_by(fields)


_FIELDS = ("message-id", "references", "in-reply-to")


def _read_by(fields: Callable[[bytes], Any]) -> Partition:
    wanted = {_place(line) for line in labels()}
    return _components(
        {
            place: [one for value in fields(raw) for one in _ID.findall(str(value or ""))]
            for place, raw in _mails().items()
            if place in wanted
        }
    )


def _components(ids: Mapping[Place, list[str]]) -> Partition:
    """Who is together, by union-find; on purpose not the product's joining."""
    above: dict[Hashable, Hashable] = {}

    def top(one: Hashable) -> Hashable:
        while above.setdefault(one, one) != one:
            above[one] = above[above[one]]
            one = above[one]
        return one

    for place, some in ids.items():
        for one in some:
            above[top(one)] = top(place)
    return {place: top(place) for place in ids}


def agreement(found: Partition, wanted: Partition) -> Tally:
    """For each mail: is its whole thread exactly the wanted one? A miss names mbox and position."""
    tally = Tally()
    by_found, by_wanted = _threads(found), _threads(wanted)
    for place in wanted:
        good = by_found[place] == by_wanted[place]
        sizes = (f"{len(by_wanted[place])} mails", f"{len(by_found[place])} mails")
        tally.count(good, f"{place[0]}@{place[1]}: {subjects()[place]}", *sizes)
    return tally


def _threads(partition: Partition) -> dict[Place, frozenset[Place]]:
    members = defaultdict(set)
    for place, thread in partition.items():
        members[thread].add(place)
    return {place: frozenset(members[thread]) for place, thread in partition.items()}


def tallies() -> dict[str, dict[str, Tally]]:
    """By reader: against the file as it stands, and without the addresses of people."""
    readers = {
        "aboard": ours(as_filed=False),
        "aboard, as filed": ours(as_filed=True),
        "standard library": standard_library(),
        "mail-parser": plain_mail_parser(),
        "the file's own references": from_labelled_references(people=True),
    }
    wanted = {
        "as the file stands": as_labelled(),
        "without people's addresses": from_labelled_references(people=False),
    }
    return {
        name: {what: agreement(found, threads) for what, threads in wanted.items()}
        for name, found in readers.items()
    }
