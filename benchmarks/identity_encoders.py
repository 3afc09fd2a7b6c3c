"""Which encoder finds a damaged piece of a recording, and what is decided: SoundNet, ours, ours untrained."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from benchmarks.damaged_queries import DAMAGES, SHORT, SR, Sound
from benchmarks.identity_decisions import CONFIRMED, Decisions, best_wrong, compared, kin, related
from benchmarks.identity_gallery import TRACK_S, Track, features_of, gallery
from benchmarks.identity_lengths import by_length
from benchmarks.machine import machine_facts, write_result
from benchmarks.soundnet import SoundNet
from encoders.build import packaged_dir
from encoders.identity import IdentityEncoder
from streams.core.acceptance import BestWrong

# Pieces of each track that are asked for as if the track were not there.
ABSENT = 21
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
    def of(cls, found: Sequence[NDArray[np.float32]]) -> "Shelf":
        """Put the windows of every track on a shelf."""
        owners = np.repeat(np.arange(len(found)), [len(vectors) for vectors in found])
        return cls(vectors=np.concatenate(found), owners=owners, tracks=len(found))

    def nearest(self, vector: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Rank tracks by their nearest window; with its cosine."""
        best = np.full(self.tracks, -1.0, dtype=np.float32)
        np.maximum.at(best, self.owners, self.vectors @ vector)
        order = np.argsort(-best, kind="stable")
        return order, best[order]


@dataclass(slots=True, kw_only=True)
class Answers:
    """Which track came first for the pieces of one kind, and how near the right window was."""

    first: list[bool] = field(default_factory=list)
    cosines: list[float] = field(default_factory=list)

    def add(self, order: NDArray[np.int64], cosines: NDArray[np.float32], number: int) -> None:
        """Count one piece."""
        self.first.append(int(order[0]) == number)
        self.cosines.append(float(cosines[int(np.flatnonzero(order == number)[0])]))

    def figures(self) -> dict[str, Any]:
        """Give the rate."""
        return {
            "top1": round(float(np.mean(self.first)), 4),
            "cosine_of_the_right_p1_p50": [round(float(np.percentile(self.cosines, q)), 3) for q in (1, 50)],
        }


def by_source(sources: Sequence[str], values: Sequence[bool]) -> dict[str, float]:
    """Give a rate for each source."""
    parts: dict[str, list[bool]] = {}
    for source, value in zip(sources, values, strict=True):
        parts.setdefault(source, []).append(value)
    return {source: round(float(np.mean(own)), 3) for source, own in parts.items()}


def asked_for(tracks: Sequence[Track], seconds: float, kind: str) -> Iterator[tuple[int, Sound]]:
    """Cut a piece out of each track at a place that goes with its number, and damage it."""
    for number, track in enumerate(tracks):
        if track.asked:
            rng = np.random.default_rng([int(seconds), number])
            begin = rng.uniform(0, len(track.y) / SR - seconds - 0.01)
            yield number, DAMAGES[kind](track.piece(begin, seconds), rng)


PIECES = [(_WHOLE_S, kind) for kind in DAMAGES] + [(_SHORT_S, kind) for kind in SHORT]


def found(
    own: IdentityEncoder, shelf: Shelf, tracks: Sequence[Track]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Ask for every piece and decide; gives the figures of each kind."""
    sources = [track.source for track in tracks if track.asked]
    for seconds, kind in PIECES:
        answers, decisions = Answers(), Decisions(kind=kind, tracks=tracks)
        for number, y in asked_for(tracks, seconds, kind):
            piece = features_of(y, own)
            order, cosines = shelf.nearest(piece.windows[0])
            answers.add(order, cosines, number)
            # Nothing under 5 s is confirmed: shorter pieces are only looked for.
            if seconds == _WHOLE_S:
                decisions.add(compared(piece, order[:CONFIRMED].tolist(), tracks), number)
        told = answers.figures() | {"top1_by_source": by_source(sources, answers.first)}
        if decisions.right:
            told |= decisions.figures()
            told["decided_right_by_source"] = by_source(sources, decisions.right)
        yield f"{seconds:g} s, {kind}", told


def ranked(encoder: Windows, shelf: Shelf, tracks: Sequence[Track]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Ask another encoder for the same pieces; nothing is decided."""
    for seconds, kind in PIECES:
        answers = Answers()
        for number, y in asked_for(tracks, seconds, kind):
            answers.add(*shelf.nearest(encoder.windows(y, SR)[1][0]), number)
        yield f"{seconds:g} s, {kind}", answers.figures()


def absent(encoder: IdentityEncoder, shelf: Shelf, tracks: Sequence[Track]) -> dict[str, Any]:
    """Ask for pieces whose track is taken away: whatever is taken for the same sound then is wrong.

    How well the best wrong track agrees is fitted: the section ``sound`` of a bundle.
    """
    false: list[str] = []
    shared: list[str] = []
    nearest, agreements, worths = [], [], []
    for number, track in enumerate(tracks):
        rng = np.random.default_rng([77, number])
        others = np.array([each is not track and not kin(track, each) for each in tracks])
        for _ in range(ABSENT if track.asked else 0):
            y = track.piece(rng.uniform(0, len(track.y) / SR - _WHOLE_S - 0.01), _WHOLE_S)
            piece = features_of(y, encoder)
            order, cosines = shelf.nearest(piece.windows[0])
            wrong = others[order]
            nearest.append(float(cosines[wrong][0]))
            said = compared(piece, order[wrong][:CONFIRMED].tolist(), tracks)
            agreements.append(max(each.agreement for each in said))
            worths.append(max(each.worth for each in said))
            for each in related(said):
                other = tracks[each.track]
                told = f"{track.source}/{track.name} {each.heard.relation} {other.source}/{other.name}"
                (shared if each.heard.level == "shares" else false).append(told)
    return {
        "queries": len(nearest),
        "false_matches": len(false),
        "said": false[:20],
        "material_shared": len(shared),
        "said_to_share": shared[:20],
        "nearest_cosine_p50_p99_max": [round(float(np.percentile(nearest, q)), 3) for q in (50, 99, 100)],
        "best_wrong_agreement_p50_p99_max": [
            round(float(np.percentile(agreements, q)), 3) for q in (50, 99, 100)
        ],
        "best_wrong_log_odds_p99_max": [round(float(np.percentile(worths, q)), 1) for q in (99, 100)],
        "sound": {
            "agreement": asdict(best_wrong(agreements, len(tracks))),
            # Most pairs have nothing in common: the tail alone is fitted.
            "spans": asdict(best_wrong([worth for worth in worths if worth > 0.0], len(tracks))),
        },
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
    own = IdentityEncoder.load(packaged_dir())
    tracks, left_out = gallery(own)
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
    shelf = Shelf.of([track.features.windows for track in tracks])
    figures[_OWN] = {"windows": len(shelf.owners)}

    def write() -> None:
        write_result(
            "identity_encoders",
            "a damaged piece of each track of a source that never trained, among the windows of the first "
            f"{TRACK_S:g} s of all tracks; the {CONFIRMED} nearest are compared as find does it. Absent: "
            f"{ABSENT} pieces of each, its own track taken away",
            figures,
            started=started,
        )

    for label, told in found(own, shelf, tracks):
        figures[_OWN][label] = told
        write()
    figures["absent"] = absent(own, shelf, tracks)
    write()
    fitted = BestWrong(**figures["absent"]["sound"]["agreement"])
    figures["absent, by length"] = by_length(own, shelf.nearest, tracks, fitted=fitted)
    write()
    with TemporaryDirectory(prefix="samesong-bench-") as name:
        others: dict[str, Windows] = {"soundnet-conv5": SoundNet(Path(name))}
        before = untrained(Path(name))
        if before is not None:
            others["untrained"] = before
        for title, encoder in others.items():
            whole = [encoder.windows(track.y.astype(np.float32), SR)[1] for track in tracks]
            figures[title] = dict(ranked(encoder, Shelf.of(whole), tracks))
            write()


if __name__ == "__main__":
    main()
