"""Days and times are in the zone of who looks and who types, with and without scripts."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from fastapi import HTTPException
from starlette.testclient import TestClient

from inbox.cli import people as people_command
from inbox.errors import AboardError
from inbox.store import asking, people, threads, views
from inbox.store.agent_notices import by_mail
from inbox.store.seers import Seer
from inbox.store.tables import people as people_table
from inbox.web import leaving_pages, people_pages
from inbox.web.render import day, exact
from routing.hours import ALWAYS, Calendar
from routing.teams import Directory, Member, Team, load_directory
from tests.web import story
from tests.web.conftest import Told, serving
from tests.web.test_choices import token
from tests.web.test_pages import page, words

if TYPE_CHECKING:
    from playwright.sync_api import Browser

BERLIN, NEPAL = "Europe/Berlin", "Asia/Kathmandu"


def choose(client: TestClient, value: str, name: str = "zone") -> int:
    said = {"token": token(client.get("/threads").text), "name": name, "value": value}
    return int(client.post("/preferences", data=said).status_code)


def shown_times(text: str) -> dict[str, str]:
    """Instant -> what is shown on hover."""
    return dict(re.findall(r'<time datetime="([^"]+)" title="([^"]+)"', text))


def snoozed(own: Told, client: TestClient, until: str) -> datetime:
    said = {"token": token(client.get("/threads/1").text), "do": "snooze", "until": until}
    assert client.post("/threads/1/deeds", data=said).status_code == 303
    with own.db.read() as conn:
        found = threads.by_id(conn, 1).snoozed_until
    assert found is not None
    return found


def test_a_chosen_zone_is_shown_and_understood_and_is_one_persons_alone(own: Told) -> None:
    priya, jonas = own.client("agent"), own.client("lead")
    assert choose(priya, BERLIN) == 303
    until = snoozed(own, priya, "tomorrow 9")
    there = until.astimezone(ZoneInfo(BERLIN))
    assert (there.hour, there.date()) == (9, story.NOW.date() + timedelta(days=1))
    seen, other = (page(one, "/threads/1") for one in (priya, jonas))
    assert "In your time (Europe/Berlin)" in seen and "In your time (UTC)" in other
    assert exact(until, ZoneInfo(BERLIN)) in words(seen)
    assert exact(until) in words(other)
    times = shown_times(seen)
    assert times
    for instant, said in times.items():
        assert said == exact(datetime.fromisoformat(instant), ZoneInfo(BERLIN))
    assert all(said.endswith("UTC") for said in shown_times(other).values())


def test_the_file_counts_before_the_browser_and_what_one_chose_before_both(own: Told) -> None:
    client = own.client("agent")

    def zone() -> str:
        return re.findall(r'data-zone="([^"]+)"', page(client, "/accounts"))[0]

    assert zone() == "UTC"
    for odd in ("Europe/Nowhere", "%00", "../../etc/passwd", "a" * 3000, "%F0%9F%98%80"):
        client.cookies.set("aboard_zone", odd)
        assert zone() == "UTC"
    client.cookies.set("aboard_zone", "Asia%2FKathmandu")
    assert zone() == NEPAL
    with own.db.write() as conn:
        conn.execute(people_table.update().values(zone="America/Sao_Paulo"))
    assert zone() == "America/Sao_Paulo"
    assert choose(client, BERLIN) == 303
    assert zone() == BERLIN
    assert "as set for me (America/Sao_Paulo)" in words(page(client, "/preferences"))
    assert choose(client, "") == 303
    assert zone() == "America/Sao_Paulo"
    assert choose(client, "Europe/Nowhere") == 400


def test_a_day_of_a_search_begins_with_the_day_of_who_asks(own: Told) -> None:
    late = datetime(2026, 11, 1, 23, 30, tzinfo=UTC)
    made = story.mail("Zora <zora@zebra.example>", "Zebra", "A zebra.\n", message_id="<z@z>")
    story.put(own.db, own.settings, [made.as_bytes()], late)
    client = own.client("agent")

    def found(query: str) -> bool:
        return "Zebra" in words(page(client, f"/search?q={query}")).replace("zebra", "")

    assert found("zebra+before:2026-11-02") and not found("zebra+after:2026-11-02")
    assert choose(client, BERLIN) == 303
    assert found("zebra+after:2026-11-02") and not found("zebra+before:2026-11-02")
    assert found("account:zebra.example+after:2026-11-02")


EAST, WEST = "Pacific/Auckland", "Pacific/Midway"
"""Where a day begins early, in the first years as well, and late."""


@pytest.mark.parametrize("zone", [EAST, WEST])
def test_days_at_the_edge_of_the_calendar_are_refused_in_every_zone(own: Told, zone: str) -> None:
    client = own.client("lead")
    assert choose(client, zone) == 303
    for query in ("before:0001-01-01", "after:9999-12-31", "broken:0001-01-01"):
        assert "is no day" in words(page(client, f"/search?q={query}"))
    here = {"token": token(client.get("/people").text)}
    away = here | {"handle": "priya", "note": ""}
    first, last = ("0001-01-01", "9999-12-31")
    assert client.post("/people/away", data=away | {"until": last}).status_code == 400
    many = here | {"id": "1", "sure": "yes"}
    put = client.post("/threads/bulk", data=many | {"deed": f"snooze:{first}"})
    assert put.status_code == (400 if zone == EAST else 200), "nobody's day, or one that has passed"
    one = client.post("/threads/1/deeds", data=here | {"do": "snooze", "until": first})
    assert one.status_code == 409


@pytest.mark.parametrize(
    ("zone", "given"), [(EAST, "0001-01-01T00:00"), (WEST, "9999-12-31T23:59")]
)
def test_no_field_for_a_time_leaves_the_calendar(zone: str, given: str) -> None:
    with pytest.raises(HTTPException) as refused:
        leaving_pages._instant(given, ZoneInfo(zone))
    assert refused.value.status_code == 400
    with pytest.raises(HTTPException) as refused:
        people_pages.day_of(given[:10], ZoneInfo(zone), end=given.startswith("9"))
    assert refused.value.status_code == 400
    with pytest.raises(AboardError, match="write a day"):
        people_command.instant("--from", f"{given}{'+13:00' if zone == EAST else '-11:00'}")


def test_a_shared_view_that_cannot_be_asked_has_no_count_and_every_page_stays(
    own: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    with own.db.write() as conn:
        maya = Seer(people.by_handle(conn, "maya").id, "maya", "admin", frozenset())
        for title, query in (("Ancient", "before:0001-01-01"), ("Waiting", "is:open")):
            views.save(conn, maya, views.Named(title, query, shared="all"), story.NOW)
    client = own.client("agent")
    assert choose(client, EAST) == 303
    monkeypatch.setattr(asking, "FIRST_DAY", date.min)  # as a query that no check foresaw
    text = page(client, "/threads?view=all")
    assert not re.search(r"Ancient</bdi>\s*<b>", text)
    assert re.search(r"Waiting</bdi>\s*<b>\d", text), "the others are counted"


@pytest.mark.parametrize("deed", ["snooze:tomorrow", "snooze:2026-12-24"])
def test_many_are_put_aside_until_the_morning_of_who_asks(own: Told, deed: str) -> None:
    client = own.client("agent")
    assert choose(client, NEPAL) == 303
    said = {"token": token(client.get("/threads").text), "id": "1", "deed": deed, "sure": "yes"}
    assert client.post("/threads/bulk", data=said).status_code == 303
    with own.db.read() as conn:
        until = threads.by_id(conn, 1).snoozed_until
    assert until is not None
    there = until.astimezone(ZoneInfo(NEPAL))
    assert f"{there:%H:%M}" == "08:00"
    tomorrow = story.NOW.astimezone(ZoneInfo(NEPAL)).date() + timedelta(days=1)
    assert f"{there:%Y-%m-%d}" in (f"{tomorrow}", "2026-12-24")


def test_absences_begin_with_the_day_of_who_notes_them(own: Told) -> None:
    client = own.client("lead")
    assert choose(client, NEPAL) == 303
    said = {"token": token(client.get("/people").text), "handle": "priya", "from": "2027-01-04"}
    said |= {"until": "2027-01-05", "note": ""}
    assert client.post("/people/away", data=said).status_code == 303
    text = words(page(client, "/people"))
    assert "away from 4 January 2027, back on 6 January 2027" in text


def test_exact_times_name_their_zone_also_where_it_has_no_letters() -> None:
    summer = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)
    assert exact(summer) == "Wed 1 Jul 2026, 22:30 UTC"
    assert exact(summer, ZoneInfo(BERLIN)) == "Thu 2 Jul 2026, 00:30 CEST"
    assert exact(summer, ZoneInfo(NEPAL)) == "Thu 2 Jul 2026, 04:15 UTC+05:45"
    assert exact(summer, ZoneInfo("America/Sao_Paulo")) == "Wed 1 Jul 2026, 19:30 UTC-03:00"
    assert day(summer, ZoneInfo(BERLIN)) == "2 July 2026"


def test_a_persons_zone_is_theirs_in_the_file_else_their_teams(own: Told) -> None:
    ana = Member("ana", "Ana", "ana@aboard.example", "lead", zone=NEPAL)
    bo = Member("bo", "Bo", "bo@aboard.example", "agent")
    cy = Member("cy", "Cy", "cy@aboard.example", "agent")
    hours = Calendar(BERLIN, ALWAYS.week)
    teams = (
        Team("one", "One", "ana", ("ana", "cy")),
        Team("two", "Two", "ana", ("ana", "bo"), hours=hours),
    )
    with own.db.write() as conn:
        people.sync(conn, Directory((ana, bo, cy), teams))
    with own.db.read() as conn:
        zones = {one: people.by_handle(conn, one).zone for one in ("ana", "bo", "cy")}
    assert zones == {"ana": NEPAL, "bo": BERLIN, "cy": ""}


def test_a_zone_that_is_none_is_refused_with_a_hint() -> None:
    text = (
        "people:\n  - {handle: a, name: A, address: a@x.example, zone: Europe/Berln}\n"
        "teams:\n  - {name: one, duty: a, members: [a]}\n"
    )
    found, problems = load_directory(text, "teams.yaml")
    assert found is None
    (one,) = problems
    assert (one.line, one.code) == (2, "unknown-zone") and "Europe/Berlin" in one.hint


def test_notices_by_mail_are_switched_on_the_page_too(own: Told) -> None:
    client = own.client("agent")
    assert "Notices by mail" in words(page(client, "/preferences"))

    def gets() -> bool:
        with own.db.read() as conn:
            return by_mail(conn, people.by_handle(conn, "priya").id)

    assert gets()
    assert choose(client, "off", "notices") == 303
    assert not gets()
    assert choose(client, "maybe", "notices") == 400
    assert choose(client, "on", "notices") == 303
    assert gets()


@pytest.mark.browser
@pytest.mark.parametrize("scripts", [True, False])
def test_a_browsers_zone_is_taken_over_and_a_chosen_one_needs_no_scripts(
    own: Told, chromium: Browser, scripts: bool
) -> None:
    with serving(own.site()) as address:
        context = chromium.new_context(timezone_id="Asia/Tokyo", java_script_enabled=scripts)
        own.enter(context, address, "agent")
        opened = context.new_page()
        opened.goto(f"{address}/accounts/1")
        opened.goto(f"{address}/accounts/1")
        assert opened.get_attribute("html", "data-zone") == ("Asia/Tokyo" if scripts else "UTC")
        title = opened.locator("ol.timeline time").first.get_attribute("title") or ""
        assert re.search("GMT.9|Japan" if scripts else "UTC$", title), title
        opened.goto(f"{address}/preferences")
        opened.get_by_label("Time zone").select_option(BERLIN)
        opened.get_by_role("button", name="Set", exact=True).click()
        opened.wait_for_selector(f'html[data-zone="{BERLIN}"]')
        opened.goto(f"{address}/accounts/1")
        title = opened.locator("ol.timeline time").first.get_attribute("title") or ""
        assert re.search(r"CES?T|GMT\+[12]|Central European", title), title
        context.close()
