"""The drift monitor as a fold: sketches in, closed windows and alerts out; no clock, no randomness.

Windows tumble by the broker's append time. The first windows with enough embeddings are the reference, in two
halves; later ones are judged against the halves by turns. A *shift* is two judged windows in a row that each
reach the p-value: they share no sketch with each other and neither do their references, so while nothing
changes the chance of an alert is about the square of the p-value per window (at 0.001 and windows of a
minute: one false alarm in about two years per model). A window with too few embeddings or sketches to resolve
the p-value is gathered with those that follow.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np

from streams.core.drift_distance import check_sketch, judge, permutations_for, smallest_p
from streams.core.records import DriftAlert, DriftWindow, EmbeddingSketch

REFERENCE_SKETCHES = 8  # below this the halves are too small to resolve anything
REFERENCE_CAP = 256
NEVER_CLOSED_WINDOWS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftRules:
    """What is a window, what makes the reference and what is an alert; times in ms."""

    window_ms: int
    grace_ms: int
    reference_windows: int
    min_count: int
    p_value: float


class Role(StrEnum):
    """What a kept sketch is for."""

    window = "window"  # of a window that is open, or gathered until there are enough
    reference = "reference"
    latest = "latest"  # the last of an input partition, to know replays by


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A sketch that the fold still needs."""

    role: Role
    window_ms: int
    sketch: EmbeddingSketch


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftStream:
    """The fold of one (modality, model).

    Attributes
    ----------
    now_ms : int
        latest append time
    closed_ms : int
        windows that start before this are closed
    taken_ms : int
        windows that start before this are judged or learned: what waits is of later ones, the reference of
        earlier ones, and whatever else is still kept counts no more
    kept : mapping of key to Kept
        never changed in place
    """

    modality: str
    model: str
    now_ms: int = 0
    closed_ms: int = 0
    taken_ms: int = 0
    kept: Mapping[str, Kept] = field(default_factory=dict)
    reference_windows: int = 0
    frozen: bool = False
    judged: int = 0
    suspicious: bool = False
    alerted: bool = False
    late: int = 0
    replayed: int = 0
    stuck_ms: int = -1  # last window that was reported as never closed

    def sketches(self, role: Role) -> list[Kept]:
        """Return what counts in this role, in an order that does not depend on arrival."""
        found = [kept for kept in self.kept.values() if kept.role is role and self._counts(kept)]
        return sorted(found, key=lambda k: (k.window_ms, k.sketch.sketch_id))

    def _counts(self, kept: Kept) -> bool:
        """Say whether a sketch is on the side of ``taken_ms`` where its role is."""
        taken = kept.window_ms < self.taken_ms
        return kept.role is Role.latest or taken == (kept.role is Role.reference)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one event did."""

    stream: DriftStream
    windows: tuple[DriftWindow, ...] = ()
    alerts: tuple[DriftAlert, ...] = ()


def _additional(new: EmbeddingSketch, old: EmbeddingSketch) -> EmbeddingSketch:
    """Return what ``new`` holds beyond ``old``, an earlier part of the same range: all parts are sums."""
    more = new.count - old.count

    def rest(left: bytes, right: bytes) -> bytes:
        a, b = (np.frombuffer(x, dtype="<f4").astype(np.float64) for x in (left, right))
        return ((a * new.count - b * old.count) / more).astype("<f4").tobytes()

    def minus(left: tuple[int, ...], right: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(max(0, a - b) for a, b in zip(left, right, strict=True))

    return replace(
        new,
        sketch_id=f"{new.sketch_id}+{old.count}",
        count=more,
        mean=rest(new.mean, old.mean),
        second_moment=rest(new.second_moment, old.second_moment),
        projection_histograms=minus(new.projection_histograms, old.projection_histograms),
    )


def _place(stream: DriftStream, sketch: EmbeddingSketch, at_ms: int, rules: DriftRules) -> DriftStream:
    """Put a sketch into its window; a replay counts once, a larger part replaces a smaller."""
    check_sketch(sketch)
    start = at_ms // rules.window_ms * rules.window_ms
    place = f"latest:{sketch.topic}:{sketch.partition}"
    name = f"window:{sketch.sketch_id}"
    last = stream.kept.get(place)
    before = stream.kept.get(name)
    known = last is not None and sketch.range_start <= last.sketch.range_start
    newest = last is None or sketch.range_start >= last.sketch.range_start
    latest = {place: Kept(role=Role.latest, window_ms=start, sketch=sketch)}
    if before is not None:
        if sketch.count <= before.sketch.count:
            # A worker that died between the two has kept the sketch and not that it is the latest.
            unmarked = last is None or sketch.range_start > last.sketch.range_start
            kept = {**stream.kept, **(latest if unmarked else {})}
            return replace(stream, kept=kept, replayed=stream.replayed + 1)
        if before.window_ms >= stream.closed_ms:
            kept = {**stream.kept, name: replace(before, sketch=sketch), **(latest if newest else {})}
            return replace(stream, kept=kept)
    if last is not None and known:
        same = last.sketch.sketch_id == sketch.sketch_id
        if not same or sketch.count <= last.sketch.count:
            return replace(stream, replayed=stream.replayed + 1)
    if start < stream.closed_ms:
        return replace(stream, kept={**stream.kept, **latest}, late=stream.late + 1)
    part = _additional(sketch, last.sketch) if last is not None and known else sketch
    return replace(
        stream,
        kept={
            **stream.kept,
            f"window:{part.sketch_id}": Kept(role=Role.window, window_ms=start, sketch=part),
            **latest,
        },
    )


def fold_sketch(stream: DriftStream, sketch: EmbeddingSketch, *, at_ms: int, rules: DriftRules) -> Step:
    """Fold one sketch or heartbeat, then close the windows whose time is over.

    Parameters
    ----------
    stream : DriftStream
    sketch : EmbeddingSketch
        of the stream's modality and model
    at_ms : int [ms since 1970]
        the broker's append time
    rules : DriftRules

    Raises
    ------
    InvariantError
        the sketch cannot be one; the stream stands as it did
    """
    moved = replace(stream, now_ms=max(stream.now_ms, at_ms))
    # Windows that ended before this event close without it.
    step = _close(moved, rules)
    if sketch.heartbeat or sketch.count == 0:
        return step
    return replace(step, stream=_place(step.stream, sketch, at_ms, rules))


def _close(stream: DriftStream, rules: DriftRules) -> Step:
    """Close each window that ended longer than the grace ago, in order."""
    limit = (stream.now_ms - rules.grace_ms) // rules.window_ms * rules.window_ms
    due = sorted(
        {k.window_ms for k in stream.sketches(Role.window) if stream.closed_ms <= k.window_ms < limit}
    )
    windows: list[DriftWindow] = []
    alerts: list[DriftAlert] = []
    for start in due:
        stream, window, alert = _close_one(stream, start, rules)
        windows.append(window)
        if alert is not None:
            alerts.append(alert)
    stream = replace(stream, closed_ms=max(stream.closed_ms, limit))
    return Step(stream=stream, windows=tuple(windows), alerts=tuple(alerts))


def _close_one(
    stream: DriftStream, start: int, rules: DriftRules
) -> tuple[DriftStream, DriftWindow, DriftAlert | None]:
    """Close one window with what was gathered before it."""
    gathered = [k for k in stream.sketches(Role.window) if k.window_ms <= start]
    count = sum(k.sketch.count for k in gathered)
    window = DriftWindow(
        window_id=_id(stream.modality, stream.model, "window", str(start)),
        modality=stream.modality,
        model=stream.model,
        start_ms=gathered[0].window_ms,
        end_ms=start + rules.window_ms,
        count=count,
        distance=0.0,
        threshold=0.0,
        p_value=1.0,
        reference="gathering",
        late=stream.late,
    )
    stream = replace(stream, closed_ms=start + rules.window_ms)
    if count < rules.min_count:
        return stream, window, None
    if not stream.frozen:
        return _learn(stream, start, gathered, rules), replace(window, reference="building"), None
    members = stream.sketches(Role.reference)
    half = members[stream.judged % 2 :: 2]
    resolvable = smallest_p(len(half), len(gathered), permutations=permutations_for(rules.p_value))
    if resolvable > rules.p_value:
        return stream, window, None
    found = judge(
        [k.sketch for k in half], [k.sketch for k in gathered], p_value=rules.p_value, seed=window.window_id
    )
    window = replace(
        window,
        distance=found.distance,
        threshold=found.threshold,
        p_value=found.p_value,
        reference=_id(*(k.sketch.sketch_id for k in half))[:16],
    )
    far = found.p_value <= rules.p_value
    shift = far and stream.suspicious and not stream.alerted
    stream = replace(
        _take(stream, start, rules),
        judged=stream.judged + 1,
        suspicious=far,
        alerted=far and (stream.alerted or shift),
    )
    return stream, window, _shift(window) if shift else None


def _learn(stream: DriftStream, start: int, gathered: list[Kept], rules: DriftRules) -> DriftStream:
    """Add a closed window to the reference; freeze that when it is whole."""
    room = max(0, REFERENCE_CAP - len(stream.sketches(Role.reference)))
    taken = _take(stream, start, rules)
    new = {f"reference:{k.sketch.sketch_id}": replace(k, role=Role.reference) for k in gathered[:room]}
    learned = replace(taken, kept={**taken.kept, **new}, reference_windows=taken.reference_windows + 1)
    enough = len(learned.sketches(Role.reference)) >= REFERENCE_SKETCHES
    return replace(learned, frozen=learned.reference_windows >= rules.reference_windows and enough)


def _take(stream: DriftStream, start: int, rules: DriftRules) -> DriftStream:
    """Forget what was judged or learned with a window, and what a worker that died left of earlier ones."""
    kept = {key: k for key, k in stream.kept.items() if k.role is not Role.window or k.window_ms > start}
    return replace(stream, kept=kept, taken_ms=start + rules.window_ms)


def _shift(window: DriftWindow) -> DriftAlert:
    return DriftAlert(
        alert_id=_id(window.window_id, "shift"),
        modality=window.modality,
        model=window.model,
        start_ms=window.start_ms,
        end_ms=window.end_ms,
        code="shift",
        distance=window.distance,
        threshold=window.threshold,
        p_value=window.p_value,
        message=(
            f"embeddings of {window.model} ({window.modality}) left the reference in two windows in a row: "
            f"distance {window.distance:.4g}, threshold {window.threshold:.4g}"
        ),
    )


@dataclass(frozen=True, slots=True)
class PartitionTime:
    """How far the events of a partition have come, those of all its streams.

    Attributes
    ----------
    now_ms : int [ms since 1970]
        latest append time
    resumed_ms : int [ms since 1970]
        when the last time ended at which nobody spoke for longer than a window; 0 for never
    """

    now_ms: int = 0
    resumed_ms: int = 0

    def at(self, at_ms: int, rules: DriftRules) -> "PartitionTime":
        """Give the time after an event."""
        paused = self.now_ms > 0 and at_ms - self.now_ms > rules.window_ms
        return PartitionTime(max(self.now_ms, at_ms), at_ms if paused else self.resumed_ms)


def never_closed(stream: DriftStream, *, time: PartitionTime, rules: DriftRules) -> Step:
    """Report a window that stays open although others move the partition's time on.

    While nobody speaks (a batch of songs that takes long, all workers stopped) no single stream is at fault:
    the others count from when somebody speaks again.

    Parameters
    ----------
    stream : DriftStream
    time : PartitionTime
        of the stream's partition, heartbeats of other streams included
    rules : DriftRules
    """
    patience = rules.grace_ms + NEVER_CLOSED_WINDOWS * rules.window_ms
    stuck = sorted(
        {
            k.window_ms
            for k in stream.sketches(Role.window)
            if k.window_ms >= stream.closed_ms
            and k.window_ms > stream.stuck_ms
            and max(k.window_ms + rules.window_ms, time.resumed_ms) + patience <= time.now_ms
        }
    )
    if not stuck:
        return Step(stream=stream)
    alerts = tuple(
        DriftAlert(
            alert_id=_id(stream.modality, stream.model, "window_never_closed", str(start)),
            modality=stream.modality,
            model=stream.model,
            start_ms=start,
            end_ms=start + rules.window_ms,
            code="window_never_closed",
            distance=0.0,
            threshold=0.0,
            p_value=1.0,
            message=f"no sketch or heartbeat of {stream.model} ({stream.modality}) came to close this window",
        )
        for start in stuck
    )
    return Step(stream=replace(stream, stuck_ms=stuck[-1]), alerts=alerts)


def _id(*parts: str) -> str:
    """Name a thing by its parts, length-prefixed."""
    return hashlib.sha256("".join(f"{len(part)}:{part}" for part in parts).encode()).hexdigest()[:32]
