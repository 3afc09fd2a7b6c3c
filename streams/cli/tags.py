"""From a file's embedded tags to an upload: a pure function."""

import re
from pathlib import PurePosixPath
from typing import Any

from streams.edges.media_tags import FileTags

VIDEO_SUFFIXES = frozenset(
    {
        *(".mp4", ".m4v", ".mov", ".3gp", ".3g2", ".mkv", ".webm", ".ogv", ".flv", ".f4v"),
        *(".avi", ".wmv", ".asf", ".mpg", ".mpeg", ".vob", ".ts", ".m2ts", ".mts", ".dv", ".mxf", ".rm"),
    }
)
AUDIO_SUFFIXES = frozenset(
    {
        ".mp3",
        ".flac",
        ".ogg",
        ".oga",
        ".opus",
        ".m4a",
        ".aac",
        ".wav",
        ".aiff",
        ".aif",
        ".wma",
        ".mka",
        ".alac",
    }
)
MEDIA_SUFFIXES = VIDEO_SUFFIXES | AUDIO_SUFFIXES

_NAMES: dict[str, tuple[str, ...]] = {
    "title": ("title", "tit2"),
    "artist": ("artist", "artists", "tpe1", "author"),
    "album_artist": ("album_artist", "albumartist", "tpe2"),
    "composer": ("composer", "tcom"),
    "album": ("album", "talb"),
    "track": ("track", "tracknumber", "trck"),
    "disc": ("disc", "discnumber", "tpos"),
    "date": ("date", "originaldate", "tdrc", "year", "creation_date"),
    "label": ("label", "organization", "publisher", "tpub"),
    "gtin": ("barcode", "upc", "ean"),
    "isrc": ("isrc", "tsrc"),
    "genre": ("genre", "tcon"),
    "language": ("language", "tlan"),
}
_DATE = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")


def _tag(tags: dict[str, str], field: str) -> str | None:
    """Return the first tag that says something about a field."""
    for name in _NAMES[field]:
        if value := tags.get(name, "").strip():
            return value
    return None


def _names(value: str | None) -> list[str]:
    """Split several names; only at ``;`` (and NUL), since ``/`` and ``,`` are parts of names."""
    return [part.strip() for part in re.split(r"[;\0]", value or "") if part.strip()]


def _number(value: str | None) -> int | None:
    """Read ``3`` of ``3/12``; zero and nonsense are absent."""
    found = re.match(r"\s*(\d+)", value or "")
    return int(found[1]) or None if found else None


def upload_of(
    found: FileTags,
    *,
    path: PurePosixPath,
    uri: str,
    sha256: str,
    size: int,
    content_type: str | None,
    source: str,
    source_kind: str | None = None,
) -> dict[str, Any]:
    """Make the upload's JSON form.

    Parameters
    ----------
    found : FileTags
    path : PurePosixPath
        of the file below the folder that was given: the item's id
    uri, sha256, size, content_type
        of the file
    source : str
    source_kind : str, optional
    """
    tags = found.tags
    readable = found.has_audio or found.has_video
    is_video = found.has_video if readable else path.suffix.lower() in VIDEO_SUFFIXES
    artists = [{"name": name, "role": "main"} for name in _names(_tag(tags, "artist"))]
    if not artists:
        artists = [{"name": name, "role": "main"} for name in _names(_tag(tags, "album_artist"))]
    artists += [{"name": name, "role": "composer"} for name in _names(_tag(tags, "composer"))]
    date = _DATE.match(_tag(tags, "date") or "")
    release = {
        "title": _tag(tags, "album"),
        "date": date[0] if date else None,
        "label": _tag(tags, "label"),
        "gtin": _tag(tags, "gtin"),
        "track_number": _number(_tag(tags, "track")),
        "disc_number": _number(_tag(tags, "disc")),
    }
    release = {name: value for name, value in release.items() if value is not None}
    upload: dict[str, Any] = {
        "source": source,
        "source_kind": source_kind,
        "item_id": str(path),
        "kind": "music_video" if is_video else "recording",
        "title": _tag(tags, "title"),
        "artists": artists,
        "genre": _tag(tags, "genre"),
        "languages": [name for name in _names(_tag(tags, "language")) if name != "und"],
        "releases": [release] if release else [],
        "duration_ms": found.duration_ms,
        "identifiers": {"isrc": _names(_tag(tags, "isrc"))} if _tag(tags, "isrc") else None,
        "media": [
            {
                "role": "video" if is_video else "audio",
                "uri": uri,
                "sha256": sha256,
                "bytes": size,
                "content_type": content_type,
            }
        ],
    }
    return {name: value for name, value in upload.items() if value not in (None, [], {})}
