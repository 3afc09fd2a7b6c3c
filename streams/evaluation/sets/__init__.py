"""The labelled sets: what each needs, how it is read, and what its labels mean."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from streams.evaluation.golden.catalogue import NAME, golden_catalogue
from streams.evaluation.labelled import LabelledSet
from streams.evaluation.sets.doremus import doremus
from streams.evaluation.sets.pairs import itunes, salami, shs_hard, youtube_shs
from streams.evaluation.sets.streams import atepp, harmonix, musicbrainz, shs


@dataclass(frozen=True, slots=True, kw_only=True)
class SetSource:
    """Where a labelled set comes from.

    Attributes
    ----------
    name : str
    needs : tuple of str
        files below the data folder; none: it is made, not read
    orders : int
        random orders that a full run of a stream takes
    """

    name: str
    needs: tuple[str, ...]
    read: Callable[[Path], LabelledSet]
    orders: int = 0

    def absent(self, data: Path | None) -> str | None:
        """Say what is missing, if anything."""
        if not self.needs:
            return None
        if data is None:
            return "no folder of labelled data was named (--data)"
        missing = [name for name in self.needs if not (data / name).is_file()]
        return f"{data} lacks {', '.join(missing)}" if missing else None


def _golden(_data: Path) -> LabelledSet:
    return golden_catalogue()


_ITUNES = tuple(
    f"itunes-amazon/{form}.{part}.csv" for form in ("structured", "dirty") for part in ("train", "valid")
)
_DOREMUS = tuple(
    f"doremus-classical-works/{name}" for name in ("source.jsonl", "target.jsonl", "matches.csv")
)

SETS: Final = (
    SetSource(name=NAME, needs=(), read=_golden),
    SetSource(
        name="musicbrainz-20k", needs=("musicbrainz-20k/dev.csv.gz",), read=musicbrainz, orders=10
    ),
    SetSource(name="itunes-amazon-structured", needs=_ITUNES, read=partial(itunes, form="structured")),
    SetSource(name="itunes-amazon-dirty", needs=_ITUNES, read=partial(itunes, form="dirty")),
    SetSource(name="salami-youtube", needs=("salami-youtube/dev.jsonl.gz",), read=salami),
    SetSource(name="youtube-shs-pairs", needs=("youtube-shs-pairs/dev.csv.gz",), read=youtube_shs),
    SetSource(name="shs-hard-pairs", needs=("shs100k2-works/dev.csv.gz",), read=shs_hard),
    SetSource(name="shs100k2-works", needs=("shs100k2-works/dev.csv.gz",), read=shs),
    SetSource(
        name="atepp-classical-tracks", needs=("atepp-classical-tracks/dev.csv.gz",), read=atepp
    ),
    SetSource(
        name="doremus-classical-works",
        needs=_DOREMUS,
        read=doremus,
    ),
    SetSource(name="harmonix-catalogue", needs=("harmonix-catalogue/metadata.csv",), read=harmonix),
)  # fmt: skip
