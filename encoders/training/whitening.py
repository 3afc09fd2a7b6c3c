"""Fewer axes for sentence vectors of titles and artists, weighed so that what all titles share counts less.

Principal components of the vectors of many titles, each axis divided by a power of its spread: whitening by
principal components at a power of 1, and plain components at 0. A general sentence encoder spends most of its
length on what tells titles from other texts; that says nothing about two titles. Nothing here needs torch.

After Su et al., "Whitening sentence representations" (2021, arXiv 2103.15316); the power in between follows
what retrieval of true pairs measured (benchmarks, `blocking`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from encoders.errors import InvalidSignal
from encoders.features.audio import FloatArray
from encoders.runtime import unit_rows
from encoders.text import SentenceEncoder
from encoders.training.run_record import RunRecord, commit_of


@dataclass(frozen=True, slots=True, kw_only=True)
class WhiteningConfig:
    """What a fit is like.

    Attributes
    ----------
    axes : int > 0
        that are kept
    power : float, 0-1
        of the spread of an axis, by which it is divided
    """

    axes: int = 192
    power: float = 0.75


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Whitening:
    """What is learned.

    Attributes
    ----------
    centre : float32 [shape=(d,)]
        taken away
    axes : float32 [shape=(d, k)]
    """

    centre: FloatArray
    axes: FloatArray

    def apply(self, vectors: FloatArray) -> FloatArray:
        """Weigh: float32 [shape=(n, k)], not of unit length."""
        return np.asarray((vectors - self.centre) @ self.axes, dtype=np.float32)

    def arrays(self) -> dict[str, FloatArray]:
        """Give what `encoders.export.export_whitening` writes."""
        return {"centre": self.centre, "axes": self.axes}

    @classmethod
    def fitted(cls, vectors: FloatArray, config: WhiteningConfig) -> tuple[Whitening, float]:
        """Learn from sentence vectors.

        Parameters
        ----------
        vectors : float32 [shape=(n, d)]
            of unit length; many more than d
        config : WhiteningConfig

        Returns
        -------
        whitening : Whitening
        kept : float, 0-1
            share of the variance that lies along the axes kept

        Raises
        ------
        InvalidSignal
            fewer vectors than dimensions, or fewer dimensions than axes
        """
        if len(vectors) <= vectors.shape[1] or vectors.shape[1] < config.axes:
            raise InvalidSignal(
                f"{len(vectors)} texts are too few: more than {vectors.shape[1]} are needed, better 10,000"
            )
        wide = vectors.astype(np.float64)
        centre = wide.mean(axis=0)
        apart = wide - centre
        variance, directions = np.linalg.eigh(apart.T @ apart / len(apart))
        # The largest first, each pointing where its largest part is positive.
        variance, directions = variance[::-1], directions[:, ::-1]
        largest = np.abs(directions).argmax(axis=0)
        directions = directions * np.sign(directions[largest, np.arange(len(largest))])
        kept = slice(0, config.axes)
        axes = directions[:, kept] / np.sqrt(variance[kept]) ** config.power
        found = cls(centre=centre.astype(np.float32), axes=axes.astype(np.float32))
        return found, float(variance[kept].sum() / variance.sum())


def fit_whitening(
    texts: Sequence[str], sentences: SentenceEncoder, *, config: WhiteningConfig
) -> tuple[Whitening, RunRecord]:
    """Encode texts and fit.

    Parameters
    ----------
    texts : sequence of str
        title and artist in one (`streams.core.features.text_for_embedding`); equal ones count once
    sentences : SentenceEncoder
    config : WhiteningConfig

    Raises
    ------
    InvalidSignal
        too few texts
    """
    distinct = sorted({text for text in texts if text.strip()})
    vectors = unit_rows(sentences.encode(distinct))
    whitening, kept = Whitening.fitted(vectors, config)
    digest = hashlib.sha256("\n".join(distinct).encode("utf-8", "replace")).hexdigest()
    record = RunRecord(
        task="text",
        configuration={**asdict(config), "sentences": sentences.card.key},
        data={"texts": len(distinct), "sha256": digest},
        commit=commit_of(Path(__file__).parent),
        device="cpu",
        best={"variance_kept": round(kept, 4), "strangers": round(_strangers(whitening, vectors), 4)},
    )
    return whitening, record


def _strangers(whitening: Whitening, vectors: FloatArray) -> float:
    """Give the 99th percentile of the cosines of texts that stand far apart in the alphabet."""
    unit: NDArray[np.float32] = unit_rows(whitening.apply(vectors))
    other = np.roll(unit, len(unit) // 2, axis=0)
    return float(np.quantile((unit * other).sum(axis=1), 0.99))
