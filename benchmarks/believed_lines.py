"""From which score on a straight line of harmony is believed: the best wrong ones of real music."""

from __future__ import annotations

import dataclasses
import math
import os
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.damaged_queries import SR
from benchmarks.decoded_sounds import MUSIC, decoded_sounds
from benchmarks.identity_decisions import best_wrong
from benchmarks.machine import machine_facts, write_result
from encoders.features.cqt import cqt_magnitude
from encoders.features.semitones import semitone_frames
from encoders.version_lines import LineClasses, line_classes, line_scores
from streams.core.acceptance import Acceptance
from streams.core.bundle import Bundle
from streams.errors import ConfigError

_SECONDS: Final = 110.0
# Of each source, which keeps every source's share.
_MOST: Final = int(os.environ.get("SAMESONG_BENCH_TRACKS", "10"))


class Track(NamedTuple):
    """One recording, and where it is from."""

    source: str
    name: str
    classes: LineClasses


def tracks() -> list[Track]:
    """Hear the first minutes of recordings of all sources."""
    return [
        Track(
            each.source,
            each.name,
            line_classes(semitone_frames(cqt_magnitude(each.y.astype(np.float32), sr=SR))),
        )
        for each in decoded_sounds(_SECONDS, _MOST)
    ]


def best_of_others(heard: list[Track]) -> NDArray[np.float64]:
    """Give how far the best of all other sources goes along with each.

    Tracks of one source may well be of one theme, so that none of them counts as wrong.
    """
    best = []
    for own in heard:
        others = [each.classes for each in heard if each.source != own.source]
        best.append(float(line_scores(own.classes, others).max()))
    return np.array(best)


def main() -> None:
    if not os.environ.get(MUSIC):
        raise ConfigError(f"name a folder with one sub-folder of music per source: {MUSIC}=FOLDER")
    started = machine_facts()
    heard = tracks()
    sources = sorted({each.source for each in heard})
    chosen = set(sources[::2])
    best = best_of_others(heard)
    of_chosen = np.array([each.source in chosen for each in heard])
    fitted = best_wrong(best[of_chosen].tolist(), len(heard))
    packaged = Bundle.packaged().sound
    if packaged is None:
        raise ConfigError("the bundle that ships says nothing of sounds")
    refitted = dataclasses.replace(packaged, lines=fitted)

    def least(sound: Acceptance, size: int) -> float | None:
        """Give the least line; none where no line is believed."""
        found = sound.limits(size).least_line
        return round(found, 3) if math.isfinite(found) else None

    others = best[~of_chosen]
    figures: dict[str, Any] = {
        "tracks": len(heard),
        "sources": len(sources),
        "fit of the best wrong, every other source": dataclasses.asdict(fitted),
        "fitted on": int(of_chosen.sum()),
        "best wrong of the other sources": {
            "asked": len(others),
            "percentiles 50 90 99 100": np.percentile(others, [50, 90, 99, 100]).round(3).tolist(),
        },
        "least line": {
            str(size): {
                "by this fit": least(refitted, size),
                "by the bundle that ships": least(packaged, size),
            }
            for size in (len(heard), 10_000, 1_000_000)
        },
    }
    write_result(
        "believed_lines",
        "how far the best wrong recording goes along a straight line of harmony with one of real music",
        figures,
        started=started,
    )


if __name__ == "__main__":
    main()
