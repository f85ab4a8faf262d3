"""A person sees on the thread page whose word a mail is."""

from __future__ import annotations

import pytest

from inbox.web.site import build
from tests.authentication.signing import published
from tests.authentication.test_filing import receive, signed
from tests.flow.house import House, mail
from tests.web.conftest import Told
from tests.web.test_pages import page, words


@pytest.mark.parametrize(
    ("kind", "chip", "why"),
    [
        ("signed", "verified", "acme.example signed it"),
        ("plain", "not verified", "it is not signed"),
        ("forged", "not verified, perhaps forged", "acme.example asks to reject mail"),
    ],
)
def test_the_thread_page_says_who_is_verified_and_why(
    house: House, kind: str, chip: str, why: str
) -> None:
    zone = published({"_dmarc.acme.example": [b"v=DMARC1; p=reject"]} if kind == "forged" else {})
    receive(house, signed(id="1@a") if kind == "signed" else mail(id="1@a"), zone=zone)
    told = Told(house.db, house.settings)
    told.app = build(told.site())
    shown = page(told.client(), f"/threads/{house.message('1@a').thread_id}")
    text = words(shown)
    assert chip in text and why in shown
    assert ("not verified" in text) == (kind != "signed")
    assert ("perhaps forged" in text) == (kind == "forged")
