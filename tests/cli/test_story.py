"""The demo's story: its mails are real mails, answer each other, and are the same every time."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inbox.cli.story import Story, StoryMail, deliver, deliver_all, load_story
from inbox.cli.story_build import builder
from inbox.errors import AboardError
from inbox.flow.working.customers import Known, read_csv
from inbox.mail.joining import Components, ids_of
from inbox.mail.letter import AutomaticKind, Letter
from inbox.mail.opened import OpenedMail
from inbox.mail.parse import parse_letter
from inbox.mail.providers import PUBLIC_DOMAINS
from routing.teams import load_directory
from tests.services.smtp_sink import SmtpSink
from tests.shared import REPO

DEMO = REPO / "data" / "demo"
NOW = datetime(2026, 11, 22, 19, 0, tzinfo=UTC)
INSTANTS = st.integers(0, 10 * 365 * 24 * 60).map(
    lambda minutes: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
ADDRESS = re.compile(rb"[\w.+-]+@([\w-]+(?:\.[\w-]+)+)")
LINK = re.compile(r"(?:https?|ftp)://([^/\s\"'<>]+)")


@cache
def story() -> Story:
    return load_story(DEMO)


@cache
def mails() -> tuple[StoryMail, ...]:
    return (*story().history(NOW), *story().live(NOW))


@cache
def letters() -> dict[str, Letter]:
    return {m.key: parse_letter(m.raw, envelope_from=m.reverse_path) for m in mails()}


def of_kind(kind: AutomaticKind) -> list[str]:
    return [key for key, letter in letters().items() if letter.automatic.kind is kind]


def test_the_story_is_as_long_as_promised() -> None:
    assert len(story().history(NOW)) >= 64
    assert len(story().live(NOW)) >= 8
    assert all(mail.after_seconds is None for mail in story().history(NOW))
    waits = [mail.after_seconds for mail in story().live(NOW)]
    assert waits == sorted(waits) and waits[0] is not None and waits[0] <= 10
    assert len({mail.key for mail in mails()}) == len(mails())


def test_the_same_start_gives_the_same_bytes_and_a_later_start_the_same_ids() -> None:
    again = load_story(DEMO)
    assert (*again.history(NOW), *again.live(NOW)) == mails()
    for later in again.live(NOW + timedelta(days=1, seconds=30)):
        assert later.sent_at == parse_letter(later.raw).date
        assert ids_of(parse_letter(later.raw)) == ids_of(letters()[later.key])


@pytest.mark.parametrize("mail", mails(), ids=lambda mail: mail.key)
def test_a_mail_is_read_without_a_defect(mail: StoryMail) -> None:
    letter = letters()[mail.key]
    assert letter.defects == ()
    assert letter.date == mail.sent_at
    assert letter.message_id and letter.subject and letter.visible_text.strip()
    assert [one.address for one in letter.to] == ["onboarding@aboard.example"]
    assert mail.forward_paths == ("onboarding@aboard.example",)
    assert "[[" not in letter.text and "[[" not in letter.subject
    assert "�" not in letter.text


@pytest.mark.parametrize("mail", mails(), ids=lambda mail: mail.key)
def test_a_mail_is_well_formed_on_the_wire(mail: StoryMail) -> None:
    assert mail.raw.isascii()
    assert mail.raw.count(b"\n") == mail.raw.count(b"\r\n") == mail.raw.count(b"\r")
    assert max(map(len, mail.raw.split(b"\r\n"))) <= 998
    words = re.findall(rb"=\?[^?\s]+\?[bq]\?[^?\s]*\?=", mail.raw)
    assert all(len(word) <= 75 for word in words)


def test_history_spans_six_weeks_of_working_days_and_ends_before_the_start() -> None:
    history = story().history(NOW)
    assert [m.sent_at for m in history] == sorted(m.sent_at for m in history)
    assert history[-1].sent_at < NOW
    assert timedelta(days=40) <= NOW - history[0].sent_at <= timedelta(days=44)
    weeks = Counter((NOW - mail.sent_at).days // 7 for mail in history)
    assert all(weeks[week] >= 5 for week in range(6))


@settings(max_examples=60, deadline=None)
@given(INSTANTS)
def test_no_mail_answers_one_of_the_future_whenever_the_demo_starts(now: datetime) -> None:
    made = builder(story().script, now)
    for mail in story().script.mails:
        at = made.sent_at(mail)
        assert (at < now) == (mail.after_seconds is None) or at == made.now
        above = made.sent_at(made.mails[mail.answers]) if mail.answers else None
        if mail.ours is not None:
            answered = mail.ours.when.instant(made.now, mail.ours.by.zone)
            assert above is None or above < answered, mail.key
            assert answered < at, mail.key
        assert above is None or above < at, mail.key


def test_replies_name_the_ids_of_what_they_answer() -> None:
    replies = [mail for mail in mails() if mail.answers]
    assert len(replies) >= 25
    for mail in replies:
        above = ids_of(letters()[mail.key])[1:]
        parent = letters()[mail.answers or ""]
        assert set(ids_of(parent)) <= set(above)
        (nearest,) = letters()[mail.key].in_reply_to
        assert nearest == parent.message_id or nearest.endswith("@aboard.example")
        assert above[-1] == nearest


def test_joining_by_ids_gives_the_threads_that_the_story_tells() -> None:
    components = Components()
    for letter in letters().values():
        components.add(ids_of(letter))
    told = {mail.key: mail for mail in mails()}

    def root(key: str) -> str:
        answers = told[key].answers
        return key if answers is None else root(answers)

    threads: dict[str, set[str]] = {}
    joined: dict[object, set[str]] = {}
    for key in told:
        threads.setdefault(root(key), set()).add(key)
        joined.setdefault(components.thread_of(letters()[key].message_id or ""), set()).add(key)
    assert sorted(map(sorted, joined.values())) == sorted(map(sorted, threads.values()))
    assert sum(len(thread) >= 3 for thread in threads.values()) >= 5


def test_a_reply_shows_only_what_its_writer_wrote() -> None:
    for mail in mails():
        letter = letters()[mail.key]
        assert not re.search(r"^(?:>|Von:|De :|_{9})", letter.visible_text, re.MULTILINE)
        for heading in (" wrote:", "schrieb ", " a écrit :", "escribió:"):
            assert heading not in letter.visible_text


def test_quotes_of_three_programs_and_four_languages_are_there() -> None:
    text = "\n".join(letter.text for letter in letters().values())
    for heading in (
        " wrote:",
        "schrieb",
        "a écrit :",
        "escribió:",
        "\nFrom: ",
        "\nVon: ",
        "\nDe : ",
    ):
        assert heading in text, heading


def test_machines_are_recognised_and_people_are_not_taken_for_machines() -> None:
    assert of_kind(AutomaticKind.OUT_OF_OFFICE) == ["shop-beth-away"]
    assert of_kind(AutomaticKind.BOUNCE) == ["shop-bounce"]
    assert of_kind(AutomaticKind.LIST) == ["news"]
    assert len(of_kind(AutomaticKind.NONE)) == len(mails()) - 3
    told = letters()["shop-beth-away"].automatic
    assert told.return_on == date(2026, 11, 24) and not told.may_answer


def test_the_bounce_names_who_was_not_reached_and_comes_from_nobody() -> None:
    bounce = letters()["shop-bounce"].bounce
    assert bounce is not None
    (one,) = bounce.recipients
    assert (one.address, one.status, one.action) == (
        "beth.langly@copperleaf.example",
        "5.1.1",
        "failed",
    )
    assert bounce.original_message_id and bounce.original_message_id.endswith("@aboard.example")
    assert [mail.key for mail in mails() if mail.reverse_path == ""] == ["shop-bounce"]


def test_the_forward_by_sales_carries_the_customer() -> None:
    letter = letters()["soft-forward"]
    assert letter.from_[0].domain == "aboard.example"
    assert letter.forwarded is not None and letter.forwarded.sender is not None
    assert letter.forwarded.sender.address == "omar@tessellabs.example"
    assert "300 beta" in letter.forwarded.text
    assert [key for key, one in letters().items() if one.forwarded] == ["soft-forward"]


def test_the_invitation_moves_with_the_start() -> None:
    (item,) = letters()["ship-invite"].calendar
    assert item.method == "REQUEST"
    assert item.start == datetime(2026, 10, 22, 13, 0, tzinfo=UTC)
    assert ("onboarding@aboard.example", "NEEDS-ACTION") in item.attendees


def test_attachments_are_the_committed_files() -> None:
    files = story().script.files
    sent: set[str] = set()
    for mail in mails():
        for attachment in letters()[mail.key].attachments:
            if attachment.name in files and not attachment.name.endswith(".ics"):
                data = OpenedMail(mail.raw).file(attachment.path)
                assert data == files[attachment.name]
                sent.add(attachment.name)
    assert sent == {name for name in files if not name.endswith(".ics")}
    assert {name.rpartition(".")[2] for name in sent} == {"pdf", "png", "csv", "docx"}
    for name in sent:
        magic = {"pdf": b"%PDF-", "png": b"\x89PNG\r\n\x1a\n", "docx": b"PK\x03\x04"}
        assert files[name].startswith(magic.get(name.rpartition(".")[2], b""))
        assert len(files[name]) < 64 * 1024


def test_an_image_is_shown_inside_the_text() -> None:
    shown = 0
    for mail in mails():
        for content_id in (one.content_id for one in letters()[mail.key].attachments):
            if content_id:
                assert f"cid:{content_id}" in (OpenedMail(mail.raw).html() or "")
                shown += 1
    assert shown >= 2


def test_the_w9_was_sent_twice_before_it_was_asked_for_again() -> None:
    holders = [k for k, one in letters().items() if "w9-tessel-labs.pdf" in _names(one)]
    assert holders == ["soft-w9", "soft-w9-2"]
    assert "third request" in letters()["soft-w9-3"].visible_text
    assert "no W-9 is on file" in letters()["soft-w9-3"].text


def _names(letter: Letter) -> list[str]:
    return [attachment.name for attachment in letter.attachments]


def test_everybody_writes_in_their_own_language() -> None:
    small_words = {
        "de": re.compile(r"\b(?:und|ist|war|nicht|die|der)\b"),
        "fr": re.compile(r"\b(?:est|les|une?|pas|des?)\b"),
        "es": re.compile(r"\b(?:los?|las?|en|que|el)\b"),
        "en": re.compile(r"\b(?:the|and|has|is|to|it|you|our)\b"),
    }
    languages = Counter()
    for scripted in story().script.mails:
        language = scripted.sender.language
        languages[language] += 1
        assert small_words[language].search(letters()[scripted.key].visible_text), scripted.key
    assert languages["de"] >= 10 and languages["fr"] >= 10 and languages["es"] >= 2


def test_nobody_in_the_story_can_exist() -> None:
    def invented(domain: str) -> bool:
        return domain.endswith(".example") or domain in ("gmail.com", "mail.gmail.com")

    for mail in mails():
        letter = letters()[mail.key]
        head = b"\n".join(f"{name}: {value}".encode() for name, value in letter.headers)
        text = f"{letter.text}\n{letter.html or ''}"
        domains = {found.decode() for found in ADDRESS.findall(head + text.encode())}
        domains |= set(LINK.findall(text))
        assert {domain for domain in domains if not invented(domain)} == set(), mail.key
    public = {person.address for person in story().people if person.address.endswith("@gmail.com")}
    # Gmail allows 30 characters, so a longer name belongs to nobody.
    assert len(public) == 1 and all(len(one.partition("@")[0]) > 30 for one in public)


def test_our_people_are_those_of_the_teams_file() -> None:
    directory, _ = load_directory((REPO / "data" / "teams.yaml").read_bytes(), "teams.yaml")
    assert directory is not None
    known = {person.address: person.name for person in directory.people}
    ours = {p.address: p.name for p in story().people if p.address.endswith("@aboard.example")}
    assert {a: n for a, n in ours.items() if known.get(a) != n} == {
        "dana@aboard.example": "Dana Whitlock"
    }


def test_the_accounts_cover_everybody_who_is_a_customer() -> None:
    directory, _ = load_directory((REPO / "data" / "teams.yaml").read_bytes(), "teams.yaml")
    assert directory is not None
    stages = ("welcome", "activation", "guidance")
    known = Known(directory.team_names, stages, directory.handles)
    lines = read_csv((DEMO / "accounts.csv").read_bytes(), "accounts.csv", known)
    assert len(lines) == 5
    assert sorted(len(line.domains) for line in lines) == [1, 1, 1, 1, 2]
    contacts = {contact for line in lines for contact in line.contacts}
    domains = {domain for line in lines for domain in line.domains}
    assert not domains & PUBLIC_DOMAINS
    strangers = {"news@freightledger.example", "claims@prompt-remittance.example"}
    for person in story().people:
        if person.address in strangers or person.address.endswith("@aboard.example"):
            continue
        if not person.address.startswith("MAILER-DAEMON"):
            assert person.address in contacts, person.key
    counts = Counter(
        next((line.name for line in lines if mail.reverse_path in line.contacts), "")
        for mail in mails()
    )
    assert all(counts[line.name] >= 12 for line in lines)


def test_mails_are_handed_over_on_one_connection_byte_for_byte(smtp_sink: SmtpSink) -> None:
    history = story().history(NOW)
    given = list(deliver_all(smtp_sink.host, smtp_sink.port, history))
    assert given == list(history)
    kept = smtp_sink.wait_for(len(history))
    assert [mail.content for mail in kept] == [mail.raw for mail in history]
    assert ["" if mail.mail_from == "<>" else mail.mail_from for mail in kept] == [
        mail.reverse_path for mail in history
    ]
    assert {mail.rcpt_tos for mail in kept} == {("onboarding@aboard.example",)}


@pytest.mark.parametrize(
    ("command", "answer", "said"),
    [
        ("RCPT", "550 5.1.1 no such mailbox", "550 5.1.1 no such mailbox"),
        ("DATA", "451 4.3.0 later", "451 4.3.0 later"),
        ("MAIL", "452 4.3.1 full", "452 4.3.1 full"),
    ],
)
def test_a_refusal_says_where_and_what(
    smtp_sink: SmtpSink, command: str, answer: str, said: str
) -> None:
    smtp_sink.script(command, answer)
    with pytest.raises(AboardError, match=re.escape(said)) as raised:
        deliver(smtp_sink.host, smtp_sink.port, mails()[0])
    assert f"{smtp_sink.host}:{smtp_sink.port}" in str(raised.value)


def test_a_closed_port_says_what_to_look_at(smtp_sink: SmtpSink) -> None:
    smtp_sink.stop()
    with pytest.raises(AboardError, match="is Aboard's SMTP port open there"):
        deliver(smtp_sink.host, smtp_sink.port, mails()[0])
