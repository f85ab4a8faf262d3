"""Every mail of the shared corpora is read, and more of them rightly than by other readers."""

from __future__ import annotations

import logging

import pytest

from inbox.mail.limits import LimitExceeded
from inbox.mail.opened import OpenedMail
from inbox.mail.parse import parse_letter
from tests.mail import corpus

FLOORS = {
    "stalwart": {"subject": 100, "from": 100, "body": 100, "attachments": 92},
    "mime4j": {"subject": 100, "from": 100, "body": 62, "attachments": 100},
    "chandler": {"subject": 100, "from": 100, "body": 100, "attachments": 100},
    "flanker": {"subject": 100, "from": 100, "body": 100, "attachments": 100},
    "mikel_mail": {"subject": 100, "from": 100, "body": 100, "attachments": 100},
    "cpython": {"subject": 100, "from": 100, "body": 100, "attachments": 100},
}
OVER_LIMITS = {"flanker/messages/long-header.eml": "field-too-large"}


@pytest.fixture(autouse=True)
def _quiet_mail_parser() -> None:
    logging.getLogger("mailparser").setLevel(logging.CRITICAL)


@pytest.mark.parametrize("name", corpus.MEASURED)
def test_agreement_with_a_corpus_does_not_fall(name: str) -> None:
    ours = corpus.score(name, corpus.ours)
    for aspect, floor in FLOORS[name].items():
        share = ours.share(aspect)
        assert share is not None, f"{name} says nothing about {aspect}"
        assert share >= floor, [path for path, missed in ours.misses if missed == aspect]


@pytest.mark.parametrize("name", corpus.MEASURED)
def test_no_other_reader_agrees_more_with_a_corpus(name: str) -> None:
    ours = corpus.score(name, corpus.ours)
    for other in (corpus.standard_library, corpus.plain_mail_parser):
        theirs = corpus.score(name, other)
        for aspect in corpus.ASPECTS:
            assert (ours.share(aspect) or 0) >= (theirs.share(aspect) or 0), aspect


@pytest.mark.parametrize("name", corpus.MEASURED)
def test_both_other_readers_agree_less_with_a_corpus_in_something(name: str) -> None:
    ours = corpus.score(name, corpus.ours)
    for other in (corpus.standard_library, corpus.plain_mail_parser):
        theirs = corpus.score(name, other)
        assert any(
            (ours.share(aspect) or 0) > (theirs.share(aspect) or 0) for aspect in corpus.ASPECTS
        ), (name, other.__name__)


def test_every_mail_of_the_manifest_is_read_or_refused_by_a_known_limit() -> None:
    refused = {}
    for entry, raw in corpus.manifest():
        try:
            letter = parse_letter(raw)
        except LimitExceeded as limit:
            refused[entry["path"]] = limit.cause
            continue
        opened = OpenedMail(raw)
        assert opened.html() == letter.html, entry["path"]
        for one in letter.attachments[:1]:
            data = opened.file(one.path)
            assert len(data) == one.size
            assert corpus.digest(data) == one.sha256
    assert refused == OVER_LIMITS
