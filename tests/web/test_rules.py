"""The rules page, traces, the evidence beside a thread, and corrections with one click."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from inbox import shipped
from inbox.flow import active
from inbox.flow.evidence import explaining
from inbox.flow.learning import models
from inbox.flow.working.correct import standing
from inbox.store import assignments, audit_log, labels, messages, people, schema, sets, threads
from inbox.store.database import Conn, Database
from inbox.store.messages import Message
from inbox.store.tables import messages as messages_table
from inbox.web.render import exact
from inbox.web.rules_pages import MOST_MAIL
from inbox.web.why import why
from tests.web import story
from tests.web.conftest import Told, alone
from tests.web.payloads import PAYLOADS
from tests.web.test_security import assert_ours

DPA = (
    "From: Ana <ana@bank.example>\r\nTo: onboarding@aboard.example\r\n"
    "Subject: Please sign our DPA\r\n\r\nOur data processing agreement is attached.\r\n"
)


def seen(text: str) -> str:
    """What a reader sees of a page, in one line."""
    body = text[text.index("<main") :]
    body = re.sub(r"<(script|style)\b.*?</\1>", " ", body, flags=re.DOTALL)
    words = unescape(re.sub(r"<[^>]*>", " ", body)).split()
    return re.sub(r" ([,:;”]|\.(?= |$))", r"\1", " ".join(words)).replace("“ ", "“")


def token(client: TestClient) -> str:
    found = re.search(r'name="token" value="([0-9a-f]{64})"', client.get("/rules/explain").text)
    assert found is not None
    return found[1]


def pasted(client: TestClient, mail: str) -> str:
    form = {"token": (None, token(client)), "mail": (None, mail)}
    answer = client.post("/rules/explain", files=form)
    assert answer.status_code == 200, answer.text
    return answer.text


# --- The set in force --------------------------------------------------------------------------


def test_every_rule_stands_in_order_with_its_place_and_what_it_did(told: Told) -> None:
    text = told.client().get("/rules").text
    with told.db.read() as conn:
        files = active.in_force(conn)
    assert files is not None
    names = [rule.name for rule in files.ruleset.rules]
    rows = re.findall(r'<tr id="r-\d+".*?</tr>', text, re.DOTALL)
    assert [re.search(r"<bdi>([^<]*)", row)[1] for row in rows] == names  # type: ignore[index]
    for row, rule in zip(rows, files.ruleset.rules, strict=True):
        assert f"{Path(rule.file).name}:{rule.line}" in row and rule.why in unescape(row)
        assert ("never" in seen(f"<main {row}")) == ('class="never"' in row)
    assert files.ruleset.hash in text
    shown = seen(text)
    assert f"{len(names)} rules in 3 files" in shown and "Fallback" in shown
    assert f"{len(files.ruleset.cases)} tests passed" in shown
    assert any('class="never"' in row for row in rows)
    assert any('class="never"' not in row for row in rows), "the story hits some rule"


def test_a_refused_load_is_said_where_the_rules_are(own: Told, tmp_path: Path) -> None:
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "bad.yaml").write_text("rules:\n  - name: x\n    wen: {}\n", encoding="utf-8")
    files = replace(own.settings.files, rules=folder)
    later = story.NOW + timedelta(hours=3)
    active.activate(own.db, replace(own.settings, files=files), later)
    text = own.client().get("/rules").text
    with own.db.read() as conn:
        good = sets.active(conn, "rules")
    assert good is not None and good.activated_at < later
    last = f"Last load: {exact(later)}, refused. Last good load: {exact(good.activated_at)}."
    assert last in seen(text)
    assert "A newer load was refused; the rules below stay in force" in seen(text)
    assert "bad.yaml:3" in text and "privacy-request" in text
    elsewhere = own.client().get("/threads").text
    assert "The newest files were refused" in elsewhere


def test_rules_in_shadow_are_counted_beside_the_live_ones(own: Told, tmp_path: Path) -> None:
    folder = tmp_path / "shadow"
    folder.mkdir()
    rule = "rules: []\nfallback: {classifier_at_least: 0.99, team: success}\n"
    (folder / "s.yaml").write_text(rule, encoding="utf-8")
    settings = replace(own.settings, files=replace(own.settings.files, shadow_rules=folder))
    active.activate(own.db, settings, story.NOW)
    made = story.mail("Zoe <zoe@new.example>", "Something odd", "Hi!\n")
    story.put(own.db, settings, [made.as_bytes()])
    shown = seen(own.client().get("/rules").text)
    assert "In shadow since" in shown
    assert re.search(r"1 mail of \d+ would have gone elsewhere", shown), shown


def test_before_the_first_rules_the_page_says_so(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'bare.db'}"
    db = Database(url)
    schema.ensure(db)
    alone(db)
    client = Told(db, story.settings_for(url)).client()
    assert "No rules are in force yet" in seen(client.get("/rules").text)
    assert "No rules are in force yet." in seen(pasted(client, DPA))
    db.close()


# --- Traces ------------------------------------------------------------------------------------


def test_a_pasted_mail_shows_the_decision_every_rule_and_a_ready_test(own: Told) -> None:
    client = own.client()
    with own.db.read() as conn:
        before = threads.counts(conn)
        files = active.in_force(conn)
    assert files is not None
    text = pasted(client, DPA)
    shown = seen(text)
    assert "Compliance, decided by rule data-processing-agreement" in shown
    assert text.count('<span class="nr">') == len(files.ruleset.rules)
    assert "rule data-processing-agreement matched first and stops" in shown
    assert "expect: {team: compliance, rule: data-processing-agreement" in shown
    for answer in ("yes", "no", "matched", "not asked"):
        assert re.search(rf'<span class="answer \w+"><svg.*?</svg>{answer}</span>', text), answer
    with own.db.read() as conn:
        assert threads.counts(conn) == before, "nothing is stored"


def test_a_trace_agrees_with_what_was_decided(told: Told) -> None:
    client = told.client()
    with told.db.read() as conn:
        numbers = [row.thread.id for row in threads.listing(conn, threads.Page())]
        made = [one for n in numbers for one in assignments.of_thread(conn, n) if one.message_id]
    assert len(made) >= 4
    for one in made:
        for query in ("", "?rules=now"):
            shown = seen(client.get(f"/messages/{one.message_id}/trace{query}").text)
            by = f"rule {one.rule}" if one.rule else f"the {one.decided_by}"
            assert f", decided by {by}" in shown, shown[:400]
            assert "the one in force now" in shown


def test_a_reply_without_a_decision_says_that_its_facts_were_gathered_again(told: Told) -> None:
    with told.db.read() as conn:
        question = explaining.stored(conn, 2)
    assert question.note
    shown = seen(told.client().get("/messages/2/trace").text)
    with told.db.read() as conn:
        looked = audit_log.listing(conn, audit_log.Wanted("trace"))
    assert ("message 2", "person:maya") in {(one.subject, one.actor) for one in looked}
    assert question.note[1:] in shown


def test_a_number_leads_to_the_trace_of_that_message(told: Told) -> None:
    client = told.client()
    assert client.get("/rules/explain?message=2").headers["location"] == "/messages/2/trace"
    assert client.get("/rules/explain?message=x").status_code == 400
    assert client.get("/messages/999/trace").status_code == 404


@pytest.mark.parametrize(
    ("mail", "said"),
    [
        ("", "There is no mail yet"),
        ("\r\n\r\n", "There is no mail yet"),
        ("Subject: nobody\r\n\r\nHi\r\n", "Filing would hold this mail back"),
        (f"Subject: {'x' * 70_000}\r\n\r\nHi\r\n", "Filing would hold this mail back"),
    ],
    ids=["empty", "blank lines", "no author", "huge field"],
)
def test_what_cannot_be_filed_is_answered_with_its_reason(told: Told, mail: str, said: str) -> None:
    assert said in seen(pasted(told.client(), mail))


def test_a_paste_may_be_one_megabyte_and_not_more(told: Told) -> None:
    client = told.client()
    body = "word " * 30_000
    head = DPA.partition("\r\n\r\n")[0] + "\r\n\r\n"
    assert "Compliance" in pasted(client, head + body)
    form = {"token": (None, token(client)), "mail": (None, head + "x" * (MOST_MAIL - len(head)))}
    assert client.post("/rules/explain", files=form).status_code == 200
    for size in (MOST_MAIL + 1, MOST_MAIL + 200_000):
        form["mail"] = (None, "x" * size)
        assert client.post("/rules/explain", files=form).status_code == 413


def test_no_payload_does_anything_in_a_trace(told: Told) -> None:
    client = told.client()
    for start in range(0, len(PAYLOADS), 12):
        some = PAYLOADS[start : start + 12]
        flat = [" ".join(one.split()) for one in some]
        head = [f'From: "{flat[0][:40]}" <a@b.example>', f"Subject: {' '.join(flat)}"]
        assert_ours(pasted(client, "\r\n".join((*head, "", "GDPR", *some))))


# --- Why here, and corrections -----------------------------------------------------------------


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """The story with the shipped classifier in force from the start."""
    url = f"sqlite:///{tmp_path_factory.mktemp('judged') / 'j.db'}"
    settings = story.settings_for(url)
    db = Database(url)
    schema.ensure(db)
    active.activate(db, settings, story.NOW)
    assert models.activate_shipped(db, shipped.MODEL, story.NOW) is None
    story.put(db, settings, story.everything())
    yield Told(db, settings)
    db.close()


def test_the_thread_page_says_who_sent_it_with_evidence_or_two_guesses(judged: Told) -> None:
    client = judged.client()
    with judged.db.read() as conn:
        everybody = people.everybody(conn)
        found = [
            (
                row.thread,
                why(assignments.of_thread(conn, row.thread.id), row.thread.team, everybody),
            )
            for row in threads.listing(conn, threads.Page())
        ]
    kinds = set()
    for thread, reason in found:
        assert reason is not None and reason.guess is not None
        shown = seen(client.get(f"/threads/{thread.id}").text)
        guess = reason.guess
        if reason.made.decided_by == "classifier":
            kinds.add("decided")
            assert re.search(r"Sent to [\w ]+: (over )?\d+ %, because “", shown), shown
        elif guess.team != "none" and guess.abstain:
            kinds.add("unsure")
            assert re.search(r"The classifier was not sure: [\w ]+ \d+ %, [\w ]+ \d+ %", shown), (
                shown
            )
        for term in reason.terms:
            assert f"“{term}”" in shown
    assert "unsure" in kinds, kinds


def test_near_threads_are_linked_with_where_they_went(judged: Told) -> None:
    client = judged.client()
    fragment = client.get("/threads/1/near?fragment=near").text
    assert "<html" not in fragment
    links = re.findall(r'href="/threads/(\d+)\?status=all"', fragment)
    assert 1 <= len(links) <= 3 and "1" not in links
    assert len(re.findall(r"went to \w+", fragment)) == len(links)
    assert fragment.strip() in client.get("/threads/1/near").text
    theirs = messages_table.c.thread_id.in_([int(one) for one in links])
    with judged.db.write() as conn:
        conn.execute(messages_table.update().where(theirs).values(direction="out"))
    fragment = client.get("/threads/1/near?fragment=near").text
    with judged.db.write() as conn:
        conn.execute(messages_table.update().where(theirs).values(direction="in"))
    assert not set(links) & set(re.findall(r'href="/threads/(\d+)', fragment)), (
        "our own mail is none"
    )


def test_a_trace_leads_to_the_nearest_threads_where_the_classifier_was_asked(judged: Told) -> None:
    client = judged.client()
    asked = [made for made in decisions(judged) if "classifier" in made.decision]
    assert asked
    for made in asked:
        trace = client.get(f"/messages/{made.message_id}/trace").text
        assert f'hx-get="/threads/{made.thread_id}/near?fragment=near"' in trace


def test_a_trace_without_a_classifier_speaks_of_no_nearest_threads(told: Told) -> None:
    asked = {made.message_id for made in decisions(told) if "classifier" in made.decision}
    client = told.client()
    others = [made for made in decisions(told) if made.message_id and made.message_id not in asked]
    assert others
    assert "/near" not in client.get(f"/messages/{others[0].message_id}/trace").text


def decisions(told: Told) -> list[assignments.Assignment]:
    """Every decision about a thread of the first page that a message made."""
    with told.db.read() as conn:
        listed = [row.thread.id for row in threads.listing(conn, threads.Page())]
        made = [one for each in listed for one in assignments.of_thread(conn, each)]
    return [one for one in made if one.message_id is not None]


def moved(client: TestClient, own: Told, team: str) -> str:
    form = {"token": token(client), "team": team}
    answer = client.post("/threads/1/team", data=form)
    assert answer.status_code == 303
    return str(answer.headers["location"])


def test_one_click_moves_a_thread_and_teaches_and_one_click_takes_it_back(own: Told) -> None:
    client = own.client()
    with own.db.read() as conn:
        before = threads.by_id(conn, 1)
    assert "Move it; the classifier learns" in seen(client.get("/threads/1").text)
    where = moved(client, own, "compliance")
    text = client.get(where).text
    assert "Moved to Compliance as Maya Okafor." in seen(text)
    assert "Maya Okafor sent it to Compliance" in seen(text)
    with own.db.read() as conn:
        after = threads.by_id(conn, 1)
        (label,) = labels.listing(conn)
    assert (after.team, after.decided_by) == ("compliance", "person")
    assert (label.team, label.was_team, label.by) == ("compliance", before.team, "maya")
    number = re.search(r'name="assignment" value="(\d+)"', text)
    assert number is not None
    form = {"token": token(client), "assignment": number[1]}
    answer = client.post("/threads/1/undo", data=form)
    assert answer.headers["location"] == "/threads/1?said=back"
    assert "Taken back" in seen(client.get("/threads/1?said=back").text)
    with own.db.read() as conn:
        back = threads.by_id(conn, 1)
        (label,) = labels.listing(conn)
        made = assignments.of_thread(conn, 1)
    assert (back.team, back.decided_by, back.accountable_id) == (
        before.team,
        before.decided_by,
        before.accountable_id,
    )
    assert label.undone_at is not None
    assert [one.decided_by for one in made][-2:] == ["person", "person"], "nothing is erased"
    assert standing(made) == made[:-2]
    again = client.post("/threads/1/undo", data=form)
    assert again.headers["location"] == "/threads/1?said=not-back"


def test_what_somebody_did_since_is_not_taken_back(own: Told) -> None:
    client = own.client()
    text = client.get(moved(client, own, "compliance")).text
    number = re.search(r'name="assignment" value="(\d+)"', text)
    assert number is not None
    moved(client, own, "success")
    form = {"token": token(client), "assignment": number[1]}
    answer = client.post("/threads/1/undo", data=form)
    assert answer.headers["location"] == "/threads/1?said=not-back"
    with own.db.read() as conn:
        assert threads.by_id(conn, 1).team == "success"


@pytest.mark.parametrize("team", ["", "nobody", "Compliance", "x" * 5000, "<b>"])
def test_a_team_that_is_none_is_refused(own: Told, team: str) -> None:
    client = own.client()
    form = {"token": token(client), "team": team}
    assert client.post("/threads/1/team", data=form).status_code == 400
    with own.db.read() as conn:
        assert labels.listing(conn) == ()


def test_to_the_team_that_has_it_already_nothing_is_moved(own: Told) -> None:
    client = own.client()
    with own.db.read() as conn:
        team = threads.by_id(conn, 1).team
        before = assignments.of_thread(conn, 1)
    moved(client, own, team)
    with own.db.read() as conn:
        assert assignments.of_thread(conn, 1) == before


def test_the_flash_tells_only_what_is_so(told: Told) -> None:
    shown = seen(told.client().get("/threads/1?said=moved").text)
    assert "Moved to" not in shown


def test_a_viewer_is_offered_no_correction_and_an_agent_acts_as_themselves(told: Told) -> None:
    assert "Move it;" not in seen(told.client("viewer").get("/threads/1").text)
    assert "Move it; the classifier learns" in seen(told.client("agent").get("/threads/1").text)


def test_a_bounce_or_an_absence_does_not_wait_for_our_answer(told: Told) -> None:
    text = told.client().get("/threads?status=all").text
    rows = re.findall(r"<li id=\"t\d+\".*?</li>", text, re.DOTALL)
    for row in rows:
        machine = "Undelivered" in row or "Out of office" in row
        assert not (machine and "Waits for our answer" in row)
    assert any("Waits for our answer" in row for row in rows)
    assert any("Undelivered" in row for row in rows)


# --- A rule test from any thread, and a mail to pick -------------------------------------------


def test_every_incoming_mail_of_a_thread_leads_to_its_trace_and_a_rule_test(told: Told) -> None:
    client = told.client()
    text = client.get("/threads/1").text
    with told.db.read() as conn:
        numbers = [one.id for one in messages.of_thread(conn, 1) if one.direction == "in"]
    assert numbers
    for number in numbers:
        assert f'href="/messages/{number}/trace"' in text
        assert f'href="/messages/{number}/trace?rules=now#test"' in text
    shown = client.get(f"/messages/{numbers[0]}/trace?rules=now").text
    entry = unescape(re.search(r'id="yaml"><code>(.*?)</code>', shown, re.DOTALL)[1])  # type: ignore[index]
    assert "given:" in entry and "expect:" in entry
    assert client.get("/threads/1", headers={"host": "evil.example"}).status_code == 421


def test_our_own_mail_has_no_rule_test(told: Told) -> None:
    client = told.client()
    with told.db.read() as conn:
        ours = [
            one for thread in range(1, 9) for one in _of(conn, thread) if one.direction == "out"
        ]
    for one in ours:
        assert f"/messages/{one.id}/trace" not in client.get(f"/messages/{one.id}").text


def _of(conn: Conn, thread: int) -> tuple[Message, ...]:
    return messages.of_thread(conn, thread)


def test_a_stored_mail_may_be_picked_from_the_newest_ones(told: Told) -> None:
    text = told.client().get("/rules/explain").text
    picks = re.findall(r'<li><a href="/messages/(\d+)/trace"><span class="subject">', text)
    assert picks and [int(one) for one in picks] == sorted(map(int, picks), reverse=True)
    assert told.client().get(f"/messages/{picks[0]}/trace").status_code == 200
