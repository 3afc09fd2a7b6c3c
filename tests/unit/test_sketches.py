"""Sketches count each embedding once, whatever the batches and replays."""

import numpy as np
import pytest

from streams.core.drift_distance import check_sketch
from streams.core.records import EmbeddingSketch, Origin, VectorRow
from streams.core.sketches import BINS, NORM_BINS, PROJECTIONS, RANGE, Quiet, Sketcher, heartbeat

Batch = list[tuple[Origin, tuple[VectorRow, ...]]]


def row(values: np.ndarray, *, modality: str = "text", window: int = 0) -> VectorRow:
    data = values.astype("<f2").tobytes()
    return VectorRow(modality=modality, model="m@1", window=window, start_ms=0, values=data)


def batch(first: int, end: int, *, partition: int = 0, dimension: int = 32) -> Batch:
    out: Batch = []
    for offset in range(first, end):
        x = np.random.default_rng([offset, partition]).standard_normal(dimension)
        origin = Origin(topic="t", partition=partition, offset=offset)
        out.append((origin, (row(x / np.linalg.norm(x)),)))
    return out


def last(sketcher: Sketcher, *batches: Batch) -> dict[str, EmbeddingSketch]:
    found: dict[str, EmbeddingSketch] = {}
    for each in batches:
        for sketch in sketcher.fold(each):
            assert sketch.sketch_id not in found or sketch.count > found[sketch.sketch_id].count
            found[sketch.sketch_id] = sketch
    return found


def test_how_the_range_was_cut_up_does_not_matter() -> None:
    whole = last(Sketcher(), batch(0, 600))
    parts = last(Sketcher(), batch(0, 7), batch(7, 300), batch(300, 301), batch(301, 600))
    assert whole.keys() == parts.keys()
    for name, sketch in whole.items():
        other = parts[name]
        assert sketch.count == other.count
        assert sketch.projection_histograms == other.projection_histograms
        assert sketch.norm_histogram == other.norm_histogram
        assert sketch.reservoir == other.reservoir
        assert np.allclose(np.frombuffer(sketch.mean, "<f4"), np.frombuffer(other.mean, "<f4"), atol=1e-6)
    assert sorted(s.count for s in whole.values()) == [600 - 2 * RANGE, RANGE, RANGE]


def test_a_sketch_that_is_not_whole_waits_for_more() -> None:
    sketcher = Sketcher(every_s=2.0)
    assert sketcher.fold(batch(0, 10), now=100.0) == ()
    assert sketcher.fold(batch(10, 20), now=101.9) == ()
    assert [s.count for s in sketcher.fold(batch(20, 30), now=102.0)] == [30]
    assert sketcher.fold(batch(30, 40), now=103.9) == ()
    # Whole, it waits no longer; the next one begins to.
    assert [(s.range_start, s.count) for s in sketcher.fold(batch(40, 300), now=103.9)] == [(0, RANGE)]
    assert sketcher.due(105.8) == ()
    assert [(s.range_start, s.count) for s in sketcher.due(105.9)] == [(RANGE, 300 - RANGE)]
    assert sketcher.due(200.0) == ()


def test_a_sketch_ends_with_the_last_offset_of_its_range() -> None:
    sketcher = Sketcher(every_s=2.0)
    assert [s.count for s in sketcher.fold(batch(0, RANGE), now=0.0)] == [RANGE]
    # A gap at the end of a range: the next range says that it is whole.
    assert sketcher.fold(batch(RANGE, 2 * RANGE - 5), now=0.1) == ()
    made = sketcher.fold(batch(2 * RANGE, 2 * RANGE + 1), now=0.2)
    assert [(s.range_start, s.count) for s in made] == [(RANGE, RANGE - 5)]


def test_a_batch_given_again_counts_once() -> None:
    sketcher = Sketcher()
    sketcher.fold(batch(0, 50))
    assert sketcher.fold(batch(0, 50)) == ()
    (sketch,) = sketcher.fold(batch(40, 60))
    assert sketch.count == 60


def test_partitions_modalities_and_models_are_apart() -> None:
    sketcher = Sketcher()
    origin = Origin(topic="t", partition=0, offset=0)
    x = np.ones(8) / np.sqrt(8)
    made = sketcher.fold(
        [(origin, (row(x), row(x, modality="identity"), row(x, modality="identity", window=1)))]
    )
    made += sketcher.fold(batch(0, 3, partition=1, dimension=8))
    assert [(s.partition, s.modality, s.count) for s in made] == [
        (0, "identity", 2),
        (0, "text", 1),
        (1, "text", 3),
    ]
    assert len({s.sketch_id for s in made}) == 3


def test_moments_and_histograms_say_what_went_in() -> None:
    rows = batch(0, 200)
    (sketch,) = Sketcher().fold(rows)
    x = np.stack([np.frombuffer(r[0].values, "<f2").astype(float) for _, r in rows])
    assert np.allclose(np.frombuffer(sketch.mean, "<f4"), x.mean(axis=0), atol=1e-5)
    assert np.allclose(np.frombuffer(sketch.second_moment, "<f4"), (x**2).mean(axis=0), atol=1e-5)
    assert len(sketch.norm_histogram) == NORM_BINS
    assert len(sketch.projection_histograms) == PROJECTIONS * BINS
    assert (
        np.reshape(sketch.projection_histograms, (PROJECTIONS, BINS)).sum(axis=1).tolist()
        == [200] * PROJECTIONS
    )
    assert sketch.reservoir_count == 8
    assert len(sketch.reservoir) == 8 * 32 * 2
    check_sketch(sketch)


def test_finished_ranges_are_let_go() -> None:
    sketcher = Sketcher()
    for first in range(0, 10_000, 100):
        sketcher.fold(batch(first, first + 100, dimension=4))
    assert len(sketcher._open) <= 2


def test_uploads_without_vectors_make_no_sketch() -> None:
    assert Sketcher().fold([(Origin(topic="t", partition=0, offset=0), ())]) == ()


@pytest.mark.parametrize("offset", [0, 255, 256])
def test_heartbeats_count_nothing(offset: int) -> None:
    beat = heartbeat(topic="t", partition=1, offset=offset, modality="text", model="m@1")
    assert (beat.count, beat.heartbeat, beat.range_start) == (0, True, offset // 256 * 256)


def test_only_the_quiet_are_due_and_each_once_a_while() -> None:
    text, sound = ("text", "t@1"), ("identity", "s@1")
    quiet = Quiet([text, sound], after_s=10.0)
    assert quiet.due(spoken=[text], now=0.0) == (sound,)
    assert quiet.due(spoken=[], now=9.0) == ()
    assert quiet.due(spoken=[text], now=11.0) == (sound,)
    assert quiet.due(spoken=[], now=21.0) == (sound, text)
