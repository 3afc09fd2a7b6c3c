"""Kept pairs under other rules than those that scored them.

A promoted bundle scores every kept pair anew at once. A larger size of the catalogue takes at most the
logarithm of its growth off a pair, so most pairs stand where they stood: only those that it could bring
across a threshold are scored anew at once, the others when their component is placed next. The cost of a
promotion then follows what changes and not what is kept.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from msgspec.structs import replace

from streams.core.bearing import JOINS, JOINS_WORKS, PARTS, PARTS_WORKS, bearing, could_join
from streams.core.bundle import Bundle, greatest_fall
from streams.core.catalogue import Workspace
from streams.core.clustering import components
from streams.core.records import PairState
from streams.core.rules import PairScorer, Rules, Thresholds

Ends = tuple[str, str]
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
    fresh = replace(
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


def score_all(workspace: Workspace, rules: Rules) -> None:
    """Score every kept pair by the rules in force."""
    for pair in list(workspace.pairs()):
        current(workspace, pair, rules)


def score_grown(workspace: Workspace, bundle: Bundle, *, until_now: Rules, rules: Rules) -> set[str]:
    """Score anew what a larger size of the catalogue could place otherwise.

    Parameters
    ----------
    workspace : Workspace
    bundle : Bundle
        in force from now on: the one until now at a larger size
    until_now, rules : Rules
        before and from now on

    Returns
    -------
    seeds : set of str
        uploads whose components must be placed anew; every other component comes out as it is
    """
    thresholds = rules.thresholds
    graph = _Graph.of(workspace.pairs(), thresholds)
    seeds = graph.contested()
    for pair in list(_shaken(workspace.pairs(), bundle, thresholds, graph)):
        fresh = current(workspace, pair, rules)
        if bearing(pair, thresholds) != bearing(fresh, thresholds) or _heard_otherwise(
            workspace, fresh, until_now.scorer, rules.scorer
        ):
            seeds |= {pair.left, pair.right}
    return seeds


class _Graph(NamedTuple):
    """What kept pairs join, and which of them part what others join.

    Attributes
    ----------
    recordings, works : mapping of str to str
        the component of each upload that something joins, at either level
    parted, works_parted : list of (str, str)
    """

    recordings: Mapping[str, str]
    works: Mapping[str, str]
    parted: list[Ends]
    works_parted: list[Ends]

    @classmethod
    def of(cls, pairs: Iterable[PairState], thresholds: Thresholds) -> "_Graph":
        """Follow what every pair says."""
        joined: list[Ends] = []
        works_joined: list[Ends] = []
        parted: list[Ends] = []
        works_parted: list[Ends] = []
        for pair in pairs:
            ends, said = (pair.left, pair.right), bearing(pair, thresholds)
            if said & JOINS:
                joined.append(ends)
            if said & PARTS:
                parted.append(ends)
            if said & JOINS_WORKS:
                works_joined.append(ends)
            if said & PARTS_WORKS:
                works_parted.append(ends)
        return cls(components(joined), components(joined + works_joined), parted, works_parted)

    def contested(self) -> set[str]:
        """Give an upload of each component in which one pair parts what others join.

        There the order of the scores decides who comes together, and pairs of two strata may change places;
        where nothing is parted all orders come to the same.
        """
        found = {ends[0] for ends in self.parted if _together(self.recordings, ends)}
        return found | {ends[0] for ends in self.works_parted if _together(self.works, ends)}


def _together(home: Mapping[str, str], ends: Ends) -> bool:
    """Say whether both ends of a pair are in one component."""
    left, right = ends
    return left in home and home[left] == home.get(right)


def _shaken(
    pairs: Iterable[PairState], bundle: Bundle, thresholds: Thresholds, graph: _Graph
) -> Iterator[PairState]:
    """Give the pairs that may say something else: they fall too far, or more is asked of their sounds."""
    falls: dict[str, float] = {}
    for pair in pairs:
        fall = falls.get(pair.bundle_version)
        if fall is None:
            fall = greatest_fall(bundle, since=pair.bundle_version) + _ROUNDING
            falls[pair.bundle_version] = fall
        # Of a pair that another bundle scored, before the package was renewed, nothing is known.
        if pair.sound is not None or math.isinf(fall):
            yield pair
            continue
        now = bearing(pair, thresholds)
        # What parts two that nothing brings together parts nobody.
        if now != bearing(pair, thresholds, fall) and (
            could_join(pair, thresholds) or _together(graph.works, (pair.left, pair.right))
        ):
            yield pair


def _heard_otherwise(workspace: Workspace, pair: PairState, before: PairScorer, now: PairScorer) -> bool:
    """Say whether two sounds are no longer one master, or one audio, as they were."""
    left, right = workspace.upload(pair.left), workspace.upload(pair.right)
    if pair.sound is None or left is None or right is None or left.record is None or right.record is None:
        return False
    sides = left.record, right.record, pair.sound
    return before.levels(*sides) != now.levels(*sides)
