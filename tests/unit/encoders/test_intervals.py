"""What intervals cover together, and what they leave of another one."""

from __future__ import annotations

import pytest

from encoders.alignment.intervals import covered, uncovered


@pytest.mark.parametrize(
    ("parts", "length"),
    [([], 0), ([(2, 5)], 3), ([(0, 4), (2, 6)], 6), ([(8, 9), (0, 4), (1, 2)], 5), ([(0, 2), (2, 3)], 3)],
)
def test_what_lies_under_several_counts_once(parts: list[tuple[int, int]], length: int) -> None:
    assert covered(parts) == length


@pytest.mark.parametrize(
    ("known", "left"),
    [
        ([], [(2, 10)]),
        ([(0, 12)], []),
        ([(0, 4), (6, 7)], [(4, 6), (7, 10)]),
        ([(5, 20), (3, 6)], [(2, 3)]),
        ([(20, 30)], [(2, 10)]),
    ],
)
def test_what_no_other_covers_is_left(known: list[tuple[int, int]], left: list[tuple[int, int]]) -> None:
    assert uncovered((2, 10), known) == left
    within = covered([(max(2, a), min(10, b)) for a, b in known if max(2, a) < min(10, b)])
    assert sum(end - begin for begin, end in left) == 8 - within
