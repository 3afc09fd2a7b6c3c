"""The overlay finds exactly what a plain search over the same rows finds."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.core.overlay import Overlay
from streams.core.records import EncodedUpload, IndexRow, Operation, Origin, VectorRow


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
    found = overlay.search(uploads, since=since, limit=7)
    for n, first in enumerate(since):
        alive = range(max(first, min(dropped, rows)), rows)
        by_hand = sorted(alive, key=lambda at: (-float(drawn[at] @ drawn[rows + n]), at))[:7]
        assert {each.item_id for each in found[n]} == {str(at) for at in by_hand}


def test_an_upload_does_not_find_itself_and_deletions_are_not_held() -> None:
    overlay = Overlay()
    overlay.add(row(1, np.ones(4)), 0)
    overlay.add(row(2, np.ones(4), state="deleted"), 1)
    assert overlay.search([asking("1", np.ones(4))], since=[0], limit=5) == [()]
    assert (len(overlay), overlay.count_since(0), overlay.count_since(1)) == (1, 1, 0)
