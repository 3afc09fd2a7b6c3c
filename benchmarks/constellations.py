"""The search for samples: which track of a catalogue a loop under other music proposes, at what cost."""

import os
import time
from statistics import median
from typing import Any

import numpy as np

from benchmarks.altered_pairs import SAMPLES, sampled
from benchmarks.damaged_queries import SR
from benchmarks.decoded_sounds import decoded_sounds
from benchmarks.machine import machine_facts, write_result
from benchmarks.yardstick import yardstick
from encoders.constellation_index import ConstellationIndex
from encoders.constellation_search import search_at_other_pitches
from encoders.constellations import constellations
from encoders.landmarks import landmarks

# Of every recording of the folder; a minute each is found in the cache that other benchmarks fill.
SECONDS = float(os.environ.get("SAMESONG_BENCH_SECONDS", "60"))
MADE_OF = 3  # tracks of each source, the same as `alignment` takes
FIRST = (1, 2, 5, 8)
_LEAST_S = 35.0
_MOST_ENTRIES = 200_000_000


def main() -> None:
    started = machine_facts()
    index, numbers, seconds, added = ConstellationIndex(most_entries=_MOST_ENTRIES), dict[str, int](), 0.0, []
    for sound in decoded_sounds(SECONDS):
        points = landmarks(sound.y.astype(np.float32), SR)
        began = time.process_time()
        index.add(number := len(numbers), constellations(points))
        added.append(1000 * (time.process_time() - began))
        numbers[f"{sound.source}/{sound.name}"] = number
        seconds += len(sound.y) / SR
    chosen = [sound for sound in decoded_sounds(60.0, MADE_OF) if len(sound.y) > _LEAST_S * SR]
    places = [numbers[f"{sound.source}/{sound.name}"] for sound in chosen]
    tracks = [sound.y.astype(np.float32) for sound in chosen]
    figures: dict[str, Any] = {
        "tracks": len(numbers),
        "hours": round(seconds / 3600, 2),
        "entries": len(index),
        "mb_of_1000_tracks_of_4_min": round(8e-6 * len(index) / seconds * 240_000, 1),
        "add_cpu_ms": round(median(added), 2),
        "proposed_among_the_first": {},
    }
    for decibels, semitones in SAMPLES:
        ranks, took = [], []
        for made in sampled(tracks, decibels, semitones):
            points = landmarks(made.y, SR)
            began = time.process_time()
            if semitones:
                found = search_at_other_pitches(index, points, most=max(FIRST))
            else:
                found = index.search(constellations(points), most=max(FIRST))
            named = [each.sound for each in found]
            took.append(1000 * (time.process_time() - began))
            # The music on top is a track of the catalogue too, and comes first where nothing is moved.
            ranks.append(named.index(places[made.of]) if places[made.of] in named else len(named) + 1)
        name = f"{decibels:g} dB" + (f", {semitones} semitones" if semitones else "")
        figures["proposed_among_the_first"][name] = {
            "of": len(ranks),
            **{str(first): round(float(np.mean([rank <= first for rank in ranks])), 4) for first in FIRST},
            "cpu_ms": round(median(took), 1),
        }
        print(name, figures["proposed_among_the_first"][name], flush=True)
    figures["yardstick_ms"] = yardstick()["one_core_ms"]
    write_result(
        "constellations",
        "loops of 3 to 8 s of some tracks under 40 s of others, searched among all by pairs of landmarks",
        figures,
        started=started,
    )


if __name__ == "__main__":
    main()
