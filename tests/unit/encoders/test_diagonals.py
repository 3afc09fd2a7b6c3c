"""Diagonals: the offsets that are looked at."""

from encoders.alignment.coincidence import ByPitch, coincidences
from encoders.alignment.diagonals import diagonals
from tests.unit.encoders.test_even_levels import points


def test_every_expected_offset_is_looked_at_however_many_there_are() -> None:
    found = coincidences(ByPitch.of(points(3)), points(103))
    at = [float(offset) for offset in range(-600, 600, 6)]
    lines = diagonals(found, ratio=1.0, at=at)
    assert lines.offsets.tolist() == at
    assert lines.matched.any(axis=1).all()
