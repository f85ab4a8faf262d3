"""How the rules in force do: which act, which never do, which people overrule; and what rules in
shadow mode would have done otherwise. Reads only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any

from inbox.clock import iso
from inbox.flow import active
from inbox.store import hits, sets, shadow
from inbox.store.database import Conn, Database
from inbox.store.hits import RuleHits
from inbox.store.shadow import Difference
from routing.ruleset import Fallback, Rule

NO_HITS = RuleHits(0, 0, 0, None)


@dataclass(frozen=True, slots=True)
class RuleCoverage:
    """One rule and what it did."""

    rule: Rule
    hits: int
    """Messages that it acted on, in the window."""
    decided: int
    """Threads that it gave their team, in the window."""
    overridden: int
    """Those of them that a person gave to another team later."""
    last_hit_at: datetime | None
    """Its last hit of all; None where it never acted."""

    @property
    def override_share(self) -> float | None:
        """The share of its teams that people overruled; None where it named none."""
        return self.overridden / self.decided if self.decided else None

    def as_json(self) -> dict[str, Any]:
        """The JSON shape of docs/RULES.md."""
        share = self.override_share
        return {
            "rule": self.rule.name,
            "file": self.rule.file,
            "line": self.rule.line,
            "team": self.rule.actions.team or None,
            "on": [str(event) for event in self.rule.events],
            "tests": len(self.rule.cases),
            "hits": self.hits,
            "decided": self.decided,
            "overridden": self.overridden,
            "override_share": None if share is None else round(share, 4),
            "last_hit_at": iso(self.last_hit_at) if self.last_hit_at else None,
            "never": self.last_hit_at is None,
        }


@dataclass(frozen=True, slots=True)
class Shadow:
    """The rules in shadow mode: since when, and where they differ."""

    hash: str
    since: datetime
    compared: int
    """Decisions made since then; in all others the two agree."""
    differences: tuple[Difference, ...]
    problems: tuple[Mapping[str, Any], ...] = ()
    """Of newer files that were refused."""
    refused_at: datetime | None = None
    """When those were refused; None where the newest files are those in shadow mode."""

    @property
    def different(self) -> int:
        """Messages that the shadow rules would have sent elsewhere."""
        return sum(one.count for one in self.differences)

    def as_json(self) -> dict[str, Any]:
        """The JSON shape of docs/RULES.md."""
        return {
            "shadow": self.hash,
            "since": iso(self.since),
            "compared": self.compared,
            "different": self.different,
            "differences": [
                {
                    "from": one.live_team,
                    "to": one.shadow_team,
                    "live_rule": one.live_rule,
                    "shadow_rule": one.shadow_rule,
                    "count": one.count,
                    "last_at": iso(one.last_at),
                    "last_message_id": str(one.last_message_id),
                }
                for one in self.differences
            ],
            "problems": [dict(one) for one in self.problems],
            "refused_at": iso(self.refused_at) if self.refused_at else None,
        }


@dataclass(frozen=True, slots=True)
class RulesPage:
    """All that is to be known about the rules in force, in one read."""

    hash: str
    files: tuple[str, ...]
    activated_at: datetime
    fallback: Fallback
    rules: tuple[RuleCoverage, ...]
    """In the order in which they are asked."""
    tests: int
    """All tests, those that stand alone included."""
    since: datetime
    problems: tuple[Mapping[str, Any], ...] = ()
    """Of the newest files, where they were refused; the set above is what stays in force."""
    refused_at: datetime | None = None
    """When those were refused; None where the newest files are those in force."""
    gone: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    """Hits in the window of rules that are no longer in the set."""
    shadow: Shadow | None = None

    @property
    def never(self) -> tuple[str, ...]:
        """Rules that never acted on any message."""
        return tuple(one.rule.name for one in self.rules if one.last_hit_at is None)

    def as_json(self) -> dict[str, Any]:
        """The JSON shape of docs/RULES.md."""
        return {
            "ruleset": self.hash,
            "activated_at": iso(self.activated_at),
            "files": list(self.files),
            "since": iso(self.since),
            "tests": self.tests,
            "fallback": self.fallback.team,
            "rules": [one.as_json() for one in self.rules],
            "never": list(self.never),
            "gone": dict(self.gone),
            "problems": [dict(one) for one in self.problems],
            "refused_at": iso(self.refused_at) if self.refused_at else None,
            "shadow": self.shadow.as_json() if self.shadow else None,
        }


def rules_page(db: Database, since: datetime) -> RulesPage | None:
    """The rules in force with their hits since then; None before the first activation."""
    with db.read() as conn:
        files = active.in_force(conn)
        kept = sets.active(conn, "rules")
        if files is None or kept is None:
            return None
        counted = hits.by_rule(conn, since)
        ruleset = files.ruleset
        names = {rule.name for rule in ruleset.rules}
        beside = shadow_counts(conn)
        # Of shadow rules that never were any good there is no other place to tell it.
        first = sets.refused(conn, "shadow") if beside is None else ()
        return RulesPage(
            hash=ruleset.hash,
            files=ruleset.files,
            activated_at=kept.activated_at,
            fallback=ruleset.fallback,
            rules=tuple(_of_rule(rule, counted.get(rule.name, NO_HITS)) for rule in ruleset.rules),
            tests=len(ruleset.cases),
            since=since,
            problems=(*kept.problems, *(one.as_json() for one in first)),
            refused_at=sets.refused_at(conn, "rules" if kept.problems else "shadow")
            if kept.problems or first
            else None,
            gone={
                name: one.hits for name, one in counted.items() if name not in names and one.hits
            },
            shadow=beside,
        )


def _of_rule(rule: Rule, counted: RuleHits) -> RuleCoverage:
    return RuleCoverage(
        rule, counted.hits, counted.decided, counted.overridden, counted.last_hit_at
    )


def shadow_counts(conn: Conn) -> Shadow | None:
    """Where the rules in shadow mode differ, since they were put beside; None where there are
    none."""
    beside = sets.active(conn, "shadow")
    if beside is None:
        return None
    return Shadow(
        hash=beside.hash,
        since=beside.activated_at,
        compared=shadow.compared(conn, beside.activated_at),
        differences=shadow.differences(conn, beside.hash),
        problems=beside.problems,
        refused_at=sets.refused_at(conn, "shadow"),
    )
