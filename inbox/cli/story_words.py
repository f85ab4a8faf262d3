"""How four languages write days and quote mail, and the `[[marks]]` that stand for days in a text.

`[[day 12]]` is the day 12 working days before the start, `[[day +4]]` the one 4 after it;
`[[weekday 12]]` its name, `[[iso 12]]` 2026-03-12, and `[[stamp +3 13:00]]` an instant as
iCalendar writes it (UTC).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime

LANGUAGES = ("en", "de", "fr", "es")
_MARK = re.compile(r"\[\[(day|weekday|iso|stamp) (\+?)(\d{1,3})(?: (\d\d):(\d\d))?\]\]")
_ANY_MARK = re.compile(r"\[\[[^\]]*\]\]")

_MONTHS = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre"
    " diciembre",
}
_DAYS = {
    "en": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
    "de": "Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag",
    "fr": "lundi mardi mercredi jeudi vendredi samedi dimanche",
    "es": "lunes martes miércoles jueves viernes sábado domingo",
}
LABELS = {
    "en": ("From", "Sent", "To", "Subject"),
    "de": ("Von", "Gesendet", "An", "Betreff"),
    "fr": ("De", "Envoyé", "À", "Objet"),
    "es": ("De", "Enviado", "Para", "Asunto"),
}
"""What Outlook writes over the mail that it quotes."""
REPLY_PREFIX = {"en": "Re: ", "de": "AW: ", "fr": "RE: ", "es": "RE: "}
PHONE = {
    "en": "Sent from my iPhone",
    "de": "Von meinem iPhone gesendet",
    "fr": "Envoyé de mon iPhone",
    "es": "Enviado desde mi iPhone",
}


def wrong_marks(text: str) -> list[str]:
    """The `[[...]]` of a text that mean nothing."""
    return [mark for mark in _ANY_MARK.findall(text) if not _MARK.fullmatch(mark)]


def fill(text: str, language: str, day_back: Callable[[int], date]) -> str:
    """A text with its marks replaced; `day_back(12)` is the day 12 working days ago."""

    def told(mark: re.Match[str]) -> str:
        day = day_back(-int(mark[3]) if mark[2] else int(mark[3]))
        if mark[1] == "weekday":
            return weekday(day, language)
        if mark[1] == "iso":
            return day.isoformat()
        if mark[1] == "stamp":
            return f"{day:%Y%m%d}T{mark[4] or '00'}{mark[5] or '00'}00Z"
        return spoken(day, language)

    return _MARK.sub(told, text)


def month(day: date, language: str) -> str:
    """The month's name."""
    return _MONTHS[language].split()[day.month - 1]


def weekday(day: date, language: str) -> str:
    """The day's name."""
    return _DAYS[language].split()[day.weekday()]


def spoken(day: date, language: str) -> str:
    """A day as people write it, without its year: 12 March, 12. März, 12 mars, 12 de marzo."""
    between = {"en": " ", "de": ". ", "fr": " ", "es": " de "}[language]
    number = "1er" if language == "fr" and day.day == 1 else str(day.day)
    return f"{number}{between}{month(day, language)}"


def gmail_attribution(at: datetime, who: str, language: str) -> str:
    """The line that Gmail writes over a quote; `who` is `Name <address>`."""
    clock = f"{at:%H:%M}"
    short_day = weekday(at, language)[:3]
    if language == "de":
        told = f"{short_day[:2]}., {at.day}. {month(at, 'de')} {at.year}"
        return f"Am {told} um {clock} Uhr schrieb {who}:"
    if language == "fr":
        return f"Le {short_day}. {at.day} {month(at, 'fr')} {at.year} à {clock}, {who} a écrit :"
    if language == "es":
        name, _, address = who.rpartition(" ")
        told = f"{short_day}, {at.day} {month(at, 'es')[:3]} {at.year}"
        return f"El {told} a las {clock}, {name} ({address}) escribió:"
    told = f"{short_day}, {month(at, 'en')[:3]} {at.day}, {at.year}"
    return f"On {told} at {_twelve(at)} {who} wrote:"


def apple_attribution(at: datetime, who: str, language: str) -> str:
    """The line that Apple's programs write over a quote."""
    clock = f"{at:%H:%M}"
    if language == "de":
        return f"Am {at:%d.%m.%Y} um {clock} schrieb {who}:"
    if language == "fr":
        return f"Le {at.day} {month(at, 'fr')} {at.year} à {clock}, {who} a écrit :"
    if language == "es":
        return f"El {at.day} {month(at, 'es')[:3]} {at.year}, a las {clock}, {who} escribió:"
    return f"On {at.day} {month(at, 'en')[:3]} {at.year}, at {clock}, {who} wrote:"


def outlook_sent(at: datetime, language: str) -> str:
    """The day and time in Outlook's header block."""
    name, number, year = weekday(at, language), at.day, at.year
    if language == "de":
        return f"{name}, {number}. {month(at, 'de')} {year} {at:%H:%M}"
    if language == "fr":
        return f"{name} {number} {month(at, 'fr')} {year} {at:%H:%M}"
    if language == "es":
        return f"{name}, {number} de {month(at, 'es')} de {year} {at:%H:%M}"
    return f"{name}, {month(at, 'en')} {number}, {year} {_twelve(at)}"


def gmail_forward_date(at: datetime) -> str:
    """The Date line of a mail that Gmail forwards (English)."""
    return f"{weekday(at, 'en')[:3]}, {month(at, 'en')[:3]} {at.day}, {at.year} at {_twelve(at)}"


def _twelve(at: datetime) -> str:
    return f"{at.hour % 12 or 12}:{at.minute:02d} {'AM' if at.hour < 12 else 'PM'}"
