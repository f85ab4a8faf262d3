"""Visible text: what a sender wrote, in many languages, and that nothing is lost or slow."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inbox.mail.visible import split_visible, visible_text
from tests.mail.bounce_corpus import visible_tally

MARKED = "\n> the question\n> second line\n"

ATTRIBUTIONS = {
    "en Gmail": "On Tue, 3 Mar 2026 at 09:12, Ada Byte <ada@acme.example> wrote:",
    "en Thunderbird": "On 03/03/2026 09:12, Ada Byte wrote:",
    "de Gmail": "Am Di., 3. März 2026 um 09:12 Uhr schrieb Ada Byte <ada@acme.example>:",
    "de Apple": "Am 03.03.2026 um 09:12 schrieb Ada Byte <ada@acme.example>:",
    "fr": "Le mar. 3 mars 2026 à 09:12, Ada Byte <ada@acme.example> a écrit :",
    "es": "El mar, 3 mar 2026 a las 9:12, Ada Byte (<ada@acme.example>) escribió:",
    "it": "Il giorno mar 3 mar 2026 alle ore 09:12 Ada Byte <ada@acme.example> ha scritto:",
    "nl": "Op di 3 mrt 2026 om 09:12 schreef Ada Byte <ada@acme.example>:",
    "pt": "Em ter., 3 de mar. de 2026 às 09:12, Ada Byte <ada@acme.example> escreveu:",
    "sv": "Den tis 3 mars 2026 kl 09:12 skrev Ada Byte <ada@acme.example>:",
    "da": "Den tirs. 3. mar. 2026 kl. 09.12 skrev Ada Byte <ada@acme.example>:",
    "nb": "tir. 3. mars 2026 kl. 09:12 skrev Ada Byte <ada@acme.example>:",
    "fi": "ti 3. maalisk. 2026 klo 9.12 Ada Byte (ada@acme.example) kirjoitti:",
    "pl": "wt., 3 mar 2026 o 09:12 Ada Byte <ada@acme.example> napisał(a):",
    "cs": "út 3. 3. 2026 v 9:12 odesílatel Ada Byte <ada@acme.example> napsal:",
    "ru": "вт, 3 мар. 2026 г. в 09:12, Ada Byte <ada@acme.example>:",
    "tr": "Ada Byte <ada@acme.example>, 3 Mar 2026 Sal, 09:12 tarihinde şunu yazdı:",
    "zh": "Ada Byte <ada@acme.example> 于2026年3月3日周二 09:12写道：",
    "ja": "2026年3月3日(火) 9:12 Ada Byte <ada@acme.example>:",
    "ko": "2026년 3월 3일 (화) 오전 9:12, Ada Byte <ada@acme.example>님이 작성:",
}


@pytest.mark.parametrize("language", ATTRIBUTIONS)
def test_a_reply_above_a_marked_quote_loses_quote_and_attribution(language: str) -> None:
    text = f"Yes, we can.\n\n{ATTRIBUTIONS[language]}\n{MARKED}"
    assert visible_text(text) == "Yes, we can."


@pytest.mark.parametrize("language", ATTRIBUTIONS)
def test_an_answer_between_and_below_quotes_is_kept(language: str) -> None:
    text = f"Hi,\n{ATTRIBUTIONS[language]}\n> Tax id?\nDE123456789\n> Start?\nIn May.\n"
    found = visible_text(text)
    assert "DE123456789" in found and "In May." in found and "Tax id?" not in found
    assert "acme.example" not in found


@pytest.mark.parametrize("language", ["en Gmail", "de Gmail", "fr", "ja", "ko", "ru", "tr", "zh"])
def test_history_without_marks_below_an_attribution_is_folded(language: str) -> None:
    text = f"Done.\n\n{ATTRIBUTIONS[language]}\n\nthe question\n\nsecond line\n"
    assert visible_text(text) == "Done."


@pytest.mark.parametrize(
    "labels",
    [
        ("From", "Sent", "To", "Subject"),
        ("Von", "Gesendet", "An", "Betreff"),
        ("De", "Envoyé", "À", "Objet"),
        ("De", "Enviado", "Para", "Asunto"),
        ("Da", "Inviato", "A", "Oggetto"),
        ("Van", "Verzonden", "Aan", "Onderwerp"),
        ("De", "Enviada", "Para", "Assunto"),
        ("Från", "Skickat", "Till", "Ämne"),
        ("Fra", "Sendt", "Til", "Emne"),
        ("Lähettäjä", "Lähetetty", "Vastaanottaja", "Aihe"),
        ("Od", "Wysłano", "Do", "Temat"),
        ("Od", "Odesláno", "Komu", "Předmět"),
        ("От", "Отправлено", "Кому", "Тема"),
        ("Kimden", "Gönderildi", "Kime", "Konu"),
        ("发件人", "发送时间", "收件人", "主题"),
        ("差出人", "送信日時", "宛先", "件名"),
        ("보낸 사람", "보낸 날짜", "받는 사람", "제목"),
    ],
)
def test_a_header_block_begins_history(labels: tuple[str, ...]) -> None:
    values = ("Ada <ada@acme.example>", "3 March 2026 09:12", "us@aboard.example", "Start")
    block = "\n".join(f"{label}: {value}" for label, value in zip(labels, values, strict=True))
    for ruler in ("", "________________________________\n"):
        assert visible_text(f"Agreed.\n\n{ruler}{block}\n\nthe question\n") == "Agreed."
    bold = block.replace(f"{labels[0]}:", f"*{labels[0]}:*")
    assert visible_text(f"Agreed.\n\n{bold}\n\nthe question\n") == "Agreed."


@pytest.mark.parametrize(
    "line",
    [
        "-----Original Message-----",
        "-----Ursprüngliche Nachricht-----",
        "-----Message d'origine-----",
        "-----Mensaje original-----",
        "-----Messaggio originale-----",
        "-----Oorspronkelijk bericht-----",
        "-----Исходное сообщение-----",
        "----- 原始邮件 -----",
    ],
)
def test_a_separator_begins_history(line: str) -> None:
    assert visible_text(f"Fine.\n\n{line}\nFrom: Ada\n\nold") == "Fine."


@pytest.mark.parametrize(
    "line",
    [
        "Sent from my iPhone",
        "Get Outlook for Android",
        "Von meinem iPhone gesendet",
        "Envoyé de mon iPad",
        "Enviado desde mi móvil",
        "Inviato da iPhone",
        "Verstuurd vanaf mijn iPhone",
        "Enviado do meu telemóvel",
        "Skickat från min iPhone",
        "Sendt fra min iPhone",
        "Lähetetty iPhonesta",
        "Wysłane z telefonu",
        "Odesláno z iPhonu",
        "Отправлено с iPhone",
        "iPhone'umdan gönderildi",
        "发自我的iPhone",
        "iPhoneから送信",
        "나의 iPhone에서 보냄",
    ],
)
def test_a_phone_signature_is_folded(line: str) -> None:
    assert visible_text(f"On it.\n\n{line}\n") == "On it."
    assert visible_text(f"On it.\n\n{line}\n\n{ATTRIBUTIONS['en Gmail']}\n{MARKED}") == "On it."


def test_a_dashed_signature_is_folded_and_text_like_a_signature_is_not() -> None:
    assert visible_text("Hello\n\n-- \nAda Byte\nAcme\n") == "Hello"
    assert visible_text("It was sent from my desk on Monday, please check it twice.\nThanks") != ""
    kept = "We wrote on Monday: nothing came.\nPlease tell us more.\nFrom: where does it come?"
    assert visible_text(kept) == kept


def test_a_mail_that_is_only_a_forward_or_quote_keeps_its_text() -> None:
    header = "From: Ada <ada@acme.example>\nDate: 3 March 2026\nSubject: Start\nTo: us@a.example"
    forward = f"---------- Forwarded message ---------\n{header}\n\nWe would like to start."
    assert visible_text(forward) == "We would like to start."
    assert visible_text(f"{header}\n\nWe would like to start.") == "We would like to start."
    assert "only this" in visible_text("> only this")


PIECES = st.sampled_from(
    [*ATTRIBUTIONS.values(), "> q", ">> q", "", " ", "own text", "-- ", "Sent from my iPhone",
     "From: a@b.example", "Date: 3 March 2026", "Subject: x", "To: c@d.example", "_____________",
     "-----Original Message-----", "| table | row |", "a:", ":", "\r", "\u2028", "<", "> wrote:"]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=40), st.sampled_from(["\n", "\r\n", "\r"]))
def test_spans_cover_the_text_exactly_and_alternate(pieces: list[str], end: str) -> None:
    text = end.join(pieces)
    spans = split_visible(text)
    assert "".join(text[span.start : span.end] for span in spans) == text
    assert all(a.end == b.start and a.kind != b.kind for a, b in pairwise(spans))


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300))
def test_any_text_is_read_without_an_error(text: str) -> None:
    spans = split_visible(text)
    assert "".join(text[span.start : span.end] for span in spans) == text
    assert len(visible_text(text)) <= len(text)


@pytest.mark.parametrize(
    "unit",
    ["\n", "> a\n", "On ", "On a, b:\n", "wrote:\n", "From: x\n", "From: x\nDate: y\n", "--\n",
     "<", "> wrote:\n", "-", "_____\n", "On 3 May 2026 at 09:12 A <a@b.c> wrote:\n> q\n",
     "a@b.c:\n", "Sent from my x\n", " \n\n", "- - \n", "[", "Sent from " ]
)  # fmt: skip
def test_a_megabyte_of_hostile_lines_costs_little(unit: str) -> None:
    text = "own\n" + unit * (1_000_000 // len(unit))
    begun = time.process_time()
    visible_text(text)
    split_visible(text)
    assert time.process_time() - begun < 4


def test_the_reply_corpus_agrees_in_nine_of_ten() -> None:
    tally = visible_tally()
    assert tally.asked == 39
    assert tally.share >= 92, tally.misses
