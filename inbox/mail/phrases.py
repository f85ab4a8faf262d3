"""What mail programs of many languages write around a quote: word tables only, no logic.

Facts about mail programs, one line per language where it helps reading. All in lower case.
"""

from __future__ import annotations

import re

HEADER_LABELS: dict[str, str] = {
    label: kind
    for kind, labels in {
        "from": (
            "from|von|de|da|van|från|fra|lähettäjä|od|nadawca|odesílatel|от|от кого|від|gönderen|"
            "kimden|发件人|寄件者|寄件人|發件人|差出人|送信者|보낸 사람|보낸사람|expéditeur|remitente|"
            "mittente|afzender|absender|avsändare|avsender|afsender|feladó|von meinem|из|sender"
        ),
        "date": (
            "date|sent|gesendet|gesendet am|datum|envoyé|envoyé le|fecha|enviado|enviado el|"
            "enviada|enviada em|enviado em|enviada el|data|data invio|inviato|verzonden|skickat|"
            "sendt|dato|lähetetty|päivämäärä|päiväys|pvm|wysłano|wysłane|odesláno|отправлено|дата|"
            "дата отправки|gönderildi|gönderilme tarihi|tarih|发送时间|日期|時間|时间|發送時間|寄件日期|"
            "傳送時間|发送日期|送信日時|送信日|日時|日付|보낸 날짜|보낸날짜|날짜|보낸 시간|elküldve|"
            "надіслано|date d'envoi|date sent|sent at|sent on"
        ),
        "to": (
            "to|pour|an|à|a|para|aan|till|til|vastaanottaja|do|adresat|komu|кому|kime|alıcı|收件人|"
            "收件者|宛先|받는 사람|받는사람|destinataire|destinatario|destinatário|empfänger|címzett|pro"
        ),
        "cc": (
            "cc|bcc|kopie|kopie (cc)|kopia|kopio|copie|copie à|copia|cópia|копия|kopi|bilgi|抄送|"
            "副本|参照|참조|dw|kópia"
        ),
        "subject": (
            "subject|betreff|objet|asunto|oggetto|onderwerp|assunto|ämne|emne|aihe|temat|předmět|"
            "тема|konu|主题|主題|主旨|件名|제목|tárgy|sujet|betr"
        ),
        "reply-to": (
            "reply-to|reply to|antwort an|antworten an|répondre à|responder a|rispondi a|"
            "antwoord aan|svar till|svar til|odpověď komu|ответить|返信先"
        ),
        "other": (
            "organization|organisation|importance|wichtigkeit|attachments|anlagen|priority|"
            "message-id|newsgroups|resent-from|importancia|priorität|x-mailer|mailed-by|signed-by"
        ),
    }.items()
    for label in labels.split("|")
}
"""A label of a quoted header block, without its colon, to what it names."""

ORIGINAL_MESSAGE = (
    "original message|original email|original appointment|ursprüngliche nachricht|"
    "originalnachricht|ursprüngliche e-mail|original-nachricht|message d'origine|message original|"
    "message d’origine|mensaje original|messaggio originale|oorspronkelijk bericht|"
    "origineel bericht|mensagem original|ursprungligt meddelande|originalmeddelande|"
    "oprindelig meddelelse|original meddelelse|opprinnelig melding|alkuperäinen viesti|"
    "oryginalna wiadomość|wiadomość oryginalna|původní zpráva|původní e-mail|исходное сообщение|"
    "оригинальное сообщение|пересылаемое сообщение|özgün ileti|orijinal mesaj|orijinal ileti|"
    "原始邮件|原始郵件|原始信件|邮件原件|元のメッセージ|original message|원본 메시지|원본 메일|"
    "eredeti üzenet|mesaj original|reply message|antwort nachricht|quoted message"
)
FORWARDED_MESSAGE = (
    "forwarded message|forwarded by|begin forwarded message|start of forwarded message|"
    "forwarded email|forwarded mail|weitergeleitete nachricht|anfang der weitergeleiteten nachricht|"
    "anfang weitergeleitete nachricht|weitergeleitet von|weitergeleitete e-mail|message transféré|"
    "début du message transféré|message transmis|début du message réexpédié|transféré par|"
    "mensaje reenviado|inicio del mensaje reenviado|reenviado por|messaggio inoltrato|"
    "inizio messaggio inoltrato|messaggio inviato|inoltrato da|doorgestuurd bericht|"
    "begin doorgestuurd bericht|mensagem encaminhada|mensagem reencaminhada|"
    "início da mensagem encaminhada|início da mensagem reencaminhada|encaminhado por|"
    "vidarebefordrat meddelande|vidarebefordrat brev|påbörja vidarebefordrat meddelande|"
    "börja vidarebefordrat meddelande|videresendt meddelelse|videresendt besked|"
    "start på videresendt besked|videresendt melding|videresendt e-post|"
    "begynnelse på videresendt melding|videresendt av|välitetty viesti|edelleenlähetetty viesti|"
    "välitetty viesti alkaa|wiadomość przekazana|przekazana wiadomość|"
    "treść przekazywanej wiadomości|początek przekazywanej wiadomości|přeposlaná zpráva|"
    "přeposlaný e-mail|začátek přeposlané zprávy|пересланное сообщение|перенаправленное сообщение|"
    "начало переадресованного сообщения|начало пересылаемого сообщения|"
    "пересылаемое сообщение|yönlendirilmiş mesaj|iletilmiş mesaj|i̇letilmiş mesaj|iletilen ileti|"
    "yönlendirilen ileti|i̇letilen mesajın başlangıcı|i̇letilen ileti|转发的邮件|轉寄郵件|轉寄的郵件|"
    "转发邮件|下面是被转发的邮件|開始轉寄郵件|被转发邮件信息|轉寄訊息|転送されたメッセージ|転送メッセージ|転送メール|"
    "以下は転送されたメールです|転送済みのメッセージ|전달된 메시지|전달된 메일|전달된 메시지 시작|"
    "továbbított üzenet|переслане повідомлення|mesaj redirecționat"
)

OPENERS = (
    "on|am|le|el|il|op|em|a|den|på|pe|dnia|w dniu|dne|em|в|on the|vào|ons|om|date|"
    "mon|tue|wed|thu|fri|sat|sun|mo|di|mi|do|fr|sa|so|lun|mar|mer|jeu|ven|sam|dim|"
    "lunes|martes|miércoles|jueves|viernes|sábado|domingo|mié|jue|vie|sáb|dom|seg|ter|qua|qui|sex|"
    "gio|sab|ma|di|wo|za|zo|mån|tis|tors|fre|lör|sön|tirs|ons|man|tir|tor|lør|søn|ke|to|pe|la|su|"
    "pon|wt|śr|czw|pt|sob|niedz|po|út|st|čt|pá|so|ne|пн|вт|ср|чт|пт|сб|вс|понедельник|вторник|"
    "среда|четверг|пятница|суббота|воскресенье|pzt|sal|çar|per|cum|cmt|paz|在|於|于|"
    "monday|tuesday|wednesday|thursday|friday|saturday|sunday|lundi|mardi|mercredi|jeudi|"
    "vendredi|samedi|dimanche|montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonntag"
)
"""How a line above a quote starts: a preposition or a day of the week."""

WROTE = (
    "wrote|writes|said|schrieb|schreibt|schrieben|geschrieben|hat am|a écrit|a ecrit|écrivait|"
    "écrit|escribió|escribio|ha escrito|escribiera|ha scritto|scrive|ha inviato|schreef|"
    "geschreven|heeft|escreveu|skrev|skriver|følgende|kirjoitti|napisał|napisała|napisał(a)|"
    "napisal|napsal|napsala|написал|написала|пишет|писал|yazdı|şunu yazdı|写道|寫道|来信|"
    "のメール|が書きました|は書きました|さんは|님이 작성|작성|씀|írta|ezt írta|пише|написав|a scris"
)
"""The verb of the line above a quote."""

MOBILE_SIGNATURES = (
    r"sent (?:from|via|with|by|using)\b.{0,90}",
    r"(?:get|download) \[?(?:outlook|gmail|yahoo|bluemail)\b.{0,110}",
    r"from my (?:iphone|ipad|ipod|phone|mobile|android|blackberry|samsung|galaxy|htc|nokia|tablet)\b.{0,60}",
    r"(?:\w{1,20} )?from (?:my )?mobile",
    r"(?:von|vom) meine[mr]?\b.{0,70}\bgesendet.{0,60}|von (?:iphone|ipad|android)\b.{0,60}gesendet.{0,40}",
    r"gesendet (?:von|mit|über|vom|aus|via)\b.{0,90}",
    r"diese (?:nachricht|e-mail|mail) wurde (?:von|mit)\b.{0,90}gesendet\.?",
    r"(?:holen sie sich|laden sie) outlook\b.{0,90}|outlook für (?:ios|android)\b.{0,90}",
    r"envoyé (?:de|depuis|à partir|avec|par|via)\b.{0,90}",
    r"(?:obtenez|télécharger|téléchargez) outlook\b.{0,90}",
    r"provenance : .{0,60}",
    r"enviado (?:desde|con|por|via|do|a partir|de|com|dende)\b.{0,90}",
    r"(?:obtener|obtenga|obter|obtenha|descargar) (?:o )?outlook\b.{0,90}",
    r"inviato (?:da|dal|con|tramite)\b.{0,90}|(?:scarica|ottieni) outlook\b.{0,90}",
    r"(?:verzonden|verstuurd) (?:vanaf|vanuit|met|via|van)\b.{0,90}",
    r"(?:download|haal) outlook voor\b.{0,90}",
    r"skickat (?:från|med|via)\b.{0,90}|(?:hämta|skaffa) outlook\b.{0,90}",
    r"sendt (?:fra|med|via|frå)\b.{0,90}|(?:hent|få) outlook\b.{0,90}",
    r"lähetetty .{0,70}(?:stani|lta|ltä|sta|stä|laitteesta|kautta|llä|lla)\.?|hanki outlook\b.{0,90}",
    r"(?:wysłane|wysłano) (?:z|za pomocą|przez)\b.{0,90}|pobierz (?:program |aplikację )?outlook\b.{0,90}",
    r"(?:odesláno|posláno) (?:z|ze|pomocí)\b.{0,90}|získat outlook\b.{0,90}",
    r"отправлено (?:с|из|от|через)\b.{0,90}|скачать outlook\b.{0,90}",
    r".{0,60}(?:dan|den|ndan|nden|mdan|mden) gönderildi\.?|.{0,60}kullanılarak gönderildi\.?",
    r"(?:发自|發自|从我的|從我的|来自我的|自我的).{0,60}|.{0,40}(?:传送|傳送)自.{0,40}|下载 outlook.{0,60}",
    r".{0,60}(?:から送信|より送信|から送信されました|を入手)。?",
    r"(?:나의|내) .{0,50}에서 (?:보냄|보냈습니다|전송함)\.?|.{0,50}에서 보냄",
    r"küldve .{0,60}|trimis de pe .{0,60}",
)
"""Regular expressions for the lines that mail programs on phones put below a text."""

FORWARD_SUBJECT = re.compile(
    r"\s*(?:\[[^\]]{0,40}\]\s*)?(?:fwd?|wg|tr|rv|i|inoltrato|doorst|enc|vb|vs|vl|pd|fs|fyi|转发|轉寄|転送|ilt|enc|i̇lt)\s*[:：]",
    re.IGNORECASE,
)
"""A subject as mail programs write it over a forward; never enough by itself."""
