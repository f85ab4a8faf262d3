"""Rules proposed from what people move by hand."""

from __future__ import annotations

from routing.cases import run_cases
from routing.facts import Facts, facts_given
from routing.lint import lint
from routing.suggest import Move, suggest
from tests.routing.sets import FALLBACK, load


def mail(number: int, subject: str, domain: str = "") -> Facts:
    return facts_given({"from": f"p@{domain or f'c{number}.example'}", "subject": subject})


def moved(number: int, subject: str, domain: str = "") -> Move:
    return Move(mail(number, subject, domain), "support", "compliance")


STAYED = [(mail(number, "Weekly report and invoice"), "support") for number in range(20)]


def test_a_word_that_several_customers_share_becomes_a_rule_with_tests() -> None:
    moves = [moved(number, f"Report: sanctions screening {number}") for number in range(5)]
    (found,) = suggest(moves, STAYED)
    assert found.condition in (
        'subject words: "sanctions screening"',
        'subject words: "report sanctions"',
    )
    assert (found.to_team, found.moves, found.against) == ("compliance", 5, 0)
    ruleset = load(found.text + FALLBACK)
    report = run_cases(ruleset)
    assert not report.failed and not report.untouched, report.text()
    assert lint(ruleset) == ()


def test_a_customers_domain_is_preferred_to_its_words() -> None:
    moves = [moved(number, "Hello there", "bank.example") for number in range(4)]
    (found,) = suggest(moves, STAYED)
    assert found.condition == "from.domain: bank.example"
    assert not run_cases(load(found.text + FALLBACK)).failed


def test_what_only_one_customer_writes_is_not_repeated_in_a_rule() -> None:
    moves = [moved(number, "Project Nightingale", "gmail.com") for number in range(6)]
    assert suggest(moves, STAYED) == ()


def test_a_word_that_stays_elsewhere_as_often_is_not_proposed() -> None:
    moves = [moved(number, "Invoice") for number in range(4)]
    assert suggest(moves, STAYED) == ()


def test_two_moves_are_no_habit() -> None:
    assert suggest([moved(1, "sanctions"), moved(2, "sanctions")], STAYED) == ()


def test_machine_mail_teaches_nothing() -> None:
    facts = [
        facts_given({"from": f"p@c{n}.example", "subject": "sanctions", "automatic": True})
        for n in range(5)
    ]
    assert suggest([Move(known, "support", "compliance") for known in facts]) == ()


def test_words_with_digits_are_never_proposed() -> None:
    assert suggest([moved(number, "order 4711 4712") for number in range(4)])[0].condition.endswith(
        "order"
    )


def test_each_move_explains_one_proposal_only() -> None:
    moves = [moved(n, "sanctions") for n in range(4)]
    moves += [Move(mail(10 + n, "payroll"), "support", "success") for n in range(3)]
    found = suggest(moves, STAYED)
    assert [(one.to_team, one.moves) for one in found] == [("compliance", 4), ("success", 3)]
