"""Decoded sound behind the port ``streams.ports.Sound``: in an unnamed file, or in memory."""

import os
import weakref

import numpy as np
from numpy.typing import NDArray

from streams.errors import TransientError


class SpooledSound:
    """Samples at the beginning of a file that is read and never mapped: pages that were read are nobody's.

    Parameters
    ----------
    handle : int
        open file; it is duplicated, and the copy closed with this object
    samples : int >= 0
        little-endian 16-bit, from the file's beginning
    sr : int > 0 [Hz]
    """

    def __init__(self, handle: int, *, samples: int, sr: int) -> None:
        self._handle = os.dup(handle)
        self._close = weakref.finalize(self, os.close, self._handle)
        self._samples = samples
        self._sr = sr

    @property
    def sr(self) -> int:
        """Sampling rate in Hz."""
        return self._sr

    @property
    def samples(self) -> int:
        """Length."""
        return self._samples

    def read(self, first: int, count: int) -> NDArray[np.int16]:
        """Read up to ``count`` samples: int16 [shape=(n,)].

        Raises
        ------
        TransientError
            the file cannot be read
        """
        wanted = 2 * max(0, min(count, self._samples - first))
        try:
            # A local file gives all that was asked for, up to 2 GB.
            data = os.pread(self._handle, wanted, 2 * first)
        except OSError as exc:
            raise TransientError(f"decoded samples cannot be read: {exc}") from exc
        if len(data) != wanted:
            raise TransientError("decoded samples have gone")
        return np.frombuffer(data, dtype="<i2")

    def close(self) -> None:
        """Let go of the file; what was decoded is gone then."""
        self._close()


class HeldSound:
    """Samples in memory.

    Parameters
    ----------
    pcm : int16 [shape=(n,)]
    sr : int > 0 [Hz]
    """

    def __init__(self, pcm: NDArray[np.int16], *, sr: int) -> None:
        self._pcm = pcm
        self._sr = sr

    @classmethod
    def of(cls, y: NDArray[np.floating], *, sr: int) -> "HeldSound":
        """Round a signal in [-1, 1] to 16 bits."""
        return cls(np.clip(np.rint(y * 32768.0), -32768, 32767).astype("<i2"), sr=sr)

    @property
    def sr(self) -> int:
        """Sampling rate in Hz."""
        return self._sr

    @property
    def samples(self) -> int:
        """Length."""
        return len(self._pcm)

    def read(self, first: int, count: int) -> NDArray[np.int16]:
        """Read up to ``count`` samples: int16 [shape=(n,)]."""
        return self._pcm[first : first + count]

    def close(self) -> None:
        """Nothing is open."""
