"""Threads of the spamassassin corpus: every difference from its label file is accounted for."""

from __future__ import annotations

import logging
from collections import Counter

import pytest

from tests.mail import thread_corpus


@pytest.fixture(autouse=True)
def _quiet_mail_parser() -> None:
    logging.getLogger("mailparser").setLevel(logging.CRITICAL)


def test_the_label_file_is_met_as_it_stands() -> None:
    """Every id in brackets joins, as in the file: 99.5 percent of whole threads are exactly right.

    The rest is in threads whose other mails are not in the folder (the file's own references,
    joined, say the same)."""
    tally = thread_corpus.agreement(thread_corpus.ours(as_filed=False), thread_corpus.as_labelled())
    assert tally.asked == 1464
    assert tally.share >= 99.5, tally.misses
    own = thread_corpus.from_labelled_references(people=True)
    assert thread_corpus.agreement(thread_corpus.ours(as_filed=False), own).share == 100


def test_every_label_difference_is_a_thread_that_two_persons_addresses_glued() -> None:
    raw = thread_corpus.agreement(thread_corpus.ours(as_filed=True), thread_corpus.as_labelled())
    assert raw.asked == 1464
    glued = {"33 mails": 33, "7 mails": 7}
    assert Counter(wanted for _, wanted, _ in raw.misses) == glued


def test_without_addresses_of_people_every_thread_of_the_labels_is_exactly_right() -> None:
    wanted = thread_corpus.from_labelled_references(people=False)
    tally = thread_corpus.agreement(thread_corpus.ours(as_filed=True), wanted)
    assert tally.asked == 1464
    assert tally.share == 100, tally.misses


def test_the_addresses_left_out_stand_in_a_phrase_and_are_nobodys_message_id() -> None:
    """Else the correction could hide a mistake of ours."""
    addresses = thread_corpus.addresses()
    message_ids = {line["id"] for line in thread_corpus.labels()}
    assert len(addresses) == 33
    assert not message_ids & set(addresses.values())
    # All but these lines keep what they name: the id beside the address.
    kept = [line for line in thread_corpus.labels() if (line["path"], line["index"]) in addresses]
    assert all(set(line["refs"]) - set(addresses.values()) for line in kept)


def test_no_plain_reader_has_more_threads_right_once_people_are_no_ids() -> None:
    shares = {
        name: found["without people's addresses"].share
        for name, found in thread_corpus.tallies().items()
    }
    assert shares.pop("aboard, as filed") == 100
    assert all(share < 98 for share in shares.values()), shares
