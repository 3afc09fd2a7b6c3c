"""Below the recording: what tells two masters of one recording apart, and two copies of one master.

Compared only for uploads that share a recording. What a sender writes ("2011 Remaster", "Mono") and how alike
the two sounds are; with no sound and no word nothing is known, and the heads' priors speak.
"""

from typing import Final, NamedTuple

from streams.core.acceptance import USUAL, SoundLimits
from streams.core.field_levels.prepared import prepare
from streams.core.hearing import ABSENT, hear
from streams.core.records import LinkageRecord, SoundEvidence
from streams.core.versions import Mastering

LEVEL_FIELDS: Final = ("mastering", "copy")

COPY_WINDOWS: Final = 0.985
COPY_COLOUR_DB: Final = 0.75
COPY_BIT_ERROR: Final = 0.03
COPY_COVERAGE: Final = 0.97
"""What copies by another codec or at another level reach; nine tracks of 75 s, measured.

MP3 at 64 and 128, AAC at 64 and 96, Opus at 48 kbit/s, 9 dB less, clipped by 3 dB: windows 0.991 and more,
colour 0.48 dB and less, bit error up to 0.026. Mastered anew: an equaliser (3 dB more treble than bass; bass
and treble up by 4 dB) moves the colour by 1.1 dB and more and no window; a compressor takes the windows to
0.956 and less, a light one to 0.988 and less. The others see to it that no mere part sounds alike.
"""
_COPY_WINDOWS_WITHOUT_COLOUR: Final = (
    0.995  # of evidence from before there was a colour, when windows heard it
)

Values = dict[str, tuple[str | None, str | None]]


class LevelComparison(NamedTuple):
    """The levels of comparison reached, in the order of ``LEVEL_FIELDS``, and what was compared."""

    levels: tuple[str, ...]
    left: Mastering
    right: Mastering


def compare_levels(
    left: LinkageRecord, right: LinkageRecord, sound: SoundEvidence | None, *, limits: SoundLimits = USUAL
) -> LevelComparison:
    """Compare two uploads of one recording, their sounds within limits; symmetrical."""
    ours, theirs = prepare(left).mastering, prepare(right).mastering
    return LevelComparison((_compare_masterings(ours, theirs), _compare_copies(sound, limits)), ours, theirs)


def level_values(compared: LevelComparison, sound: SoundEvidence | None) -> Values:
    """Show what was compared, by the names of ``LEVEL_FIELDS``."""
    values: Values = {"mastering": (compared.left.text(), compared.right.text())}
    if sound is not None:
        values["copy"] = (
            f"bit error {sound.bit_error}, speed {sound.speed_ratio}, windows {sound.windows}, "
            f"colour {sound.colour_db} dB",
            f"coverage {sound.coverage_left} / {sound.coverage_right}",
        )
    return values


def _compare_masterings(left: Mastering, right: Mastering) -> str:
    """Compare what both senders say of the mastering; silence is not a word for the first master."""
    if left.mono is not None and right.mono is not None and left.mono != right.mono:
        return "different"
    if left.years and right.years and left.years.isdisjoint(right.years):
        return "different"
    if left.remaster != right.remaster or bool(left.mono) != bool(right.mono):
        return "one_sided"
    if not left.remaster and not left.mono:
        return "none"
    return "equal" if bool(left.years) == bool(right.years) else "equal_vague"


def _compare_copies(sound: SoundEvidence | None, limits: SoundLimits) -> str:
    """Say how alike two sounds are, when they are of one recording."""
    heard = hear(sound, limits).level
    if sound is None or heard in {ABSENT, "unaligned", "doubtful"}:
        return ABSENT
    if heard == "same_audio":
        return "same_content"
    if heard == "speed":
        return "other_speed"
    if heard != "same_master":
        return "other_sound"  # joined all the same, by a person or by an identifier
    if sound.speed_ratio not in {None, 1.0}:
        return "other_speed"
    whole = min(sound.coverage_left or 0.0, sound.coverage_right or 0.0) >= COPY_COVERAGE
    alike = (sound.bit_error or 0.0) <= COPY_BIT_ERROR and _alike_in_colour(sound)
    return "copy" if whole and alike else "near"


def _alike_in_colour(sound: SoundEvidence) -> bool:
    windows = sound.windows if sound.windows is not None else 1.0
    if sound.colour_db is None:
        return windows >= _COPY_WINDOWS_WITHOUT_COLOUR
    return windows >= COPY_WINDOWS and sound.colour_db <= COPY_COLOUR_DB
