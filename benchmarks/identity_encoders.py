"""Which encoder finds a damaged piece of a recording: the packaged one, ours, and ours before training."""

import os
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from benchmarks.damaged_queries import DAMAGES, SHORT, SR, Sound, decoded
from benchmarks.machine import machine_facts, write_result
from encoders.build import build_models, default_models_dir
from encoders.identity import IdentityEncoder
from encoders.packages import DEMO_MUSIC, fetch
from encoders.trained import TrainedIdentity

# A folder with one sub-folder of audio files per source; without it the demo's music alone.
MUSIC = "SAMESONG_BENCH_MUSIC"
TRACK_S = 40.0
# Tracks taken of each source.
MOST = int(os.environ.get("SAMESONG_BENCH_TRACKS", "12"))
SUFFIXES = (".ogg", ".opus", ".mp3", ".flac")
_LEAST_S = 20.0


class Windows(Protocol):
    """What an identity encoder is asked."""

    def windows(self, y: Sound, sr: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Encode a signal: starts and vectors."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One recording of the gallery."""

    source: str
    name: str
    y: Sound


def tracks() -> Iterator[Track]:
    """Read every track once, whatever sources have it."""
    seen = set[str]()
    folder = os.environ.get(MUSIC)
    for source in sorted(Path(folder).iterdir()) if folder else ():
        paths = sorted(
            path for path in source.rglob("*") if path.suffix in SUFFIXES and path.stem not in seen
        )
        for path in paths[:: max(1, len(paths) // MOST)][:MOST]:
            seen.add(path.stem)
            yield Track(source=source.name, name=path.stem, y=decoded(str(path), seconds=TRACK_S))
    with zipfile.ZipFile(fetch(DEMO_MUSIC)) as archive:
        for name in sorted(name for name in archive.namelist() if name.endswith(".opus"))[:MOST]:
            with archive.open(name) as handle:
                yield Track(source=DEMO_MUSIC.name, name=Path(name).stem, y=decoded(handle, seconds=TRACK_S))


def queries(gallery: Sequence[Track], seconds: float, kind: str) -> Iterator[Sound]:
    """Cut a piece out of each track, at a place that goes with its number, and damage it."""
    for number, track in enumerate(gallery):
        rng = np.random.default_rng([int(seconds), number])
        begin = int(rng.uniform(0, len(track.y) - seconds * SR - 1))
        yield DAMAGES[kind](track.y[begin : begin + int(seconds * SR)], rng)


def found_first(encoders: Mapping[str, Windows], gallery: Sequence[Track]) -> Iterator[dict[str, Any]]:
    """Ask for every piece among the windows of all tracks: how often its own track comes first.

    Gives the figures so far after each kind of query.
    """
    figures: dict[str, Any] = {}
    shelves = {}
    for name, encoder in encoders.items():
        found = [encoder.windows(track.y, SR)[1] for track in gallery]
        owners = np.repeat(np.arange(len(found)), [len(vectors) for vectors in found])
        shelves[name] = np.concatenate(found), owners
        figures[name] = {"windows": len(owners)}
    for seconds, kinds in ((10.0, tuple(DAMAGES)), (3.0, SHORT)):
        for kind in kinds:
            right: dict[str, list[bool]] = {name: [] for name in encoders}
            for number, y in enumerate(queries(gallery, seconds, kind)):
                for name, encoder in encoders.items():
                    vectors, owners = shelves[name]
                    asked = encoder.windows(y, SR)[1][0]
                    right[name].append(int(owners[int(np.argmax(vectors @ asked))]) == number)
            for name, values in right.items():
                by_source: dict[str, list[bool]] = {}
                for track, value in zip(gallery, values, strict=True):
                    by_source.setdefault(track.source, []).append(value)
                figures[name][f"{seconds:g} s, {kind}"] = {
                    "top1": round(float(np.mean(values)), 4),
                    "by_source": {source: round(float(np.mean(own)), 3) for source, own in by_source.items()},
                }
            yield figures


def untrained(folder: Path) -> TrainedIdentity | None:
    """Make our network as it is before training; none without torch."""
    try:
        import torch

        from encoders.models.identity_net import IdentityNet
        from encoders.training.loop import save_weights
    except ImportError:
        return None
    from encoders.cards import Modality
    from encoders.export import export

    torch.manual_seed(0)
    save_weights(folder / "weights.npz", IdentityNet())
    export(Modality.IDENTITY, folder / "weights.npz", folder, version="0")
    return TrainedIdentity.load(folder)


def main() -> None:
    started = machine_facts()
    build_models(default_models_dir())
    gallery = [track for track in tracks() if len(track.y) > _LEAST_S * SR]
    counts = {s: sum(track.source == s for track in gallery) for s in {track.source for track in gallery}}
    figures: dict[str, Any] = {"tracks": len(gallery), "sources": dict(sorted(counts.items()))}
    with TemporaryDirectory(prefix="samesong-bench-") as name:
        encoders: dict[str, Windows] = {
            "soundnet-conv5": IdentityEncoder.load(default_models_dir()),
            "samesong-identity": TrainedIdentity.load(),
        }
        before = untrained(Path(name))
        if before is not None:
            encoders["untrained"] = before
        for found in found_first(encoders, gallery):
            write_result(
                "identity_encoders",
                f"a damaged piece of each track, among the windows of all tracks of up to {TRACK_S:g} s; "
                "none of these sources trains",
                figures | found,
                started=started,
            )


if __name__ == "__main__":
    main()
