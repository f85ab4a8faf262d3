"""A problem in an admin's files shows in all four places: page, check, health and log."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from inbox import app
from inbox.config import load
from inbox.flow.evidence.coverage import rules_page
from inbox.web.site import Site, build
from tests.flow.house import CONFIG, RULES, TEAMS, House
from tests.web.conftest import signed_in

BAD = (
    ("rules/10-all.yaml", RULES.replace("team: success, tags", "team: sucess, tags"), "unknown-team"),
    ("rules/10-all.yaml", RULES.replace("subject: Your invoice}", "subject: All well}"), "test-failed"),
    ("teams.yaml", TEAMS.replace("duty: tom", "duty: tim"), "unknown-person"),
    ("sla.yaml", "policies: 3\n", "wrong-type"),
    ("stages.yaml", "stages: 3\n", "wrong-type"),
    ("tried/10-all.yaml", RULES.replace("team: success, tags", "team: sucess, tags"), "unknown-team"),
)  # fmt: skip


def _client(house: House) -> TestClient:
    site = Site(house.db, house.settings, lambda: house.now, lambda _: 0)
    client = TestClient(build(site), base_url="http://localhost")
    return signed_in(client, house.db, "maya", house.now)


@pytest.mark.parametrize(("file", "text", "code"), BAD)
def test_a_refused_file_shows_in_all_four_places_until_it_is_mended(
    house: House, caplog: pytest.LogCaptureFixture, file: str, text: str, code: str
) -> None:
    (house.settings.folder / "tried").mkdir()
    house.write("tried/10-all.yaml", RULES)
    house.write("aboard.yaml", CONFIG + "files: {shadow_rules: tried}\n")
    url = house.db.url.render_as_string(hide_password=False)
    house.settings = replace(load(house.settings.folder / "aboard.yaml", {}), database=url)
    house.activate()
    client = _client(house)
    assert client.get("/healthz").text == "ok\n"

    good = (house.settings.folder / file).read_text()
    house.write(file, text)
    logger = logging.getLogger("aboard")
    logger.addHandler(caplog.handler)
    try:
        app.put_in_force(house.db, house.settings)
    finally:
        logger.removeHandler(caplog.handler)
    assert code in caplog.text and file in caplog.text, "in the log"
    health = client.get("/healthz")
    assert health.status_code == 200 and health.text.startswith("degraded: mail flows")
    assert code in health.text and file in health.text, "in health"
    shown = client.get("/rules").text
    assert file in shown and ("was refused" in shown or "were refused" in shown), "on the page"
    findings, facts = app.check_everything(house.settings)
    assert any(one.code == code and one.file.endswith(file) for one in findings), "in check"
    assert "ruleset" in facts["in force"]

    house.write(file, good)
    app.put_in_force(house.db, house.settings)
    assert client.get("/healthz").text == "ok\n"
    assert "banner warn" not in client.get("/rules").text
    assert not [one for one in app.check_everything(house.settings)[0] if one.code == code]


def test_check_tells_what_a_node_refused_although_the_files_here_are_good(house: House) -> None:
    house.write("rules/10-all.yaml", RULES.replace("team: success, tags", "team: sucess, tags"))
    house.activate()
    house.write("rules/10-all.yaml", RULES + "# good again, and no node has seen it\n")
    url = house.db.url.render_as_string(hide_password=False)
    findings, facts = app.check_everything(replace(house.settings, database=url))
    assert [one.severity for one in findings if one.code == "unknown-team"] == ["warning"]
    assert "other files than these" in facts["in force"]


def test_live_and_shadow_rules_are_each_told_their_own_problems(house: House) -> None:
    (house.settings.folder / "tried").mkdir()
    house.write("tried/10-all.yaml", RULES)
    house.write("aboard.yaml", CONFIG + "files: {shadow_rules: tried}\n")
    house.settings = load(house.settings.folder / "aboard.yaml", {})
    house.activate()
    bad = RULES.replace("team: success, tags", "team: sucess, tags")
    house.write("rules/10-all.yaml", bad)
    house.activate()
    page = rules_page(house.db, house.now)
    assert page is not None and page.shadow is not None
    assert (len(page.problems), len(page.shadow.problems)) == (1, 0)
    house.write("tried/10-all.yaml", bad)
    house.activate()
    page = rules_page(house.db, house.now)
    assert page is not None and page.shadow is not None
    assert (len(page.problems), len(page.shadow.problems)) == (1, 1)


def test_shadow_rules_that_never_were_good_show_in_health_and_on_the_page(house: House) -> None:
    (house.settings.folder / "tried").mkdir()
    house.write("tried/10-all.yaml", RULES.replace("team: success, tags", "team: sucess, tags"))
    house.write("aboard.yaml", CONFIG + "files: {shadow_rules: tried}\n")
    house.settings = load(house.settings.folder / "aboard.yaml", {})
    house.activate()
    client = _client(house)
    assert "tried/10-all.yaml" in client.get("/healthz").text
    assert "tried/10-all.yaml" in client.get("/rules").text
    house.write("tried/10-all.yaml", RULES)
    house.activate()
    assert client.get("/healthz").text == "ok\n"
    page = rules_page(house.db, house.now)
    assert page is not None and page.problems == () and page.shadow is not None
