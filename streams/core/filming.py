"""What a video is to the recording heard in it, and to a recording whose song it shows."""

from typing import Final, NamedTuple

from streams.core.field_levels.facts import SHARED
from streams.core.field_levels.prepared import prepare
from streams.core.hearing import ABSENT, ONE_RECORDING, hear
from streams.core.performing import in_step
from streams.core.pictures import still
from streams.core.records import Kind, LinkageRecord, SoundEvidence
from streams.core.versions import inverse_relation

LIVE_VIDEO: Final = "live_video_of"
VIDEO_RELATIONS: Final = frozenset({"music_video_of", "lyric_video_of", "visualizer_of", LIVE_VIDEO})
OTHER_VIDEO: Final = "other_video_of"
"""The same sound under other pictures: neither is known to be of the other."""
REPLACED: Final = "video_other_sound"
"""Code of the contradiction: a video that is called by a song and does not hold its sound."""

_HELD: Final = ONE_RECORDING | {"excerpt", "part"}
_OTHER_SOUND: Final = frozenset({"other", "unaligned"})
_ANOTHER: Final = _OTHER_SOUND | {"doubtful", "shares"}
"""What two performances of a song sound like, beside their harmony."""
_ONE_VERSION: Final = frozenset({"none", "equal", "equal_vague"})
_LIVE: Final = frozenset({"live", "session"})
_MOSTLY: Final = 0.5


class Filmed(NamedTuple):
    """What a video is to a recording, told from the pair's left side; none where nothing is known."""

    relation: str | None = None
    contradiction: str | None = None


def film(
    left: LinkageRecord,
    right: LinkageRecord,
    sound: SoundEvidence | None,
    *,
    named: bool,
    version: str,
    isrc: str,
    harmony: str,
) -> Filmed:
    """Relate a video and a recording.

    Parameters
    ----------
    left, right : LinkageRecord
        of two kinds
    sound : SoundEvidence, optional
        told from the left side
    named : bool
        title and artist agree
    version, isrc, harmony : str
        levels of comparison
    """
    video, recording = (left, right) if left.kind is Kind.music_video else (right, left)
    declared = (named and version in _ONE_VERSION) or isrc in SHARED
    heard = hear(sound).level
    relation = None
    if holds(sound) or (heard == ABSENT and declared) or (named and heard != "other" and _under_noise(sound)):
        relation = kind_of_video(video)
    elif heard == "doubtful" and declared and (harmony == ABSENT or (sound and in_step(sound))):
        relation = kind_of_video(video)
    elif named and is_live(video) and not is_live(recording):
        relation = LIVE_VIDEO  # of the same song, sung once more
    elif declared and harmony == "high":
        relation = LIVE_VIDEO if version in _ONE_VERSION and heard in _ANOTHER else None
    elif declared and heard in _OTHER_SOUND and harmony != ABSENT:
        return Filmed(contradiction=REPLACED)
    if relation is not None and video is right:
        relation = inverse_relation(relation)
    return Filmed(relation)


def kind_of_video(video: LinkageRecord) -> str:
    """Name a video by its words; where it has none a still picture says something."""
    said = prepare(video).media_kind
    if said == "lyric_video":
        return "lyric_video_of"
    if said == "visualizer" or (said != "official_video" and still(video.pictures)):
        return "visualizer_of"
    return LIVE_VIDEO if is_live(video) else "music_video_of"


def is_live(record: LinkageRecord) -> bool:
    """Say whether a sender calls it a live performance."""
    return bool(prepare(record).types[0] & _LIVE)


def holds(sound: SoundEvidence | None) -> bool:
    """Say whether one of two sounds holds the other, or a large part of it."""
    return hear(sound).level in _HELD


def _under_noise(sound: SoundEvidence | None) -> bool:
    """Say whether most of one sound is in the other at its speed, under a crowd that drowns its print."""
    found = sound.alignment if sound is not None else None
    return (
        found is not None
        and abs(found.speed_ratio - 1.0) <= 0.005
        and max(found.coverage_left, found.coverage_right) >= _MOSTLY
    )
