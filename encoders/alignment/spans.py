"""Spans of two sounds that are the same, and how they were re-timed and re-tuned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from encoders.alignment.coincidence import ByPitch, Coincidences
from encoders.alignment.ends import Ends
from encoders.alignment.intervals import covered
from encoders.alignment.lines import TIED_CENTS, likely_lines
from encoders.alignment.place import Place
from encoders.alignment.settled import settled
from encoders.alignment.span import Span, on_span
from encoders.alignment.tempo import loop_line
from encoders.alignment.walk import Sides, Walk, along, longest_share, share_of, total_worth
from encoders.landmarks import FRAME_MS, Landmarks

# The same for a few seconds that are played higher or lower: the best offset of any 4 s.
_LOOP_WORTH_A_LOOK: Final = 6.8
# A line on which this much of one side lies in one part is the one.
_EXPLAINED: Final = 0.9
# Less is the clock of a sound card, or our own error.
_NO_SPEED: Final = 3e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """How two sounds run along each other.

    Attributes
    ----------
    spans : tuple of Span
        ascending in ``a``; empty when nothing is the same. A part that one side holds twice has two
    speed_ratio : float
        how many times faster ``b`` plays than ``a``
    cents : float
        how much higher ``a`` is
    pitch_tied : bool
        whether pitch moved with the tempo, as on a tape; True at equal speed and pitch
    coverage_a, coverage_b : float in [0, 1]
        share of each side inside spans
    longest_a, longest_b : float in [0, 1]
        share of each side inside its longest span
    """

    spans: tuple[Span, ...] = ()
    speed_ratio: float = 1.0
    cents: float = 0.0
    pitch_tied: bool = True
    coverage_a: float = 0.0
    coverage_b: float = 0.0
    longest_a: float = 0.0
    longest_b: float = 0.0


NOTHING: Final = Alignment()


def align_sounds(
    a: Landmarks, b: Landmarks, *, duration_a_ms: int, duration_b_ms: int, place: Place | None = None
) -> Alignment:
    """Align two sounds.

    Parameters
    ----------
    a, b : Landmarks
    duration_a_ms, duration_b_ms : int
    place : Place, optional
        where a fingerprint finds one on the other

    Returns
    -------
    alignment : Alignment
        along the one line of speed and pitch that explains most
    """
    if min(len(a), len(b)) < 2:
        return NOTHING
    durations = duration_a_ms, duration_b_ms
    best: Walk | None = None
    strong = Sides(ByPitch.of(a), b)
    every = Sides(ByPitch.of(a.with_faint()), b.with_faint()) if a.faint or b.faint else None
    for line in likely_lines(strong.left, b, place):
        walk = along(line, strong, every, durations)
        if walk is not None and (best is None or total_worth(walk.spans) > total_worth(best.spans)):
            best = walk
        # Music that repeats itself is met in many short parts at a wrong tempo too.
        if best is not None and longest_share(best.spans, durations) >= _EXPLAINED:
            break
    if best is None:
        line = loop_line(strong.left, b)
        if line.strength >= _LOOP_WORTH_A_LOOK:
            best = along(line, strong, every, durations)
    return _measured(best, durations) if best is not None else NOTHING


def _measured(walk: Walk, durations: tuple[int, int]) -> Alignment:
    """Measure the ends of what was found, and tell it."""
    line, (by_pitch, b), found, ratio, spans = walk
    a = by_pitch.points
    ends = Ends(
        found, a, b, ratio=ratio, frames_left=durations[0] / FRAME_MS, frames_right=durations[1] / FRAME_MS
    )
    spans = settled(spans, ends, ratio=ratio, durations_ms=durations)
    longest = max(spans, key=lambda span: span.worth)
    cents = _shift(found, a, b, ratio, longest, line.cents)
    ratio = 1.0 if abs(ratio - 1.0) < _NO_SPEED else ratio
    return Alignment(
        spans=tuple(sorted(spans, key=lambda span: (span.start_a_ms, span.start_b_ms))),
        speed_ratio=round(ratio, 6),
        cents=round(cents, 2),
        pitch_tied=abs(1_200.0 * float(np.log2(ratio)) + cents) <= TIED_CENTS,
        coverage_a=share_of([covered([(span.start_a_ms, span.end_a_ms) for span in spans])], durations[0]),
        coverage_b=share_of([covered([(span.start_b_ms, span.end_b_ms) for span in spans])], durations[1]),
        longest_a=share_of([span.end_a_ms - span.start_a_ms for span in spans], durations[0]),
        longest_b=share_of([span.end_b_ms - span.start_b_ms for span in spans], durations[1]),
    )


def _shift(found: Coincidences, a: Landmarks, b: Landmarks, ratio: float, span: Span, about: float) -> float:
    """Measure how much higher ``a`` is, on the points of one span."""
    on = on_span(found, ratio, span)
    if not len(on):
        return about
    return float(np.median(a.cents[found.left[on]].astype(np.float64) - b.cents[found.right[on]]))
