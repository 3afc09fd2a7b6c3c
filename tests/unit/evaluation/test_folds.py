"""Splits and samples: nothing that is shared is torn, and hashes decide."""

from hypothesis import given
from hypothesis import strategies as st

from streams.core.records import Upload
from streams.evaluation.folds import FOLDS, components, folds, sample, units
from streams.evaluation.labelled import LabelledPair, LabelledPairs, LabelledStream, LabelledUpload

PAIRS = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), min_size=1, max_size=60)


def _pairs(numbers: list[tuple[int, int]]) -> tuple[LabelledPair, ...]:
    return tuple(
        LabelledPair(left=None, right=None, label=False, left_group=f"l{a}", right_group=f"r{b}")
        for a, b in numbers
    )


@given(PAIRS)
def test_pairs_that_share_a_record_stay_on_one_side(numbers: list[tuple[int, int]]) -> None:
    pairs = _pairs(numbers)
    fold = folds(pairs)
    assert set(fold) <= set(range(FOLDS))
    whole = units(pairs) == components(pairs)
    for side in ("left_group", "right_group") if whole else ("left_group",):
        of: dict[str, set[int]] = {}
        for pair, place in zip(pairs, fold, strict=True):
            of.setdefault(getattr(pair, side), set()).add(place)
        assert all(len(places) == 1 for places in of.values())


@given(PAIRS)
def test_components_are_those_of_the_graph(numbers: list[tuple[int, int]]) -> None:
    parts = components(_pairs(numbers))
    homes: dict[str, str] = {}

    def home(node: str) -> str:
        while homes.setdefault(node, node) != node:
            node = homes[node]
        return node

    for a, b in numbers:
        homes[home(f"l{a}")] = home(f"r{b}")
    by_part: dict[int, set[str]] = {}
    for part, (a, _) in zip(parts, numbers, strict=True):
        by_part.setdefault(part, set()).add(home(f"l{a}"))
    assert all(len(roots) == 1 for roots in by_part.values())
    assert len(by_part) == len({home(f"l{a}") for a, _ in numbers})


def test_folds_are_about_as_large() -> None:
    fold = folds(_pairs([(n // 2, n) for n in range(200)]))
    assert all(38 <= fold.count(number) <= 42 for number in range(FOLDS))


def test_where_nearly_all_hang_together_left_records_are_drawn() -> None:
    pairs = _pairs([(n // 2, 0) for n in range(200)])
    assert len(set(components(pairs))) == 1
    assert len(set(units(pairs))) == 100
    assert {folds(pairs).count(number) for number in range(FOLDS)} == {40}


def test_a_sample_keeps_clusters_whole_and_repeats() -> None:
    uploads = tuple(
        LabelledUpload(upload=Upload(source="s", item_id=f"{n}", title="t"), recording=f"c{n // 3}")
        for n in range(300)
    )
    stream = LabelledStream(
        name="x", uploads=uploads, refused={"row 9": ("c3", None), "row 10": ("c99", None)}
    )
    part = sample(stream, 60)
    assert isinstance(part, LabelledStream)
    assert 60 <= len(part.uploads) < 64
    sizes = [sum(each.recording == f"c{n}" for each in part.uploads) for n in range(100)]
    assert set(sizes) == {0, 3}
    assert sample(stream, 60) == part
    assert sample(stream, 60, seed=2) != part
    kept = {each.recording for each in part.uploads}
    assert set(part.refused) == {name for name, (of, _) in stream.refused.items() if of in kept}


def test_a_sample_of_pairs_keeps_components_whole() -> None:
    whole = LabelledPairs(name="x", level="work", pairs=_pairs([(n // 4, n) for n in range(400)]))
    part = sample(whole, 100)
    assert isinstance(part, LabelledPairs)
    assert len(part.pairs) == 100
    groups = [pair.left_group for pair in part.pairs]
    assert all(groups.count(group) == 4 for group in groups)
