"""How mail programs lay out what people write: paragraphs, signatures, quoted history, HTML.

Texts in, texts out; it builds no mail. Each program quotes as the real one does, so that folding
quotes has real work to do in the demo.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from datetime import datetime
from html import escape

from inbox.cli.story_words import (
    LABELS,
    PHONE,
    apple_attribution,
    gmail_attribution,
    gmail_forward_date,
    outlook_sent,
)

_FULL_LINE = 72
"""A line of a story file at least this long goes on in the next one."""
_OUTLOOK_STYLE = "font-size:11.0pt;font-family:Calibri,sans-serif"
_GMAIL_QUOTE = "margin:0px 0px 0px 0.8ex;border-left:1px solid rgb(204,204,204);padding-left:1ex"
_RULER = "_" * 32


@dataclass(frozen=True, slots=True)
class Quoted:
    """A mail as a reply to it shows it."""

    name: str
    address: str
    to: str
    at: datetime
    """In the zone of the person who quotes."""
    subject: str
    text: str

    @property
    def who(self) -> str:
        """`Name <address>`."""
        return f"{self.name} <{self.address}>"


@dataclass(frozen=True, slots=True)
class Page:
    """What one person wrote, on top of what they answer (the newest first)."""

    client: str
    language: str
    text: str
    signature: str
    history: tuple[Quoted, ...]
    picture: tuple[str, str] | None = None
    """(Content-ID, file name) of an image that is shown below the text."""


def unwrapped(text: str) -> str:
    """Paragraphs as single lines; short lines, items of a list and empty lines stay as they are."""
    lines: list[str] = []
    goes_on = False
    for line in text.split("\n"):
        if goes_on and line and not line.startswith("- "):
            lines[-1] += f" {line}"
        else:
            lines.append(line)
        goes_on = len(line) >= _FULL_LINE
    return "\n".join(lines)


def plain(page: Page) -> str:
    """The text/plain form, without a line end behind it."""
    own = unwrapped(page.text)
    if page.picture is not None:
        shown = f"[image: {page.picture[1]}]" if page.client == "gmail" else f"[{page.picture[1]}]"
        own += f"\n\n{shown}"
    own += _plain_signature(page)
    if page.client in ("outlook", "machine"):
        return own + "".join(_outlook_block(page, quoted) for quoted in page.history)
    return _wrapped(own) + _marked_history(page, page.history)


def _plain_signature(page: Page) -> str:
    if page.client == "phone":
        return f"\n\n{PHONE[page.language]}"
    if not page.signature:
        return ""
    mark = "-- \n" if page.client in ("gmail", "apple") else ""
    return f"\n\n{mark}{page.signature.strip()}"


def _wrapped(text: str) -> str:
    """Lines of 72 characters at most, as Gmail and Apple send plain text."""
    lines: list[str] = []
    for line in text.split("\n"):
        lines += textwrap.wrap(line, 72, break_long_words=False) if len(line) > 72 else [line]
    return "\n".join(lines)


def _attribution(page: Page, quoted: Quoted) -> str:
    say = gmail_attribution if page.client == "gmail" else apple_attribution
    return say(quoted.at, quoted.who, page.language)


def _marked_history(page: Page, history: tuple[Quoted, ...]) -> str:
    if not history:
        return ""
    quoted = history[0]
    below = _wrapped(unwrapped(quoted.text)) + _marked_history(page, history[1:])
    marked = "\n".join(
        f">{line}" if line.startswith(">") else f"> {line}".rstrip() for line in below.split("\n")
    )
    between = "\n" if page.client == "gmail" else "\n\n"
    return f"\n\n{_attribution(page, quoted)}{between}{marked}"


def _outlook_block(page: Page, quoted: Quoted) -> str:
    values = (quoted.who, outlook_sent(quoted.at, page.language), quoted.to, quoted.subject)
    colon = " :" if page.language == "fr" else ":"
    labels = LABELS[page.language]
    head = "\n".join(f"{label}{colon} {v}" for label, v in zip(labels, values, strict=True))
    return f"\n\n{_RULER}\n{head}\n\n{unwrapped(quoted.text)}"


def forward_block(original: Quoted) -> str:
    """The mail that Gmail forwards inline, below its marker."""
    return (
        "---------- Forwarded message ---------\n"
        f"From: {original.who}\nDate: {gmail_forward_date(original.at)}\n"
        f"Subject: {original.subject}\nTo: {original.to}\n\n\n{_wrapped(unwrapped(original.text))}"
    )


def html(page: Page) -> str:
    """The text/html form of the same page."""
    body = _paragraphs(page, page.text)
    if page.picture is not None:
        content_id, name = page.picture
        body += f'<p><img src="cid:{content_id}" alt="{escape(name)}" width="320"></p>'
    if page.signature:
        body += (
            f'<p style="color:#555">{escape(page.signature.strip()).replace(chr(10), "<br>")}</p>'
        )
    body += _html_history(page, page.history)
    if page.client == "outlook":
        body = f'<div class="WordSection1">{body}</div>'
    elif page.client == "gmail":
        body = f'<div dir="ltr">{body}</div>'
    head = '<meta http-equiv="Content-Type" content="text/html; charset=utf-8">'
    return f'<html><head>{head}</head><body lang="{page.language}">{body}</body></html>\n'


def _paragraphs(page: Page, text: str) -> str:
    opened = (
        f'<p class="MsoNormal" style="{_OUTLOOK_STYLE}">' if page.client == "outlook" else "<p>"
    )
    blocks = [block for block in unwrapped(text).split("\n\n") if block.strip()]
    made = []
    for block in blocks:
        lines = block.strip("\n").split("\n")
        if all(line.startswith("- ") for line in lines):
            items = "".join(f"<li>{escape(line[2:])}</li>" for line in lines)
            made.append(f"<ul>{items}</ul>")
        else:
            made.append(opened + "<br>\n".join(map(escape, lines)) + "</p>")
    return "\n".join(made)


def _html_history(page: Page, history: tuple[Quoted, ...]) -> str:
    if not history:
        return ""
    quoted, older = history[0], _html_history(page, history[1:])
    text = _paragraphs(page, quoted.text)
    if page.client == "outlook":
        values = (quoted.who, outlook_sent(quoted.at, page.language), quoted.to, quoted.subject)
        head = "<br>\n".join(
            f"<b>{label}:</b> {escape(value)}"
            for label, value in zip(LABELS[page.language], values, strict=True)
        )
        line = "border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm"
        return f'\n<div style="{line}"><p class="MsoNormal">{head}</p></div>\n{text}{older}'
    said = escape(_attribution(page, quoted))
    if page.client == "gmail":
        return (
            f'<br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">{said}<br></div>'
            f'<blockquote class="gmail_quote" style="{_GMAIL_QUOTE}">{text}{older}'
            "</blockquote></div>"
        )
    return f'<br><div><blockquote type="cite"><div>{said}</div><br>{text}{older}</blockquote></div>'
