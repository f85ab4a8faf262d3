"""What a stranger's mail may cost a web process that shows it: counted, not timed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from inbox.mail import bodies, opened, parse, tnef
from inbox.mail.opened import MOST_HTML
from inbox.store import messages
from tests.mail.packing import attribute, packed_rtf, properties, utf16, winmail
from tests.web import story
from tests.web.conftest import Told

RTF = properties((0x1009, 0x102, packed_rtf(rb"{\rtf1 Hello\par}")))


def shown(own: Told, raw: bytes, mail_id: str) -> tuple[int, str]:
    """File a mail; give its number and the text of its HTML page."""
    story.put(own.db, own.settings, [raw])
    with own.db.read() as conn:
        (message,) = messages.by_mail_id(conn, mail_id)
    return message.id, own.client().get(f"/messages/{message.id}/html").text


def pictures(count: int) -> bytes:
    """A winmail.dat with text as RTF and pictures that have a Content-ID."""
    out = winmail(message=RTF)
    for number in range(count):
        block = properties(
            (0x3707, 0x1F, utf16(f"{number}.png")), (0x3712, 0x1F, utf16(f"{number}@x"))
        )
        out += attribute(2, 0x9002, 6, b"\0" * 14) + attribute(2, 0x800F, 6, story.PNG)
        out += attribute(2, 0x9005, 6, block)
    return out


def counting(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each dear step is done from now on."""
    done: Counter[str] = Counter()

    def counted(place: object, name: str) -> None:
        real: Callable[..., object] = getattr(place, name)

        def step(*args: object, **words: object) -> object:
            done[name] += 1
            return real(*args, **words)

        monkeypatch.setattr(place, name, step)

    for place, name in (
        (tnef, "rtf_to_text"),
        (tnef, "decompressed"),
        (opened, "read_tree"),
        (opened, "unpack"),
        (bodies, "decode_text"),
        (parse, "html_to_text"),
    ):
        counted(place, name)
    return done


def test_a_mail_with_html_is_taken_apart_once_and_no_text_is_made_of_its_rtf(
    own: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = story.mail("a@acme.example", "rtf", "", message_id="<rtf@acme.example>")
    uses = "".join(f"<img src='cid:{number}@x'>" for number in range(40))
    made.add_alternative(f"<p>Hello</p>{uses}", subtype="html")
    made.add_attachment(
        pictures(40), maintype="application", subtype="ms-tnef", filename="winmail.dat"
    )
    made.add_attachment(b"x" * 1000, maintype="text", subtype="plain", filename="a.txt")
    number, page = shown(own, made.as_bytes(), "rtf@acme.example")
    assert page.count("data:image/png") == 40

    done = counting(monkeypatch)
    again = own.client().get(f"/messages/{number}/html").text
    assert again == page
    # One walk over its bytes, one unpacking for all pictures, one text decoded: that of the page.
    assert done == {"read_tree": 1, "unpack": 1, "decode_text": 1}


def test_more_html_than_is_ever_shown_is_not_even_decoded(
    own: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = story.mail("a@acme.example", "vast", "text", message_id="<vast@acme.example>")
    made.add_alternative("<p>x</p>\n" * (MOST_HTML // 9 + 1), subtype="html")
    number, page = shown(own, made.as_bytes(), "vast@acme.example")
    assert "Its text is in the thread." in page
    done = counting(monkeypatch)
    assert own.client().get(f"/messages/{number}/html").text == page
    assert not done["decode_text"]
