"""Find ranks the nearest by harmony once more, along lines, before it chooses whom to compare."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from streams.core.proposing import LINE, reach_of
from streams.core.records import Candidate, EncodedUpload, SoundFacts, VectorRow
from streams.stages.find import FindProcessor
from tests.unit.test_find_and_arbitrate import upload
from tests.unit.test_find_confirms import HeardPipeline, heard

MODEL = "samesong-work@2+p2"
NEIGHBOURS = reach_of(MODEL).neighbours


class LinesByName:
    """Sounds whose features begin with one letter go along a line; counts whom it was asked about."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def scores(self, asked: SoundFacts, others: Sequence[SoundFacts]) -> list[float]:
        self.asked.append(len(others))
        return [4.0 if each.features[0] == asked.features[0] else 0.0 for each in others]


class Lined(HeardPipeline):
    def __init__(self) -> None:
        super().__init__(in_find=True)
        self.lines = LinesByName()
        self.find = FindProcessor(
            self.index, self.codec, limit=20, confirm=self.finder.confirm, lines=self.lines
        )


def harmonic(item: str, features: str, offset: int, *, aside: float) -> EncodedUpload:
    """Give an upload whose only vector is of its harmony, so far from the first axis."""
    values = np.zeros(4, dtype="<f2")
    values[:2] = np.cos(aside), np.sin(aside)
    row = VectorRow(modality="version", model=MODEL, window=0, start_ms=0, values=values.tobytes())
    return replace(heard(item, f"title {item}", features, offset), vectors=(row,))


def named_among(count: int, *, asking: EncodedUpload) -> tuple[Lined, tuple[Candidate, ...]]:
    """Look up among nearer strangers and one version that is further away."""
    pipeline = Lined()
    strangers = [harmonic(f"n{n:02}", f"y{n}", n, aside=0.01 * n) for n in range(count)]
    pipeline.decide(
        pipeline.look_up([*strangers, harmonic("version", "x1", count, aside=0.01 * count + 0.01)])
    )
    pipeline.index_all()
    pipeline.lines.asked.clear()
    (looked_up,) = pipeline.look_up([asking])
    return pipeline, pipeline.named(looked_up)


def test_a_version_beyond_the_neighbours_is_named_and_compared() -> None:
    pipeline, named = named_among(40, asking=harmonic("asking", "x9", 90, aside=0.0))
    assert pipeline.lines.asked == [41]
    found = {each.item_id: each for each in named}
    assert len(found) == NEIGHBOURS
    assert found["version"].proposed_by == (LINE, "vector:version")
    assert found["version"].sound is not None
    # The nearest ones are compared as they were.
    assert {f"n{n:02}" for n in range(NEIGHBOURS - 1)} < set(found)


def test_who_lies_below_the_floor_is_not_looked_at() -> None:
    pipeline, named = named_among(3, asking=harmonic("asking", "x9", 90, aside=1.5))
    assert pipeline.lines.asked in ([], [0])
    assert named == ()


def test_an_upload_without_a_sound_is_not_ranked_again() -> None:
    pipeline, _ = named_among(40, asking=upload("asking", "track 07", 90))
    assert pipeline.lines.asked == []
