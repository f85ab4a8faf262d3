"""The connection cut at every byte: every mail once, and none lost (F12)."""

from __future__ import annotations

import os
import random
from collections import Counter
from dataclasses import dataclass, replace

import pytest

from inbox.errors import MailboxError
from inbox.flow.intake.reconcile import compare
from tests.polling.box import HASTY, QUICK, Box, numbered
from tests.services.proxy import Cut, How, Proxy, Toward

MAILS = 3
TOLD_EVERY = 500


@dataclass
class Cutter:
    """Polls the same three mails under another name each time, its first connection cut."""

    box: Box
    proxy: Proxy
    number: int = 0

    def fresh(self) -> Box:
        """The mailbox as if it had never been polled."""
        self.number += 1
        polled = replace(self.box.polled, name=f"m{self.number}", port=self.proxy.port, move_to="")
        return replace(self.box, polled=polled)

    def lengths(self) -> dict[Toward, int]:
        """Bytes of an undisturbed round in each direction."""
        self.proxy.cuts = [None] * len(self.proxy.connections)
        self.fresh().poll()
        return dict(self.proxy.connections[-1].bytes)

    def run(self, cut: Cut) -> str:
        """A round that is cut, then good ones; what the first came to."""
        box = self.fresh()
        self.proxy.cuts = [None] * len(self.proxy.connections) + [cut]
        first = "came through"
        try:
            box.poll(waits=HASTY if cut.how is How.STALL else QUICK)
        except MailboxError as error:
            first = error.cause
        with box.polling() as poll:  # one good connection is enough to make up for it
            poll.look("INBOX")
            found = compare(box.house.db, poll._remote, box.polled, "INBOX")
        place = f"imap:{box.polled.name}/INBOX;"
        fetched = [one for one in self.box.origins() if one.startswith(place)]
        assert len(fetched) == len(set(fetched)) == MAILS, (cut, fetched)
        assert (found.unaccounted, found.waiting, found.left) == ((), (), ()), (cut, found)
        assert found.accounted == MAILS
        self.proxy.hang_up()  # what stalls would hold on to its session at the server for ever
        return first


@pytest.fixture
def cutter(small_box: Box):  # type: ignore[no-untyped-def]
    small_box.polled = replace(small_box.polled, tls="none", host="127.0.0.1")
    small_box.put(*(numbered(n) for n in range(MAILS)))
    proxy = Proxy(small_box.server.port)
    yield Cutter(small_box, proxy)
    proxy.stop()


def every_cut(lengths: dict[Toward, int], how: How) -> list[Cut]:
    return [Cut(toward, n, how) for toward in Toward for n in range(lengths[toward] + 1)]


def test_a_cut_at_any_byte_loses_and_doubles_nothing(cutter: Cutter) -> None:
    lengths, draw = cutter.lengths(), random.Random(3)
    cuts = [*every_cut(lengths, How.FIN), *every_cut(lengths, How.RST)]
    seen = Counter(cutter.run(cut) for cut in draw.sample(cuts, 16))
    stalls = every_cut(lengths, How.STALL)
    seen += Counter(cutter.run(cut) for cut in draw.sample(stalls, 2))
    assert seen["cut"] and seen.total() == 18


@pytest.mark.campaign
@pytest.mark.parametrize("how", How, ids=lambda how: how.name)
@pytest.mark.parametrize("toward", Toward, ids=lambda toward: f"to-{toward.name}")
def test_the_cut_at_every_byte(
    cutter: Cutter, toward: Toward, how: How, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every byte; silence, which takes the time that it takes to be noticed, after every tenth
    unless `ABOARD_TEST_STALLS` says otherwise: `1/3`, `2/3` and `3/3` are all of them."""
    share = os.environ.get("ABOARD_TEST_STALLS", "1/10") if how is How.STALL else "1/1"
    first, step = (int(one) for one in share.split("/"))
    cuts = [cut for cut in every_cut(cutter.lengths(), how) if cut.toward is toward]
    seen: Counter[str] = Counter()
    for cut in cuts[first - 1 :: step]:
        seen[cutter.run(cut)] += 1
        if seen.total() % TOLD_EVERY == 0:
            with capsys.disabled():
                print(f"\n{seen.total()} of {len(cuts)}", flush=True)
    with capsys.disabled():
        told = ", ".join(f"{what} {count}" for what, count in sorted(seen.items()))
        line = f"{toward.value}, {how.value}: {seen.total()} cuts of {MAILS} mails"
        print(f"\n{line}: 0 lost, 0 twice; first: {told}", flush=True)
