"""What the soak calls flat, and what not."""

import random
from collections.abc import Callable

import pytest

from benchmarks.soak import FLAT_DESCRIPTORS, FLAT_MB_PER_HOUR, LIFE_S, Sample, of_part

MB = 2**20


def life(
    seconds: float, rss_mb: Callable[[float], float], descriptors: Callable[[float], float] = lambda _age: 40
) -> list[Sample]:
    ages = [5.0 * number for number in range(int(seconds / 5) + 1)]
    return [Sample(age, int(rss_mb(age) * MB), round(descriptors(age))) for age in ages]


def warmed_up(age: float) -> float:
    return 100 + min(age, 240) / 4


def test_what_fills_up_and_then_stands_is_flat() -> None:
    said = of_part([life(200, warmed_up), life(900, warmed_up)])
    assert said["flat"] is True
    assert said["lives"] == 2
    assert said["longest_life_s"] == 900


def test_a_peak_or_a_wandering_heap_is_no_slope() -> None:
    chance = random.Random(1)  # noqa: S311 - a test must repeat
    wandering = life(900, lambda age: warmed_up(age) + chance.uniform(-4, 4) + 40 * (700 < age < 740))
    assert of_part([wandering])["flat"] is True


@pytest.mark.parametrize("of", [1.5, 3.0, 10.0])
def test_a_leak_is_not_flat(of: float) -> None:
    chance = random.Random(2)  # noqa: S311 - a test must repeat
    leaking = life(900, lambda age: 150 + of * FLAT_MB_PER_HOUR * age / 3600 + chance.uniform(-1, 1))
    said = of_part([life(300, warmed_up), leaking])
    assert said["flat"] is False
    assert said["rss_slope_mb_per_hour"] == pytest.approx(of * FLAT_MB_PER_HOUR, rel=0.2)


def test_descriptors_that_go_on_growing_are_not_flat() -> None:
    growing = life(900, warmed_up, lambda age: 40 + (FLAT_DESCRIPTORS + 1) * age / 300)
    assert of_part([growing])["flat"] is False
    assert of_part([life(900, warmed_up, lambda age: 40 + (age > 650))])["flat"] is True


def test_a_part_that_never_lived_long_is_not_called_flat() -> None:
    assert of_part([life(LIFE_S - 60, warmed_up)] * 5)["flat"] is False
