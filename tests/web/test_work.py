"""The thread page's forms, without any script: every deed, the composer, what is held, files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from inbox.store import audit_log, drafts, messages, outbox_desk, threads
from inbox.store.threads import Thread
from tests.web import story
from tests.web.conftest import Told

PNG = story.PNG


class Desk:
    """Somebody at a browser without scripts."""

    def __init__(self, told: Told, role: str) -> None:
        self.told, self.client = told, told.client(role)
        self.page: Any = self.client.get("/threads/1")

    def thread(self, number: int = 1) -> Thread:
        with self.told.db.read() as conn:
            return threads.by_id(conn, number)

    def token(self) -> str:
        return str(re.search(r'name="token" (?:content|value)="(\w+)"', self.page.text)[1])  # type: ignore[index]

    def open(self, path: str) -> str:
        self.page = self.client.get(path)
        assert self.page.status_code == 200, self.page.text[:400]
        return str(self.page.text)

    def do(self, what: str, *, thread: int = 1, status: int = 303, **fields: Any) -> str:
        form = {"token": self.token(), "do": what, **fields}
        self.page = self.client.post(f"/threads/{thread}/deeds", data=form)
        assert self.page.status_code == status, self.page.text[:2000]
        return self.follow() if status == 303 else str(self.page.text)

    def follow(self) -> str:
        return self.open(self.page.headers["location"])

    def undo(self, thread: int = 1) -> str:
        run = re.search(r'name="run" value="([\w-]+)"', self.page.text)
        assert run, "no undo is offered"
        form = {"token": self.token(), "run": run[1]}
        self.page = self.client.post(f"/threads/{thread}/take-back", data=form)
        assert self.page.status_code == 303, self.page.text[:2000]
        return self.follow()

    def hidden(self) -> dict[str, str]:
        """The hidden fields of the composer as the page has them."""
        found = re.search(r"<form class=\"compose .*?</form>", self.page.text, re.S)
        assert found, "no composer"
        named = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', found[0])
        return dict(named)

    def write(
        self, text: str, do: str = "save", *, status: int = 303, files: Any = (), **more: Any
    ) -> str:
        form = self.hidden() | {"text": text, "do": do} | more
        self.page = self.client.post("/threads/1/draft", data=form, files=list(files))
        assert self.page.status_code == status, self.page.text[:2000]
        return self.follow() if status == 303 else str(self.page.text)

    def drafts(self) -> tuple[drafts.Draft, ...]:
        with self.told.db.read() as conn:
            return drafts.of_thread(conn, 1)

    def items(self) -> tuple[outbox_desk.Item, ...]:
        with self.told.db.read() as conn:
            return outbox_desk.listing(conn, outbox_desk.Page(thread_id=1))


@pytest.fixture
def sending(own: Told) -> Iterator[Told]:
    """The story, with a smarthost configured (nobody carries anything to it)."""
    own.settings = replace(own.settings, send=replace(own.settings.send, host="127.0.0.1", port=9))
    yield own


@pytest.fixture
def jonas(sending: Told) -> Desk:
    return Desk(sending, "lead")


@pytest.fixture
def priya(sending: Told) -> Desk:
    return Desk(sending, "agent")


def test_who_was_named_sees_where_until_they_look(own: Told) -> None:
    def named(client: Any) -> bool:
        return 'data-count="mentions"' in client.get("/accounts").text

    writer, reader = Desk(own, "lead"), own.client("admin")
    assert not named(reader)
    assert "Nobody waits for you to look" in reader.get("/mentions").text
    writer.open("/threads/1?compose=note")
    form = writer.hidden() | {"do": "send", "mode": "note", "text": "Is this right, @maya?"}
    assert writer.client.post("/threads/1/draft", data=form).status_code == 303
    assert named(reader) and "Is this right, @maya?" in reader.get("/mentions").text
    assert not named(writer.client)
    reader.get("/threads/2")
    assert named(reader)
    reader.get("/threads/1")
    assert not named(reader)


def test_each_deed_is_a_form_and_has_an_undo(priya: Desk) -> None:
    before = priya.thread()
    assert "It is yours now." in priya.do("claim")
    assert priya.thread().claimed_at is not None
    assert "as it was before" in priya.undo()
    for what, fields, column, value in (
        ("close", {}, "status", "closed"),
        ("wait", {}, "status", "waiting"),
        ("snooze", {"until": "tomorrow 9"}, "status", "snoozed"),
        ("snooze", {"until": "reply"}, "status", "snoozed"),
        ("tag", {"tags": "sso, Billing"}, "tags", ("kickoff", "sso", "billing")),
        ("priority", {"priority": "urgent"}, "priority", "urgent"),
        ("team", {"team": "support"}, "team", "support"),
        ("give", {"to": "jonas"}, "claimed_at", story.NOW),
    ):
        priya.do(what, **fields)
        assert getattr(priya.thread(), column) == value, what
        priya.undo()
        assert replace(priya.thread(), version=0) == replace(before, version=0), what


def test_what_cannot_be_is_said_on_the_page(priya: Desk, jonas: Desk) -> None:
    jonas.do("claim")
    said = priya.do("claim", status=409)
    assert "is Jonas Brandt&#39;s" in said and 'role="alert"' in said
    assert "write for instance" in priya.do("snooze", status=409, until="whenever")
    assert "two companies" in priya.do("merge", status=409, into="/threads/2")
    assert "no number" not in priya.do("merge", status=409, into="that one")
    priya.do("fly", status=400)


def test_follow_is_undone_too(priya: Desk) -> None:
    assert 'aria-pressed="true"' in priya.do("follow")
    assert 'aria-pressed="false"' in priya.undo()
    priya.do("follow")
    assert 'aria-pressed="false"' in priya.do("unfollow")


def test_a_handoff_goes_from_page_to_page(priya: Desk, sending: Told) -> None:
    said = priya.do("handoff", team="support", reason="It is an outage.", asks="a date\n\nthe log")
    assert "On offer to Support" in said and "a date" in said
    tom = Desk(sending, "admin")
    assert "Declined" in tom.do("decline", answer="It is not.")
    priya.do("handoff", team="support", reason="It is, really.")
    assert "taken back" in priya.do("withdraw")
    priya.do("handoff", team="support", reason="Third time.")
    tom.open("/threads/1")
    assert "Accepted: it is yours now." in tom.do("accept")
    assert tom.thread().team == "support"
    assert "ended already" in tom.do("accept", status=409)


def test_split_and_merge_lead_to_the_thread_where_the_mails_are(priya: Desk) -> None:
    with priya.told.db.read() as conn:
        mails = messages.of_thread(conn, 1)
    said = priya.do("split", messages=[str(mails[2].id)])
    fresh = int(priya.page.url.path.rpartition("/")[2])
    assert "a thread of their own now" in said and fresh != 1
    said = priya.do("merge", thread=fresh, into="1")
    assert priya.page.url.path == "/threads/1" and "Merged" in said
    assert priya.client.get(f"/threads/{fresh}").headers["location"] == "/threads/1"
    priya.undo()
    assert priya.thread(fresh).id == fresh


def test_a_thread_changes_its_account_by_name(priya: Desk) -> None:
    with priya.told.db.read() as conn:
        nord = threads.by_id(conn, 2).account_id
    said = priya.do("account", account="nord.example")
    assert "Moved to the other account." in said
    assert priya.thread().account_id == nord
    priya.undo()
    assert priya.thread().account_id != nord


def test_a_viewer_sees_no_form_and_changes_nothing(sending: Told) -> None:
    noor = Desk(sending, "viewer")
    assert "compose=reply" not in noor.page.text and "/deeds" not in noor.page.text
    noor.do("close", status=403)


# --- Composer ----------------------------------------------------------------------------------


def test_what_is_typed_is_kept_and_there_after_a_reload(priya: Desk) -> None:
    priya.open("/threads/1?compose=reply")
    assert "Drafts are kept as you type" in priya.page.text
    priya.write("Half a <b>sentence")
    assert "Half a &lt;b&gt;sentence" in priya.open("/threads/1")
    priya.write("A whole sentence.")
    (draft,) = priya.drafts()
    assert (draft.text, draft.version) == ("A whole sentence.", 2)
    said = priya.open(f"/threads/1/drafts/{draft.id}")
    assert "Half a &lt;b&gt;sentence" in said and "the draft now" in said
    form = {"token": priya.token(), "version": "1"}
    priya.page = priya.client.post(f"/threads/1/drafts/{draft.id}", data=form)
    assert "Half a &lt;b&gt;sentence" in priya.follow()


def test_autosave_answers_with_what_a_script_needs(priya: Desk) -> None:
    priya.open("/threads/1?compose=reply")
    form = priya.hidden() | {"text": "Typed.", "do": "autosave"}
    first = priya.client.post("/threads/1/draft", data=form).json()
    assert first == {"draft": first["draft"], "version": 1, "conflict": False}
    again = priya.client.post("/threads/1/draft", data=form | {"text": ""}).json()
    assert again == {"draft": None, "version": 0, "conflict": False}
    other = form | {"draft": first["draft"], "base": "0", "text": "Elsewhere."}
    assert priya.client.post("/threads/1/draft", data=other).json()["conflict"] is True


def test_two_tabs_keep_both_texts(priya: Desk) -> None:
    priya.open("/threads/1?compose=reply")
    priya.write("First.")
    second_tab = priya.hidden()
    priya.write("First, and more.")
    form = second_tab | {"text": "From the second tab.", "do": "send"}
    priya.page = priya.client.post("/threads/1/draft", data=form)
    assert priya.page.status_code == 409
    said = priya.page.text
    assert "both texts are kept" in said
    assert "From the second tab." in said and "First, and more." in said
    assert priya.items() == ()


def test_who_gets_it_is_shown_beside_who_was_on_the_answered_mail(priya: Desk) -> None:
    priya.open("/threads/1?compose=reply")
    fields = priya.hidden() | {"text": "Hello.", "to": "new@other.example", "do": "save"}
    said = priya.client.post("/threads/1/draft", data=fields, follow_redirects=True).text
    people = said[said.index('aria-label="Who gets it"') :].partition("</ul>")[0]
    added, missing = people.split('<li class="added">'), people.split('<li class="missing">')
    assert "new@other.example" in added[1].partition("</li>")[0] and "<b title" in added[1]
    assert "does not get this" in missing[1] and len(added) == 2


def test_a_reply_leaves_after_its_undo_window_and_comes_back_as_text(priya: Desk) -> None:
    said = priya.open("/threads/1?compose=all")
    assert 'aria-label="Who gets it"' in said and "Eva König" in said
    said = priya.write("Thursday it is.", "send")
    (item,) = priya.items()
    assert item.run_after == story.NOW + timedelta(seconds=10)
    assert "data-countdown" in said and "In the outbox." not in said, "one undo is enough"
    said = priya.undo()
    assert "Thursday it is." in said
    assert priya.items()[0].state == "cancelled"
    assert priya.drafts()[0].state == "open"


def test_send_and_close_send_and_wait_send_later(priya: Desk) -> None:
    for do, status in (("close", "closed"), ("wait", "waiting")):
        priya.open("/threads/1?compose=reply")
        priya.write("Done.", do)
        assert priya.thread().status == status
        priya.undo()
        assert priya.thread().status == "open"
    priya.open("/threads/1?compose=reply")
    priya.write("Later.", "send", at="tomorrow 9")
    later = next(one for one in priya.items() if one.state == "queued")
    assert (later.run_after.hour, later.cancel_if_answered) == (9, True)
    assert "unless they write before" in priya.page.text


def test_a_bad_instant_loses_nothing(priya: Desk) -> None:
    priya.open("/threads/1?compose=reply")
    said = priya.write("My text.", "send", status=409, at="someday")
    assert "write for instance" in said and "My text." in said
    assert priya.items() == ()


def test_a_stale_reply_comes_back_with_the_new_mail_above_it(priya: Desk) -> None:
    priya.open("/threads/1?compose=reply")
    form = priya.hidden()
    new = story.mail(
        "Eva König <eva@acme.example>", "Re: Kickoff next week?", "Please wait until July!\n",
        in_reply_to="<kickoff-1@acme.example>", message_id="<july@acme.example>",
    )  # fmt: skip
    story.put(priya.told.db, priya.told.settings, [new.as_bytes()], story.NOW)
    priya.page = priya.client.post(
        "/threads/1/draft", data=form | {"text": "Thursday!", "do": "send"}
    )
    said = priya.page.text
    assert priya.page.status_code == 409
    assert said.index("Please wait until July!", said.index("held-card")) < said.index("Thursday!")
    assert 'value="anyway"' in said
    assert priya.items() == ()
    # Sent again as the page now has it: the new mail has been seen.
    priya.write("July, then.", "send")
    assert [one.state for one in priya.items()] == ["queued"]


def test_a_colleague_who_answers_holds_my_reply(priya: Desk, jonas: Desk) -> None:
    priya.open("/threads/1?compose=reply")
    jonas.open("/threads/1?compose=reply")
    jonas.write("Mine first.", "send")
    said = priya.write("Mine, too.", "send", status=409)
    assert "jonas is answering too" in said
    priya.write("Mine, too.", "anyway")
    assert len(priya.items()) == 2


def test_who_else_writes_is_said_here_and_on_the_customers_other_threads(
    priya: Desk, jonas: Desk
) -> None:
    other = story.mail(
        "Anna Schmidt <anna@acme.example>", "Other", "Text.\n", message_id="<o@acme.example>"
    )
    story.put(priya.told.db, priya.told.settings, [other.as_bytes()], story.NOW)
    with priya.told.db.read() as conn:
        (there,) = messages.by_mail_id(conn, "o@acme.example")
    jonas.open("/threads/1?compose=reply")
    jonas.write("Draft of Jonas.")
    said = priya.open(f"/threads/{there.thread_id}?compose=reply")
    assert "is writing to the same customer" in said and "Kickoff next week?" in said
    assert "is writing to them on" in priya.open(f"/accounts/{there.account_id}")
    assert "is writing to the same customer" not in priya.open("/threads/1")
    assert "has a reply in the works" in priya.page.text and "Draft of Jonas." in priya.page.text


def test_a_note_names_colleagues(priya: Desk) -> None:
    priya.open("/threads/1?compose=note")
    said = priya.write("@jonas, could you?", "send")
    assert "Whom you named is told" in said
    assert "Followed by Jonas Brandt" in said


def test_files_are_attached_shown_taken_away_and_sent(priya: Desk) -> None:
    priya.open("/threads/1?compose=reply")
    pdf = ("upload", ("../Plan\u202e.pdf", b"%PDF-1.4", "application/pdf"))
    said = priya.write("See the plan.", "attach", files=[pdf])
    assert "Plan.pdf" in said
    said = priya.write("See the plan.", "show", files=[("upload", ("logo.png", PNG, "image/png"))])
    assert "[image: logo.png]" in said
    (draft,) = priya.drafts()
    with priya.told.db.read() as conn:
        first, second = drafts.files_of(conn, [draft.id])[draft.id]
    got = priya.client.get(f"/threads/1/drafts/{draft.id}/files/{first.id}")
    assert got.content == b"%PDF-1.4"
    assert got.headers["content-disposition"].startswith("attachment")
    assert priya.client.get(f"/threads/2/drafts/{draft.id}/files/{first.id}").status_code == 404
    assert "Plan.pdf" not in priya.write(draft.text, f"detach-{first.id}")
    shown = priya.page
    for odd in ("²", 30 * "9"):
        priya.write(draft.text, f"detach-{odd}", status=404)
        priya.page = shown
    svg = ("upload", ("x.svg", b"<svg onload=alert(1)>", "image/svg+xml"))
    assert "only PNG, JPEG" in priya.write(draft.text, "show", status=409, files=[svg])
    priya.write(draft.text, "send")
    with priya.told.db.read() as conn:
        raw = outbox_desk.by_id(conn, priya.items()[0].id)
    assert raw.state == "queued" and second.content_id


def test_a_template_is_put_below_what_is_typed(priya: Desk) -> None:
    said = priya.open("/threads/1?compose=reply")
    assert '<option value="template:resolution">' in said
    said = priya.write("My own words.", "template", status=200, template="template:resolution")
    text = said.partition('<textarea id="text"')[2]
    assert text.index("My own words.") < text.index("Anna") if "Anna" in text else "Eva" in text


def test_somebody_outside_is_asked_with_a_file_of_the_thread(priya: Desk) -> None:
    said = priya.open("/threads/1?compose=forward")
    number = re.search(r'name="files" value="(\d+)"', said)
    assert number and "W-9.pdf" in said
    said = priya.write("Is it valid?", "send", to="desk@bank.example", files=())
    assert "Asked aside" in said


def test_a_discarded_draft_comes_back(priya: Desk) -> None:
    priya.open("/threads/1?compose=reply")
    priya.write("Precious.")
    assert "thrown away" in priya.write("Precious.", "discard")
    assert "Precious." not in priya.page.text
    assert "Precious." in priya.undo()


# --- Previews ----------------------------------------------------------------------------------


def test_pictures_and_pdf_are_looked_at_under_their_own_policy(own: Told) -> None:
    client = own.client("agent")
    made = story.mail(
        "Anna Schmidt <anna@acme.example>", "Files", "See.\n", message_id="<f@acme.example>"
    )
    made.add_attachment(PNG, maintype="image", subtype="png", filename="a.png")
    made.add_attachment(b"%PDF-1.7 x", maintype="application", subtype="pdf", filename="b.pdf")
    made.add_attachment(
        b"<svg onload=alert(1)/>", maintype="image", subtype="png", filename="c.png"
    )
    story.put(own.db, own.settings, [made.as_bytes()], story.NOW)
    with own.db.read() as conn:
        (mail,) = messages.by_mail_id(conn, "f@acme.example")
        picture, pdf, fake = messages.attachments_of(conn, [mail.id])[mail.id]
    page = client.get(f"/threads/{mail.thread_id}").text
    assert f'src="/attachments/{picture.id}/preview"' in page
    got = client.get(f"/attachments/{picture.id}/preview")
    assert (got.content, got.headers["content-type"]) == (PNG, "image/png")
    assert "sandbox" in got.headers["content-security-policy"]
    assert got.headers["x-content-type-options"] == "nosniff"
    got = client.get(f"/attachments/{pdf.id}/preview")
    assert got.headers["content-type"] == "application/pdf"
    assert "default-src 'none'" in got.headers["content-security-policy"]
    with own.db.read() as conn:
        (looked,) = audit_log.listing(conn, audit_log.Wanted(kind="attachment"))
        (seen,) = audit_log.listing(conn, audit_log.Wanted(kind="picture"))
    assert looked.subject.startswith(f"attachment {pdf.id} ")
    assert (seen.subject, seen.actor) == (
        f"attachment {picture.id} of message {mail.id}",
        "person:priya",
    )
    client.get(f"/attachments/{picture.id}/preview")
    with own.db.read() as conn:
        assert len(audit_log.listing(conn, audit_log.Wanted(kind="picture"))) == 1, "once an hour"
    assert client.get(f"/attachments/{fake.id}/preview").status_code == 415
    assert client.get("/attachments/999/preview").status_code == 404


def test_a_macro_puts_its_text_in_and_does_the_rest_as_it_is_sent(priya: Desk) -> None:
    said = priya.open("/threads/1?compose=reply")
    assert "All done (close it)" in said
    said = priya.write("", "template", status=200, template="macro:ask-for-document")
    assert "to go on we need one more document" in said
    assert "As it is sent: tag document-asked, wait for the customer" in said
    before = priya.thread()
    priya.write("Please send the W-9.", "send", macro="ask-for-document")
    assert (priya.thread().status, priya.thread().tags) == (
        "waiting",
        ("kickoff", "document-asked"),
    )
    priya.undo()
    after = priya.thread()
    assert (after.status, after.tags) == (before.status, before.tags)
    assert priya.items()[0].state == "cancelled"


def test_a_mail_for_later_leaves_by_the_clock_of_who_wrote_it(priya: Desk) -> None:
    chosen = {"token": priya.token(), "name": "zone", "value": "Asia/Tokyo"}
    assert priya.client.post("/preferences", data=chosen).status_code == 303
    said = priya.open("/threads/1?compose=reply")
    assert "In your time (Asia/Tokyo)" in said
    priya.write("Later.", "send", at="tomorrow 9")
    later = next(one for one in priya.items() if one.state == "queued")
    assert (later.run_after.hour, later.run_after.minute) == (0, 0)
    assert "09:00 JST" in priya.page.text
