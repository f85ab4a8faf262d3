"""`make bench`: every measurement, one after the other, each beside its anchor in the same run.

`python -m bench accept filing` runs only those named. The classifier has a run of its own
(`make bench-classifier`), because it takes long.
"""

from __future__ import annotations

import importlib
import sys
import time

PARTS = (
    "accept",
    "filing",
    "start",
    "stages",
    "scale",
    "tick",
    "sending",
    "rules",
    "rules_replay",
    "corpus_agreement",
    "letters_agreement",
)


def main(wanted: list[str]) -> int:
    """Run the parts named, or all; 2 for a name that is none."""
    unknown = [name for name in wanted if name not in PARTS]
    if unknown:
        print(f"bench: no part {', '.join(unknown)}; the parts are {', '.join(PARTS)}")
        return 2
    began = time.perf_counter()
    for name in wanted or PARTS:
        print(f"\n## {name}\n", flush=True)
        importlib.import_module(f"bench.{name}").main()
    print(f"\nall of it took {time.perf_counter() - began:.0f} s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
