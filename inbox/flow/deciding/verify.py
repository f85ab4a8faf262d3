"""Who is it really? Asks, for one accepted mail, what `mail.authentication` makes of its author.

Runs in the filing worker, before the transaction: never while a peer waits for its `250`, and
never while a lock is held. What it found is stored with the message and decides whether it joins.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Protocol

from inbox.mail.authentication import (
    FAIL,
    NONE,
    PASS,
    UNKNOWN,
    Envelope,
    How,
    Verdict,
    authenticate,
)
from inbox.mail.authentication_spf import IP, Ask
from inbox.mail.letter import Letter
from inbox.store.intake import Claim

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

NOT_CONFIGURED = Verdict(UNKNOWN, "", "", False, "no resolver and no relay is configured")
KEYS_LAST = timedelta(days=30)
"""For how long mail that waited on a server is verified as if it had just arrived."""
HISTORY = Verdict(UNKNOWN, "", "", False, "it is history: keys of its time may be gone")


class LookUps(Protocol):
    """Look-ups for one mail. Both raise `Unanswered`."""

    def __call__(self, name: str) -> tuple[bytes, ...]:
        """The TXT records of a name, for DKIM and DMARC."""

    def find(self, name: str, kind: str) -> tuple[bytes, ...]:
        """Records of a name, for SPF; see `authentication_spf.Ask`."""


@dataclass(frozen=True, slots=True)
class Verifier:
    """What verification goes by. Without `look_up` and relays every sender is unknown."""

    how: How
    """`how.relays` are the names of our relays; they count for mail that a relay handed over."""
    look_up: Callable[[], LookUps] | None = None
    """Look-ups for one mail, within its limits."""
    networks: tuple[Network, ...] = ()
    """Where our relays are, seen from the SMTP ingress."""
    relayed_mailboxes: bool = False
    """Did all mail that is fetched from a mailbox come through our relays?"""

    def __call__(self, claim: Claim, letter: Letter) -> Verdict:
        """The verdict on a mail; never raises. It is judged as of its arrival."""
        if self.look_up is None and not self.how.relays:
            return NOT_CONFIGURED
        if claim.sent or (claim.dated and not _waited(claim)):
            return HISTORY
        arrived = claim.arrived_at or claim.accepted_at
        author = letter.from_[0].domain if letter.one_author else ""
        relayed = self._relayed(claim)
        how = self.how if relayed else replace(self.how, relays=frozenset())
        look_up = self.look_up() if self.look_up else None
        envelope = None if relayed or look_up is None else _envelope(claim, look_up)
        try:
            return authenticate(claim.raw, author, look_up, arrived, how, envelope, look_up)
        except Exception as error:
            # dkimpy and dnspython have a stranger's bytes in hand. Whatever they trip over, the
            # mail is filed: its author has proved nothing.
            return Verdict(NONE, "", "", False, f"verification failed: {type(error).__name__}")

    def _relayed(self, claim: Claim) -> bool:
        if claim.source == "imap":
            return self.relayed_mailboxes
        peer = _peer(claim)
        return peer is not None and any(peer in one for one in self.networks)


def _peer(claim: Claim) -> IP | None:
    """The machine that handed a mail over by SMTP."""
    if claim.source != "smtp":
        return None
    try:
        peer = ipaddress.ip_address(claim.peer)
    except ValueError:
        return None
    if isinstance(peer, ipaddress.IPv6Address) and peer.ipv4_mapped:
        return peer.ipv4_mapped
    return peer


def _envelope(claim: Claim, ask: Ask) -> Envelope | None:
    """What SPF is asked about: a mail that came by SMTP from no relay of ours, with a
    reverse-path. Behind a relay the peer says nothing about who sent it."""
    peer = _peer(claim)
    return Envelope(peer, claim.reverse_path, ask) if peer and claim.reverse_path else None


def _waited(claim: Claim) -> bool:
    """Did it only wait on the server that it was fetched from? Its keys are still published."""
    if claim.arrived_at is None or claim.opens_as is not None:
        return False
    return claim.accepted_at - claim.arrived_at < KEYS_LAST


def fact(verdict: Verdict) -> bool:
    """The fact `verified` that rules ask: whoever proved nothing is unverified."""
    return verdict.result == PASS


def may_join(verdict: Verdict, letter: Letter) -> bool:
    """May its ids join it to a thread of its author's account (DESIGN I6)?

    Not where its domain disowns it, nor where From names nobody, several people, or somebody else
    to another reader: no domain was asked about that author.
    """
    return verdict.result != FAIL and letter.one_author
