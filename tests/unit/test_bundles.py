"""A bundle: read and written as it is, and what of it a stratum and the size of the catalogue change."""

import dataclasses
import math

import pytest

from benchmarks.additive import BELOW
from streams.core.bundle import Bundle, Calibration, Head
from streams.core.features import featurize
from streams.core.records import SourceKind
from streams.core.scoring import Scorer, stratum_of
from streams.errors import SchemaError
from tests.unit.scored_uploads import SAME_SOUND, upload

PACKAGED = Bundle.packaged()


def test_bundle_survives_its_json() -> None:
    bundle = Bundle.packaged()
    assert Bundle.from_json(bundle.to_json()) == bundle
    assert bundle.to_json() == Bundle.from_json(bundle.to_json()).to_json()


def test_a_former_bundle_weighs_a_finer_level_as_the_coarser_one() -> None:
    head = Head(prior=0.0, weights={"title": {"contained": 1.5, "different": -2.0}})
    assert head.weight("title", "phrase") == 1.5
    assert head.weight("title", "word") == -2.0
    assert head.weight("title", "skipped") == 0.0
    assert head.weight("track", "same_place") == 0.0
    assert replace_title(head, {"phrase": 2.0, "contained": 1.5}).weight("title", "phrase") == 2.0


def replace_title(head: Head, levels: dict[str, float]) -> Head:
    return dataclasses.replace(head, weights={"title": levels})


def test_every_bundle_that_shipped_is_at_hand() -> None:
    shipped = Bundle.shipped()
    assert shipped[PACKAGED.version] == PACKAGED
    assert "2026.11.3" in shipped
    for version, bundle in shipped.items():
        assert bundle.version == version
        assert bundle.recording.weights["title"]["exact"] > 0


def _measured(bundle: Bundle, recording: int, work: int) -> Bundle:
    return dataclasses.replace(
        bundle,
        recording=dataclasses.replace(bundle.recording, measured_at=recording),
        work=dataclasses.replace(bundle.work, measured_at=work),
    )


def test_odds_fall_by_the_factor_that_the_catalogue_grows_by() -> None:
    grown = _measured(dataclasses.replace(PACKAGED, catalogue_size=1_000_000), 10_000, 50_000)
    one, other = featurize(upload("Clear Water")), featurize(upload("Clear Water (Demo)", artist=None))
    small = Scorer(dataclasses.replace(grown, catalogue_size=10_000))
    was, now = small.score(one, one), Scorer(grown).score(one, one)
    for before, after, factor in ((was.recording, now.recording, 100), (was.work, now.work, 20)):
        assert after.log_odds == pytest.approx(before.log_odds - math.log(factor))
        assert after.lines[-1].name == "catalogue_size"
        assert before.lines[-1].name != "catalogue_size"
    assert Scorer(grown).score(one, other).cannot_link == small.score(one, other).cannot_link


def test_odds_do_not_rise_in_a_catalogue_smaller_than_those_of_the_fit() -> None:
    record = featurize(upload("Clear Water"))
    scores = [
        Scorer(_measured(dataclasses.replace(PACKAGED, catalogue_size=size), 10_000, 10_000))
        .score(record, record)
        .recording.log_odds
        for size in (1, 9_999, 10_000)
    ]
    assert len(set(scores)) == 1


def test_a_stratum_falls_from_the_size_at_which_it_was_calibrated() -> None:
    record = featurize(dataclasses.replace(upload("Clear Water"), source_kind=SourceKind.label_feed))
    calibration = {"label_feed|label_feed": Calibration(slope=2.0, shift=0.0, measured_at=1_000)}
    head = dataclasses.replace(PACKAGED.recording, calibration=calibration, measured_at=100_000)
    bundle = dataclasses.replace(PACKAGED, recording=head)
    small, large = (
        Scorer(dataclasses.replace(bundle, catalogue_size=size)).score(record, record).recording
        for size in (1_000, 8_000)
    )
    assert small.log_odds - large.log_odds == pytest.approx(math.log(8))


def test_a_catalogue_of_nothing_is_refused() -> None:
    for nothing in (
        dataclasses.replace(PACKAGED, catalogue_size=0),
        _measured(PACKAGED, -1, 1),
    ):
        data = nothing.to_json()
        with pytest.raises(SchemaError, match="at least one entity"):
            Bundle.from_json(data)


def test_a_pair_belongs_to_the_narrowest_stratum_that_was_calibrated() -> None:
    identified = upload("Clear Water", isrc="GBEMI0300013")
    record = featurize(dataclasses.replace(identified, source_kind=SourceKind.label_feed))
    assert stratum_of(record, record, SAME_SOUND) == "label_feed|label_feed+ids+sound"
    narrow = Calibration(slope=1.0, shift=3.0)
    for name in ("label_feed|label_feed", "label_feed|label_feed+ids", "label_feed|label_feed+ids+sound"):
        head = dataclasses.replace(PACKAGED.recording, calibration={name: narrow})
        score = Scorer(dataclasses.replace(PACKAGED, recording=head)).score(record, record, SAME_SOUND)
        assert [line.level for line in score.recording.lines if line.name == "calibration"] == [name]


def test_a_stratum_weighs_a_level_on_its_own() -> None:
    record = featurize(dataclasses.replace(upload("Clear Water"), source_kind=SourceKind.label_feed))
    work = PACKAGED.work
    scores = []
    for own in (0.0, 0.75):
        told = Calibration(slope=0.5, shift=0.25, weights={"title_artist": {"both": own}})
        head = dataclasses.replace(work, calibration={"label_feed|label_feed": told})
        scores.append(Scorer(dataclasses.replace(PACKAGED, work=head)).score(record, record).work)
    plain, more = scores
    assert more.log_odds == pytest.approx(plain.log_odds + 0.75)
    line = next(line for line in more.lines if line.name == "title_artist")
    assert line.contribution == pytest.approx(0.5 * work.weights["title_artist"]["both"] + 0.75)


def test_a_stratum_weighs_no_level_that_its_head_does_not() -> None:
    told = Calibration(slope=1.0, shift=0.0, weights={"title_artist": {"unheard_of": 1.0}})
    work = dataclasses.replace(PACKAGED.work, calibration={"label_feed|label_feed": told})
    with pytest.raises(SchemaError):
        Bundle.from_json(dataclasses.replace(PACKAGED, work=work).to_json())


def test_weights_never_fall_where_titles_agree_more() -> None:
    heads = (PACKAGED.recording, PACKAGED.work)
    told = [each.calibrated(stratum) for each in heads for stratum in each.calibration]
    for head in (*heads, *told):
        for field, below in BELOW.items():
            levels = head.weights.get(field, {})
            falls = [
                (level, lower)
                for level, lower in below.items()
                if level in levels
                and lower in levels
                and levels[level] < levels[lower]
                and level != "one_place"  # bounded after the fit, so that place and length make no match
            ]
            assert not falls, (field, falls)


@pytest.mark.parametrize("data", [b"{", b"{}", b"\xff"])
def test_what_is_no_bundle_is_refused(data: bytes) -> None:
    with pytest.raises(SchemaError):
        Bundle.from_json(data)
