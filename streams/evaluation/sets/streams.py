"""Labelled catalogues that are resolved one upload after the other."""

import re
from collections import Counter, defaultdict
from pathlib import Path

from streams.evaluation.labelled import LabelledStream, LabelledUpload
from streams.evaluation.sets.tables import imported_rows
from streams.evaluation.sets.words import folded, leading_artist, shares_a_word


def musicbrainz(data: Path) -> LabelledStream:
    """Read recordings of five badly kept databases; the cluster is the recording."""
    uploads: list[LabelledUpload] = []
    refused: dict[str, tuple[str | None, str | None]] = {}
    for row, read in imported_rows(data / "musicbrainz-20k" / "dev.csv.gz", "musicbrainz-20k"):
        if not read:
            refused[row["TID"]] = (row["CID"], None)
        for upload in read:
            tags = (f"source:{row['SourceID']}",)
            uploads.append(LabelledUpload(upload=upload, recording=row["CID"], tags=tags))
    return LabelledStream(name="musicbrainz-20k", uploads=tuple(uploads), refused=refused)


def shs(data: Path) -> LabelledStream:
    """Read performances of works; titles that share no word with the usual one of their work are apart."""
    rows = list(imported_rows(data / "shs100k2-works" / "dev.csv.gz", "shs100k2-works"))
    titles: dict[str, Counter[str]] = defaultdict(Counter)
    for row, _ in rows:
        titles[row["set_id"]][folded(row["title"])] += 1
    usual = {work: found.most_common(1)[0][0] for work, found in titles.items()}
    uploads: list[LabelledUpload] = []
    refused: dict[str, tuple[str | None, str | None]] = {}
    for row, read in rows:
        work, title = row["set_id"], folded(row["title"])
        like = "usual" if title == usual[work] else "near" if shares_a_word(title, usual[work]) else "other"
        if not read:
            refused[f"{work}-{row['ver_id']}"] = (None, work)
        uploads += [LabelledUpload(upload=upload, work=work, tags=(f"title:{like}",)) for upload in read]
    return LabelledStream(name="shs100k2-works", uploads=tuple(uploads), refused=refused)


def atepp(data: Path) -> LabelledStream:
    """Read tracks of piano music; the movement is the work."""
    uploads: list[LabelledUpload] = []
    refused: dict[str, tuple[str | None, str | None]] = {}
    rows = imported_rows(data / "atepp-classical-tracks" / "dev.csv.gz", "atepp-classical-tracks")
    for number, (row, read) in enumerate(rows):
        if not read:
            refused[str(number)] = (None, row["composition_id"])
        tags = (f"composer:{row['composer']}",)
        uploads += [LabelledUpload(upload=upload, work=row["composition_id"], tags=tags) for upload in read]
    return LabelledStream(name="atepp-classical-tracks", uploads=tuple(uploads), refused=refused)


_QUALIFIER = re.compile(r"[(\[]([^)\]]*)[)\]]")
_GUEST = re.compile(r"\b(feat|ft|featuring|with)\b", re.IGNORECASE)


def harmonix(data: Path) -> LabelledStream:
    """Read pop tracks: nobody says which are one, but what differs in title, version or artist is not.

    A group is a title without what is in brackets: by one artist it is one work, whatever remixes there are.
    Entries that agree in all of it may be one recording or two; joining them is neither right nor wrong, and
    so the recall of recordings says nothing here.
    """
    uploads = []
    for row, read in imported_rows(data / "harmonix-catalogue" / "metadata.csv", "harmonix-catalogue"):
        said = [text for text in _QUALIFIER.findall(row["Title"]) if not _GUEST.search(text)]
        title = folded(_QUALIFIER.sub("", row["Title"])) or folded(row["Title"])
        work = f"{title} | {leading_artist(row['Artist'])}"
        recording = f"{work} | {folded(' '.join(said))}"
        for upload in read:
            uploads.append(LabelledUpload(upload=upload, recording=recording, work=work))
    return LabelledStream(name="harmonix-catalogue", uploads=tuple(uploads))
