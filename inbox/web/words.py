"""What codes are called on a page: causes, defects, statuses, events. Only words, no logic."""

from __future__ import annotations

STATUSES = {
    "open": "Open",
    "waiting": "Waiting",
    "snoozed": "Snoozed",
    "closed": "Closed",
    "all": "All",
}
"""Filters of the list in the order of the tabs."""

AUTOMATIC = {
    "auto-reply": "Automatic reply",
    "out-of-office": "Out of office",
    "bounce": "Delivery report",
    "list": "Mailing list",
    "bulk": "Bulk mail",
    "abuse-report": "Abuse report",
}

ON = {
    "new-thread": "new thread",
    "reply": "reply",
    "bounce": "delivery report",
    "handoff": "handoff",
    "stage-change": "change of stage",
}
"""When a rule is asked."""

LINKS = {
    "parted": "taken apart from it by a person",
    "refers-to-its-mail": "refers to a mail of it",
    "delivery-report": "reports on a mail of it",
    "abuse-report": "complains about a mail of it",
}

MAIL_DECISIONS = (
    "proposal-made",
    "proposal-applied",
    "proposal-declined",
    "forward-corrected",
    "loop-stopped",
    "abuse-reported",
    "loop-released",
    "invitation",
    "invitation-answered",
    "invitation-cancelled",
    "invitation-countered",
)
"""What is decided about mail that proves nothing, and what mail hygiene did."""

EVENTS = {
    "mail": (
        *("mail-in", "mail-out", "reply-queued", "mail-queued", "mail-failed", "mail-uncertain"),
        *("mail-expired", "mail-cancelled", "mail-released", "mail-bounced", "mail-forwarded"),
        *("agent-mail-refused", "agent-mail-held"),
    ),
    "routing": (
        *("assigned", "threads-joined", "forwarded-by-colleague", "owner-changed"),
        *("handoff-offered", "handoff-accepted", "handoff-declined", "handoff-returned"),
        *("handoff-withdrawn", "threads-merged", "threads-unmerged", "thread-split"),
        *("account-changed", "people-told", "confidential-set", "confidential-lifted"),
        *MAIL_DECISIONS,
    ),
    "clocks": (
        *("target-at-risk", "target-breached", "target-escalated", "status-changed"),
        *("follow-ups-planned", "follow-ups-cancelled", "follow-ups-moved", "follow-up-skipped"),
        *("follow-up-parked", "follow-up-paused", "follow-up-resumed", "follow-up-edited"),
    ),
    "account": (
        "account-created",
        "accounts-merged",
        "accounts-unmerged",
        "account-edited",
        "stage-changed",
    ),
    "notes": ("note", "tagged", "priority-changed"),
}
"""Filters of the timeline: name -> kinds of events."""

FILTERS = {
    "all": "Everything",
    "mail": "Mail",
    "routing": "Routing",
    "clocks": "Clocks",
    "notes": "Notes",
    "account": "Account",
}

_CAUSES = {
    "memory": "Reading it needs more memory than one mail may use",
    "unreadable": "It could not be read",
    "damaged-in-store": "What is stored of it is damaged",
    "filing-failed": "It was read, but could not be filed",
    "over-limit": "It used more time or memory than one mail may use",
    "header-too-large": "Its header is too large",
    "field-too-large": "One of its header fields is too large",
    "too-many-fields": "It has too many header fields",
    "too-many-parts": "It has too many parts",
    "too-deep": "Its parts are nested too deep",
    "no-author": "It names no author",
    "attempts-exhausted": "It was tried too often",
}

_DEFECTS = {
    "address-ambiguous": "has an address that can be read in two ways",
    "address-invalid": "has an address that is none",
    "address-unclosed": "has an address field with an open bracket or quote",
    "attached-message-over-limits": "carries a message that is too large to be read",
    "boundary-missing": "has a multipart without its boundary",
    "calendar-broken": "has a calendar part that cannot be read",
    "charset-broken": "has text that is not in the character set it names",
    "charset-undeclared": "names no character set",
    "charset-unknown": "names an unknown character set",
    "content-type-invalid": "has a part with a broken Content-Type",
    "date-missing": "has no date",
    "date-invalid": "has a date that cannot be read",
    "from-missing": "names no author",
    "from-address-ambiguous": "names an author that can be read in two ways",
    "from-address-unclosed": "names its author with an open bracket or quote",
    "from-group": "names a group as its author",
    "from-several": "names several authors",
    "from-unusable": "has an author field that cannot be read",
    "from-name-is-address": "names its author by an address that is not theirs",
    "from-name-mixed-scripts": "writes its author's name with letters of several scripts",
    "from-domain-mixed-scripts": "comes from a domain with letters of several scripts",
    "from-name-padded": "hides a part of its author's name",
    "header-torn": "has a header torn in two",
    "message-id-missing": "has no Message-ID",
    "message-id-in-use": "uses the Message-ID of another mail",
    "multipart-unclosed": "ends in the middle of a part",
    "tnef-broken": "has a winmail.dat that cannot be read to its end",
    "transfer-broken": "has a part with a broken encoding",
    "transfer-unknown": "has a part in an unknown encoding",
}


def _plainly(code: str) -> str:
    return code.replace("-", " ")


def cause(code: str) -> str:
    """Why a mail is in quarantine."""
    return _CAUSES.get(code, _plainly(code).capitalize())


def defect(code: str) -> str:
    """What is wrong with a mail, to follow `This mail`."""
    return _DEFECTS.get(code, _plainly(code))


def automatic(kind: str) -> str:
    """What kind of automatic mail."""
    return AUTOMATIC.get(kind, _plainly(kind).capitalize())
