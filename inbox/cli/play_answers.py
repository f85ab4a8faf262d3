"""What the demo's customers say when somebody answers them: by rules, seeded, the same every time.

Pure: a mail that was heard in, an answer out. It knows no wires and no clock.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass

MOST_ANSWERS = 5
"""Of one person on one thread: then they have said what they had to say."""
FIRST, LAST = 5.0, 11.0
"""Seconds until a customer answers."""
SENT, ASKED, DAY, SOLVED, QUESTION, OTHER = (
    *("sent-before", "asked-for-a-file", "a-day", "solved", "a-question", "anything-else"),
)

_ASKS = re.compile(
    r"\b(send|attach|provide|upload|share|need|schicken|senden|benötigen|brauchen|envoyer|joindre"
    r"|enviar|adjuntar|necesit)\w*",
    re.IGNORECASE,
)
_FILE = re.compile(
    r"\b(file|document|form|contract|copy|signed|pdf|w-?9|dpa|avv|export|datei|dokument|vertrag"
    r"|formular|fichier|contrat|documento|archivo|contrato)\w*",
    re.IGNORECASE,
)
_DAY = re.compile(
    r"\b(monday|tuesday|wednesday|thursday|friday|tomorrow|today|o'clock|\d{1,2}:\d\d|montag"
    r"|dienstag|mittwoch|donnerstag|freitag|morgen|heute|lundi|mardi|mercredi|jeudi|vendredi"
    r"|demain|lunes|martes|miércoles|jueves|viernes|mañana)\b",
    re.IGNORECASE,
)
_SOLVED = re.compile(
    r"\b(fixed|solved|done|works? again|behoben|erledigt|gelöst|résolu|corrigé|resuelto|listo)\b",
    re.IGNORECASE,
)

_WORDS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "en": {
        SENT: (
            "You have {file} already, it is in my mail of {day}. Could somebody look there first?",
            "Again? {file} went to you on {day}. It has not changed since.",
        ),
        ASKED: ("Here it is, attached.", "Attached. Tell me if it is not the right one."),
        DAY: ("That works for us. I have told the others.", "Good, it is in my calendar."),
        SOLVED: ("Confirmed, it works here. Thank you!", "I tried it just now: fine. Thanks."),
        QUESTION: (
            "Good question. I asked around: yes, please go ahead.",
            "On our side nothing speaks against it.",
        ),
        OTHER: ("Thank you for the quick answer.", "Thanks, noted. When do we hear more?"),
    },
    "de": {
        SENT: (
            "{file} haben Sie schon, in meiner Mail vom {day}. Könnte dort jemand nachsehen?",
            "Noch einmal? {file} ging am {day} an Sie und hat sich nicht geändert.",
        ),
        ASKED: ("Anbei.", "Anbei, bitte sagen Sie mir, ob es die richtige Fassung ist."),
        DAY: ("Das passt uns. Ich gebe es weiter.", "Gut, steht im Kalender."),
        SOLVED: ("Bestätigt, bei uns läuft es. Danke!", "Gerade getestet: in Ordnung. Danke."),
        QUESTION: ("Ich habe nachgefragt: ja, bitte.", "Von unserer Seite spricht nichts dagegen."),
        OTHER: ("Danke für die schnelle Antwort.", "Danke. Wann hören wir mehr?"),
    },
    "fr": {
        SENT: (
            "Vous avez déjà {file}, dans mon message du {day}. Quelqu'un peut-il regarder ?",
            "Encore ? {file} vous a été envoyé le {day}.",
        ),
        ASKED: ("Le voici, en pièce jointe.", "Ci-joint. Dites-moi si ce n'est pas le bon."),
        DAY: ("Cela nous convient.", "Entendu, c'est noté."),
        SOLVED: ("Confirmé, cela fonctionne. Merci !", "Je viens d'essayer : parfait, merci."),
        QUESTION: ("J'ai demandé autour de moi : oui.", "Rien ne s'y oppose de notre côté."),
        OTHER: ("Merci pour votre réponse rapide.", "Merci. Quand en saurons-nous plus ?"),
    },
    "es": {
        SENT: (
            "Ya tienen {file}, en mi correo del {day}. ¿Puede alguien mirarlo?",
            "¿Otra vez? {file} se envió el {day}.",
        ),
        ASKED: ("Aquí está, adjunto.", "Adjunto. Dígame si no es el correcto."),
        DAY: ("Nos va bien.", "Perfecto, queda anotado."),
        SOLVED: ("Confirmado, funciona. ¡Gracias!", "Lo acabo de probar: bien, gracias."),
        QUESTION: ("He preguntado: sí, adelante.", "Por nuestra parte no hay inconveniente."),
        OTHER: ("Gracias por la rápida respuesta.", "Gracias. ¿Cuándo sabremos más?"),
    },
}


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer of ours as a customer gets it."""

    address: str
    """The customer's."""
    language: str
    text: str
    """Without what it quotes."""
    answered: int
    """How often they have answered on this thread already."""
    sent: Mapping[str, str]
    """Files that they have sent before -> the day, in their words."""


@dataclass(frozen=True, slots=True)
class Says:
    """What they answer."""

    kind: str
    text: str
    after_seconds: float
    files: tuple[str, ...] = ()


def answer(heard: Heard, seed: int) -> Says | None:
    """What a customer says to this; None where they have nothing more to say."""
    if heard.answered >= MOST_ANSWERS or not heard.text.strip():
        return None
    dice = random.Random(f"{seed} {heard.address} {heard.answered}")
    kind, file = _kind(heard)
    lines = _WORDS.get(heard.language, _WORDS["en"])[kind]
    text = dice.choice(lines).format(file=file, day=heard.sent.get(file, ""))
    after = round(dice.uniform(FIRST, LAST), 1)
    return Says(kind, text, after, (_NEW_FILE,) if kind == ASKED else ())


_NEW_FILE = "document.pdf"


def _kind(heard: Heard) -> tuple[str, str]:
    """(what they hear in it, the file that they have sent before)."""
    text = heard.text
    if _ASKS.search(text):
        words = set(re.findall(r"[a-z0-9]{2,}", text.lower().replace("-", "")))
        for name in sorted(heard.sent):
            stem = name.rpartition(".")[0].lower()
            if words & set(re.findall(r"[a-z0-9]{2,}", stem)) - _COMMON:
                return SENT, name
        if _FILE.search(text):
            return ASKED, ""
    if _SOLVED.search(text):
        return SOLVED, ""
    if _DAY.search(text):
        return DAY, ""
    return (QUESTION if "?" in text else OTHER), ""


_COMMON = frozenset({"pdf", "the", "and", "for", "test", "missing", "documents", "png", "csv"})
