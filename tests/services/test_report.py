"""The closing line says what ran and why something did not."""

from __future__ import annotations

from collections import Counter

from tests.services.report import SERVICES, line


def test_an_unused_service_is_named_without_a_version() -> None:
    said = line(Counter(), Counter())
    assert [part.endswith(": not used") for part in said.split(" | ")] == [True] * 3 + [False]
    assert said.endswith("skipped: 0")


def test_a_used_service_is_named_with_its_number_of_tests() -> None:
    said = line(Counter({"postgres": 7}), Counter())
    assert said.startswith(f"{SERVICES['postgres'][1]()}: 7 tests | ")


def test_reasons_are_counted() -> None:
    said = line(Counter(), Counter({"no Dovecot": 2, "no browser": 3}))
    assert said.endswith("skipped: 5 (3 x no browser; 2 x no Dovecot)")
