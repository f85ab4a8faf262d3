"""The shared corpora and what their authors say about each mail; it measures, it asserts nothing.

A mail is read by three readers (ours, the plain standard library, plain mail-parser) into the same
small shape, `Seen`, and held against the corpus's own expectation.
"""

from __future__ import annotations

import email
import email.policy
import hashlib
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import mailparser

from inbox.mail.parse import parse_letter
from tests.mail.expected import BY_HAND
from tests.shared import shared

ASPECTS = ("subject", "from", "body", "attachments")
MEASURED = ("stalwart", "mime4j", "chandler", "flanker", "mikel_mail", "cpython")


@dataclass(slots=True)
class Seen:
    """What a reader sees in a mail; None where it is not asked for, or the reader could not say."""

    subject: str | None = None
    from_: list[str] | None = None
    text: str | None = None
    html: str | None = None
    attachments: list[tuple[str, str, int]] | None = None
    """(content type, file name or empty, decoded size or -1 where it does not count)."""


@dataclass(slots=True)
class Case:
    """One mail with its expectation."""

    corpus: str
    path: str
    raw: bytes
    expected: Seen


@dataclass(slots=True)
class Score:
    """How often a reader agreed, by aspect: [agreed, asked]."""

    counts: dict[str, list[int]] = field(default_factory=lambda: {a: [0, 0] for a in ASPECTS})
    failures: int = 0
    """Mails on which the reader raised."""
    misses: list[tuple[str, str]] = field(default_factory=list)
    """(path, aspect) of each disagreement."""

    def share(self, aspect: str) -> float | None:
        """Agreed in percent; None where the corpus says nothing about the aspect."""
        agreed, asked = self.counts[aspect]
        return 100 * agreed / asked if asked else None


def manifest() -> Iterator[tuple[dict[str, Any], bytes]]:
    """Every mail of the manifest with its raw bytes; mails of an mbox without quoting undone."""
    root = shared("corpora")
    held: tuple[str, bytes] = ("", b"")
    for line in (root / "manifest.jsonl").read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        if entry["form"] == "text-body":
            continue
        if held[0] != entry["path"]:
            held = (entry["path"], (root / entry["path"]).read_bytes())
        raw = held[1]
        if entry["form"] == "mbox":
            raw = raw[entry["offset"] : entry["offset"] + entry["bytes"]]
        yield entry, raw


@lru_cache(maxsize=8)
def cases(corpus: str) -> list[Case]:
    """The mails of one corpus that have an expectation."""
    root = shared("corpora")
    found = []
    for entry, raw in manifest():
        if entry["corpus"] != corpus:
            continue
        expected = _EXPECTATION[corpus](root, entry["path"], raw)
        if expected is not None:
            found.append(Case(corpus, entry["path"], raw, expected))
    return found


def _stalwart(root: Path, path: str, _raw: bytes) -> Seen | None:
    snapshot = (root / path).with_suffix(".json")
    if not snapshot.is_file():
        return None
    said = json.loads(snapshot.read_text(encoding="utf-8"))
    parts = said["parts"]
    headers: dict[str, Any] = {}
    for header in parts[0]["headers"]:
        if isinstance(header["name"], str):
            headers.setdefault(header["name"], header["value"])
    texts = [parts[i]["body"] for i in said["text_body"]]
    pages = [parts[i]["body"] for i in said["html_body"]]
    plain = all("Text" in body for body in texts) and bool(texts)
    html = [body["Html"] for body in pages if "Html" in body]
    return Seen(
        subject=_dig(headers.get("subject"), "Text") or ("" if "subject" not in headers else None),
        from_=_stalwart_people(headers.get("from")),
        text="\n".join(body["Text"] for body in texts) if plain else None,
        html="\n".join(html) if html else None,
        attachments=[_stalwart_file(parts[i]) for i in said["attachments"]],
    )


def _dig(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, dict) else None


def _stalwart_people(value: Any) -> list[str] | None:
    address = _dig(value, "Address")
    if address is None:
        return None
    people = address.get("List")
    if people is None:
        people = [one for group in address.get("Group", []) for one in group["addresses"]]
    return sorted(str(one["address"]).lower() for one in people if one["address"])


def _stalwart_file(part: dict[str, Any]) -> tuple[str, str, int]:
    kind, name = "text/plain", ""
    for header in part["headers"]:
        stated = _dig(header["value"], "ContentType")
        if stated is None:
            continue
        attributes = {one["name"]: one["value"] for one in stated.get("attributes") or []}
        if header["name"] == "content_type":
            subtype = stated.get("c_subtype")
            kind = f"{stated['c_type']}/{subtype}".lower() if subtype else "text/plain"
            name = name or attributes.get("name", "")
        elif header["name"] == "content_disposition":
            name = attributes.get("filename") or name
    body = part["body"]
    if isinstance(body, dict) and "Message" in body:
        return (kind if kind.startswith("message/") else "message/rfc822"), name, -1
    data = body.get("Binary", body.get("InlineBinary")) if isinstance(body, dict) else None
    return kind, name, len(data) if isinstance(data, list) else -1


def _mime4j(root: Path, path: str, _raw: bytes) -> Seen | None:
    described = (root / path).with_name(Path(path).stem + "_decoded.xml")
    if not described.is_file():
        return None
    try:
        message = ET.fromstring(described.read_text(encoding="utf-8"))
    except ET.ParseError:
        return None
    texts: list[str] = []
    files: list[int] = []
    _mime4j_bodies(described.parent, message, texts, files)
    fields = {}
    for item in message.findall("./header/field"):
        name, _, value = (item.text or "").strip().partition(":")
        fields.setdefault(name.strip().lower(), " ".join(value.split()))
    subject = fields.get("subject", "")
    sender = fields.get("from", "")
    found = re.search(r"<([^<>@\s]+@[^<>@\s]+)>\s*\Z", sender)
    return Seen(
        subject=None if "=?" in subject or "\ufffd" in subject else subject,
        from_=[found[1].lower()] if found and sender.count("@") == 1 else None,
        text="\n".join(texts) if texts else None,
        attachments=[("", "", size) for size in files],
    )


def _mime4j_bodies(folder: Path, node: ET.Element, texts: list[str], files: list[int]) -> None:
    """Collect the leaf bodies of one message; those of attached messages belong to those."""
    for child in node:
        if child.tag in ("body-part", "multipart"):
            _mime4j_bodies(folder, child, texts, files)
        elif child.tag == "message":
            files.append(-1)
        elif child.tag in ("text-body", "binary-body"):
            data = (folder / child.attrib["name"]).read_bytes()
            kind = disposition = ""
            for item in node.findall("./header/field"):
                name, _, value = (item.text or "").strip().partition(":")
                if name.lower() == "content-type":
                    kind = value.strip().lower()
                if name.lower() == "content-disposition":
                    disposition = value.strip().lower()
            if disposition.startswith("attachment") or child.tag == "binary-body":
                files.append(len(data) if child.tag == "binary-body" else -1)
            elif not kind or kind.startswith("text/plain"):
                texts.append(data.decode("utf-8", "replace"))
            elif not kind.startswith("text/html"):
                files.append(-1)


def _chandler(_root: Path, path: str, raw: bytes) -> Seen | None:
    """The file name is the charset: a plain mail's body is its decoded bytes in that charset."""
    name = re.search(
        r"i18n_tests/test_(iso[-_]\d.*|ISO[-_]\d.*|[Ww]indows.*|koi8.*|KOI8.*|[Uu][Tt][Ff].*|[Bb]ig5.*|[Gg][Bb].*|[Ee][Uu][Cc].*|[Ss]hift.*)",
        path,
    )
    if name is None:
        return None
    message = email.message_from_bytes(raw)
    if message.is_multipart() or message.get_content_type() != "text/plain":
        return None
    for label in (name[1], name[1].rpartition("-")[0]):
        try:
            return Seen(text=message.get_payload(decode=True).decode(label))  # type: ignore[union-attr]
        except (LookupError, UnicodeDecodeError):
            continue
    return None


def _by_hand(_root: Path, path: str, _raw: bytes) -> Seen | None:
    said = BY_HAND.get(path)
    if said is None:
        return None
    return Seen(
        subject=said.get("subject"),
        from_=said.get("from"),
        text=said.get("text"),
        attachments=[("", name, -1) for name in said["files"]] if "files" in said else None,
    )


def _first_of(
    *readers: Callable[[Path, str, bytes], Seen | None],
) -> Callable[[Path, str, bytes], Seen | None]:
    def read(root: Path, path: str, raw: bytes) -> Seen | None:
        for reader in readers:
            seen = reader(root, path, raw)
            if seen is not None:
                return seen
        return None

    return read


_EXPECTATION: dict[str, Callable[[Path, str, bytes], Seen | None]] = {
    "stalwart": _stalwart,
    "mime4j": _mime4j,
    "chandler": _first_of(_by_hand, _chandler),
    "flanker": _by_hand,
    "mikel_mail": _by_hand,
    "cpython": _by_hand,
}


def ours(raw: bytes) -> Seen:
    """The mail as `parse_letter` reads it."""
    letter = parse_letter(raw)
    return Seen(
        subject=letter.subject,
        from_=sorted(one.address.lower() for one in letter.from_ if one.address),
        text=letter.text,
        html=letter.html,
        attachments=[
            (one.content_type, "" if one.name.startswith("part-") else one.name, one.size)
            for one in letter.attachments
        ],
    )


def standard_library(raw: bytes) -> Seen:
    """The mail as `email` with policy.default reads it, used as its manual shows."""
    message = email.message_from_bytes(raw, policy=email.policy.default)
    plain = message.get_body(("plain",))
    page = message.get_body(("html",))
    sender = message["from"]
    files = []
    for part in message.iter_attachments():
        content = part.get_content() if not part.is_multipart() else b""
        size = len(content) if isinstance(content, bytes) else -1
        files.append((part.get_content_type(), part.get_filename() or "", size))
    return Seen(
        subject=str(message["subject"] or ""),
        from_=sorted(one.addr_spec.lower() for one in sender.addresses) if sender else [],
        text=plain.get_content() if plain is not None else "",
        html=page.get_content() if page is not None else None,
        attachments=files,
    )


def plain_mail_parser(raw: bytes) -> Seen:
    """The mail as mail-parser alone reads it."""
    mail = mailparser.parse_from_bytes(raw)
    files = []
    for one in mail.attachments:
        data = one["payload"]
        size = len(email.base64mime.decode(data)) if one["binary"] else -1
        random_name = (
            re.fullmatch(r"[A-Za-z]{10,}\.(?:txt|rtf)|\w{32}.*", one["filename"])
            or one["filename"] == one["content-id"]
        )
        files.append((one["mail_content_type"], "" if random_name else one["filename"], size))
    subject = mail.subject
    return Seen(
        subject=subject if isinstance(subject, str) else str(subject[0] if subject else ""),
        from_=sorted(address.lower() for _, address in mail.from_),
        text="\n".join(mail.text_plain),
        html="\n".join(mail.text_html) if mail.text_html else None,
        attachments=files,
    )


READERS: dict[str, Callable[[bytes], Seen]] = {
    "aboard": ours,
    "standard library": standard_library,
    "mail-parser": plain_mail_parser,
}


def score(corpus: str, reader: Callable[[bytes], Seen]) -> Score:
    """Hold one reader against one corpus. A reader that raises agrees with nothing."""
    result = Score()
    for case in cases(corpus):
        try:
            seen = reader(case.raw)
        except Exception:  # foreign readers raise whatever they like; that is what is measured
            seen = Seen()
            result.failures += 1
        for aspect in ASPECTS:
            verdict = agrees(aspect, case.expected, seen)
            if verdict is None:
                continue
            result.counts[aspect][0] += verdict
            result.counts[aspect][1] += 1
            if not verdict:
                result.misses.append((case.path, aspect))
    return result


def agrees(aspect: str, expected: Seen, seen: Seen) -> bool | None:
    """Does a reader agree on one aspect? None where the corpus says nothing about it."""
    if aspect == "subject":
        return None if expected.subject is None else _same(expected.subject, seen.subject)
    if aspect == "from":
        return None if expected.from_ is None else sorted(expected.from_) == seen.from_
    if aspect == "body":
        if expected.text is not None:
            return _same(expected.text, seen.text)
        return None if expected.html is None else _same(expected.html, seen.html)
    if expected.attachments is None:
        return None
    return seen.attachments is not None and _same_files(expected.attachments, seen.attachments)


def _same(expected: str, seen: str | None) -> bool:
    """Equal letters; a U+FFFD of the expectation stands for the letters that its author lost."""
    if seen is None:
        return False
    if "\ufffd" not in expected:
        return _letters(expected) == _letters(seen)
    pieces = [re.escape(_letters(piece)) for piece in expected.split("\ufffd")]
    return re.fullmatch(".{1,4}".join(pieces), _letters(seen), re.DOTALL) is not None


def _letters(text: str) -> str:
    """Text without what display cleaning may change: blanks, controls, marks of direction."""
    return re.sub(r"[\s\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]+", "", text)


def _same_files(expected: list[tuple[str, str, int]], seen: list[tuple[str, str, int]]) -> bool:
    if len(expected) != len(seen):
        return False
    left = list(seen)
    for kind, name, size in expected:
        for candidate in left:
            fits = (
                (not kind or kind == candidate[0].lower())
                and (not name or _same(_base(name), _base(candidate[1])))
                and (size < 0 or candidate[2] < 0 or abs(size - candidate[2]) <= 2)
            )
            if fits:
                left.remove(candidate)
                break
        else:
            return False
    return True


def _base(name: str) -> str:
    return re.sub(r"\s+", " ", re.split(r"[\\/]", name)[-1]).strip().lstrip(".")


def digest(raw: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(raw).hexdigest()
