"""Every shipped template is reached by what ships with it, and is there in every shipped language."""

from __future__ import annotations

from pathlib import Path

from inbox import shipped
from routing.names import Names
from routing.sequences import load_followups
from routing.sla_load import load_sla

LANGUAGES = ("", ".de", ".es", ".fr")


def templates() -> set[str]:
    return {one.name for one in (shipped.TEMPLATES / "mail").iterdir() if one.is_dir()}


def test_every_template_is_reached_by_the_shipped_files() -> None:
    said, problems = load_followups(
        (shipped.DATA / "followups.yaml").read_bytes(), "followups.yaml", Names(())
    )
    assert said is not None, problems
    sla, problems = load_sla((shipped.DATA / "sla.yaml").read_bytes(), "sla.yaml", None, {})
    assert sla is not None, problems
    reached = {said.acknowledge.template, said.acknowledge.after_hours}
    reached |= {step.template for run in said.sequences for step in run.steps}
    reached |= {
        step.follow_up
        for policy in sla.policies
        for promise in policy.promises.values()
        for step in promise.ladder
    }
    assert reached - {""} == templates()
    assert {run.on for run in said.sequences} == {"waiting", "handoff", "closed", "stage"}


def test_every_template_is_there_in_every_language() -> None:
    folder = Path(shipped.TEMPLATES / "mail")
    missing = [
        f"{name}/{kind}{language}.txt"
        for name in sorted(templates())
        for kind in ("subject", "body")
        for language in LANGUAGES
        if not (folder / name / f"{kind}{language}.txt").is_file()
    ]
    assert missing == []
