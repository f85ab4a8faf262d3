"""A PDF is looked at in a real browser: its own viewer paints it, in a frame beside the file."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from inbox.store import audit_log, messages
from tests.services.waiting import until
from tests.web import story
from tests.web.conftest import Told, serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

RED = b"1 0 0 rg 0 0 200 200 re f"
COUNT_RED = """
async (picture) => {
  const blob = await (await fetch(`data:image/png;base64,${picture}`)).blob();
  const bitmap = await createImageBitmap(blob);
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const drawing = canvas.getContext("2d");
  drawing.drawImage(bitmap, 0, 0);
  const { data } = drawing.getImageData(0, 0, bitmap.width, bitmap.height);
  let red = 0;
  for (let at = 0; at < data.length; at += 4) {
    red += data[at] > 200 && data[at + 1] < 60 && data[at + 2] < 60;
  }
  return red / (data.length / 4);
}
"""


def red_pdf() -> bytes:
    """One page that is red all over."""
    parts = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] /Contents 4 0 R >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(RED), RED),
    )
    made, places = b"%PDF-1.4\n", []
    for number, part in enumerate(parts, 1):
        places.append(len(made))
        made += b"%d 0 obj\n%s\nendobj\n" % (number, part)
    listed = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"trailer << /Size 5 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % len(made)
    return made + b"xref\n0 5\n0000000000 65535 f \n" + listed + end


@pytest.mark.browser
def test_a_pdf_is_painted_beside_its_file_after_a_click(own: Told, chromium: Browser) -> None:
    made = story.mail("Anna <anna@acme.example>", "A form", "See.\n", message_id="<f@acme.example>")
    made.add_attachment(red_pdf(), maintype="application", subtype="pdf", filename="form.pdf")
    story.put(own.db, own.settings, [made.as_bytes()], story.NOW)
    with own.db.read() as conn:
        (mail,) = messages.by_mail_id(conn, "f@acme.example")
    with serving(own.site()) as address:
        context = chromium.new_context(viewport={"width": 1280, "height": 1000})
        own.enter(context, address, "agent")
        opened, blank = context.new_page(), context.new_page()
        opened.goto(f"{address}/threads/{mail.thread_id}")
        frame = opened.locator("details.pdf iframe")
        assert not frame.is_visible() and not _looked(own), "not before somebody asks"
        opened.locator("details.pdf summary").click()
        frame.wait_for(state="visible")
        until(lambda: _red(opened, blank) > 0.1, within=60)
        assert _looked(own) == 1
        box = frame.bounding_box()
        assert box is not None and box["width"] > 300, "wide enough to read"
        assert opened.get_by_role("link", name="form.pdf").is_visible(), "and it can be saved"
        context.close()


def _looked(own: Told) -> int:
    with own.db.read() as conn:
        return len({one.subject for one in audit_log.listing(conn, audit_log.Wanted("attachment"))})


def _red(opened: Page, blank: Page) -> float:
    """How much of the frame is red, counted on a page without a policy."""
    picture = opened.locator("details.pdf iframe").screenshot()
    return float(blank.evaluate(COUNT_RED, base64.b64encode(picture).decode()))
