"""What blocking finds of labelled real metadata, blocker by blocker, and what its bounds leave out.

Records arrive in the order of their table, and each asks for the earlier ones: those that share a blocking
key, and the nearest by text vectors, searched exactly. Without a folder of labelled data there is nothing to
measure, and that is said.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.labelled_records import Labelled, musicbrainz_records, shs_records
from benchmarks.labelled_tables import labelled
from benchmarks.machine import machine_facts, write_result
from streams.config import IndexSettings
from streams.core.blocking import blocking_keys
from streams.core.bundle import Bundle
from streams.core.features import text_for_embedding
from streams.core.proposing import MAX_COMPARED, MAX_HOLDERS, names_alone, reach_of
from streams.core.scoring import Scorer
from streams.edges.encoder import BundleEncoder

SETS = {"musicbrainz-20k": musicbrainz_records, "shs100k2-works": shs_records}
ASKED_AT_ONCE = 512
VECTOR = "vector:text"

FloatArray = NDArray[np.float32]


def nearest(vectors: FloatArray, limit: int) -> Iterator[list[tuple[int, float]]]:
    """Give for each row the nearest of the earlier ones, with their cosines."""
    for start in range(0, len(vectors), ASKED_AT_ONCE):
        part = vectors[start : start + ASKED_AT_ONCE]
        cosines = part @ vectors[: start + len(part)].T
        for row, cosine in enumerate(cosines):
            earlier = cosine[: start + row]
            best = np.argsort(-earlier, kind="stable")[:limit]
            yield [(int(at), float(earlier[at])) for at in best]


def blocked(labelled: Sequence[Labelled]) -> Iterator[tuple[dict[int, set[str]], set[int]]]:
    """Give for each record the earlier ones that share a blocking key, with the blockers.

    Beside them those that a single key proposes: it is not crowded.
    """
    holders: dict[str, list[int]] = defaultdict(list)
    for number, each in enumerate(labelled):
        named: dict[int, set[str]] = defaultdict(set)
        alone: set[int] = set()
        keys = blocking_keys(each.record)
        for key in keys:
            if len(holders[key]) <= MAX_HOLDERS:
                blocker = key.partition(":")[0]
                for other in holders[key]:
                    named[other].add(blocker)
                if names_alone(blocker, len(holders[key])):
                    alone.update(holders[key])
        yield named, alone
        for key in keys:
            holders[key].append(number)


def compared_first(named: dict[int, set[str]], alone: set[int], cosines: dict[int, float]) -> list[int]:
    """Order candidates as the arbiter does, but for those that crowded keys alone name; ties by number."""
    proposed = (at for at, names in named.items() if VECTOR in names or at in alone or len(names) > 1)
    return sorted(proposed, key=lambda at: (-len(named[at]), -cosines.get(at, 0.0), at))


def measure(labelled: Sequence[Labelled], encoder: BundleEncoder, scorer: Scorer) -> dict[str, Any]:
    """Count true pairs by what becomes of them."""
    vectors = encoder.encode_texts([text_for_embedding(each.record) for each in labelled])
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    reach = reach_of(encoder.models["text"])
    limit = min(IndexSettings().search_limit, reach.neighbours)
    count: Counter[str] = Counter()
    by_blocker: Counter[str] = Counter()
    ranks: Counter[int] = Counter()
    sizes: dict[str, list[int]] = {"within_bounds": [], "without_floor": []}
    mates: dict[str, list[int]] = defaultdict(list)
    found = zip(blocked(labelled), nearest(vectors, limit), strict=True)
    for number, ((by_key, alone), near) in enumerate(found):
        cosines = dict(near)
        every = {at: set(by_key.get(at, ())) for at in (*by_key, *cosines)}
        for at in cosines:
            every[at].add(VECTOR)
        floored = {
            at: names - ({VECTOR} if cosines.get(at, 1.0) < reach.floor else set())
            for at, names in every.items()
        }
        floored = {at: names for at, names in floored.items() if names}
        order = compared_first(floored, alone, cosines)
        proposed = set(order)
        kept = set(order[:MAX_COMPARED])
        sizes["within_bounds"].append(len(kept))
        sizes["without_floor"].append(len(every))
        cluster = labelled[number].cluster
        for mate in mates[cluster]:
            match = _is_match(scorer, labelled[number], labelled[mate])
            for what in ("pairs", "matches") if match else ("pairs",):
                count[what] += 1
                count[f"{what}_proposed"] += mate in every
                count[f"{what}_lost_to_floor"] += mate in every and mate not in floored
                count[f"{what}_lost_to_crowds"] += mate in floored and mate not in proposed
                count[f"{what}_lost_to_budget"] += mate in proposed and mate not in kept
            by_blocker.update(every.get(mate, ()))
            if mate in kept:
                ranks[order.index(mate)] += 1
        mates[cluster].append(number)
    return {
        "records": len(labelled),
        "true": dict(sorted(count.items())),
        "recall": round((count["pairs_proposed"] - _lost(count, "pairs")) / count["pairs"], 4),
        "recall_of_matches": round(
            (count["matches_proposed"] - _lost(count, "matches")) / count["matches"], 4
        ),
        "recall_by_blocker": {
            name: round(found / count["pairs"], 4) for name, found in by_blocker.most_common()
        },
        "true_among_first": {str(n): sum(ranks[at] for at in range(n)) for n in (1, 4, 8, MAX_COMPARED)},
        "candidates": {
            name: {"p50": int(np.median(counts)), "p95": int(np.quantile(counts, 0.95))}
            for name, counts in sizes.items()
        },
    }


def _lost(count: Counter[str], what: str) -> int:
    return sum(count[f"{what}_lost_to_{bound}"] for bound in ("floor", "crowds", "budget"))


def _is_match(scorer: Scorer, one: Labelled, other: Labelled) -> bool:
    """Say whether the scores would join two records, as recordings or as works."""
    score = scorer.score(one.record, other.record)
    bundle = scorer.bundle
    return score.recording.log_odds >= bundle.recording_match or score.work.log_odds >= bundle.work_match


def main() -> None:
    data = labelled("blocking", ".", about=__doc__)
    if data is None:
        return
    started = machine_facts()
    encoder, scorer = BundleEncoder.load(), Scorer(Bundle.packaged())
    write_result(
        "blocking",
        "true pairs of labelled real metadata that blocking proposes, alone and within its bounds "
        f"({reach_of(encoder.models['text'])}, {MAX_COMPARED} compared)",
        {name: measure(read(data), encoder, scorer) for name, read in SETS.items()},
        started=started,
    )


if __name__ == "__main__":
    main()
