"""How long `aboard serve` takes to be ready: new, after a clean end, and after `kill -9`.

Wall time from exec to a greeting at the SMTP port and an answer of `/healthz`, with two filing
workers being started beside. Mail waits in the folder, so that there is something to take up. As on
any installation, modules are compiled once and not at every start.
"""

from __future__ import annotations

import os
import re
import signal
import smtplib
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from inbox.cli.starter import write_folder

ROUNDS = 8
GOAL = 3.0
"""Seconds."""
OURS = "onboarding@aboard.example"


def environment(folder: Path) -> dict[str, str]:
    """Free ports, and a place for compiled modules where the caller's environment forbids one."""
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    listen = {f"ABOARD_{part}__LISTEN": "127.0.0.1:0" for part in ("SMTP", "WEB")}
    return {**kept, **listen, "PYTHONPYCACHEPREFIX": str(folder.parent / "compiled")}


def start(folder: Path) -> tuple[subprocess.Popen[str], dict[str, int], float]:
    """A node that is ready, its ports (`smtp`, `inbox`), and the seconds that it took."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "inbox", "--config", str(folder / "aboard.yaml"), "serve"],
        env=environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    ports: dict[str, int] = {}
    for line in process.stdout:
        if found := re.search(r"(inbox|smtp) .*:(\d+)", line):
            ports[found[1]] = int(found[2])
        if len(ports) == 2:
            break
    else:
        raise SystemExit("bench start: the node ended before it listened")
    with urllib.request.urlopen(f"http://127.0.0.1:{ports['inbox']}/healthz") as page:
        page.read()
    with smtplib.SMTP("127.0.0.1", ports["smtp"]) as smtp:
        smtp.noop()
        took = time.perf_counter() - began
    return process, ports, took


def end(process: subprocess.Popen[str], how: signal.Signals) -> None:
    """End the node cleanly, or all of its processes at once."""
    os.killpg(process.pid, how) if how == signal.SIGKILL else process.send_signal(how)
    process.wait(60)
    assert process.stdout is not None
    process.stdout.close()


def deliver(port: int, name: str) -> None:
    """Mail that the next node finds."""
    with smtplib.SMTP("127.0.0.1", port) as smtp:
        for number in range(20):
            raw = f"Message-ID: <{name}.{number}@start.example>\r\nSubject: start\r\n\r\nHello\r\n"
            smtp.sendmail("ada@start.example", [OURS], raw)


def judged(what: str, seconds: list[float]) -> bool:
    """Print median and worst of some starts; was the goal met?"""
    median, worst = statistics.median(seconds), max(seconds)
    verdict = "met" if worst < GOAL else "NOT met"
    print(f"{what:16} {median:6.2f} s {worst:8.2f} s   {verdict}  ({len(seconds)} starts)")
    return worst < GOAL


def main() -> int:
    """Print median and worst of each way to start; 0 where each start took under 3 s."""
    with tempfile.TemporaryDirectory(prefix="aboard-start-") as name:
        folder, compiling = Path(name) / "work", Path(name) / "first"
        for place in (folder, compiling):
            list(write_folder(place))
        process, _, _ = start(compiling)
        end(process, signal.SIGTERM)
        process, _, first = start(folder)
        end(process, signal.SIGTERM)
        taken: dict[signal.Signals, list[float]] = {signal.SIGTERM: [], signal.SIGKILL: []}
        for number in range(ROUNDS):
            for how, seconds in taken.items():
                process, ports, _ = start(folder)
                deliver(ports["smtp"], f"{number}.{how.name}")
                end(process, how)
                process, _, took = start(folder)
                seconds.append(took)
                end(process, signal.SIGTERM)
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    print("start            median     worst")
    met = judged("new folder", [first])
    met &= judged("after SIGTERM", taken[signal.SIGTERM])
    met &= judged("after kill -9", taken[signal.SIGKILL])
    print(f"Goal {GOAL:g} s: {'met' if met else 'NOT met'}. Load {load} on {os.cpu_count()} cores.")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
