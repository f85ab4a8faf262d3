"""Lists and their views, bulk deeds, search, the wall, reports, what leaves: over HTTP."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any

import pytest
from starlette.testclient import TestClient

from inbox.store import threads
from tests.web import story
from tests.web.conftest import Told, serving
from tests.web.test_pages import page, thread_of, words

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PAGES = (
    "/threads?view=mine",
    "/threads?view=team",
    "/threads?view=unclaimed",
    "/threads?view=at-risk",
    "/threads?view=us",
    "/threads?view=us&sort=newest",
    "/threads?view=customer",
    "/threads?view=snoozed",
    "/threads?view=all",
    "/threads?q=from:anna+is:open",
    "/threads?view=all&fragment=rows",
    "/search?q=thursday",
    "/search?q=is:open",
    "/search?q=nothing-here+is:open",
    "/wall",
    "/wall?fragment=wall",
    "/reports",
    "/reports/volume?by=person&days=7",
    "/reports/attainment?by=account",
    "/reports/routing?by=stage",
    "/reports/reassignments",
    "/reports/backlog",
    "/reports/volume/threads?by=team&key=support&part=mails",
    "/reports/volume/csv",
    "/outbox",
    "/outbox?state=sent",
    "/followups",
    "/templates",
    "/templates/acknowledgement",
    "/templates/acknowledgement?language=de",
    "/templates/acknowledgement?thread=1",
    "/accounts/1/merge",
    "/accounts/1?show=mail&team=support",
)


@pytest.fixture
def client(told: Told) -> TestClient:
    return told.client()


@pytest.mark.parametrize("path", PAGES)
def test_every_page_answers_and_stays_light(client: TestClient, path: str) -> None:
    assert len(page(client, path).encode()) < 100_000


@pytest.mark.parametrize("days", ["8", "²", "007", 5_000 * "9", ""])
def test_a_report_goes_over_no_odd_number_of_days(client: TestClient, days: str) -> None:
    page(client, f"/reports/volume?days={days}", 400)


def form_of(text: str, action: str) -> dict[str, Any]:
    """The fields of the form with this address, as a browser without scripts would send them."""
    found = re.search(rf'<form[^>]*action="{re.escape(action)}"[^>]*>(.*?)</form>', text, re.S)
    assert found, action
    pairs = re.findall(r'<input[^>]*name="([^"]+)"[^>]*?value="([^"]*)"', found[1])
    return {name: html.unescape(value) for name, value in pairs if name not in ("id", "all")}


def rows(text: str) -> list[int]:
    return [int(one) for one in re.findall(r'<li id="t(\d+)"', text)]


def test_a_list_is_narrowed_by_what_is_typed(told: Told, client: TestClient) -> None:
    only = thread_of(told.db, "Kickoff call")
    assert rows(page(client, "/threads?view=all&q=%22kickoff+call%22")) == [only]
    said = words(page(client, "/threads?q=teem:support"))
    assert "There is no `teem:`" in said and "is looked for as text" in said


def test_a_view_is_saved_shared_changed_and_deleted(own: Told) -> None:
    maya, jonas = own.client(), own.client("lead")
    form = form_of(page(maya, "/threads?view=all&q=kickoff"), "/views")
    answer = maya.post("/views", data=form | {"name": "Kickoffs", "shared": "all"})
    assert answer.status_code == 303
    there = answer.headers["location"]
    assert "Kickoffs" in words(page(maya, there)) and len(rows(page(maya, there))) == 2
    assert "Kickoffs" in words(page(jonas, "/threads")) and "by Maya" in words(page(jonas, there))
    number = there.rpartition("v")[2]
    change = form_of(page(maya, there), f"/views/{number}")
    changed = change | {"name": "Mine alone", "shared": "me", "sort": "due", "deed": "save"}
    assert maya.post(f"/views/{number}", data=changed).status_code == 303
    page(jonas, there, 404)
    token = form_of(page(jonas, "/threads"), "/views")["token"]
    assert (
        jonas.post(f"/views/{number}", data={"token": token, "deed": "delete"}).status_code == 404
    )
    assert maya.post(f"/views/{number}", data=changed | {"deed": "delete"}).status_code == 303
    page(maya, there, 404)


def test_a_bulk_deed_is_counted_done_and_undone_without_scripts(own: Told) -> None:
    client = own.client()
    listing = page(client, "/threads")
    chosen = rows(listing)[:3]
    form = form_of(listing, "/threads/bulk") | {"deed": "closed", "id": [str(n) for n in chosen]}
    asked = client.post("/threads/bulk", data=form)
    assert asked.status_code == 200 and "Close: 3 threads" in words(asked.text)
    with own.db.read() as conn:
        assert {threads.by_id(conn, one).status for one in chosen} == {"open"}
    confirm = form_of(asked.text, "/threads/bulk") | {"deed": "closed"}
    done = client.post("/threads/bulk", data=confirm)
    assert done.status_code == 303
    with own.db.read() as conn:
        assert {threads.by_id(conn, one).status for one in chosen} == {"closed"}
    after = page(client, done.headers["location"])
    assert "Done on 3 threads." in words(after)
    undone = client.post("/threads/undo", data=form_of(after, "/threads/undo"))
    assert undone.status_code == 303
    with own.db.read() as conn:
        assert {threads.by_id(conn, one).status for one in chosen} == {"open"}


@pytest.mark.parametrize(
    ("deed", "more", "field", "value"),
    [
        ("team:success", {}, "team", "success"),
        ("priority:urgent", {}, "priority", "urgent"),
        ("tag", {"tag_value": "vip"}, "tags", ("vip",)),
        ("snooze:tomorrow", {}, "status", "snoozed"),
        ("waiting", {}, "status", "waiting"),
    ],
)
def test_what_can_be_done_to_many(
    own: Told, deed: str, more: dict[str, str], field: str, value: Any
) -> None:
    client = own.client()
    listing = page(client, "/threads")
    chosen = rows(listing)[:2]
    form = form_of(listing, "/threads/bulk") | {"deed": deed, "sure": "yes"} | more
    done = client.post("/threads/bulk", data=form | {"id": [str(one) for one in chosen]})
    assert done.status_code == 303, words(done.text)
    with own.db.read() as conn:
        for one in chosen:
            found = getattr(threads.by_id(conn, one), field)
            assert value[0] in found if field == "tags" else found == value


def test_what_cannot_be_done_is_said_and_the_rest_is_done(own: Told) -> None:
    client = own.client("agent")
    listing = page(client, "/threads?view=all")
    chosen = [str(one) for one in rows(listing)[:2]]
    form = form_of(listing, "/threads/bulk") | {"sure": "yes"}
    client.post("/threads/bulk", data=form | {"deed": "closed", "id": chosen[:1]})
    answer = client.post("/threads/bulk", data=form | {"deed": "claim", "id": chosen})
    said = words(answer.text)
    assert answer.status_code == 200 and "Done on 1 thread." in said
    assert "1 thread stayed as it was" in said and "is closed; reopen it to take it on" in said
    with own.db.read() as conn:
        assert threads.by_id(conn, int(chosen[1])).claimed_at is not None


def test_search_marks_words_and_offers_to_drop_the_narrowest_term(client: TestClient) -> None:
    text = page(client, "/search?q=thursday+from:eva")
    assert "<mark>Thursday</mark>" in text and text.count('<li class="row">') == 1
    empty = words(page(client, "/search?q=thursday+is:closed"))
    assert "Without is:closed something is" in empty


def test_markup_in_a_search_is_shown_and_never_run(client: TestClient) -> None:
    text = page(client, "/search?q=%3Cscript%3Ealert(1)%3C/script%3E+thursday")
    assert "<script>alert" not in text


def test_every_number_of_a_report_opens_its_threads(told: Told, client: TestClient) -> None:
    text = page(client, "/reports/volume?by=team")
    links = re.findall(r'<td><a href="(/reports/[^"]+)">([\d,]+)</a>', text)
    assert links
    for link, _ in links:
        assert rows(page(client, html.unescape(link)))


def test_a_csv_has_every_fact_and_no_formula(own: Told) -> None:
    raw = story.mail("x <x@formula.example>", "=1+1", "Text.\n", minutes=1).as_bytes()
    story.put(own.db, own.settings, [raw])
    answer = own.client().get("/reports/volume/csv?by=team")
    assert answer.headers["content-type"].startswith("text/csv")
    assert "attachment" in answer.headers["content-disposition"]
    lines = answer.text.split("\r\n")
    assert lines[0] == "thread,subject,account,team,person,stage,part,at"
    assert any(",'=1+1," in one for one in lines) and not any(",=1+1," in one for one in lines)


def test_the_wall_counts_and_its_tiles_are_lists(client: TestClient) -> None:
    text = page(client, "/wall")
    tiles = re.findall(r'<a class="tile [a-z]+" href="([^"]+)"><strong>(\d+)</strong>', text)
    assert len(tiles) == 5
    for link, count in tiles:
        assert len(rows(page(client, html.unescape(link)))) == int(count)
    assert "Nobody waits" in words(text) or "late" in words(text) or "left" in words(text)


def test_an_account_is_edited_owned_and_its_people_have_roles(own: Told) -> None:
    client = own.client()
    with own.db.read() as conn:
        number = threads.by_id(conn, thread_of(own.db, "Kickoff call")).account_id
    there = f"/accounts/{number}"
    form = form_of(page(client, there), there)
    edited = form | {"name": "Nord AS", "stage": "activation", "tier": "gold", "tags": "vip, eu"}
    assert client.post(there, data=edited).status_code == 303
    seen = words(page(client, there))
    for said in ("Nord AS", "activation", "gold", "vip", "eu"):
        assert said in seen
    owner = {"token": form["token"], "team": "support", "owner": "jonas"}
    assert client.post(f"{there}/owner", data=owner).status_code == 303
    text = page(client, there)
    contact = re.search(rf'action="({there}/contacts/\d+)"', text)
    assert contact is not None
    role = {"token": form["token"], "role": "sponsor"}
    assert client.post(contact[1], data=role).status_code == 303
    assert "sponsor" in words(page(client, there))
    wrong = client.post(there, data=edited | {"stage": "nowhere"})
    assert wrong.status_code == 400 and "There is no stage" in words(wrong.text)


def test_accounts_are_merged_after_a_preview(own: Told) -> None:
    client = own.client()
    with own.db.read() as conn:
        number = threads.by_id(conn, thread_of(own.db, "Kickoff call")).account_id
        into = threads.by_id(conn, thread_of(own.db, "Kickoff next week?")).account_id
    preview = page(client, f"/accounts/{number}/merge?into={into}")
    assert "4 threads" in words(preview)
    form = form_of(preview, f"/accounts/{number}/merge")
    done = client.post(f"/accounts/{number}/merge", data=form)
    assert (done.status_code, done.headers["location"]) == (303, f"/accounts/{into}")
    assert client.get(f"/accounts/{number}").status_code == 308
    taking_back = f"/accounts/{number}/unmerge"
    assert f'href="{taking_back}"' in page(client, f"/accounts/{into}?show=account")
    asked = page(client, taking_back)
    assert "becomes an account of its own again" in words(asked) and "4 threads" in words(asked)
    assert own.client("agent").get(taking_back).status_code == 403
    done = client.post(taking_back, data=form_of(asked, taking_back))
    assert (done.status_code, done.headers["location"]) == (303, f"/accounts/{number}")
    assert "two again" in words(page(client, f"/accounts/{number}?show=account"))
    page(client, taking_back, 404)


def test_a_template_is_shown_for_a_real_thread(told: Told, client: TestClient) -> None:
    thread = thread_of(told.db, "Kickoff next week?")
    seen = words(page(client, f"/templates/acknowledgement?thread={thread}"))
    assert "eva@acme.example" in seen and "Nothing was sent." in seen
    page(client, "/templates/none", 404)
    page(client, "/templates/acknowledgement?language=xx", 400)


@pytest.mark.browser
def test_many_are_chosen_closed_and_opened_again_by_keys_alone(
    own: Told, chromium: Browser
) -> None:
    with serving(own.site()) as address:
        context = chromium.new_context(reduced_motion="reduce")
        own.enter(context, address)
        seen = context.new_page()
        seen.goto(address + "/threads")
        seen.keyboard.press("j")
        seen.keyboard.press("x")
        seen.keyboard.press("Shift+J")
        bar = seen.locator(".bulkbar")
        bar.wait_for()
        assert bar.locator("[data-chosen]").inner_text() == "2 threads"
        seen.keyboard.press("e")
        seen.locator(".flash", has_text="Done on 2 threads.").wait_for()
        assert seen.locator("#rows .row").count() == 5
        with seen.expect_navigation():
            seen.keyboard.press("z")
        assert seen.locator("#rows .row").count() == 7
        context.close()


@pytest.mark.browser
def test_the_bar_comes_without_scripts_too(own: Told, chromium: Browser) -> None:
    with serving(own.site()) as address:
        context = chromium.new_context(java_script_enabled=False)
        own.enter(context, address)
        seen = context.new_page()
        seen.goto(address + "/threads")
        assert not seen.locator(".bulkbar").is_visible()
        seen.locator(".row .pick").first.click()
        seen.locator(".bulkbar button[value=closed]").click()
        assert "Close: 1 thread" in seen.locator("h1").inner_text()
        seen.locator("main button.primary").click()
        assert "Done on 1 thread." in seen.locator(".flash").inner_text()
        context.close()
