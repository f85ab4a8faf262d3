"""A small labelled set, written for these tests, and a model of it. Not training data."""

from __future__ import annotations

from functools import lru_cache

from classifiers.dataset import Example
from classifiers.fit import FitOptions, fit
from classifiers.model import Model
from classifiers.terms import FeatureOptions
from classifiers.text import MailText

PHRASES = {
    "implementation": (
        "when can we start importing the master data into the new tenant",
        "the column mapping for the article import is ready for your review",
        "please plan the go live weekend for the second warehouse",
        "how do we connect the web shop to your interface",
        "our consultant needs the field list for the data migration",
        "the test system is set up, when do we move to production",
        "wir brauchen die Feldliste für den Datenimport",
        "wann beginnt die Einrichtung der Schnittstelle",
    ),
    "support": (
        "the login page shows an error since this morning",
        "my colleague cannot open the report, it crashes every time",
        "the export stops with a timeout and an empty file",
        "password reset mail never arrives",
        "the app freezes when I press save",
        "error message after the update, nobody can print labels",
        "die Anmeldung geht nicht, es kommt eine Fehlermeldung",
        "der Export bricht mit einem Fehler ab",
    ),
    "compliance": (
        "please sign the attached data processing agreement",
        "our auditors ask for your security certificate",
        "where is personal data stored and who are your sub-processors",
        "we need the beneficial owner form and a company register extract",
        "the data protection officer has questions about retention",
        "send us the penetration test summary for the audit",
        "bitte unterschreiben Sie den Vertrag zur Auftragsverarbeitung",
        "unser Datenschutz braucht die Liste der Unterauftragnehmer",
    ),
    "success": (
        "how many of our planners actually use the tool every week",
        "we would like to book a training for new colleagues",
        "can we talk about the renewal and more licences",
        "what would the bigger plan cost next year",
        "our board wants to see what the rollout has brought us",
        "thank you, the workshop was great, when is the next one",
        "wir möchten eine Schulung für neue Kollegen buchen",
        "können wir über die Verlängerung der Lizenzen sprechen",
    ),
    "none": (
        "I am out of the office until Monday",
        "unsubscribe from our newsletter at any time",
        "buy more followers for your company today",
        "your parcel could not be delivered, click here",
        "automatic reply, I am on holiday",
        "limited offer, rank first in every search engine",
        "Abwesenheitsnotiz: ich bin im Urlaub",
        "Newsletter im Mai: unsere besten Angebote",
    ),
}


def examples() -> list[Example]:
    """Eight mails for each of five labels, every mail from an account of its own."""
    return [
        Example(MailText(visible=text), label, account=f"{label}-{number}")
        for label, texts in PHRASES.items()
        for number, text in enumerate(texts)
    ]


SMALL = FitOptions(
    features=FeatureOptions(min_examples=1, min_pair_examples=2, character_bits=6),
    costs=(0.3,),
    folds=3,
)
"""A model of a few kilobytes, so that every byte of its file can be tried."""


@lru_cache(maxsize=1)
def small_model() -> Model:
    """One model for all tests: models never change."""
    return fit(examples(), SMALL)
