"""`make bench`: every measurement, one after the other, each beside its anchor in the same run.

`python -m bench accept filing` runs only those named. Each part is a process of its own, so that
none pays for what another loaded; at the end stands what each took and whether its goals were met.
The classifier has a run of its own (`make bench-classifier`), because it takes long.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

PARTS = (
    "accept",
    "filing",
    "start",
    "stages",
    "scale",
    "inbox",
    "live",
    "tick",
    "sending",
    "polling",
    "flood",
    "rules",
    "rules_replay",
    "corpus_agreement",
    "letters_agreement",
)
MOST_SECONDS = 15 * 60
"""Of all parts together."""


def measured(name: str) -> tuple[float, bool]:
    """Run one part; its seconds, and whether it ended well, with no goal missed."""
    print(f"\n## {name}\n", flush=True)
    began = time.perf_counter()
    done = subprocess.run([sys.executable, "-m", f"bench.{name}"], check=False)
    return time.perf_counter() - began, done.returncode == 0


def main(wanted: list[str]) -> int:
    """Run the parts named, or all; 2 for a name that is none, 1 where a goal was missed."""
    unknown = [name for name in wanted if name not in PARTS]
    if unknown:
        print(f"bench: no part {', '.join(unknown)}; the parts are {', '.join(PARTS)}")
        return 2
    found = {name: measured(name) for name in wanted or PARTS}
    print("\n## all parts\n")
    for name, (seconds, good) in found.items():
        print(f"{name:18} {seconds:6.0f} s   {'' if good else 'a goal was missed, or it failed'}")
    total = sum(seconds for seconds, _ in found.values())
    kept = "kept" if total <= MOST_SECONDS else "NOT kept"
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"{'all of it':18} {total:6.0f} s   at most {MOST_SECONDS} s: {kept}; load {load}")
    return 0 if all(good for _, good in found.values()) and total <= MOST_SECONDS else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
