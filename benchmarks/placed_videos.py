"""Where recordings are heard in the sound tracks of videos, by the comparison that serves."""

import io
import os
from collections.abc import Sequence
from typing import Any, Final

import av
import numpy as np
from scipy import signal

from benchmarks.alignment import features
from benchmarks.damaged_queries import SR, Sound, decoded
from benchmarks.decoded_sounds import decoded_sounds
from benchmarks.films import FORMS, Form, heard_packets, sound_stream
from benchmarks.intervals import share
from benchmarks.video_sounds import QUIET, SoundTrack, level, sound_track
from benchmarks.video_spans import ENDS_S, Judged, judge
from encoders.landmarks import LOW_HZ
from streams.core.filming import holds
from streams.core.hearing import hear
from streams.core.records import ComparedSpan
from streams.core.sound_evidence import compared_spans
from streams.edges.sound_comparison import compare_features

RECORDINGS: Final = int(os.environ.get("SAMESONG_BENCH_RECORDINGS", "36"))
"""Each is in one film for each level."""
CROWDS_DB: Final = (QUIET, 10.0, 0.0)
"""Level of the music over the crowd."""
_OTHERS: Final = 12
_SECONDS: Final = 60.0
_LEAST_S: Final = 45.0
_BAND: Final = signal.butter(4, (LOW_HZ, 3_520.0), "bandpass", fs=SR, output="sos")
_LEVELS: Final = {"over the crowd": 0.0, "up to 6 dB under it": -6.0, "more under it": -np.inf}
_OUTERMOST_S: Final = 5.0
"""Of a part, at either end: what says where it ends."""


def crowd_name(decibels: float) -> str:
    """Name a level."""
    return "no crowd" if decibels == QUIET else f"crowd, music {decibels:g} dB over it"


def sounds(count: int) -> list[Sound]:
    """Read recordings, taken from all sources in turn."""
    by_source: dict[str, list[Sound]] = {}
    for each in decoded_sounds(_SECONDS, -(-count // 12)):
        if len(each.y) >= _LEAST_S * SR:
            by_source.setdefault(each.source, []).append(each.y.astype(np.float32))
    turns: list[Sound] = []
    while len(turns) < count and any(by_source.values()):
        turns += [held.pop(0) for held in by_source.values() if held]
    return turns[:count]


def placed_videos() -> dict[str, Any]:
    """Make sound tracks of real recordings and place the recordings in them."""
    read = sounds(RECORDINGS + _OTHERS)
    recordings, others = read[:-_OTHERS], read[-_OTHERS:]
    kept = [features(y) for y in recordings]
    found: dict[str, Any] = {"recordings": len(recordings)}
    for turn, crowd in enumerate(CROWDS_DB):
        held, judged, wrong = [], [], []
        by_level: dict[str, list[bool]] = {name: [] for name in _LEVELS}
        for number, y in enumerate(recordings):
            made = sound_track(y, others, np.random.default_rng([59, number, turn]), crowd)
            evidence = compare_features(features(_written(made.y, FORMS[number % len(FORMS)])), kept[number])
            spans = compared_spans(evidence)
            held.append(holds(evidence))
            judged.append(judge(spans, made, y, 0.0))
            over_db = _over_crowd(made, crowd)
            for end, over in zip(judged[-1].ends, over_db, strict=True):
                by_level[next(name for name, least in _LEVELS.items() if over >= least)].append(end <= ENDS_S)
            if not (held[-1] and judged[-1].bounded):
                said = hear(evidence).level
                wrong.append(
                    {"recording": number, "heard": said}
                    | described(spans, made, judged[-1])
                    | ({"over_crowd_db": [round(over, 1) for over in over_db]} if crowd != QUIET else {})
                )
        figures = {"held": share(held), **counted(judged)}
        if crowd != QUIET:
            figures["ends_by_the_level_of_the_music_there"] = {
                name: share(ends) for name, ends in by_level.items() if ends
            }
        print(crowd_name(crowd), figures, flush=True)
        found[crowd_name(crowd)] = figures | {"wrong": wrong}
    return found


def _over_crowd(made: SoundTrack, crowd_db: float) -> list[float]:
    """Say how loud the music is over the crowd in the outermost seconds of each part, in dB.

    In the band in which points are looked for, where nearly all of the crowd is; most of the power of music
    lies under it.
    """
    heard = signal.sosfiltfilt(_BAND, made.clean)
    crowd = level(made.clean) * 10 ** (-crowd_db / 20)
    begins = [at for part in made.parts for at in (part.other_start, part.other_end - _OUTERMOST_S)]
    parts = [heard[round(at * SR) : round((at + _OUTERMOST_S) * SR)] for at in begins]
    return [20 * float(np.log10(max(level(part), 1e-9) / crowd)) for part in parts]


def counted(judged: Sequence[Judged]) -> dict[str, Any]:
    """Count what is right of films, of their parts and of the ends of these."""
    return {
        "every_part_within_100_ms_and_nothing_astray": share(each.placed for each in judged),
        "and_every_end_within_500_ms": share(each.bounded for each in judged),
        "parts_within_100_ms": share(offset for each in judged for offset in each.offsets),
        "ends_within_500_ms": share(end <= ENDS_S for each in judged for end in each.ends),
    }


def described(spans: Sequence[ComparedSpan], made: SoundTrack, said: Judged) -> dict[str, Any]:
    """Tell what was made and what was said of it; times in seconds of the sound track."""
    return {
        "made": made.told,
        "ends_s": [round(end, 2) if np.isfinite(end) else None for end in said.ends],
        "astray_s": said.astray_s,
        "parts": [[round(v, 2) for v in (p.other_start, p.other_end, p.start)] for p in made.parts],
        "spans": [[s.start_ms / 1000, s.end_ms / 1000, s.other_start_ms / 1000] for s in spans],
    }


def _written(y: Sound, form: Form) -> Sound:
    """Send a sound through a codec."""
    out = io.BytesIO()
    with av.open(out, mode="w", format=form.container) as file:
        for packet in heard_packets(sound_stream(file, form.sound), y, 0.0):
            file.mux(packet)
    return decoded(io.BytesIO(out.getvalue()))
