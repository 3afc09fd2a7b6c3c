"""How far two sets of sketches are apart, and how often chance alone would put them so far.

The statistic is our own: the squared distance of the two mean embeddings and of the two second moments, each
dimension on its pooled scale, plus the sliced Cramer distance of the projection histograms (in one dimension
twice that is the energy distance: Szekely and Rizzo, "Energy statistics", JSPI 143, 2013).
It is calibrated by permuting whole sketches between the two sets (Phipson and Smyth, "Permutation p-values
should never be zero", Stat. Appl. Genet. Mol. Biol. 9, 2010): embeddings of one sketch stay together, so
likeness inside an upload batch is not taken for drift.
"""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streams.core.records import EmbeddingSketch
from streams.errors import InvariantError

MAX_PERMUTATIONS = 19_999
_AT_ONCE = 128  # permutations: the arrays of more are megabytes that a heap never gives back


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """How a set of sketches compares with the reference.

    Attributes
    ----------
    distance : float >= 0
    threshold : float >= 0
        the distance that chance exceeds with the probability asked for
    p_value : float in (0, 1]
        never below what the number of sketches can resolve
    """

    distance: float
    threshold: float
    p_value: float


def smallest_p(reference: int, current: int, *, permutations: int) -> float:
    """Return the smallest p-value that so many sketches and permutations can show."""
    return max(1 / math.comb(reference + current, current), 1 / (permutations + 1))


def permutations_for(p_value: float) -> int:
    """Return how many permutations resolve ``p_value`` with room for chance, within bounds."""
    return min(MAX_PERMUTATIONS, math.ceil(4 / p_value) - 1)


def check_sketch(sketch: EmbeddingSketch) -> None:
    """Refuse a sketch that cannot be one.

    Raises
    ------
    InvariantError
        shapes that do not fit each other, a count below 1, or a value that is not finite
    """
    mean, second = (np.frombuffer(b, dtype="<f4") for b in (sketch.mean, sketch.second_moment))
    histogram = sum(sketch.projection_histograms)
    if sketch.count < 1 or not mean.size or mean.size != second.size:
        raise InvariantError(f"sketch {sketch.sketch_id} has no usable moments")
    if not np.isfinite(mean).all() or not np.isfinite(second).all():
        raise InvariantError(f"sketch {sketch.sketch_id} holds values that are not finite")
    if min(sketch.projection_histograms, default=0) < 0 or histogram % sketch.count:
        raise InvariantError(f"sketch {sketch.sketch_id} has histograms that do not add up to its count")
    if histogram and len(sketch.projection_histograms) % (histogram // sketch.count):
        raise InvariantError(f"sketch {sketch.sketch_id} has ragged histograms")


def _features(sketches: Sequence[EmbeddingSketch]) -> NDArray[np.float64]:
    """Return one row per sketch such that squared Euclidean distance of weighted means is the statistic."""
    weights = np.array([s.count for s in sketches], dtype=np.float64)[:, None]
    mean = np.stack([np.frombuffer(s.mean, dtype="<f4") for s in sketches]).astype(np.float64)
    second = np.stack([np.frombuffer(s.second_moment, dtype="<f4") for s in sketches]).astype(np.float64)
    total = weights.sum()
    # The scale is that of both sets together: it does not change under permutation.
    centre = (mean * weights).sum(0) / total
    variance = np.maximum((second * weights).sum(0) / total - centre**2, 1e-12)
    width = math.sqrt(mean.shape[1])
    spread = second - 2 * mean * centre + centre**2
    blocks = [(mean - centre) / np.sqrt(variance) / width, spread / variance / math.sqrt(2) / width]
    counts = np.array([s.projection_histograms for s in sketches], dtype=np.float64)
    if counts.size:
        projections = max(1, round(counts[0].sum() / sketches[0].count))
        shaped = counts.reshape(len(sketches), projections, -1) / weights[:, :, None]
        # 6: the mean of 1 / (F (1 - F)), so that this block has the noise of the other two.
        cumulated = shaped.cumsum(2).reshape(len(sketches), -1)
        blocks.append(cumulated * math.sqrt(6 / cumulated.shape[1]))
    return np.hstack(blocks)


def judge(
    reference: Sequence[EmbeddingSketch],
    current: Sequence[EmbeddingSketch],
    *,
    p_value: float,
    seed: str,
) -> Judgement:
    """Compare two sets of sketches of one model; the same input gives the same answer.

    Parameters
    ----------
    reference, current : sequence of EmbeddingSketch, neither empty
    p_value : float in (0, 1)
        where the threshold lies
    seed : str
        fixes the permutations, such as the window's id
    """
    rows = _features((*reference, *current))
    weights = np.array([s.count for s in (*reference, *current)], dtype=np.float64)
    weighted = rows * weights[:, None]
    # Products of the rows are all that a permutation needs: n x n instead of n x d.
    gram = weighted @ weighted.T
    n, k = len(weights), len(current)
    permutations = permutations_for(p_value)
    rng = np.random.default_rng(int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], "big"))
    observed = float(_distances(gram, weights, np.arange(n)[None, :] >= n - k)[0])
    drawn = []
    for first in range(0, permutations, _AT_ONCE):
        order = rng.random((min(_AT_ONCE, permutations - first), n)).argsort(1)
        drawn.append(_distances(gram, weights, order >= n - k))
    null = np.concatenate(drawn)
    # Ties count against drift; the tolerance covers sums that were added in another order.
    chance = (1 + int((null >= observed * (1 - 1e-9)).sum())) / (permutations + 1)
    chance = max(chance, smallest_p(len(reference), k, permutations=permutations))
    return Judgement(
        distance=math.sqrt(observed),
        threshold=math.sqrt(float(np.quantile(null, 1 - p_value, method="higher"))),
        p_value=chance,
    )


def _distances(
    gram: NDArray[np.float64], weights: NDArray[np.float64], chosen: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the squared distance of the weighted means for each choice of rows [shape=(m, n)]."""
    inside = chosen.astype(np.float64)
    mass = (inside @ weights)[:, None]
    contrast = inside / mass - (1 - inside) / (weights.sum() - mass)
    squared: NDArray[np.float64] = np.einsum("mi,mi->m", contrast @ gram, contrast)
    return np.maximum(squared, 0.0)
