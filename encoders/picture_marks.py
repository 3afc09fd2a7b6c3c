"""Marks of pictures: few bytes by which a picture is known again, cut, framed, mirrored or encoded anew.

A mark is the signs of 512 fixed sums of a picture's vector, for the whole picture and once more for its
middle: how many signs differ tells the angle between two vectors. The middle is what a picture shows that was
cut from a larger one.

The model says something of every picture, and of all plain ones nearly the same. What it says on the whole is
taken away first: without that two films of plain pictures were nearer to each other than a film and its copy.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
Pixels = NDArray[np.uint8]

# Raised whenever the same vectors would give other marks.
MARKS_VERSION: Final = 2
BITS: Final = 512
_MIDDLE: Final = 0.75
# Bars are darker than this everywhere, and a picture is more than a sixth of its frame.
_DARK: Final = 28
_LEAST_LEFT: Final = 1 / 6


def without_bars(image: Pixels) -> Pixels:
    """Cut dark bars off the sides of a picture: uint8 [shape=(h, w, 3)]; one that is dark all over stays."""
    bright = image.max(axis=2) > _DARK
    rows, columns = (np.flatnonzero(bright.mean(axis=axis) > 0.02) for axis in (1, 0))
    if not len(rows) or not len(columns):
        return image
    cut = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return cut if cut.shape[0] * cut.shape[1] > _LEAST_LEFT * image.shape[0] * image.shape[1] else image


def middle(image: Pixels) -> Pixels:
    """Cut the middle out of a picture."""
    height, width = image.shape[:2]
    down, across = (max(0, round(side * (1 - _MIDDLE) / 2)) for side in (height, width))
    return image[down : height - down, across : width - across]


def centred(vectors: FloatArray) -> FloatArray:
    """Take away what the model says of pictures on the whole.

    Parameters
    ----------
    vectors : float32 [shape=(n, 1280)]
        as the model gives them, none of their numbers negative

    Returns
    -------
    vectors : float32 [shape=(n, 1280)]
        roots less the mean of roots; zeros stay zeros
    """
    return np.where(vectors.any(axis=1, keepdims=True), np.sqrt(vectors) - _centre(), np.float32(0.0))


@cache
def _centre() -> FloatArray:
    """Read the mean of roots, of 14 real clips and 20 films made by code; see `benchmarks.picture_centre`."""
    with (Path(__file__).parent / "data" / "picture_centre.npy").open("rb") as file:
        centre: FloatArray = np.load(file, allow_pickle=False).astype(np.float32)
    return centre


def marks(wholes: FloatArray, middles: FloatArray) -> bytes:
    """Mark pictures.

    Parameters
    ----------
    wholes, middles : float32 [shape=(n, d)]
        vectors of the pictures, and of their middles

    Returns
    -------
    marks : bytes
        of each picture 64 bytes for the whole and 64 for the middle; zeros for what has no direction
    """
    signs = _signs(wholes.shape[1])
    both = np.stack([wholes, middles], axis=1)
    bits = (both @ signs > 0) & both.any(axis=2, keepdims=True)
    return np.packbits(bits, axis=2).tobytes()


def _signs(dimension: int) -> FloatArray:
    """Give the sums: +1 and -1 from a digest, the same on every machine; float32 [shape=(d, 512)]."""
    blocks = dimension * BITS // 256
    drawn = b"".join(hashlib.sha256(number.to_bytes(4, "big")).digest() for number in range(blocks))
    bits = np.unpackbits(np.frombuffer(drawn, dtype=np.uint8)).reshape(dimension, BITS)
    return bits.astype(np.float32) * np.float32(2.0) - np.float32(1.0)
