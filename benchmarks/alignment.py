"""Alignment of two sounds: what relation is heard, where, at what speed, and what it costs."""

import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.altered_pairs import (
    SAMPLES,
    SPEEDS,
    Made,
    Part,
    filmed,
    packed,
    remixed,
    retimed,
    sampled,
)
from benchmarks.damaged_queries import SR, Sound, decoded
from benchmarks.decoded_sounds import MUSIC, decoded_sounds
from benchmarks.drum_patterns import drummed, pattern
from benchmarks.few_notes import tunes
from benchmarks.heard_together import mashups, medleys, voices
from benchmarks.machine import machine_facts
from benchmarks.rows import write_rows
from benchmarks.yardstick import yardstick
from encoders.alignment import align_sounds
from encoders.fingerprint import fingerprint
from encoders.landmarks import landmarks
from streams.core.hearing import ONE_RECORDING, SHARES, hear, made_from
from streams.core.records import HeardSpan, SoundEvidence
from streams.core.sound_evidence import mirrored
from streams.edges.sound_blobs import SoundFeatures
from streams.edges.sound_comparison import compare_features

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
# Real pairs, and what one is to the other as far as their makers say. Nothing but the same recording is to be
# joined.
REAL = {
    (
        "supertux-data/beneath_the_rabbit_hole.ogg",
        "supertuxkart-data/beneath_the_rabbit_hole.ogg",
    ): "the same",
    ("warzone2100-music/menu.opus", "warzone2100-music/menu_enhanced.opus"): "made anew from it",
    ("warzone2100-music/track3.opus", "warzone2100-music/track3_enhanced.opus"): "made anew from it",
    ("supertux-data/fortress.ogg", "supertux-data/fortress_old.ogg"): "other music",
    ("supertux-data/ghostforest.ogg", "supertux-data/ghostforest2.ogg"): "other music",
    ("supertux-data/cave.ogg", "supertux-data/cave_old.ogg"): "another of the title",
    ("wesnoth-1.16-music/frantic.ogg", "wesnoth-1.16-music/frantic-old.ogg"): "another of the title",
    ("hedgewars-data/Olympics.ogg", "hedgewars-data/olympics_sd.ogg"): "another of the title",
    ("supertux-data/voc-daytime.ogg", "supertux-data/voc-daytime2.ogg"): "another of the title",
    ("supertux-data/airship_2.ogg", "supertux-data/airship_remix.ogg"): "another of the title",
}
CROWD_DB = 10.0
DERIVED = frozenset({"excerpt_of", "contains", "sped_up_of", "has_sped_up"})
SECONDS_COMPARED = 240
TRACKS = 3  # of each source
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
    read = (sound.y.astype(np.float32) for sound in decoded_sounds(60.0, most))
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
    """Loops under other music, beside as many pairs that share nothing: pairs and spans found.

    Every other pair is compared from the side of the original, as it comes in a catalogue.
    """
    found: dict[str, Any] = {}
    for decibels, semitones in SAMPLES:
        right, spans, strange, told = [], [], [], []
        for number, made in enumerate(sampled(tracks, decibels, semitones)):
            heard = features(made.y)
            if number % 2:
                said = mirrored(compare_features(originals[made.of], heard))
            else:
                said = compare_features(heard, originals[made.of])
            right.append(said.alignment is not None)
            found_there = said.alignment.spans if said.alignment is not None else ()
            spans += [any(_is_part(span, part) for span in found_there) for part in made.parts]
            told += [any(_is_part(span, part) for part in made.parts) for span in found_there]
            stranger = originals[(made.of + len(originals) // 2) % len(originals)]
            over = compare_features(heard, stranger).alignment
            if over is None or over.coverage_right < 0.5:  # else it is the music on top
                strange.append(over is not None)
        name = f"{decibels:g} dB" + (f", {semitones} semitones" if semitones else "")
        found[name] = {
            "pairs": _share(right),
            "spans_within_1_s": _share(spans),
            "of_spans_told": _share(told),
            "strangers": len(strange),
            "false": sum(strange),
            "precision": round(sum(right) / max(1, sum(right) + sum(strange)), 4),
        }
    return found


def _is_part(span: HeardSpan, part: Part) -> bool:
    """Say whether a span of what was made is where the part is, within a second at both ends."""
    return (
        abs(span.start_ms / 1000 - part.other_start) <= 1.0
        and abs(span.end_ms / 1000 - part.other_end) <= 1.0
    )


def alike(originals: Sequence[SoundFeatures], tracks: Sequence[Sound]) -> dict[str, Any]:
    """Hear what is like a sample: a loop of a pack in both, one pattern by two drum machines, remixes."""
    pack, directed = [], 0
    for one, other in packed(tracks):
        heard = hear(compare_features(features(one.y), features(other.y)))
        pack.append(heard.relation == SHARES)
        directed += heard.relation not in {None, SHARES}
    drums = 0
    for number in range(len(tracks)):
        rng = np.random.default_rng([17, number])
        played = pattern(rng)
        one_kit, other_kit = (features(drummed(played, rng)) for _ in range(2))
        drums += compare_features(one_kit, other_kit).alignment is not None
    told, joined = [], 0
    for made in remixed(tracks):
        heard = hear(compare_features(features(made.y), originals[made.of]))
        told.append(made_from(heard.relation))
        joined += heard.level in ONE_RECORDING
    return {
        "loop_of_a_pack": _share(pack) | {"directed": directed},
        "same_pattern_other_drums": {"of": len(tracks), "aligned": drums},
        "remixes": _share(told) | {"joined": joined},
    }


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
    folder = Path(os.environ[MUSIC]) / "supertuxkart-data"
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


def real_pairs() -> dict[str, Any]:
    """Real tracks of one title: what is heard between the two, whole."""
    folder = Path(os.environ[MUSIC])
    found = {}
    for (one, other), truth in REAL.items():
        sides = [features(decoded(str(folder / name))) for name in (one, other)]
        said = compare_features(*sides)
        heard = hear(said)
        aligned = said.alignment
        found[f"{one} | {other}"] = {
            "truth": truth,
            "level": heard.level,
            "relation": heard.relation,
            "coverage": [round(aligned.coverage_left, 3), round(aligned.coverage_right, 3)]
            if aligned
            else None,
            "bit_error": said.bit_error,
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
    tracks = of_each_source(TRACKS)
    originals = [features(y) for y in tracks]
    rows = (
        ("fast_versions", fast_versions if MUSIC in os.environ else dict),
        ("speed_10_s", lambda: speeds(originals, tracks)),
        ("video", lambda: videos(originals, tracks)),
        ("samples", lambda: loops(originals, tracks)),
        ("voices", lambda: voices(tracks, features)),
        ("medleys", lambda: medleys(tracks, originals, features)),
        ("mashups", lambda: mashups(tracks, originals, features)),
        ("alike", lambda: alike(originals, tracks)),
        ("tunes", tunes),
        ("real_pairs", real_pairs if MUSIC in os.environ else dict),
        ("strangers", lambda: strangers(originals, [])),
        ("cost_4_min", lambda: cost(tracks)),
    )
    write_rows(
        "alignment",
        "relations, spans and speeds heard between real tracks and what was made of them; "
        "landmarks and fingerprints from the sound, no network",
        rows,
        started=started,
        tracks=len(tracks),
    )


if __name__ == "__main__":
    main()
