"""The fields of one upload, filled from the cells of a row."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson
from ftfy import fix_encoding

from streams.core.importing.drafts import make_draft
from streams.core.importing.fields import FIELDS, PEOPLE, SEVERAL, FieldKind
from streams.core.importing.held_names import HeldNames
from streams.core.importing.kinds import can_be, is_nothing, read_kind
from streams.core.importing.layouts import columns_of, fill_template, read_layout, split_by_layout
from streams.core.importing.mapping import FORMLESS, Column, FieldSpec, RecordSpec, Repair, Stray
from streams.core.importing.people import read_people
from streams.core.importing.readings import Report
from streams.core.importing.repairs import take_strays
from streams.core.normalize import clean_text
from streams.core.upload_json import parse_upload
from streams.errors import SchemaError

STRAY_FIELDS = {
    Stray.duration: "duration",
    Stray.date: "date",
    Stray.rights: "p_line",
    Stray.genre: "genre",
    Stray.artist: "artist",
    Stray.album: "album",
}
_MAY_BE_A_WORD_FOR_NOTHING = frozenset({FieldKind.text, FieldKind.texts, FieldKind.people})


class _Said(NamedTuple):
    """A text and the column it comes from."""

    text: str
    column: str | None


class Filling:
    """Fills the fields of one upload.

    Parameters
    ----------
    row : int
        for reports
    record : RecordSpec
    specs : mapping
        of each field
    cells : mapping
        the row by names and numbers of columns
    is_null : callable
        whether a text is a word for nothing in any column
    latest_year : int
    names : HeldNames
        of the table
    """

    def __init__(
        self,
        row: int,
        record: RecordSpec,
        specs: Mapping[str, FieldSpec],
        cells: Mapping[Column, str],
        *,
        is_null: Callable[[str], bool],
        latest_year: int,
        names: HeldNames,
    ) -> None:
        self._row, self._record, self._specs, self._cells = row, record, specs, cells
        self._null, self._year, self._names = is_null, latest_year, names
        self.reports: list[Report] = []

    def upload(self) -> bytes | None:
        """Give the upload as JSON; None where the row makes none, which is reported."""
        given: dict[str, Any] = {}
        for name, template in (("source", self._record.source), ("item_id", self._record.item_id)):
            empty = [column for column in columns_of(template) if self._null(self._cells[column])]
            if empty:
                self._refuse(f"empty, and {name} is made of it", column=empty[0])
                return None
            given[name] = fill_template(template, lambda column: clean_text(self._cells[column]))
        given["kind"] = self._record.kind.value
        given["source_kind"] = self._record.source_kind.value if self._record.source_kind else None
        kept = {
            str(name): self._cells[name] for name in self._record.ext if not self._null(self._cells[name])
        }
        given["ext"] = {given["source"]: kept} if kept else None
        texts = {name: self._texts(name, spec) for name, spec in self._specs.items()}
        self._cut(texts)
        values = {name: self._values(name, said) for name, said in texts.items()}
        upload = orjson.dumps(make_draft(values, given=given))
        try:
            parse_upload(upload)
        except SchemaError as exc:
            self._refuse(str(exc))
            return None
        return upload

    def _report(self, said: _Said, why: str) -> None:
        self.reports.append(Report(row=self._row, column=said.column, value=said.text, why=why))

    def _refuse(self, why: str, *, column: str | None = None) -> None:
        self.reports.append(Report(row=self._row, column=column, why=why, refused=True))

    def _texts(self, name: str, spec: FieldSpec) -> list[_Said]:
        """Give what the columns of a field say, words for nothing left out."""
        if spec.value is not None:
            if any(self._null(self._cells[column]) for column in columns_of(spec.value)):
                return []
            return [_Said(fill_template(spec.value, lambda column: self._cells[column].strip()), None)]
        found = []
        for column in spec.named():
            said = _Said(self._cells[column].strip(), str(column))
            if self._null(said.text) or self._is_nothing(said.text, name, spec):
                continue
            if problem := _unusable(said.text):
                self._report(said, problem)
                continue
            said = self._unmangled(said)
            text = spec.words.get(said.text, spec.words.get(said.text.casefold(), said.text))
            if spec.pattern is not None:
                match = re.search(spec.pattern, text)
                if match is None:
                    self._report(said, "not as the pattern says")
                    continue
                text = match[1] or ""
            if text.strip():
                found.append(_Said(text.strip(), said.column))
        return found

    def _unmangled(self, said: _Said) -> _Said:
        """Put right what was read in the wrong encoding (`Ã©` for `é`), once or several times."""
        if Repair.mangled not in self._record.repair or said.text.isascii():
            return said
        right = fix_encoding(said.text)
        if right != said.text:
            self._report(said, f"was read in the wrong encoding, and is taken for {right!r}")
        return _Said(right, said.column)

    def _is_nothing(self, text: str, name: str, spec: FieldSpec) -> bool:
        if any(clean_text(text).casefold() == clean_text(word).casefold() for word in spec.null_words):
            return True
        return FIELDS[name] not in _MAY_BE_A_WORD_FOR_NOTHING and is_nothing(text)

    def _cut(self, texts: dict[str, list[_Said]]) -> None:
        """Cut cells that hold several things; a field that has a cell of its own keeps that."""
        own = {name: said[0].text for name, said in texts.items() if said}
        for name, spec in self._specs.items():
            if not spec.layouts and not spec.strays:
                continue
            kept = []
            for said in texts[name]:
                others = {other: text for other, text in own.items() if other != name}
                parts = self._laid_out(name, said, others)
                kinds = [
                    kind for kind in spec.strays if kind not in FORMLESS or not texts.get(STRAY_FIELDS[kind])
                ]
                text, strays = take_strays(parts.pop(name), kinds, latest_year=self._year, names=self._names)
                parts |= {STRAY_FIELDS[kind]: found for kind, found in strays.items() if kind in STRAY_FIELDS}
                if text and not self._null(text):
                    kept.append(_Said(text, said.column))
                for other, part in parts.items():
                    if part and not self._null(part) and not texts.get(other):
                        texts[other] = [_Said(part, said.column)]
            texts[name] = kept

    def _laid_out(self, name: str, said: _Said, known: Mapping[str, str]) -> dict[str, str]:
        """Cut a cell by the first layout of its field that fits; whole where none does."""

        def reads(field: str, part: str) -> bool:
            return self._null(part) or can_be(FIELDS[field], part, latest_year=self._year)

        layouts = self._specs[name].layouts
        for text in layouts:
            layout = read_layout(text)
            found = split_by_layout(said.text, layout, known=known, reads=reads) if layout else None
            if found is not None:
                return found
        if layouts:
            self._report(said, "in none of the layouts: taken whole")
        return {name: said.text}

    def _values(self, name: str, texts: Sequence[_Said]) -> list[Any]:
        """Read the texts of a field; the first that can be read counts, where there can be but one."""
        kind, spec = FIELDS[name], self._specs.get(name, FieldSpec())
        found: list[Any] = []
        for said in texts:
            if kind is FieldKind.people:
                signs = {"split": spec.split, "featured_after": spec.featured_after}
                found += read_people(said.text, role=PEOPLE.get(name, "other"), **signs)
                continue
            for piece in _pieces(said.text, spec.split):
                reading = read_kind(kind, piece, read=self._record.read, spec=spec, latest_year=self._year)
                if reading.problem:
                    self._report(_Said(piece, said.column), reading.problem)
                if reading.value is not None:
                    found.append(reading.value)
        return found if kind in SEVERAL or spec.split else found[:1]


def _unusable(text: str) -> str | None:
    if any("\udc80" <= character <= "\udcff" for character in text):
        return "bytes that are not of the table's encoding: declare table.encoding"
    return "holds a NUL character" if "\x00" in text else None


def _pieces(text: str, separators: Sequence[str]) -> list[str]:
    if not separators:
        return [text]
    pattern = "|".join(map(re.escape, sorted(separators, key=len, reverse=True)))
    return [piece.strip() for piece in re.split(pattern, text, flags=re.IGNORECASE) if piece.strip()]
