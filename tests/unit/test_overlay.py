"""The overlay finds exactly what a plain search over the same rows finds."""

import math
from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.core.overlay import Overlay, nearest
from streams.core.records import Candidate, EncodedUpload, IndexRow, Operation, Origin, VectorRow


def row(number: int, vector: np.ndarray, *, state: str = "live") -> IndexRow:
    return IndexRow(
        row_id=str(number),
        source="s",
        item_id=str(number),
        revision=1,
        modality="text",
        model="m",
        window=0,
        start_ms=0,
        values=vector.astype("<f2").tobytes(),
        state=state,
    )


def asking(name: str, vector: np.ndarray) -> EncodedUpload:
    values = vector.astype("<f2").tobytes()
    return EncodedUpload(
        origin=Origin(topic="t", partition=0, offset=0),
        source="s",
        item_id=name,
        revision=1,
        operation=Operation.upsert,
        digest="",
        received_ms=0,
        vectors=(VectorRow(modality="text", model="m", window=0, start_ms=0, values=values),),
    )


def search(
    overlay: Overlay, uploads: list[EncodedUpload], *, since: list[int], limit: int
) -> list[tuple[Candidate, ...]]:
    nearby = overlay.compare(uploads, since=since)
    return [nearest(upload, [near], limit=limit) for upload, near in zip(uploads, nearby, strict=True)]


@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 600),
    st.lists(st.integers(0, 700), min_size=1, max_size=5),
    st.integers(0, 300),
)
def test_a_batch_finds_what_each_finds_alone(seed: int, rows: int, since: list[int], dropped: int) -> None:
    drawn = np.random.default_rng(seed).integers(-3, 4, size=(rows + len(since), 4)).astype(np.float32)
    overlay = Overlay()
    for number in range(rows):
        overlay.add(row(number, drawn[number]), number)
    overlay.drop_before(dropped)
    uploads = [asking(f"q{n}", drawn[rows + n]) for n in range(len(since))]
    found = search(overlay, uploads, since=since, limit=7)
    for n, first in enumerate(since):
        alive = range(max(first, min(dropped, rows)), rows)
        by_hand = sorted(alive, key=lambda at: (-float(drawn[at] @ drawn[rows + n]), at))[:7]
        assert {each.item_id for each in found[n]} == {str(at) for at in by_hand}


def test_an_upload_does_not_find_itself() -> None:
    overlay = Overlay()
    overlay.add(row(1, np.ones(4)), 0)
    assert search(overlay, [asking("1", np.ones(4))], since=[0], limit=5) == [()]
    assert (overlay.count_since(0), overlay.count_since(1)) == (1, 0)


def test_dead_rows_and_rows_of_the_asker_take_no_place_of_others() -> None:
    overlay = Overlay()
    for number in range(9):
        overlay.add(row(number, np.ones(4)), number)
    for number in range(3):
        overlay.add(row(number, np.ones(4), state="deleted"), 9 + number)
    (nearby,) = overlay.compare([asking("3", np.ones(4))], since=[0])
    found = nearest(asking("3", np.ones(4)), [nearby], without={"4", "5"}, limit=2)
    assert [each.item_id for each in found] == ["6", "7"]
    assert (overlay.count_since(0), overlay.count_since(5), overlay.count_since(0, {"4", "1"})) == (6, 4, 5)


@given(st.integers(0, 2**32 - 1), st.integers(2, 60), st.integers(0, 60))
def test_what_is_found_does_not_depend_on_where_a_batch_begins(seed: int, rows: int, cut: int) -> None:
    chance = np.random.default_rng(seed)
    drawn = chance.integers(-3, 4, size=(rows, 4)).astype(np.float32)
    states = [(number, "live") for number in range(rows)]
    for number in chance.choice(rows, size=rows // 3, replace=False):
        born = states.index((int(number), "live"))
        at = int(chance.integers(born + 1, len(states) + 1))
        states.insert(at, (int(number), "deleted"))
    held, fresh, whole, gone = Overlay(), Overlay(), Overlay(), set[str]()
    for at, (number, state) in enumerate(states):
        each = row(number, drawn[number], state=state)
        whole.add(each, at)
        (held if at < cut else fresh).add(each, at)
        if at >= cut and state == "deleted":
            gone.add(str(number))
    upload = asking("q", np.ones(4))
    parts = [*held.compare([upload], since=[0]), *fresh.compare([upload], since=[0])]
    alone = whole.compare([upload], since=[0])
    assert nearest(upload, parts, without=gone, limit=5) == nearest(upload, alone, limit=5)
    assert held.count_since(0, gone) + fresh.count_since(0) == whole.count_since(0)


def test_a_row_further_than_the_floor_of_its_model_proposes_nobody() -> None:
    def told(model: str) -> list[str]:
        overlay = Overlay()
        for number, cosine in enumerate((0.31, 0.29, 0.9)):
            near = row(number, np.array([cosine, math.sqrt(1 - cosine**2)]))
            overlay.add(replace(near, model=model), number)
        asker = asking("q", np.array([1.0, 0.0]))
        asker = replace(asker, vectors=tuple(replace(each, model=model) for each in asker.vectors))
        (found,) = search(overlay, [asker], since=[0], limit=5)
        return [each.item_id for each in found]

    assert told("samesong-text@1+p1") == ["2", "0"]
    assert told("never-measured@1") == ["2", "0", "1"]


def test_how_near_a_row_is_hangs_on_nothing_but_the_two_vectors() -> None:
    chance = np.random.default_rng(3)
    overlay = Overlay()
    for number in range(300):
        direction = chance.normal(size=96)
        overlay.add(row(number, direction / np.linalg.norm(direction)), number)
    askers = [asking(f"q{number}", chance.normal(size=96)) for number in range(40)]
    together = overlay.compare(askers, since=[0] * len(askers))
    for asker, part in zip(askers, together, strict=True):
        (alone,) = overlay.compare([asker], since=[0])
        assert nearest(asker, [part], limit=20) == nearest(asker, [alone], limit=20)


def test_rows_that_a_last_bit_tells_apart_keep_their_order() -> None:
    """In float32 the sums of these differ by their order, and with it who is nearer."""
    chance = np.random.default_rng(4)
    base = chance.normal(size=512)
    vectors = [base + 1e-3 * chance.normal(size=512) for _ in range(64)]
    overlay = Overlay()
    for number, vector in enumerate(vectors):
        overlay.add(row(number, vector / np.linalg.norm(vector)), number)
    asker = asking("q", base / np.linalg.norm(base))
    held = [np.asarray(vector / np.linalg.norm(vector), dtype="<f2").astype(np.float64) for vector in vectors]
    query = np.asarray(base / np.linalg.norm(base), dtype="<f2").astype(np.float64)
    exact = sorted(range(64), key=lambda number: (-math.fsum(held[number] * query), number))
    (found,) = search(overlay, [asker], since=[0], limit=10)
    assert [each.item_id for each in found] == [f"{number}" for number in exact[:10]]
