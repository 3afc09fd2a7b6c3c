"""Works of two classical libraries whose descriptions are nearly the same: every pair of them is compared."""

from pathlib import Path
from typing import Any

import orjson

from streams.core.records import AlternativeTitle, Artist, SourceKind, Upload
from streams.evaluation.labelled import LabelledPair, LabelledPairs
from streams.evaluation.sets.tables import rows_of

# Genres of the IAML list that stand for a title where a library gives none.
_GENRES = {
    "sn": "Sonata", "co": "Concerto", "qt": "Quartet", "qua": "Quartet", "sy": "Symphony", "st": "Suite",
    "mld": "Mélodie", "zz": "Piece", "tr": "Trio", "vr": "Variations", "op": "Opera",
}  # fmt: skip
# Of its list of instruments, those that stand for a title as well.
_INSTRUMENTS = {"kpf": "piano", "svl": "violin", "svc": "cello", "oun": "orchestra"}
_NOTES = {"a": "A", "b": "B", "c": "C", "d": "D", "e": "E", "f": "F", "g": "G"}


def doremus(data: Path) -> LabelledPairs:
    """Read both libraries; the truth is one to one."""
    folder = data / "doremus-classical-works"
    truth = {(row["source"], row["target"]) for row in rows_of(folder / "matches.csv")}
    left, right = (_works(folder / f"{name}.jsonl", name) for name in ("source", "target"))
    pairs = [
        LabelledPair(
            left=one,
            right=other,
            label=(left_id, right_id) in truth,
            left_group=left_id,
            right_group=right_id,
        )
        for left_id, one in left.items()
        for right_id, other in right.items()
    ]
    return LabelledPairs(name="doremus-classical-works", level="work", pairs=tuple(pairs))


def _works(path: Path, source: str) -> dict[str, Upload]:
    found = {}
    for line in path.read_bytes().splitlines():
        work = orjson.loads(line)
        titles = work.get("P102_has_title") or [_named_by_genre(work)]
        told = [_with_numbers(title, work) for title in titles]
        found[work["id"]] = Upload(
            source=source,
            item_id=work["id"],
            source_kind=SourceKind.reference_db,
            title=told[0],
            alternative_titles=tuple(AlternativeTitle(text=title) for title in told[1:]),
            # The libraries name composers by a number that both use: here a name of one word.
            artists=tuple(
                Artist(name=f"composer{creator.rpartition('/')[2].replace('-', '')}", role="composer")
                for creator in work.get("creator_id", ())
            ),
        )
    return found


def _named_by_genre(work: dict[str, Any]) -> str:
    """Name a work without a title as libraries do: "Concerto, violin, orchestra"."""
    genres, media = (
        [code.rpartition("/")[2] for code in work.get(name, ())]
        for name in ("U12_has_genre", "U2_foresees_use_of_medium_of_performance_of_type")
    )
    genre = next((_GENRES[code] for code in genres if code in _GENRES), "Piece")
    instruments = [name for code, name in _INSTRUMENTS.items() if code in media]
    return ", ".join([genre, *instruments])


def _with_numbers(title: str, work: dict[str, Any]) -> str:
    """Write key, number, opus and catalogue number into a title."""

    def first(name: str) -> str | None:
        values = work.get(name)
        return str(values[0]) if values else None

    parts = [title]
    if (number := first("U10_has_order_number")) and f"no {number}" not in title.casefold():
        parts.append(f"No. {number}")
    if key := first("U11_has_key"):
        code = key.rpartition("/")[2]
        parts.append(f"{_NOTES.get(code[:1], code)} {'minor' if code.endswith('m') else 'major'}")
    if opus := first("U42_has_opus_number"):
        sub = first("U43_has_opus_subnumber")
        parts.append(f"Op. {opus}" + (f" No. {sub}" if sub else ""))
    if (name := first("U40_has_catalogue_name")) and (number := first("U41_has_catalogue_number")):
        parts.append(f"{name} {number}")
    return ", ".join(parts)
