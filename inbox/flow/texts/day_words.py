"""Days and times as mail says them, in the languages that templates come in."""

from __future__ import annotations

from datetime import datetime

_DAYS = {
    "en": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
    "de": "Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag",
    "fr": "lundi mardi mercredi jeudi vendredi samedi dimanche",
    "es": "lunes martes miércoles jueves viernes sábado domingo",
}
_MONTHS = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre"
    " diciembre",
}
_FORMS = {
    "en": "{day}, {number} {month}",
    "de": "{day}, {number}. {month}",
    "fr": "{day} {number} {month}",
    "es": "{day}, {number} de {month}",
}


def day_in_words(local: datetime, language: str) -> str:
    """`Monday, 2 March`; the date as 2026-03-02 in a language that is not here."""
    if language not in _FORMS:
        return f"{local:%Y-%m-%d}"
    day = _DAYS[language].split()[local.weekday()]
    month = _MONTHS[language].split()[local.month - 1]
    return _FORMS[language].format(day=day, number=local.day, month=month)
