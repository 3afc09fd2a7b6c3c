"""Layering: what it means that one of two sounds that run along each other has something on top.

The bounds were measured on 15 tracks under voices of singers who were made up, at three levels, beside other
music, drum machines and a crowd on top, compressors and equalisers.
"""

from typing import Final

from streams.core.records import HeardLayer, SoundAlignment

OTHER_MUSIC: Final = "other_music"
# Less than this of the time, or so few points, says nothing; a codec or a compressor does it on both sides.
_SHARE: Final = 0.15
_POINTS: Final = 60
_OTHER_SIDE: Final = 0.5
# Partials of one pitch: voices 0.22 and more, other music 0.12 and less, crowds 0.04, drums and a bass 0.33.
_HARMONIC: Final = 0.18
# Glides: voices 0.44 and more, 1.08 and more with the partials; drums and a bass 0.90 and less with them, and
# one player of a keyboard is harmonic and lies on the scale.
_GLIDES: Final = 0.4
_SUNG: Final = 1.0
_WEIGHT: Final = 1.5
# Other music: for much of the time, with many points, and on a scale, which a crowd is not (0.79 and more).
_MUCH: Final = 0.4
_MANY: Final = 0.4
_ON_A_SCALE: Final = 0.7


def layered(found: SoundAlignment) -> str | None:
    """Say what the left side is to the right one by what only one of them has.

    Parameters
    ----------
    found : SoundAlignment
        of two sounds at one speed and pitch that run along each other for the most part

    Returns
    -------
    relation : str or None
        of a voice, told from left to right; ``OTHER_MUSIC`` where notes that are no voice are on top of one
    """
    left, right, both = found.only_left, found.only_right, found.in_both
    if left is None or right is None or both is None:
        return None
    for top, bottom, of_it, has_it in (
        (right, left, "instrumental_of", "a_cappella_of"),
        (left, right, "has_instrumental", "has_a_cappella"),
    ):
        if top.share < _SHARE or top.points < _POINTS or bottom.share > _OTHER_SIDE * top.share:
            continue
        if _sung(top):
            # With a voice on both, this is a second one: a duet, a choir.
            return None if _sung(both) else of_it
        if _sung(both):
            return has_it
        if top.share >= _MUCH and top.points >= _MANY * both.points and top.scattered <= _ON_A_SCALE:
            return OTHER_MUSIC
    return None


def _sung(layer: HeardLayer) -> bool:
    """Say whether a layer is a voice, or what glides like one."""
    return (
        layer.harmonic >= _HARMONIC
        and layer.scattered >= _GLIDES
        and layer.scattered + _WEIGHT * layer.harmonic >= _SUNG
    )
