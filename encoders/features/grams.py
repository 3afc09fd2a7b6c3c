"""Titles with their artists to what they are made of: runs of three letters and whole words, by bucket.

A misspelt word keeps most of its runs, so texts that differ by a typing error are made of much the same. All
scripts are read in Latin letters first, as names are compared.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple
from zlib import crc32

import numpy as np
from anyascii import anyascii
from numpy.typing import NDArray

RUN: Final = 3
_BETWEEN: Final = re.compile(r"[^a-z0-9]+")
# Odd 64-bit constants with mixed bits; any would do, but the table is trained for these.
_STEP: Final = np.uint64(0x9E3779B97F4A7C15)
_MIX: Final = np.uint64(0xC2B2AE3D27D4EB4F)
_OF_WORDS: Final = np.uint64(0x5851F42D4C957F2D)
_HALF: Final = np.uint64(29)

Hashes = NDArray[np.uint64]
Places = NDArray[np.int64]


class Grams(NamedTuple):
    """What some texts are made of, one text after the other.

    Attributes
    ----------
    buckets : int64 [shape=(g,)]
    starts : int64 [shape=(n + 1,)]
        where each text begins in ``buckets``, and where the last one ends
    of_artist : bool [shape=(g,)]
        whether it stands in the artist's name
    """

    buckets: Places
    starts: Places
    of_artist: NDArray[np.bool_]


def latin(text: str) -> str:
    """Write a text in small Latin letters and digits, its words apart by one space."""
    written = text if text.isascii() else anyascii(text)
    return _BETWEEN.sub(" ", written.lower()).strip()


def grams_of(texts: Sequence[str], *, bits: int) -> Grams:
    """Take texts apart.

    Parameters
    ----------
    texts : sequence of str
        a title; its artist on the next line
    bits : int > 0
        of the number of a bucket
    """
    lines = [text.partition("\n") for text in texts]
    written = [latin(title) for title, _, _ in lines] + [latin(artist) for _, _, artist in lines]
    runs, of_run = _runs(written)
    words, of_word = _words(written)
    owners = np.concatenate([of_run, of_word])
    of_artist = owners >= len(texts)
    owners[of_artist] -= len(texts)
    # Stable: what a text is made of stands in one order, whichever texts are beside it.
    order = np.argsort(owners, kind="stable")
    return Grams(
        buckets=_bucket(np.concatenate([runs, words]), bits)[order],
        starts=np.concatenate([[0], np.cumsum(np.bincount(owners, minlength=len(texts)))]),
        of_artist=of_artist[order],
    )


def _runs(written: Sequence[str]) -> tuple[Hashes, Places]:
    """Give all runs of letters, words and their ends included, and the number of the text of each."""
    padded = [f" {text} " if text else "" for text in written]
    letters = np.frombuffer("".join(padded).encode("ascii"), dtype=np.uint8).astype(np.uint64)
    lengths = np.array([len(text) for text in padded], dtype=np.int64)
    count = max(0, len(letters) - RUN + 1)
    hashes = np.zeros(count, dtype=np.uint64)
    for place in range(RUN):
        hashes = hashes * _STEP + letters[place : place + count]
    # A run that begins in one text and ends in the next belongs to neither.
    inside = np.arange(RUN, count + RUN) <= np.repeat(np.cumsum(lengths), lengths)[:count]
    return hashes[inside], np.repeat(np.arange(len(written)), lengths)[:count][inside]


def _words(written: Sequence[str]) -> tuple[Hashes, Places]:
    words = [text.split() for text in written]
    hashes = np.array([crc32(word.encode("ascii")) for each in words for word in each], dtype=np.uint64)
    return hashes ^ _OF_WORDS, np.repeat(np.arange(len(written)), [len(each) for each in words])


def _bucket(hashes: Hashes, bits: int) -> Places:
    mixed = hashes * _MIX
    mixed ^= mixed >> _HALF
    return ((mixed * _STEP) >> np.uint64(64 - bits)).astype(np.int64)
