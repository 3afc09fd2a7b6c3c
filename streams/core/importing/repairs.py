"""Rows that have slipped, put right only where what stands in them leaves one way to do it.

Cells with a form of their own (durations, dates, identifiers) show where a row has slipped; a cell of text
says nothing of its place.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from streams.core.importing.dates import read_date
from streams.core.importing.durations import read_duration
from streams.core.importing.genres import GENRES_AT_THE_END
from streams.core.importing.held_names import HeldNames
from streams.core.importing.mapping import NAMED_BY_THE_TABLE, Stray
from streams.core.titles.slipped import RIGHTS

Cells = tuple[str, ...]
Fits = Callable[[str], bool]
MOST_SHIFTED = 2
"""A row with more cells too many than this is refused: too many ways are left."""


def swap_back(
    cells: Cells, *, anchors: Mapping[int, Fits], says: Mapping[int, Fits], texts: Sequence[int]
) -> tuple[Cells, tuple[int, int]] | None:
    """Put two cells back that have changed places.

    Parameters
    ----------
    cells : tuple of str
    anchors : mapping
        position to whether a text can stand there; for columns with a form of their own
    says : mapping
        position to whether a text is plainly of that form, in whatever column
    texts : sequence of int
        columns of free text

    Returns
    -------
    tuple or None
        the cells and both positions; None where nothing has to be, or nothing can be put right
    """
    for place, fits in anchors.items():
        if fits(cells[place]):
            continue
        found = [other for other in texts if says[place](cells[other])]
        # "2005" may be a length and a year; the "4:05" that stands for the year is a length and nothing else.
        found += [
            other
            for other, fits_other in says.items()
            if other != place and fits_other(cells[place]) and fits(cells[other])
        ]
        if len(found) == 1:
            swapped = list(cells)
            swapped[place], swapped[found[0]] = cells[found[0]], cells[place]
            return tuple(swapped), (place, found[0])
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """What is known of the columns of a table.

    Attributes
    ----------
    width : int
    anchors : mapping
        position to whether a text can stand there; for columns with a form of their own
    needed : frozenset of int
        columns that are never empty
    is_null : callable
        whether a text is a word for nothing
    delimiter : str
    """

    width: int
    anchors: Mapping[int, Fits]
    needed: frozenset[int]
    is_null: Fits
    delimiter: str

    def fit(self, cells: Cells) -> bool:
        """Say whether every cell with a form of its own can be read, and none that is needed is empty."""
        return all(fits(cells[place]) for place, fits in self.anchors.items()) and not any(
            self.is_null(cells[place]) for place in self.needed
        )

    def saying(self, cells: Cells) -> int:
        """Count the cells with a form of their own that say something."""
        return sum(not self.is_null(cells[place]) for place in self.anchors)


def shift_back(cells: Cells, columns: Columns) -> tuple[Cells, tuple[int, ...]] | None:
    """Put back the cells after one that was left out, is too many, or was cut in two by its own delimiter.

    Of all ways to do it, those count in which every cell with a form of its own can be read, and more of them
    say something than as the row stands. What these ways have in common is taken; the rest is doubtful.

    Parameters
    ----------
    cells : tuple of str
        at least as many as there are columns
    columns : Columns

    Returns
    -------
    tuple or None
        the cells, doubtful ones empty, and the positions of the doubtful; None where nothing has to be
        or can be put right
    """
    cut = cells[: columns.width]
    if not columns.anchors or (len(cells) == columns.width and columns.fit(cells)):
        return None
    as_it_stands = columns.saying(cut) if columns.fit(cut) else 0
    ways = [way for way in _ways(cells, columns) if columns.fit(way.cells)]
    most = max((columns.saying(way.cells) for way in ways), default=0)
    if most <= as_it_stands:
        return None
    best = [way for way in ways if columns.saying(way.cells) == most]
    best = [way for way in best if way.plain] or best
    doubtful = tuple(place for place in range(columns.width) if len({way.cells[place] for way in best}) > 1)
    return tuple("" if n in doubtful else cell for n, cell in enumerate(best[0].cells)), doubtful


class _Way(NamedTuple):
    """A row as it may have been, and whether the row itself shows where it slipped."""

    cells: Cells
    plain: bool


def _ways(cells: Cells, columns: Columns) -> Iterator[_Way]:
    """Give every row of the right width that this one may have been."""
    surplus = len(cells) - columns.width
    if surplus > MOST_SHIFTED:
        return
    for at in range(columns.width):
        if surplus:
            joined = columns.delimiter.join(cells[at : at + surplus + 1])
            # A space after the delimiter is how people write, not how programs do.
            spaced = joined.count(f"{columns.delimiter} ") == surplus
            yield _Way((*cells[:at], joined, *cells[at + surplus + 1 :]), spaced)
            if not any(cell.strip() for cell in cells[at : at + surplus]):
                yield _Way((*cells[:at], *cells[at + surplus :]), True)
        elif not cells[at].strip():  # one too many: what follows moved to the back
            yield _Way((*cells[:at], *cells[at + 1 :], ""), True)
        elif not cells[-1].strip():  # one was left out: what follows moved to the front
            yield _Way((*cells[:at], "", *cells[at:-1]), False)


_ENDS = {
    Stray.duration: re.compile(r"(?:\d+:)?\d{1,3}:\d{2}$"),
    Stray.date: re.compile(
        r"(?:\d{4}-\d{2}-\d{2}|\d{1,2}[- ][^\W\d]{3,9}[- ]\d{2,4}|[^\W\d]{3,9} \d{1,2} ?, ?\d{4})$"
    ),
    Stray.price: re.compile(r"[$€£¥]\s*\d+(?:[.,]\d{1,2})?$"),
    Stray.rights: re.compile(rf"(?:{RIGHTS}).*$"),
    Stray.genre: GENRES_AT_THE_END,
}


def take_strays(
    text: str, kinds: Sequence[Stray], *, latest_year: int, names: HeldNames
) -> tuple[str, dict[Stray, str]]:
    """Take what has slipped to the end of a text; what is left is never empty.

    Parameters
    ----------
    text : str
    kinds : sequence of Stray
        tried in this order, each until none is left
    latest_year : int
    names : HeldNames
        of the table

    Returns
    -------
    tuple
        the text without them, and the first of each kind that was found, from the end
    """
    taken: dict[Stray, str] = {}
    while True:
        for kind in kinds:
            found = _at_the_end(text, kind, latest_year=latest_year, names=names)
            left = text.removesuffix(found).rstrip() if found else ""
            if found is None or kind in taken or not left or not text[-len(found) - 1].isspace():
                continue
            taken[kind], text = found, left
            break
        else:
            break
    # An album of no other row is known by the artist before it.
    if Stray.album in kinds and Stray.artist in kinds and not taken.keys() & NAMED_BY_THE_TABLE:
        found_within = names.artist_within(text)
        if found_within is not None:
            text, taken[Stray.artist], taken[Stray.album] = found_within
    return text, taken


def _at_the_end(text: str, kind: Stray, *, latest_year: int, names: HeldNames) -> str | None:
    if kind in NAMED_BY_THE_TABLE:
        return names.at_the_end(kind, text)
    match = _ENDS[kind].search(text)
    if match is None:
        return None
    found = match.group()
    if kind is Stray.duration and read_duration(found).value is None:
        return None
    if kind is Stray.date and read_date(found, latest_year=latest_year).value is None:
        return None
    return found
