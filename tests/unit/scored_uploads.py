"""Uploads and a sound to score: as little of each as a test speaks of."""

from streams.core.records import Artist, Identifiers, Kind, SoundEvidence, Upload

SAME_SOUND = SoundEvidence(
    bit_error=0.05,
    offset_ms=0,
    overlap_ms=200_000,
    coverage_left=0.99,
    coverage_right=0.98,
    speed_ratio=1.0,
)


def upload(
    title: str,
    *,
    artist: str | None = "The Example Band",
    duration_ms: int | None = 215_000,
    isrc: str | None = None,
    kind: Kind = Kind.recording,
) -> Upload:
    """Give an upload under a title."""
    return Upload(
        source="s",
        item_id=title,
        title=title,
        kind=kind,
        artists=(Artist(name=artist),) if artist else (),
        duration_ms=duration_ms,
        identifiers=Identifiers(isrc=(isrc,) if isrc else ()),
    )
