"""Several nodes on one mailbox, the holder of the lease frozen and woken again (F19)."""

from __future__ import annotations

import os
import signal

import pytest

from inbox.store import mailbox_health
from tests.polling.box import Box, numbered
from tests.polling.nodes import together
from tests.services.waiting import until


def holder(box: Box) -> int:
    """The process that polls now; 0 for none."""
    with box.house.looking() as conn:
        (health,) = mailbox_health.all_health(conn) or [None]
    return int(health.owner.split("/")[1]) if health is not None and health.owner else 0


def frozen_and_woken(
    box: Box, count: int, mails: int, lease: float, batch: int = 2
) -> tuple[int, int]:
    """Freeze who polls between fetching and accepting; wake it when another has done the rest."""
    box.put(*(numbered(n) for n in range(mails)))
    with together(box, count, lease, batch) as nodes:
        until(lambda: box.count() >= mails // 10, within=120)
        marker = box.house.settings.folder / "freeze"
        marker.touch()
        until(lambda: not marker.exists(), within=60)
        first, before = holder(box), box.count()
        assert first in nodes and before < mails
        until(lambda: box.count() == mails, within=60 + 5 * lease)
        second = holder(box)
        assert second != first
        os.kill(first, signal.SIGCONT)
        box.put(*(numbered(n) for n in range(mails, mails + 10)))
        until(lambda: box.count() == mails + 10, within=60)
        assert holder(box) == second
    box.everything_once()
    return before, mails + 10 - before


@pytest.mark.postgres
def test_a_frozen_holder_is_replaced_and_commits_nothing_when_it_wakes(
    postgres_box: Box,
) -> None:
    frozen_and_woken(postgres_box, count=3, mails=40, lease=1.0)


@pytest.mark.campaign
@pytest.mark.postgres
def test_eight_nodes_with_one_frozen_for_a_minute(
    postgres_box: Box, capsys: pytest.CaptureFixture[str]
) -> None:
    before, after = frozen_and_woken(postgres_box, count=8, mails=1_000, lease=60.0, batch=20)
    with capsys.disabled():
        print(f"\n8 nodes, 1 frozen: {before} mails by it, {after} by another; 0 lost, 0 twice")
