"""Automatic mail: kinds, answers that are allowed, and days of return in many languages."""

from __future__ import annotations

import time
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inbox.mail.auto import AutomaticInput, classify_automatic
from inbox.mail.letter import Automatic, AutomaticKind
from inbox.mail.return_dates import return_date
from tests.mail.bounce_corpus import kinds_found, sisimai

SENT = date(2026, 10, 20)


def _classified(
    *headers: tuple[str, str],
    subject: str = "Question about our start",
    text: str = "Hello, when do we start?",
    sender: str = "ada@acme.example",
    path: str | None = "ada@acme.example",
    report: str | None = None,
    calendar: bool = False,
) -> Automatic:
    return classify_automatic(
        AutomaticInput(headers, subject, text, sender, path, report, calendar, SENT)
    )


def test_a_persons_mail_is_not_automatic_and_may_be_answered() -> None:
    found = _classified()
    assert (found.kind, found.may_answer, found.reason) == (AutomaticKind.NONE, True, "")
    assert _classified(("auto-submitted", "no")).may_answer
    assert _classified(("auto-submitted", "No (a person)")).kind is AutomaticKind.NONE


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ((("auto-submitted", "auto-replied"),), AutomaticKind.AUTO_REPLY),
        ((("auto-submitted", "auto-generated; x=y"),), AutomaticKind.BULK),
        (
            (("auto-submitted", "auto-generated"), ("in-reply-to", "<a@b>")),
            AutomaticKind.AUTO_REPLY,
        ),
        ((("x-autoreply", "yes"),), AutomaticKind.AUTO_REPLY),
        ((("x-autorespond", "vacation"),), AutomaticKind.AUTO_REPLY),
        ((("precedence", "auto_reply"),), AutomaticKind.AUTO_REPLY),
        ((("precedence", "bulk"),), AutomaticKind.BULK),
        ((("precedence", "junk"),), AutomaticKind.BULK),
        ((("precedence", "list"),), AutomaticKind.LIST),
        ((("list-id", "<team.acme.example>"),), AutomaticKind.LIST),
        ((("list-unsubscribe", "<mailto:u@acme.example>"),), AutomaticKind.BULK),
        ((("x-failed-recipients", "x@y.example"),), AutomaticKind.BOUNCE),
    ],
)
def test_header_fields_tell_the_kind(
    headers: tuple[tuple[str, str], ...], kind: AutomaticKind
) -> None:
    found = _classified(*headers)
    assert found.kind is kind
    assert not found.may_answer and found.reason


@pytest.mark.parametrize(
    ("report", "kind"),
    [
        ("delivery-status", AutomaticKind.BOUNCE),
        ("feedback-report", AutomaticKind.ABUSE_REPORT),
        ("disposition-notification", AutomaticKind.AUTO_REPLY),
    ],
)
def test_a_report_is_known_by_its_type(report: str, kind: AutomaticKind) -> None:
    assert _classified(report=report).kind is kind


@pytest.mark.parametrize(
    "sender",
    ["noreply@a.example", "no-reply@a.example", "jira.no_reply@a.example", "nepasrepondre@a.fr",
     "owner-list@a.example", "list-request@a.example", "list-bounces@a.example",
     "mailer-daemon@a.example", "postmaster@a.example", "", "do-not-reply@a.example"],
)  # fmt: skip
def test_some_senders_are_never_answered(sender: str) -> None:
    assert not _classified(sender=sender, path=sender or None).may_answer


@pytest.mark.parametrize(
    "subject",
    ["Automatic reply: Start", "Out of office: Start", "Automatische Antwort: Start",
     "Abwesenheitsnotiz: Start", "Réponse automatique : Start", "Respuesta automática: Start",
     "Risposta automatica: Start", "Automatisch antwoord: Start", "Resposta automática: Start",
     "Autosvar: Start", "Odpowiedź automatyczna: Start", "自动回复: Start", "自動返信: Start"],
)  # fmt: skip
def test_a_responders_subject_is_enough(subject: str) -> None:
    found = _classified(subject=subject, text="I am on vacation.")
    assert found.kind is AutomaticKind.OUT_OF_OFFICE


@pytest.mark.parametrize(
    "subject",
    ["Out of office hours support plan", "Question about automatic replies", "Delivery failure",
     "Urlaub und Abwesenheiten im Portal", "Leave types for our tenant", "Returned documents"],
)  # fmt: skip
def test_a_person_who_writes_about_such_things_is_a_person(subject: str) -> None:
    found = _classified(subject=subject, text="I will be back on 3 March. Undeliverable mail?")
    assert (found.kind, found.may_answer) == (AutomaticKind.NONE, True)


def test_a_complaint_of_a_provider_without_report_fields_is_an_abuse_report() -> None:
    found = _classified(
        subject="complaint about message from 192.0.2.222", sender="staff@isp.example"
    )
    assert found.kind is AutomaticKind.ABUSE_REPORT


def test_a_bounce_that_was_read_is_a_bounce_whatever_its_header_says() -> None:
    facts = AutomaticInput((), "Mail", "", "a@b.example", None, None, False, SENT, is_bounce=True)
    found = classify_automatic(facts)
    assert (found.kind, found.may_answer) == (AutomaticKind.BOUNCE, False)


def test_an_invitation_is_a_persons_deed_but_not_answered() -> None:
    found = _classified(("auto-submitted", "auto-generated"), calendar=True)
    assert (found.kind, found.may_answer) == (AutomaticKind.NONE, False)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("I am out of the office until 12 March.", date(2027, 3, 12)),
        ("I will be back on November 3rd.", date(2026, 11, 3)),
        ("Away from 21 October to 2 November, back on 3 November 2026.", date(2026, 11, 3)),
        ("Ich bin bis zum 2. November im Urlaub.", date(2026, 11, 2)),
        ("Ich bin vom 20.10. bis 02.11. nicht da. Ab 03.11. bin ich wieder da.", date(2026, 11, 3)),
        ("Je suis absente, de retour le 5 janvier.", date(2027, 1, 5)),
        ("Estaré fuera hasta el 15 de noviembre.", date(2026, 11, 15)),
        ("Sono in ferie fino al 28 ottobre.", date(2026, 10, 28)),
        ("Ik ben weer aanwezig op 9 november.", date(2026, 11, 9)),
        ("Estarei de volta em 4 de novembro de 2026.", date(2026, 11, 4)),
        ("Jag är tillbaka den 6 november.", date(2026, 11, 6)),
        ("Wracam do biura 7 listopada.", date(2026, 11, 7)),
        ("Out until 2026-11-05.", date(2026, 11, 5)),
        ("11月4日まで休暇です。", date(2026, 11, 4)),
        ("I have limited access to mail.", None),
        ("Call 030 12.34 or use version 2.11", None),
        ("Back on 31 February.", None),
    ],
)
def test_the_day_of_return_is_read(text: str, day: date | None) -> None:
    assert return_date(text, SENT) == day
    found = _classified(("auto-submitted", "auto-replied"), subject="Out of office", text=text)
    assert (found.kind, found.return_on) == (AutomaticKind.OUT_OF_OFFICE, day)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200), st.text(max_size=200), st.dates())
def test_any_input_is_classified_without_an_error(subject: str, text: str, day: date) -> None:
    facts = AutomaticInput(
        (("auto-submitted", subject), ("precedence", text)), subject, text, text, text, subject,
        False, day,
    )  # fmt: skip
    classify_automatic(facts)
    return_date(text, day)


@pytest.mark.parametrize("unit", ["until ", "12.3. ", "1", "back ", "out of office ", "absent "])
def test_a_hostile_megabyte_costs_little(unit: str) -> None:
    text = unit * (1_000_000 // len(unit))
    begun = time.process_time()
    _classified(("auto-submitted", "auto-replied"), subject=text, text=text, sender=text)
    assert time.process_time() - begun < 2


def test_no_mail_of_a_person_in_the_corpora_is_taken_for_an_answer_of_a_machine() -> None:
    found = kinds_found()
    assert len(found["none"]) + len(found["list"]) > 1_700
    assert [path for path, _, _ in found["out-of-office"]] == []
    read = [path for path, _, _ in found["auto-reply"]]
    assert read == ["flanker/messages/disposition-notification.eml"]
    assert {path for path, _, _ in found["abuse-report"]} == {
        "flanker/messages/complaints/aol.eml",
        "flanker/messages/complaints/yahoo.eml",
    }


def test_vacation_replies_and_non_bounces_of_the_corpus_are_told_apart() -> None:
    kinds = {path.rpartition("/")[2]: letter.automatic.kind for path, letter, _ in sisimai()}
    answers = {AutomaticKind.OUT_OF_OFFICE, AutomaticKind.AUTO_REPLY}
    assert all(kinds[f"rfc3834-0{number}.eml"] in answers for number in (1, 2, 3))
    assert all(kinds[f"is-not-bounce-0{n}.eml"] is AutomaticKind.NONE for n in (1, 2))
