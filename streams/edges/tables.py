"""Tables on disk or standard input: rows of cells, whatever is wrong with single ones."""

import csv
import gzip
import io
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, NamedTuple

from streams.errors import UnreadableInput

LONGEST_LINE = 1 << 20
LONGEST_CELL = 1 << 17
_GZIP = b"\x1f\x8b"


class TableRow(NamedTuple):
    """One row, or why there is none.

    Attributes
    ----------
    number : int
        as a spreadsheet counts, from 1, the header included
    cells : tuple of str
        bytes that are not of the encoding are lone surrogates
    problem : str, optional
    """

    number: int
    cells: tuple[str, ...] = ()
    problem: str | None = None


def read_table(
    path: Path | IO[bytes],
    *,
    encoding: str,
    delimiter: str,
    quote: str,
    skip_rows: int,
) -> Iterator[TableRow]:
    """Read the rows of a table, compressed by gzip or not; the header is one of them.

    Parameters
    ----------
    path : Path or binary stream
    encoding, delimiter, quote : str
        no quote: cells are never quoted
    skip_rows : int
        rows before the header

    Raises
    ------
    UnreadableInput
        there is no such file, or it breaks off
    """
    with ExitStack() as closing:
        try:
            stream = closing.enter_context(path.open("rb")) if isinstance(path, Path) else path
            plain = io.BufferedReader(stream)  # type: ignore[type-var]  # any binary stream can be read
            if plain.peek(2)[:2] == _GZIP:
                plain = gzip.GzipFile(fileobj=plain)  # type: ignore[assignment]  # reads the same
            text = io.TextIOWrapper(plain, encoding=encoding, errors="surrogateescape", newline="")
            yield from _rows(text, delimiter=delimiter, quote=quote, skip_rows=skip_rows)
        except (OSError, EOFError, UnicodeError) as exc:
            raise UnreadableInput(f"{path}: {getattr(exc, 'strerror', None) or exc}") from exc


def _rows(text: io.TextIOWrapper, *, delimiter: str, quote: str, skip_rows: int) -> Iterator[TableRow]:
    # A line is read up to a bound, so that a file without line ends does not fill the memory.
    lines = iter(lambda: text.readline(LONGEST_LINE), "")
    first = next(lines, "").removeprefix("\ufeff")
    bound = csv.field_size_limit(LONGEST_CELL)
    try:
        reader = csv.reader(
            _again(first, lines),
            delimiter=delimiter,
            quotechar=quote or None,
            quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
        )
        number = 0
        while True:
            number += 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as exc:
                yield TableRow(number, problem=f"{exc}; is a quote left open?")
                continue
            if number > skip_rows:
                yield TableRow(number, tuple(cells))
    finally:
        csv.field_size_limit(bound)


def _again(first: str, lines: Iterator[str]) -> Iterator[str]:
    if first:
        yield first
    yield from lines
