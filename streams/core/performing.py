"""Performing: whether what two sounds have in common was played twice.

One score, played twice on one instrument, has many points in common. But no two performances keep step:
whoever plays a little faster here and slower there is met at one offset after the other, each a fraction
of a second from the last. A cut moves the offset by as much as was cut, and not every few seconds.

The bounds were measured on 20 piano works, each as played by two persons, through one soundfont and through
two, beside sound tracks of videos that were made of other music.
"""

import math
from typing import Final

from streams.core.records import SoundAlignment, SoundEvidence

# Offsets of a step: more than the aligner's own error, less than an editor cuts out.
_LEAST_STEP_MS: Final = 70
_MOST_STEP_MS: Final = 1_000
# Of so many spans so many have another one a step away, and they fill half of what is in common.
_SPANS: Final = 4
_AWAY: Final = 3
_FILLED: Final = 0.5
# A copy on a machine that does not keep its speed wanders too, but agrees: what was compressed hard has 0.11.
_COPY: Final = 0.11
# Fingerprints of two performances agreed for 13.5 s at most; of a film under a crowd for 17 s and more.
_IN_STEP_MS: Final = 15_000
_MOSTLY: Final = 0.5


def played_anew(sound: SoundEvidence, found: SoundAlignment) -> bool:
    """Say whether two sounds that have parts in common are two performances, from how their offset wanders.

    Parameters
    ----------
    sound : SoundEvidence
    found : SoundAlignment
        of it
    """
    if len(found.spans) < _SPANS or (sound.bit_error is not None and sound.bit_error <= _COPY):
        return False
    # In a clock between those of both sides, so that both orders say the same.
    between = math.sqrt(found.speed_ratio)
    offsets = [between * found.offset(span) for span in found.spans]
    lengths = [span.end_ms - span.start_ms + span.other_end_ms - span.other_start_ms for span in found.spans]
    away = [
        length
        for offset, length in zip(offsets, lengths, strict=True)
        if any(_LEAST_STEP_MS < abs(offset - other) <= _MOST_STEP_MS for other in offsets)
    ]
    return len(away) >= _AWAY and sum(away) >= _FILLED * sum(lengths)


def in_step(sound: SoundEvidence) -> bool:
    """Say whether fingerprints agree, however badly, for longer than two performances keep step."""
    covered = max(sound.coverage_left or 0.0, sound.coverage_right or 0.0)
    return (sound.overlap_ms or 0) >= _IN_STEP_MS or covered >= _MOSTLY
