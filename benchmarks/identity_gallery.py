"""Recordings that pieces are asked for, and recordings that only stand beside them."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from benchmarks.damaged_queries import SR, Sound, decoded
from encoders.build import IDENTITY_CARD, packaged_dir
from encoders.errors import EncoderError
from encoders.fingerprint import Fingerprint, Verdict, align, confirm, fingerprint
from encoders.packages import DEMO_MUSIC, fetch
from encoders.training.run_record import RunRecord

# A folder with one sub-folder of audio files per source; without it the demo's music alone.
MUSIC = "SAMESONG_BENCH_MUSIC"
TRACK_S = 60.0
# Most tracks taken of each source.
MOST = int(os.environ.get("SAMESONG_BENCH_TRACKS", "1000"))
_SUFFIXES = (".ogg", ".opus", ".mp3", ".flac", ".music")
_LEAST_S = 20.0
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One recording of the gallery.

    Attributes
    ----------
    source, name : str
    asked : bool
        whether pieces of it are asked for: no track of its source ever trained
    y : float16 [shape=(n,)]
        its first minute, mono at 22.05 kHz
    words : Fingerprint
        of the same
    """

    source: str
    name: str
    asked: bool
    y: NDArray[np.float16]
    words: Fingerprint

    def piece(self, begin_s: float, seconds: float) -> Sound:
        """Cut a piece."""
        first = int(begin_s * SR)
        return self.y[first : first + int(seconds * SR)].astype(np.float32)


def trained_sources() -> frozenset[str]:
    """Name the sources that trained the encoder which comes with the package."""
    return frozenset(RunRecord.load(packaged_dir() / f"{IDENTITY_CARD}.run.json").data["sources"])


def gallery() -> tuple[list[Track], list[str]]:
    """Read every recording once, those of sources that trained first.

    Returns
    -------
    tracks : list of Track
    left_out : list of str
        recordings that are in the gallery already, by their fingerprint: so nothing that trained is asked for
    """
    tracks: list[Track] = []
    left_out: list[str] = []
    for track in sorted(read_tracks(), key=lambda track: track.asked):
        twin = next((each for each in tracks if _same(each, track)), None)
        if twin is None:
            tracks.append(track)
        else:
            left_out.append(f"{track.source}/{track.name} = {twin.source}/{twin.name}")
    return tracks, left_out


def _same(left: Track, right: Track) -> bool:
    return confirm(align(left.words, right.words)) is Verdict.SAME


def read_tracks(most: int = MOST) -> Iterator[Track]:
    """Read the first minute of every recording, at most so many of each source."""
    folder = os.environ.get(MUSIC)
    trained = trained_sources()
    for source in sorted(Path(folder).iterdir()) if folder else ():
        paths = sorted(path for path in source.rglob("*") if path.suffix in _SUFFIXES)
        for path in _spread(paths, most):
            try:
                y = decoded(str(path), seconds=TRACK_S)
            except (OSError, ValueError, EncoderError):
                continue  # no sound in it, whatever its name
            if len(y) > _LEAST_S * SR:
                yield _track(source.name, path.stem, y, asked=source.name not in trained)
    with zipfile.ZipFile(fetch(DEMO_MUSIC)) as archive:
        for name in _spread(sorted(name for name in archive.namelist() if name.endswith(".opus")), most):
            with archive.open(name) as handle:
                y = decoded(handle, seconds=TRACK_S)
            yield _track(DEMO_MUSIC.name, Path(name).stem, y, asked=True)


def _spread(items: Sequence[_T], most: int) -> Sequence[_T]:
    return items[:: max(1, len(items) // most)][:most]


def _track(source: str, name: str, y: Sound, *, asked: bool) -> Track:
    return Track(source=source, name=name, asked=asked, y=y.astype(np.float16), words=fingerprint(y, SR))
