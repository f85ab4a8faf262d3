"""Machines are told from people over the corpora; every miss is known, with its cause."""

from __future__ import annotations

from tests.mail.automatic_corpus import cause, measured


def test_reports_and_replies_are_found_and_people_are_not_taken_for_them() -> None:
    figures, people = measured()
    floor = {"bounce": (99.5, 98.5), "auto-reply": (60.0, 100.0), "abuse-report": (100.0, 93.0)}
    for name, (precision, recall) in floor.items():
        assert figures[name].precision >= precision, figures[name].wrong
        assert figures[name].recall >= recall, figures[name].missed
    assert people > 1_800
    misses = [miss for one in figures.values() for miss in (*one.missed, *one.wrong)]
    assert [miss for miss in misses if not cause(miss)] == []
    # Of those taken for a machine none was written by a person.
    human = [miss for one in figures.values() for miss in one.wrong if "it is human" in miss]
    assert {cause(miss)[:8] for miss in human} == {"a read r", "a true d"}
