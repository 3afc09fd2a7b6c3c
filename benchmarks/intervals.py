"""Shares with how sure they are."""

from collections.abc import Iterable
from typing import Any

from scipy import stats


def share(values: Iterable[bool]) -> dict[str, Any]:
    """Count what is right, with the exact interval of 95 % (Clopper and Pearson)."""
    held = list(values)
    right = sum(held)
    if not held:
        return {"of": 0, "right": None}
    between = stats.binomtest(right, len(held)).proportion_ci(method="exact")
    return {
        "of": len(held),
        "right": round(right / len(held), 4),
        "interval": [round(float(between.low), 4), round(float(between.high), 4)],
    }
