"""Brings the domain of an address into its normal form; asks no DNS."""

from __future__ import annotations

import re

PLAIN_DOMAIN = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\Z")
"""A domain of A-labels, in lower case."""
_LITERAL = re.compile(r"\[[0-9A-Za-z.:_-]{1,64}\]\Z")
_MAX_DOMAIN = 255
_MAX_LABEL = 63


def normal_domain(raw: str) -> str | None:
    """The domain in lower-case A-labels (RFC 5891), a domain literal, or None."""
    text = raw.strip().lower().rstrip(".")
    if _LITERAL.match(text):
        return text
    if not text.isascii():
        encoded = _a_labels(text)
        if encoded is None:
            return None
        text = encoded
    return text if len(text) <= _MAX_DOMAIN and PLAIN_DOMAIN.match(text) else None


def _a_labels(text: str) -> str | None:
    labels = re.split("[.\u3002\uff0e\uff61]", text)
    # The idna codec is quadratic in a label's length, so the length is checked before it runs.
    if any(not label or len(label) > _MAX_LABEL for label in labels):
        return None
    try:
        return ".".join(label.encode("idna").decode("ascii").lower() for label in labels)
    except UnicodeError:
        return None
