"""Figures and the reports that hold them: plain values, written as JSON under the same names."""

from dataclasses import dataclass, field

from encoders.evaluation.intervals import Interval
from streams.core.records import HeadScore


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured value.

    Attributes
    ----------
    name : str
    value : float, optional
        none where nothing can be said
    low, high : float, optional
        95 % interval
    count : int, optional
        how many records or pairs it speaks of
    """

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    count: int | None = None

    @classmethod
    def of(
        cls, name: str, value: float, interval: Interval | None = None, count: int | None = None
    ) -> "Figure":
        """Make a figure with its interval."""
        low, high = interval if interval is not None else (None, None)
        return cls(name=name, value=value, low=low, high=high, count=count)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stratum:
    """Figures of a part of a set."""

    name: str
    count: int
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One upload of a case, as a person reads it."""

    title: str | None
    artists: tuple[str, ...]
    version: str | None
    duration_ms: int | None
    of: str  # what it is a record of


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A pair that was judged wrongly.

    Attributes
    ----------
    kind : str
        false match, missed, or missed in review
    left, right : Side
    score : HeadScore, optional
        the ledger of the pair at the level of the set; none where a side could not be read
    guard : str, optional
        the hard fact that forbids the pair
    """

    kind: str
    left: Side
    right: Side
    score: HeadScore | None = None
    guard: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Wrong pairs that went wrong alike: the levels that told most, and how many there are."""

    kind: str
    levels: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SetReport:
    """Everything measured on one set.

    Attributes
    ----------
    how : str
        streamed or compared, and under what
    size : int
        uploads or pairs
    figures : tuple of Figure
    strata : tuple of Stratum
    calibration : tuple of Stratum
    cases : tuple of Case
        the worst ones
    groups : tuple of Group
        all wrong pairs, by what they have in common
    """

    name: str
    how: str
    size: int
    figures: tuple[Figure, ...]
    strata: tuple[Stratum, ...] = ()
    calibration: tuple[Stratum, ...] = ()
    cases: tuple[Case, ...] = ()
    groups: tuple[Group, ...] = ()
    seconds: float = 0.0
    notes: tuple[str, ...] = field(default_factory=tuple)

    def figure(self, name: str) -> Figure | None:
        """Find a figure by its name."""
        return next((each for each in self.figures if each.name == name), None)
