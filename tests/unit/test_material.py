"""Material in common: find names whose sound shares a few seconds with an upload, also after a restart."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from streams.core.proposing import LANDMARKS
from streams.core.records import Candidate, ItemKey, Operation, SoundFacts
from streams.edges.memory_index import MemoryCandidateIndex
from streams.ports import Message, Sharer
from streams.stages.arbiter_records import ROWS
from streams.stages.find import MAX_CANDIDATES, FindProcessor
from streams.stages.material_fold import MaterialFold
from tests.unit.test_find_and_arbitrate import Pipeline, upload
from tests.unit.test_find_confirms import HeardPipeline, heard

Held = dict[ItemKey, tuple[int, SoundFacts]]


class Letters:
    """Sounds whose features share a letter have material in common."""

    def __init__(self) -> None:
        self.held: Held = {}

    def add(self, key: ItemKey, revision: int, sound: SoundFacts) -> None:
        if key not in self.held or self.held[key][0] < revision:
            self.held[key] = revision, sound

    def remove(self, key: ItemKey, revision: int) -> None:
        if key in self.held and self.held[key][0] == revision:
            del self.held[key]

    def search(self, sound: SoundFacts) -> tuple[Sharer, ...]:
        return tuple(
            Sharer(key, revision, other)
            for key, (revision, other) in self.held.items()
            if set(other.features) & set(sound.features)
        )


class RowsOf:
    """The index rows of a pipeline as a log."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline

    def end(self) -> int:
        return len(self._pipeline.log.get(ROWS, []))

    def read(self, first: int, end: int) -> Iterator[Message]:
        yield from self._pipeline.log.get(ROWS, [])[first:end]


class Sampling(HeardPipeline):
    """The stages, with material that find adds to by itself and by folding rows."""

    def __init__(self) -> None:
        super().__init__(in_find=True)
        self.restart_find()

    def restart_find(self) -> None:
        self.material = Letters()
        fold = MaterialFold(self.material, RowsOf(self), self.codec)

        def up_to_date() -> Letters:
            fold.catch_up()
            return self.material

        self.index = MemoryCandidateIndex()  # so that no vector names anybody
        self.find = FindProcessor(
            self.index, self.codec, limit=10, confirm=self.finder.confirm, material=up_to_date
        )


def names(candidates: Iterable[Candidate]) -> list[str]:
    return [each.item_id for each in candidates]


def test_who_shares_material_is_a_candidate_and_compared() -> None:
    pipeline = Sampling()
    pipeline.decide(pipeline.look_up([heard("a", "clear water", "xl", 0), heard("b", "stone", "y", 1)]))
    (found,) = pipeline.look_up([heard("c", "a very different name", "zl", 2)])
    (candidate,) = pipeline.named(found)
    assert (candidate.item_id, candidate.proposed_by) == ("a", (LANDMARKS,))
    assert candidate.similarity is None
    assert candidate.sound is not None
    (decided,) = pipeline.decide([found])
    assert LANDMARKS in {by for each in decided.candidates for by in each.proposed_by}


def test_two_on_their_way_together_find_each_other() -> None:
    pipeline = Sampling()
    first, second = pipeline.look_up([heard("a", "clear water", "xl", 0), heard("b", "stone", "yl", 1)])
    assert names(pipeline.named(first)) == []
    assert names(pipeline.named(second)) == ["a"]
    _, decided = pipeline.decide([first, second])
    assert [each.item_id for each in decided.candidates if LANDMARKS in each.proposed_by] == ["a"]


def test_after_a_restart_the_log_says_what_there_is() -> None:
    pipeline = Sampling()
    pipeline.decide(pipeline.look_up([heard("a", "clear water", "xl", 0), heard("b", "stone", "yl", 1)]))
    newer = replace(heard("b", "stone wall", "y", 2), revision=2)
    pipeline.decide(pipeline.look_up([newer]))
    before = dict(pipeline.material.held)
    pipeline.restart_find()
    (found,) = pipeline.look_up([heard("c", "a very different name", "l", 3)])
    assert names(pipeline.named(found)) == ["a"]
    assert {key: revision for key, (revision, _) in before.items()} == {
        key: revision for key, (revision, _) in pipeline.material.held.items() if key.item_id != "c"
    }


def test_what_was_withdrawn_is_forgotten() -> None:
    pipeline = Sampling()
    pipeline.decide(pipeline.look_up([heard("a", "clear water", "xl", 0)]))
    gone = replace(upload("a", "", 1), operation=Operation.withdraw, vectors=(), record=None)
    pipeline.decide(pipeline.look_up([gone]))
    (found,) = pipeline.look_up([heard("c", "a very different name", "zl", 2)])
    assert names(pipeline.named(found)) == []


def test_they_go_before_the_neighbours_that_fill_a_record() -> None:
    pipeline = Sampling()
    pipeline.decide(pipeline.look_up([heard(f"n{n}", "same", "q", n) for n in range(MAX_CANDIDATES + 5)]))
    pipeline.decide(pipeline.look_up([heard("source", "other", "l", 90)]))
    for row in pipeline.log[ROWS]:
        pipeline.index.apply(
            pipeline.index.active().name, [pipeline.codec.decode(ROWS, row.value or b"")], watermark=1
        )
    pipeline.find._limit = 100
    (found,) = pipeline.look_up([heard("c", "same", "l", 99)])
    candidates = pipeline.named(found)
    assert len(candidates) == MAX_CANDIDATES
    assert candidates[0].item_id == "source"
    assert candidates[0].sound is not None
