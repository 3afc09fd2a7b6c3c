"""The mapping of a table, from TOML: what each column means. All is checked before the first row is read."""

import codecs
import difflib
import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, NoReturn, TypeVar

import msgspec

from streams.core.importing.dates import EARLIEST_YEAR, DateOrder
from streams.core.importing.durations import DurationUnit
from streams.core.importing.fields import FIELDS, PEOPLE
from streams.core.importing.layouts import columns_of, read_layout
from streams.core.records import Kind, SourceKind
from streams.errors import ConfigError

ROW = "#row"
"""In a template, the number of the row; in an exploded row, ``#entry`` is the number of the entry."""
ENTRY = "#entry"
NULL_WORDS = ("null", "(null)", "<null>", "\\n", "n/a", "#n/a", "[unknown]")
"""Words for nothing in any column; a mapping may name others instead."""
Column = str | int
T = TypeVar("T")


class MappingError(ConfigError):
    """A mapping makes no sense; the message says where and what to do."""

    code = "mapping_error"


class Stray(StrEnum):
    """What may have slipped to the end of a cell of text."""

    duration = "duration"
    date = "date"
    price = "price"
    rights = "rights"
    genre = "genre"
    artist = "artist"
    album = "album"


NAMED_BY_THE_TABLE = frozenset({Stray.artist, Stray.album})
"""Known by nothing but that the same stands in a column of its own, in whatever row."""
FORMLESS = NAMED_BY_THE_TABLE | {Stray.genre}
"""Without a form of their own: they slipped only where their own column is empty."""


class Repair(StrEnum):
    """What may be put right: two cells that changed places, all cells from one on, mangled letters."""

    swapped = "swapped"
    shifted = "shifted"
    mangled = "mangled"


class TableSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the file is written."""

    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str = '"'
    header: bool = True
    skip_rows: int = 0


class ReadSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How cells are read."""

    null_words: tuple[str, ...] = NULL_WORDS
    date_order: DateOrder | None = None
    earliest_year: int = EARLIEST_YEAR
    latest_year: int | None = None
    duration_unit: DurationUnit = DurationUnit.auto
    longest_s: int = 86_400


class FieldSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a field comes from, and how its cells are read."""

    column: Column | None = None
    columns: tuple[Column, ...] = ()
    value: str | None = None
    pattern: str | None = None
    layouts: tuple[str, ...] = ()
    strays: tuple[Stray, ...] = ()
    split: tuple[str, ...] = ()
    featured_after: tuple[str, ...] = ()
    words: dict[str, str] = {}
    null_words: tuple[str, ...] = ()
    unit: DurationUnit | None = None
    order: DateOrder | None = None

    def named(self) -> tuple[Column, ...]:
        """Give every column, in order."""
        return ((self.column,) if self.column is not None else ()) + self.columns


class ExplodeSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A column that holds a list: the row becomes one upload for each entry."""

    column: Column
    separator: str | None = None


class RecordSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one upload of a row is made of."""

    source: str
    item_id: str
    kind: Kind = Kind.recording
    source_kind: SourceKind | None = None
    when: dict[str, str] = {}
    read: ReadSpec = ReadSpec()
    fields: dict[str, Column | FieldSpec]
    explode: ExplodeSpec | None = None
    repair: tuple[Repair, ...] = ()
    ext: tuple[Column, ...] = ()

    def specs(self) -> dict[str, FieldSpec]:
        """Give every field's specification, the short form written out."""
        return {
            name: spec if isinstance(spec, FieldSpec) else FieldSpec(column=spec)
            for name, spec in self.fields.items()
        }


class TableMapping(msgspec.Struct, frozen=True, kw_only=True):
    """A mapping that was checked as far as it can be without the table."""

    table: TableSpec
    records: tuple[RecordSpec, ...]

    @property
    def looks_for_names(self) -> bool:
        """Whether a cell is read by what other rows hold, so that all must be seen first."""
        return any(
            not NAMED_BY_THE_TABLE.isdisjoint(spec.strays)
            for record in self.records
            for spec in record.specs().values()
        )


def read_mapping(raw: Mapping[str, Any]) -> TableMapping:
    """Check a mapping.

    Parameters
    ----------
    raw : mapping
        the TOML document

    Raises
    ------
    MappingError
        an unknown, missing or impossible entry, named by its path
    """
    base = {name: value for name, value in raw.items() if name not in {"table", "record"}}
    overlays = raw.get("record", [{}])
    if not isinstance(overlays, list) or not overlays or not all(isinstance(one, dict) for one in overlays):
        _refuse("record", "write each record as [[record]]")
    table = _convert(raw.get("table", {}), TableSpec, "table")
    _check_table(table)
    records = []
    for number, overlay in enumerate(overlays, start=1):
        where = f"record {number}: " if "record" in raw else ""
        record = _convert(_merged(base, overlay), RecordSpec, where)
        _check_record(record, where)
        records.append(record)
    return TableMapping(table=table, records=tuple(records))


def _refuse(where: str, problem: str) -> NoReturn:
    raise MappingError(f"{where}: {problem}")


def _merged(base: Mapping[str, Any], overlay: Mapping[str, Any]) -> dict[str, Any]:
    """Lay one table over another; what stands in both is taken from the upper, tables entry by entry."""
    merged = dict(base)
    for name, value in overlay.items():
        below = merged.get(name)
        deeper = isinstance(below, dict) and isinstance(value, dict) and name != "when"
        merged[name] = _merged(below, value) if deeper and isinstance(below, dict) else value
    return merged


_CHOICES: dict[str, type[StrEnum]] = {
    **dict.fromkeys(("unit", "duration_unit"), DurationUnit),
    **dict.fromkeys(("order", "date_order"), DateOrder),
    "strays": Stray,
    "repair": Repair,
    "kind": Kind,
    "source_kind": SourceKind,
}
"""What may stand where only some words may, by the name of the setting."""


def _convert(raw: Any, kind: type[T], where: str) -> T:
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as exc:
        text, _, path = str(exc).partition(" - at `$")
        place = f"{where}{path.rstrip('`').lstrip('.')}".strip(". :")
        names = getattr(kind, "__struct_fields__", ())
        hint = f"; known here: {', '.join(names)}" if "unknown field" in text and not path else ""
        setting = re.findall(r"[a-z_]+", path)[-1:]
        if "enum value" in text and (choices := _CHOICES.get("".join(setting))):
            hint = f"; there are: {', '.join(choice.value for choice in choices)}"
        raise MappingError(f"{place or 'mapping'}: {text}{hint}") from exc


def _check_table(table: TableSpec) -> None:
    try:
        codecs.lookup(table.encoding)
    except LookupError:
        _refuse("table.encoding", f"there is no encoding {table.encoding!r}")
    if len(table.delimiter) != 1 or table.delimiter in "\r\n":
        _refuse("table.delimiter", 'one character is expected, such as "," or ";" or "\\t"')
    if len(table.quote) > 1 or table.quote == table.delimiter:
        _refuse("table.quote", "one character, or an empty text for none")
    if table.skip_rows < 0:
        _refuse("table.skip_rows", "0 or more rows are expected")


def _check_record(record: RecordSpec, where: str) -> None:
    if not record.fields:
        _refuse(f"{where}fields", 'at least one field is needed, such as title = "Title"')
    for name, spec in record.specs().items():
        place = f"{where}fields.{name}"
        if name not in FIELDS:
            _refuse(place, _unknown("field", name, FIELDS))
        _check_field(name, spec, place)
    read = record.read
    if read.latest_year is not None and read.earliest_year > read.latest_year:
        _refuse(f"{where}read.earliest_year", "later than read.latest_year")


def _check_field(name: str, spec: FieldSpec, place: str) -> None:
    if bool(spec.named()) == (spec.value is not None):
        _refuse(place, "name either a column (or columns) or a value that all rows have")
    if spec.featured_after and name not in PEOPLE:
        _refuse(f"{place}.featured_after", "only fields that name artists have it")
    for layout in spec.layouts:
        read = read_layout(layout)
        if read is None:
            _refuse(f"{place}.layouts", f'{layout!r} is no layout; one is "{{artist}} - {{title}}"')
        for part in read.fields:
            if part not in FIELDS:
                _refuse(f"{place}.layouts", _unknown("field", part, FIELDS))
        if name not in read.fields:
            _refuse(f"{place}.layouts", f"{layout!r} does not say where {{{name}}} is")
    if any(not sign for sign in (*spec.split, *spec.featured_after)):
        _refuse(place, "a separator is empty")
    if spec.pattern is not None:
        try:
            groups = re.compile(spec.pattern).groups
        except re.error as exc:
            raise MappingError(f"{place}.pattern: no regular expression: {exc}") from exc
        if groups != 1:
            _refuse(f"{place}.pattern", "put exactly one group in brackets round what is the value")


def _unknown(what: str, name: str, known: Mapping[str, Any] | tuple[str, ...]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    meant = f"; did you mean {near[0]!r}?" if near else ""
    return f"there is no {what} {name!r}{meant} There are: {', '.join(known)}"


def columns_named(record: RecordSpec) -> Iterator[tuple[str, Column]]:
    """Give every column that a record names, and where it does."""
    for name, spec in record.specs().items():
        for column in spec.named():
            yield f"fields.{name}", column
        for template in columns_of(spec.value or ""):
            yield f"fields.{name}.value", template
    for name, template in (("source", record.source), ("item_id", record.item_id)):
        for column in columns_of(template):
            yield name, column
    for column in record.when:
        yield "when", column
    for column in record.ext:
        yield "ext", column
    if record.explode is not None:
        yield "explode.column", record.explode.column


def position_of(column: Column, header: tuple[str, ...], *, where: str) -> int:
    """Find a column by its name, or by its number from 1.

    Raises
    ------
    MappingError
        it is not there, or its name is there twice
    """
    if isinstance(column, int):
        if not 1 <= column <= len(header):
            _refuse(where, f"there is no column {column}; the table has {len(header)}")
        return column - 1
    if column not in header:
        _refuse(where, _unknown("column", column, header))
    if header.count(column) > 1:
        _refuse(where, f"the table has column {column!r} twice: name it by its number, from 1")
    return header.index(column)
