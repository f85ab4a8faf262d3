"""Filing with a model: what it may read, what is kept of its answer, why a thread went there."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, strategies

from classifiers.text import MailText
from inbox.flow.learning import guess
from inbox.flow.learning import models as flow
from inbox.flow.texts import mail_text
from inbox.flow.working import desk
from inbox.mail.parse import parse_letter
from inbox.store import assignments, threads, timeline
from inbox.store.seers import Seer
from tests.classifier_flow.office import (
    AUDIT,
    AWAY,
    LOGIN,
    TRAINING,
    daring,
    letter,
    promote,
)
from tests.classifiers.samples import small_model
from tests.databases import NOW
from tests.flow.house import House, mail

REPLY = f"{LOGIN}\n\nOn Monday Bo wrote:\n> please sign the audit form\n> and send it back\n"


def _read(raw: bytes) -> MailText:
    return mail_text.of_letter(parse_letter(raw))


def test_history_counts_as_quoted_and_own_words_as_written() -> None:
    found = _read(letter(1, REPLY))
    assert found.visible == LOGIN
    assert "please sign the audit form" in found.quoted
    assert LOGIN not in found.quoted


def test_the_sender_files_and_subject_are_read_but_no_display_name() -> None:
    found = _read(letter(1, "see attached", subject="Form", files={"Audit_report.pdf": b"%PDF"}))
    assert found.attachments == ("Audit_report.pdf",)
    assert found.sender == "ana@company1.example"
    assert found.subject == "Form"


def test_what_a_forward_carries_counts_in_full() -> None:
    body = f"FYI\n\n---------- Forwarded message ---------\nFrom: Bo <bo@x.example>\nDate: Mon, 2 Nov 2026 at 08:00\nSubject: Audit\nTo: Ana <ana@company1.example>\n\n{AUDIT}\n"
    found = _read(letter(1, body, subject="Fwd: Audit"))
    assert AUDIT in found.visible
    assert found.quoted == ""


@given(strategies.lists(strategies.text(max_size=30), max_size=20), strategies.data())
def test_every_line_is_own_or_quoted(lines: list[str], data: strategies.DataObject) -> None:
    lines = [" ".join(one.split()) for one in lines]
    own = [one for one in lines if data.draw(strategies.booleans())]
    left = mail_text._rest(lines, own).split("\n")
    for line in lines:
        bare = line.lstrip("> ").strip()
        assert not bare or bare in left or line in own


@given(strategies.text(max_size=3000), strategies.text(max_size=300))
def test_any_letter_gets_an_answer(body: str, subject: str) -> None:
    text = MailText(subject=subject, visible=body, quoted=body)
    found = guess.guess_of(flow.InForce("", daring(), daring()), text)
    assert found.team in daring().labels


def test_the_classifier_decides_where_no_rule_does_and_its_reasons_are_kept(office: House) -> None:
    promote(office, daring())
    office.receive(letter(1, AUDIT), letter(2, AUDIT, subject="invoice"))
    thread = office.thread("m1@company1.example")
    assert (thread.team, thread.decided_by) == ("compliance", "classifier")
    by_rule = office.thread("m2@company2.example")
    assert (by_rule.team, by_rule.decided_by) == ("success", "rule")
    with office.db.read() as conn:
        (made,) = assignments.of_thread(conn, thread.id)
    assert made.model == daring().id
    assert made.score is not None
    said = made.decision["classifier"]
    assert said["team"] == "compliance"
    assert said["best"][0]["team"] == "compliance"
    assert "auditors" in [one["term"] for one in said["evidence"]]
    assert made.facts["classifier.team"] == "compliance"


def test_none_never_decides_a_team_and_is_marked(office: House) -> None:
    promote(office, daring())
    office.receive(letter(1, AWAY))
    thread = office.thread("m1@company1.example")
    assert (thread.team, thread.decided_by) == ("support", "fallback")
    with office.db.read() as conn:
        (made,) = assignments.of_thread(conn, thread.id)
        events = timeline.of_thread(conn, thread.id, timeline.Span(kinds=("assigned",)))
    assert made.decision["classifier"]["team"] == "none"
    assert events[0].event.data["marked"] == "none"


def test_an_unsure_answer_goes_to_triage_with_its_two_best_guesses(office: House) -> None:
    promote(office, small_model())
    office.receive(letter(1, AUDIT))
    thread = office.thread("m1@company1.example")
    assert thread.decided_by == "fallback"
    with office.db.read() as conn:
        found = guess.why(conn, thread.id)
    assert found is not None
    assert found.guess.abstain
    assert len(found.guess.best) == 2
    assert found.sentence().startswith(
        "sent to support by fallback; the classifier says compliance"
    )


def test_the_language_of_a_mail_is_a_fact(office: House) -> None:
    office.receive(letter(1, "Bitte senden Sie uns die Unterlagen für die Prüfung im Herbst."))
    assert office.message("m1@company1.example").language == "de"


def test_why_names_score_words_and_the_nearest_past_threads(office: House) -> None:
    promote(office, daring())
    office.receive(*(letter(at, AUDIT + " please") for at in (1, 2)), letter(3, LOGIN))
    office.receive(letter(4, AUDIT))
    moved = office.thread("m2@company2.example")
    desk.assign(office.db, moved.id, "success", "maya", NOW)
    with office.db.read() as conn:
        found = guess.why(conn, office.thread("m4@company4.example").id)
    assert found is not None
    assert found.decided
    assert found.sentence().startswith("sent to compliance: ")
    assert 'because of "' in found.sentence()
    near = {one.thread_id: one.team for one in found.nearest[:2]}
    assert near == {office.thread("m1@company1.example").id: "compliance", moved.id: "success"}
    assert found.nearest[0].likeness > 0.9


def test_nobody_sees_through_its_likeness_a_thread_that_they_do_not_see(office: House) -> None:
    promote(office, daring())
    office.receive(*(letter(at, AUDIT) for at in (1, 2, 3)))
    seen = office.thread("m2@company2.example")
    thread = office.thread("m3@company3.example")
    with office.db.write() as conn:
        hidden = office.thread("m1@company1.example").id
        threads.save(conn, hidden, confidential=True)
        stranger = Seer(0, "nobody", "agent", frozenset())
        found = guess.why(conn, thread.id, stranger)
        threads.save(conn, seen.id, confidential=True)
        nothing = guess.why(conn, thread.id, stranger)
    assert found is not None
    assert [one.thread_id for one in found.nearest] == [seen.id]
    assert nothing is not None
    assert nothing.nearest == ()


def test_a_thread_filed_without_a_model_has_no_why(office: House) -> None:
    office.receive(letter(1, AUDIT))
    with office.db.read() as conn:
        assert guess.why(conn, office.thread("m1@company1.example").id) is None


def test_why_follows_a_thread_that_somebody_moved(office: House) -> None:
    promote(office, daring())
    office.receive(letter(1, AUDIT))
    thread = office.thread("m1@company1.example")
    desk.assign(office.db, thread.id, "success", "maya", NOW)
    with office.db.read() as conn:
        found = guess.why(conn, thread.id)
    assert found is not None
    assert (found.team, found.now_with) == ("compliance", "success")


@pytest.mark.parametrize("text", [TRAINING, AUDIT, LOGIN])
def test_a_stored_message_reads_as_its_letter_did(office: House, text: str) -> None:
    raw = mail("Ana <ana@acme.example>", id="x@acme.example", body=f"{text}\n\n> old\n> lines\n")
    office.receive(raw)
    stored = office.message("x@acme.example")
    with office.db.read() as conn:
        found, _ = guess.mail_of_message(conn, stored.id)
    assert found == replace(_read(raw), sender="ana@acme.example")
