"""Labelled pairs that are compared."""

import gzip
import hashlib
from collections import defaultdict
from itertools import combinations
from pathlib import Path

import orjson

from streams.core.records import Artist, SourceKind, Upload, Video
from streams.evaluation.labelled import LabelledPair, LabelledPairs
from streams.evaluation.sets.tables import imported_rows, rows_of
from streams.evaluation.sets.words import folded, leading_artist, shares_a_word


def itunes(data: Path, form: str) -> LabelledPairs:
    """Read songs of two shops; the form is structured, or dirty, where values slipped into other fields."""
    folder = data / "itunes-amazon"
    mapping = "itunes-amazon" if form == "structured" else "itunes-amazon-dirty"
    pairs = []
    for part in ("train", "valid"):
        rows = imported_rows(folder / f"{form}.{part}.csv", mapping)
        # Of both forms the same pairs in the same order: what is one record is read from the clean one.
        clean = rows_of(folder / f"structured.{part}.csv")
        for (row, read), keys in zip(rows, clean, strict=True):
            by_source = {upload.source: upload for upload in read}
            groups = {
                side: "\x1f".join(
                    [side, *(keys[column] for column in sorted(keys) if column.startswith(f"{side}_"))]
                )
                for side in ("left", "right")
            }
            pairs.append(
                LabelledPair(
                    left=by_source.get("itunes"),
                    right=by_source.get("amazon"),
                    label=row["label"] == "1",
                    left_group=groups["left"],
                    right_group=groups["right"],
                    tags=(f"split:{part}",),
                )
            )
    return LabelledPairs(name=f"itunes-amazon-{form}", level="recording", pairs=tuple(pairs))


def salami(data: Path) -> LabelledPairs:
    """Read recordings and videos that a fingerprint judged: the same recording, or another one."""
    lines = gzip.decompress((data / "salami-youtube" / "dev.jsonl.gz").read_bytes()).splitlines()
    pairs = []
    for line in lines:
        row = orjson.loads(line)
        left = Upload(
            source="salami",
            item_id=row["salami_id"],
            source_kind=SourceKind.reference_db,
            title=row["title"],
            artists=(Artist(name=row["artist"]),) if row["artist"] else (),
            duration_ms=_milliseconds(row["duration"]),
        )
        narrow = ("subset:popular and jazz",) if row["class"] in {"popular", "jazz"} else ()
        for candidate in row["candidates"]:
            if candidate["label"] not in {"match", "reject"}:
                continue
            right = Upload(
                source="youtube",
                item_id=candidate["youtube_id"],
                source_kind=SourceKind.video_platform,
                title=candidate["title"],
                duration_ms=_milliseconds(candidate["duration"]),
                video=Video(platform="youtube", video_id=candidate["youtube_id"]),
            )
            pairs.append(
                LabelledPair(
                    left=left,
                    right=right,
                    label=candidate["label"] == "match",
                    left_group=f"salami {row['salami_id']}",
                    right_group=f"youtube {candidate['youtube_id']}",
                    tags=(f"class:{row['class']}", *narrow),
                )
            )
    return LabelledPairs(name="salami-youtube", level="recording", pairs=tuple(pairs))


def _milliseconds(seconds: str | float | None) -> int | None:
    return int(float(seconds) * 1000) or None if seconds else None


def youtube_shs(data: Path) -> LabelledPairs:
    """Read catalogued performances beside titles and channels of videos: of one work or not."""
    pairs = []
    for number, row in enumerate(rows_of(data / "youtube-shs-pairs" / "dev.csv.gz")):
        left = Upload(
            source="secondhandsongs",
            item_id=f"{number}",
            source_kind=SourceKind.reference_db,
            title=row["left_title"],
            artists=(Artist(name=row["left_performer"]),) if row["left_performer"].strip() else (),
        )
        right = Upload(
            source="youtube",
            item_id=f"{number}",
            source_kind=SourceKind.video_platform,
            title=row["right_video_title"],
            video=Video(channel=row["right_channel"]) if row["right_channel"].strip() else None,
        )
        pairs.append(
            LabelledPair(
                left=left if row["left_title"].strip() else None,
                right=right if row["right_video_title"].strip() else None,
                label=row["label"] == "1",
                left_group=f"left {row['left_title']} {row['left_performer']}",
                right_group=f"right {row['right_video_title']} {row['right_channel']}",
            )
        )
    return LabelledPairs(name="youtube-shs-pairs", level="work", pairs=tuple(pairs))


_HARD = 2_000


def shs_hard(data: Path) -> LabelledPairs:
    """Make hard pairs of performances: two works, but one performer and a shared title word; and true ones.

    As many pairs of each kind, drawn by hash; the true ones are by two performers, as most are.
    """
    performances = [
        (row, read[0])
        for row, read in imported_rows(data / "shs100k2-works" / "dev.csv.gz", "shs100k2-works")
        if read
    ]
    by_performer: dict[str, list[int]] = defaultdict(list)
    by_work: dict[str, list[int]] = defaultdict(list)
    for number, (row, _) in enumerate(performances):
        by_performer[leading_artist(row["performer"])].append(number)
        by_work[row["set_id"]].append(number)
    titles = [folded(row["title"]) for row, _ in performances]
    performers = [leading_artist(row["performer"]) for row, _ in performances]
    works = [row["set_id"] for row, _ in performances]
    hard = [
        (i, j)
        for numbers in by_performer.values()
        for i, j in combinations(numbers, 2)
        if works[i] != works[j] and shares_a_word(titles[i], titles[j])
    ]
    true = [
        (i, j)
        for numbers in by_work.values()
        for i, j in combinations(numbers, 2)
        if performers[i] != performers[j]
    ]
    count = min(_HARD, len(hard), len(true))
    pairs = [
        LabelledPair(
            left=performances[i][1],
            right=performances[j][1],
            label=works[i] == works[j],
            left_group=performances[i][1].item_id,
            right_group=performances[j][1].item_id,
        )
        for drawn in (_drawn(hard, count), _drawn(true, count))
        for i, j in drawn
    ]
    return LabelledPairs(name="shs-hard-pairs", level="work", pairs=tuple(pairs))


def _drawn(pairs: list[tuple[int, int]], count: int) -> list[tuple[int, int]]:
    return sorted(pairs, key=lambda pair: hashlib.sha256(f"{pair}".encode()).digest())[:count]
