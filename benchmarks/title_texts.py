"""What the packaged `samesong-text` was trained on: real titles with their artists, and invented ones.

Real ones are tracks of the release tables of ``lastfm-musicbrainz``, on which nothing is scored, drawn by
digest. Invented ones are of catalogues that are not scored either, and hold the scripts that those tables
lack; of each recording all that its senders tell. No label of the tables is read.

    python -m benchmarks.title_texts [--data ../shared/data] > SONGS
    samesong train text SONGS --out FOLDER
"""

import ast
import csv
import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from benchmarks.labelled_tables import labelled, read_rows
from streams.core.features import featurize, text_for_embedding
from streams.core.normalize import normalize_name
from streams.core.titles import read_title
from streams.evaluation.golden.catalogue import golden_catalogue

TABLES: Final = ("musicbrainz.csv.gz", "lastfm.csv.gz")
REAL: Final = 66_000
# Not the catalogue that is scored: another seed is another catalogue.
SEEDS: Final = (777, 778)
SONGS: Final = 2_000


def real_songs(folder: Path) -> Iterator[str]:
    """Give tracks of the release tables, drawn by digest: title and artist."""
    csv.field_size_limit(10_000_000)
    found = {
        (str(title), row["artist"])
        for name in TABLES
        for row in read_rows(folder / name)
        for title in ast.literal_eval(row["tracks"] or "[]")
    }
    drawn = sorted(found, key=lambda told: hashlib.sha256(repr(told).encode()).digest())[:REAL]
    for title, artist in drawn:
        readings = read_title(title)
        if readings and readings[0].base:
            yield f"{readings[0].base}\t{normalize_name(artist)}\t"


def invented_songs() -> Iterator[str]:
    """Give what the senders of invented catalogues tell: title, artist and the recording that it is."""
    for seed in SEEDS:
        for each in golden_catalogue(seed=seed, songs=SONGS).uploads:
            title, _, artist = text_for_embedding(featurize(each.upload)).partition("\n")
            if title:
                yield f"{title}\t{artist}\t{seed}/{each.recording}"


def main() -> None:
    folder = labelled("title_texts", "lastfm-musicbrainz", about=__doc__)
    if folder is not None:
        for line in sorted({*real_songs(folder), *invented_songs()}):
            sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
