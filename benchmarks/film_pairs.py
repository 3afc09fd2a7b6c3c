"""Films made by code by twos: another film without a kind of scene in common, and a copy that was edited."""

from typing import Final, NamedTuple

import numpy as np

from benchmarks.films import FORMS, film, scene_kinds

EDITS: Final = ("hflip", "crop=iw*0.8:ih*0.8", "pad=iw:ih*1.3:0:ih*0.15", "hue=h=40:s=1.3")
"""What is done to copies: mirrored, cropped, letterboxed, in other colours."""


class FilmPair(NamedTuple):
    """What a film is to be told from, and told to be."""

    film: bytes
    other: bytes
    copy: bytes


def film_pair(number: int, seconds: float) -> FilmPair:
    """Make three films without a sound; nothing in them is filmed, so that no clip is in two of them."""
    drawn = [kind for kind in scene_kinds() if not kind.startswith("clip")]
    kinds = [str(each) for each in np.random.default_rng([43, number]).permutation(drawn)]
    half = len(kinds) // 2
    form, rewritten = FORMS[number % len(FORMS)], FORMS[(number + 3) % len(FORMS)]
    return FilmPair(
        film=film(number + 7_000, form, kinds=kinds[:half], y=None, seconds=seconds),
        other=film(number + 8_000, rewritten, kinds=kinds[half:], y=None, seconds=seconds),
        copy=film(
            number + 7_000,
            rewritten,
            kinds=kinds[:half],
            y=None,
            seconds=seconds,
            edit=EDITS[number % len(EDITS)],
        ),
    )
