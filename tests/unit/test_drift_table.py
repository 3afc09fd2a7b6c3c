"""The table of the drift fold: whatever part of a change a dying worker has written, nothing is lost."""

from collections.abc import Iterable

from streams.core.drift import DriftRules, DriftStream, Role, fold_sketch
from streams.core.records import DriftWindow, EmbeddingSketch
from streams.edges.avro import AvroCodec
from streams.edges.drift_table import Entry, streams_from, table_changes
from tests.unit.test_drift import null_stream

RULES = DriftRules(window_ms=1000, grace_ms=100, reference_windows=2, min_count=50, p_value=0.01)
NAME = ("text", "m-1")
CODEC = AvroCodec()
Table = dict[str, Entry]
Event = tuple[int, EmbeddingSketch]


def fold(table: Table, events: Iterable[Event]) -> dict[str, DriftWindow]:
    """Take up a table and fold events into it; a window that is said twice must be the same."""
    said: dict[str, DriftWindow] = {}
    stream = restored(table)
    for at, sketch in events:
        step = fold_sketch(stream, sketch, at_ms=at, rules=RULES)
        for window in step.windows:
            assert said.setdefault(window.window_id, window) == window
        write(table, table_changes(stream, step.stream, CODEC).items())
        stream = step.stream
    return said


def restored(table: Table) -> DriftStream:
    found = streams_from(table.items(), CODEC)
    return found.get(NAME) or DriftStream(modality=NAME[0], model=NAME[1])


def write(table: Table, changes: Iterable[tuple[str, Entry | None]]) -> None:
    for key, entry in changes:
        if entry is None:
            table.pop(key, None)
        else:
            table[key] = entry


def test_a_worker_that_dies_within_a_change_leaves_what_the_same_events_make_whole() -> None:
    events = null_stream(1, 7)
    calm_table: Table = {}
    calm = fold(calm_table, events)
    assert {window.reference for window in calm.values()} > {"building"}
    largest = 0
    # Windows close at the second event of the next one; the last takes away what was left over.
    for at in range(9, len(events) - 8, 4):
        before: Table = {}
        said = fold(before, events[:at])
        stream = restored(before)
        step = fold_sketch(stream, events[at][1], at_ms=events[at][0], rules=RULES)
        # Published, and acknowledged, before the table is written.
        said |= {window.window_id: window for window in step.windows}
        changes = list(table_changes(stream, step.stream, CODEC).items())
        for written in range(len(changes) + 1):
            table = dict(before)
            write(table, changes[:written])
            # Offsets are committed once a second: events of before come again as well.
            again = fold(table, events[at - 3 :])
            assert {**again, **said} == calm
            assert {**said, **again} == calm
            assert table.keys() == calm_table.keys()
        largest = max(largest, len(changes))
    assert largest > 2 * 8


def test_a_table_that_knows_nothing_of_taken_windows_is_taken_up() -> None:
    events = null_stream(1, 6)
    table: Table = {}
    said = fold(table, events[:30])
    whole = restored(table)
    for entry in table.values():
        entry.pop("taken_ms", None)
    old = restored(table)
    assert whole.sketches(Role.reference)
    for role in (Role.reference, Role.window):
        assert old.sketches(role) == whole.sketches(role)
    assert said | fold(table, events[30:]) == fold({}, events)
