"""The composer's flow: drafts that are never lost, files, pictures, undo, mail to third parties."""

from __future__ import annotations

from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest

from inbox.errors import AboardError, NotFound
from inbox.flow.evidence import audit
from inbox.flow.working.drafts import Drafting, Saved, Typed, Upload
from inbox.flow.working.regroup import Regrouping
from inbox.flow.working.reply import StaleReply
from inbox.flow.working.sending import Gone, Ordered, Sending
from inbox.flow.working.undo import undo
from inbox.flow.working.work import Desk
from inbox.store import drafts, followers, messages, people, threads, timeline
from inbox.store.clock_tables import targets
from inbox.store.draft_tables import draft_versions
from inbox.store.outbox_tables import outbox
from inbox.store.seers import seer_of
from inbox.store.tables import events
from tests.flow.house import mail
from tests.sending.office import ANA, Office

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
BANK = "desk@bank.example"


def save(office: Office, text: str = "On Monday.", **how: Any) -> Saved:
    kind, by = how.pop("kind", "reply"), how.pop("by", "ines")
    fields = how.pop("fields", {})
    typed = Typed(how.pop("thread", office.thread_id), kind, text, fields, **how)
    saved = Drafting(office.house.db, by).save(typed, office.house.now)
    assert saved is not None
    return saved


def send(office: Office, draft_id: int, **how: Any) -> Gone:
    by, run = how.pop("by", "ines"), how.pop("run", "r1")
    sending = Sending(office.house.db, by, office.post(), run=run)
    return sending.send(Ordered(draft_id, office.thread_id, **how), office.house.now)


def upload(name: str, content: bytes, kind: str = "application/pdf") -> Upload:
    return Upload(name, kind, content, b"0123456789abcdef")


def letter(office: Office) -> Any:
    office.house.later(minutes=1)
    assert office.carry() == ["sent"]
    return message_from_bytes(office.sink.kept[-1].content, policy=policy.default)


def with_file(content: bytes) -> bytes:
    """The customer's next mail, with a file."""
    made = EmailMessage(policy=policy.SMTP)
    made["From"], made["To"] = "Ana Costa <ana@acme.example>", "onboarding@aboard.example"
    made["Message-ID"], made["References"] = "<file@acme.example>", "<one@acme.example>"
    made.set_content("Here it is.")
    made.add_attachment(content, maintype="application", subtype="pdf", filename="plan.pdf")
    return made.as_bytes()


def stored(office: Office, draft_id: int) -> drafts.Draft:
    with office.house.looking() as conn:
        return drafts.by_id(conn, draft_id)


def test_every_save_is_a_version_and_an_old_one_comes_back(office: Office) -> None:
    first = save(office, "One.").draft
    second = save(office, "One. Two.", draft_id=first.id, base=1).draft
    assert (second.version, second.text) == (2, "One. Two.")
    assert save(office, "One. Two.", draft_id=first.id, base=2).draft.version == 2
    back = Drafting(office.house.db, "ines").restore(
        first.id, office.thread_id, 1, office.house.now
    )
    assert (back.version, back.text) == (3, "One.")
    assert [row.text for row in office.house.rows(draft_versions)] == ["One.", "One. Two.", "One."]
    with pytest.raises(NotFound, match="no version 9"):
        Drafting(office.house.db, "ines").restore(first.id, office.thread_id, 9, office.house.now)


def test_nothing_typed_is_no_draft(office: Office) -> None:
    typed = Typed(office.thread_id, "reply", " \n", {})
    assert Drafting(office.house.db, "ines").save(typed, office.house.now) is None


def test_a_second_tab_overwrites_nothing(office: Office) -> None:
    draft = save(office, "Mine.").draft
    save(office, "Mine, longer.", draft_id=draft.id, base=1)
    met = save(office, "Typed in another tab.", draft_id=draft.id, base=1)
    assert met.draft.text == "Mine, longer."
    assert met.aside is not None and met.aside.text == "Typed in another tab."
    again = Drafting(office.house.db, "ines").restore(
        draft.id, office.thread_id, met.aside.version, office.house.now
    )
    assert again.text == "Typed in another tab."


def test_a_draft_is_its_authors_and_his_who_answers_now(office: Office) -> None:
    draft = save(office, "Half a sentence").draft
    with pytest.raises(AboardError, match="who answers may change it"):
        with office.house.db.write() as conn:
            maya = people.by_handle(conn, "maya")
            conn.execute(
                people.people.update().where(people.people.c.id == maya.id).values(role="agent")
            )
        save(office, "Mine now", draft_id=draft.id, base=1, by="maya")
    Desk(office.house.db, "tom").claim(office.thread_id, office.house.now)
    assert save(office, "Whole.", draft_id=draft.id, base=1, by="tom").draft.text == "Whole."
    assert stored(office, draft.id).author == "ines"


def test_a_draft_goes_with_its_thread_when_threads_are_merged(office: Office) -> None:
    draft = save(office).draft
    office.house.receive(mail(id="two@acme.example", subject="Other"))
    into = office.house.thread("two@acme.example").id
    Regrouping(office.house.db, "ines").merge(office.thread_id, into, office.house.now)
    with office.house.looking() as conn:
        assert [one.id for one in drafts.of_thread(conn, into)] == [draft.id]
    assert save(office, "Still here.", draft_id=draft.id, base=1).draft.thread_id == into


def test_a_discarded_draft_comes_back(office: Office) -> None:
    draft = save(office).draft
    writing = Drafting(office.house.db, "ines", run="r1")
    writing.discard(draft.id, office.thread_id, office.house.now)
    with pytest.raises(AboardError, match="thrown away already"):
        save(office, "More", draft_id=draft.id, base=1)
    undo(office.house.db, "r1", "ines", office.house.now)
    assert stored(office, draft.id).state == "open"


def test_a_reply_has_text_and_html_made_from_it(office: Office) -> None:
    draft = save(office, "See https://acme.example/a?b=1&c=2.\n\n- one\n- <b>two</b>").draft
    send(office, draft.id)
    sent = letter(office)
    assert sent.get_content_type() == "multipart/alternative"
    plain, html = (part.get_content() for part in sent.iter_parts())
    assert plain.startswith("See https://acme.example/a?b=1&c=2.")
    assert '<a href="https://acme.example/a?b=1&amp;c=2">' in html
    assert "<ul><li>one</li><li>&lt;b&gt;two&lt;/b&gt;</li></ul>" in html
    assert "<blockquote" in html


def test_files_go_along_and_are_on_the_timeline(office: Office) -> None:
    draft = save(office).draft
    writing = Drafting(office.house.db, "ines")
    writing.attach(draft.id, office.thread_id, upload("Plan ü.pdf", b"%PDF-1.4"), office.house.now)
    shown = writing.attach(
        draft.id, office.thread_id, upload("C:\\x\\logo.png", PNG), office.house.now, shown=True
    )
    assert shown.name == "logo.png"
    assert "[image: logo.png]" in stored(office, draft.id).text
    send(office, draft.id)
    sent = letter(office)
    names = {
        part.get_filename(): part.get_content_type() for part in sent.walk() if part.get_filename()
    }
    assert names == {"Plan ü.pdf": "application/pdf", "logo.png": "image/png"}
    (picture,) = [part for part in sent.walk() if part.get_content_type() == "image/png"]
    assert picture.get_content() == PNG
    html = next(part for part in sent.walk() if part.get_content_type() == "text/html")
    assert f'src="cid:{picture["Content-ID"].strip("<>")}"' in html.get_content()
    with office.house.looking() as conn:
        (ours,) = [
            one for one in messages.of_thread(conn, office.thread_id) if one.direction == "out"
        ]
        files = messages.attachments_of(conn, [ours.id])[ours.id]
    assert {one.name for one in files} == {"Plan ü.pdf", "logo.png"}


def test_files_have_bounds(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inbox.flow.working.drafts.MOST_FILE", 100)
    monkeypatch.setattr("inbox.flow.working.drafts.MOST_TOGETHER", 150)
    draft, writing = save(office).draft, Drafting(office.house.db, "ines")
    now = office.house.now
    with pytest.raises(AboardError, match="one file may have"):
        writing.attach(draft.id, office.thread_id, upload("a.pdf", bytes(101)), now)
    first = writing.attach(draft.id, office.thread_id, upload("a.pdf", bytes(90)), now)
    with pytest.raises(AboardError, match=r"with a\.pdf the files have"):
        writing.attach(draft.id, office.thread_id, upload("a.pdf", bytes(90)), now)
    again = writing.attach(draft.id, office.thread_id, upload("a.pdf", bytes(9)), now)
    assert again.name == "a (2).pdf"
    with pytest.raises(AboardError, match="only PNG, JPEG"):
        writing.attach(draft.id, office.thread_id, upload("x.svg", b"<svg/>"), now, shown=True)
    writing.detach(draft.id, office.thread_id, first.id)
    with pytest.raises(NotFound):
        writing.detach(draft.id, office.thread_id, first.id)


def test_undo_takes_mail_and_status_back_and_gives_the_text_back(office: Office) -> None:
    draft = save(office, "Too early.").draft
    gone = send(office, draft.id, then="close")
    assert office.house.thread("one@acme.example").status == "closed"
    assert stored(office, draft.id).state == "sent"
    office.house.later(seconds=5)
    done = undo(office.house.db, "r1", "ines", office.house.now)
    assert done.left == ()
    assert office.item(gone.item_id or 0).state == "cancelled"
    back = stored(office, draft.id)
    assert (back.state, back.text, back.item_id) == ("open", "Too early.", None)
    assert office.house.thread("one@acme.example").status == "open"
    office.house.later(minutes=1)
    assert office.carry() == []


def test_what_has_left_is_not_taken_back(office: Office) -> None:
    draft = save(office).draft
    send(office, draft.id, then="wait")
    assert office.house.thread("one@acme.example").status == "waiting"
    letter(office)
    done = undo(office.house.db, "r1", "ines", office.house.now)
    assert "the mail has left already: it cannot be taken back" in done.left
    assert stored(office, draft.id).state == "sent"


@pytest.mark.parametrize("kind", ["reply", "note", "forward"])
def test_what_is_sent_and_what_follows_are_one_transaction(
    office: Office, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where closing fails nothing has left, and the draft is there to be sent again."""
    fields = {"to": [BANK]} if kind == "forward" else {}
    draft = save(office, "And closed.", kind=kind, fields=fields).draft
    before = len(office.house.rows(events))

    def fails(*_: Any) -> None:
        raise OSError("the power is gone")

    monkeypatch.setattr(Desk, "close", fails)
    with pytest.raises(OSError, match="power"):
        send(office, draft.id, then="close")
    assert stored(office, draft.id).state == "open"
    assert office.house.rows(outbox) == []
    assert len(office.house.rows(events)) == before
    monkeypatch.undo()
    send(office, draft.id, then="close")
    assert office.house.thread("one@acme.example").status == "closed"
    assert stored(office, draft.id).state == "sent"


def test_files_of_earlier_mails_count_too(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.house.receive(with_file(b"x" * 900))
    with office.house.looking() as conn:
        message = office.house.message("file@acme.example").id
        (number,) = [one.id for one in messages.attachments_of(conn, [message])[message]]
    draft = save(office, fields={"files": [number]}).draft
    monkeypatch.setattr("inbox.flow.working.drafts.MOST_TOGETHER", 800)
    with pytest.raises(AboardError, match="what goes along is too much"):
        send(office, draft.id)
    assert stored(office, draft.id).state == "open"


@pytest.mark.parametrize("news", ["a mail", "a colleague's reply", "another owner"])
def test_a_stale_reply_is_held_and_its_draft_stays(office: Office, news: str) -> None:
    seen = office.house.message("one@acme.example").id
    with office.house.looking() as conn:
        event = timeline.newest(conn, office.thread_id)
    draft = save(office).draft
    said = "wait"
    if news == "a mail":
        office.house.receive(mail(id="two@acme.example", refs=["one@acme.example"]))
        said = "of Ana Costa arrived"
    elif news == "a colleague's reply":
        send(office, save(office, "Mine.", by="tom").draft.id, by="tom", run="r2")
        said = "tom is answering too"
    else:
        Desk(office.house.db, "tom").claim(office.thread_id, office.house.now)
        said = "Tom Alvarez changed whose it is"
    with pytest.raises(StaleReply, match=said):
        send(office, draft.id, seen_message_id=seen, seen_event_id=event)
    assert stored(office, draft.id).state == "open"
    send(office, draft.id, seen_message_id=seen, seen_event_id=event, anyway=True)
    assert stored(office, draft.id).state == "sent"


def test_a_reply_for_later_is_cancelled_by_the_customers_mail(office: Office) -> None:
    draft = save(office).draft
    gone = send(office, draft.id, at=office.house.now + timedelta(days=1))
    office.house.receive(mail(id="two@acme.example", refs=["one@acme.example"]))
    assert office.item(gone.item_id or 0).state == "cancelled"


def test_a_note_tells_whom_it_names_and_they_follow(office: Office) -> None:
    draft = save(office, "Could @tom look? @success, too. Not a@tom.example.", kind="note").draft
    send(office, draft.id)
    (event,) = office.events("note")
    assert event.data["mentions"] == ["tom", "success"]
    with office.house.looking() as conn:
        known = {one.id: one.handle for one in people.everybody(conn).values()}
        assert {known[one] for one in followers.of_thread(conn, office.thread_id)} == {
            "tom",
            "maya",
        }
        tom = people.by_handle(conn, "tom").id
        seer = seer_of(conn, people.by_id(conn, tom))
        (unread,) = followers.unread(conn, seer)
        assert unread.text.startswith("Could @tom look?")
        assert (unread.thread_id, unread.by_name) == (office.thread_id, "Ines Duarte")
    with office.house.db.write() as conn:
        assert followers.read(conn, office.thread_id, tom, office.house.now) == 1
        assert followers.unread(conn, seer) == ()


def forward(office: Office, **fields: Any) -> Gone:
    draft = save(office, "Is this account open?", kind="forward", fields={"to": [BANK], **fields})
    return send(office, draft.draft.id)


def answer_of_bank(office: Office, sent: Any, **how: Any) -> None:
    how = {
        "id": "bank-1@bank.example",
        "subject": "Re: Fwd",
        "to": sent["Reply-To"].addresses[0].addr_spec,
    } | how
    office.house.receive(mail(f"Desk <{BANK}>", refs=[sent["Message-ID"].strip("<>")], **how))


def test_a_third_party_is_asked_aside_and_answers_to_the_thread(office: Office) -> None:
    office.house.receive(
        mail(id="doc@acme.example", refs=["one@acme.example"], files={"W-9.pdf": b"%PDF-1.4 x"})
    )
    doc = office.house.message("doc@acme.example").id
    with office.house.looking() as conn:
        (w9,) = messages.attachments_of(conn, [doc])[doc]
    before = office.house.thread("one@acme.example")
    clocks = [(row.metric, row.state) for row in office.house.rows(targets)]
    forward(office, files=[w9.id])
    sent = letter(office)
    assert sent["To"] == BANK
    assert sent["In-Reply-To"] is None
    assert [part.get_filename() for part in sent.walk() if part.get_filename()] == ["W-9.pdf"]
    assert ANA not in office.sink.kept[-1].content.decode()
    after = office.house.thread("one@acme.example")
    assert (after.status, after.claimed_at) == (before.status, before.claimed_at)
    answer_of_bank(office, sent)
    got = office.house.message("bank-1@bank.example")
    assert (got.thread_id, got.contact_id, got.extras["side"]) == (before.id, None, True)
    assert office.house.thread("one@acme.example").last_in_at == before.last_in_at
    assert [(row.metric, row.state) for row in office.house.rows(targets)] == clocks
    assert audit.audit(office.house.db).balanced


def test_who_was_asked_aside_gets_no_reply_to_the_customer(office: Office) -> None:
    forward(office)
    answer_of_bank(office, letter(office))
    office.house.receive(
        mail(id="cc@acme.example", refs=["one@acme.example"], headers={"Cc": BANK})
    )
    draft = save(office, "To all.", fields={"everybody": True}).draft
    send(office, draft.id)
    sent = letter(office)
    assert sent["In-Reply-To"] == "<cc@acme.example>"
    assert BANK not in str(sent["To"]) + str(sent["Cc"])


def test_only_who_was_asked_answers_aside(office: Office) -> None:
    forward(office)
    sent = letter(office)
    ours = sent["Message-ID"].strip("<>")
    office.house.receive(mail("Eve <eve@evil.example>", id="eve@evil.example", refs=[ours]))
    assert office.house.thread("eve@evil.example").id != office.thread_id


def test_an_answer_to_who_was_asked_aside_goes_to_them_alone(office: Office) -> None:
    forward(office)
    answer_of_bank(office, letter(office))
    asked = office.house.message("bank-1@bank.example").id
    draft = save(office, "Thank you.", fields={"answers": asked, "everybody": True}).draft
    send(office, draft.id)
    sent = letter(office)
    assert (sent["To"], sent["Cc"]) == (f"Desk <{BANK}>", None)
    with office.house.looking() as conn:
        newest = messages.of_thread(conn, office.thread_id)[-1]
        assert newest.extras["side"] is True
        assert threads.by_id(conn, office.thread_id).status == "open"


def test_an_answer_from_outside_takes_up_what_was_put_away(office: Office) -> None:
    forward(office)
    sent = letter(office)
    Desk(office.house.db, "ines").close(office.thread_id, office.house.now)
    answer_of_bank(office, sent)
    assert office.house.thread("one@acme.example").status == "open"
    assert office.events("status-changed")[-1].data["why"] == "an answer came from outside"


def test_our_own_mailbox_is_nobody_outside(office: Office) -> None:
    with pytest.raises(AboardError, match="write a note instead"):
        forward(office, to=["hello@aboard.example"])
    with pytest.raises(AboardError, match="who is it for"):
        forward(office, to=[])
