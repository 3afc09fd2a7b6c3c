"""Hearing: what two compared sounds are to each other, from the evidence alone.

The fingerprint says whether two sounds are copies at one speed. The alignment says which parts of them are
the same, at any speed and pitch, and under other music; where there is none, as in evidence of before, the
fingerprint speaks alone.
"""

import math
from collections.abc import Iterable
from itertools import combinations
from typing import Final, NamedTuple

from streams.core.acceptance import USUAL, SoundLimits
from streams.core.layering import OTHER_MUSIC, layered
from streams.core.performing import played_anew
from streams.core.records import SoundAlignment, SoundEvidence

ABSENT: Final = "absent"
OTHER_BIT_ERROR: Final = 0.30
MIN_OVERLAP_MS: Final = 5_000
MIN_COVERAGE: Final = 0.9
MAX_SPEED_DEVIATION: Final = 0.005
SAME_RECORDING_SPEED: Final = 0.045
"""Up to it a tape or a film that runs fast plays the same recording, as long as pitch goes with tempo."""
_CENTS: Final = 15.0
"""Less is what an orchestra's tuning, or the measurement, differs by."""
_MOSTLY: Final = 0.5
"""Of one side: less in common than this is material that both use, more is one made from the other."""
_SURE, _SCATTER = 14.0, 4.0
"""What the log-odds of spans that are chance may reach, and what makes the odds e times better (measured)."""
_CLEAR: Final = 0.12
"""Copies that were compressed hard, or equalised, have a bit error of 0.11 and less; with other music on top
at the same level it is 0.15 and more (measured)."""
_SURE_ALONE: Final = 40.0
"""What spans must be worth to tell a piece or another speed where the fingerprint hears no copy: twice what
one span must be. Absent pieces of 10 s reached 35, right ones 37 and more but for 2 of 400 (measured)."""
_SURE_AGAINST: Final = 60.0
"""The same at equal speed and pitch, where the fingerprint should hear a copy and does not: two pieces from
the same tracks of a sequencer reached 52, copies in a room with noise 65 and more (measured)."""

SHARES: Final = "shares_material_with"
ONE_RECORDING: Final = frozenset({"same_audio", "same_master", "speed"})
"""Levels of the sound that nothing written overrules."""
SAMPLES, SAMPLED_BY = "samples", "sampled_by"
OF_SEVERAL: Final = frozenset(
    {"mashup_of", "has_mashup", "medley_of", "has_medley", "dj_mix_of", "has_dj_mix"}
)
"""What a version word says of two recordings that need have no title in common, once both are heard."""
OF_VOICES: Final = frozenset({"instrumental_of", "has_instrumental", "a_cappella_of", "has_a_cappella"})
"""What is heard where one side has a voice, or all but the voice, on top of the other."""
Interval = tuple[int, int]


class Heard(NamedTuple):
    """What two sounds are to each other, left to right.

    Attributes
    ----------
    level : str
        of the comparison ``sound``
    relation : str, optional
    """

    level: str
    relation: str | None = None


def hear(sound: SoundEvidence | None, limits: SoundLimits = USUAL) -> Heard:
    """Say what the left sound is to the right one.

    Parameters
    ----------
    sound : SoundEvidence, optional
    limits : SoundLimits
        what a sound must reach at the size of the catalogue
    """
    if sound is None:
        return Heard(ABSENT)
    if sound.same_content:
        return Heard("same_audio")
    if sound.alignment is not None and sound.alignment.log_odds >= limits.least_log_odds:
        if played_anew(sound, sound.alignment):
            return Heard("other")
        return _aligned(sound, sound.alignment, limits)
    return _by_fingerprint(sound, sound.coverage_left or 0.0, sound.coverage_right or 0.0, limits)


def assurance(sound: SoundEvidence | None) -> float | None:
    """Give how likely it is that the spans of an alignment are no chance; none without an alignment."""
    if sound is None or sound.alignment is None:
        return None
    return 1.0 / (1.0 + math.exp(-(min(sound.alignment.log_odds, 200.0) - _SURE) / _SCATTER))


def made_from(relation: str | None) -> bool:
    """Say whether a relation that was heard needs no work in common to be told."""
    return relation in _TOLD_BY_EAR


_TOLD_BY_EAR: Final = frozenset(
    {"music_video_of", "lyric_video_of", "visualizer_of", "live_video_of", "other_video_of"}
    | {"has_music_video", "has_lyric_video", "has_visualizer", "has_live_video"}
    | {"sped_up_of", "has_sped_up", "slowed_of", "has_slowed", "derived_of", "has_derived"}
    | {"excerpt_of", "contains", "edit_of", "has_edit", SHARES, SAMPLES, SAMPLED_BY}
    | OF_SEVERAL
    | OF_VOICES
)


def shared(sound: SoundEvidence | None, left_year: int | None, right_year: int | None) -> str:
    """Say whether of two recordings with material in common one samples the other.

    The later one does, where both have a year and the earlier one holds the material in one place. What both
    repeat may be a loop of a pack that is older than either.
    """
    found = sound.alignment if sound is not None else None
    if found is None or left_year is None or right_year is None or left_year == right_year:
        return SHARES
    places = [
        ((each.start_ms, each.end_ms), (each.other_start_ms, each.other_end_ms)) for each in found.spans
    ]
    if left_year > right_year:
        return SHARES if _repeated(places) else SAMPLES
    return SHARES if _repeated((there, here) for here, there in places) else SAMPLED_BY


def _repeated(placed: Iterable[tuple[Interval, Interval]]) -> bool:
    """Say whether one part of the first side lies in two places of the second."""
    return any(
        _common(one, two) >= 0.5 * min(one[1] - one[0], two[1] - two[0]) and _common(here, there) <= 0
        for (one, here), (two, there) in combinations(placed, 2)
    )


def _common(one: Interval, two: Interval) -> int:
    return min(one[1], two[1]) - max(one[0], two[0])


def _by_fingerprint(sound: SoundEvidence, left: float, right: float, limits: SoundLimits) -> Heard:
    """Say it without spans."""
    error = sound.bit_error
    if error is None:
        return Heard(ABSENT if sound.windows is None and sound.harmony is None else "unaligned")
    if error > OTHER_BIT_ERROR:
        return Heard("other")
    span = sound.overlap_ms or 0
    if error > limits.max_bit_error(span) or span < MIN_OVERLAP_MS:
        return Heard("doubtful")
    if sound.speed_ratio is not None and abs(sound.speed_ratio - 1.0) > MAX_SPEED_DEVIATION:
        return Heard("retimed", _retimed(sound.speed_ratio, 0.0))
    if min(left, right) >= MIN_COVERAGE:
        return Heard("same_master")
    if left >= MIN_COVERAGE or left > right * 1.25:
        return Heard("excerpt", "excerpt_of")
    if right >= MIN_COVERAGE or right > left * 1.25:
        return Heard("excerpt", "contains")
    return Heard("part", "edit_of")


def _aligned(sound: SoundEvidence, found: SoundAlignment, limits: SoundLimits) -> Heard:
    """Say it from the spans, and where they are at one speed from the fingerprint too."""
    left, right = found.coverage_left, found.coverage_right
    moved = abs(found.speed_ratio - 1.0) > MAX_SPEED_DEVIATION or abs(found.pitch_cents) > _CENTS
    copy = _copy(sound, limits)
    if not moved and min(left, right) >= _MOSTLY:
        on_top = layered(found)
        if on_top == OTHER_MUSIC and not _clear(sound):
            return Heard("shares", SHARES)
        if on_top is not None and on_top != OTHER_MUSIC:
            return Heard("part", on_top)
    if not moved and not copy:
        # Other music is on top, or a part of the mix is gone; too much noise is neither.
        if sound.bit_error is None or sound.bit_error > OTHER_BIT_ERROR or max(left, right) < _MOSTLY:
            return Heard("shares", SHARES)
        piece = _pieces(found, None)
        sure = piece.level != "same_master" and found.log_odds >= _SURE_AGAINST
        return piece if sure else Heard("doubtful")
    if max(left, right) < _MOSTLY:
        # Points miss more than half of what plays a few cents aside; the fingerprint hears that as one sound.
        heard_left, heard_right = sound.coverage_left or 0.0, sound.coverage_right or 0.0
        if copy and min(heard_left, heard_right) >= _MOSTLY:
            return _by_fingerprint(sound, heard_left, heard_right, limits)
        return Heard("shares", SHARES)
    if not copy and found.log_odds < _SURE_ALONE:
        return Heard("doubtful")
    if not moved:
        return _pieces(found, sound)
    tape = found.pitch_tied and abs(found.speed_ratio - 1.0) <= SAME_RECORDING_SPEED
    if not tape:
        return Heard("retimed", _retimed(found.speed_ratio, found.pitch_cents))
    piece = _pieces(found, sound if copy else None)
    return Heard("speed") if piece.level == "same_master" else piece


def _copy(sound: SoundEvidence, limits: SoundLimits) -> bool:
    """Say whether the fingerprint finds one sound, or a part of it, in the other at the same speed."""
    return (
        sound.bit_error is not None
        and sound.bit_error <= limits.max_bit_error(sound.overlap_ms or 0)
        and (sound.overlap_ms or 0) >= MIN_OVERLAP_MS
        and abs((sound.speed_ratio or 1.0) - 1.0) <= MAX_SPEED_DEVIATION
    )


def _clear(sound: SoundEvidence) -> bool:
    """Say whether two sounds agree so well that a compressor made what seems to be on top of one."""
    return sound.bit_error is not None and sound.bit_error <= _CLEAR


def _pieces(found: SoundAlignment, copy: SoundEvidence | None) -> Heard:
    """Tell a whole copy from an excerpt, and from a cut that leaves parts out, repeats or moves them.

    Music repeats itself, so a side that lies in the other as a whole may be found there in parts once more:
    where the fingerprint finds one sound in the other, at equal speed, in one place, its word counts too.
    """
    left, right = found.longest_left, found.longest_right
    if copy is not None:
        left, right = max(left, copy.coverage_left or 0.0), max(right, copy.coverage_right or 0.0)
    if min(left, right) >= MIN_COVERAGE:
        return Heard("same_master")
    if max(left, right) >= MIN_COVERAGE:
        return Heard("excerpt", "excerpt_of" if left > right else "contains")
    if min(found.coverage_left, found.coverage_right) >= MIN_COVERAGE:
        # All of both, in another order: the one that lags behind leaves something out, or repeats less.
        return Heard("part", _edit(0.0, sum(found.offset(span) for span in found.spans)))
    return Heard("part", _edit(found.coverage_left, found.coverage_right))


def _edit(left: float, right: float) -> str:
    """Take the side of which more is found in the other for what was cut from it."""
    return "edit_of" if left >= right else "has_edit"


def _retimed(ratio: float, cents: float) -> str:
    """Name it after the faster, or else the higher side: nothing heard tells which was there first."""
    if abs(ratio - 1.0) > MAX_SPEED_DEVIATION:
        return "sped_up_of" if ratio > 1.0 else "has_sped_up"
    return "derived_of" if cents > 0 else "has_derived"
