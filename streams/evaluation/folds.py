"""Splits that keep together what shares a record, and samples that keep clusters whole; both from hashes."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from streams.evaluation.labelled import (
    LabelledPair,
    LabelledPairs,
    LabelledSet,
    LabelledStream,
    LabelledUpload,
)

FOLDS = 5
SAMPLE_SEED = 1
_LARGEST_SHARE = 0.2


def components(pairs: Sequence[LabelledPair]) -> list[int]:
    """Give for each pair the number of its connected component; pairs that share a record are in one."""
    numbers: dict[str, int] = {}
    left = [numbers.setdefault(pair.left_group, len(numbers)) for pair in pairs]
    right = [numbers.setdefault(pair.right_group, len(numbers)) for pair in pairs]
    graph = coo_matrix((np.ones(len(pairs)), (left, right)), shape=(len(numbers), len(numbers)))
    _, labels = connected_components(graph, directed=False)
    seen: dict[int, int] = {}
    return [seen.setdefault(int(labels[node]), len(seen)) for node in left]


def units(pairs: Sequence[LabelledPair]) -> list[int]:
    """Give for each pair the number of what is drawn whole, for folds, samples and intervals.

    That is its component; where one component holds most of the set, its left record.
    """
    parts = components(pairs)
    if max(_sizes(parts), default=0) <= len(pairs) * _LARGEST_SHARE:
        return parts
    seen: dict[str, int] = {}
    return [seen.setdefault(pair.left_group, len(seen)) for pair in pairs]


def folds(pairs: Sequence[LabelledPair], *, count: int = FOLDS) -> list[int]:
    """Give the fold of each pair: whole units, the largest first, into the fold with the fewest pairs.

    What is fitted to score a fold must have seen none of its units; a fit outside calls this too.
    """
    parts = units(pairs)
    names = [pairs[number].left_group for number in _firsts(parts)]
    sizes = _sizes(parts)
    held = [0] * count
    fold_of = [0] * len(sizes)
    for part in sorted(range(len(sizes)), key=lambda part: (-sizes[part], _hash(names[part]))):
        smallest = held.index(min(held))
        held[smallest] += sizes[part]
        fold_of[part] = smallest
    return [fold_of[part] for part in parts]


def sample(labelled: LabelledSet, size: int, *, seed: int = SAMPLE_SEED) -> LabelledSet:
    """Give about ``size`` uploads or pairs: whole clusters, or units, in the order of their hashes."""
    if isinstance(labelled, LabelledPairs):
        parts = units(labelled.pairs)
        names = [labelled.pairs[number].left_group for number in _firsts(parts)]
        drawn = _drawn(names, _sizes(parts), size, seed)
        kept = tuple(pair for pair, part in zip(labelled.pairs, parts, strict=True) if part in drawn)
        return replace(labelled, pairs=kept)
    clusters = [_cluster(each) for each in labelled.uploads]
    clusters += [work or recording or "" for recording, work in labelled.refused.values()]
    numbers: dict[str, int] = {}
    parts = [numbers.setdefault(name, len(numbers)) for name in clusters]
    drawn = _drawn(list(numbers), _sizes(parts), size, seed)
    rows = len(labelled.uploads)
    uploads = tuple(each for each, part in zip(labelled.uploads, parts, strict=False) if part in drawn)
    refused = {
        name: labels
        for (name, labels), part in zip(labelled.refused.items(), parts[rows:], strict=True)
        if part in drawn
    }
    return LabelledStream(name=labelled.name, uploads=uploads, refused=refused)


def _cluster(each: LabelledUpload) -> str:
    return each.work or each.recording or each.upload.key.text()


def _firsts(parts: Sequence[int]) -> list[int]:
    first: dict[int, int] = {}
    for number, part in enumerate(parts):
        first.setdefault(part, number)
    return [first[part] for part in sorted(first)]


def _sizes(parts: Sequence[int]) -> list[int]:
    sizes = [0] * (max(parts, default=-1) + 1)
    for part in parts:
        sizes[part] += 1
    return sizes


def _drawn(names: Sequence[str], sizes: Sequence[int], size: int, seed: int) -> set[int]:
    wanted: set[int] = set()
    total = 0
    for number in sorted(range(len(names)), key=lambda each: _hash(f"{seed} {names[each]}")):
        if total >= size:
            break
        wanted.add(number)
        total += sizes[number]
    return wanted


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
