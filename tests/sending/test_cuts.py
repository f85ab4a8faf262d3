"""The line is cut at every byte, in both directions, in three ways: nothing lost, nothing doubled."""

from __future__ import annotations

import gc
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from inbox.store.database import Database
from tests import databases
from tests.sending.cuts import Broken, Line, every_cut, judge
from tests.sending.office import Office
from tests.services import postfix
from tests.services.proxy import Cut, How, Toward
from tests.services.smtp_sink import SmtpSink

SAMPLE = 16

# aiosmtpd leaves a pending task behind for some of the lines that are cut under it.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture
def db(request: pytest.FixtureRequest) -> Iterator[Database]:
    """SQLite: what the two dialects do differently is not in the line."""
    request.param = "sqlite"
    yield from databases.opened(request, "postgres_of_sending")


@pytest.fixture
def line(office: Office) -> Iterator[Line]:
    made = Line(office, office.sink.port)
    yield made
    made.stop()
    gc.collect()  # so that what aiosmtpd left is blamed on no later test


def kept_by(sink: SmtpSink) -> Callable[[str], int]:
    found = Counter(
        re.search(rb"(?m)^Message-ID: <([^>]+)>", one.content)[1].decode()  # type: ignore[index]
        for one in sink.kept
    )
    return lambda mail_id: found[mail_id]


def run_all(line: Line, cuts: list[Cut], kind: str) -> list[Broken]:
    return [line.run(cut, kind, f"{kind}{number}") for number, cut in enumerate(cuts)]


def around_the_dot(lengths: dict[Toward, int]) -> list[Cut]:
    """The last bytes of both directions: the final dot, and the answer to it."""
    return [
        Cut(toward, lengths[toward] - back, how)
        for toward in Toward
        for back in (0, 1, 3, 4)
        for how in (How.FIN, How.RST)
    ]


@pytest.mark.parametrize("kind", ["automatic", "reply"])
def test_a_cut_anywhere_loses_nothing_and_doubles_nothing(line: Line, kind: str) -> None:
    lengths = line.lengths()
    assert lengths[Toward.SERVER] > 500
    cuts = random.Random(5).sample(every_cut(lengths), SAMPLE) + around_the_dot(lengths)
    found = run_all(line, cuts, kind)
    judge(found, kept_by(line.office.sink), kind)
    assert {one.dot for one in found} == {True, False}
    seen = {one.last for one in found}
    assert seen == ({"sent", "uncertain"} if kind == "automatic" else {"sent"})


@pytest.mark.campaign
@pytest.mark.parametrize("kind", ["automatic", "reply"])
def test_every_byte_cut_in_every_way(
    line: Line, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    lengths = line.lengths()
    cuts = every_cut(lengths)
    found = run_all(line, cuts, kind)
    said = judge(found, kept_by(line.office.sink), kind)
    with capsys.disabled():
        print(
            f"\naiosmtpd sink: {lengths[Toward.SERVER]} bytes out, {lengths[Toward.CLIENT]} in; {said}"
        )
        for how in How:
            part = [one for one in found if one.cut.how is how]
            print(
                f"  {how.name}: {dict(Counter((one.cut.toward.name, one.first) for one in part))}"
            )


# --- A real Postfix at the other end -----------------------------------------------------------


def queued_by(folder: Path) -> Callable[[str], int]:
    """Message-ID -> how many mails with it Postfix took and passed on, as its log says."""
    postfix.sent(folder)
    names: dict[str, str] = {}
    passed: Counter[str] = Counter()
    for row in (folder / "log").read_text(errors="replace").splitlines():
        if found := re.search(r": ([0-9A-F]+): message-id=<([^>]+)>", row):
            names[found[1]] = found[2]
        elif (found := re.search(r": ([0-9A-F]+): to=<.* status=sent ", row)) and found[1] in names:
            passed[names[found[1]]] += 1
    return lambda mail_id: passed[mail_id]


def through_postfix(office: Office, folder: Path, choose: Callable[[list[Cut]], list[Cut]]) -> str:
    with postfix.running(folder) as port:
        line = Line(office, port)
        lengths = line.lengths()
        found = run_all(line, choose(every_cut(lengths, (How.FIN, How.RST))), "automatic")
        line.stop()
        return judge(found, queued_by(folder), "automatic")


@pytest.fixture
def wide_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that Postfix's own user may enter."""
    folder = tmp_path_factory.mktemp("postfix")
    for path in (folder, *folder.parents):
        if path.stat().st_mode & 0o005 != 0o005 and path.owner() == "root":
            path.chmod(path.stat().st_mode | 0o055)
    return folder


needs_postfix = pytest.mark.skipif(postfix.missing() is not None, reason=str(postfix.missing()))


@needs_postfix
def test_a_real_postfix_gets_every_mail_once_however_the_line_is_cut(
    office: Office, wide_folder: Path
) -> None:
    through_postfix(office, wide_folder, lambda cuts: random.Random(6).sample(cuts, 8))


@needs_postfix
@pytest.mark.campaign
def test_every_byte_cut_before_a_real_postfix(
    office: Office, wide_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = through_postfix(office, wide_folder, lambda cuts: cuts)
    with capsys.disabled():
        print(f"\nPostfix: {said}")
