"""The texts that the packaged `samesong-text` was fitted on, one a line: real titles, and invented ones.

Half are tracks of the release tables of ``lastfm-musicbrainz``, on which nothing is scored, drawn by digest;
half are of invented catalogues, which hold the scripts that those tables lack. No label is read.

    python -m benchmarks.title_texts [--data ../shared/data] > TEXTS
    samesong train text TEXTS --out FOLDER
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
REAL: Final = 10_000
# Not the catalogue that is scored: another seed is another catalogue.
SEED: Final = 777
SONGS: Final = 2_800


def real_texts(folder: Path) -> list[str]:
    """Give titles with artists of the release tables, drawn by digest."""
    csv.field_size_limit(10_000_000)
    found = {text for name in TABLES for row in read_rows(folder / name) for text in _texts(row)}
    return sorted(sorted(found, key=lambda text: hashlib.sha256(text.encode()).digest())[:REAL])


def _texts(row: dict[str, str]) -> Iterator[str]:
    for title in ast.literal_eval(row["tracks"] or "[]"):
        readings = read_title(str(title))
        text = f"{readings[0].base if readings else ''} {normalize_name(row['artist'])}".strip()
        if text:
            yield text


def invented_texts() -> list[str]:
    """Give titles with artists as the uploads of invented catalogues say them."""
    told = golden_catalogue(seed=SEED, songs=SONGS).uploads
    found = {text_for_embedding(featurize(each.upload)) for each in told}
    return sorted(found - {""})


def main() -> None:
    folder = labelled("title_texts", "lastfm-musicbrainz", about=__doc__)
    if folder is not None:
        sys.stdout.write("".join(f"{text}\n" for text in (*real_texts(folder), *invented_texts())))


if __name__ == "__main__":
    main()
