"""Kept pairs under other rules than those that scored them.

A promoted bundle scores every kept pair anew at once. A larger size of the catalogue takes at most the
logarithm of its growth off a pair, so most pairs stand where they stood: only those that it could bring
across a threshold are scored anew at once; the others where their component is placed next and the order of
its pairs matters. All kept pairs are looked at, few are scored.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Final

from msgspec import structs

from streams.core.bearing import JOINS, JOINS_WORKS, PARTS, PARTS_WORKS, bearing
from streams.core.bundle import Bundle, size_named, size_prior, version_as_made
from streams.core.catalogue import Workspace
from streams.core.clustering import components
from streams.core.records import PairState
from streams.core.rules import PairScorer, Rules
from streams.core.scoring import stratum_of

# A sum of floats that was taken in another order may differ by this much.
_ROUNDING: Final = 1e-6


def current(workspace: Workspace, pair: PairState, rules: Rules) -> PairState:
    """Give a kept pair as the rules in force score it, and keep it so; verdicts stay."""
    if pair.bundle_version == rules.bundle_version:
        return pair
    left, right = workspace.upload(pair.left), workspace.upload(pair.right)
    if left is None or right is None or left.record is None or right.record is None:
        return pair
    score = rules.scorer.score(left.record, right.record, pair.sound)
    fresh = structs.replace(
        pair,
        recording_log_odds=score.recording.log_odds,
        work_log_odds=score.work.log_odds,
        cannot_link=score.cannot_link,
        work_cannot_link=score.work_cannot_link,
        relation=score.relation,
        bundle_version=rules.bundle_version,
    )
    workspace.put_pair(fresh)
    return fresh


def settled(workspace: Workspace, pair: PairState, rules: Rules) -> PairState:
    """Give a kept pair as it is; where it may say something else by now, as :func:`current` does."""
    if pair.bundle_version == rules.bundle_version or not _shaken(pair, rules):
        return pair
    return current(workspace, pair, rules)


def score_all(workspace: Workspace, rules: Rules) -> None:
    """Score every kept pair by the rules in force."""
    for pair in _in_order(workspace):
        current(workspace, pair, rules)


def _in_order(workspace: Workspace) -> list[PairState]:
    """Give every kept pair; in one order, so that a replay writes the same records one after the other."""
    return sorted(workspace.pairs(), key=lambda pair: (pair.left, pair.right))


class _Falls:
    """By how much the larger size lowers the log-odds of kept pairs.

    Parameters
    ----------
    before, bundle : Bundle
        in force until now, and from now on
    """

    def __init__(self, before: Bundle, bundle: Bundle) -> None:
        self._before, self._bundle = before, bundle
        self._of: dict[tuple[str, str], tuple[float, float] | None] = {}

    def of(self, version: str, stratum: str) -> tuple[float, float] | None:
        """Give how far pairs of a stratum fall at both levels; none where it is not known from which size."""
        key = version, stratum
        if key not in self._of:
            self._of[key] = self._measured(version, stratum)
        return self._of[key]

    def _measured(self, version: str, stratum: str) -> tuple[float, float] | None:
        size = self._before.catalogue_size if version == self._before.version else size_named(version)
        if size is None or version_as_made(version) != version_as_made(self._bundle.version):
            return None
        was = replace(self._bundle, catalogue_size=size)
        recording, work = (
            size_prior(was, head) - size_prior(self._bundle, head)
            for head in (self._bundle.recording.in_stratum(stratum), self._bundle.work.in_stratum(stratum))
        )
        return recording, work


def score_grown(
    workspace: Workspace, before: Bundle, bundle: Bundle, *, until_now: Rules, rules: Rules
) -> set[str]:
    """Score anew what a larger size of the catalogue could place otherwise.

    Parameters
    ----------
    workspace : Workspace
    before, bundle : Bundle
        in force until now; and from now on, the same at a larger size
    until_now, rules : Rules
        with them

    Returns
    -------
    seeds : set of str
        uploads whose components must be placed anew; every other component comes out as it is
    """
    thresholds = rules.thresholds
    falls = _Falls(before, bundle)
    links = [(pair, bearing(pair, thresholds)) for pair in _in_order(workspace)]
    recordings = components((pair.left, pair.right) for pair, said in links if said & JOINS)
    works = components((pair.left, pair.right) for pair, said in links if said & (JOINS | JOINS_WORKS))
    seeds: set[str] = set()
    for pair, said in links:
        # What parts two that nothing brings together parts nobody. More is asked of sounds.
        matters = bool(said & (JOINS | JOINS_WORKS)) or _together(works, pair)
        unknown = math.isinf(rules.fall(pair.bundle_version))
        if pair.sound is not None or unknown or (matters and _shaken(pair, rules)):
            fresh = current(workspace, pair, rules)
            if bearing(fresh, thresholds) != said or _heard_otherwise(
                workspace, fresh, until_now.scorer, rules.scorer
            ):
                seeds |= {pair.left, pair.right}
    for level, joins, parts, home in ((0, JOINS, PARTS, recordings), (1, JOINS_WORKS, PARTS_WORKS, works)):
        contested: dict[str, list[PairState]] = {
            home[pair.left]: [] for pair, said in links if said & parts and _together(home, pair)
        }
        for pair, said in links:
            if said & joins and home[pair.left] in contested:
                contested[home[pair.left]].append(pair)
        seeds |= {
            name for name, pairs in contested.items() if not _keep_order(workspace, pairs, falls, level)
        }
    return seeds


def _together(home: Mapping[str, str], pair: PairState) -> bool:
    """Say whether both ends of a pair are in one component."""
    return pair.left in home and home[pair.left] == home.get(pair.right)


def _shaken(pair: PairState, rules: Rules) -> bool:
    """Say whether a pair may say something else than when it was scored: it may have fallen too far.

    Of a pair that another bundle scored, before the package was renewed, nothing is known.
    """
    fall, thresholds = rules.fall(pair.bundle_version), rules.thresholds
    if math.isinf(fall):
        return True
    return bearing(pair, thresholds) != bearing(pair, thresholds, fall + _ROUNDING)


def _keep_order(workspace: Workspace, pairs: Iterable[PairState], falls: _Falls, level: int) -> bool:
    """Say whether the pairs that join a component are taken in the same order as before.

    Where one pair parts what others join the order of the scores decides who comes together, and pairs of two
    strata may change places; where nothing is parted all orders come to the same.
    """
    scores: list[tuple[float, float]] = []
    versions: set[str] = set()
    for pair in pairs:
        left, right = workspace.upload(pair.left), workspace.upload(pair.right)
        if left is None or right is None or left.record is None or right.record is None:
            return False
        fall = falls.of(pair.bundle_version, stratum_of(left.record, right.record, pair.sound))
        versions.add(pair.bundle_version)
        # What a rule bounds falls less than others; only a person joins it.
        if fall is None or pair.verdict is not None or len(versions) > 1:
            return False
        scores.append(((pair.recording_log_odds, pair.work_log_odds)[level], fall[level]))
    scores.sort(reverse=True)
    return all(
        (above == below and fall == farther) or (above - fall) - (below - farther) > _ROUNDING
        for (above, fall), (below, farther) in pairwise(scores)
    )


def _heard_otherwise(workspace: Workspace, pair: PairState, before: PairScorer, now: PairScorer) -> bool:
    """Say whether two sounds are no longer one master, or one audio, as they were."""
    left, right = workspace.upload(pair.left), workspace.upload(pair.right)
    if pair.sound is None or left is None or right is None or left.record is None or right.record is None:
        return False
    sides = left.record, right.record, pair.sound
    return before.levels(*sides) != now.levels(*sides)
