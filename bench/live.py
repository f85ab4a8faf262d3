"""How live an open page is, and what a page costs: from a mail at the SMTP port to the stream of
an open inbox, the cost of a look, and time and weight of each page.

The node is a process of its own with SMTP, filing and web; the clock runs from the moment at which
the sender has its `250`. Weight is a page with style sheet, script and icons as they go over the
wire to a browser that has none of them yet.
"""

from __future__ import annotations

import http.client
import os
import re
import secrets
import signal
import smtplib
import statistics
import tempfile
import threading
import time
import urllib.request
from datetime import timedelta
from pathlib import Path

from bench.start import OURS, start
from inbox.cli.starter import write_folder
from inbox.clock import utc_now
from inbox.config import load
from inbox.flow.people.access import digest
from inbox.flow.working import live
from inbox.store import people, sessions, timeline
from inbox.store.database import Database
from inbox.store.timeline import Event
from inbox.web.visitors import COOKIE

MAILS = 20
LOOKS = 200
ROUNDS = 15
GOAL_LIVE, GOAL_PAGE, GOAL_WEIGHT = 2.0, 0.05, 100_000
PAGES = (
    "/threads",
    "/threads/1",
    "/accounts/1",
    "/accounts",
    "/search?q=kickoff",
    "/rules",
    "/preferences",
)


def signed_in(db: Database) -> str:
    """The cookie of an admin who has just signed in."""
    cookie = secrets.token_urlsafe(32)
    with db.write() as conn:
        admin = next(one for one in people.everybody(conn).values() if one.role == "admin")
        until = utc_now() + timedelta(days=1)
        new = sessions.New(admin.id, digest(cookie), "password", "127.0.0.1", "bench", until)
        sessions.begin(conn, new, utc_now())
    return cookie


class Stream(threading.Thread):
    """Reads `/live` and notes when each change came."""

    def __init__(self, port: int, cookie: str) -> None:
        super().__init__(daemon=True)
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._connection.request("GET", "/live", headers={"Cookie": f"{COOKIE}={cookie}"})
        self._answer = self._connection.getresponse()
        self.came = threading.Event()
        self.at = 0.0

    def run(self) -> None:
        """Until the node ends."""
        while line := self._answer.readline():
            if line == b"event: change\n":
                self.at = time.perf_counter()
                self.came.set()


def arrivals(smtp: int, stream: Stream) -> list[float]:
    """Seconds from the `250` to the stream, mail by mail."""
    found = []
    for number in range(MAILS):
        stream.came.clear()
        text = (
            f"From: Ana <ana{number}@bank{number}.example>\nTo: {OURS}\nSubject: Kickoff {number}\n"
            f"Message-ID: <b{number}@bank.example>\n\nWhen do we start?\n"
        )
        with smtplib.SMTP("127.0.0.1", smtp) as line:
            line.sendmail(f"ana{number}@bank{number}.example", [OURS], text)
            began = time.perf_counter()
        if not stream.came.wait(30):
            raise SystemExit("bench live: a mail never came")
        found.append(stream.at - began)
        stream.came.wait(0.3)
    return found


def looks(db: Database) -> tuple[float, float]:
    """Milliseconds of a look that finds nothing, and of one that finds an event."""
    watch = live.Watch(db)
    watch.start()
    quiet, busy = [], []
    for _ in range(LOOKS):
        began = time.perf_counter()
        watch.look(utc_now())
        quiet.append(time.perf_counter() - began)
    for _ in range(LOOKS // 10):
        with db.write() as conn:
            timeline.add(conn, Event(1, None, None, utc_now(), "note", "aboard", {"text": "x"}))
        began = time.perf_counter()
        watch.look(utc_now())
        busy.append(time.perf_counter() - began)
    return 1000 * statistics.median(quiet), 1000 * statistics.median(busy)


def fetched(port: int, cookie: str, path: str) -> tuple[float, bytes, int]:
    """Seconds, the body as it came, and the bytes of it."""
    wanted = urllib.request.Request(f"http://127.0.0.1:{port}{path}")
    wanted.add_header("Cookie", f"{COOKIE}={cookie}")
    wanted.add_header("Accept-Encoding", "gzip")
    began = time.perf_counter()
    with urllib.request.urlopen(wanted) as answer:
        body = answer.read()
    return time.perf_counter() - began, body, len(body)


def cost(port: int, cookie: str, path: str) -> tuple[float, float, int]:
    """Milliseconds p50 and p95, and bytes with all that the page needs."""
    times, body, weight = [], b"", 0
    for _ in range(ROUNDS):
        seconds, body, weight = fetched(port, cookie, path)
        times.append(1000 * seconds)
    parts = set(re.findall(r'(?:href|src)="(/static/[^"#]+)', body.decode()))
    weight += sum(fetched(port, cookie, part)[2] for part in parts)
    times.sort()
    return statistics.median(times), times[int(0.95 * (len(times) - 1))], weight


def main() -> int:
    """Print what was measured; 1 where a goal was missed."""
    with tempfile.TemporaryDirectory(prefix="aboard-bench-") as place:
        folder = Path(place) / "work"
        for _ in write_folder(folder):
            pass
        process, ports, _ = start(folder)
        db = Database(load(folder / "aboard.yaml", {}).database_url())
        try:
            cookie = signed_in(db)
            stream = Stream(ports["inbox"], cookie)
            stream.start()
            came = sorted(arrivals(ports["smtp"], stream))
            quiet, busy = looks(db)
            print(f"mail to open inbox: p50 {statistics.median(came):.2f} s, worst {came[-1]:.2f} s"
                  f" of {len(came)}; goal under {GOAL_LIVE:.0f} s")  # fmt: skip
            print(f"a look: {quiet:.2f} ms when nothing happened, {busy:.2f} ms when something did")
            print("page                     p50 ms   p95 ms   weight KB")
            good = came[-1] < GOAL_LIVE
            for path in PAGES:
                p50, p95, weight = cost(ports["inbox"], cookie, path)
                good &= weight < GOAL_WEIGHT and p50 < 1000 * GOAL_PAGE
                print(f"{path:22} {p50:8.1f} {p95:8.1f} {weight / 1000:11.1f}")
        finally:
            db.close()
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
