"""Sounds of a folder of music, decoded once and kept outside of the repository."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from platformdirs import user_cache_path

from benchmarks.damaged_queries import SR, decoded
from encoders.errors import EncoderError
from encoders.packages import DEMO_MUSIC, fetch

# A folder with one sub-folder of audio files per source; without it the demo's music alone.
MUSIC = "SAMESONG_BENCH_MUSIC"
# Where decoded sounds are kept, 16 bits a sample.
CACHE = "SAMESONG_BENCH_CACHE"
# Most tracks taken of each source.
MOST = int(os.environ.get("SAMESONG_BENCH_TRACKS", "1000"))
_SUFFIXES = (".ogg", ".opus", ".mp3", ".flac", ".music")
_LEAST_S = 20.0
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodedSound:
    """The beginning of one recording: float16 [shape=(n,)], mono at 22.05 kHz, mapped from a file."""

    source: str
    name: str
    y: NDArray[np.float16]


def decoded_sounds(seconds: float, most: int = MOST) -> Iterator[DecodedSound]:
    """Read the first seconds of every recording of 20 s and more, at most so many of each source."""
    folder = os.environ.get(MUSIC)
    for source in sorted(Path(folder).iterdir()) if folder else ():
        paths = sorted(path for path in source.rglob("*") if path.suffix in _SUFFIXES)
        for path in _spread(paths, most):
            facts = path.stat()
            key = (str(path), facts.st_size, facts.st_mtime_ns, seconds)
            try:
                y = _kept(key, str(path), seconds)
            except (OSError, ValueError, EncoderError):
                continue  # no sound in it, whatever its name
            if len(y) > _LEAST_S * SR:
                yield DecodedSound(source=source.name, name=path.stem, y=y)
    with zipfile.ZipFile(fetch(DEMO_MUSIC)) as archive:
        for name in _spread(sorted(name for name in archive.namelist() if name.endswith(".opus")), most):
            with archive.open(name) as handle:
                y = _kept((DEMO_MUSIC.sha256, name, seconds), handle, seconds)
            yield DecodedSound(source=DEMO_MUSIC.name, name=Path(name).stem, y=y)


def _kept(key: tuple[Any, ...], source: Any, seconds: float) -> NDArray[np.float16]:
    """Decode what was not decoded before."""
    folder = Path(os.environ.get(CACHE) or user_cache_path("samesong") / "bench-sounds")
    path = folder / f"{hashlib.sha256(repr(key).encode()).hexdigest()[:32]}.npy"
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".part.npy")
        np.save(unfinished, decoded(source, seconds=seconds).astype(np.float16))
        unfinished.replace(path)
    y: NDArray[np.float16] = np.load(path, mmap_mode="r", allow_pickle=False)
    return y


def _spread(items: Sequence[_T], most: int) -> Sequence[_T]:
    return items[:: max(1, len(items) // most)][:most]
