"""How the views of a recording are weighed: what differs between performances of one work counts less.

Works are played through soundfonts and heard as recordings are. The average of all performances is taken away
from each view, which strangers share most; then the directions in which performances of one work differ are
shortened. Nothing here needs torch.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from encoders.evaluation.metrics import mean_average_precision
from encoders.features.audio import FloatArray, resample
from encoders.features.cqt import cqt_magnitude
from encoders.features.semitones import SEMITONES, semitone_frames
from encoders.runtime import unit_rows
from encoders.trained import TrainedVersion
from encoders.training.arranging import performance
from encoders.training.composing import harmonised, invented
from encoders.training.playing import SAMPLE_RATE, Player
from encoders.training.run_record import RunRecord, commit_of
from encoders.training.works import Work, digest_of
from encoders.work import parts_of

_SECONDS: Final = 110.0
_BEATS: Final = 200.0
# Invented works that the network was not trained on begin here; those that it is measured on, at 1 << 30.
_FIRST_INVENTED: Final = 900_000


@dataclass(frozen=True, slots=True, kw_only=True)
class WeighingConfig:
    """What a fit is like.

    Attributes
    ----------
    seed : int
    works : int
        half of them given, as long as there are any, the others invented
    performances : int
        of each work
    held_out : float
        share of the works that is kept apart to measure
    second : float
        weight of the chord steps; the network's view has 1. Shortened they are then about as long as that
    both : bool
        whether directions of the network's view are shortened as well, and its average is taken away
    directions : int
        that are shortened, at most
    floor : float
        what is added to each variance, in units of the average one: how far noise is trusted
    """

    seed: int = 1
    works: int = 160
    performances: int = 3
    held_out: float = 0.1
    second: float = 2.2
    both: bool = False
    directions: int = 256
    floor: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Weighing:
    """What is learned.

    Attributes
    ----------
    centre : float32 [shape=(d,)]
        taken away
    scale : float32 [shape=(2,)]
        of each view once it is of unit length again
    split : int
        where the second view begins
    directions : float32 [shape=(k, d)]
        of unit length, at right angles
    gains : float32 [shape=(k,)]
        what is added along each direction, below 0
    """

    centre: FloatArray
    scale: FloatArray
    split: int
    directions: FloatArray
    gains: FloatArray

    def apply(self, parts: FloatArray) -> FloatArray:
        """Weigh: float32 [shape=(n, d)], not of unit length."""
        x = self._scaled(parts)
        return np.asarray(x + ((x @ self.directions.T) * self.gains) @ self.directions, dtype=np.float32)

    def arrays(self) -> dict[str, FloatArray]:
        """Give what `encoders.export.export_weighing` writes."""
        return {
            "centre": self.centre,
            "scale": self.scale,
            "split": np.array(self.split, dtype=np.float32),
            "directions": self.directions,
            "gains": self.gains,
        }

    def _scaled(self, parts: FloatArray) -> FloatArray:
        apart = parts - self.centre
        both = [unit_rows(apart[:, : self.split]), unit_rows(apart[:, self.split :])]
        return np.concatenate([view * factor for view, factor in zip(both, self.scale, strict=True)], axis=1)

    @classmethod
    def fitted(
        cls, parts: FloatArray, labels: NDArray[np.int64], *, split: int, config: WeighingConfig
    ) -> Weighing:
        """Learn from performances.

        Parameters
        ----------
        parts : float32 [shape=(n, d)]
            `encoders.work.parts_of`
        labels : int [shape=(n,)]
            the work of each; every work several times
        split : int
            where the second view begins
        config : WeighingConfig
        """
        dimension = parts.shape[1]
        if not config.both:
            parts = np.concatenate([np.zeros_like(parts[:, :split]), parts[:, split:]], axis=1)
        plain = cls(
            centre=parts.mean(axis=0).astype(np.float32),
            scale=np.array([1.0, config.second], dtype=np.float32),
            split=split,
            directions=np.zeros((1, dimension), dtype=np.float32),
            gains=np.zeros(1, dtype=np.float32),
        )
        x = plain._scaled(parts).astype(np.float64)
        apart = np.concatenate(
            [x[labels == label] - x[labels == label].mean(0) for label in np.unique(labels)]
        )
        _, lengths, directions = np.linalg.svd(apart, full_matrices=False)
        variance = lengths**2 / len(apart)
        floor = config.floor * variance.sum() / dimension
        kept = slice(0, config.directions)
        return cls(
            centre=plain.centre,
            scale=plain.scale,
            split=split,
            directions=directions[kept].astype(np.float32),
            gains=(1.0 / np.sqrt(variance[kept] / floor + 1.0) - 1.0).astype(np.float32),
        )


def fit_weighing(
    works: Sequence[Work],
    players: Sequence[Player],
    network: TrainedVersion,
    *,
    config: WeighingConfig,
    folder: Path,
    progress: Callable[[str], None],
) -> tuple[Weighing, RunRecord]:
    """Play, hear and fit.

    Parameters
    ----------
    works : sequence of Work
        given ones; never those that are measured on
    players : sequence of Player
        performances take turns
    network : TrainedVersion
    config : WeighingConfig
    folder : Path
        keeps what was heard of each work, so that a run that is begun again goes on
    progress : callable

    Returns
    -------
    weighing : Weighing
    record : RunRecord
        its score is the mean average precision on works kept apart
    """
    chosen = _chosen(works, config)
    heard = []
    for number, work in enumerate(chosen):
        heard.append(_heard(work, players, network, config, folder))
        if number % 25 == 0:
            progress(f"{number + 1} of {len(chosen)} works: {work.name}")
    labels = np.repeat(np.arange(len(chosen)), config.performances)
    parts = np.concatenate(heard)
    apart = np.array([work.draw < config.held_out for work in chosen])[labels]
    weighing = Weighing.fitted(parts[~apart], labels[~apart], split=network.card.dimension, config=config)
    score = _ranked(weighing.apply(parts[apart]), labels[apart])
    before = _ranked(parts[apart, : network.card.dimension], labels[apart])
    sources: dict[str, int] = {}
    for work in chosen:
        sources[work.source] = sources.get(work.source, 0) + 1
    data: dict[str, Any] = {"works": len(chosen), "sources": sources, "sha256": digest_of(chosen)}
    record = RunRecord(
        task="work",
        configuration={**asdict(config), "network": network.card.key},
        data=data,
        commit=commit_of(Path(__file__).parent),
        device="cpu",
        best={"score": round(score, 4), "network_alone": round(before, 4), "held_out": int(apart.sum())},
    )
    return weighing, record


def _ranked(vectors: FloatArray, labels: NDArray[np.int64]) -> float:
    unit = unit_rows(vectors)
    return mean_average_precision(unit @ unit.T, labels)


def _chosen(works: Sequence[Work], config: WeighingConfig) -> list[Work]:
    """Take given works in the order of their draw, each with an invented one."""
    given = sorted((work for work in works if len(work.notes) >= 100), key=lambda work: work.draw)
    # The held-out share of the order comes first: an even choice over all of it.
    given = given[:: max(1, len(given) // max(1, config.works // 2))][: config.works // 2]
    count = config.works - len(given)
    return [harmonised(work).head(_BEATS) for work in given] + [
        invented(_FIRST_INVENTED + number) for number in range(count)
    ]


def _heard(
    work: Work, players: Sequence[Player], network: TrainedVersion, config: WeighingConfig, folder: Path
) -> FloatArray:
    """Perform a work several times and listen: float32 [shape=(k, d)]."""
    kept = folder / f"{zlib.crc32(work.name.encode()):08x}-{config.seed}-{config.performances}.npy"
    if kept.is_file():
        return np.asarray(np.load(kept, allow_pickle=False), dtype=np.float32)
    found = []
    for number in range(config.performances):
        rng = np.random.default_rng([config.seed, int(work.draw * 2**32), number])
        y = players[number % len(players)].play(performance(work, rng, seconds=_SECONDS))
        # Not quite in tune, as most recordings are.
        y = resample(y, SAMPLE_RATE, round(SAMPLE_RATE * rng.uniform(0.97, 1.03)))
        frames = _coloured(semitone_frames(cqt_magnitude(y, sr=SAMPLE_RATE)), rng)
        found.append(parts_of(network, frames))
    parts = np.stack(found)
    folder.mkdir(parents=True, exist_ok=True)
    np.save(kept, parts)
    return parts


def _coloured(frames: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Change the balance of bands, and put noise under half of the performances."""
    knots = rng.normal(0.0, rng.uniform(0.0, 6.0), 6)
    curve = np.interp(np.linspace(0.0, 5.0, SEMITONES), np.arange(6), knots)
    out = frames * (10.0 ** (curve / 20.0))
    if rng.random() < 0.5:
        out = out + out.mean() * rng.uniform(0.0, 1.0) * rng.uniform(0.5, 1.5, out.shape)
    return out.astype(np.float32)
