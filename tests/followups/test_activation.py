"""Follow-ups and mail templates are in force by their contents; a bad file replaces nothing."""

from __future__ import annotations

from inbox.flow import active
from inbox.flow.admin.admin_set import AdminFiles
from inbox.store import sets
from routing.sequences import Followups
from tests.flow.house import House
from tests.followups.office import Office


def in_force(office: House) -> AdminFiles:
    with office.looking() as conn:
        found = active.in_force(conn)
    assert found is not None
    return found


def test_what_is_in_force_is_what_was_written(office: Office) -> None:
    found = in_force(office)
    assert [one.name for one in found.followups.sequences][:2] == [
        "waiting-for-you",
        "introduction",
    ]
    assert found.mail.by_name["welcome"].role == "tells"
    assert set(found.mail.by_name) == set(found.templates)


def test_a_changed_text_of_a_template_is_another_set(office: Office) -> None:
    with office.looking() as conn:
        before = sets.active_hashes(conn)
    office.write("templates/mail/welcome/body.txt", "Good morning.\n")
    office.activate()
    with office.looking() as conn:
        after = sets.active_hashes(conn)
    assert {kind for kind in after if after[kind] != before.get(kind)} == {"templates"}
    assert in_force(office).mail.by_name["welcome"].variants["en"]["body.txt"] == "Good morning.\n"


def test_a_broken_template_never_replaces_a_good_one(office: Office) -> None:
    before = in_force(office).mail
    office.write("templates/mail/welcome/body.txt", "{{ nobody.knows }}")
    _, problems = active.activate(office.db, office.settings, office.now)
    (told,) = problems
    assert (told.file, told.code) == ("templates/mail/welcome/body.txt", "unknown-variable")
    assert in_force(office).mail == before
    _, checked = active.check(active.read_disk(office.settings))
    assert told in checked


def test_bad_follow_ups_never_replace_good_ones(office: Office) -> None:
    before = in_force(office).followups
    office.write("followups.yaml", "acknowledge: {who: everybody, template: nothing}\n")
    _, problems = active.activate(office.db, office.settings, office.now)
    assert [one.code for one in problems] == ["unknown-template", "wrong-role"]
    assert in_force(office).followups == before


def test_without_the_file_nothing_goes_out_by_itself(office: Office) -> None:
    (office.settings.folder / "followups.yaml").unlink()
    _, problems = active.activate(office.db, office.settings, office.now)
    assert not problems
    assert in_force(office).followups == Followups()


def test_a_stored_template_that_cannot_be_used_spares_the_others(office: Office) -> None:
    with office.db.write() as conn:
        active_set = sets.active(conn, "templates")
        assert active_set is not None
        files = {**active_set.files, "welcome/about.yaml": "role: of a newer program\n"}
        sets.activate(conn, "templates", "another", files, office.now)
    found = in_force(office)
    assert "welcome" not in found.mail.by_name
    assert "check-in" in found.mail.by_name
    assert not found.problems
