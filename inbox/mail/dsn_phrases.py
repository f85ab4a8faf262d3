"""What mail systems say when they could not deliver, as RFC 3463 codes: patterns only.

The first pattern that is found decides, so the order is part of the table: what is narrow first.
"""

# ruff: noqa: E501  (word tables read better in long lines)

from __future__ import annotations

import re

REASONS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), status)
    for pattern, status in (
        (
            r"(?:mail ?box|account|user|quota|disk|inbox|recipient'?s? storage|storage).{0,40}"
            r"(?:is |was |are )?(?:full|over ?quota|exceed|exhausted|out of space|too large)|"
            r"(?:over|exceed\w*|out of|past|above|beyond)(?: \w+){0,4} (?:quota|storage|space)|quota exceeded|mailfolder is full|"
            r"disk quota|not enough (?:disk|storage) space|insufficient (?:disk|system) storage|"
            r"容量|ディスクの|maildir over|too many (?:mails?|messages) (?:in|on)|"
            r"(?:boîte|buzon|casella|postfach|posteingang).{0,30}(?:pleine|lleno|piena|voll)",
            "2.2",
        ),
        (
            r"message (?:size )?(?:is )?(?:too (?:big|large)|exceeds|larger than)|size limit|"
            r"exceeds (?:the )?(?:maximum|size|fixed|administrative|incoming)|"
            r"too (?:big|large) (?:a )?(?:message|mail)|max(?:imum)? (?:message|mail) size",
            "3.4",
        ),
        (
            r"(?:user|account|mailbox|recipient|address).{0,40}(?:disabled|suspended|inactive|not active|"
            r"deactivated|locked|blocked|expired|discontinued|no longer (?:on server|active|in use|accepting))|"
            r"not (?:currently )?accepting (?:mail|messages)|account (?:is )?(?:closed|terminated)|"
            r"mailbox (?:unavailable or access denied|currently unavailable)",
            "2.1",
        ),
        (
            r"(?:has |have )moved|no longer (?:with|at|works|employed|valid)|address has changed|"
            r"user has moved|recipient address.{0,20}changed",
            "1.6",
        ),
        (
            r"\b(?:unknown|invalid|bad|illegal|no such|not? a? ?(?:known|valid)|nonexist\w*|non-exist\w*|unrouteable|unroutable|undeliverable|unrecogni[sz]ed|not found|wrong)"
            r".{0,30}(?:user|recipient|mail ?box|account|address(?:ee)?|local ?part|person|alias|name)\b|"
            r"(?:user|recipient|mail ?box|account|address|addressee|name|local part|e-?mail|username)\b.{0,60}"
            r"(?:unknown|(?:does|did|doesn't|didn't)(?: not)? exist|not exist|(?:is |was )?(?:not|n't) (?:be )?(?:found|known|listed|"
            r"recogni[sz]ed|valid|on (?:this|server)|a (?:valid|known)|match|local|here|registered)|invalid|rejected|unavailable|"
            r"couldn'?t be found|could not be found|wasn'?t found|no longer)|no mailbox (?:here|by)|"
            r"user doesn|does not like recipient|isn'?t (?:in|on) (?:my|our)|no (?:such )?(?:user|person|mailbox|recipient|address)|"
            r"not (?:in|listed in).{0,25}(?:directory|name & address|public)|unknown[- ]user|utilisateur inconnu|"
            r"no valid recipients|adresse.{0,20}inconnue|destinataire inconnu|usuario (?:desconocido|no existe)|utente sconosciuto|"
            r"empfänger.{0,20}unbekannt|宛先(?:の|が|は).{0,20}|メールアドレスが見つか|ユーザ.{0,40}見つかりません|MAILBOX NOT FOUND",
            "1.1",
        ),
        (
            r"(?:host|domain|hostname|server).{0,50}(?:unknown|not found|does not exist|doesn'?t exist|invalid|"
            r"couldn'?t (?:be )?f(?:ou|i)nd|could not (?:be )?f(?:ou|i)nd|has no mx|isn'?t valid)|"
            r"record indicated no smtp service|dns (?:lookup )?(?:failure|error)|unknown (?:host|domain)|no such (?:host|domain)|name (?:or )?service (?:not known|error)|"
            r"couldn'?t find any host|host not found|unrouteable mail domain|no (?:mx|a) record|unresolvable|"
            r"dns error|nxdomain|no valid mx|illegal host/domain|bad domain|name server:? .{0,40}not found",
            "1.2",
        ),
        (
            r"(?:too many|routing|mail) (?:hops|loop)|loops? back to|hop count|mail forwarding loop",
            "4.6",
        ),
        (
            r"relay(?:ing)?(?: access| of mail| to this)? (?:is )?(?:denied|not permitted|prohibited|not allowed)|"
            r"(?:not|isn'?t|unable|cannot) (?:permitted |allowed )?(?:to )?(?:be )?(?:relay|route)|relay(?:ing)? (?:mail|through)|not in my list of allowed rcpthosts",
            "7.1",
        ),
        (
            r"(?:message|mail) (?:delivery )?(?:time|timed|lifetime|retry|expire)|expired|retry time(?:out| not)|too long|"
            r"(?:been )?in (?:the )?queue|failed \d+ attempts|aborted after|giving up|undeliver\w+ (?:for|after)|retry timeout|"
            r"delivery (?:time|attempt)s? (?:expired|exceeded)|max(?:imum)? (?:retry|number of)|配信期限|delayed|"
            r"not been (?:delivered|collected) (?:after|for)|deferred",
            "4.7",
        ),
        (
            r"(?:connection|connect|operation) (?:was |has )?(?:timed out|timeout|refused|reset|dropped|closed|lost|died)|"
            r"did not accept our requests to connect|socket error|couldn'?t connect|could not (?:connect|contact)|unable to (?:connect|contact|establish)|network (?:is )?unreachable|no route to host|"
            r"no answer from host|host (?:is )?(?:not responding|unreachable)|smtp (?:connection|time)|"
            r"no smtp connection|can(?:not|'t) connect",
            "4.1",
        ),
        (
            r"virus|infected|malware|attachment.{0,40}(?:blocked|not (?:allowed|permitted)|prohibited)|"
            r"content.{0,30}(?:reject|denied|block|not (?:allowed|accept))",
            "7.0",
        ),
        (
            r"\bspam\b|blacklist|black list|block ?list|rbl|spamhaus|spamcop|reputation|policy|rejected|denied|"
            r"not (?:authori[sz]ed|allowed|permitted)|refused|prohibited|blocked|access restriction|banned|filter",
            "7.1",
        ),
        (r"permission to post|not a member|only members", "7.2"),
        (r"could(?:n't| not) find a (?:gateway|route)|routing (?:error|failed)", "4.4"),
        (r"syntax error|bad (?:command )?sequence|command not recogni|unrecogni[sz]ed command", "5.2"),
        (r"(?:local|configuration|system|i/o|software|internal) (?:error|problem)|command (?:died|output)|exited|pipe", "3.0"),
    )
)  # fmt: skip
"""(pattern, subject and detail of the code); the class comes from how final the failure is."""

TEMPORARY = re.compile(
    r"warning|delayed|still (?:being )?(?:try|retr)|will (?:be )?(?:re)?tr(?:y|ied)|temporar|"
    r"not yet been delivered|no action is required|you do not need to (?:do anything|resend)|transient",
    re.IGNORECASE,
)

ORIGINAL_BELOW = re.compile(
    r"^[ \t>*]*(?:[-=_*#~+ ]{2,40})?[ \t]*(?:"
    r"below this line is (?:a|the) copy of|this is a copy of (?:the|your)|(?:here is )?a copy of (?:the|your) (?:original )?(?:message|headers)|"
    r"original message(?: follows| header| text| begins)?|original mail|message header follows|headers? of the original|"
    r"(?:the )?(?:header|body|text|content)s? of (?:the|your) (?:original )?(?:message|mail)|"
    r"(?:undelivered|unsent|returned|forwarded|failed|attached|your|rejected) (?:message|mail|header)s?(?: follows?| below| is| was| text| header)|"
    r"unsent message below|included is (?:a|the) copy|returned message|enclosed is a copy|your (?:original )?message(?: headers?)? (?:follows|reads)|"
    r"start of (?:returned|original|forwarded)|(?:the )?message (?:headers?|text|contents?|body)(?: follows| is| was)?:?|original headers|"
    r"received headers of message|rfc ?822 header|"
    r"(?:first|beginning|transcript|part) of (?:the )?(?:original|message)|included (?:message|below)|the attached message|"
    r"copy of (?:the )?(?:message|header)|dump of the original|エラー.{0,10}元のメール"
    r")[^\n]{0,100}$|^(?:received: (?:from|by|\()|return-path: ?<|message-id: ?<)",
    re.IGNORECASE | re.MULTILINE,
)
"""The line below which a bounce shows our own mail."""

BOUNCE_TEXT = re.compile(
    r"(?:could|can|was|were|did|has|have|were|will)(?: ?not|n['’]t)(?: yet)?(?: be(?:en)?)?(?: \w+)? (?:deliver|reach|sent|send|complete|process)|"
    r"deliver\w* (?:to the following|failed|failure|error|has failed|status|problem)|undeliver|unable to deliver|"
    r"following (?:address|recipient)\w*(?:\(e?s\))? (?:failed|had|could|has|have|were|was|is)|permanent (?:fatal )?error|had (?:permanent|delivery|transient)|"
    r"returned to (?:you|sender)|failed to (?:deliver|reach)|(?:mail|message) (?:delivery )?(?:failed|failure|rejected|refused|returned)|"
    r"user unknown|unknown user|mailbox (?:full|unavailable|not found)|not delivered to|bounced|"
    r"remote (?:host|server|mail).{0,20}(?:said|respon|repl)|we(?:re| are|'re)? (?:unable|sorry)|had problems? delivering|"
    r"does not exist|temporarily|non remis|unzustellbar|配信|送信でき|エラー|届け|not a valid|rejected|permanent failure|could not find|no such",
    re.IGNORECASE,
)
"""Any of these must be said in a mail from a daemon before it counts as a bounce."""
