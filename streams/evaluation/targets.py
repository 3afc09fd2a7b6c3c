"""What is to be reached, and the floors: read from `targets.toml`, held against reports."""

import importlib.resources
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from streams.evaluation.figures import Figure, SetReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What one figure of a set should be.

    Attributes
    ----------
    reach : float, optional
        none: it is watched alone
    floor : float, optional
        what it may not fall below on the set's sample
    at_most : bool
        smaller is better
    of : str
        value, or low: the lower end of the interval
    """

    set: str
    name: str
    stratum: str | None = None
    reach: float | None = None
    floor: float | None = None
    at_most: bool = False
    of: str = "value"

    def holds(self, figure: Figure, bound: float | None, *, of: str) -> bool | None:
        """Say whether a figure keeps a bound; none where either is missing."""
        value = figure.low if of == "low" else figure.value
        if value is None or bound is None:
            return None
        return value <= bound if self.at_most else value >= bound


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A figure held against its target and its floor."""

    target: Target
    figure: Figure
    reached: bool | None
    above_floor: bool | None


@cache
def _read() -> Mapping[str, Any]:
    return tomllib.loads(
        importlib.resources.files("streams.evaluation").joinpath("targets.toml").read_text("utf-8")
    )


def targets() -> tuple[Target, ...]:
    """Give every target."""
    return tuple(Target(**table) for table in _read()["figure"])


def sample_size(name: str) -> int | None:
    """Give the size of the sample on which floors of a set are measured; none: the whole set."""
    size: int | None = _read()["samples"].get(name)
    return size


def checks(reports: Iterable[SetReport]) -> Iterator[Check]:
    """Hold reports against the targets of their sets, in the order of the file."""
    by_name = {report.name: report for report in reports}
    for target in targets():
        report = by_name.get(target.set)
        figure = _find(report, target) if report is not None else None
        if figure is not None:
            yield Check(
                target=target,
                figure=figure,
                reached=target.holds(figure, target.reach, of=target.of),
                above_floor=target.holds(figure, target.floor, of="value"),
            )


def _find(report: SetReport, target: Target) -> Figure | None:
    if target.stratum is None:
        return report.figure(target.name)
    part = next((each for each in report.strata if each.name == target.stratum), None)
    figures = part.figures if part is not None else ()
    return next((each for each in figures if each.name == target.name), None)
