"""Spans of two sounds that are the same, and how they were re-timed and re-tuned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from encoders.alignment.coincidence import ByPitch, Coincidences, coincidences
from encoders.alignment.diagonals import diagonals
from encoders.alignment.drift import steadier
from encoders.alignment.ends import Ends
from encoders.alignment.intervals import covered, uncovered
from encoders.alignment.lines import TIED_CENTS, WORTH_A_LOOK, likely_lines
from encoders.alignment.loops import with_loops
from encoders.alignment.place import Place
from encoders.alignment.repeats import kept
from encoders.alignment.settled import settled
from encoders.alignment.span import Span
from encoders.alignment.stretches import WORTH, Stretch, stretches
from encoders.alignment.tempo import Line, fitted, loop_line
from encoders.landmarks import FRAME_MS, Landmarks

# The same for a few seconds that are played higher or lower: the best offset of any 4 s.
_LOOP_WORTH_A_LOOK: Final = 6.8
# Half of the partners in one sound lie nearer in pitch than this.
_HEARD_APART: Final = 2.0
# A line on which this much of one side lies in one part is the one.
_EXPLAINED: Final = 0.9
# Less is the clock of a sound card, or our own error.
_NO_SPEED: Final = 3e-4
# Neighbours no further apart, in time and in offset, are one span.
_GAP_MS: Final = 1_500
_STEP_MS: Final = 70
# Below this a side is not looked at again for parts that the other holds more than once.
_LEAST_LEFT_MS: Final = 1_500


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
    best: _Walk | None = None
    sorted_a = ByPitch.of(a)
    for line in likely_lines(sorted_a, b, place):
        walk = _along(line, sorted_a, b, durations)
        if walk is not None and (best is None or _worth(walk.spans) > _worth(best.spans)):
            best = walk
        # Music that repeats itself is met in many short parts at a wrong tempo too.
        if best is not None and _longest(best.spans, durations) >= _EXPLAINED:
            break
    if best is None:
        line = loop_line(sorted_a, b)
        if line.strength >= _LOOP_WORTH_A_LOOK:
            best = _along(line, sorted_a, b, durations)
    return _measured(best, a, b, durations) if best is not None else NOTHING


class _Walk(NamedTuple):
    """What one line of speed and pitch explains.

    The walks are compared by it as it is: spans whose ends were measured reach to the ends of a piece on a
    wrong line too.
    """

    line: Line
    found: Coincidences
    ratio: float
    spans: list[Span]


def _along(line: Line, sorted_a: ByPitch, b: Landmarks, durations: tuple[int, int]) -> _Walk | None:
    """Find the spans along one line; none where there are none."""
    found = coincidences(sorted_a, b, cents=line.cents)
    # What does not stand out has no drift to be measured.
    ratio = line.ratio
    if line.strength >= WORTH_A_LOOK:
        ratio = steadier(found, ratio, fitted(found, ratio))
    spans = _spans(with_loops(found, ratio=ratio), found, ratio)
    # A few cents that go with a few thousandths of speed are no shift of their own, but partners so far apart
    # look like chance.
    tied = -1_200.0 * float(np.log2(ratio))
    if abs(tied - line.cents) >= _HEARD_APART:
        shifted = coincidences(sorted_a, b, cents=tied)
        moved = _spans(with_loops(shifted, ratio=ratio), shifted, ratio) if len(shifted) else []
        if _worth(moved) > _worth(spans):
            found, spans = shifted, moved
    if not spans:
        return None
    left = durations[1] - covered([(span.start_b_ms, span.end_b_ms) for span in spans])
    if left >= _LEAST_LEFT_MS:
        spans = _with_repeats(spans, found, ratio)
    return _Walk(line, found, ratio, spans)


def _measured(walk: _Walk, a: Landmarks, b: Landmarks, durations: tuple[int, int]) -> Alignment:
    """Measure the ends of what was found, and tell it."""
    line, found, ratio, spans = walk
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
        coverage_a=_share([covered([(span.start_a_ms, span.end_a_ms) for span in spans])], durations[0]),
        coverage_b=_share([covered([(span.start_b_ms, span.end_b_ms) for span in spans])], durations[1]),
        longest_a=_share([span.end_a_ms - span.start_a_ms for span in spans], durations[0]),
        longest_b=_share([span.end_b_ms - span.start_b_ms for span in spans], durations[1]),
    )


def _longest(spans: Sequence[Span], durations: tuple[int, int]) -> float:
    """Give the share of one side, whichever is larger, that lies inside its longest span."""
    return max(
        _share([span.end_a_ms - span.start_a_ms for span in spans], durations[0]),
        _share([span.end_b_ms - span.start_b_ms for span in spans], durations[1]),
    )


def _spans(parts: Sequence[Stretch], found: Coincidences, ratio: float) -> list[Span]:
    """Tell stretches in the time of both sides."""
    spans = [_span(each, found, ratio) for each in parts]
    return _joined([span for span in spans if span.end_a_ms > span.start_a_ms], ratio)


def _span(each: Stretch, found: Coincidences, ratio: float) -> Span:
    """Tell a stretch in the time of both sides."""
    offset = _exact(found, ratio, each)
    # What lies before the first or behind the last point of the right side cannot be in it.
    last = int(found.frames_right[-1])
    begin, end = max(float(each.begin), offset), min(float(each.end), offset + ratio * (last + 1))
    return Span(
        start_a_ms=round(begin * FRAME_MS),
        end_a_ms=round(end * FRAME_MS),
        start_b_ms=round((begin - offset) / ratio * FRAME_MS),
        end_b_ms=round((end - offset) / ratio * FRAME_MS),
        agreement=round(each.agreement, 4),
        worth=round(each.worth, 2),
    )


def _joined(spans: list[Span], ratio: float) -> list[Span]:
    """Make one of neighbours on one diagonal: a quiet second is no cut."""
    joined: list[Span] = []
    for span in spans:
        if joined and _goes_on(joined[-1], span, ratio):
            joined[-1] = _as_one(joined[-1], span)
        else:
            joined.append(span)
    return joined


def _goes_on(one: Span, two: Span, ratio: float) -> bool:
    """Say whether two spans lie on one diagonal with no more than a moment between them."""
    apart = max(one.start_a_ms, two.start_a_ms) - min(one.end_a_ms, two.end_a_ms)
    return apart <= _GAP_MS and abs(two.offset(ratio) - one.offset(ratio)) <= _STEP_MS


def _as_one(one: Span, two: Span) -> Span:
    """Make one span of two on one diagonal."""
    first, last = sorted((one, two), key=lambda span: span.start_a_ms)
    share = (first.end_a_ms - first.start_a_ms) / max(1, last.end_a_ms - first.start_a_ms)
    return Span(
        start_a_ms=first.start_a_ms,
        end_a_ms=last.end_a_ms,
        start_b_ms=first.start_b_ms,
        end_b_ms=last.end_b_ms,
        agreement=round(share * first.agreement + (1 - share) * last.agreement, 4),
        worth=round(first.worth + last.worth, 2),
    )


def _worth(spans: Sequence[Span]) -> float:
    return sum(span.worth for span in spans)


def _exact(found: Coincidences, ratio: float, each: Stretch) -> float:
    """Place a diagonal between frames: the mean over the points on it."""
    offsets = found.offsets(ratio)
    pairs = np.flatnonzero(np.abs(offsets - np.float32(each.offset)) <= 1.6)
    times = found.frames_left[found.left[pairs]]
    on = pairs[(times >= each.begin) & (times < each.end)]
    return float(offsets[on].mean(dtype=np.float64)) if len(on) else each.offset


def _once(found: Coincidences, ratio: float) -> list[Stretch]:
    """Find stretches, each as it is found: what repeats was looked for from the other side."""
    return kept(stretches(diagonals(found, ratio=ratio), found.frames_left, found.cents_left))


def _with_repeats(spans: list[Span], found: Coincidences, ratio: float) -> list[Span]:
    """Add what ``b`` holds once more: parts of it that are in ``a`` though ``a``'s own walk came by once."""
    turned = found.turned()
    more = [
        Span(
            start_a_ms=span.start_b_ms,
            end_a_ms=span.end_b_ms,
            start_b_ms=span.start_a_ms,
            end_b_ms=span.end_a_ms,
            agreement=span.agreement,
            worth=span.worth,
        )
        for span in _spans(_once(turned, 1.0 / ratio), turned, 1.0 / ratio)
    ]
    for span in sorted(more, key=lambda span: (-span.worth, span.start_a_ms)):
        known = [(each.start_b_ms, each.end_b_ms) for each in spans]
        for begin, end in uncovered((span.start_b_ms, span.end_b_ms), known):
            share = (end - begin) / (span.end_b_ms - span.start_b_ms)
            # A line through two spans ends a little beside them.
            if end - begin >= _LEAST_LEFT_MS and share * span.worth >= WORTH:
                spans = _with(spans, _clipped(span, begin, end, ratio), ratio)
    return spans


def _with(spans: list[Span], span: Span, ratio: float) -> list[Span]:
    """Add a span, to the one that it goes on where there is one."""
    for at, each in enumerate(spans):
        if _goes_on(each, span, ratio):
            return [*spans[:at], _as_one(each, span), *spans[at + 1 :]]
    return [*spans, span]


def _clipped(span: Span, begin: int, end: int, ratio: float) -> Span:
    """Keep the part of a span between two times of ``b``."""
    first = span.start_a_ms + ratio * (begin - span.start_b_ms)
    share = (end - begin) / (span.end_b_ms - span.start_b_ms)
    return Span(
        start_a_ms=round(first),
        end_a_ms=round(first + ratio * (end - begin)),
        start_b_ms=begin,
        end_b_ms=end,
        agreement=span.agreement,
        worth=round(share * span.worth, 2),
    )


def _shift(found: Coincidences, a: Landmarks, b: Landmarks, ratio: float, span: Span, about: float) -> float:
    """Measure how much higher ``a`` is, on the points of one span."""
    at = (span.start_a_ms - ratio * span.start_b_ms) / FRAME_MS
    pairs = np.flatnonzero(np.abs(found.offsets(ratio) - np.float32(at)) <= 1.6)
    times = found.frames_left[found.left[pairs]]
    on = pairs[(times >= span.start_a_ms / FRAME_MS) & (times < span.end_a_ms / FRAME_MS)]
    if not len(on):
        return about
    return float(np.median(a.cents[found.left[on]].astype(np.float64) - b.cents[found.right[on]]))


def _share(lengths: list[int], duration_ms: int) -> float:
    """Give the largest length as a share of a whole."""
    return min(1.0, max(lengths) / max(1, duration_ms))
