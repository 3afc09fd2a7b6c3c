"""Alignment of two sounds: what relation is heard, where, at what speed, and what it costs."""

import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.altered_pairs import SAMPLES, SPEEDS, Made, filmed, retimed, sampled
from benchmarks.damaged_queries import SR, Sound, decoded
from benchmarks.identity_gallery import MUSIC, read_tracks
from benchmarks.machine import machine_facts, write_result
from benchmarks.yardstick import yardstick
from encoders.alignment import align_sounds
from encoders.fingerprint import fingerprint
from encoders.landmarks import landmarks
from streams.core.hearing import hear
from streams.core.records import SoundEvidence
from streams.edges.encoder import SoundFeatures, compare_features

# Normal and fast versions of SuperTuxKart, by name.
FAST = {
    "celtic": "celtic_fast",
    "cocoa_river": "cocoa_river_fast",
    "farm": "farm_f",
    "jumping_to_the_stars_remake": "jumping_to_the_stars_remake_fast",
    "landing_in_gran_paradiso": "landing_in_gran_paradiso_fast",
    "ravenbridge_mansion": "ravenbridge_mansion_fast",
    "theGreatFair": "theGreatFair_fast",
}
CROWD_DB = 10.0
DERIVED = frozenset({"excerpt_of", "contains", "sped_up_of", "has_sped_up"})
SECONDS_COMPARED = 240
_LEAST_S = 35.0


def features(y: Sound) -> SoundFeatures:
    """Hear what alignment needs: no windows and no harmony."""
    return SoundFeatures(
        fingerprint=fingerprint(y, SR),
        chroma=np.zeros((12, 2 * len(y) // SR), dtype=np.uint8),
        windows=np.zeros((1, 256), dtype=np.float32),
        model="",
        colour=None,
        landmarks=landmarks(y, SR),
        duration_ms=round(1000 * len(y) / SR),
    )


def of_each_source(most: int) -> list[Sound]:
    """Read some tracks, so many of each source."""
    read = (track.y.astype(np.float32) for track in read_tracks(most))
    return [y for y in read if len(y) > _LEAST_S * SR]


def placed_right(evidence: SoundEvidence, made: Made, *, offset_s: float, ends_s: float) -> bool:
    """Say whether every part is found by spans whose place and ends are so far off at most."""
    spans = evidence.alignment.spans if evidence.alignment is not None else ()
    for part in made.parts:
        placed = [
            (span.start_ms / 1000, span.end_ms / 1000)
            for span in spans
            if span.start_ms / 1000 < part.end
            and span.end_ms / 1000 > part.start
            and abs(
                span.other_start_ms / 1000
                - part.other_start
                - (span.start_ms / 1000 - part.start) / made.speed
            )
            <= offset_s
        ]
        if not placed:
            return False
        if (
            abs(min(placed)[0] - part.start) > ends_s
            or abs(max(end for _, end in placed) - part.end) > ends_s
        ):
            return False
    return True


def speeds(originals: Sequence[SoundFeatures], tracks: Sequence[Sound]) -> dict[str, Any]:
    """Ten seconds at another speed: the relation, and the ratio within half a percent."""
    found = {}
    for speed in SPEEDS:
        right = []
        for made in retimed(tracks, speed):
            said = compare_features(features(made.y), originals[made.of])
            ratio = said.alignment.speed_ratio if said.alignment is not None else 0.0
            right.append(hear(said).relation in DERIVED and abs(ratio / speed - 1.0) <= 0.005)
        found[f"{speed:g}"] = _share(right)
    return found


def loops(originals: Sequence[SoundFeatures], tracks: Sequence[Sound]) -> dict[str, Any]:
    """Loops under other music: pairs and spans found, and what is found where nothing is."""
    found: dict[str, Any] = {}
    for decibels, semitones in SAMPLES:
        right, spans, false = [], [], 0
        for made in sampled(tracks, decibels, semitones):
            heard = features(made.y)
            said = compare_features(heard, originals[made.of])
            right.append(said.alignment is not None)
            spans += [
                said.alignment is not None
                and any(
                    abs(span.start_ms / 1000 - part.other_start) <= 1.0
                    and abs(span.end_ms / 1000 - part.other_end) <= 1.0
                    for span in said.alignment.spans
                )
                for part in made.parts
            ]
            stranger = originals[(made.of + 2) % len(originals)]
            over = compare_features(heard, stranger).alignment
            false += over is not None and over.coverage_right < 0.5
        name = f"{decibels:g} dB" + (f", {semitones} semitones" if semitones else "")
        found[name] = {"pairs": _share(right), "spans_within_1_s": _share(spans), "false_among_others": false}
    return found


def videos(originals: Sequence[SoundFeatures], tracks: Sequence[Sound]) -> dict[str, Any]:
    """Align the sound of a video: offsets within 100 ms, ends within 500 ms."""
    right, related = [], []
    for made in filmed(tracks, CROWD_DB):
        said = compare_features(originals[made.of], features(made.y))
        right.append(placed_right(said, made, offset_s=0.1, ends_s=0.5))
        related.append(hear(said).relation in {"edit_of", "has_edit", "excerpt_of", "contains"})
    return {"crowd_db": CROWD_DB, "relation": _share(related), "placed": _share(right)}


def fast_versions() -> dict[str, Any]:
    """Real tracks and their fast versions."""
    folder = Path(os.environ[MUSIC]) / "supertuxkart"
    found = {}
    for name, fast in FAST.items():
        one, other = (features(decoded(str(folder / f"{each}.ogg"))) for each in (fast, name))
        said = compare_features(one, other)
        aligned = said.alignment
        found[name] = {
            "relation": hear(said).relation,
            "level": hear(said).level,
            "speed": aligned.speed_ratio if aligned else None,
            "cents": aligned.pitch_cents if aligned else None,
            "lengths": round(other.duration_ms / one.duration_ms, 4),
        }
    return found


def strangers(originals: Sequence[SoundFeatures], seconds: list[float]) -> dict[str, Any]:
    """Every track beside the next ones: nothing is to be found."""
    false = total = 0
    for step in (1, 2, 3):
        for number, one in enumerate(originals):
            other = originals[(number + step) % len(originals)]
            if one is other:
                continue
            began = time.process_time()
            said = compare_features(one, other)
            seconds.append(time.process_time() - began)
            total, false = total + 1, false + (said.alignment is not None)
    return {"pairs": total, "aligned": false}


def cost(tracks: Sequence[Sound]) -> dict[str, Any]:
    """Align two sounds of four minutes each, that share one minute."""
    joined = np.concatenate([*tracks, *tracks])
    four = SECONDS_COMPARED * SR
    one = joined[:four]
    other = np.concatenate([joined[: four // 4], joined[four : four + 3 * four // 4]])[:four]
    points = [landmarks(each, SR) for each in (one, other)]
    took = []
    for _ in range(5):
        began = time.process_time()
        align_sounds(points[0], points[1], duration_a_ms=240_000, duration_b_ms=240_000)
        took.append(1000 * (time.process_time() - began))
    measured = yardstick()
    return {
        "cpu_ms": round(median(took), 1),
        "yardstick_ms": measured["one_core_ms"],
        "of_the_yardstick": round(median(took) / measured["one_core_ms"], 2),
    }


def _share(values: Iterable[bool]) -> dict[str, Any]:
    values = list(values)
    return {"of": len(values), "right": round(float(np.mean(values)), 4) if values else None}


def main() -> None:
    started = machine_facts()
    tracks = of_each_source(12)
    originals = [features(y) for y in tracks]
    figures: dict[str, Any] = {"tracks": len(tracks)}
    steps = (
        ("fast_versions", fast_versions if MUSIC in os.environ else dict),
        ("speed_10_s", lambda: speeds(originals, tracks)),
        ("video", lambda: videos(originals, tracks)),
        ("samples", lambda: loops(originals, tracks)),
        ("strangers", lambda: strangers(originals, [])),
        ("cost_4_min", lambda: cost(tracks)),
    )
    for name, step in steps:
        figures[name] = step()
        print(name, figures[name], flush=True)
        write_result(
            "alignment",
            "relations, spans and speeds heard between real tracks and what was made of them; "
            "landmarks and fingerprints from the sound, no network",
            figures,
            started=started,
        )


if __name__ == "__main__":
    main()
