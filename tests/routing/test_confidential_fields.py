"""Which fields of accounts and contacts `teams.yaml` marks confidential, and what it may not mark."""

from __future__ import annotations

import pytest

from routing.fields import FIELDS
from routing.teams import LIMITED, load_directory

PEOPLE = """people:
  - {handle: maya, name: Maya, address: maya@aboard.example, role: admin}
  - {handle: lena, name: Lena, address: lena@aboard.example, role: lead}
  - {handle: ines, name: Ines, address: ines@aboard.example}
  - {handle: tom, name: Tom, address: tom@aboard.example}
  - {handle: noor, name: Noor, address: noor@aboard.example, role: viewer}
teams:
  - {name: support, duty: ines, members: [ines]}
  - {name: success, duty: tom, members: [tom]}
"""


def test_the_teams_listed_leads_and_admins_see_a_confidential_field() -> None:
    limits = "confidential_fields: {account.tier: [support], contact.role: [support, success]}\n"
    found, problems = load_directory(PEOPLE + limits, "teams.yaml")
    assert found is not None and not problems
    withheld = {one.handle: found.withheld_from(one) for one in found.people}
    assert withheld == {
        "maya": (),
        "lena": (),
        "ines": (),
        "tom": ("account.tier",),
        "noor": ("account.tier", "contact.role"),
    }


def test_an_empty_list_leaves_leads_and_admins() -> None:
    found, _ = load_directory(PEOPLE + "confidential_fields: {account.tags: []}\n", "teams.yaml")
    assert found is not None
    blind = [one.handle for one in found.people if found.withheld_from(one)]
    assert blind == ["ines", "tom", "noor"]


def test_nothing_is_withheld_where_nothing_is_listed() -> None:
    found, _ = load_directory(PEOPLE, "teams.yaml")
    assert found is not None
    assert not any(found.withheld_from(one) for one in found.people)


@pytest.mark.parametrize(
    ("line", "place", "said"),
    [
        ("  account.name: [support]", "11:3", "a customer is known by it"),
        ("  account.domain: [support]", "11:3", "it stands in every address"),
        ("  account.stage: [support]", "11:3", "listed and counted goes by it"),
        ("  account.owner: [support]", "11:3", "has to know who owns the account"),
        ("  contact.address: [support]", "11:3", "it stands in every mail"),
        ("  account.teir: [support]", "11:3", "`account.teir` cannot be marked confidential ("),
        ("  account.tier: [suport]", "11:18", 'cannot be "suport"'),
        ("  account.tier: {support: yes}", "11:17", "must be a list of texts"),
    ],
)
def test_what_cannot_be_marked_is_said_with_its_place(line: str, place: str, said: str) -> None:
    found, problems = load_directory(f"{PEOPLE}confidential_fields:\n{line}\n", "teams.yaml")
    assert found is None
    (problem,) = problems
    assert str(problem).startswith(f"teams.yaml:{place}: "), str(problem)
    assert said in str(problem)


def test_only_what_a_condition_may_look_at_is_limited() -> None:
    assert set(LIMITED) <= set(FIELDS)
