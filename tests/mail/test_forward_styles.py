"""Every forward of four mail programs in nine languages is read, as they write it."""

from __future__ import annotations

import pytest

from inbox.mail.forward import forwarded_original

SENDER = "Ada Byte <ada@acme.example>"
DATE = "3 March 2026 09:12 +0100"
TITLE = "Start in May"
US = "Ines Duarte <ines@aboard.example>"

GMAIL = {
    language: (f"---------- {marker} ---------", label)
    for language, marker, label in (
        ("en", "Forwarded message", "From"),
        ("de", "Forwarded message", "Von"),
        ("fr", "Forwarded message", "De "),
        ("es", "Forwarded message", "De"),
        ("it", "Forwarded message", "Da"),
        ("nl", "Forwarded message", "Van"),
        ("pt", "Forwarded message", "De"),
        ("pl", "Forwarded message", "Od"),
        ("sv", "Forwarded message", "Från"),
    )
}
APPLE = {
    "en": ("Begin forwarded message:", "From", "Subject", "Date", "To"),
    "de": ("Anfang der weitergeleiteten Nachricht:", "Von", "Betreff", "Datum", "An"),
    "fr": ("Début du message réexpédié :", "De", "Objet", "Date", "À"),
    "es": ("Inicio del mensaje reenviado:", "De", "Asunto", "Fecha", "Para"),
    "it": ("Inizio messaggio inoltrato:", "Da", "Oggetto", "Data", "A"),
    "nl": ("Begin doorgestuurd bericht:", "Van", "Onderwerp", "Datum", "Aan"),
    "pt": ("Início da mensagem reencaminhada:", "De", "Assunto", "Data", "Para"),
    "pl": ("Początek przekazywanej wiadomości:", "Od", "Temat", "Data", "Do"),
    "sv": ("Vidarebefordrat brev:", "Från", "Ämne", "Datum", "Till"),
}
THUNDERBIRD = {
    "en": ("Forwarded Message", "Subject", "Date", "From", "To"),
    "de": ("Weitergeleitete Nachricht", "Betreff", "Datum", "Von", "An"),
    "fr": ("Message transféré", "Sujet ", "Date ", "De ", "Pour "),
    "es": ("Mensaje reenviado", "Asunto", "Fecha", "De", "Para"),
    "it": ("Messaggio Inoltrato", "Oggetto", "Data", "Mittente", "A"),
    "nl": ("Doorgestuurd bericht", "Onderwerp", "Datum", "Van", "Aan"),
    "pt": ("Mensagem reencaminhada", "Assunto", "Data", "De", "Para"),
    "pl": ("Treść przekazanej wiadomości", "Temat", "Data", "Nadawca", "Adresat"),
    "sv": ("Vidarebefordrat meddelande", "Ämne", "Datum", "Från", "Till"),
}
OUTLOOK = {
    "en": ("FW", "Original Message", "From", "Sent", "To", "Subject"),
    "de": ("WG", "Ursprüngliche Nachricht", "Von", "Gesendet", "An", "Betreff"),
    "fr": ("TR", "Message d'origine", "De ", "Envoyé ", "À ", "Objet "),
    "es": ("RV", "Mensaje original", "De", "Enviado el", "Para", "Asunto"),
    "it": ("I", "Messaggio originale", "Da", "Inviato", "A", "Oggetto"),
    "nl": ("FW", "Oorspronkelijk bericht", "Van", "Verzonden", "Aan", "Onderwerp"),
    "pt": ("ENC", "Mensagem original", "De", "Enviada em", "Para", "Assunto"),
    "pl": ("PD", "Wiadomość oryginalna", "Od", "Wysłano", "Do", "Temat"),
    "sv": ("VB", "Ursprungligt meddelande", "Från", "Skickat", "Till", "Ämne"),
}
LANGUAGES = sorted(GMAIL)
BODY = ["", "We would like to start.", "", "Ada"]


def gmail(language: str) -> tuple[str, list[str]]:
    marker, sender = GMAIL[language]
    head = [f"{sender}: {SENDER}", f"Date: {DATE}", f"Subject: {TITLE}", f"To: {US}", ""]
    return f"Fwd: {TITLE}", [marker, *head]


def apple(language: str) -> tuple[str, list[str]]:
    marker, sender, subject, date, to = APPLE[language]
    head = [f"{sender}: {SENDER}", f"{subject}: {TITLE}", f"{date}: {DATE}", f"{to}: {US}"]
    return f"Fwd: {TITLE}", [f"> {marker}", ">", *(f"> {line}" for line in head), "> "]


def thunderbird(language: str) -> tuple[str, list[str]]:
    marker, subject, date, sender, to = THUNDERBIRD[language]
    head = [f"{subject}: \t{TITLE}", f"{date}: \t{DATE}", f"{sender}: \t{SENDER}", f"{to}: \t{US}"]
    return f"Fwd: {TITLE}", [f"-------- {marker} --------", *head, ""]


def outlook(language: str) -> tuple[str, list[str]]:
    prefix, _, sender, sent, to, subject = OUTLOOK[language]
    head = [f"{sender}: {SENDER}", f"{sent}: {DATE}", f"{to}: {US}", f"{subject}: {TITLE}"]
    return f"{prefix}: {TITLE}", ["________________________________", *head]


def outlook_plain(language: str) -> tuple[str, list[str]]:
    subject, head = outlook(language)
    return subject, [f"-----{OUTLOOK[language][1]}-----", *head[1:]]


STYLES = {
    "gmail": gmail,
    "apple": apple,
    "thunderbird": thunderbird,
    "outlook": outlook,
    "outlook-plain": outlook_plain,
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("style", list(STYLES))
@pytest.mark.parametrize("note", ["", "Please take over.\n\nInes\n\n"])
def test_a_forward_is_read(style: str, language: str, note: str) -> None:
    subject, head = STYLES[style](language)
    body = BODY if style != "apple" else [f"> {line}" for line in BODY]
    found = forwarded_original(note + "\n".join([*head, *body]), subject=subject)
    assert found is not None and found.sender is not None
    assert (found.sender.name, found.sender.address) == ("Ada Byte", "ada@acme.example")
    assert found.subject == TITLE
    assert found.sent_at is not None
    assert found.text == "We would like to start.\n\nAda"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_reply_over_the_same_block_is_no_forward(language: str) -> None:
    _, head = outlook(language)
    text = "\n".join(["Yes, we agree.", "", *head, *BODY])
    assert forwarded_original(text, subject=f"RE: {TITLE}") is None
