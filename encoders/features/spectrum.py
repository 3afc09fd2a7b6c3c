"""Power spectra of overlapping frames."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from scipy import fft

from encoders.features.audio import FloatArray

# Samples transformed at a time, 256 kB: they, their transform and its power stay in a core's own cache, which
# takes two thirds of the time that a block of many seconds takes.
_AT_ONCE: Final = 1 << 16


def powers_of(frames: FloatArray, window: FloatArray, *, bins: slice = slice(None)) -> Iterator[FloatArray]:
    """Give the power of frames in some bins, a few frames at a time.

    Parameters
    ----------
    frames : float32 [shape=(t, n)]
        may overlap, see `encoders.features.audio.frames_of`
    window : float32 [shape=(n,)]
    bins : slice
        of the n // 2 + 1 there are

    Yields
    ------
    powers : float32 [shape=(up to 2**16 / n, bins)]
        none when there is no frame
    """
    count = max(1, _AT_ONCE // len(window))
    for first in range(0, len(frames), count):
        tapered = frames[first : first + count] * window
        spectrum = fft.rfft(tapered, axis=1, overwrite_x=True)[:, bins]
        power: FloatArray = spectrum.real**2
        power += spectrum.imag**2
        yield power
