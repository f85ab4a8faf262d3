"""What automatic replies, absence notes and bounces say, in many languages: patterns only."""

from __future__ import annotations

import re

_PREFIX = r"\s*(?:(?:re|aw|sv|antw|odp|vs|rv|fw|fwd|wg|tr)\s*:\s*)?[\[(<*]*\s*"

AUTO_SUBJECT = re.compile(
    _PREFIX + r"(?:"
    r"auto(?:matic|mated)?[ -]?(?:reply|response|answer|responder)\b|autoreply\b|"
    r"automatische (?:antwort|e-?mail-antwort|empfangsbestätigung)|automatisch(?:e|er)? (?:antwoord|beantwoording)|"
    r"(?:réponse|reponse) automatique|(?:respuesta|resposta) autom[aá]tica|risposta automatica|"
    r"(?:automatiskt|automatisk) svar|autosvar|automaattinen vastaus|odpowiedź automatyczna|"
    r"automatyczna odpowiedź|automatická odpověď|автоматический ответ|автоответ|otomatik (?:yanıt|cevap)|"
    r"自动(?:回复|答复)|自動(?:回覆|回信|返信|応答)|자동 ?(?:회신|응답|답장)"
    r")",
    re.IGNORECASE,
)
"""A subject that only a responder writes; matched at its start."""

OUT_OF_OFFICE_SUBJECT = re.compile(
    _PREFIX + r"(?:"
    r"(?:i am |i'm |currently )?out[ -]of[ -](?:the[ -])?office(?: auto-?(?:matic )?(?:reply|response)| reply| message| notification| notice)?\s*(?:$|[:\-–(\]>]|re\b|aw\b)|"
    r"(?:away|absence|vacation)(?: from (?:the )?office| message| notification| notice| reply)\b|on vacation\b|on (?:annual |parental )?leave\b|ooo\s*[:\-]|"
    r"abwesenheit(?:snotiz|sbenachrichtigung|snachricht|smeldung|sassistent|\b)|(?:ich bin )?(?:nicht im büro|außer haus)|"
    r"absence(?: du bureau)?\s*(?::|$)|absen(?:t|te) du bureau|message d['’]absence|en congés?\b|"
    r"fuera de (?:la )?oficina|ausencia\b|fuori (?:sede|ufficio)|assenza\b|assente dall'ufficio|"
    r"afwezig(?:heid\w*)?\b|niet op kantoor|fora do escritório|ausência\b|ausente\b|"
    r"frånvaro\w*|ej på kontoret|fravær\w*|ikke på kontoret|poissaolo\w*|poissa\b|nieobecno\w+|poza biurem|"
    r"nepřítomno\w+|mimo kancelář|нет на месте|отсутств\w+|ofis dışında\w*|外出|不在通知|休暇|부재중"
    r")",
    re.IGNORECASE,
)

ABSENCE_TEXT = re.compile(
    r"out of (?:the )?office|away from (?:the |my )?(?:office|desk|email|e-mail)|"
    r"on (?:annual |parental |maternity |paternity |sick |medical )?(?:leave|vacation|holidays?)\b|"
    r"(?:will|i'll|shall) (?:be )?(?:back|return)\b|limited access to (?:my )?(?:e-?mail|internet)|"
    r"no access to (?:my )?(?:e-?mail|internet)|currently (?:away|unavailable|travell?ing)|"
    r"nicht im (?:büro|haus|hause|office)|außer haus|abwesend|im urlaub|in elternzeit|wieder (?:im büro|erreichbar|da|zurück)|"
    r"absent(?:e)?s?\b.{0,30}(?:bureau|jusqu|du|le|au)|en (?:congés?|vacances|déplacement)|de retour|"
    r"fuera de (?:la )?oficina|de vacaciones|ausente|estaré (?:de vuelta|fuera)|regres(?:o|aré)|"
    r"fuori (?:sede|ufficio)|in ferie|assente|rientr(?:o|erò)|"
    r"niet (?:op|aanwezig).{0,12}kantoor|afwezig|met (?:vakantie|verlof)|op vakantie|weer (?:terug|aanwezig|bereikbaar)|"
    r"fora do escritório|de férias|estarei (?:ausente|de volta)|regresso|retorno|"
    r"inte på (?:kontoret|plats)|på semester|föräldraledig|tillbaka|ikke på kontoret|på (?:ferie|permisjon)|"
    r"poissa|lomalla|palaan|poza biurem|na urlopie|nieobecn|wracam|wrócę|"
    r"mimo kancelář|na dovolené|nepřítom|в отпуске|отсутств|вернусь|izindeyim|izinde|ofis dışında|"
    r"不在|休暇|外出|休假|出差|부재|휴가",
    re.IGNORECASE,
)
"""Phrases of an absence; asked only of mail already known to be automatic."""

BOUNCE_SUBJECT = re.compile(
    r"undeliver|non[- ]?deliver|not delivered|delivery (?:status|has failed|failure|failed|problem|"
    r"report|error|notification|delayed|unsuccessful|system)|failure not|failed? (?:delivery|mail|message|to deliver)|"
    r"(?:mail|message|delivery|email).{0,20}(?:failure|failed|fails|returned|bounced|delayed|rejected|error|undelivered|refused)|"
    r"return(?:ed|ing) (?:mail|message|to sender|e-?mail)|could not be (?:sent|delivered)|bounce|"
    r"couldn't be delivered|cannot be (?:sent|delivered)|user unknown|unknown user|mail system error|warning: (?:could not|message)|"
    r"unzustellbar|nicht zugestellt|zustellung|non remis|échec|no entregad|no se (?:pudo|puede) entregar|"
    r"non recapitat|mancat[oa] (?:consegna|recapito)|onbestelbaar|niet bezorgd|não entregue|falha na entrega|"
    r"olevererbar|kunde inte levereras|kan ikke leveres|niedostarcz|nie (?:można|udało).{0,20}dostarcz|nedoručiteln|"
    r"не доставлен|недоставлен|配信不能|配信エラー|配信できません|送信エラー|退信|无法投递|投递失败|배달 ?(?:실패|되지)|エラー通知|smtp server: errors|mail error|notice of failure",
    re.IGNORECASE,
)
