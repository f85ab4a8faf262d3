"""Reads the machine fields of message/delivery-status parts (RFC 3464, RFC 6533). Nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from inbox.mail.letter import BouncedRecipient

_CAP = 262_144
_GROUPS = 1_000
_VALUE = 2_000
_FIELD = re.compile(r"([A-Za-z][A-Za-z0-9-]{1,60})[ \t]*:[ \t]*(.*)")
_STATUS = re.compile(r"(?<![\d.])([245])[. ](\d{1,3})[. ](\d{1,3})(?![\d.]*\d)")
_UTF8 = re.compile(r"\\x\{([0-9A-Fa-f]{1,6})\}")
_XTEXT = re.compile(r"\+([0-9A-F]{2})")
_ACTIONS = {"failed", "delayed", "delivered", "relayed", "expanded"}
_OTHER_NAMES = {"fail": "failed", "failure": "failed", "expired": "failed", "error": "failed",
                "deferred": "delayed", "delay": "delayed"}  # fmt: skip


def read_groups(parts: Iterable[str]) -> tuple[str, tuple[BouncedRecipient, ...]]:
    """(reporting MTA, recipients in order) of all status parts; each recipient once."""
    reporting = ""
    found: dict[str, BouncedRecipient] = {}
    for part in parts:
        for group in _groups(part[:_CAP]):
            reporting = reporting or _behind_type(group.get("reporting-mta", ""))
            one = _recipient(group)
            if one is not None and (one.address not in found or not found[one.address].status):
                found[one.address] = one
            if len(found) >= _GROUPS:
                break
    return reporting, tuple(found.values())


def _groups(text: str) -> list[dict[str, str]]:
    groups: list[dict[str, str]] = [{}]
    last = ""
    for line in text.splitlines():
        if not line.strip():
            if groups[-1]:
                groups.append({})
            last = ""
            continue
        if line[0] in " \t" and last:
            groups[-1][last] = f"{groups[-1][last]} {line.strip()}"[:_VALUE]
            continue
        found = _FIELD.match(line[:_VALUE])
        if found is None:
            continue
        last = found[1].lower()
        if last == "final-recipient" and last in groups[-1]:
            groups.append({})
        groups[-1].setdefault(last, found[2].strip())
    return groups


def _recipient(group: dict[str, str]) -> BouncedRecipient | None:
    address = ""
    for name in ("final-recipient", "original-recipient", "x-actual-recipient"):
        value = plain_address(_behind_type(group.get(name, "")))
        if "@" in value or (value and not address):
            address = value
        if "@" in address:
            break
    if not address and not ("action" in group and "status" in group):
        return None
    words = group.get("action", "").lower().split()
    action = _OTHER_NAMES.get(words[0], words[0]) if words else ""
    status = status_in(group.get("status", "")) or ""
    original = _XTEXT.sub(_byte, plain_address(_behind_type(group.get("original-recipient", ""))))
    return BouncedRecipient(
        address=address,
        action=action if action in _ACTIONS else ("failed" if status[:1] == "5" else ""),
        status=status,
        diagnostic=_behind_type(group.get("diagnostic-code", ""))[:_VALUE],
        original=original if "@" in original else "",
    )


def _byte(found: re.Match[str]) -> str:
    code = int(found[1], 16)
    return chr(code) if 0x20 < code < 0x7F else "?"


def status_in(text: str) -> str:
    """The first enhanced status code in a short text, or an empty text; addresses are none."""
    found = _STATUS.search(text[:_VALUE])
    return f"{found[1]}.{int(found[2])}.{int(found[3])}" if found else ""


def plain_address(text: str) -> str:
    """An address without brackets, type and RFC 6533 escapes."""
    bare = text.strip().strip("<>\"'`();, \t")
    bare = bare.rpartition("<")[2].rstrip(">") if "<" in bare else bare
    return _UTF8.sub(_character, bare)[:320]


def _character(found: re.Match[str]) -> str:
    code = int(found[1], 16)
    return chr(code) if 0x20 < code < 0x110000 and not 0xD800 <= code < 0xE000 else "?"


def _behind_type(value: str) -> str:
    kind, semicolon, rest = value.partition(";")
    return (
        rest.strip() if semicolon and len(kind) < 20 and " " not in kind.strip() else value.strip()
    )


def is_notification(text: str) -> bool:
    """Does the text look like the JSON bounce notice of Amazon SES? A cheap look at its start."""
    return text[:40].lstrip().startswith('{"notificationType":"Bounce"')


def read_notification(text: str) -> tuple[BouncedRecipient, ...]:
    """The recipients of a JSON bounce notice (Amazon SES by SNS); empty for any other text."""
    if not is_notification(text):
        return ()
    try:
        told, _ = json.JSONDecoder().raw_decode(text[:_CAP].lstrip())
        listed = told["bounce"]["bouncedRecipients"]
        return tuple(
            BouncedRecipient(
                address=plain_address(str(one["emailAddress"])),
                action=str(one.get("action", "failed")),
                status=status_in(str(one.get("status", ""))),
                diagnostic=_behind_type(str(one.get("diagnosticCode", "")))[:_VALUE],
            )
            for one in listed[:_GROUPS]
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ()
