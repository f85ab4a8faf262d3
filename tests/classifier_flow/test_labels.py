"""What people said: labels from reassignments, opt-out, undo, corrections that count at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest

from classifiers import online
from classifiers.drift import watch_newest
from classifiers.text import MailText
from inbox.cli import classifier_force
from inbox.errors import NotFound
from inbox.flow.learning import guess, learnt, models
from inbox.flow.learning.learnt import Mark
from inbox.flow.learning.model_state import DRIFT_FOR, state
from inbox.flow.working import desk
from inbox.store import labels, pages, threads
from tests.classifier_flow.office import AUDIT, LOGIN, TRAINING, daring, letter, promote
from tests.databases import NOW
from tests.flow.house import House


def _moved(office: House, number: int, team: str, **how: bool) -> int:
    thread = office.thread(f"m{number}@company{number}.example")
    office.later(minutes=1)
    desk.assign(office.db, thread.id, team, "maya", office.now, **how)
    return thread.id


def _taught(office: House) -> list[tuple[str, str]]:
    with office.db.read() as conn:
        return [(one.visible_text, one.team) for one in labels.labelled(conn)]


def test_a_reassignment_is_a_label_of_the_mail_that_opened_the_thread(office: House) -> None:
    office.receive(letter(1, AUDIT))
    reply = letter(1, LOGIN, id="r1@company1.example", refs=("m1@company1.example",))
    office.later(hours=1)
    office.receive(reply)
    thread_id = _moved(office, 1, "compliance")
    assert _taught(office) == [(AUDIT, "compliance")]
    with office.db.read() as conn:
        (label,) = labels.listing(conn)
    assert (label.by, label.was_team, label.was_decided_by) == ("maya", "support", "fallback")
    assert label.thread_id == thread_id


def test_who_opts_out_teaches_nothing_but_it_is_noted(office: House) -> None:
    office.receive(letter(1, AUDIT))
    _moved(office, 1, "compliance", learn=False)
    assert _taught(office) == []
    with office.db.read() as conn:
        assert [one.opted_out for one in labels.listing(conn)] == [True]
        assert labels.state(conn) == (0, 0)


def test_the_last_label_of_a_mail_counts_and_undo_revives_the_one_before(office: House) -> None:
    office.receive(letter(1, AUDIT))
    _moved(office, 1, "compliance")
    _moved(office, 1, "success")
    assert _taught(office) == [(AUDIT, "success")]
    with office.db.read() as conn:
        newest = labels.listing(conn)[0]
    with office.db.write() as conn:
        assert labels.undo(conn, newest.id, NOW).undone_at is not None
    assert _taught(office) == [(AUDIT, "compliance")]
    with office.db.write() as conn, pytest.raises(NotFound, match="taken back already"):
        labels.undo(conn, newest.id, NOW)
    with office.db.write() as conn, pytest.raises(NotFound, match="no label 999"):
        labels.undo(conn, 999, NOW)


def test_a_thread_in_which_nobody_wrote_to_us_gives_no_label(office: House) -> None:
    raw = letter(1, "hello", headers={"From": "hello@aboard.example", "To": "ana@company1.example"})
    office.receive(raw, source="file", sent=True)
    _moved(office, 1, "success")
    with office.db.read() as conn:
        assert labels.listing(conn) == ()


def test_a_correction_counts_from_the_next_mail_on_and_undo_takes_it_out(office: House) -> None:
    promote(office, daring())
    office.receive(letter(1, LOGIN))
    before = office.context()
    assert before.classify is not None
    _moved(office, 1, "success")
    with office.db.read() as conn:
        live = models.in_force(conn)
    assert live is not None
    assert live.name == f"{daring().id}+{live.model.id}"
    assert live.corrections == 1
    shift = live.model.margins(_text(office)), live.trained.margins(_text(office))
    at = live.model.labels.index("success")
    assert shift[0][at] > shift[1][at]
    office.receive(letter(2, LOGIN))
    with office.db.write() as conn:
        labels.undo(conn, labels.listing(conn)[0].id, NOW)
    with office.db.read() as conn:
        again = models.in_force(conn)
    assert again is not None
    assert again.model.id == daring().id


def _text(office: House):  # type: ignore[no-untyped-def]
    from inbox.flow.learning import guess

    with office.db.read() as conn:
        return guess.mail_of_message(conn, office.message("m1@company1.example").id)[0]


def test_every_node_makes_the_same_model_of_the_same_corrections(office: House) -> None:
    promote(office, daring())
    office.receive(*(letter(at, text) for at, text in enumerate((LOGIN, AUDIT, TRAINING), 1)))
    found = []
    for number, team in ((1, "success"), (2, "support"), (3, "compliance")):
        _moved(office, number, team)
        with office.db.read() as conn:
            found.append(models.in_force(conn))  # as a running node sees one after the other
    models._STEPPED.clear()
    with office.db.read() as conn:
        fresh = models.in_force(conn)  # as a node sees it that starts now
    assert fresh is not None
    assert found[-1] is not None
    assert fresh.model.id == found[-1].model.id
    assert fresh.corrections == 3


def test_corrections_among_routed_threads_raise_the_alarm(office: House) -> None:
    promote(office, daring())
    office.receive(*(letter(at, LOGIN) for at in range(1, 26)))
    with office.db.read() as conn:
        quiet = state(conn, office.now)
    assert quiet.drift is not None
    assert (quiet.drift.routed, quiet.drift.corrected) == (25, 0)
    assert quiet.problems == ()
    for number in range(1, 9):
        _moved(office, number, "success", learn=number != 8)
    with office.db.read() as conn:
        found = state(conn, office.now)
        later = state(conn, office.now + DRIFT_FOR)
    assert found.drift is not None
    assert (found.drift.routed, found.drift.corrected) == (25, 7)
    assert found.drift.alarm
    assert [one.code for one in found.problems] == ["classifier-drift"]
    assert found.as_json()["drift"]["alarm"] is True
    assert later.drift is not None
    assert (later.drift.routed, later.drift.alarm) == (0, False)  # that was long ago


def test_the_newest_routed_threads_are_looked_at_the_last_first(office: House) -> None:
    promote(office, daring())
    office.receive(*(letter(at, LOGIN) for at in range(1, 8)))
    _moved(office, 1, "success")
    _moved(office, 6, "success")
    with office.db.read() as conn:
        found = labels.moved_of_routed(conn, daring().id, 3, NOW - DRIFT_FOR)
        assert found == (False, True, False)  # 7, 6, 5
        assert sum(labels.moved_of_routed(conn, daring().id, 99, NOW - DRIFT_FOR)) == 2
        assert labels.moved_of_routed(conn, daring().id, 99, office.now) == ()
        assert labels.moved_of_routed(conn, "other", 99, NOW - DRIFT_FOR) == ()


@pytest.mark.parametrize("promise", [0.85, 0.95])
def test_a_planted_shift_is_found_within_a_hundred_threads(promise: float) -> None:
    """Errors treble after 300 threads; the look goes over them after every single one."""
    delays = []
    for seed in range(20):
        chosen, moved = Random(seed), list[bool]()
        errors = 1 - promise
        while True:
            moved.insert(0, chosen.random() < (errors if len(moved) < 300 else 3 * errors))
            if len(moved) > 300 and watch_newest(moved[:200], promise).alarm:
                break
        delays.append(len(moved) - 300)
    assert sorted(delays)[10] <= 100
    assert max(delays) <= 250


def test_a_model_that_keeps_its_promise_is_left_in_peace() -> None:
    chosen, alarms = Random(1), 0
    for _ in range(20):
        moved = [chosen.random() < 0.05 for _ in range(500)]
        alarms += any(watch_newest(moved[at : at + 200], 0.95).alarm for at in range(480))
    assert alarms <= 2


def test_many_corrections_count_and_those_beyond_the_bound_are_told(
    office: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    promote(office, daring())
    office.receive(*(letter(at, LOGIN) for at in range(1, 6)))
    monkeypatch.setattr(models, "MOST_CORRECTIONS", 3)
    for number in range(1, 6):
        _moved(office, number, "success")
    with office.db.read() as conn:
        live = models.in_force(conn)
        found = state(conn, office.now)
    assert live is not None
    assert (live.corrections, live.waiting) == (3, 2)
    assert [one.code for one in found.problems] == ["classifier-train"]
    assert found.as_json()["waiting"] == 2
    assert "aboard classifier train" in found.problems[0].framed()
    office.context()
    with office.db.read() as conn:
        assert any("2 older ones do not" in one for one in pages.refused_files(conn))


def test_two_sets_of_as_many_corrections_never_have_one_name(office: House) -> None:
    promote(office, daring())
    office.receive(letter(1, LOGIN), letter(2, AUDIT))
    names = set()
    for number, team in ((1, "success"), (2, "support")):
        _moved(office, number, team)
        with office.db.read() as conn:
            live = models.in_force(conn)
        assert live is not None
        assert live.corrections == 1
        names.add(live.name)
        with office.db.write() as conn:
            labels.undo(conn, labels.listing(conn)[0].id, NOW)
    assert len(names) == 2


def test_what_a_model_learnt_is_no_correction_until_it_is_labelled_otherwise(
    office: House,
) -> None:
    office.receive(letter(1, LOGIN), letter(2, AUDIT))
    _moved(office, 1, "success")
    with office.db.read() as conn:
        marks = [Mark.of(m.message_id, m.received_at, m.team) for m in labels.labelled(conn)]
    promote(office, replace(daring(), info=dict(learnt.as_info(marks))))
    assert _corrections(office) == 0
    _moved(office, 2, "compliance")
    assert _corrections(office) == 1
    _moved(office, 1, "implementation")
    assert _corrections(office) == 2
    with office.db.write() as conn:
        labels.undo(conn, labels.listing(conn)[0].id, NOW)
    assert _corrections(office) == 1


def _corrections(office: House) -> int:
    with office.db.read() as conn:
        live = models.in_force(conn)
    assert live is not None
    return live.corrections


@pytest.mark.parametrize(("text", "team"), [(LOGIN, "success"), (AUDIT, "support")])
def test_mail_like_some_that_were_corrected_goes_where_they_were_moved(
    office: House, text: str, team: str
) -> None:
    """Not only a little nearer: before any training, a few corrections are a change of ways."""
    promote(office, daring())
    for number in range(1, 4):
        office.receive(letter(number, text))
        _moved(office, number, team)
    office.receive(letter(4, text))
    thread = office.thread("m4@company4.example")
    assert (thread.team, thread.decided_by) == (team, "classifier")


def test_after_one_correction_the_next_mail_like_it_follows_and_says_why(office: House) -> None:
    promote(office, daring())
    office.receive(letter(1, f"{LOGIN} again", subject="Depot"))
    _moved(office, 1, "success")
    office.receive(letter(2, f"since yesterday {LOGIN}"))
    thread = office.thread("m2@company2.example")
    assert (thread.team, thread.decided_by) == ("success", "classifier")
    with office.db.read() as conn:
        said = guess.why(conn, thread.id)
    assert said is not None
    assert "mail like it went to success" in said.sentence()
    with office.db.write() as conn:
        labels.undo(conn, labels.listing(conn)[0].id, NOW)
    office.receive(letter(3, f"since yesterday {LOGIN}"))
    assert office.thread("m3@company3.example").team == "support"


def test_labels_are_remembered_after_training_and_never_judge_a_model(office: House) -> None:
    """What a new model is compared with is the model as it was trained: memory knows the answers
    of mail that is held out."""
    office.receive(letter(1, LOGIN))
    _moved(office, 1, "success")
    with office.db.read() as conn:
        marks = [Mark.of(m.message_id, m.received_at, m.team) for m in labels.labelled(conn)]
    promote(office, replace(daring(), info=dict(learnt.as_info(marks))))
    with office.db.read() as conn:
        live = models.in_force(conn)
    assert live is not None
    assert live.corrections == 0
    assert live.trained.memory is None
    assert live.trained.predict(MailText(visible=LOGIN)).label == "support"
    assert live.model.predict(MailText(visible=LOGIN)).label == "success"
    _, old = classifier_force._before(office.db)
    assert old is live.trained


def test_the_newest_labels_are_remembered_up_to_a_bound(
    office: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    promote(office, daring())
    monkeypatch.setattr(models, "MOST_REMEMBERED", 2)
    for number in (1, 2, 3):
        office.receive(letter(number, f"{LOGIN} {number}"))
        _moved(office, number, "success")
    with office.db.read() as conn:
        live = models.in_force(conn)
    assert live is not None
    assert live.model.memory is not None
    assert (len(live.model.memory), live.corrections) == (2, 3)


def test_one_step_a_correction_is_what_all_together_do() -> None:
    mails = [
        (MailText(visible=text), team)
        for text, team in (
            (LOGIN, "success"),
            (AUDIT, "support"),
            (LOGIN, "success"),
            ("", "support"),
            ("xyzzy", "support"),
            (TRAINING, "compliance"),
        )
    ]
    single = daring()
    for mail, team in mails:
        before = single.margins(mail)
        single = online.corrected(single, mail, team)
        at = single.labels.index(team)
        assert single.margins(mail)[at] >= before[at]
    together = online.corrected_by(daring(), mails)
    for mail, _ in mails:
        assert together.margins(mail) == pytest.approx(single.margins(mail), abs=1e-5)
    assert online.corrected_by(daring(), mails).id == together.id
    with pytest.raises(KeyError, match="sales"):
        online.corrected_by(daring(), [*mails, (MailText(visible=LOGIN), "sales")])


def test_closed_threads_that_nobody_moved_are_weak_examples(office: House) -> None:
    promote(office, daring())
    office.receive(*(letter(at, LOGIN) for at in (1, 2, 3)))
    _moved(office, 2, "success")
    with office.db.write() as conn:
        for number in (1, 2):
            threads.save(
                conn, office.thread(f"m{number}@company{number}.example").id, status="closed"
            )
    with office.db.read() as conn:
        found = labels.settled(conn)
    assert [(one.team, one.label_id) for one in found] == [("support", 0)]


def test_a_label_follows_its_mail_when_threads_are_joined(office: House) -> None:
    office.receive(letter(1, AUDIT))
    _moved(office, 1, "compliance")
    office.later(hours=1)
    office.receive(letter(1, LOGIN, id="b@company1.example"))
    office.later(hours=1)
    both = ("m1@company1.example", "b@company1.example")
    office.receive(letter(1, "both", id="c@company1.example", refs=both))
    with office.db.read() as conn:
        (label,) = labels.listing(conn)
    assert label.thread_id == office.thread("c@company1.example").id
    assert office.now - NOW > timedelta(hours=1)
