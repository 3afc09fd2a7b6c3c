"""What is made of several others: a medley, a mash-up, and what only looks like one."""

from itertools import permutations

import pytest
from msgspec.structs import replace

from streams.core.bundle import Bundle
from streams.core.records import HeardLayer, HeardSpan, SoundAlignment, SoundEvidence, SoundFacts
from streams.core.several import Source, of_several
from streams.core.sound_evidence import mirrored
from streams.core.verifying import verify
from streams.stages.arbitrate import ArbitrateStage
from streams.wiring.parts import rules
from tests.unit.test_find_confirms import heard
from tests.unit.test_heard_relations import HearingPipeline

ON_TOP = HeardLayer(share=0.7, points=300, scattered=0.4, harmonic=0.05)
NOTHING = HeardLayer(share=0.0, points=0, scattered=0.0, harmonic=0.0)


def alignment(*spans: tuple[int, int, int], on_top: HeardLayer | None = None) -> SoundAlignment:
    """Tell spans (begin, end, begin in the other one) in seconds, of sounds of 100 s."""
    told = tuple(
        HeardSpan(
            start_ms=1000 * begin,
            end_ms=1000 * end,
            other_start_ms=1000 * there,
            other_end_ms=1000 * (there + end - begin),
            agreement=0.6,
        )
        for begin, end, there in spans
    )
    share = sum(end - begin for begin, end, _ in spans) / 100
    return SoundAlignment(
        spans=told,
        speed_ratio=1.0,
        pitch_cents=0.0,
        pitch_tied=True,
        coverage_left=share,
        coverage_right=share,
        longest_left=share,
        longest_right=share,
        log_odds=300.0,
        only_left=on_top,
        only_right=NOTHING if on_top is not None else None,
        in_both=ON_TOP if on_top is not None else None,
    )


THIRDS = (alignment((0, 33, 20)), alignment((33, 66, 40)), alignment((66, 100, 10)))


def sources(*found: SoundAlignment) -> list[Source]:
    return [Source(key=f"s/{number}", work=f"w{number}", found=each) for number, each in enumerate(found)]


def test_pieces_of_three_works_one_after_the_other_are_a_medley() -> None:
    assert of_several(100_000, None, sources(*THIRDS)) == dict.fromkeys(("s/0", "s/1", "s/2"), "medley_of")


def test_two_works_do_not_tell_which_is_the_source() -> None:
    assert of_several(100_000, None, sources(alignment((0, 50, 20)), alignment((50, 100, 40)))) == {}


def test_pieces_that_leave_most_of_it_open_are_no_medley() -> None:
    assert of_several(200_000, None, sources(*THIRDS)) == {}


def test_a_file_that_holds_three_whole_tracks_is_no_medley() -> None:
    assert of_several(100_000, None, [each._replace(whole=True) for each in sources(*THIRDS)]) == {}


def test_three_recordings_of_one_work_are_no_medley() -> None:
    assert of_several(100_000, None, [each._replace(work="w") for each in sources(*THIRDS)]) == {}


def test_nothing_is_made_of_what_came_later() -> None:
    later = [each._replace(year=2010) for each in sources(*THIRDS)]
    assert of_several(100_000, 2004, later) == {}
    assert len(of_several(100_000, 2011, later)) == 3


def test_two_works_at_once_are_a_mash_up() -> None:
    both = sources(alignment((0, 90, 5), on_top=ON_TOP), alignment((10, 95, 0), on_top=ON_TOP))
    assert of_several(100_000, None, both) == {"s/0": "mashup_of", "s/1": "mashup_of"}


@pytest.mark.parametrize(
    "other",
    [
        # A loop of six seconds, over and over.
        alignment((10, 16, 30), (16, 22, 30), (22, 28, 30), (28, 34, 30), on_top=ON_TOP),
        # What has nothing on top of it is a source of both.
        alignment((10, 95, 0), on_top=NOTHING),
        alignment((10, 95, 0)),
    ],
)
def test_a_loop_or_a_source_is_no_mash_up(other: SoundAlignment) -> None:
    assert of_several(100_000, None, sources(alignment((0, 90, 5), on_top=ON_TOP), other)) == {}


def test_two_that_have_material_in_common_are_no_mash_up() -> None:
    one, two = sources(alignment((0, 90, 5), on_top=ON_TOP), alignment((10, 95, 0), on_top=ON_TOP))
    assert of_several(100_000, None, [one, two._replace(akin=frozenset({"s/0"}))]) == {}


class ThirdsEar:
    """Hears in "medley" a third of each of "a", "b" and "c"."""

    def confirm(self, left: SoundFacts, right: SoundFacts) -> SoundEvidence:
        strange = SoundEvidence(bit_error=0.46, overlap_ms=90_000, windows=0.3, harmony=0.1)
        if right.features == "medley":
            return mirrored(self.confirm(right, left))
        if left.features != "medley":
            return strange
        return replace(strange, alignment=THIRDS["abc".index(right.features)])


class ThirdsPipeline(HearingPipeline):
    def new_stage(self) -> ArbitrateStage:
        return ArbitrateStage(
            self.codec,
            rules(Bundle.packaged(), ThirdsEar().confirm),
            watermark=lambda: self.folded,
            overlay_rows=100,
        )


@pytest.mark.parametrize("order", list(permutations(("a", "b", "c", "medley")))[::5])
def test_a_medley_is_told_of_all_its_pieces_whoever_comes_last(order: tuple[str, ...]) -> None:
    titles = {"a": "clear water", "b": "muddy feet", "c": "granite hill", "medley": "orbit seven"}
    pipeline = ThirdsPipeline()
    decided = {}
    for offset, name in enumerate(order):
        sent = heard(name, titles[name], name, offset)
        assert sent.sound is not None
        sent = replace(sent, sound=replace(sent.sound, duration_ms=100_000))
        (decided[name],) = pipeline.decide(pipeline.look_up([sent]))
    assert all(verify(each, Bundle.packaged()) == () for each in decided.values())
    standing = {}
    for change in pipeline.relations():
        standing[change.relation_id] = change
    told = {
        (each.relation, each.from_entity, each.to_entity)
        for each in standing.values()
        if each.status == "asserted"
    }
    medley = decided["medley"].entity_id
    assert told == {("medley_of", medley, decided[name].entity_id) for name in "abc"}
    assert pipeline.subscriber_lacks() == []
