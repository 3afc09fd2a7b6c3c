"""Which encoder finds a damaged piece of a recording, and what is decided: SoundNet, ours, ours untrained."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from benchmarks.damaged_queries import DAMAGES, SHORT, SR, Sound
from benchmarks.identity_gallery import TRACK_S, Track, gallery
from benchmarks.machine import machine_facts, write_result
from benchmarks.soundnet import SoundNet
from encoders.build import packaged_dir
from encoders.fingerprint import Fingerprint, Verdict, align, confirm, fingerprint
from encoders.identity import IdentityEncoder

# Tracks whose sound is compared with a piece: those with the nearest windows.
CONFIRMED = 5
# Pieces of each track that are asked for as if the track were not there.
ABSENT = 20
_OWN = "samesong-identity"
_SHORT_S, _WHOLE_S = 3.0, 10.0


class Windows(Protocol):
    """What an identity encoder is asked."""

    def windows(self, y: Sound, sr: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Encode a signal: starts and vectors."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """The windows of all tracks by one encoder."""

    vectors: NDArray[np.float32]
    owners: NDArray[np.int64]
    tracks: int

    @classmethod
    def of(cls, encoder: Windows, tracks: Sequence[Track]) -> "Shelf":
        """Encode every track."""
        found = [encoder.windows(track.y.astype(np.float32), SR)[1] for track in tracks]
        owners = np.repeat(np.arange(len(found)), [len(vectors) for vectors in found])
        return cls(vectors=np.concatenate(found), owners=owners, tracks=len(tracks))

    def nearest(self, vector: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Rank tracks by their nearest window; with its cosine."""
        best = np.full(self.tracks, -1.0, dtype=np.float32)
        np.maximum.at(best, self.owners, self.vectors @ vector)
        order = np.argsort(-best, kind="stable")
        return order, best[order]


@dataclass(slots=True, kw_only=True)
class Answers:
    """What became of the pieces of one kind."""

    first: list[bool] = field(default_factory=list)
    decided: list[bool] = field(default_factory=list)
    wrong: int = 0
    cosines: list[float] = field(default_factory=list)

    def figures(self, sources: Sequence[str]) -> dict[str, Any]:
        """Give rates, the first by source too, and how near the right window was."""
        by_source: dict[str, list[bool]] = {}
        for source, value in zip(sources, self.first, strict=True):
            by_source.setdefault(source, []).append(value)
        return {
            "top1": round(float(np.mean(self.first)), 4),
            "decided_right": round(float(np.mean(self.decided)), 4),
            "decided_wrong": self.wrong,
            "cosine_of_the_right_p1_p50": [round(float(np.percentile(self.cosines, q)), 3) for q in (1, 50)],
            "top1_by_source": {source: round(float(np.mean(own)), 3) for source, own in by_source.items()},
        }


def decision(
    words: Fingerprint, candidates: NDArray[np.int64], tracks: Sequence[Track]
) -> tuple[int | None, float]:
    """Decide by the fingerprint among the nearest tracks; none where it confirms none."""
    best: tuple[int | None, float] = (None, 1.0)
    for number in candidates[:CONFIRMED]:
        match = align(tracks[int(number)].words, words)
        if confirm(match) is Verdict.SAME and match.bit_error < best[1]:
            best = int(number), match.bit_error
    return best


def asked_for(tracks: Sequence[Track], seconds: float, kind: str) -> Iterator[tuple[int, Sound]]:
    """Cut a piece out of each track at a place that goes with its number, and damage it."""
    for number, track in enumerate(tracks):
        if track.asked:
            rng = np.random.default_rng([int(seconds), number])
            begin = rng.uniform(0, len(track.y) / SR - seconds - 0.01)
            yield number, DAMAGES[kind](track.piece(begin, seconds), rng)


def found(
    encoders: Mapping[str, Windows], shelves: Mapping[str, Shelf], tracks: Sequence[Track]
) -> Iterator[dict[str, Any]]:
    """Ask for every piece; gives the figures so far after each kind."""
    figures: dict[str, Any] = {name: {"windows": len(shelf.owners)} for name, shelf in shelves.items()}
    sources = [track.source for track in tracks if track.asked]
    for seconds, kinds in ((_WHOLE_S, tuple(DAMAGES)), (_SHORT_S, SHORT)):
        for kind in kinds:
            answers = {name: Answers() for name in encoders}
            for number, y in asked_for(tracks, seconds, kind):
                words = fingerprint(y, SR)
                for name, encoder in encoders.items():
                    order, cosines = shelves[name].nearest(encoder.windows(y, SR)[1][0])
                    decided, _ = decision(words, order, tracks)
                    mine = answers[name]
                    mine.first.append(int(order[0]) == number)
                    mine.decided.append(decided == number)
                    mine.wrong += decided not in {None, number}
                    mine.cosines.append(float(cosines[int(np.flatnonzero(order == number)[0])]))
            for name, mine in answers.items():
                figures[name][f"{seconds:g} s, {kind}"] = mine.figures(sources)
            yield figures


def absent(encoder: Windows, shelf: Shelf, tracks: Sequence[Track]) -> dict[str, Any]:
    """Ask for pieces whose track is taken away: whatever is decided then is wrong."""
    false, nearest = [], []
    for number, track in enumerate(tracks):
        rng = np.random.default_rng([77, number])
        for _ in range(ABSENT if track.asked else 0):
            y = track.piece(rng.uniform(0, len(track.y) / SR - _WHOLE_S - 0.01), _WHOLE_S)
            order, cosines = shelf.nearest(encoder.windows(y, SR)[1][0])
            others = order != number
            nearest.append(float(cosines[others][0]))
            decided, error = decision(fingerprint(y, SR), order[others], tracks)
            if decided is not None:
                other = tracks[decided]
                false.append(f"{track.source}/{track.name} = {other.source}/{other.name}, {error:.3f}")
    return {
        "queries": len(nearest),
        "false_matches": len(false),
        "said": false[:20],
        "nearest_cosine_p50_p99_max": [round(float(np.percentile(nearest, q)), 3) for q in (50, 99, 100)],
    }


def untrained(folder: Path) -> IdentityEncoder | None:
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
    return IdentityEncoder.load(folder)


def main() -> None:
    started = machine_facts()
    tracks, left_out = gallery()
    counts: dict[str, int] = {}
    for track in tracks:
        counts[track.source] = counts.get(track.source, 0) + 1
    figures: dict[str, Any] = {
        "tracks": len(tracks),
        "asked_for": sum(track.asked for track in tracks),
        "sources": counts,
        "sources_asked_for": sorted({track.source for track in tracks if track.asked}),
        "left_out_as_the_same_recording": left_out,
    }
    with TemporaryDirectory(prefix="samesong-bench-") as name:
        encoders: dict[str, Windows] = {
            _OWN: IdentityEncoder.load(packaged_dir()),
            "soundnet-conv5": SoundNet(Path(name)),
        }
        before = untrained(Path(name))
        if before is not None:
            encoders["untrained"] = before
        shelves = {label: Shelf.of(encoder, tracks) for label, encoder in encoders.items()}
        figures["absent"] = absent(encoders[_OWN], shelves[_OWN], tracks)
        for each in found(encoders, shelves, tracks):
            write_result(
                "identity_encoders",
                "a damaged piece of each track of a source that never trained, among the windows of the "
                f"first {TRACK_S:g} s of all tracks; the fingerprint decides among the {CONFIRMED} nearest. "
                f"Absent: {ABSENT} pieces of each, its own track taken away",
                figures | each,
                started=started,
            )


if __name__ == "__main__":
    main()
