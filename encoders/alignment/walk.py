"""A walk: what two sounds share along one line of speed and pitch, as spans in the time of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np

from encoders.alignment.coincidence import ByPitch, Coincidences, FloatArray, coincidences
from encoders.alignment.diagonals import diagonals
from encoders.alignment.drift import steadier
from encoders.alignment.intervals import covered, uncovered
from encoders.alignment.lines import WORTH_A_LOOK
from encoders.alignment.loops import LONGEST_LOOP, with_loops
from encoders.alignment.prominence import believed
from encoders.alignment.repeats import kept
from encoders.alignment.span import Span, on_span
from encoders.alignment.stretches import WORTH, Stretch, stretches
from encoders.alignment.tempo import Line, fitted
from encoders.landmarks import FRAME_MS, Landmarks

# Half of the partners in one sound lie nearer in pitch than this.
_HEARD_APART: Final = 2.0
# Neighbours no further apart, in time and in offset, are one span.
_GAP_MS: Final = 1_500
_STEP_MS: Final = 70
# Below this a side is not looked at again for parts that the other holds more than once.
_LEAST_LEFT_MS: Final = 1_500
# A span that holds so much of one side is that piece in the other, no loop.
_MOST_OF_A_PIECE: Final = 0.5
# Of a loop so much shorter than another place of it, and so far inside of it, nothing more is told.
_AS_LONG: Final = 0.8
_HELD: Final = 0.8
# Shorter pieces are walked along by their strong points alone where all points find nothing.
_A_PIECE_MS: Final = 30_000


class Sides(NamedTuple):
    """The points of both sounds."""

    left: ByPitch
    right: Landmarks


class Walk(NamedTuple):
    """What one line of speed and pitch explains.

    The walks are compared by it as it is: spans whose ends were measured reach to the ends of a piece on a
    wrong line too.
    """

    line: Line
    sides: Sides
    found: Coincidences
    ratio: float
    spans: list[Span]


def along(line: Line, strong: Sides, every: Sides | None, durations: tuple[int, int]) -> Walk | None:
    """Find the spans along one line; none where there are none.

    What is left of a loop under louder music are faint points. Of a sound that was made from the other, or is
    a piece of it, the strong ones say enough, and what they are worth is what `hear` knows the bounds of.
    Where no loop is believed by all points, none is by the strong ones.
    """
    looped = False
    if every is not None:
        walk = _walk(line, every)
        if walk is None and min(durations) >= _A_PIECE_MS:
            return None
        looped = walk is not None and _loops_alone(walk.spans, durations)
        if walk is not None and looped and believed(walk.found, walk.spans, ratio=walk.ratio):
            return walk._replace(spans=_without_lesser(_from_the_covered_side(walk)))
    walk = _walk(line, strong)
    if walk is None or (looped and _loops_alone(walk.spans, durations)):
        return None
    left = durations[1] - covered([(span.start_b_ms, span.end_b_ms) for span in walk.spans])
    if left < _LEAST_LEFT_MS:
        return walk
    return walk._replace(spans=_with_repeats(walk.spans, walk.found, walk.ratio))


def _from_the_covered_side(walk: Walk) -> list[Span]:
    """Tell loops along the side that has other music on top: there they come again, and each is met once."""
    if _on_top(walk) >= 0.0:
        return _with_repeats(walk.spans, walk.found, walk.ratio)
    turned, ratio = walk.found.turned(), 1.0 / walk.ratio
    other = _spans(with_loops(turned, ratio=ratio), turned, ratio)
    if not other:
        return _with_repeats(walk.spans, walk.found, walk.ratio)
    return [_turned(span) for span in _with_repeats(other, turned, ratio)]


def _on_top(walk: Walk) -> float:
    """Say how much louder the left side is, beside the right, than what both share: dB, zero if unknown."""
    left, right = walk.sides.left.points.levels, walk.sides.right.levels
    best = max(walk.spans, key=lambda span: span.worth)
    shared = walk.found.louder(on_span(walk.found, walk.ratio, best))
    if left is None or right is None or shared is None or not len(shared):
        return 0.0
    here = np.arange(best.start_a_ms // FRAME_MS, best.end_a_ms // FRAME_MS).astype(np.intp)
    there = np.rint((here - best.offset(walk.ratio) / FRAME_MS) / walk.ratio).astype(np.intp)
    both = (here < len(left)) & (there >= 0) & (there < len(right))
    if not both.any():
        return 0.0
    louder = left[here[both]].astype(np.float64) - right[there[both]]
    return float(np.median(louder) - np.median(shared) / 2.0)


def _without_lesser(spans: Sequence[Span]) -> list[Span]:
    """Leave out what is a part of a loop that is told whole, elsewhere: the music's own repetition."""
    kept: list[Span] = []
    for span in sorted(spans, key=lambda span: (-span.worth, span.start_a_ms)):
        if not any(_lesser(span, better) for better in kept):
            kept.append(span)
    return kept


def _lesser(span: Span, better: Span) -> bool:
    """Say whether a span is much shorter than a better one that holds it on one side."""
    length = span.end_a_ms - span.start_a_ms
    if length >= _AS_LONG * (better.end_a_ms - better.start_a_ms):
        return False
    on_a = min(span.end_a_ms, better.end_a_ms) - max(span.start_a_ms, better.start_a_ms)
    on_b = min(span.end_b_ms, better.end_b_ms) - max(span.start_b_ms, better.start_b_ms)
    return on_a >= _HELD * length or on_b >= _HELD * (span.end_b_ms - span.start_b_ms)


def _loops_alone(spans: Sequence[Span], durations: tuple[int, int]) -> bool:
    """Say whether all spans are short, and no piece of a sound that lies in the other."""
    longest = max(span.end_a_ms - span.start_a_ms for span in spans)
    return longest <= LONGEST_LOOP * FRAME_MS and longest_share(spans, durations) < _MOST_OF_A_PIECE


def _walk(line: Line, sides: Sides) -> Walk | None:
    """Find the spans along one line by the points of both sides."""
    found = coincidences(sides.left, sides.right, cents=line.cents)
    # What does not stand out has no drift to be measured.
    ratio = line.ratio
    if line.strength >= WORTH_A_LOOK:
        ratio = steadier(found, ratio, fitted(found, ratio))
    spans = _spans(with_loops(found, ratio=ratio), found, ratio)
    # A few cents that go with a few thousandths of speed are no shift of their own, but partners so far apart
    # look like chance.
    tied = -1_200.0 * float(np.log2(ratio))
    if abs(tied - line.cents) >= _HEARD_APART:
        shifted = coincidences(sides.left, sides.right, cents=tied)
        moved = _spans(with_loops(shifted, ratio=ratio), shifted, ratio) if len(shifted) else []
        if total_worth(moved) > total_worth(spans):
            found, spans = shifted, moved
    if not spans:
        return None
    return Walk(line, sides, found, ratio, spans)


def longest_share(spans: Sequence[Span], durations: tuple[int, int]) -> float:
    """Give the share of one side, whichever is larger, that lies inside its longest span."""
    return max(
        share_of([span.end_a_ms - span.start_a_ms for span in spans], durations[0]),
        share_of([span.end_b_ms - span.start_b_ms for span in spans], durations[1]),
    )


def _spans(parts: Sequence[Stretch], found: Coincidences, ratio: float) -> list[Span]:
    """Tell stretches in the time of both sides."""
    offsets = found.offsets(ratio)
    spans = [_span(each, found, offsets, ratio) for each in parts]
    return _joined([span for span in spans if span.end_a_ms > span.start_a_ms], ratio)


def _span(each: Stretch, found: Coincidences, offsets: FloatArray, ratio: float) -> Span:
    """Tell a stretch in the time of both sides."""
    offset = _exact(found, offsets, each)
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


def total_worth(spans: Sequence[Span]) -> float:
    """Add up what spans are worth; log-odds."""
    return sum(span.worth for span in spans)


def _exact(found: Coincidences, offsets: FloatArray, each: Stretch) -> float:
    """Place a diagonal between frames: the mean over the points on it."""
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
    more = [_turned(span) for span in _spans(_once(turned, 1.0 / ratio), turned, 1.0 / ratio)]
    for span in sorted(more, key=lambda span: (-span.worth, span.start_a_ms)):
        known = [(each.start_b_ms, each.end_b_ms) for each in spans]
        for begin, end in uncovered((span.start_b_ms, span.end_b_ms), known):
            share = (end - begin) / (span.end_b_ms - span.start_b_ms)
            # A line through two spans ends a little beside them.
            if end - begin >= _LEAST_LEFT_MS and share * span.worth >= WORTH:
                spans = _with(spans, _clipped(span, begin, end, ratio), ratio)
    return spans


def _turned(span: Span) -> Span:
    """Tell a span from the other side."""
    return replace(
        span,
        start_a_ms=span.start_b_ms,
        end_a_ms=span.end_b_ms,
        start_b_ms=span.start_a_ms,
        end_b_ms=span.end_a_ms,
    )


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


def share_of(lengths: list[int], duration_ms: int) -> float:
    """Give the largest length as a share of a whole."""
    return min(1.0, max(lengths) / max(1, duration_ms))
