"""Reads the day of return out of an absence note, and spoken dates in general. No time zones.

Day names and relative words such as `next Monday` are not dates here: only what states a day and
a month counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta

_MONTHS: dict[str, int] = {
    name: number
    for number, names in enumerate(
        (
            "january januar jänner janvier enero gennaio januari janeiro tammikuu tammikuuta stycznia styczeń ledna leden января ocak jan janv ene gen sty янв",
            "february februar février fevrier febrero febbraio februari fevereiro helmikuu helmikuuta lutego luty února únor февраля şubat feb févr fév fev lut фев",
            "march märz maerz mars marzo maart março marco maaliskuu maaliskuuta marca marzec března březen марта mart mar mär mrt mrz мар",
            "april avril abril aprile huhtikuu huhtikuuta kwietnia kwiecień dubna duben апреля nisan apr avr abr kwi апр",
            "may mai mayo maggio mei maio maj toukokuu toukokuuta maja května květen мая mayıs mag май",
            "june juni juin junio giugno junho kesäkuu kesäkuuta czerwca czerwiec června červen июня haziran jun giu cze июн",
            "july juli juillet julio luglio julho heinäkuu heinäkuuta lipca lipiec července červenec июля temmuz jul juil lug lip июл",
            "august août aout agosto augustus augusti elokuu elokuuta sierpnia sierpień srpna srpen августа ağustos aug ago sie авг",
            "september septembre septiembre settembre setembro syyskuu syyskuuta września wrzesień září сентября eylül sep sept set wrz сен",
            "october oktober octobre octubre ottobre outubro lokakuu lokakuuta października październik října říjen октября ekim oct okt ott out paź окт",
            "november novembre noviembre novembro marraskuu marraskuuta listopada listopad ноября kasım nov lis ноя",
            "december dezember décembre decembre diciembre dicembre dezembro joulukuu joulukuuta grudnia grudzień prosince prosinec декабря aralık dec dez déc dic gru дек",
        ),
        start=1,
    )
    for name in names.split()
}
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_DATE = re.compile(
    rf"(?P<iso>\b(?P<iy>20\d\d)-(?P<im>\d\d?)-(?P<id>\d\d?)\b)|"
    rf"(?P<cjk>(?:(?P<cy>20\d\d)\s?[年년]\s?)?(?P<cm>\d\d?)\s?[月월]\s?(?P<cd>\d\d?)\s?[日일])|"
    rf"\b(?P<d1>\d\d?)(?:st|nd|rd|th|er|º|ª|°|\.)?\s*(?:of |de |di )?(?P<m1>{_MONTH})\b\.?,?(?:\s*(?:de |del )?(?P<y1>20\d\d)\b)?|"
    rf"\b(?P<m2>{_MONTH})\.? (?P<d2>\d\d?)(?:st|nd|rd|th)?\b(?:,? ?(?P<y2>20\d\d)\b)?|"
    r"(?<![\d.:/])(?P<n1>\d\d?)(?P<sep>[./-])(?P<n2>\d\d?)(?:(?P=sep)(?P<y3>(?:20)?\d\d)?(?!\d))?(?![\d:%€$])",
    re.IGNORECASE,
)
_BACK = re.compile(
    r"\b(?:back|return(?:ing)?|again|available (?:again )?(?:from|on|as of)|from|as of|"
    r"zurück|wieder|ab(?: dem)?|de retour|retour|à partir du|reprend\w*|"
    r"regres\w*|vuelta|volver\w*|a partir del?|reincorpor\w*|rientr\w*|torner\w*|dal|a partire dal|"
    r"terug|weer|vanaf|volta|retorn\w*|tillbaka|åter|från(?: och med)?|tilbake|tilbage|"
    r"wrac\w*|wróc\w*|powr\w*|od|palaan|takaisin|zpět|vrát\w*|верну\w*)\b|から|回来|返回|복귀",
    re.IGNORECASE,
)
_UNTIL = re.compile(
    r"\b(?:until|till|thru|through|to|bis(?: zum| einschließlich| inkl\.?)?|jusqu\w*|au|hasta|al|fino|"
    r"tot(?: en met)?|t/m|até|ao|till(?: och med)?|t\.?o\.?m\.?|til(?: og med)?|do|asti|saakka|"
    r"až|по|до)\b|まで|至|到|까지|[-–—]",
    re.IGNORECASE,
)
_UNTIL_BEHIND = re.compile(r"\s?(?:まで|까지|为止|為止|之前|前)")
_BACK_BEHIND = re.compile(r"\s?(?:から|より|부터|에 복귀|回|返|に戻)")
_BEHIND = 8
_SCAN = 2_000
_NEAR = 45
_MONTH_FIRST_ZONE = re.compile(r"\b(?:will|until|the|return|office|back)\b", re.IGNORECASE)


def return_date(text: str, sent_on: date | None) -> date | None:
    """The day a person says to be back, or None where none is stated or it cannot be placed.

    `until 12 March` gives the 12th itself (the day named), as a person would read it off. Days
    without a year are placed by `sent_on`: the next such day, none more than a year ahead.
    """
    text = text[:_SCAN]
    if sent_on is None and not re.search(r"20\d\d", text):
        return None
    until: list[date] = []
    back: list[date] = []
    for found, day in _dates(text, sent_on):
        before = text[max(found.start() - _NEAR, 0) : found.start()].rpartition("\n")[2]
        last_back = _last_end(_BACK, before)
        last_until = _last_end(_UNTIL, before)
        behind = text[found.end() : found.end() + _BEHIND]
        if _BACK_BEHIND.match(behind):
            last_back = len(before) + 1
        elif _UNTIL_BEHIND.match(behind):
            last_until = len(before) + 1
        if last_back > last_until:
            back.append(day)
        elif last_until >= 0:
            until.append(day)
    future = [day for day in back if sent_on is None or day >= sent_on]
    if future and until and len(future) > 1:
        later = [day for day in future if day >= max(until)]
        future = later or until
    if future and until and max(until) > max(future):
        return max(until)
    if future:
        return max(future)
    ending = [day for day in until if sent_on is None or day >= sent_on]
    return max(ending) if ending else None


def _last_end(pattern: re.Pattern[str], text: str) -> int:
    end = -1
    for found in pattern.finditer(text):
        end = found.end()
    return end


def _dates(text: str, sent_on: date | None) -> Iterator[tuple[re.Match[str], date]]:
    month_first = _MONTH_FIRST_ZONE.search(text) is not None
    for found in _DATE.finditer(text):
        day = _placed(found, sent_on, month_first)
        if day is not None:
            yield found, day


def _placed(found: re.Match[str], sent_on: date | None, month_first: bool) -> date | None:
    parts = found.groupdict()
    if parts["iso"]:
        return _day(int(parts["iy"]), int(parts["im"]), int(parts["id"]))
    year: str | None
    if parts["cjk"]:
        year, month, day = parts["cy"], int(parts["cm"]), int(parts["cd"])
    elif parts["d1"]:
        year, month, day = parts["y1"], _MONTHS[parts["m1"].lower()], int(parts["d1"])
    elif parts["m2"]:
        year, month, day = parts["y2"], _MONTHS[parts["m2"].lower()], int(parts["d2"])
    else:
        year, day, month = parts["y3"], int(parts["n1"]), int(parts["n2"])
        if parts["sep"] == "/" and (month > 12 or (month_first and day <= 12 and month > 12)):
            day, month = month, day
        if parts["sep"] == "-" and not year:
            return None
    if year:
        return _day(int(year) + (2000 if len(year) == 2 else 0), month, day)
    return None if sent_on is None else _next(sent_on, month, day)


def _next(sent_on: date, month: int, day: int) -> date | None:
    """That day in the year of sending; in the next one when it is over two months gone."""
    here = _day(sent_on.year, month, day)
    if here is not None and here < sent_on - timedelta(days=60):
        return _day(sent_on.year + 1, month, day)
    return here


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def spoken_dates(text: str) -> Iterator[date]:
    """All complete dates (with a year) that `text` states, in order; at most 2,000 characters."""
    for _, day in _dates(text[:_SCAN], None):
        yield day
