"""Mail that asks to confirm an address is known by what it says, in nine languages."""

from __future__ import annotations

import pytest

from inbox.mail.verification import asks_to_verify


@pytest.mark.parametrize(
    "said",
    [
        "Please confirm your email address",
        "Verify your\naddress to finish signing up",
        "Your verification code: 123456",
        "Use this one-time code to sign in",
        "Bitte bestätigen Sie Ihre E-Mail-Adresse",
        "Ihr Bestätigungscode lautet 1234",
        "Confirmez votre adresse e-mail",
        "Votre code de vérification",
        "Confirma tu correo electrónico",
        "Tu código de verificación es 1234",
        "Confirme o seu e-mail",
        "Conferma il tuo indirizzo email",
        "Il tuo codice di verifica",
        "Bevestig je e-mailadres",
        "Uw verificatiecode is 1234",
        "Potwierdź swój adres e-mail",
        "Twój kod weryfikacyjny to 1234",
        "Bekräfta din e-postadress",
        "Din verifieringskod är 1234",
    ],
)
def test_what_asks_to_confirm_an_address_is_known(said: str) -> None:
    assert asks_to_verify(said, "")
    assert asks_to_verify("", f"Hello,\r\n\r\n{said.upper()}\r\n")


@pytest.mark.parametrize(
    "said",
    [
        "Please confirm the meeting on Thursday",
        "Can you confirm that the contract was signed?",
        "We have verified the numbers; the code is attached",
        "Our address has changed, please update your records",
    ],
)
def test_what_people_write_to_us_is_not(said: str) -> None:
    assert not asks_to_verify(said, said)
