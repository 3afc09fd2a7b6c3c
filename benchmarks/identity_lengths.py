"""How well wrong recordings agree with pieces of other lengths than limits were fitted on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.damaged_queries import SR
from benchmarks.identity_decisions import CONFIRMED, best_wrong, compared, kin
from benchmarks.identity_gallery import Track, features_of
from encoders.identity import IdentityEncoder
from streams.core.acceptance import Acceptance, BestWrong

# A word of the fingerprint spans two seconds, and 5 s of words must agree: shorter pieces are not confirmed.
LENGTHS_S: Final = (7.5, 10.0, 20.0, 40.0)
# Pieces of each track and length; one in so many may pass, as in the packaged bundle.
_PIECES: Final = 3
_FALSE_RATE: Final = 0.00025

Nearest = Callable[[NDArray[np.float32]], tuple[NDArray[np.int64], NDArray[np.float32]]]


def by_length(
    encoder: IdentityEncoder, nearest: Nearest, tracks: Sequence[Track], *, fitted: BestWrong
) -> dict[str, Any]:
    """Ask for pieces whose track is taken away; by fingerprint alone, which is what the limits are of.

    Parameters
    ----------
    encoder : IdentityEncoder
    nearest : callable
        ranks tracks by a window, with cosines
    tracks : sequence of Track
    fitted : BestWrong
        of pieces of 10 s
    """
    limits = Acceptance(false_rate=_FALSE_RATE, query_ms=10_000, agreement=fitted).limits(len(tracks))
    without_points = [replace(each, features=replace(each.features, landmarks=None)) for each in tracks]
    out = {}
    for seconds in LENGTHS_S:
        found: list[float] = []
        for number, track in enumerate(tracks):
            if not track.asked:
                continue
            rng = np.random.default_rng([78, number, int(10 * seconds)])
            others = np.array([each is not track and not kin(track, each) for each in tracks])
            for _ in range(_PIECES):
                y = track.piece(rng.uniform(0, max(0.0, len(track.y) / SR - seconds - 0.01)), seconds)
                piece = features_of(y, encoder, points=False)
                best = np.zeros(len(tracks))
                for window in piece.windows:
                    order, cosines = nearest(window)
                    best[order] = np.maximum(best[order], cosines)
                wrong = [int(each) for each in np.argsort(-best, kind="stable") if others[each]]
                said = compared(piece, wrong[:CONFIRMED], without_points)
                found.append(max(each.agreement for each in said))
        asked = 1.0 - limits.max_bit_error(int(1000 * seconds))
        fit = best_wrong(found, len(tracks))
        out[f"{seconds:g} s"] = {
            "queries": len(found),
            "best_wrong_agreement_p50_p99_max": [
                round(float(np.percentile(found, q)), 3) for q in (50, 99, 100)
            ],
            "that_one_in_4000_passes_by_its_own_fit": round(
                fit.location + fit.margin(len(tracks), false_rate=_FALSE_RATE), 3
            ),
            "asked_for": round(asked, 3),
            "passed": sum(each >= asked for each in found),
        }
    return out
