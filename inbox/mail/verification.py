"""Does a mail ask somebody to prove that an address is theirs? Patterns only.

Services are made to send such mail to a reply address of ours (the ticket trick): who can read the
code there can sign up elsewhere as one of us. It is asked only of a stranger's mail at such an
address, and decides nothing but a tag.
"""

from __future__ import annotations

import re

LONGEST = 5_000
"""Characters of the text that are looked at; such mails are short, and say it first."""

_ASKS = re.compile(
    "|".join(
        (
            # English
            r"(?:verify|verifying|confirm|confirming|validate|activate) (?:your|this|the) (?:new )?"
            r"(?:e-?mail|mail|address|account)",
            r"(?:verification|confirmation|activation|one[- ]time|security|log-?in|sign-?in|sign-?up)"
            r" (?:code|link|pass(?:word|code))",
            r"your code is",
            # German
            r"(?:bestätig|verifizier|aktivier)\w* sie (?:bitte )?(?:ihr|diese)\w* (?:neue )?"
            r"(?:e-?mail|adresse|konto)",
            r"(?:adresse|konto) (?:zu )?(?:bestätigen|verifizieren|aktivieren)",
            r"(?:bestätigungs|verifizierungs|aktivierungs|sicherheits|einmal)-?(?:code|link|passwort)",
            # French
            r"(?:confirm|vérifi|valid|activ)(?:e|er|ez) (?:votre|ton|cette) (?:nouvelle )?"
            r"(?:adresse|e-?mail|compte|courriel)",
            r"code (?:de |d['’])(?:vérification|confirmation|validation|sécurité|accès)",
            # Spanish, Portuguese, Italian
            r"(?:confirm|verific|verifiqu|activ|ativ)(?:a|e|ar) (?:tu|su|o seu|seu|a sua|sua)"
            r" (?:nuev[oa] |nov[oa] )?(?:e-?mail|correo|dirección|cuenta|endereço|conta)",
            r"(?:conferma|confermare|verifica|verificare|attiva|attivare) (?:il|la) (?:tuo|tua|suo|sua)"
            r" (?:nuov[oa] )?(?:e-?mail|indirizzo|account)",
            r"c(?:ódigo|odice) d[ei] (?:verifica|confirma|conferma|segur|sicurezza|activa|ativa)",
            # Dutch
            r"(?:bevestig|verifieer|activeer) (?:je|uw) (?:nieuwe )?(?:e-?mail|adres|account)",
            r"(?:verificatie|bevestigings|activerings|beveiligings)-?code",
            # Polish
            r"(?:potwierdź|zweryfikuj|aktywuj) (?:swój|swoje|twój) (?:nowy )?(?:adres|e-?mail|konto)",
            r"kod (?:weryfikacyjny|potwierdzający|aktywacyjny)",
            # Swedish
            r"(?:bekräfta|verifiera|aktivera) (?:din|ditt) (?:nya )?(?:e-?post|konto|adress)",
            r"(?:verifierings|bekräftelse|aktiverings|säkerhets)-?kod\b",
        )
    ),
    re.IGNORECASE,
)


def asks_to_verify(subject: str, text: str) -> bool:
    """Does this mail ask to confirm an address, or bring a code for that?"""
    said = " ".join(f"{subject} {text[:LONGEST]}".split())  # sentences are wrapped anywhere
    return _ASKS.search(said) is not None
