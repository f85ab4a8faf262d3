"""Macros in force: a bad file never replaces a good one; its texts are tried as templates are."""

from __future__ import annotations

from inbox.flow import active
from inbox.flow.admin.stored_sets import in_force
from tests.flow.house import House

GOOD = 'macros:\n  - {name: done, why: It is., text: "Dear {{ contact.name }}", then: close}\n'


def names(house: House) -> list[str]:
    with house.looking() as conn:
        files = in_force(conn)
    assert files is not None
    return list(files.macros.by_name)


def test_macros_are_put_in_force_and_withdrawn_with_the_other_files(house: House) -> None:
    assert names(house) == []
    house.write("macros.yaml", GOOD)
    house.activate()
    assert names(house) == ["done"]
    (house.settings.folder / "macros.yaml").unlink()
    house.activate()
    assert names(house) == []


def test_a_bad_macro_is_refused_with_its_place_and_the_good_one_stays(house: House) -> None:
    house.write("macros.yaml", GOOD)
    house.activate()
    house.write("macros.yaml", GOOD.replace("contact.name", "contact.nmae"))
    _, problems = active.activate(house.db, house.settings, house.now)
    (problem,) = [one for one in problems if "macros.yaml" in one.file]
    assert problem.line == 2 and "macro `done`" in problem.message
    assert names(house) == ["done"]
