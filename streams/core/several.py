"""Of several: an upload that others are heard in, together: one after the other, or at once.

Beside each of them alone it looks like an edit, or like something with material in common. What it is shows
when all of them are looked at: a medley holds pieces of other works one after the other, a mash-up two of
them at the same time. A sample is a few seconds, over and over; it makes neither.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import Final, NamedTuple

from streams.core.records import HeardLayer, SoundAlignment

MEDLEY, MASHUP = "medley_of", "mashup_of"
Interval = tuple[int, int]

# A piece lasts this long in both; what is shorter is a sample.
_PIECE_MS: Final = 8_000
# So many works, of which the pieces lie beside each other and fill this much of the upload. Two do not tell
# which is the source: a hit that two others took different parts of looks the same.
_SOURCES: Final = 3
_FILLED: Final = 0.8
_BESIDE: Final = 0.25
# Two that sound at once for this long, and for half of the time of the one that sounds less.
_AT_ONCE_MS: Final = 10_000
_AT_ONCE: Final = 0.5
# A mash-up has something on top of each of its sources for this much of the time.
_ON_TOP: Final = 0.15


class Source(NamedTuple):
    """Another recording that is heard in an upload.

    Attributes
    ----------
    key : str
    work : str
        of which work it is, or its own name where that is not known
    found : SoundAlignment
        told from the upload
    year : int, optional
    akin : frozenset of str
        keys of whom it is known to have something in common with
    whole : bool
        whether all of one lies in one part of the other: no piece of a medley
    """

    key: str
    work: str
    found: SoundAlignment
    year: int | None = None
    akin: frozenset[str] = frozenset()
    whole: bool = False


def of_several(duration_ms: int, year: int | None, sources: Sequence[Source]) -> dict[str, str]:
    """Say of which recordings an upload is a medley or a mash-up.

    Parameters
    ----------
    duration_ms : int
        of the upload
    year : int, optional
        when it was released: nothing is made of what came later
    sources : sequence of Source
        in parts of it, beside other parts or other music

    Returns
    -------
    relations : dict of str to str
        by key; what is no part of either is left out
    """
    pieces = [
        each
        for each in sources
        if min(_length(_here(each)), _length(_there(each))) >= _PIECE_MS
        and (year is None or each.year is None or each.year <= year)
    ]
    told = dict.fromkeys(_medley(duration_ms, [each for each in pieces if not each.whole]), MEDLEY)
    for one, two in combinations(pieces, 2):
        if _at_once(one, two):
            told |= {one.key: MASHUP, two.key: MASHUP}
    return told


def _medley(duration_ms: int, pieces: Sequence[Source]) -> list[str]:
    """Give those whose pieces follow each other, where they are several works and fill the upload."""
    chosen: list[Source] = []
    for each in sorted(pieces, key=lambda one: (-_length(_here(one)), one.key)):
        beside = [one for one in chosen if one.work != each.work]
        if all(_common(_here(each), _here(one)) <= _BESIDE * _length(_here(each)) for one in beside):
            chosen.append(each)
    filled = _length([part for each in chosen for part in _here(each)])
    several = len({each.work for each in chosen}) >= _SOURCES
    return [each.key for each in chosen] if several and filled >= _FILLED * duration_ms else []


def _at_once(one: Source, two: Source) -> bool:
    """Say whether two that have nothing in common sound at the same time."""
    if one.work == two.work or two.key in one.akin or one.key in two.akin:
        return False
    here, there = _here(one), _here(two)
    least = max(_AT_ONCE_MS, _AT_ONCE * min(_length(here), _length(there)))
    return _common(here, there) >= least and all(_covered(each.found.only_left) for each in (one, two))


def _covered(layer: HeardLayer | None) -> bool:
    """Say whether an upload has something on top of a source; a source has nothing on top of a mash-up."""
    return layer is not None and layer.share >= _ON_TOP


def _here(source: Source) -> list[Interval]:
    return [(span.start_ms, span.end_ms) for span in source.found.spans]


def _there(source: Source) -> list[Interval]:
    return [(span.other_start_ms, span.other_end_ms) for span in source.found.spans]


def _length(parts: Sequence[Interval]) -> int:
    """Measure what intervals cover together."""
    total, reached = 0, 0
    for begin, end in sorted(parts):
        total += max(0, end - max(begin, reached))
        reached = max(reached, end)
    return total


def _common(one: Sequence[Interval], two: Sequence[Interval]) -> int:
    """Measure what two sets of intervals both cover."""
    return _length(one) + _length(two) - _length([*one, *two])
