"""The words of mails to our own people: what happened, the customer's text, how to answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from inbox.mail.agent_commands import ANSWER_ABOVE, GOES_TO, OFF, USES
from inbox.store.accounts import Account
from inbox.store.agent_notices import Notice
from inbox.store.messages import Message
from inbox.store.people import Person
from inbox.store.threads import Thread

MOST_SHOWN = 6_000
"""Characters of the customer's mail that a notice shows."""
METRICS = {
    "first_response": "the first response",
    "next_response": "the next response",
    "resolution": "the resolution",
    "handoff_acceptance": "the answer to the handoff",
    "untouched": "the first deed",
}


@dataclass(frozen=True, slots=True)
class Scene:
    """A thread with what a notice says of it."""

    thread: Thread
    account: Account
    team: str
    """Its title."""
    owner: Person
    newest: Message | None
    """The customer's last mail."""


def sentence(kind: str, data: Mapping[str, Any]) -> str:
    """What happened, in one line."""
    if kind == "assigned" and data.get("owned") is False:
        return "You answer for it now, and nobody owns it" + _because(data.get("why"))
    if kind == "assigned":
        return "It is yours now" + _because(data.get("why"))
    if kind == "mail" and data.get("aside"):
        who = data.get("from") or "Whoever was asked"
        return f"{who}, who was asked aside, answered; read it and answer them in the browser"
    if kind == "mail":
        return f"{data.get('from') or 'The customer'} wrote on your thread"
    if kind == "bounced":
        return _came_back(data)
    if kind == "at-risk":
        return f"{_metric(data)} is due at {_moment(data.get('due'))}"
    if kind == "breached":
        return f"Late: {_metric(data)} was due at {_moment(data.get('due'))}"
    if kind == "handoff":
        return f"Handed to {data.get('team')} by {data.get('from')}: {data.get('reason')}"
    if kind == "handoff-ended":
        return f"The handoff to {data.get('team')} was {data.get('state')}" + _because(
            data.get("answer")
        )
    if kind == "mention":
        return f"You are named in a note: {data.get('text')}"
    if kind == "rule":
        return f"The rule {data.get('rule')} asks you to look at it"
    if kind == "answer-done":
        return "Done: " + "; ".join(data.get("done", ()))
    if kind == "answer-held":
        return f"Your answer is held: {data.get('why')}"
    return f"Your mail was not carried out: {data.get('why')}"


def _came_back(data: Mapping[str, Any]) -> str:
    """A report need not say who of several was not reached, nor why."""
    who = data.get("address") or f"one of {', '.join(data.get('of') or ())}"
    status = f" ({data['status']})" if data.get("status") else ""
    return f"Mail to {who} came back{status}" + _because(data.get("reason"))


def _because(why: object) -> str:
    return f": {why}" if why else ""


def _metric(data: Mapping[str, Any]) -> str:
    return METRICS.get(str(data.get("metric")), "a promise")


def _moment(written: object) -> str:
    return f"{str(written)[:16].replace('T', ' ')} UTC"


def subject_of(scene: Scene, told: Sequence[Notice]) -> str:
    """The subject of a mail about one thread."""
    heads = {
        "assigned": "Yours",
        "mail": "New mail",
        "bounced": "Came back",
        "at-risk": "Due soon",
        "breached": "Late",
        "handoff": "Handoff offered",
        "handoff-ended": "Handoff",
        "mention": "You are named",
        "rule": "Please look",
        "answer-done": "Done",
        "answer-held": "Held",
        "answer-error": "Not done",
    }
    head = heads.get(told[-1].kind, "News")
    return f"[{scene.account.name}] {head}: {scene.thread.subject or '(no subject)'}"


def text_of(scene: Scene, told: Sequence[Notice], person: Person) -> str:
    """The text of a mail about one thread; the person may answer it."""
    lines = [ANSWER_ABOVE, ""]
    lines += dict.fromkeys(sentence(one.kind, one.data) for one in told)
    lines += [*_advice(told), "", *_about(scene)]
    if scene.newest is not None:
        lines += ["", *_quoted(scene.newest)]
    lines += ["", *_how_to(scene, person)]
    return "\n".join(lines) + "\n"


def _advice(told: Sequence[Notice]) -> list[str]:
    last = told[-1]
    if last.kind != "answer-held":
        return []
    if last.data.get("confirm"):
        return ["Sign in and confirm it on the thread, or leave it and nothing happens."]
    return [
        "Read what came in below. Answer this mail with a new text, or with #send alone on its"
        " line to send the held one as it is."
    ]


def _about(scene: Scene) -> list[str]:
    thread = scene.thread
    answers = scene.owner.name if thread.claimed_at else f"{scene.owner.name} (nobody owns it)"
    return [
        f"Thread {thread.id}: {thread.subject or '(no subject)'}",
        f"Customer: {scene.account.name}. Team: {scene.team}. Answers for it: {answers}.",
        f"Status: {thread.status}, priority {thread.priority}.",
    ]


def _quoted(mail: Message) -> list[str]:
    who = f"{mail.from_name} <{mail.from_address}>" if mail.from_name else mail.from_address
    text = mail.visible_text.strip()
    cut = text[:MOST_SHOWN] + ("\n[...]" if len(text) > MOST_SHOWN else "")
    head = f"{who} wrote on {mail.received_at:%Y-%m-%d %H:%M} UTC:"
    return [head, *(f"> {line}".rstrip() for line in cut.splitlines())]


def _how_to(scene: Scene, person: Person) -> list[str]:
    if person.role == "viewer":
        return [f"`aboard people notices {person.handle} {OFF}"]
    return [
        f"{GOES_TO} {scene.team}.",
        "In the first lines you may give commands, each on a line of its own:",
        *(f"  {one}" for one in USES.values()),
        f"`aboard people notices {person.handle} {OFF}",
    ]


def digest(scenes: Sequence[tuple[Scene, Sequence[Notice]]], person: Person) -> tuple[str, str]:
    """(subject, text) of one mail about several threads; it cannot be answered."""
    lines = [
        "So much happened that it comes in one mail. It is about several threads and cannot be",
        "answered; answer the mail of a thread, or open it in the browser.",
    ]
    for scene, told in scenes:
        lines += ["", *_about(scene)[:2]]
        lines += [f"  {sentence(one.kind, one.data)}" for one in told]
    lines += ["", f"`aboard people notices {person.handle} {OFF}"]
    return f"{len(scenes)} threads have news for you", "\n".join(lines) + "\n"
