"""Files that are imported, row by row: the mapping read, the table opened, rows turned into uploads."""

from __future__ import annotations

import datetime
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from streams.core.importing.mapping import MappingError, TableMapping, read_mapping
from streams.core.importing.readings import Report
from streams.core.importing.rows import RowResult, TableReader
from streams.edges.tables import read_table
from streams.errors import UnreadableInput


def load_mapping(path: Path) -> TableMapping:
    """Read and check a mapping file.

    Raises
    ------
    UnreadableInput
        it cannot be read
    MappingError
        it is no TOML, or makes no sense; the message names the file and the place
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as exc:
        raise UnreadableInput(f"{path}: {exc.strerror or exc}") from exc
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise MappingError(f"{path}: no TOML: {exc}") from exc
    try:
        return read_mapping(raw)
    except MappingError as exc:
        raise MappingError(f"{path}: {exc}") from exc


def import_table(table: str, mapping_path: Path) -> Iterator[RowResult]:
    """Turn a table into uploads, row by row.

    Parameters
    ----------
    table : str
        a path, or ``-`` for standard input
    mapping_path : Path

    Raises
    ------
    UnreadableInput, MappingError
    """
    mapping = load_mapping(mapping_path)
    spec = mapping.table
    rows = read_table(
        sys.stdin.buffer if table == "-" else Path(table),
        encoding=spec.encoding,
        delimiter=spec.delimiter,
        quote=spec.quote,
        skip_rows=spec.skip_rows,
    )
    if mapping.looks_for_names:
        rows = iter(held := list(rows))
    reader: TableReader | None = None
    for row in rows:
        if row.problem is not None:
            yield RowResult(reports=[Report(row=row.number, why=row.problem, refused=True)])
            continue
        if reader is None:
            numbers = tuple(str(number) for number in range(1, len(row.cells) + 1))
            header = tuple(cell.strip() for cell in row.cells) if spec.header else numbers
            try:
                reader = TableReader(mapping, header, this_year=_this_year())
            except MappingError as exc:
                raise MappingError(f"{mapping_path}: {exc}") from exc
            if mapping.looks_for_names:
                for other in held[1:] if spec.header else held:
                    reader.note(other.cells)
            if spec.header:
                continue
        yield reader.read(row.number, row.cells)


def is_message(path: str) -> bool:
    """Say whether a file is XML, by how it starts; of standard input nothing can be said before it is read.

    Raises
    ------
    UnreadableInput
    """
    if path == "-":
        return False
    try:
        with Path(path).open("rb") as stream:
            start = stream.read(256)
    except OSError as exc:
        raise UnreadableInput(f"{path}: {exc.strerror or exc}") from exc
    return (
        start.removeprefix(b"\xef\xbb\xbf").replace(b"\x00", b"").lstrip(b"\xff\xfe \t\r\n").startswith(b"<")
    )


def _this_year() -> int:
    return datetime.datetime.now(tz=datetime.UTC).year
