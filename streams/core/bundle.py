"""The bundle: everything tunable that a decision depends on, frozen under one version."""

import importlib.resources
import math
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import msgspec

from streams.core.acceptance import Acceptance
from streams.core.comparison import COARSER, FIELDS, SKIPPED
from streams.core.levels import LEVEL_FIELDS
from streams.errors import SchemaError

Weights = dict[str, dict[str, float]]

_UNTOLD = -4.0
_SIZED: Final = "@"


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What turns the scores of one stratum into log-odds.

    Attributes
    ----------
    slope : float > 0
        on each line
    shift : float
        as a line of its own
    measured_at : int >= 0
        entities of the catalogues that it was measured on; 0: as many as its head
    weights : dict
        on top, by comparison and level: what an agreement says more, or less, among those senders
    """

    slope: float
    shift: float
    measured_at: int = 0
    weights: Weights = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """One additive head, all in log-odds.

    Attributes
    ----------
    prior : float
    weights : dict
        by comparison and level
    calibration : dict
        by stratum (see :func:`streams.core.scoring.stratum_of`); others are taken as they are
    measured_at : int >= 0
        entities of the catalogues that its prior was measured on; 0: as many as its bundle
    """

    prior: float
    weights: Weights
    calibration: dict[str, Calibration] = field(default_factory=dict)
    measured_at: int = 0

    def weight(self, name: str, level: str) -> float:
        """Return what a level weighs; one that this head does not know yet weighs as the coarser one did."""
        if level == SKIPPED:
            return 0.0
        levels = self.weights.get(name, {})
        while level not in levels and (name, level) in COARSER:
            level = COARSER[name, level]
        return levels.get(level, 0.0)

    def in_stratum(self, stratum: str) -> "Head":
        """Return the head as it was calibrated for the narrowest stratum that holds one; else as it is."""
        found = narrowest(stratum, self.calibration)
        return self.calibrated(found) if found is not None else self

    def calibrated(self, stratum: str) -> "Head":
        """Return the head with the slope of a stratum on every line, and what it weighs on its own."""
        fitted = self.calibration[stratum]
        weights = {
            name: {
                level: fitted.slope * weight + fitted.weights.get(name, {}).get(level, 0.0)
                for level, weight in levels.items()
            }
            for name, levels in self.weights.items()
        }
        measured_at = fitted.measured_at or self.measured_at
        return Head(prior=fitted.slope * self.prior, weights=weights, measured_at=measured_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """Everything tunable that a decision depends on, under one version.

    Attributes
    ----------
    recording_match, recording_review, work_match, work_review : float [log-odds]
        at or above ``*_match`` is a match, from ``*_review`` on a review
    guard_tau : float > 0 [log-odds]
        no pair inside an entity, or inside a level below it, may score below ``-guard_tau``
    compare_above : float [log-odds]
        above it two uploads that are compared alone are called the same, at either level
    catalogue_size : int > 0
        entities that the catalogue holds, to within a factor of the root of 2 once it is as large
    measured_at : int > 0
        entities that a catalogue held where the priors were measured, of heads that do not say; 1 in bundles
        of before sizes were measured, which do not grow
    master, audio : Head
        for two uploads of one recording, and of one master; a bundle of before there were any joins nothing
    sound : Acceptance, optional
        when a sound is heard again, at the catalogue's size; without one what is usual at any size
    """

    version: str
    recording: Head
    work: Head
    recording_match: float
    recording_review: float
    work_match: float
    work_review: float
    guard_tau: float
    compare_above: float = 0.0
    notes: dict[str, str] = field(default_factory=dict)
    master: Head = Head(prior=_UNTOLD, weights={})
    audio: Head = Head(prior=_UNTOLD, weights={})
    master_match: float = 0.0
    audio_match: float = 0.0
    catalogue_size: int = 1
    measured_at: int = 1
    sound: Acceptance | None = None

    @property
    def grows(self) -> bool:
        """Whether the size that it states follows the catalogue; not that of before sizes were measured."""
        return self.measured_at > 1

    @classmethod
    def packaged(cls) -> "Bundle":
        """Read the bundle that ships with the package."""
        return cls.from_json(importlib.resources.files("streams.core").joinpath("bundle.json").read_bytes())

    @classmethod
    def shipped(cls) -> dict[str, "Bundle"]:
        """Read every bundle that ever shipped, by version: what they decided stays verifiable."""
        former = importlib.resources.files("streams.core").joinpath("former_bundles").iterdir()
        bundles = [cls.packaged(), *(cls.from_json(each.read_bytes()) for each in former)]
        return {bundle.version: bundle for bundle in bundles}

    @classmethod
    def from_json(cls, data: bytes) -> "Bundle":
        """Read a bundle.

        Raises
        ------
        SchemaError
            not a bundle, an unknown comparison, or thresholds in the wrong order
        """
        try:
            bundle = msgspec.json.decode(data, type=cls)
        except (msgspec.DecodeError, UnicodeDecodeError) as exc:
            raise SchemaError(f"not a bundle: {exc}") from exc
        unknown = {*bundle.recording.weights, *bundle.work.weights} - set(FIELDS)
        unknown |= {*bundle.master.weights, *bundle.audio.weights} - set(LEVEL_FIELDS)
        if unknown:
            raise SchemaError(f"bundle weighs unknown comparisons: {', '.join(sorted(unknown))}")
        heads = (bundle.recording, bundle.work)
        if any(
            levels.keys() - head.weights.get(name, {}).keys()
            for head in heads
            for fitted in head.calibration.values()
            for name, levels in fitted.weights.items()
        ):
            raise SchemaError("a stratum weighs a level that its head does not")
        if any(fitted.slope <= 0 for head in heads for fitted in head.calibration.values()):
            raise SchemaError("a calibration turns the order of scores round")
        if bundle.master.calibration or bundle.audio.calibration:
            raise SchemaError("only the recording and the work head are calibrated")
        if bundle.recording_review > bundle.recording_match or bundle.work_review > bundle.work_match:
            raise SchemaError("a review threshold lies above its match threshold")
        if bundle.catalogue_size < 1 or bundle.measured_at < 1 or min(_sizes(heads)) < 0:
            raise SchemaError("a catalogue holds at least one entity")
        if (sound := bundle.sound) is not None and not sound.sensible:
            raise SchemaError("what a sound must reach is no distribution, or no share of queries")
        return bundle

    def to_json(self) -> bytes:
        """Write canonical JSON: the same bundle is the same bytes."""
        return msgspec.json.encode(self, order="sorted")


def _sizes(heads: Iterable[Head]) -> list[int]:
    """Give the sizes at which heads and their strata were measured; 0 where they say none of their own."""
    own = [head.measured_at for head in heads]
    return own + [fitted.measured_at for head in heads for fitted in head.calibration.values()]


def narrowest(stratum: str, known: Container[str]) -> str | None:
    """Name the narrowest stratum that holds one, of those that are known."""
    kinds = stratum.partition("+")[0]
    return next((name for name in (stratum, stratum.removesuffix("+sound"), kinds) if name in known), None)


def sized(bundle: Bundle, size: int) -> Bundle:
    """Give a bundle for a larger catalogue: ``2026.11.10`` is ``2026.11.10@16000`` at 16,000 entities.

    One that states so large a size already, and one that does not say at which size it was measured, stays.
    """
    if size <= bundle.catalogue_size or not bundle.grows:
        return bundle
    return replace(bundle, version=f"{version_as_made(bundle.version)}{_SIZED}{size}", catalogue_size=size)


def version_as_made(version: str) -> str:
    """Give the version under which a bundle was promoted or shipped, whatever size it was raised to since."""
    return version.partition(_SIZED)[0]


def size_named(version: str) -> int | None:
    """Give the size that a bundle was raised to, as its version says; none for one as it was made."""
    size = version.partition(_SIZED)[2]
    return int(size) if size.isascii() and size.isdigit() else None


def with_version(made: Mapping[str, Bundle], version: str) -> Bundle | None:
    """Find a bundle by the version that a decision names, among those made, by theirs."""
    bundle, size = made.get(version_as_made(version)), size_named(version)
    if bundle is not None and size is not None:
        bundle = sized(bundle, size)
    return bundle if bundle is not None and bundle.version == version else None


def size_prior(bundle: Bundle, head: Head) -> float:
    """Give what the size of the catalogue adds to the log-odds of every pair of a stratum.

    An upload has as many true matches as before in a larger catalogue, and as many more strangers that agree
    with it by chance as the catalogue has grown: the odds fall by that factor at every level of comparison.
    They do not rise in a smaller one: how many fewer strangers it holds was not measured.

    Parameters
    ----------
    bundle : Bundle
    head : Head
        one of its two, calibrated for the stratum
    """
    measured_at = head.measured_at or bundle.measured_at
    return 0.0 if bundle.catalogue_size <= measured_at else -math.log(bundle.catalogue_size / measured_at)


def greatest_fall(bundle: Bundle, *, since: str) -> float:
    """Give how much the size can have taken off the log-odds of any pair since it was scored.

    Parameters
    ----------
    bundle : Bundle
        in force
    since : str
        the version that scored it; of another bundle the fall has no bound
    """
    if version_as_made(since) != version_as_made(bundle.version):
        return math.inf
    sizes = (bundle.measured_at, *_sizes((bundle.recording, bundle.work)))
    # Up to where it was measured the size takes nothing off.
    before = max(size_named(since) or 1, min(size for size in sizes if size))
    return max(0.0, math.log(bundle.catalogue_size / before))
