"""The 32 filters behind a fingerprint word.

Chosen greedily from all boxes of these six shapes: least flips between a
track and its degraded copies (mp3 and opus at 16-32 kbit/s, white noise at
10 dB, low-pass at 2 kHz, shifts of a part of a frame), among those that answer
yes half of the time and agree with none already chosen.  Thresholds are
medians over music.  Changing any of them makes every stored fingerprint void.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

# Frames under one word: 16 x 125 ms = 2 s.
SPAN: Final = 16

# Signs over an even grid of boxes: rows are bands (low first), columns time.
_SHAPES: Final = {
    "bands": ((1,), (-1,)),
    "time": ((1, -1),),
    "cross": ((1, -1), (-1, 1)),
    "mid-bands": ((-1,), (2,), (-1,)),
    "mid-time": ((-1, 2, -1),),
    "level": ((1,),),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxFilter:
    """One filter: a shape laid over some bands and frames.

    Attributes
    ----------
    shape : str
        which of the six sign patterns
    band, bands : int
        lowest band and height
    frames : int
        width, centred in the 16 frames of a word
    threshold : float
        the bit is set above it
    """

    shape: str
    band: int
    bands: int
    frames: int
    threshold: float

    def boxes(self) -> Iterator[tuple[int, int, int, int, float]]:
        """Yield first and end frame, first and end band, and weight of each box."""
        grid = _SHAPES[self.shape]
        rows, columns = len(grid), len(grid[0])
        height, width = self.bands // rows, self.frames // columns
        start = (SPAN - width * columns) // 2
        for row, signs in enumerate(grid):
            for column, sign in enumerate(signs):
                t0, b0 = start + column * width, self.band + row * height
                yield t0, t0 + width, b0, b0 + height, float(sign)


def _table(rows: tuple[tuple[str, int, int, int, float], ...]) -> tuple[BoxFilter, ...]:
    return tuple(
        BoxFilter(shape=shape, band=band, bands=bands, frames=frames, threshold=threshold)
        for shape, band, bands, frames, threshold in rows
    )


FILTERS: Final = _table(
    (
        ("time", 7, 1, 16, -0.0006),
        ("cross", 3, 4, 16, -0.0259),
        ("cross", 5, 2, 16, -0.0167),
        ("time", 8, 1, 16, 0.0028),
        ("time", 3, 4, 16, 0.0026),
        ("cross", 9, 2, 16, -0.0029),
        ("cross", 2, 4, 16, 0.0111),
        ("cross", 5, 6, 16, 0.0048),
        ("mid-bands", 4, 6, 6, 0.5964),
        ("cross", 11, 2, 16, -0.0016),
        ("cross", 9, 4, 16, -0.0212),
        ("mid-bands", 9, 3, 8, -0.1627),
        ("mid-bands", 5, 6, 8, 0.1336),
        ("time", 1, 1, 16, 0.0057),
        ("mid-bands", 8, 6, 16, -0.1609),
        ("level", 4, 2, 4, -0.2285),
        ("mid-time", 7, 1, 15, 0.0157),
        ("cross", 2, 2, 12, 0.0016),
        ("time", 9, 3, 16, -0.0141),
        ("mid-bands", 7, 3, 6, -0.3566),
        ("cross", 0, 4, 16, -0.0017),
        ("cross", 6, 8, 16, -0.0051),
        ("mid-time", 6, 1, 15, -0.0054),
        ("cross", 3, 8, 8, -0.0043),
        ("mid-bands", 7, 6, 16, -0.2082),
        ("cross", 12, 2, 16, 0.0112),
        ("mid-time", 8, 1, 15, -0.0225),
        ("mid-bands", 1, 3, 8, 0.2666),
        ("cross", 8, 2, 8, 0.0061),
        ("mid-time", 3, 1, 15, 0.0332),
        ("cross", 13, 2, 16, 0.0079),
        ("mid-bands", 1, 6, 6, -0.3519),
    )
)
