import numpy as np
import pytest

from streams.core.drift import (
    DriftRules,
    DriftStream,
    PartitionTime,
    Role,
    Step,
    fold_sketch,
    never_closed,
)
from streams.core.drift_distance import judge, permutations_for, smallest_p
from streams.core.records import DriftAlert, DriftWindow, EmbeddingSketch
from streams.errors import InvariantError

DIM, PROJECTIONS, BINS = 8, 4, 10
AXES = np.random.default_rng(5).standard_normal((DIM, PROJECTIONS)) / np.sqrt(DIM)
RULES = DriftRules(window_ms=1000, grace_ms=100, reference_windows=3, min_count=50, p_value=0.005)


def sketch_of(
    values: np.ndarray[tuple[int, int], np.dtype[np.float64]], range_index: int, partition: int = 0
) -> EmbeddingSketch:
    edges = np.linspace(-3, 3, BINS - 1)
    histograms = np.stack([np.bincount(np.digitize(p, edges), minlength=BINS) for p in (values @ AXES).T])
    return EmbeddingSketch(
        sketch_id=f"t/{partition}/{range_index}",
        topic="t",
        partition=partition,
        range_start=range_index * 256,
        modality="text",
        model="m-1",
        count=len(values),
        mean=values.mean(0).astype("<f4").tobytes(),
        second_moment=(values**2).mean(0).astype("<f4").tobytes(),
        projection_histograms=tuple(int(c) for c in histograms.ravel()),
    )


def null_stream(
    seed: int, windows: int, per: int = 8, shift_from: int | None = None, shift: float = 0.6
) -> list[tuple[int, EmbeddingSketch]]:
    rng = np.random.default_rng(seed)
    events = []
    for window in range(windows):
        for n in range(per):
            values = rng.standard_normal((32, DIM))
            if shift_from is not None and window >= shift_from:
                values[:, 0] += shift
            events.append((window * 1000 + n * 100, sketch_of(values, window * per + n)))
    return events


def run(
    events: list[tuple[int, EmbeddingSketch]], stream: DriftStream | None = None
) -> tuple[DriftStream, list[DriftWindow], list[DriftAlert]]:
    stream = stream or DriftStream(modality="text", model="m-1")
    windows: list[DriftWindow] = []
    alerts: list[DriftAlert] = []
    for at, sketch in events:
        step = fold_sketch(stream, sketch, at_ms=at, rules=RULES)
        stream = step.stream
        windows += step.windows
        alerts += step.alerts
    return stream, windows, alerts


def _beat(at: int) -> tuple[int, EmbeddingSketch]:
    return at, EmbeddingSketch(
        sketch_id="",
        topic="t",
        partition=0,
        range_start=0,
        modality="text",
        model="m-1",
        count=0,
        heartbeat=True,
    )


def test_null_p_values_are_at_most_uniform() -> None:
    found = []
    for seed in range(120):
        events = [sketch for _, sketch in null_stream(seed, 2, per=10)]
        found.append(judge(events[:12], events[12:], p_value=0.05, seed=str(seed)).p_value)
    share = np.mean(np.array(found) <= 0.05)
    assert share <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 120)
    assert 0.3 < np.mean(found) < 0.7


def test_no_alert_over_many_windows_without_change() -> None:
    flagged = judged = 0
    for seed in range(8):
        _, windows, alerts = run(null_stream(seed, 14))
        assert alerts == []
        judged += sum(w.reference not in {"building", "gathering"} for w in windows)
        flagged += sum(w.p_value <= RULES.p_value for w in windows)
    assert judged == 8 * 10
    assert flagged <= 4


@pytest.mark.parametrize(("shift", "least", "most"), [(0.6, 7, 8), (0.3, 0, 4)])
def test_power_against_a_shift_of_one_dimension(shift: float, least: int, most: int) -> None:
    # Measured: 0.3 of a standard deviation is below what 256 embeddings show, 0.6 is found at once.
    caught = 0
    for seed in range(8):
        _, _, alerts = run(null_stream(seed, 10, shift_from=6, shift=shift))
        assert all(a.end_ms > 6000 for a in alerts)
        assert len(alerts) <= 1
        caught += len(alerts)
    assert least <= caught <= most


def test_a_change_of_spread_alone_is_a_shift() -> None:
    rng = np.random.default_rng(0)
    calm = [sketch_of(rng.standard_normal((32, DIM)), n) for n in range(12)]
    wide = [sketch_of(rng.standard_normal((32, DIM)) * 1.4, n + 12) for n in range(12)]
    assert judge(calm, wide, p_value=0.005, seed="w").p_value <= 0.005


def test_the_same_log_gives_the_same_answer() -> None:
    assert run(null_stream(3, 8)) == run(null_stream(3, 8))


def test_replays_count_once() -> None:
    events = null_stream(1, 6)
    again = [event for event in events for _ in range(2)]
    assert run(again)[1] == run(events)[1]
    assert run(again)[0].replayed == len(events)


def test_a_rewound_reader_changes_nothing() -> None:
    events = null_stream(1, 6)
    stream, _, _ = run(events)
    # An encoder that lost its commits publishes old ranges anew, with new append times.
    _, windows, _ = run([(7000 + n, sketch) for n, (_, sketch) in enumerate(events)], stream)
    assert sum(w.count for w in windows) == 8 * 32


def test_a_larger_part_replaces_a_smaller_in_one_window_and_adds_in_the_next() -> None:
    rng = np.random.default_rng(2)
    values = rng.standard_normal((200, DIM))
    small, large, full = (sketch_of(values[:n], 0) for n in (60, 100, 200))
    stream, _, _ = run([(10, small), (20, large)])
    (open_,) = stream.sketches(Role.window)
    assert open_.sketch == large
    stream, windows, _ = run([(10, small), (20, large), (1500, full)])
    assert windows[0].count == 100
    (rest,) = stream.sketches(Role.window)
    assert rest.sketch.count == 100
    assert np.allclose(np.frombuffer(rest.sketch.mean, "<f4"), values[100:].mean(0), atol=1e-5)


def test_late_sketches_are_counted_not_folded() -> None:
    events = null_stream(4, 3)
    stream, _, _ = run(events)
    step = fold_sketch(stream, sketch_of(np.zeros((32, DIM)), 99), at_ms=500, rules=RULES)
    assert step.stream.late == 1
    assert step.stream.sketches(Role.window) == stream.sketches(Role.window)


def test_heartbeats_close_windows() -> None:
    events = null_stream(4, 1)
    assert run(events)[1] == []
    _, windows, _ = run([*events, _beat(1200)])
    assert [(w.start_ms, w.end_ms, w.count) for w in windows] == [(0, 1000, 256)]


def test_a_window_that_never_closes_is_an_alert_once() -> None:
    stream, _, _ = run(null_stream(4, 1))
    assert never_closed(stream, time=PartitionTime(4099), rules=RULES).alerts == ()
    step = never_closed(stream, time=PartitionTime(4100), rules=RULES)
    assert [a.code for a in step.alerts] == ["window_never_closed"]
    assert never_closed(step.stream, time=PartitionTime(9000), rules=RULES) == Step(stream=step.stream)


def test_while_nobody_speaks_no_window_is_at_fault() -> None:
    stream, _, _ = run(null_stream(4, 1))
    time = PartitionTime().at(900, RULES).at(30_000, RULES)
    assert never_closed(stream, time=time, rules=RULES).alerts == ()
    for at_ms in range(31_000, 33_001, 1000):
        time = time.at(at_ms, RULES)
    assert never_closed(stream, time=time, rules=RULES).alerts == ()
    assert never_closed(stream, time=time.at(33_100, RULES), rules=RULES).alerts != ()


def test_sparse_windows_are_gathered_until_they_resolve_the_p_value() -> None:
    _, windows, _ = run(null_stream(6, 40, per=1))
    judged = [w for w in windows if w.reference not in {"building", "gathering"}]
    assert judged
    assert all(w.end_ms - w.start_ms > 1000 for w in judged)
    assert all(w.threshold > 0 for w in judged)


def test_smallest_p_is_stated_honestly() -> None:
    assert smallest_p(3, 1, permutations=999) == 0.25
    assert smallest_p(50, 50, permutations=999) == 0.001
    assert permutations_for(0.001) == 3999
    one = [sketch for _, sketch in null_stream(0, 1, per=4)]
    assert judge(one[:3], one[3:], p_value=0.001, seed="x").p_value >= 0.25


@pytest.mark.parametrize("mean", [b"", np.full(DIM, np.nan, "<f4").tobytes()])
def test_a_damaged_sketch_is_refused(mean: bytes) -> None:
    bad = EmbeddingSketch(
        sketch_id="s",
        topic="t",
        partition=0,
        range_start=0,
        modality="text",
        model="m-1",
        count=3,
        mean=mean,
        second_moment=mean,
    )
    with pytest.raises(InvariantError):
        fold_sketch(DriftStream(modality="text", model="m-1"), bad, at_ms=1, rules=RULES)
