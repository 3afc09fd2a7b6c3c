"""How sure a figure is: a bootstrap over whole groups, and exact bounds of a share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

ROUNDS = 1_000
_AT_ONCE = 50


class Interval(NamedTuple):
    """Where a figure lies, 95 times in 100."""

    low: float
    high: float


def bootstrap(
    groups: NDArray[np.float64],
    statistic: Callable[[NDArray[np.float64]], float],
    *,
    rounds: int = ROUNDS,
    seed: int = 0,
) -> Interval:
    """Give the 95 % percentile interval of a statistic of summed counts.

    Parameters
    ----------
    groups : float64 [shape=(n, k)]
        counts of each group; groups are drawn whole, for what is inside one hangs together
    statistic : callable
        of counts summed over the drawn groups
    rounds : int > 0
    seed : int

    References
    ----------
    Efron and Tibshirani, "An introduction to the bootstrap", 1993, chapter 13.
    """
    rng = np.random.default_rng(seed)
    drawn: list[float] = []
    while len(drawn) < rounds:
        times = min(_AT_ONCE, rounds - len(drawn))
        sums = draws(rng, len(groups), times) @ groups
        drawn += [statistic(each) for each in sums]
    return percentiles(drawn)


def draws(rng: np.random.Generator, groups: int, times: int) -> NDArray[np.float64]:
    """Draw with replacement, ``times`` over: how often each group came [shape=(times, groups)]."""
    return rng.multinomial(groups, np.full(groups, 1.0 / groups), size=times).astype(np.float64)


def percentiles(drawn: Any) -> Interval:
    """Give the middle 95 of 100."""
    low, high = np.percentile(np.asarray(drawn, dtype=np.float64), [2.5, 97.5])
    return Interval(float(low), float(high))


def share_interval(right: int, count: int) -> Interval:
    """Give the exact 95 % interval of a share; it never claims that none can be wrong.

    References
    ----------
    Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case of the binomial",
    Biometrika 26, 1934.
    """
    if not 0 <= right <= count:
        raise ValueError("a share has between none and all of its count")
    low = betaincinv(right, count - right + 1, 0.025) if right else 0.0
    high = betaincinv(right + 1, count - right, 0.975) if right < count else 1.0
    return Interval(float(low), float(high))
