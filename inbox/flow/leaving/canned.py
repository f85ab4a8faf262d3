"""Templates in the composer: the words of a mail template for a thread, to be changed by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from inbox.errors import AboardError, NotFound
from inbox.flow.admin.admin_set import AdminFiles, macro_texts
from inbox.flow.admin.stored_sets import in_force
from inbox.flow.leaving.compose import Post
from inbox.flow.leaving.notices import Notices, Wish, addressee
from inbox.flow.texts.render import TemplateTrouble, stored_templates
from inbox.store.database import Conn
from routing.macros import Macro


def names(conn: Conn) -> dict[str, str]:
    """name -> why, of the templates that a person may use: all but acknowledgements."""
    files = in_force(conn)
    if files is None:
        return {}
    return {
        name: one.why
        for name, one in sorted(files.mail.by_name.items())
        if one.role != "acknowledges"
    }


def macros(conn: Conn, kind: str) -> dict[str, Macro]:
    """name -> macro, of those for a reply or for a note."""
    files = in_force(conn)
    found = {} if files is None else files.macros.by_name
    return {name: one for name, one in found.items() if one.kind == kind}


def macro_words(conn: Conn, post: Post, thread_id: int, name: str, now: datetime) -> str:
    """What a macro says on a thread. Raises as `words` does."""
    files = in_force(conn)
    if files is None or name not in files.macros.by_name:
        raise NotFound(f"there is no macro {name!r} in macros.yaml")
    one = files.macros.by_name[name]
    if one.kind == "note":
        return one.text.strip()
    return _said(
        conn, replace(files, mail=stored_templates(macro_texts(one))), post, thread_id, (name, now)
    )


def words(conn: Conn, post: Post, thread_id: int, name: str, now: datetime) -> str:
    """What a template says to who is to be answered on a thread.

    Raises `NotFound`, and `AboardError` where it cannot be rendered for this thread.
    """
    files = in_force(conn)
    if files is None or name not in files.mail.by_name:
        raise NotFound(f"there is no template {name!r} (`aboard templates list` lists them)")
    return _said(conn, files, post, thread_id, (name, now))


def _said(
    conn: Conn, files: AdminFiles, post: Post, thread_id: int, what: tuple[str, datetime]
) -> str:
    name, now = what
    notices = Notices(conn, files, post, now)
    about = notices.about(thread_id)
    found = addressee(about, notices.is_ours, unanswered=False)
    if found is None:
        raise AboardError(f"template {name}: nobody of the customer is known on this thread")
    wish = Wish(about, name, found[0], "by-hand", name, 0, answers=found[1])
    try:
        return notices.rendered(wish).text.strip()
    except TemplateTrouble as trouble:
        raise AboardError(str(trouble)) from trouble
