"""Several numbers side by side in one whole number, so that one addition adds all of them.

Not floating point: each number is kept in fixed point, in a lane of 64 bits of its own. Python adds
such whole numbers without touching an object per number, which is what adding up rows of floats
costs; and a sum comes out the same whatever the order.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence

_LANE = 64
_HALF = 1 << (_LANE - 1)
MOST = 20
"""A lane holds the sum of 2**MOST numbers of the largest size. A mail has fewer than 2**14 words,
and none of its sums grows faster than twice their number."""


class Lanes:
    """Rows of `columns` numbers, none larger than `largest` (absolute), as whole numbers."""

    def __init__(self, columns: int, largest: float) -> None:
        # A power of two: what single precision holds goes in without rounding, unless it is more
        # than 2**19 times smaller than the largest.
        _, exponent = math.frexp(max(largest, 1.0))
        self._scale = math.ldexp(1.0, _LANE - 1 - MOST - exponent)
        self._bytes = columns * _LANE // 8
        self._format = struct.Struct(f"<{columns}Q")
        self._middle = sum(_HALF << (_LANE * place) for place in range(columns))

    def pack(self, row: Sequence[float]) -> int:
        """One row as a whole number; rows are added by adding these."""
        scale = self._scale
        lanes = [int(number * scale) + _HALF for number in row]
        return int.from_bytes(self._format.pack(*lanes), "little") - self._middle

    def unpack(self, total: int) -> list[float]:
        """The numbers of a row, or of a sum of rows."""
        scale = self._scale
        return [(lane - _HALF) / scale for lane in self.lanes(total)]

    def lanes(self, total: int) -> tuple[int, ...]:
        """The numbers as they lie there, in the same order; `lane` says which is which.

        For who only looks for the few that are large.
        """
        return self._format.unpack((total + self._middle).to_bytes(self._bytes, "little"))

    def lane(self, number: float) -> int:
        """What stands for a number among `lanes`."""
        return int(number * self._scale) + _HALF

    def number(self, lane: int) -> float:
        """What one of `lanes` stands for."""
        return (lane - _HALF) / self._scale
