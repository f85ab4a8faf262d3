"""What people change on an account: its facts, who owns it for a team, what a contact is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from inbox.errors import AboardError, NotFound
from inbox.flow.admin.stored_sets import in_force
from inbox.store import account_look, accounts, people, timeline
from inbox.store.accounts import Account
from inbox.store.database import Conn, Database
from inbox.store.seers import seer_of
from routing.reader import did_you_mean

EDITED, STAGED = "account-edited", "stage-changed"
MOST_NAME, MOST_WORD = 300, 60


@dataclass(frozen=True, slots=True)
class Facts:
    """What an account is to be."""

    name: str
    tier: str
    stage: str
    tags: Sequence[str]


@dataclass(frozen=True, slots=True)
class Keeper:
    """Somebody of ours who looks after accounts."""

    db: Database
    by: str
    """Handle of the person."""

    def edit(self, account_id: int, facts: Facts, now: datetime) -> Account:
        """Set name, tier, stage and tags. Raises `NotFound`, `AboardError` for what cannot be.

        What the person does not see stays as it is, whatever is given for it.
        """
        with self.db.write() as conn:
            one = self._held(conn, account_id)
            hidden = self._hidden(conn)
            wanted = {
                name: new
                for name, new in _checked(conn, facts).items()
                if f"account.{name}" not in hidden
            }
            changes = {name: new for name, new in wanted.items() if _of(one, name) != new}
            if not changes:
                return one
            accounts.update_facts(conn, one.id, **changes, provisional=False)
            if "stage" in changes:
                data = {"stage": changes["stage"], "from": one.stage or ""}
                self._happened(conn, one.id, STAGED, data, now)
            said = {name: [_of(one, name), new] for name, new in changes.items() if name != "stage"}
            if said:
                self._happened(conn, one.id, EDITED, {"changes": said}, now)
            return accounts.by_id(conn, one.id)

    def own(self, account_id: int, team: str, handle: str, now: datetime) -> None:
        """Say who owns an account for a team; an empty handle: nobody. `NotFound`."""
        with self.db.write() as conn:
            one = self._held(conn, account_id)
            teams = people.team_names(conn)
            if team not in teams:
                raise NotFound(f"there is no team {team!r} ({did_you_mean(team, teams)})")
            was = accounts.owners_by_account(conn, [one.id]).get(one.id, {}).get(team, "")
            if handle == was:
                return
            if handle:
                accounts.set_owner(conn, one.id, team, people.by_handle(conn, handle).id)
            else:
                account_look.no_owner(conn, one.id, team)
            self._happened(conn, one.id, EDITED, {"changes": {f"owner {team}": [was, handle]}}, now)

    def role(self, account_id: int, contact_id: int, role: str, now: datetime) -> None:
        """Say what a contact is at their company (sponsor, champion, IT, ...). `NotFound`."""
        word = " ".join(role.split())
        if len(word) > MOST_WORD:
            raise AboardError(f"a role has at most {MOST_WORD} letters")
        with self.db.write() as conn:
            one = self._held(conn, account_id)
            if "contact.role" in self._hidden(conn):
                raise AboardError("what contacts are at their company is confidential")
            known = {who.id: who for who in account_look.contacts_of(conn, one.id)}
            if contact_id not in known:
                raise NotFound(f"account {one.id} has no contact {contact_id}")
            who = known[contact_id]
            if (who.role or "") == word:
                return
            account_look.set_role(conn, contact_id, word or None)
            called = who.name or (who.addresses[0] if who.addresses else str(contact_id))
            said = {f"role of {called}": [who.role or "", word]}
            self._happened(conn, one.id, EDITED, {"changes": said}, now)

    def _hidden(self, conn: Conn) -> frozenset[str]:
        """The confidential fields that the person does not see."""
        return seer_of(conn, people.by_handle(conn, self.by)).withheld

    def _held(self, conn: Conn, account_id: int) -> Account:
        people.at_work(conn, self.by)
        one = accounts.by_id(conn, account_id)
        accounts.lock(conn, [one.id])
        return one

    def _happened(
        self, conn: Conn, account_id: int, kind: str, data: Mapping[str, Any], now: datetime
    ) -> None:
        actor = f"person:{self.by}"
        timeline.append(conn, [timeline.Event(account_id, None, None, now, kind, actor, data)])


def _of(one: Account, name: str) -> Any:
    value = getattr(one, name)
    return list(value) if name == "tags" else value


def _checked(conn: Conn, facts: Facts) -> dict[str, Any]:
    name, tier = " ".join(facts.name.split()), " ".join(facts.tier.split())
    if not name or len(name) > MOST_NAME:
        raise AboardError(f"an account needs a name of at most {MOST_NAME} letters")
    files = in_force(conn)
    stages = () if files is None else files.stages
    if facts.stage and stages and facts.stage not in stages:
        hint = did_you_mean(facts.stage, stages)
        raise AboardError(f"there is no stage {facts.stage!r} ({hint})")
    tags = [" ".join(one.split()) for one in facts.tags if one.strip()]
    if len(tier) > MOST_WORD or any(len(one) > MOST_WORD for one in tags):
        raise AboardError(f"a tier or a tag has at most {MOST_WORD} letters")
    return {
        "name": name,
        "tier": tier or None,
        "stage": facts.stage or None,
        "tags": list(dict.fromkeys(tags)),
    }
