"""From a row of a table to uploads: put right, told from rows of other kinds, its lists unfolded."""

import ast
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from streams.core.importing.fields import FIELDS, NAMES_NOTHING_ELSE, FieldKind
from streams.core.importing.filling import STRAY_FIELDS, Filling
from streams.core.importing.held_names import HeldNames
from streams.core.importing.kinds import can_be, is_plainly
from streams.core.importing.layouts import columns_of
from streams.core.importing.mapping import (
    ENTRY,
    NAMED_BY_THE_TABLE,
    ROW,
    Column,
    RecordSpec,
    Repair,
    TableMapping,
    columns_named,
    position_of,
)
from streams.core.importing.readings import Report
from streams.core.importing.repairs import Cells, Columns, shift_back, swap_back
from streams.core.normalize import clean_text


@dataclass(slots=True)
class RowResult:
    """What became of a row: uploads as JSON, and what a person should know."""

    uploads: list[bytes] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)


class TableReader:
    """Reads the rows of one table with one mapping.

    Parameters
    ----------
    mapping : TableMapping
    header : tuple of str
        names of the columns; their numbers where the table has none
    this_year : int
        the latest plausible year, where the mapping names none

    Raises
    ------
    MappingError
        the mapping names a column that is not there
    """

    def __init__(self, mapping: TableMapping, header: tuple[str, ...], *, this_year: int) -> None:
        self._names = HeldNames()
        self._records = tuple(
            _RecordReader(
                record, header, delimiter=mapping.table.delimiter, this_year=this_year, names=self._names
            )
            for record in mapping.records
        )

    def note(self, cells: Sequence[str]) -> None:
        """Take note of the names that a row holds, where the mapping looks for them in other cells."""
        for record in self._records:
            record.note(cells)

    def read(self, row: int, cells: Sequence[str]) -> RowResult:
        """Read one row; an empty row gives nothing."""
        result = RowResult()
        if not any(cell.strip() for cell in cells):
            return result
        asked = [record.read(row, tuple(cells), result) for record in self._records]
        if not any(asked):
            why = "no record of the mapping is for such a row (see when)"
            result.reports.append(Report(row=row, why=why, refused=True))
        # Two records of one row may see the same.
        result.reports = list(dict.fromkeys(result.reports))
        return result


class _RecordReader:
    """Reads one of the uploads that a row holds."""

    def __init__(
        self,
        record: RecordSpec,
        header: tuple[str, ...],
        *,
        delimiter: str,
        this_year: int,
        names: HeldNames,
    ) -> None:
        self._names = names
        self._header, self._record, self._delimiter = header, record, delimiter
        self._places = {
            column: position_of(column, header, where=where)
            for where, column in columns_named(record)
            if column not in {ROW, ENTRY}
        }
        self._latest_year = record.read.latest_year or this_year
        self._nulls = {clean_text(word).casefold() for word in record.read.null_words} | {""}
        self._specs = record.specs()
        self._anchors: dict[int, FieldKind] = {}
        self._texts: list[int] = []
        self._needed = frozenset(
            self._places[column]
            for template in (record.source, record.item_id)
            for column in columns_of(template)
            if column not in {ROW, ENTRY}
        )
        for name, spec in self._specs.items():
            for column in spec.named():
                if FIELDS[name] in NAMES_NOTHING_ELSE and not spec.split and spec.pattern is None:
                    self._anchors[self._places[column]] = FIELDS[name]
                elif FIELDS[name] in {FieldKind.text, FieldKind.people}:
                    self._texts.append(self._places[column])

    def _is_null(self, text: str) -> bool:
        return clean_text(text).casefold() in self._nulls

    def note(self, cells: Sequence[str]) -> None:
        """Take note of the names that stand in columns of their own."""
        for kind in NAMED_BY_THE_TABLE:
            spec = self._specs.get(STRAY_FIELDS[kind])
            for column in spec.named() if spec is not None else ():
                place = self._places[column]
                if place < len(cells) and not self._is_null(cells[place]):
                    self._names.add(kind, cells[place])

    def read(self, row: int, cells: Cells, result: RowResult) -> bool:
        """Read a row into the result; False where the record is for other rows."""
        reports: list[Report] = []
        width = len(self._header)
        while len(cells) > width and not cells[-1].strip():
            cells = cells[:-1]
        cells = cells + ("",) * (width - len(cells))
        if Repair.shifted in self._record.repair:
            cells = self._shifted(row, cells, reports)
        if len(cells) > width:
            why = f"{len(cells)} cells where the header has {width}: quote cells that hold a delimiter"
            result.reports.append(Report(row=row, why=why, refused=True))
            return True
        if any(cells[self._places[name]].strip() != wanted for name, wanted in self._record.when.items()):
            return False
        if Repair.swapped in self._record.repair:
            cells = self._swapped(row, cells, reports)
        for values in self._entries(row, cells, reports):
            filling = Filling(
                row,
                self._record,
                self._specs,
                values,
                is_null=self._is_null,
                latest_year=self._latest_year,
                names=self._names,
            )
            upload = filling.upload()
            if upload is not None:
                result.uploads.append(upload)
            reports += filling.reports
        result.reports += reports
        return True

    def _fits(self, kind: FieldKind) -> Callable[[str], bool]:
        return lambda text: self._is_null(text) or can_be(kind, text, latest_year=self._latest_year)

    def _says(self, kind: FieldKind) -> Callable[[str], bool]:
        return lambda text: is_plainly(kind, text, latest_year=self._latest_year)

    def _shifted(self, row: int, cells: Cells, reports: list[Report]) -> Cells:
        found = shift_back(
            cells,
            Columns(
                width=len(self._header),
                anchors={place: self._fits(kind) for place, kind in self._anchors.items()},
                needed=self._needed,
                is_null=self._is_null,
                delimiter=self._delimiter,
            ),
        )
        if found is None:
            return cells
        back, doubtful = found
        names = ", ".join(self._header[place] for place in doubtful)
        left = f"; in doubt and left out: {names}" if names else ""
        reports.append(Report(row=row, why=f"cells had moved aside and were put back{left}"))
        return back

    def _swapped(self, row: int, cells: Cells, reports: list[Report]) -> Cells:
        found = swap_back(
            cells,
            anchors={place: self._fits(kind) for place, kind in self._anchors.items()},
            says={place: self._says(kind) for place, kind in self._anchors.items()},
            texts=self._texts,
        )
        if found is None:
            return cells
        back, (one, other) = found
        why = f"had changed places with {self._header[other]} and was put back"
        reports.append(Report(row=row, column=self._header[one], value=cells[one], why=why))
        return back

    def _entries(self, row: int, cells: Cells, reports: list[Report]) -> Iterator[dict[Column, str]]:
        """Give the cells by the columns that are asked for; once for each entry of a list."""
        values: dict[Column, str] = {column: cells[place] for column, place in self._places.items()}
        values[ROW] = str(row)
        explode = self._record.explode
        if explode is None:
            yield values
            return
        place = self._places[explode.column]
        entries, name = _list_of(cells[place], explode.separator), self._header[place]
        if entries is None:
            why = "no list: entries in quotes within [ ] are expected, or declare explode.separator"
            reports.append(Report(row=row, column=name, value=cells[place], why=why, refused=True))
            return
        if not entries:
            reports.append(Report(row=row, column=name, why="the list is empty", refused=True))
        same = [column for column, other in self._places.items() if other == place]
        for number, entry in enumerate(entries, start=1):
            yield {**values, **dict.fromkeys(same, entry), ENTRY: str(number)}


def _list_of(text: str, separator: str | None) -> list[str] | None:
    """Read a list of texts: at a separator, or as JSON and Python write them."""
    if separator:
        return [part.strip() for part in text.split(separator) if part.strip()]
    try:
        found = ast.literal_eval(text.strip() or "[]")
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    if not isinstance(found, list | tuple) or not all(isinstance(one, str) for one in found):
        return None
    return [one.strip() for one in found if one.strip()]
