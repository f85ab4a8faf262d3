"""Our own people are told by mail and answer by mail; nobody else gains anything by it (I6, T3)."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from inbox.errors import AboardError
from inbox.flow.deciding import proposals
from inbox.flow.deciding.agents import KIND
from inbox.flow.deciding.proposals import Appliers
from inbox.flow.leaving.agent_post import AgentPost
from inbox.flow.promises import handoff
from inbox.flow.promises.handoff import Offer
from inbox.flow.texts import agent_words
from inbox.flow.texts.agent_words import Scene
from inbox.flow.working.agent_desk import confirm
from inbox.store import agent_notices, people, threads
from inbox.store import proposals as stored
from inbox.store.agent_notices import Notice
from inbox.store.agent_tables import agent_mails
from inbox.store.agent_tables import agent_notices as notices_table
from inbox.store.people import Person
from inbox.store.tables import messages
from inbox.sweeper import Sweeper
from tests.agents.office import DENIED, INES, AgentOffice
from tests.flow.house import bounce
from tests.followups.office import ANA, Letter
from tests.followups.test_aside import ask_aside, bank_answers
from tests.sla.office import TEAMS

SETTLED = ("state", "why")


def owned(office: AgentOffice) -> tuple[int, Letter]:
    """A thread of Ines's, and the mail that says so that Ana wrote again on it."""
    thread = office.write_in(id="m1@acme.example", subject="Kickoff")
    office.desk("ines").claim(thread, office.now)
    office.later(minutes=5)
    office.write_in(id="m2@acme.example", subject="Re: Kickoff", refs=["m1@acme.example"])
    (letter,) = office.mailed()
    return thread, letter


def states(office: AgentOffice) -> list[str]:
    return [row.state for row in office.rows(agent_mails)]


# --- Told -----------------------------------------------------------------------------------------


def test_the_owner_is_told_of_the_next_mail_and_not_of_their_own_deeds(office: AgentOffice) -> None:
    _, letter = owned(office)
    got = letter.mail
    assert got["Subject"] == "[acme.example] New mail: Kickoff"
    assert got["Auto-Submitted"] == "auto-generated"
    assert "+a" in got["Reply-To"] and "hello@aboard.example" in got["From"]
    assert "ana@acme.example wrote on your thread" in got.get_content()
    assert "> Hello, this is m2@acme.example." in got.get_content()
    kinds = [row.kind for row in office.rows(notices_table)]
    assert kinds == ["mail"], "who claims a thread knows that"
    assert not office.mailed(), "once"


def test_a_handoff_a_mention_and_a_breach_are_told(office: AgentOffice) -> None:
    thread = office.write_in(id="m1@acme.example")
    office.desk("tom").note(thread, "@ines, do you know this? (maya@x.example does)", office.now)
    (letter,) = office.mailed()
    assert "You are named in a note" in letter.mail.get_content()
    made = handoff.offer(office.db, Offer(thread, "success", "ines", "billing"), office.now)
    assert [one.to for one in office.mailed("lena@aboard.example")] == [("lena@aboard.example",)]
    handoff.decline(office.db, made.id, "lena", "not ours", office.now)
    (letter,) = office.mailed()
    assert "was declined: not ours" in letter.mail.get_content()
    office.work(hours=6)
    told = {row.kind for row in office.rows(notices_table)}
    assert {"at-risk", "breached"} & told


def test_above_the_budget_it_comes_in_one_mail_and_off_is_off(office: AgentOffice) -> None:
    office.an_hour = 3
    for number in range(6):
        thread = office.write_in(id=f"m{number}@acme.example", subject=f"Part {number}")
        office.desk("tom").note(thread, "@ines please", office.now)
    got = office.mailed()
    assert len(got) == 3
    assert got[-1].mail["Subject"] == "4 threads have news for you"
    office.desk("tom").note(thread, "@ines and again", office.now)
    assert not office.mailed(), "the hour is full"
    office.later(minutes=61)
    (late,) = office.mailed()
    assert late.mail["Subject"].endswith("You are named: Part 5")
    with office.db.write() as conn:
        ines = people.by_handle(conn, "ines")
        agent_notices.choose(conn, ines.id, False, office.now)
    office.desk("tom").note(thread, "@ines third", office.now)
    assert not office.mailed()
    assert office.rows(notices_table)[-1].why == "ines wants no notices by mail"


def test_who_may_not_see_a_thread_is_not_told_of_it_and_does_not_work_on_it(
    office: AgentOffice,
) -> None:
    thread, letter = owned(office)
    office.desk("tom").give(thread, "tom", office.now)
    with office.db.write() as conn:
        threads.save(conn, thread, confidential=True, team="success")
    handoff.offer(office.db, Offer(thread, "support", "maya", "a login"), office.now)
    assert not office.mailed()
    why = {row.why for row in office.rows(notices_table) if row.kind == "handoff"}
    assert "ines may not see the thread" in why
    office.answer(letter, "Tuesday at nine.")
    office.mailed()
    assert not office.to_customer() and states(office) == ["refused"]


def test_the_words_of_who_was_asked_aside_are_not_shown_as_the_customers(
    office: AgentOffice,
) -> None:
    thread, _ = owned(office)
    asked = ask_aside(office, thread)
    bank_answers(office, asked, body="The account is closed.")
    (letter,) = office.mailed()
    text = letter.mail.get_content()
    assert "desk@bank.example, who was asked aside, answered" in text
    assert "The account is closed." not in text and "ana@acme.example" in text


@pytest.mark.parametrize("how", ["confidential", "left"])
def test_a_notice_that_has_not_left_yet_stays_where_its_reader_may_not_see_it_any_more(
    office: AgentOffice, how: str
) -> None:
    thread, _ = owned(office)
    office.write_in(id="m3@acme.example", subject="Re: Kickoff", refs=["m1@acme.example"])
    AgentPost(office.db, office.follow_ups.post, 12).sweep(office.now)
    before = len(office.left)
    if how == "confidential":
        office.desk("tom").give(thread, "tom", office.now)
        with office.db.write() as conn:
            threads.save(conn, thread, confidential=True, team="success")
    else:
        office.write("teams.yaml", TEAMS.replace("ines", "nora"))
        office.activate()
    assert "cancelled" in office.carry()
    assert not [one for one in office.left[before:] if one.to == (INES,)]


def test_a_notice_that_cannot_be_written_hinders_no_other(
    office: AgentOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    thread = office.write_in(id="m1@acme.example")
    usual = agent_words.text_of

    def broken(scene: Scene, told: Sequence[Notice], person: Person) -> str:
        if person.handle == "ines":
            raise RuntimeError("these words cannot be written")
        return usual(scene, told, person)

    monkeypatch.setattr(agent_words, "text_of", broken)
    office.desk("lena").note(thread, "@ines @tom please", office.now)
    assert [one.mail["Subject"] for one in office.mailed("tom@aboard.example")]
    (hers,) = (one for one in office.rows(notices_table) if one.state == "skipped")
    assert hers.why == "it could not be written"


def test_a_viewer_is_told_and_changes_nothing(office: AgentOffice) -> None:
    viewer = "  - {handle: noor, name: Noor Haddad, address: noor@aboard.example, role: viewer}\n"
    office.write("teams.yaml", TEAMS.replace("teams:\n", f"{viewer}teams:\n", 1))
    office.activate()
    thread = office.write_in(id="m1@acme.example")
    office.desk("tom").note(thread, "@noor, so that you know", office.now)
    (letter,) = office.mailed("noor@aboard.example")
    assert "#close" not in letter.mail.get_content()
    office.answer(letter, "I think so too.", sender="Noor Haddad <noor@aboard.example>")
    office.mailed()
    assert not office.to_customer() and states(office) == ["refused"]


def test_a_sweeping_node_tells_and_does_what_is_old_is_told_to_nobody(office: AgentOffice) -> None:
    thread, letter = owned(office)
    office.desk("tom").note(thread, "@ines?", office.now)
    office.answer(letter, "#tag swept")
    Sweeper(office.settings, office.db, office.follow_ups).once()
    assert office.thread("m1@acme.example").tags == ("swept",)
    assert office.rows(notices_table, kind="mention")[0].why == "it is older than a day"


# --- Answered -------------------------------------------------------------------------------------


def test_an_answer_goes_to_the_customer_as_the_team(office: AgentOffice) -> None:
    thread, letter = owned(office)
    office.answer(letter, "#tag kickoff\n#close\n\nDear Ana,\n\nTuesday at nine.")
    (receipt,) = office.mailed()
    (sent,) = office.to_customer()
    got = sent.mail
    assert (got["To"], got["Auto-Submitted"]) == ("Ana Costa <ana@acme.example>", None)
    assert str(got["From"]).startswith("Support <hello@aboard.example>")
    assert got["In-Reply-To"] == "<m2@acme.example>"
    assert "m1@acme.example" in got["References"] and "+r" in got["Reply-To"]
    text = got.get_content().replace("\r\n", "\n")
    assert text.startswith("Dear Ana,\n\nTuesday at nine.\n")
    assert "Aboard wrote" not in text and "Write your answer" not in text and "#" not in text
    done = receipt.mail.get_content()
    assert "your answer goes to ana@acme.example" in done and "the thread is closed" in done
    there = office.thread("m1@acme.example")
    assert (there.id, there.status, there.tags) == (thread, "closed", ("kickoff",))
    out = [row for row in office.rows(messages, thread_id=thread) if row.direction == "out"]
    assert len(out) == 1
    own = [row for row in office.rows(messages) if row.from_address == INES]
    assert all(row.thread_id != thread for row in own), "the mail itself stays among us"


def test_a_note_and_every_command(office: AgentOffice) -> None:
    thread, letter = owned(office)
    office.answer(letter, "#note They are in a hurry.\n\nCall them first.")
    (receipt,) = office.mailed()
    assert not office.to_customer()
    assert {"text": "They are in a hurry.\n\nCall them first."} in office.happened("note")
    office.answer(receipt, "#snooze 3d")
    (receipt,) = office.mailed()
    assert office.thread("m1@acme.example").status == "snoozed"
    office.answer(receipt, "#assign tom")
    office.mailed()
    office.answer(receipt, "#handoff success it is about billing")
    (receipt,) = office.mailed()
    assert "offered to success" in receipt.mail.get_content()
    assert office.happened("handoff-offered")[0]["reason"] == "it is about billing"
    assert office.thread("m1@acme.example").id == thread


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("#close now\n\nBye", "#close stands alone"),
        ("#closse\n\nBye", "there is no command #closse"),
        ("#assign nobody\n\nBye", "there is no such team and no such person"),
        ("#snooze long", "write a time such as"),
        ("#handoff success", "#handoff needs a reason"),
        ("", "the mail says nothing"),
    ],
)
def test_what_cannot_be_understood_is_not_done_at_all(
    office: AgentOffice, body: str, why: str
) -> None:
    _, letter = owned(office)
    office.answer(letter, body)
    (receipt,) = office.mailed()
    assert why in " ".join(receipt.mail.get_content().split())
    assert not office.to_customer()
    assert states(office) == ["refused"]


def test_files_go_with_the_answer_and_are_never_lost_in_silence(office: AgentOffice) -> None:
    _, letter = owned(office)
    office.answer(letter, "#note see the file", files={"plan.pdf": b"%PDF-1.4"})
    (receipt,) = office.mailed()
    assert "1 files came with it" in receipt.mail.get_content()
    assert not office.to_customer()
    office.answer(letter, "Here it is.", files={"plan.pdf": b"%PDF-1.4"})
    office.mailed()
    (sent,) = office.to_customer()
    (file,) = sent.mail.iter_attachments()
    assert (file.get_filename(), file.get_content()) == ("plan.pdf", b"%PDF-1.4")


def test_a_stale_answer_is_held_until_its_author_says_so(office: AgentOffice) -> None:
    _, letter = owned(office)
    office.write_in(id="m3@acme.example", subject="Re: Kickoff", refs=["m1@acme.example"])
    office.answer(letter, "Tuesday at nine.")
    got = office.mailed()
    assert not office.to_customer()
    held = next(one for one in got if "Held" in one.mail["Subject"])
    assert "m3@acme.example" in held.mail.get_content()
    assert states(office) == ["held"]
    office.answer(held, "#send")
    office.mailed()
    office.mailed()
    (sent,) = office.to_customer()
    assert sent.mail.get_content().startswith("Tuesday at nine.")
    assert states(office) == ["done", "done"]


def test_send_lets_go_no_further_than_its_author_has_read(office: AgentOffice) -> None:
    _, letter = owned(office)
    office.write_in(id="m3@acme.example", subject="Re: Kickoff", refs=["m1@acme.example"])
    office.answer(letter, "Tuesday at nine.")
    held = next(one for one in office.mailed() if "Held" in one.mail["Subject"])
    office.later(minutes=5)
    office.write_in(id="m4@acme.example", subject="Re: Kickoff", refs=["m1@acme.example"])
    office.answer(held, "#send")
    office.mailed()
    again = next(one for one in office.mailed() if "Held" in one.mail["Subject"])
    assert not office.to_customer()
    office.answer(again, "#send")
    office.mailed()
    office.mailed()
    assert len(office.to_customer()) == 1


def test_a_notice_that_comes_back_as_a_file_goes_to_nobody(office: AgentOffice) -> None:
    _, letter = owned(office)
    office.answer(letter, "Here it is.", files={"original.eml": letter.raw})
    (receipt,) = office.mailed()
    assert "the notice itself came with it" in receipt.mail.get_content()
    assert not office.to_customer()


def test_working_on_it_twice_sends_once(office: AgentOffice) -> None:
    _, letter = owned(office)
    office.answer(letter, "Tuesday at nine.")
    office.mailed()
    with office.db.write() as conn:
        conn.execute(agent_mails.update().values(state="pending", settled_at=None))
    office.mailed()
    assert states(office) == ["pending"], "another node is at it"
    office.later(minutes=11)
    office.mailed()
    assert states(office) == ["done"]
    assert len(office.to_customer()) == 1


# --- Whose is it? ---------------------------------------------------------------------------------


def test_without_proof_it_waits_for_its_author_to_sign_in(office: AgentOffice) -> None:
    _, letter = owned(office)
    office.answer(letter, "Tuesday at nine.", proof=None)
    (held,) = office.mailed()
    assert "nothing proves that Ines Duarte wrote it" in held.mail.get_content()
    assert not office.to_customer() and states(office) == ["held"]
    with office.looking() as conn:
        (asked,) = stored.listing(conn)
    settling = Appliers(office.db, {KIND: confirm})
    with pytest.raises(AboardError, match="only ines"):
        settling.apply(asked.id, "tom", office.now)
    settling.apply(asked.id, "ines", office.now)
    office.mailed()
    assert [one.mail.get_content()[:8] for one in office.to_customer()] == ["Tuesday "]
    assert proposals.APPLIED_EVENT == "proposal-applied"


@pytest.mark.parametrize("how", ["no token", "stranger", "forged", "another of us", "a guess"])
def test_t3_nobody_writes_as_a_colleague_without_token_and_proof(
    office: AgentOffice, how: str
) -> None:
    thread, letter = owned(office)
    got = letter.mail
    token = str(got["Reply-To"]).rpartition("<")[2].rstrip(">")
    if how == "no token":
        # The notice's Message-ID is known, its signed address is not.
        got.replace_header("Reply-To", "hello@aboard.example")
        office.answer(letter_with(letter, got), "I am Ines.")
    elif how == "stranger":
        office.answer(letter, "I am Ines.", sender=f"Ines Duarte <{ANA}>", proof=None)
    elif how == "forged":
        office.answer(letter, "I am Ines.", proof=DENIED)
    elif how == "another of us":
        office.answer(letter, "I am Ines.", sender="Tom Alvarez <tom@aboard.example>")
    else:
        changed = token[:-20] + ("b" if token[-20] != "b" else "c") + token[-19:]
        got.replace_header("Reply-To", changed)
        office.answer(letter_with(letter, got), "I am Ines.")
    office.mailed()
    assert not office.to_customer()
    assert not [row for row in office.rows(messages) if row.direction == "out"]
    assert set(states(office)) <= {"refused", "held"}
    if how not in ("no token", "a guess"):
        assert office.happened("agent-mail-refused") or how == "forged"
    assert office.thread("m1@acme.example").id == thread


def letter_with(letter: Letter, changed: object) -> Letter:
    return Letter(letter.at, letter.reverse_path, letter.to, bytes(changed))  # type: ignore[call-overload]


def test_a_machine_that_answers_a_notice_reaches_nobody(office: AgentOffice) -> None:
    _, letter = owned(office)
    for headers in ({"Auto-Submitted": "auto-replied"}, {"X-Autoreply": "yes"}):
        office.answer(letter, "I am away until Monday.", headers=headers)
    report = bounce(INES, str(letter.mail["Message-ID"]).strip("<>"))
    for number, address in enumerate((letter.reverse_path, str(letter.mail["Reply-To"]))):
        raw = report.replace(b"dsn1@mx.test", f"dsn{number}@mx.test".encode())
        plain = address.rpartition("<")[2].rstrip(">")
        office.receive(raw, reverse_path="", forward_paths=(plain,))
    assert not office.mailed() and not office.to_customer()
    assert set(states(office)) <= {"ignored"}
    assert not office.happened("mail-bounced")
