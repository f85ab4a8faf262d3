"""Names and domains that pretend to be somebody else's: what to say about them, what to show.

A display name proves nothing, so it never shows a second address beside the true one; letters of
several scripts in one word are how a name or a domain is made to look like another (UTS 39).
"""

from __future__ import annotations

import re
import unicodedata

from inbox.mail.letter import Address

NAME_IS_ADDRESS, NAME_MIXED, DOMAIN_MIXED, NAME_PADDED = (
    "from-name-is-address",
    "from-name-mixed-scripts",
    "from-domain-mixed-scripts",
    "from-name-padded",
)
_AT = re.compile(r"[@\uff20\ufe6b]|\(at\)|\[at\]", re.IGNORECASE)
_PADDED = re.compile(r"\s{8}|[\u2800\u3164\u115f\u1160\uffa0]")
_SCRIPTS = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC")
"""Scripts whose letters are taken for each other's."""


def shown_name(author: Address) -> str:
    """The display name as it may stand beside the address: nothing where it is one itself."""
    name = author.name.strip()
    return "" if _AT.search(name) and name.lower() != author.address.lower() else name


def oddities(author: Address) -> tuple[str, ...]:
    """What is misleading about an author, as defects of the mail."""
    found = []
    if author.name and not shown_name(author):
        found.append(NAME_IS_ADDRESS)
    if any(_is_mixed(word) for word in re.findall(r"\w+", author.name[:300])):
        found.append(NAME_MIXED)
    if _PADDED.search(author.name) or len(author.name) > 150:
        found.append(NAME_PADDED)
    if any(_is_mixed(_unicode(label)) for label in author.domain.split(".")):
        found.append(DOMAIN_MIXED)
    return tuple(found)


def _is_mixed(word: str) -> bool:
    scripts = set()
    for letter in word[:100]:
        if letter.isalpha():
            name = unicodedata.name(letter, "").partition(" ")[0]
            scripts |= {name} & set(_SCRIPTS)
    return len(scripts) > 1


def _unicode(label: str) -> str:
    """A label of a domain as people see it."""
    if not label.startswith("xn--"):
        return label
    try:
        return label[4:].encode("ascii").decode("punycode")
    except (UnicodeError, ValueError, OverflowError):
        return label
