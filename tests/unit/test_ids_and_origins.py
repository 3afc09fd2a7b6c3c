"""Ids are unambiguous functions of their parts; origins are a set whatever the order."""

from itertools import pairwise
from uuid import uuid5

from hypothesis import given
from hypothesis import strategies as st

from streams.core.ids import NAMESPACE, entity_id, event_id, row_id, stable_id
from streams.core.origins import Origins
from streams.core.ranges import Ranges
from streams.core.records import Origin, OriginRange


def test_ids_never_change_between_releases() -> None:
    assert entity_id("label-a", "A-1", revision=1, kind="recording", ordinal=0) == (
        "7a8e8ac6-a351-57d2-bf18-a8cbdfbd7fcb"
    )


@given(st.lists(st.one_of(st.text(st.characters(codec="utf-8")), st.integers()), max_size=9))
def test_an_id_is_the_uuid5_of_its_parts(parts: list[str | int]) -> None:
    name = "".join(f"{len(str(part))}:{part}" for part in parts)
    assert stable_id(*parts) == str(uuid5(NAMESPACE, name))


def test_parts_cannot_run_into_each_other() -> None:
    assert stable_id("ab", "c") != stable_id("a", "bc")
    assert stable_id("1:a") != stable_id("1", "a")


@given(st.text(), st.integers())
def test_an_id_is_the_uuid5_of_its_parts_each_with_its_length(text: str, number: int) -> None:
    named = f"{len(text)}:{text}{len(str(number))}:{number}"
    assert stable_id(text, number) == str(uuid5(NAMESPACE, named))


def test_kinds_of_ids_do_not_meet() -> None:
    row = row_id("s", "i", revision=1, modality="text", model="m", window=0)
    event = event_id("s", "i", revision=1, operation="upsert", event="decided")
    assert row != event


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 6)), max_size=20))
def test_ranges_are_the_set_of_what_was_added(added: list[tuple[int, int]]) -> None:
    ranges, held = Ranges(), set[int]()
    for first, length in added:
        ranges.add(first, first + length)
        held |= set(range(first, first + length))
    assert [number for number in range(50) if number in ranges] == sorted(held)
    kept = list(ranges)
    # Disjoint, sorted, and as few as can be.
    assert all(end < first for (_, end), (first, _) in pairwise(kept))


def origin(offset: int, partition: int = 0) -> Origin:
    return Origin(topic="catalog.upload.v1", partition=partition, offset=offset)


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 30)), max_size=60))
def test_origins_hold_what_was_added_and_nothing_else(added: list[tuple[int, int]]) -> None:
    origins = Origins()
    for partition, offset in added:
        origins.add(origin(offset, partition))
    for partition in (0, 1):
        for offset in range(32):
            assert (origin(offset, partition) in origins) == ((partition, offset) in set(added))
    assert Origins(origins.ranges()).ranges() == origins.ranges()


def test_ranges_that_touch_become_one() -> None:
    origins = Origins()
    for offset in (0, 2, 1, 4, 3):
        origins.add(origin(offset))
    assert origins.ranges() == (OriginRange(topic="catalog.upload.v1", partition=0, first=0, end=5),)


def test_a_copy_is_independent() -> None:
    origins = Origins()
    other = origins.copy()
    other.add(origin(7))
    assert origin(7) not in origins
