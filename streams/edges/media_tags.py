"""Read the tags that a media file carries, through PyAV."""

import logging
from dataclasses import dataclass, field
from pathlib import Path

import av

from streams.edges.media_formats import DEMUXERS


@dataclass(frozen=True, slots=True, kw_only=True)
class FileTags:
    """What one file says of itself.

    Attributes
    ----------
    tags : dict
        lower-case name to text; empty when the file cannot be read
    duration_ms : int, optional
    has_audio, has_video : bool
        moving pictures only: an embedded cover is no video
    problem : str, optional
        why nothing could be read
    """

    tags: dict[str, str] = field(default_factory=dict)
    duration_ms: int | None = None
    has_audio: bool = False
    has_video: bool = False
    problem: str | None = None


def read_tags(path: Path) -> FileTags:
    """Read a file's tags; a file that is no medium gives its problem, never an exception."""
    logging.getLogger("libav").setLevel(logging.CRITICAL)
    try:
        options = {"format_whitelist": DEMUXERS}
        with av.open(str(path), mode="r", options=options, metadata_errors="replace") as container:
            tags = {}
            # Ogg keeps tags on the stream, most others on the container: the container's win.
            for metadata in (*(stream.metadata for stream in container.streams), container.metadata):
                tags.update({str(name).lower(): str(value) for name, value in metadata.items()})
            moving = [s for s in container.streams.video if not s.disposition & s.disposition.attached_pic]
            length = container.duration
            return FileTags(
                tags=tags,
                duration_ms=round(length / 1000) if length and length > 0 else None,
                has_audio=bool(container.streams.audio),
                has_video=bool(moving),
            )
    except (av.FFmpegError, OSError, ValueError) as exc:
        return FileTags(problem=str(exc))
