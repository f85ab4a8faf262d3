"""People and teams, one's own account, settings, the audit log, and confidential marks on pages."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from inbox.cells import cell
from inbox.config import Settings
from inbox.flow.people import access
from inbox.flow.people.access import COMMAND, Lasts, Whence
from inbox.store import absences, audit_log, messages, people, regroup, threads, timeline
from inbox.web.admin_pages import KINDS
from inbox.web.people_pages import hours_words
from routing.hours import ALWAYS, Calendar
from tests.access.hashes import cheapened
from tests.web import story
from tests.web.conftest import Told, session_of
from tests.web.test_pages import page, words
from tests.web.test_security import assert_ours
from tests.web.test_sign_in import token_in

GOOD = "seven sleepy otters"
DOCUMENT = story.REPO / "docs" / "INTERFACES.md"


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    cheapened(monkeypatch)


def post(client: TestClient, path: str, **fields: str) -> int:
    sent = {"token": token_in(client.get("/threads").text), **fields}
    return int(client.post(path, data=sent).status_code)


def logged(told: Told, kind: str = "") -> list[tuple[str, str, str]]:
    with told.db.read() as conn:
        found = audit_log.listing(conn, audit_log.Wanted(kind))
    return [(one.kind, one.actor, one.subject) for one in found]


# --- People ------------------------------------------------------------------------------------


def test_everybody_sees_who_is_in_which_team_and_only_some_see_more(told: Told) -> None:
    seen = {role: words(page(told.client(role), "/people")) for role in ("viewer", "lead", "admin")}
    for text in seen.values():
        for part in ("Jonas Brandt", "on duty", "leads the team", "In no team", "Noor Haddad"):
            assert part in text
        assert "hours as in sla.yaml" in text or "works Mon" in text
    assert "Note an absence" not in seen["viewer"] and "Note an absence" in seen["lead"]
    assert "Link for a password" in seen["admin"] and "Link for a password" not in seen["lead"]
    for role in ("viewer", "admin"):
        assert_ours(page(told.client(role), "/people"))


def test_a_lead_notes_an_absence_and_that_somebody_is_back(own: Told) -> None:
    client = own.client("lead")
    leave = {"handle": "priya", "from": "2025-06-01", "until": "2025-06-05", "note": "<b>sun</b>"}
    assert post(client, "/people/away", **leave) == 303
    text = page(client, "/people?said=away")
    assert "away, back on 6 June 2025" in words(text) and "&lt;b&gt;sun" in text
    with own.db.read() as conn:
        assert absences.away(conn, story.NOW) == {"priya"}
        assert absences.away(conn, story.NOW + timedelta(days=4)) == frozenset()
    assert post(client, "/people/back", handle="priya") == 303
    with own.db.read() as conn:
        assert absences.away(conn, story.NOW) == frozenset()
    assert [one[0] for one in logged(own, "absence")] == ["absence"] * 2
    assert logged(own, "absence")[0][1:] == ("person:jonas", "person priya")


def test_an_absence_that_makes_no_sense_is_refused(own: Told) -> None:
    client = own.client("lead")
    assert post(client, "/people/away", handle="nobody") == 404
    assert post(client, "/people/away", handle="priya", **{"from": "tomorrow"}) == 400
    backwards = {"from": "2025-07-05", "until": "2025-07-01"}
    assert post(client, "/people/away", handle="priya", **backwards) == 200
    assert logged(own, "absence") == []
    answer = client.post(
        "/people/back", data={"token": token_in(client.get("/people").text), "handle": "priya"}
    )
    assert answer.headers["location"] == "/people?said=not-away"


def test_an_admin_gives_a_link_that_is_shown_once_and_ends_sessions(own: Told) -> None:
    client, cookie = own.client("admin"), session_of(own.db, "priya")
    sent = {"token": token_in(client.get("/people").text), "handle": "priya"}
    answer = client.post("/people/link", data=sent)
    assert answer.headers["cache-control"] == "no-store"
    link = re.search(r"<code>(http://localhost/sign-in/once\?token=[\w-]{43})</code>", answer.text)
    assert link is not None
    token = link[1].partition("=")[2]
    person = access.token_of(own.db, token, story.NOW)
    assert person is not None and person.handle == "priya"
    assert token not in page(client, "/people") and token not in repr(logged(own))
    assert post(client, "/people/sessions", handle="priya") == 303
    assert own.client(None, cookies={"aboard_session": cookie}).get("/").status_code == 303
    kinds = [one[0] for one in logged(own)]
    assert kinds[:2] == ["sessions-ended", "token-given"]


def test_hours_are_said_in_words() -> None:
    nine = ((540, 1020),)
    week = (nine, nine, nine, nine, ((540, 720), (780, 900)), (), ())
    said = "Mon to Thu 09:00 to 17:00, Fri 09:00 to 12:00 and 13:00 to 15:00, Europe/Berlin"
    assert hours_words(Calendar("Europe/Berlin", week)) == said
    assert hours_words(ALWAYS) == "at any time"
    assert hours_words(Calendar("UTC", ((),) * 7)) == "never, UTC"
    assert hours_words(None) == ""


# --- One's own account -------------------------------------------------------------------------


def in_by_password(own: Told, handle: str = "ines") -> TestClient:
    lasts = Lasts(timedelta(hours=12), timedelta(days=14))
    token = access.give_token(own.db, handle, None, COMMAND, story.NOW)
    whence = Whence("192.0.2.4", "<b>Firefox</b>")
    opened = access.redeem(own.db, token, GOOD, whence, lasts, story.NOW)
    return own.client(None, cookies={"aboard_session": opened.cookie})


def test_one_sees_and_ends_ones_own_sessions_alone(own: Told) -> None:
    mine, theirs = in_by_password(own), in_by_password(own, "tom")
    other = session_of(own.db, "ines")
    text = page(mine, "/me")
    assert text.count('name="session"') == 3 and "&lt;b&gt;Firefox" in text
    numbers = re.findall(r'name="session" value="(\d+)"', page(theirs, "/me"))
    assert len(numbers) == 1
    assert post(mine, "/me/sessions", session=numbers[0]) == 303
    assert theirs.get("/me").status_code == 200, "nobody ends somebody else's"
    assert post(mine, "/me/sessions", session="x") == 400
    assert post(mine, "/me/sessions", session="others") == 303
    assert mine.get("/me").status_code == 200
    assert own.client(None, cookies={"aboard_session": other}).get("/").status_code == 303


def test_one_changes_ones_password(own: Told) -> None:
    client = in_by_password(own)
    new = "another long sentence"
    assert post(client, "/me/password", old="wrong", new=new, again=new) == 400
    assert post(client, "/me/password", old=GOOD, new=new, again=new + "x") == 400
    assert post(client, "/me/password", old=GOOD, new="short", again="short") == 400
    assert post(client, "/me/password", old=GOOD, new=new, again=new) == 303
    assert "All other sessions ended" in words(page(client, "/me?said=changed"))


# --- Settings ----------------------------------------------------------------------------------


def test_settings_show_what_is_in_force_and_no_secret(own: Told) -> None:
    own.settings = Settings(
        **{
            name: getattr(own.settings, name)
            for name in own.settings.__slots__
            if name not in ("database_password", "send_password")
        },
        database_password="canary-one",
        send_password="canary-two",
    )
    text = page(own.client("admin"), "/settings")
    seen = words(text)
    assert "canary" not in text and seen.count("(set)") == 2
    for part in ("web.listen", "filing.workers", "onboarding@aboard.example", "Schema", "rules"):
        assert part in seen
    assert_ours(text)


# --- The audit log -----------------------------------------------------------------------------


def test_who_takes_data_away_is_in_the_log(own: Told) -> None:
    agent, admin = own.client("agent"), own.client("admin")
    assert agent.get("/messages/2/raw").status_code == 200
    assert agent.get("/attachments/2").status_code == 200
    assert post(admin, "/quarantine/retry", ledger_id="all") == 303
    assert agent.get("/reports/volume/csv").status_code == 200
    assert logged(own)[:4] == [
        ("export", "person:priya", "report volume"),
        ("quarantine-retry", "person:maya", "all mails"),
        ("attachment", "person:priya", "attachment 2 of message 2"),
        ("raw-mail", "person:priya", "message 2"),
    ]
    text = page(admin, "/audit")
    assert "raw mail" in words(text) and "priya" in text
    assert_ours(text)
    narrowed = words(page(admin, "/audit?kind=raw-mail&by=priya")).partition("On From")[2]
    assert "raw mail" in narrowed and "retry" not in narrowed
    assert admin.get("/audit?kind=nonsense").status_code == 400
    assert admin.get("/audit?by=nobody").status_code == 404


def test_the_log_goes_on_page_by_page_and_leaves_as_csv(
    own: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inbox.web.admin_pages.ROWS", 2)
    client = own.client("admin")
    for number in range(5):
        entry = audit_log.Entry(story.NOW, "export", "person:maya", f"=cmd|{number}")
        with own.db.write() as conn:
            audit_log.add(conn, entry)
    path, seen = "/audit", []
    while path:
        text = page(client, path)
        seen += re.findall(r"=cmd\|(\d)", text)
        older = re.search(r'href="(/audit\?[^"]*before=\d+)"', text)
        path = older[1].replace("&amp;", "&") if older else ""
    assert seen == ["4", "3", "2", "1", "0"]
    answer = client.get("/audit.csv")
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert rows[0][0] == "id" and len(rows) == 6
    assert rows[1][6] == "'=cmd|4", "no cell is a formula"
    assert "attachment" in answer.headers["content-disposition"]
    assert logged(own)[0] == ("export", "person:maya", "audit log")


@pytest.mark.parametrize(
    "text", ["=1", "+1", "-1", "@x", "\t=1", " \r\n=1", "\u200b=1", "＝1", "|x", "%x", "\x00=1"]
)
def test_a_cell_is_never_a_formula(text: str) -> None:
    assert cell(text) == f"'{text}"


def test_plain_cells_stay_as_they_are() -> None:
    assert [cell(one) for one in ("a=b", "", None, -7, "Ü", "'=1")] == [
        "a=b",
        "",
        "",
        "-7",
        "Ü",
        "'=1",
    ]


def test_every_kind_of_the_log_is_documented_and_can_be_filtered() -> None:
    part = DOCUMENT.read_text().partition("## Audit log")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in part.splitlines() if line.startswith("| `")]
    assert {kind for row in rows for kind in re.findall("`([a-z-]+)`", row)} == set(KINDS)


# --- Confidential ------------------------------------------------------------------------------


def test_a_lead_marks_a_thread_and_others_lose_sight_of_it(own: Told) -> None:
    with own.db.write() as conn:
        threads.save(conn, 1, team="support", accountable_id=people.by_handle(conn, "tom").id)
    lead, samuel = own.client("lead"), own.client(handle="samuel")
    assert "Mark it confidential" in page(lead, "/threads/1")
    assert "Mark it confidential" not in page(samuel, "/threads/1")
    assert post(samuel, "/threads/1/confidential", confidential="yes") == 403
    assert post(lead, "/threads/1/confidential", confidential="maybe") == 400
    assert post(lead, "/threads/1/confidential", confidential="yes") == 303
    assert samuel.get("/threads/1").status_code == 404
    assert "confidential" in words(page(own.client(handle="ines"), "/threads/1"))
    assert post(samuel, "/threads/1/confidential", confidential="no") == 404
    assert post(own.client(handle="tom"), "/threads/1/confidential", confidential="no") == 303
    assert samuel.get("/threads/1").status_code == 200
    with own.db.read() as conn:
        events = timeline.of_thread(conn, 1, timeline.Span(limit=2))
    assert [one.event.kind for one in events] == ["confidential-lifted", "confidential-set"]
    assert logged(own)[:2] == [
        ("confidential-lifted", "person:tom", "thread 1"),
        ("confidential-set", "person:jonas", "thread 1"),
    ]


def test_who_follows_a_confidential_thread_sees_it(own: Told) -> None:
    with own.db.write() as conn:
        threads.save(conn, 1, team="support", confidential=True)
    samuel = own.client(handle="samuel")
    assert samuel.get("/threads/1").status_code == 404
    from inbox.store.draft_tables import followers

    with own.db.write() as conn:
        row = {"thread_id": 1, "person_id": people.by_handle(conn, "samuel").id}
        conn.execute(followers.insert(), row | {"at": story.NOW, "why": "mentioned"})
    assert samuel.get("/threads/1").status_code == 200


def test_one_attachment_is_marked_and_its_name_is_nowhere(own: Told) -> None:
    with own.db.read() as conn:
        files = messages.attachments_of(conn, [2])[2]
    one = next(file for file in files if file.name == "W-9.pdf")
    lead, samuel = own.client("lead"), own.client(handle="samuel")
    assert "W-9.pdf" in page(samuel, "/threads/1")
    assert post(lead, f"/attachments/{one.id}/confidential", confidential="yes") == 303
    text = page(samuel, "/threads/1")
    assert "W-9.pdf" not in text and "marked an attachment confidential" in words(text)
    for path in (f"/attachments/{one.id}", f"/attachments/{one.id}/preview", "/messages/2/raw"):
        assert samuel.get(path).status_code == 404, path
        assert lead.get(path).status_code == 200, path
    assert samuel.get("/messages/2/html").status_code == 200


def test_a_thread_joined_with_a_confidential_one_is_confidential(own: Told) -> None:
    with own.db.write() as conn:
        threads.save(conn, 2, confidential=True)
        regroup.join(conn, 1, 2)
        assert threads.by_id(conn, 1).confidential
