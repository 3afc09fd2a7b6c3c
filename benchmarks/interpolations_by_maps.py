"""Interpolations once more, found by maps of melodies that a network hears in place of landmarks."""

from __future__ import annotations

from benchmarks.interpolations import Way, measure
from benchmarks.melody_maps import melody_maps, melody_on_maps


def main() -> None:
    measure("interpolations_by_maps", "maps of melodies", Way(melody_maps, melody_on_maps))


if __name__ == "__main__":
    main()
