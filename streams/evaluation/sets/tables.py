"""Tables of labelled data, read as a person would: by `samesong import` with the mappings that ship."""

import csv
import gzip
import importlib.resources
import io
from collections.abc import Iterator
from pathlib import Path

from streams.core.records import Upload
from streams.core.upload_json import parse_upload
from streams.imported import import_table

Row = dict[str, str]


def mapping_file(name: str) -> Path:
    """Find a mapping: beside this package where it is installed, in the documentation of a source tree."""
    packaged = Path(str(importlib.resources.files("streams.evaluation"))) / "mappings" / f"{name}.toml"
    source = Path(__file__).parents[3] / "docs" / "examples" / "mappings" / f"{name}.toml"
    return packaged if packaged.is_file() else source


def rows_of(path: Path) -> list[Row]:
    """Read a table with a header, compressed or not."""
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return list(csv.DictReader(io.StringIO(raw.decode("utf-8"))))


def imported_rows(path: Path, mapping: str) -> Iterator[tuple[Row, list[Upload]]]:
    """Give each row beside the uploads that it became."""
    results = import_table(str(path), mapping_file(mapping))
    for row, result in zip(rows_of(path), results, strict=True):
        yield row, [parse_upload(line) for line in result.uploads]
