"""Which domain speaks for which: alignment, and the policy that a domain publishes (RFC 9989).

No list of public suffixes is vendored: it would be out of date in every installation that is not
updated. Instead:

- A domain speaks for itself and, relaxed, for those below it. The owner of a zone can redirect
  everything below it anyway, so a parent gains nothing by it. Not so a provider whose subdomains
  belong to strangers (`public`), a single label, or a registry's second level such as `co.uk`;
  under a registry nobody can publish a key in any case, as no name with `_` can be registered.
- A domain below, or beside, speaks only where the policy record of a common parent says so
  (`adkim` relaxed), found by walking up as RFC 9989 does; a record with `psd=y` is a registry's.
  Without that word a subdomain, often handed to an outside service, does not speak for the house.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from inbox.mail.authentication_dkim import Unusable, read_tags

LookUp = Callable[[str], tuple[bytes, ...]]
"""The TXT records of a name, each in one piece; none where there are none. Raises `Unanswered`."""

MOST_STEPS = 5
"""Names that are asked for a policy, from the author's domain upwards."""

_LISTED = """
    ac asn asso co com edu firm gen go gob gouv gov gv id ind info ltd me med mil ne net nhs nic
    nom or org plc police pro sch web
"""
_REGISTRIES = frozenset(_LISTED.split())


class Unanswered(Exception):
    """DNS gave no answer: too late, refused, broken, or more than one mail may ask. Not a no."""


def above(domain: str) -> tuple[str, ...]:
    """A domain and those above it that have at least two labels, nearest first."""
    labels = domain.split(".")
    return tuple(".".join(labels[at:]) for at in range(len(labels) - 1))


def is_shared(domain: str, public: frozenset[str]) -> bool:
    """Do strangers to each other live below this domain?"""
    first, dot, rest = domain.partition(".")
    registry = first in _REGISTRIES and re.fullmatch(r"[a-z]{2}", rest) is not None
    return not dot or registry or domain in public


def speaks_for(signer: str, author: str, strict: bool, public: frozenset[str]) -> bool:
    """May a signature of `signer` vouch for an author at `author`, with nobody's further word?"""
    if not signer or "." not in signer:
        return False
    if signer == author:
        return True
    return not strict and author.endswith(f".{signer}") and not is_shared(signer, public)


def may_be_kin(signer: str, author: str, public: frozenset[str]) -> bool:
    """Have the two a parent in common whose policy could let one speak for the other?"""
    return any(one in above(signer) and not is_shared(one, public) for one in above(author))


@dataclass(frozen=True, slots=True)
class DmarcPolicy:
    """What a domain publishes about mail that nothing proves to be its own."""

    at: str
    """The domain whose record it is: the author's, else the nearest above."""
    house: str
    """The topmost domain with such a record: those below it may speak for each other."""
    wants: str
    """none, quarantine or reject, for the author's very domain."""
    strict: bool
    """`adkim=s`: only the very domain may sign."""
    strict_path: bool = False
    """`aspf=s`: only the very domain may be the reverse-path's."""


def find_policy(
    author: str, look_up: LookUp, exists: Callable[[str], bool] | None = None
) -> DmarcPolicy | None:
    """Walk up from the author's domain over the records there are (RFC 9989 section 4.10).

    `exists` tells whether there is such a name, for `np=`; it is asked where the answer changes
    anything, and without it every name counts as one that exists. Raises `Unanswered`.
    """
    names = above(author)
    if len(names) > MOST_STEPS:
        names = (names[0], *names[1 - MOST_STEPS :])
    policy, house = None, ""
    for name in names:
        records = [one for one in look_up(f"_dmarc.{name}") if _is_policy(one)]
        tags = _tags(records[0]) if len(records) == 1 else None  # several count as none
        if tags is None:
            continue
        if tags.get("psd") == "y" and name != author:
            break
        policy, house = policy or (name, tags), name
        if tags.get("psd") == "n":
            break
    if policy is None:
        return None
    at, tags = policy
    wants = tags.get("p", "none").lower()
    if at != author:
        wants = tags.get("sp", wants).lower()
        invented = tags.get("np", wants).lower()
        if invented != wants and exists is not None and not exists(author):
            wants = invented
    if tags.get("t") == "y" or tags.get("pct") == "0":
        wants = "none"
    strict, strict_path = (tags.get(one, "r").lower() == "s" for one in ("adkim", "aspf"))
    return DmarcPolicy(at, house, wants, strict, strict_path)


def _is_policy(record: bytes) -> bool:
    return re.match(rb"v[ \t]*=[ \t]*DMARC1[ \t]*(;|\Z)", record) is not None


def _tags(record: bytes) -> dict[str, str] | None:
    try:
        return read_tags(record.decode("ascii"))
    except (Unusable, UnicodeDecodeError):
        return None
