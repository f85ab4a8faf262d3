"""Mail templates tried on real threads: what would be written, and what cannot. Sends nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from inbox.errors import AboardError, NotFound
from inbox.flow.admin.stored_sets import in_force
from inbox.flow.leaving.compose import Post
from inbox.flow.leaving.notices import Notices, Wish, addressee
from inbox.flow.texts.render import MailTemplates, Rendered, TemplateTrouble
from inbox.mail.letter import Address
from inbox.store import threads
from inbox.store.database import Conn, Database
from routing.manners import ACKNOWLEDGES
from routing.problems import Problem
from routing.reader import did_you_mean


@dataclass(frozen=True, slots=True)
class Asked:
    """Which template, for which thread, in which language (empty: the customer's)."""

    name: str
    thread_id: int
    language: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """What is tried, with what sending would use."""

    mail: MailTemplates
    post: Post
    now: datetime


@dataclass(frozen=True, slots=True)
class Shown:
    """A mail as it would be, and to whom."""

    to: str
    rendered: Rendered


def preview(db: Database, trial: Trial, asked: Asked) -> Shown:
    """One template for one thread. Raises `NotFound`, `TemplateTrouble`."""
    if asked.name not in trial.mail.by_name:
        hint = did_you_mean(asked.name, trial.mail.names)
        raise NotFound(f"there is no template {asked.name!r} ({hint})")
    with db.read() as conn:
        notices = _notices(conn, trial)
        wish = _wish(notices, asked)
        return Shown(wish.to.address, _written(notices, wish, asked))


def on_threads(db: Database, trial: Trial, most: int) -> tuple[int, tuple[Problem, ...]]:
    """Every template for the newest threads: (for how many, the problem of each template)."""
    with db.read() as conn:
        if in_force(conn) is None:
            return 0, ()
        lines = threads.listing(conn, threads.Page(limit=most))
        numbers = [one.thread.id for one in lines]
        return len(numbers), tuple(_troubles(_notices(conn, trial), trial.mail, numbers))


def _troubles(notices: Notices, mail: MailTemplates, numbers: list[int]) -> Iterator[Problem]:
    """The first thread of each template for which it cannot be rendered."""
    for name in mail.names:
        for number in numbers:
            asked = Asked(name, number)
            try:
                _written(notices, _wish(notices, asked), asked)
            except NotFound:
                continue  # nobody to write to
            except TemplateTrouble as trouble:
                said = f"for thread {number}: {trouble}"
                yield Problem(f"templates/mail/{name}", 0, 0, "cannot-render", said)
                break


def _notices(conn: Conn, trial: Trial) -> Notices:
    files = in_force(conn)
    if files is None:
        raise AboardError("nothing is in force yet (`aboard rules activate`)")
    return Notices(conn, replace(files, mail=trial.mail), trial.post, trial.now)


def _wish(notices: Notices, asked: Asked) -> Wish:
    about = notices.about(asked.thread_id)
    found = addressee(about, notices.is_ours)
    if found is None:
        raise NotFound(f"thread {asked.thread_id} has nobody to write to")
    role = notices.role(asked.name)
    to = found[0] if role != ACKNOWLEDGES else Address("", found[0].address)
    return Wish(
        about=about,
        template=asked.name,
        to=to,
        sequence="preview",
        step="1",
        cycle=0,
        values={"due_at": notices.now},
    )


def _written(notices: Notices, wish: Wish, asked: Asked) -> Rendered:
    if not asked.language:
        return notices.rendered(wish)
    return notices.files.mail.render(asked.name, asked.language, notices.values(wish))
