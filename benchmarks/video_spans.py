"""Spans that were told of a video beside how its sound was made.

Music repeats itself to the sample. Where what follows a cut is what would have followed without it, nobody
can hear where the cut is: a boundary may lie anywhere between the places that sound the same.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from benchmarks.altered_pairs import Part
from benchmarks.damaged_queries import SR, Sound
from benchmarks.video_sounds import SoundTrack
from streams.core.records import ComparedSpan

OFFSET_S: Final = 0.1
ENDS_S: Final = 0.5
_BLOCK: Final = SR // 10
# Of two blocks that are one sound.
_SAME: Final = 0.95
# Under the loudest by so much (60 dB) nothing is heard.
_SILENT: Final = 1e-3
_MOST_MOVED_S: Final = 20.0


class Judged(NamedTuple):
    """What is right of the spans that were told.

    Attributes
    ----------
    offsets : tuple of bool
        whether each part has a span whose place is right within `OFFSET_S`
    ends : tuple of float
        by how much both ends of each part are wrong [s], its beginning and its end; infinite without a span
    astray_s : float
        how much of the video is said to be a place of the recording that sounds otherwise
    """

    offsets: tuple[bool, ...]
    ends: tuple[float, ...]
    astray_s: float

    @property
    def placed(self) -> bool:
        """Whether every part is where it was told to be and nothing else was told."""
        return all(self.offsets) and self.astray_s <= ENDS_S

    @property
    def bounded(self) -> bool:
        """Whether the ends are right as well."""
        return self.placed and all(end <= ENDS_S for end in self.ends)


def judge(spans: Sequence[ComparedSpan], made: SoundTrack, recording: Sound, late_s: float) -> Judged:
    """Compare spans with the truth.

    Parameters
    ----------
    spans : sequence of ComparedSpan
        told from the video
    made : SoundTrack
    recording : float32 [shape=(n,)]
    late_s : float
        by how much the sound begins after the player does
    """
    told = [
        (span.start_ms / 1000 - late_s, span.end_ms / 1000 - late_s, span.other_start_ms / 1000)
        for span in spans
    ]
    offsets: list[bool] = []
    ends: list[float] = []
    for number, part in enumerate(made.parts):
        on = [
            (begin, end)
            for begin, end, other in told
            if begin < part.other_end
            and end > part.other_start
            and abs((other - begin) - (part.start - part.other_start)) <= OFFSET_S
        ]
        offsets.append(bool(on))
        if not on:
            ends += [np.inf, np.inf]
            continue
        before = made.parts[number - 1] if number else None
        after = made.parts[number + 1] if number + 1 < len(made.parts) else None
        ends.append(_beside(min(on)[0], _begins(part, before, made.clean, recording)))
        ends.append(_beside(max(end for _, end in on), _ends(part, after, made.clean, recording)))
    return Judged(tuple(offsets), tuple(ends), _astray(told, made, recording))


def _begins(part: Part, before: Part | None, video: Sound, recording: Sound) -> tuple[float, float]:
    """Say between which times of the video a part may begin."""
    latest = part.other_start
    if before is not None and abs(before.other_end - part.other_start) < 0.01:
        latest += _moved(recording, before.end, video, part.other_start, 1)
    return part.other_start - _moved(recording, part.start, video, part.other_start, -1), latest


def _ends(part: Part, after: Part | None, video: Sound, recording: Sound) -> tuple[float, float]:
    """Say between which times of the video a part may end."""
    earliest = part.other_end
    if after is not None and abs(after.other_start - part.other_end) < 0.01:
        earliest -= _moved(recording, after.start, video, part.other_end, -1)
    return earliest, part.other_end + _moved(recording, part.end, video, part.other_end, 1)


def _moved(recording: Sound, at: float, video: Sound, other: float, step: int) -> float:
    """Say for how long both go on alike from two places, forwards or backwards."""
    moved = 0.0
    while moved < _MOST_MOVED_S and _alike(
        recording, at + step * moved, video, other + step * moved, backwards=step < 0
    ):
        moved += 0.1
    return moved


def _alike(recording: Sound, at: float, video: Sound, other: float, *, backwards: bool = False) -> bool:
    """Say whether a tenth of a second from two places on sounds the same."""
    first, second = (round(place * SR) - (_BLOCK if backwards else 0) for place in (at, other))
    if min(first, second) < 0 or first + _BLOCK > len(recording) or second + _BLOCK > len(video):
        return False
    one, two = recording[first : first + _BLOCK], video[second : second + _BLOCK]
    loud = float(np.dot(one, one)) ** 0.5, float(np.dot(two, two)) ** 0.5
    if max(loud) < _SILENT * _BLOCK**0.5:
        return True
    # A sound that is a tenth louder is the same all the same; one that is twice as loud holds another.
    return bool(min(loud) > 0.5 * max(loud) and float(np.dot(one, two)) > _SAME * loud[0] * loud[1])


def _beside(told: float, allowed: tuple[float, float]) -> float:
    """Give the distance from a range."""
    return float(max(allowed[0] - told, told - allowed[1], 0.0))


def _astray(told: Sequence[tuple[float, float, float]], made: SoundTrack, recording: Sound) -> float:
    """Measure for how long spans lead to another sound, beyond what ends may be wrong by."""
    astray = 0.0
    for begin, end, other in told:
        for at in np.arange(begin + ENDS_S, end - ENDS_S, 0.1):
            there = other + at - begin
            right = any(
                part.other_start - ENDS_S <= at <= part.other_end + ENDS_S
                and abs(there - at - (part.start - part.other_start)) <= OFFSET_S
                for part in made.parts
            )
            if not right and not _near(recording, there, made.clean, float(at)):
                astray += 0.1
    return round(astray, 2)


def _near(recording: Sound, there: float, video: Sound, at: float) -> bool:
    """Say whether the sound is found within the offset that is allowed, by its waveform."""
    first, second = round((there - OFFSET_S) * SR), round(at * SR)
    if first < 0 or second < 0 or second + _BLOCK > len(video):
        return False
    window, block = (
        recording[first : first + _BLOCK + round(2 * OFFSET_S * SR)],
        video[second : second + _BLOCK],
    )
    if len(window) < _BLOCK:
        return False
    if float(np.abs(block).max()) < _SILENT:
        return bool(float(np.abs(window).max()) < 10 * _SILENT)
    found = np.correlate(window, block, mode="valid")
    power = np.sqrt(np.convolve(window**2, np.ones(_BLOCK), mode="valid") * np.dot(block, block))
    return bool((found / np.maximum(power, 1e-9)).max() > _SAME)
