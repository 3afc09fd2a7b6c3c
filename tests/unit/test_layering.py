"""What one of two sounds has on top of the other tells what the other lacks."""

from dataclasses import replace

import pytest

from streams.core.hearing import Heard, hear
from streams.core.layering import OTHER_MUSIC, layered
from streams.core.records import HeardLayer, SoundAlignment
from streams.core.sound_evidence import mirrored
from streams.core.versions import inverse_relation
from tests.unit.test_hearing import ALIGNED, OTHER

ROUGHLY = replace(OTHER, bit_error=0.21, alignment=ALIGNED)
VOICE = HeardLayer(share=0.5, points=200, scattered=0.9, harmonic=0.3)
NOTES = HeardLayer(share=0.5, points=300, scattered=0.4, harmonic=0.08)
CROWD = HeardLayer(share=0.9, points=500, scattered=0.9, harmonic=0.01)
DRUMS = HeardLayer(share=0.5, points=280, scattered=0.3, harmonic=0.33)
SOLO = HeardLayer(share=0.5, points=280, scattered=0.1, harmonic=0.7)
NOTHING = HeardLayer(share=0.0, points=0, scattered=0.0, harmonic=0.0)


def on_top(left: HeardLayer, right: HeardLayer, both: HeardLayer) -> SoundAlignment:
    return replace(ALIGNED, only_left=left, only_right=right, in_both=both)


@pytest.mark.parametrize(
    ("left", "right", "both", "heard"),
    [
        (NOTHING, VOICE, NOTES, Heard("part", "instrumental_of")),
        (VOICE, NOTHING, NOTES, Heard("part", "has_instrumental")),
        (NOTHING, NOTES, VOICE, Heard("part", "a_cappella_of")),
        (NOTES, NOTHING, VOICE, Heard("part", "has_a_cappella")),
        (NOTHING, NOTES, NOTES, Heard("shares", "shares_material_with")),
        # A second voice, a crowd, something on both sides: nothing follows.
        (NOTHING, VOICE, VOICE, None),
        (NOTHING, CROWD, NOTES, None),
        (VOICE, VOICE, NOTES, None),
        (NOTHING, NOTHING, NOTES, None),
        (NOTHING, replace(VOICE, share=0.1), NOTES, None),
        (NOTHING, replace(VOICE, points=30), NOTES, None),
    ],
)
def test_what_one_side_has_on_top_tells_what_the_other_lacks(
    left: HeardLayer, right: HeardLayer, both: HeardLayer, heard: Heard | None
) -> None:
    told = replace(ROUGHLY, alignment=on_top(left, right, both))
    assert hear(told) == (heard or hear(ROUGHLY))
    assert hear(mirrored(told)).relation == inverse_relation(hear(told).relation)


def test_what_a_compressor_lifts_is_no_other_music() -> None:
    lifted = on_top(NOTHING, NOTES, NOTES)
    assert hear(replace(ROUGHLY, bit_error=0.1, alignment=lifted)).level == "same_master"


@pytest.mark.parametrize("played", [DRUMS, SOLO])
def test_drums_with_a_bass_and_a_keyboard_alone_are_no_voice(played: HeardLayer) -> None:
    assert layered(on_top(NOTHING, played, NOTES)) == OTHER_MUSIC
