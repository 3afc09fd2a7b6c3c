"""Whether a loop is believed: how far it stands out of chance at other offsets, and for how many moments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from encoders.alignment.coincidence import Coincidences
from encoders.alignment.nearness import log_odds_by_distance
from encoders.alignment.span import Span, on_span
from encoders.alignment.votes import WIDTH
from encoders.landmarks import FRAME_MS

# One offset in fifty by chance reaches it. Music that repeats itself lies on itself at more of them than a
# loop has repeats.
_CHANCE: Final = 0.98
# What lies so near to a span, in frames, is the span.
_BESIDE: Final = 8
# Fewer offsets tell no distribution.
_LEAST_OFFSETS: Final = 50
# Log-odds times prominence. Points are counted as if each were heard by itself; a note is many at once, and
# two tunes of few notes by one instrument agree in whole bars. Of 560 pairs of such tunes (chromatic, in a
# scale, of five notes, riffs; one synthesiser and tempo) the best wrong products above their median fall off
# by a factor e every 11.9, so that one pair in a thousand reaches this. Of 560 others none did (best 65), of
# 47 loops at -6 dB 43 do (measured).
BELIEVED: Final = 78.0
"""What log-odds and prominence of the best of some loops must be worth, multiplied."""
# The many points of a note are one moment of a quarter second. A part of few moments must stand out the more,
# the fewer there are. Of 1,077 pairs of renderings of different works (45 by one soundfont, each beside those
# that landmarks name first) 26 were told of a bar in common without, most of them of 1 to 2 s, and 10 are
# with it (at 12 moments 7); of 268 loops at 0 to -12 dB that reach the one 267 reach the other (measured; not
# on the works and tracks of the benchmarks `version_serving` and `alignment`).
_MOMENT: Final = 8
_MOMENTS_OF_A_LOOP: Final = 9


def believed(found: Coincidences, spans: Sequence[Span], *, ratio: float) -> bool:
    """Say whether the best of some loops is more than two sounds of few notes have in common by chance.

    Parameters
    ----------
    found : Coincidences
    spans : sequence of Span
        not empty
    ratio : float
        how many times faster the right side plays
    """
    best = max(spans, key=lambda span: span.worth)
    stands_out = best.worth * prominence(found, best, spans, ratio=ratio)
    if stands_out < BELIEVED:
        return False
    return stands_out * moments(found, best, ratio=ratio) >= BELIEVED * _MOMENTS_OF_A_LOOP


def moments(found: Coincidences, span: Span, *, ratio: float) -> int:
    """Count the quarter seconds of the left side in which a span has a partner that is nearer than by chance.

    Parameters
    ----------
    found : Coincidences
    span : Span
    ratio : float
        how many times faster the right side plays
    """
    pairs = on_span(found, ratio, span)
    near = pairs[log_odds_by_distance(found)[found.apart(pairs)] > 0.0]
    return len(np.unique(found.frames_left[found.left[near]] // _MOMENT))


def prominence(found: Coincidences, span: Span, known: Sequence[Span], *, ratio: float) -> float:
    """Compare what a part of the right side reaches at its offset with what it reaches at others.

    Parameters
    ----------
    found : Coincidences
    span : Span
        whose part of the right side is asked about
    known : sequence of Span
        whose offsets are not chance
    ratio : float
        how many times faster the right side plays

    Returns
    -------
    prominence : float >= 0
        above the median of other offsets, in steps from there to what one in fifty reaches; about 2 for the
        best offset by chance. Zero where there are too few others
    """
    first, last = np.searchsorted(found.frames_right, (span.start_b_ms / FRAME_MS, span.end_b_ms / FRAME_MS))
    pairs = np.arange(*np.searchsorted(found.right, (first, last)))
    if not len(pairs):
        return 0.0
    worth = np.maximum(log_odds_by_distance(found)[found.apart(pairs)], 0.0)
    offsets = np.rint(found.offsets(ratio, pairs)).astype(np.intp)
    lowest = int(offsets.min()) - WIDTH
    summed = np.convolve(np.bincount(offsets - lowest, weights=worth), np.ones(WIDTH), mode="same")
    places = [round(each.offset(ratio) / FRAME_MS) - lowest for each in (span, *known)]
    reached = summed[max(0, places[0] - 1) : max(0, places[0] + 2)].max(initial=0.0)
    chance = summed > 0.0
    for place in places:
        chance[max(0, place - _BESIDE) : max(0, place + _BESIDE + 1)] = False
    if chance.sum() < _LEAST_OFFSETS:
        return 0.0
    middle, seldom = np.quantile(summed[chance], (0.5, _CHANCE))
    return max(0.0, float((reached - middle) / max(float(seldom - middle), 1e-6)))
