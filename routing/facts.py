"""`Facts`: what is known about one mail, its account, its thread; knows nothing of rules.

A field that is not known is *unknown*, which is not the same as empty: an account without a tier
has the tier `""`, a mail whose account was not looked up has an unknown tier.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from routing.fields import LISTS, NETWORK, NUMERIC, TEXTUAL, Field, Type, lookup
from routing.fold import fold, fold_domain

Value = str | tuple[str, ...] | int | float | bool

_BIG = ("subject", "text", "body")
"""Texts of the mail itself: a snapshot holds them by reference, never by value."""


class Facts:
    """Values by field name. Made once for a mail; folded forms are computed when first asked for.

    `Facts({"from": "ana@bank.example", "to": ["onboarding@us.example"], "automatic": False})`:
    texts as `str`, lists as any sequence of `str`, flags as `bool`, numbers as `int` or `float`;
    a field that is missing or `None` is unknown, apart from `header.NAME`, which is then a header
    field that the mail does not have. An unknown name is a KeyError, a wrong type a TypeError.
    """

    __slots__ = ("_encoded", "_folded", "_values")

    def __init__(self, values: Mapping[str, object]) -> None:
        self._values: dict[str, Value] = {}
        for name, value in values.items():
            field = lookup(name)
            if field is None:
                raise KeyError(f"there is no field {name!r}; routing.fields lists them all")
            if value is not None:
                self._values[field.name] = _checked(field, value)
        self._folded: dict[str, tuple[str, ...]] = {}
        self._encoded: dict[str, tuple[bytes, ...]] = {}

    def get(self, name: str) -> Value | None:
        """The value as given; None where it is unknown."""
        value = self._values.get(name)
        if value is None and name.startswith("header."):
            return ()
        return value

    def text(self, name: str) -> str | None:
        """A single text (the first of a list); None where it is unknown, "" where there is none."""
        found = self.texts(name)
        return None if found is None else (found[0] if found else "")

    def texts(self, name: str) -> tuple[str, ...] | None:
        """All texts that are not empty, as given; None where the field is unknown."""
        value = self.get(name)
        if value is None:
            return None
        if isinstance(value, tuple):
            return value
        return (value,) if isinstance(value, str) and value else ()

    def folded(self, field: Field) -> tuple[str, ...] | None:
        """All texts in the form in which they are compared; None where the field is unknown."""
        found = self._folded.get(field.name)
        if found is not None:
            return found
        given = self.texts(field.name)
        if given is None:
            return None
        folding = fold_domain if field.type in NETWORK else fold
        found = tuple(folding(text) for text in given)
        self._folded[field.name] = found
        return found

    def encoded(self, field: Field, *, folded: bool) -> tuple[bytes, ...] | None:
        """All texts in UTF-8 for RE2, folded or as given; None where the field is unknown."""
        key = f"{field.name}\0{folded}"
        found = self._encoded.get(key)
        if found is not None:
            return found
        given = self.folded(field) if folded else self.texts(field.name)
        if given is None:
            return None
        found = tuple(text.encode("utf-8", "replace") for text in given)
        self._encoded[key] = found
        return found

    def snapshot(self) -> dict[str, object]:
        """All known values apart from the mail's own texts, ready for JSON; names sorted."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in sorted(self._values.items())
            if name not in _BIG
        }

    def values(self) -> dict[str, Value]:
        """All known values, by field name."""
        return dict(self._values)

    def with_values(self, values: Mapping[str, object]) -> Facts:
        """The same facts with some values replaced; `None` makes a field unknown."""
        return Facts({**self._values, **values})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Facts) and self._values == other._values

    def __hash__(self) -> int:
        return hash(tuple(sorted((name, str(value)) for name, value in self._values.items())))

    def __repr__(self) -> str:
        return f"Facts({self._values!r})"


def _checked(field: Field, value: Any) -> Value:
    if field.type in TEXTUAL:
        if isinstance(value, str):
            return ((value,) if value else ()) if field.type in LISTS else value
        if isinstance(value, Sequence) and all(isinstance(item, str) for item in value):
            listed = tuple(item for item in value if item)
            return listed if field.type in LISTS else (listed[0] if listed else "")
    elif field.type is Type.FLAG:
        if isinstance(value, bool):
            return value
    elif field.type in NUMERIC and not isinstance(value, bool) and isinstance(value, int | float):
        return value
    raise TypeError(f"the field {field.name!r} holds {field.type}, not {value!r:.80}")


_PLAIN: Mapping[str, object] = {
    "from": "someone@customer.example",
    "from.name": "",
    "reply_to": (),
    "to": (),
    "cc": (),
    "mailbox": "",
    "subject": "",
    "text": "",
    "attachment.name": (),
    "attachment.type": (),
    "size": 2_000,
    "language": "en",
    "automatic": False,
    "automatic.kind": "none",
    "verified": False,
    "thread.team": "",
    "thread.status": "open",
    "thread.tags": (),
}
"""A plain human mail on a new thread."""

_FOLLOWS: Mapping[str, tuple[str, ...]] = {
    "from": ("from.domain", "from.name", "header.from"),
    "from.domain": ("from", "from.name", "header.from"),
    "reply_to": ("header.reply-to",),
    "to": ("recipient", "header.to"),
    "cc": ("recipient", "header.cc"),
    "subject": ("header.subject",),
    "text": ("body",),
    "attachment.name": ("attachment.count", "attachment.type"),
    "attachment.type": ("attachment.count", "attachment.name"),
    "attachment.count": ("attachment.name", "attachment.type"),
    "automatic": ("automatic.kind",),
    "automatic.kind": ("automatic",),
    "thread.team": ("thread.decided_by", "thread.messages"),
    "classifier.team": ("classifier.score", "classifier.abstain"),
    "classifier.score": ("classifier.abstain",),
}
"""What says something about the same thing: with another value it is no longer true."""

JUDGED = ("from", "subject", "text", "body", "attachment.name", "attachment.type")
"""What the classifier and the language depend on; whoever can ask them does so again."""


def facts_given(given: Mapping[str, object], mail: Mapping[str, object] | None = None) -> Facts:
    """The facts of a test: what is not given is as in a plain human mail on a new thread.

    Unknown stay `account.*`, `contact.*`, `classifier.*` and `business_hours`. What follows from
    a given value is derived: the sender's domain, the number of attachments, the recipients.
    `mail` are the facts of a mail that the test starts from; a given value replaces the mail's,
    and what followed from that.
    """
    kept = _without_what_follows(mail or {}, given)
    values = {**_PLAIN, **kept, **given}
    _derive(values, {*kept, *given})
    return Facts(values)


def with_given(facts: Facts, given: Mapping[str, object]) -> Facts:
    """The same facts with some values replaced, and with them what followed from the old ones.

    What is unknown and not given stays unknown. A KeyError or TypeError as `Facts`.
    """
    before = facts.values()
    kept = _without_what_follows(before, given)
    values = {**_PLAIN, **kept, **given}
    _derive(values, {*kept, *given})
    derived = {name: values.get(name) for name in before if name not in kept}
    return Facts({**kept, **derived, **given})


def _without_what_follows(
    before: Mapping[str, object], given: Mapping[str, object]
) -> dict[str, object]:
    changed = [name for name in given if given[name] != before.get(name)]
    dropped = {follower for name in changed for follower in _FOLLOWS.get(name, ())}
    if bool(before.get("thread.team")) is bool(given.get("thread.team")):
        dropped.discard("thread.messages")  # another team, and the same thread
    return {name: value for name, value in before.items() if name not in dropped}


def _derive(values: dict[str, object], known: Collection[str]) -> None:
    """Set what follows from other values and is not known itself."""
    sender = values["from"]
    if "from.domain" not in known and isinstance(sender, str):
        values["from.domain"] = sender.rpartition("@")[2] if "@" in sender else ""
    if "from" not in known and isinstance(values.get("from.domain"), str):
        values["from"] = f"someone@{values['from.domain']}"
    if "recipient" not in known:
        values["recipient"] = (*_listed(values["to"]), *_listed(values["cc"]))
    if "body" not in known:
        values["body"] = values["text"]
    if "attachment.count" not in known:
        counts = (len(_listed(values[f"attachment.{what}"])) for what in ("name", "type"))
        values["attachment.count"] = max(counts)
    if "automatic.kind" in known and "automatic" not in known:
        values["automatic"] = values["automatic.kind"] != "none"
    if "automatic" in known and "automatic.kind" not in known:
        values["automatic.kind"] = "auto-reply" if values["automatic"] is True else "none"
    replied = bool(values["thread.team"])
    values.setdefault("thread.messages", 2 if replied else 1)
    values.setdefault("thread.decided_by", "rule" if replied else "")


def _listed(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,) if value else ()
    return tuple(value) if isinstance(value, tuple | list) else ()
