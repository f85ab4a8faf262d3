"""Models in the database: kept by hash, promoted, rolled back, broken ones never stop mail."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import update

from classifiers import artifact
from classifiers.artifact import ModelError
from classifiers.text import MailText
from inbox.app import filing_context
from inbox.errors import AboardError
from inbox.flow.admin.context import Guess
from inbox.flow.learning import guess, models
from inbox.flow.learning.model_state import state
from inbox.store import models as store
from inbox.store import pages
from inbox.store.model_tables import models as table
from tests.classifier_flow.office import AUDIT, LOGIN, daring, letter, promote
from tests.classifiers.samples import small_model
from tests.databases import NOW
from tests.flow.house import House

MAIL = MailText(visible=AUDIT)


def test_a_kept_model_comes_back_with_the_same_answers(office: House) -> None:
    with office.db.write() as conn:
        digest = models.keep(conn, daring(), NOW)
        assert models.keep(conn, daring(), NOW) == digest
    models._LOADED.clear()
    with office.db.read() as conn:
        assert models.load(conn, digest).predict(MAIL) == daring().predict(MAIL)


def test_without_any_model_rules_alone_route_and_it_is_said(office: House) -> None:
    assert office.context().classify is None
    office.receive(letter(1, AUDIT))
    assert office.thread("m1@company1.example").decided_by == "fallback"
    with office.db.read() as conn:
        assert [one.code for one in state(conn, NOW).problems] == ["classifier"]


def test_the_shipped_model_comes_into_force_once(office: House, tmp_path: Path) -> None:
    path = tmp_path / "shipped.aboard-model"
    artifact.save(daring(), path)
    assert models.activate_shipped(office.db, path, NOW) is None
    promote(office, small_model())
    assert models.activate_shipped(office.db, path, NOW) is None
    with office.db.read() as conn:
        live = models.in_force(conn)
        assert live is not None
        assert live.trained.id == small_model().id
        assert [one.actor for one in store.steps(conn)] == ["test", "aboard"]


@pytest.mark.parametrize("content", [None, b"", b"hello", b"\x89ABOARD\n"])
def test_a_missing_or_foreign_shipped_model_is_a_problem_and_no_stop(
    office: House, tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "shipped.aboard-model"
    if content is not None:
        path.write_bytes(content)
    found = models.activate_shipped(office.db, path, NOW)
    assert found is not None
    assert found.severity == "warning"
    assert str(path) in found.message
    assert models.unusable(path) == found
    assert office.receive(letter(1, AUDIT)).filed == 1


@pytest.mark.parametrize("damage", [b"", b"no model", "cut", "flipped"])
def test_a_broken_model_in_the_database_lets_mail_flow_and_is_shown(
    office: House, damage: bytes | str
) -> None:
    promote(office, daring())
    content = artifact.dump(daring())
    if damage == "cut":
        content = content[:-100]
    elif damage == "flipped":
        content = content[:5000] + bytes([content[5000] ^ 1]) + content[5001:]
    else:
        content = bytes(damage)  # type: ignore[arg-type]
    with office.db.write() as conn:
        conn.execute(update(table).values(content=content))
    models._LOADED.clear()
    context = office.context()
    assert context.classify is None
    assert office.receive(letter(1, AUDIT)).filed == 1
    assert office.thread("m1@company1.example").decided_by == "fallback"
    with office.db.read() as conn:
        said = pages.refused_files(conn)
        assert any("rollback" in one for one in said)
        assert state(conn, NOW).live is None
        with pytest.raises(ModelError, match="in the database"):
            models.in_force(conn)


def test_promoting_a_good_model_mends_a_broken_one(office: House) -> None:
    promote(office, daring())
    with office.db.write() as conn:
        conn.execute(update(table).values(content=b""))
    models._LOADED.clear()
    assert office.context().classify is None
    promote(office, small_model())
    assert office.context().classify is not None
    with office.db.read() as conn:
        assert pages.refused_files(conn) == ()


def test_promoting_the_same_file_again_mends_the_damaged_row(office: House, tmp_path: Path) -> None:
    path = tmp_path / "shipped.aboard-model"
    artifact.save(daring(), path)
    promote(office, artifact.load(path))
    with office.db.write() as conn:
        conn.execute(update(table).values(content=path.read_bytes()[:-100]))
    models._LOADED.clear()
    assert office.context().classify is None
    promote(office, artifact.load(path))
    models._LOADED.clear()
    assert office.context().classify is not None
    with office.db.read() as conn:
        assert state(conn, NOW).problems == ()
        pointer = store.pointer(conn)
        assert pointer is not None
        assert store.content(conn, pointer.hash) == path.read_bytes()


def test_a_model_that_the_database_does_not_give_back_whole_is_not_promoted(
    office: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    promote(office, small_model())
    monkeypatch.setattr(store, "content", lambda conn, digest: b"cut")
    with pytest.raises(ModelError, match="in the database"), office.db.write() as conn:
        models.promote(conn, daring(), "test", "", NOW)
    with office.db.read() as conn:
        assert [one.model_id for one in store.steps(conn)] == [small_model().id]


def test_workers_see_a_new_model_by_their_versions_and_keep_the_files_they_hold(
    office: House,
) -> None:
    held, versions = filing_context(office.db, office.settings, None, ())
    assert filing_context(office.db, office.settings, held, versions) == (held, versions)
    promote(office, daring())
    fresh, now = filing_context(office.db, office.settings, held, versions)
    assert now != versions
    assert fresh.files is held.files
    assert fresh.classify is not None


def test_rollback_goes_back_step_by_step_and_forgets_nothing(office: House) -> None:
    chain = [daring(at) for at in (-1.0, -2.0, -3.0)]
    for model in chain:
        promote(office, model)
    seen = []
    for _ in range(2):
        with office.db.write() as conn:
            seen.append(models.rollback(conn, "test", NOW).model_id)
    assert seen == [chain[1].id, chain[0].id]
    with office.db.write() as conn, pytest.raises(AboardError, match="no model to go back to"):
        models.rollback(conn, "test", NOW)
    promote(office, chain[2])
    with office.db.write() as conn:
        assert models.rollback(conn, "test", NOW).model_id == chain[0].id
        assert len(store.steps(conn)) == 7


def test_before_the_first_model_stands_the_one_that_comes_with_aboard(
    office: House, tmp_path: Path
) -> None:
    """Promoted before the first start: there was nothing in force, but there is a way back."""
    shipped = tmp_path / "shipped.aboard-model"
    with office.db.write() as conn, pytest.raises(ModelError, match="no model file"):
        models.rollback(conn, "test", NOW, shipped)
    artifact.save(daring(), shipped)
    promote(office, small_model())
    with office.db.write() as conn:
        assert models.rollback(conn, "test", NOW, shipped).model_id == daring().id
    with office.db.write() as conn, pytest.raises(AboardError, match="no model to go back to"):
        models.rollback(conn, "test", NOW, shipped)
    promote(office, small_model())
    with office.db.write() as conn:
        assert models.rollback(conn, "test", NOW, shipped).model_id == daring().id
    shipped.write_bytes(b"")
    promote(office, small_model())
    with office.db.write() as conn:
        models.rollback(conn, "test", NOW, shipped)  # the one before is kept in the database


def test_going_back_passes_over_a_model_that_is_damaged(office: House, tmp_path: Path) -> None:
    chain = [daring(at) for at in (-1.0, -2.0, -3.0)]
    for model in chain:
        promote(office, model)
    with office.db.write() as conn:
        conn.execute(update(table).where(table.c.model_id == chain[1].id).values(content=b"cut"))
    with office.db.write() as conn:
        assert models.rollback(conn, "test", NOW).model_id == chain[0].id
    with office.db.read() as conn:
        assert state(conn, NOW).problems == ()


def test_a_model_that_fails_while_it_answers_stops_no_mail_and_is_shown(office: House) -> None:
    """Its checks passed and yet it raises: rules alone route, and the problem is written down."""
    promote(office, daring())
    context = office.context()
    with office.db.read() as conn:
        live = models.in_force(conn)
    assert live is not None
    broken = replace(live.model, temperature="hot")  # type: ignore[arg-type]
    models._LOADED[live.hash] = broken
    context = office.context()
    assert context.classify is not None
    assert office.receive(letter(1, AUDIT), letter(2, AUDIT, subject="invoice")).filed == 2
    assert office.thread("m1@company1.example").decided_by == "fallback"
    assert office.thread("m2@company2.example").decided_by == "rule"
    with office.db.read() as conn:
        said = pages.refused_files(conn)
        assert any("failed on a mail (TypeError" in one for one in said)
        assert [one.code for one in state(conn, NOW).problems] == ["classifier"]
    models._LOADED.clear()
    promote(office, daring())
    with office.db.read() as conn:
        assert state(conn, NOW).problems == ()


@pytest.mark.parametrize("in_shadow", [False, True])
def test_what_was_noted_of_a_model_is_over_when_it_answers_again(
    office: House, monkeypatch: pytest.MonkeyPatch, in_shadow: bool
) -> None:
    promote(office, daring())
    with office.db.write() as conn:
        models.set_shadow(conn, small_model(), NOW)
    failing, answer = (small_model() if in_shadow else daring()), guess.guess_of

    def stumbling(live: models.InForce, mail: MailText, evidence: int = 5) -> Guess:
        if live.trained.id == failing.id:
            raise ZeroDivisionError("of a mail")
        return answer(live, mail, evidence)

    with monkeypatch.context() as patched:
        patched.setattr(guess, "guess_of", stumbling)
        office.receive(letter(1, AUDIT))
    with office.db.read() as conn:
        (said,) = state(conn, NOW).problems
    wanted = "in shadow, failed on the last mail" if in_shadow else "(ZeroDivisionError: of a mail)"
    assert failing.id in said.message and wanted in said.message
    assert ("shadow --off" in said.hint) is in_shadow
    office.receive(letter(2, AUDIT))
    with office.db.read() as conn:
        assert state(conn, NOW).problems == ()
        assert pages.refused_files(conn) == ()
    assert office.thread("m2@company2.example").decided_by == "classifier"


def test_a_shadow_that_fails_while_it_answers_stops_no_mail(office: House) -> None:
    promote(office, daring())
    with office.db.write() as conn:
        digest = models.set_shadow(conn, small_model(), NOW)
    assert digest is not None
    models._LOADED[digest] = replace(small_model(), temperature="hot")  # type: ignore[arg-type]
    assert office.receive(letter(1, AUDIT)).filed == 1
    models._LOADED.clear()
    assert office.thread("m1@company1.example").decided_by == "classifier"


def test_rollback_is_undo_of_promote_whatever_was_done(office: House) -> None:
    chosen, stack = Random(4), []
    chain = [daring(at) for at in (-1.0, -2.0, -3.0)]
    for _ in range(40):
        if chosen.random() < 0.5:
            stack.append(chosen.choice(chain))
            promote(office, stack[-1])
        elif len(stack) > 1:
            stack.pop()
            with office.db.write() as conn:
                models.rollback(conn, "test", NOW)
        with office.db.read() as conn:
            live = models.in_force(conn)
        assert (live.trained.id if live else None) == (stack[-1].id if stack else None)


def test_a_model_that_names_no_team_of_ours_is_not_promoted(office: House) -> None:
    strange = replace(daring(), labels=("a", "b", "c", "d", "e"))
    with office.db.write() as conn, pytest.raises(AboardError, match="could never route"):
        models.promote(conn, strange, "test", "", NOW)


def test_a_model_is_found_by_file_or_by_the_beginning_of_its_id(
    office: House, tmp_path: Path
) -> None:
    path = tmp_path / "model"
    artifact.save(daring(), path)
    promote(office, daring())
    promote(office, small_model())
    with office.db.read() as conn:
        assert models.find(conn, str(path)).id == daring().id
        assert models.find(conn, small_model().id[:6]).id == small_model().id
        with pytest.raises(AboardError, match="no kept model"):
            models.find(conn, "zzzz")
        with pytest.raises(AboardError, match="no kept model"):
            models.find(conn, "%%%%")


def test_a_shadow_answers_without_effect_and_disagreements_are_counted(office: House) -> None:
    promote(office, small_model())  # it abstains always: forty examples promise nothing
    with office.db.write() as conn:
        models.set_shadow(conn, daring(), NOW)
    office.receive(letter(1, AUDIT), letter(2, LOGIN))
    assert office.thread("m1@company1.example").decided_by == "fallback"
    with office.db.read() as conn:
        found = state(conn, NOW)
        assert found.shadow == daring().id
        assert found.shadow_counts is not None
        assert found.shadow_counts.answers == 2
        assert found.shadow_counts.other_team == 0
        assert found.shadow_counts.other_route == 2
    with office.db.write() as conn:
        models.set_shadow(conn, None, NOW)
    office.receive(letter(3, AUDIT))
    with office.db.read() as conn:
        assert state(conn, NOW).shadow_counts is None
