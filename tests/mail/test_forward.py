"""Inline forwards of four mail programs in many languages, decided by structure."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inbox.mail.forward import forwarded_original

SENDER = "Ada Byte <ada@acme.example>"

GMAIL = [
    ("---------- Forwarded message ---------", "From", "Date", "Subject", "To"),
    ("---------- Forwarded message ---------", "Von", "Date", "Subject", "To"),
    ("---------- Weitergeleitete Nachricht ---------", "Von", "Datum", "Betreff", "An"),
    ("---------- Message transféré ---------", "De", "Date", "Objet", "À"),
    ("---------- Mensaje reenviado ---------", "De", "Fecha", "Asunto", "Para"),
    ("---------- Messaggio inoltrato ---------", "Da", "Data", "Oggetto", "A"),
    ("---------- Doorgestuurd bericht ---------", "Van", "Datum", "Onderwerp", "Aan"),
    ("---------- Mensagem encaminhada ---------", "De", "Data", "Assunto", "Para"),
    ("---------- Vidarebefordrat meddelande ---------", "Från", "Datum", "Ämne", "Till"),
    ("---------- Wiadomość przekazana ---------", "Od", "Data", "Temat", "Do"),
    ("---------- Пересланное сообщение ---------", "От", "Дата", "Тема", "Кому"),
    ("-------- Weitergeleitete Nachricht --------", "Von", "Datum", "Betreff", "An"),
    ("-------- Message transféré --------", "De", "Date", "Sujet", "Pour"),
]
APPLE = [
    ("Begin forwarded message:", "From", "Date", "Subject", "To"),
    ("Anfang der weitergeleiteten Nachricht:", "Von", "Datum", "Betreff", "An"),
    ("Début du message transféré :", "De", "Date", "Objet", "À"),
    ("Inicio del mensaje reenviado:", "De", "Fecha", "Asunto", "Para"),
    ("Inizio messaggio inoltrato:", "Da", "Data", "Oggetto", "A"),
    ("Begin doorgestuurd bericht:", "Van", "Datum", "Onderwerp", "Aan"),
    ("Início da mensagem encaminhada:", "De", "Data", "Assunto", "Para"),
    ("Start på videresendt besked:", "Fra", "Dato", "Emne", "Til"),
]


def _block(labels: tuple[str, ...], date: str = "3 March 2026 09:12 +0100") -> list[str]:
    values = (SENDER, date, "Start in May", "us@aboard.example")
    return [f"{label}: {value}" for label, value in zip(labels, values, strict=True)]


@pytest.mark.parametrize("style", GMAIL)
@pytest.mark.parametrize("note", ["", "Please take over.\n\n"])
def test_a_marked_forward_gives_the_original(style: tuple[str, ...], note: str) -> None:
    lines = [style[0], *_block(style[1:]), "", "We would like to start.", "Ada"]
    found = forwarded_original(note + "\n".join(lines))
    assert found is not None and found.sender is not None
    assert (found.sender.name, found.sender.address) == ("Ada Byte", "ada@acme.example")
    assert found.subject == "Start in May"
    assert found.sent_at == datetime(2026, 3, 3, 8, 12, tzinfo=UTC)
    assert found.text == "We would like to start.\nAda"
    assert found.how == "inline"


@pytest.mark.parametrize("style", APPLE)
@pytest.mark.parametrize("mark", ["", "> "])
def test_an_apple_forward_is_read_with_and_without_marks(style: tuple[str, ...], mark: str) -> None:
    lines = [style[0], "", *_block(style[1:]), "", "We would like to start."]
    found = forwarded_original("For you.\n\n" + "\n".join(f"{mark}{line}" for line in lines))
    assert found is not None and found.sender is not None
    assert found.sender.address == "ada@acme.example"
    assert found.text == "We would like to start."


@pytest.mark.parametrize(
    "labels",
    [
        ("From", "Sent", "Subject", "To"),
        ("Von", "Gesendet", "Betreff", "An"),
        ("De", "Envoyé", "Objet", "À"),
        ("De", "Enviado", "Asunto", "Para"),
        ("Da", "Inviato", "Oggetto", "A"),
        ("Van", "Verzonden", "Onderwerp", "Aan"),
        ("De", "Enviada", "Assunto", "Para"),
        ("Från", "Skickat", "Ämne", "Till"),
    ],
)
def test_an_outlook_block_is_a_forward_at_the_top_or_when_the_subject_says_so(
    labels: tuple[str, ...],
) -> None:
    block = "\n".join([*_block(labels), "", "We would like to start."])
    assert forwarded_original(block) is not None
    assert forwarded_original(f"FYI\n\n{block}", subject="WG: Start in May") is not None
    assert forwarded_original(f"We agree.\n\n{block}", subject="RE: Start in May") is None


def test_a_subject_or_marker_alone_is_no_forward() -> None:
    assert forwarded_original("Please call me.", subject="Fwd: Start") is None
    assert forwarded_original("---------- Forwarded message ---------\n\nnothing more") is None


@pytest.mark.parametrize("date", ["Tue, Mar 3, 2026 at 9:12 AM", "yesterday", "3 March 2026", ""])
def test_a_date_without_a_zone_is_not_guessed(date: str) -> None:
    lines = [GMAIL[0][0], *_block(GMAIL[0][1:], date), "", "text"]
    found = forwarded_original("\n".join(lines))
    assert found is not None and found.sent_at is None


PIECES = st.sampled_from(
    [GMAIL[0][0], APPLE[0][0], *_block(GMAIL[0][1:]), "", "text", "> From: x", "From:", "Date: z"]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=25) | st.lists(st.text(max_size=40), max_size=10))
def test_any_text_is_read_without_an_error(lines: list[str]) -> None:
    forwarded_original("\n".join(lines), subject="Fwd: x")


@pytest.mark.parametrize("unit", ["From: x\n", "\n", GMAIL[0][0] + "\n", "> ", "Date: 1\nfoo\n"])
def test_a_hostile_megabyte_costs_little(unit: str) -> None:
    begun = time.process_time()
    forwarded_original(unit * (1_000_000 // len(unit)), subject="Fwd: x")
    assert time.process_time() - begun < 4
