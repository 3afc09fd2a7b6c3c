"""Whatever order uploads come in, repeated or taken back late, a catalogue ends as the same partition.

Small catalogues of golden music by the packaged bundle, through reading, discovery by blocking keys, scoring
and clustering: the stages themselves, not a stand-in for the scorer. Few uploads share a key here, so that
every order discovers the same pairs; what a larger catalogue misses is measured apart.
"""

import random
from collections.abc import Iterable, Mapping

import orjson
import pytest

from streams.core.bundle import Bundle
from streams.core.catalogue import CatalogueState
from streams.core.upload_json import upload_line
from streams.edges.memory_index import MemoryCandidateIndex
from streams.evaluation.golden.catalogue import golden_catalogue
from streams.evaluation.labelled import LabelledUpload
from streams.offline import OfflineParts, decide_lines
from streams.wiring.parts import rules
from tests.unit.evaluation.parts import parts_without_models

Groups = frozenset[frozenset[str]]


def withdrawal(each: LabelledUpload) -> bytes:
    asked = {
        "source": each.upload.source,
        "item_id": each.upload.item_id,
        "operation": "withdraw",
        "revision": 1,
    }
    return orjson.dumps(asked)


def groups(homes: Mapping[str, object]) -> Groups:
    found: dict[object, set[str]] = {}
    for key, home in homes.items():
        found.setdefault(home, set()).add(key)
    return frozenset(frozenset(keys) for keys in found.values())


def partitions(catalogue: CatalogueState) -> dict[str, Groups]:
    """Give who is one at each level of identity."""
    homes: dict[str, dict[str, object]] = {"work": {}, "recording": {}, "master": {}, "audio": {}}
    for key in catalogue.live_keys():
        upload = catalogue.upload(key)
        assert upload is not None
        entity = catalogue.entity(upload.entity_id or "")
        assert entity is not None
        place = next(each for each in entity.places if each.member == key)
        homes["work"][key], homes["recording"][key] = entity.work_id, entity.entity_id
        homes["master"][key], homes["audio"][key] = place.master_id, place.audio_id
    return {level: groups(at) for level, at in homes.items()}


def resolved(lines: Iterable[bytes], parts: OfflineParts) -> dict[str, Groups]:
    decisions, catalogue = decide_lines(
        lines, parts, index=MemoryCandidateIndex(), rules=rules(Bundle.packaged(), parts.confirm)
    )
    assert all(decision.code in (None, "repeated", "withdrawn_before") for decision in decisions)
    return partitions(catalogue)


def told_in_some_order(seed: int, orders: int) -> int:
    """Compare a calm telling with shuffled ones; give how many uploads share a recording with another."""
    chance = random.Random(seed)  # noqa: S311 - a failure must repeat
    uploads = list(golden_catalogue(seed=seed, songs=12).uploads)
    # Whole works, so that there is something to join: versions, videos and copies of a few songs.
    works = sorted({each.work for each in uploads if each.work is not None})
    kept = set(chance.sample(works, 3))
    chosen = [each for each in uploads if each.work in kept]
    lines = [upload_line(each.upload) for each in chosen]
    withdrawn = [withdrawal(each) for each in chance.sample(chosen, len(chosen) // 5)]
    with parts_without_models() as parts:
        calm = resolved([*lines, *withdrawn], parts)
        for _ in range(orders):
            told = [*lines, *chance.sample(lines, len(lines) // 2), *withdrawn, *withdrawn[:1]]
            chance.shuffle(told)
            assert resolved(told, parts) == calm
    return sum(len(group) for group in calm["recording"] if len(group) > 1)


def test_some_orders_with_repeats_and_late_withdrawals_give_one_partition() -> None:
    assert told_in_some_order(seed=1, orders=4) > 4


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 12))
def test_hundreds_of_orders_with_repeats_and_late_withdrawals_give_one_partition(seed: int) -> None:
    assert told_in_some_order(seed=seed, orders=40) > 4
