"""The picture of `growth`: what a larger catalogue does to precision, coverage, candidates and cost.

`python -m benchmarks.growth_picture` draws `benchmarks/results/growth.svg` anew from `growth.json`.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from xml.sax.saxutils import escape

from benchmarks.machine import RESULTS

WIDTH: Final = 300
HEIGHT: Final = 180
LEFT, TOP, BOTTOM = 52, 34, 40
INK, FAINT = "#1f4e79", "#d5dbe1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One figure over the size of the catalogue.

    Attributes
    ----------
    title : str
    values : sequence of float
        one for each size
    low, high : float
        ends of the vertical axis
    ranges : sequence of (float, float)
        intervals around the values; empty for none
    """

    title: str
    values: Sequence[float]
    low: float
    high: float
    ranges: Sequence[tuple[float, float]] = ()


def panels(stretches: Sequence[Mapping[str, Any]]) -> list[Panel]:
    """Give what is drawn of the stretches of a growth."""
    cost = [each["cpu_ms_per_upload"] for each in stretches]
    return [
        _share(stretches, "automatic matches that are right, %", "automatic_match_precision", "precision_95"),
        _share(stretches, "repeats that are matched rightly, %", "coverage", "coverage_95"),
        Panel(
            title="candidates compared, 95th percentile",
            values=[each["candidates_p95"] for each in stretches],
            low=0.0,
            high=25.0,
        ),
        Panel(title="CPU per upload, ms", values=cost, low=0.0, high=float(math.ceil(max(cost)))),
    ]


def _share(stretches: Sequence[Mapping[str, Any]], title: str, value: str, interval: str) -> Panel:
    """Draw shares with their intervals, from the whole per cent below the least of them."""
    bounds = [(100 * low, 100 * high) for low, high in (each[interval] for each in stretches)]
    return Panel(
        title=title,
        values=[100 * each[value] for each in stretches],
        low=math.floor(min(low for low, _ in bounds)),
        high=100.0,
        ranges=bounds,
    )


def picture(stretches: Sequence[Mapping[str, Any]]) -> str:
    """Draw the stretches of a growth side by side, as SVG."""
    sizes = [each["entities_at_end"] for each in stretches]
    drawn = panels(stretches)
    parts = [
        f'<g transform="translate({number * (LEFT + WIDTH + 16)} 0)">{_panel(panel, sizes)}</g>'
        for number, panel in enumerate(drawn)
    ]
    width, height = len(drawn) * (LEFT + WIDTH + 16), TOP + HEIGHT + BOTTOM
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" font-family="sans-serif" font-size="12">'
        f'<rect width="100%" height="100%" fill="white"/>{"".join(parts)}</svg>\n'
    )


def _panel(panel: Panel, sizes: Sequence[int]) -> str:
    first, last = math.log(sizes[0]), math.log(sizes[-1])

    def across(size: int) -> float:
        return round(LEFT + WIDTH * (math.log(size) - first) / max(last - first, 1e-9), 1)

    def down(value: float) -> float:
        return round(TOP + HEIGHT * (panel.high - value) / (panel.high - panel.low), 1)

    parts = [f'<text x="{LEFT}" y="18">{escape(panel.title)}</text>']
    for quarter in range(5):
        value = panel.low + quarter * (panel.high - panel.low) / 4
        parts.append(
            f'<path d="M{LEFT} {down(value)}h{WIDTH}" stroke="{FAINT}"/>'
            f'<text x="{LEFT - 6}" y="{down(value) + 4}" text-anchor="end">{value:g}</text>'
        )
    parts += [
        f'<text x="{across(size)}" y="{TOP + HEIGHT + 18}" text-anchor="middle">{size / 1000:g}k</text>'
        for size in sizes
    ]
    parts += [
        f'<path d="M{across(size)} {down(low)}V{down(high)}" stroke="{INK}" stroke-opacity="0.4"/>'
        for size, (low, high) in zip(sizes, panel.ranges, strict=False)
    ]
    line = " ".join(f"{across(size)},{down(value)}" for size, value in zip(sizes, panel.values, strict=True))
    parts.append(f'<polyline points="{line}" fill="none" stroke="{INK}" stroke-width="2"/>')
    parts += [
        f'<circle cx="{across(size)}" cy="{down(value)}" r="3" fill="{INK}"/>'
        for size, value in zip(sizes, panel.values, strict=True)
    ]
    return "".join(parts)


def main() -> None:
    """Draw the picture of the growth that was measured last."""
    stretches = json.loads((RESULTS / "growth.json").read_text(encoding="utf-8"))["stretches"]
    (RESULTS / "growth.svg").write_text(picture(stretches), encoding="utf-8")


if __name__ == "__main__":
    main()
