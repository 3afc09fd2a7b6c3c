"""What is heard of a pair beside what is written of it: harmony, changes of speed, parts in common."""

from streams.core.acceptance import SoundLimits
from streams.core.hearing import ABSENT, OF_SEVERAL, OF_VOICES
from streams.core.records import SoundEvidence

HIGH_HARMONY, SOME_HARMONY, LOW_HARMONY = 0.72, 0.6, 0.5
"""Measured: other works median 0.24, highest 0.68; same work median 0.90, a tenth under 0.80."""

OTHER_VERSION = "other_version_of"
"""The same harmony in another performance: neither is known to be of the other."""
_OF_ONE = frozenset(
    f"{back}{kind}{of}"
    for kind in ("remix", "instrumental", "karaoke", "a_cappella", "ai_voice_version")
    for back, of in (("", "_of"), ("has_", ""))
)
"""What a version word says of two recordings of one title, of which parts are heard in each other."""
_RETIMED_WORDS = frozenset({"sped_up", "slowed", "remix", "mashup", "mix"})


def retimed(relation: str | None, ours: frozenset[str], theirs: frozenset[str]) -> tuple[str | None, bool]:
    """Name a change of speed or pitch after the side that says so; with whether neither does.

    Heard alone, the faster one was sped up; a sender who writes "slowed" knows better.
    """
    if "slowed" in ours and relation == "has_sped_up":
        return "slowed_of", False
    if "slowed" in theirs and relation == "sped_up_of":
        return "has_slowed", False
    told = ours if relation in {"sped_up_of", "derived_of"} else theirs
    return relation, not told & _RETIMED_WORDS


def agrees(heard: str, relation: str | None, written: str | None, *, one_title: bool) -> bool:
    """Say whether what a version word says is what parts in common sound like."""
    if written in _OF_ONE and (heard == "shares" or relation in OF_VOICES):
        return one_title
    return heard in {"part", "shares"} and written in OF_SEVERAL


def harmony_level(sound: SoundEvidence, limits: SoundLimits) -> str:
    """Say how far two harmonies agree: along a straight line, or else along a path that may bend anywhere.

    Most performances keep their tempo; of those that do not a line says nothing.
    """
    if sound.line is not None and sound.line.score >= limits.least_line:
        return "high"
    if sound.harmony is None:
        return ABSENT
    if sound.harmony >= HIGH_HARMONY:
        return "high"
    if sound.harmony >= SOME_HARMONY:
        return "some"
    return "low" if sound.harmony < LOW_HARMONY else "middle"
