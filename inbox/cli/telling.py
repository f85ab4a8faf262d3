"""A mail's story in plain lines, for `aboard doctor`."""

from __future__ import annotations

from collections.abc import Iterator

from inbox.flow.evidence.doctor import Story
from inbox.store.ledger import LedgerRow


def tell(story: Story) -> Iterator[str]:
    """The lines of one story, in the order in which things happened."""
    if story.message is not None:
        yield f"{story.message.subject or '(no subject)'}"
        yield f"  from {story.message.from_address}, <{story.message.mail_id or 'no Message-ID'}>"
    for row in story.deliveries:
        yield from _delivery(row)
    if story.message is None or story.thread is None:
        return
    message = story.message
    yield f"  message {message.id} on thread {story.thread.id} of {story.account}"
    if message.automatic != "none":
        yield f"  automatic: {message.automatic} ({message.extras.get('automatic_reason', '')})"
    if message.defects:
        yield f"  defects: {', '.join(message.defects)}"
    if story.decision is not None:
        reason = story.decision.decision.get("reason", "")
        rule = f", rule {story.decision.rule}" if story.decision.rule else ""
        yield f"  to {story.decision.team}, decided by {story.decision.decided_by}{rule}: {reason}"
    for one in story.events:
        about = ", ".join(f"{key}={value}" for key, value in one.data.items())
        yield f"  {one.at:%Y-%m-%d %H:%M:%S}  {one.kind:<22} {one.actor}  {about}"


def _delivery(row: LedgerRow) -> Iterator[str]:
    yield (
        f"  {row.accepted_at:%Y-%m-%d %H:%M:%S}  accepted by {row.source}"
        f" from {row.peer or 'this machine'} as ledger {row.id}"
        f" ({row.size} bytes, sha256 {row.sha256[:16]}...)"
    )
    settled = f"{row.settled_at:%Y-%m-%d %H:%M:%S}" if row.settled_at else "not yet"
    cause = f": {row.cause}" if row.cause else ""
    yield f"  {settled}  {row.state}{cause} after {row.attempts} attempts"
    if row.detail:
        yield f"    {row.detail.strip().splitlines()[-1]}"
