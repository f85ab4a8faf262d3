"""Move mail away on the server once it is ours, where that is wanted.

Mail is ours whether or not it can be moved. Where the server refuses, that is said, once, and tried
with every round; no mail to come waits for it.
"""

from __future__ import annotations

from inbox.errors import MailboxError
from inbox.flow.intake.poll_round import Rules
from inbox.mail.polled import Folders
from inbox.store import mailbox_uids
from inbox.store.database import Database
from inbox.store.mailboxes import Folder

AT_ONCE = 500


def move_away(db: Database, remote: Folders, rules: Rules, at: Folder) -> None:
    """Move what waits for it; what was left undone by a crash too.

    Raises `MailboxError` only where the connection is lost.
    """
    target = rules.box.move_to
    if not target:
        return
    with db.read() as conn:
        _, why = mailbox_uids.why_not_moved(conn).get(at.id, (0, None))
    while not rules.stopping():
        with db.read() as conn:
            uids = mailbox_uids.to_move(conn, at, AT_ONCE)
        if not uids:
            return
        try:
            remote.move(uids, target)
        except MailboxError as error:
            if not error.connected:
                raise
            said = _what_to_do(rules, error)
            with db.write() as conn:
                mailbox_uids.not_moved(conn, at, uids, said)
            if why is None:
                rules.moving(at.folder, said)
            return
        with db.write() as conn:
            mailbox_uids.moved(conn, at, uids)
        if why is not None:
            rules.moving(at.folder, None)
            why = None


def _what_to_do(rules: Rules, error: MailboxError) -> str:
    box = rules.box
    hint = f"make the folder {box.move_to!r} there, let {box.username!r} write to it"
    said = str(error).rstrip(".")
    return f"{said}; the mail is ours all the same: {hint}, or change move_to"
