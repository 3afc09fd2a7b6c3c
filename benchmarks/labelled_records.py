"""Labelled records of real metadata, with the cluster that each truly belongs to."""

import re
from pathlib import Path
from typing import NamedTuple

from benchmarks.labelled_tables import duration_ms, read_rows, year
from streams.core.features import featurize
from streams.core.records import Artist, LinkageRecord, Release, SourceKind, Upload, Video


class Labelled(NamedTuple):
    """A record, its true cluster, and its source where records of one source never match."""

    cluster: str
    source: str
    record: LinkageRecord


def record_of(
    title: str,
    artist: str,
    *,
    album: str = "",
    date: str = "",
    duration_ms: int | None = None,
    channel: str | None = None,
) -> LinkageRecord:
    """Read what a table says of one recording as an upload would say it."""
    return featurize(
        Upload(
            source="x",
            item_id="x",
            title=title or None,
            artists=(Artist(name=artist),) if artist.strip() else (),
            releases=(Release(title=album or None, date=date or None),) if album or date else (),
            duration_ms=duration_ms,
            source_kind=SourceKind.video_platform if channel is not None else None,
            video=Video(channel=channel) if channel else None,
        )
    )


def musicbrainz_records(folder: Path) -> list[Labelled]:
    """Read five tables of recordings, each kept in its own bad way."""
    found = []
    for row in read_rows(folder / "musicbrainz-20k" / "dev.csv.gz"):
        record = record_of(
            re.sub(r"^\d{3}-", "", row["title"]),
            row["artist"],
            album=row["album"],
            date=year(row["year"]),
            duration_ms=duration_ms(row["length"]),
        )
        found.append(Labelled(row["CID"], row["SourceID"], record))
    return found


def shs_records(folder: Path) -> list[Labelled]:
    """Read performances of works."""
    return [
        Labelled(row["set_id"], "", record_of(row["title"], row["performer"]))
        for row in read_rows(folder / "shs100k2-works" / "dev.csv.gz")
    ]
