"""From where on a sound is heard again: more is asked in a larger catalogue, and never less than usual."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from scipy import stats

from streams.core.acceptance import MAX_BIT_ERROR, USUAL, Acceptance, BestWrong
from streams.core.bundle import Bundle
from streams.core.features import featurize
from streams.core.field_levels.heard import OTHER_VERSION
from streams.core.hearing import hear
from streams.core.records import HeardLine, HeardSpan, Kind, SoundAlignment, SoundEvidence, Upload
from streams.core.scoring import Scorer
from streams.errors import SchemaError

# One absent query in 4,000.
RATE = 1 / 4_000
SIZES = st.integers(1, 50_000_000)
FITS = st.builds(
    BestWrong,
    location=st.floats(-2.0, 2.0),
    scale=st.floats(1e-3, 1.0),
    shape=st.one_of(st.just(0.0), st.floats(0.05, 0.4), st.floats(-0.4, -0.05)),
    measured_at=st.integers(1, 10_000),
)
PIECE = SoundEvidence(
    bit_error=0.18,
    overlap_ms=10_000,
    offset_ms=0,
    speed_ratio=1.0,
    coverage_left=1.0,
    coverage_right=1.0,
    windows=0.99,
)
ACCEPTANCE = Acceptance(
    false_rate=RATE,
    query_ms=10_000,
    agreement=BestWrong(location=0.59, scale=0.02, shape=0.0, measured_at=400),
    spans=BestWrong(location=2.0, scale=2.0, shape=0.0, measured_at=400),
)


@given(fit=FITS)
def test_the_margin_is_the_quantile_that_scipy_gives(fit: BestWrong) -> None:
    expected = stats.genextreme.isf(RATE, fit.shape, loc=fit.location, scale=fit.scale)
    found = fit.location + fit.margin(fit.measured_at, false_rate=RATE)
    assert math.isclose(found, expected, rel_tol=1e-6, abs_tol=1e-9)


@given(fit=FITS, size=st.integers(1, 5_000_000))
def test_a_larger_catalogue_asks_for_more(fit: BestWrong, size: int) -> None:
    assert fit.margin(10 * size, false_rate=RATE) > fit.margin(size, false_rate=RATE)


@given(size=SIZES, span_ms=st.integers(0, 10_000_000))
def test_nothing_less_than_usual_is_asked_for(size: int, span_ms: int) -> None:
    limits = ACCEPTANCE.limits(size)
    assert 0.0 <= limits.max_bit_error(span_ms) <= USUAL.max_bit_error(span_ms) == MAX_BIT_ERROR
    assert limits.least_log_odds >= USUAL.least_log_odds


@pytest.mark.parametrize("size", [100, 1_000, 10_000])
def test_absent_queries_stay_under_the_promised_rate(size: int) -> None:
    # Wrong scores that fall off exponentially: the best of 500 is measured, the best of others is promised.
    rng = np.random.default_rng(size)
    measured = 0.05 * (rng.gumbel(size=20_000) + math.log(500))
    shape, location, scale = stats.genextreme.fit(measured)
    fit = BestWrong(location=location, scale=scale, shape=shape, measured_at=500)
    best = 0.05 * (rng.gumbel(size=400_000) + math.log(size))
    passed = float(np.mean(best >= fit.location + fit.margin(size, false_rate=RATE)))
    assert RATE / 3 < passed < 3 * RATE


def test_what_is_a_copy_among_hundreds_is_doubtful_among_millions() -> None:
    assert hear(PIECE, ACCEPTANCE.limits(400)).level == "same_master"
    assert hear(PIECE, ACCEPTANCE.limits(5_000_000)).level == "doubtful"


def test_a_long_sound_is_as_sure_as_ever() -> None:
    assert hear(replace(PIECE, overlap_ms=240_000), ACCEPTANCE.limits(5_000_000)).level == "same_master"


def test_an_alignment_that_is_worth_too_little_is_none() -> None:
    spans = (HeardSpan(start_ms=0, end_ms=9_000, other_start_ms=0, other_end_ms=9_000, agreement=0.5),)
    found = SoundAlignment(
        spans=spans,
        speed_ratio=1.0,
        pitch_cents=0.0,
        pitch_tied=True,
        coverage_left=0.9,
        coverage_right=0.05,
        longest_left=0.9,
        longest_right=0.05,
        log_odds=25.0,
    )
    sound = SoundEvidence(bit_error=0.45, overlap_ms=30_000, windows=0.3, alignment=found)
    assert hear(sound, ACCEPTANCE.limits(400)).level == "shares"
    assert hear(sound, ACCEPTANCE.limits(5_000_000)).level == "other"


def test_a_bundle_asks_for_what_its_catalogue_needs() -> None:
    left, right = (
        featurize(Upload(source="s", item_id=item, kind=Kind.recording, title=title))
        for item, title in (("a", "Clear Water"), ("b", "Evening Bells"))
    )
    levels = []
    for size in (400, 5_000_000):
        bundle = dataclasses.replace(
            Bundle.packaged(), sound=ACCEPTANCE, catalogue_size=size, measured_at=size
        )
        read = Bundle.from_json(bundle.to_json())
        assert read == bundle
        lines = Scorer(read).score(left, right, PIECE).recording.lines
        levels.append(next(line.level for line in lines if line.name == "sound"))
    assert levels == ["same_master", "doubtful"]


@pytest.mark.parametrize(
    "broken",
    [
        dataclasses.replace(ACCEPTANCE, false_rate=0.0),
        dataclasses.replace(ACCEPTANCE, false_rate=1.0),
        dataclasses.replace(ACCEPTANCE, query_ms=0),
        dataclasses.replace(ACCEPTANCE, agreement=dataclasses.replace(ACCEPTANCE.agreement, scale=0.0)),
    ],
)
def test_what_is_no_distribution_is_refused(broken: Acceptance) -> None:
    data = dataclasses.replace(Bundle.packaged(), sound=broken).to_json()
    with pytest.raises(SchemaError):
        Bundle.from_json(data)


def test_a_line_is_believed_from_where_the_best_wrong_ones_end() -> None:
    left, right = (
        featurize(Upload(source="s", item_id=item, kind=Kind.recording, title=title))
        for item, title in (("a", "Clear Water"), ("b", "Evening Bells"))
    )
    accepting = dataclasses.replace(
        ACCEPTANCE, lines=BestWrong(location=2.0, scale=0.2, shape=0.0, measured_at=400)
    )

    def level(score: float, sound: Acceptance, size: int) -> tuple[str, str | None]:
        bundle = dataclasses.replace(Bundle.packaged(), sound=sound, catalogue_size=size, measured_at=size)
        evidence = SoundEvidence(bit_error=0.45, overlap_ms=30_000, harmony=0.3, line=along(score))
        found = Scorer(bundle).score(left, right, evidence)
        return next(line.level for line in found.work.lines if line.name == "harmony"), found.relation

    assert level(3.8, accepting, 400) == ("high", OTHER_VERSION)
    assert level(3.5, accepting, 400) == ("low", None)
    # Among more recordings the best wrong one goes along further.
    assert level(3.8, accepting, 5_000_000) == ("low", None)
    assert level(9.0, ACCEPTANCE, 400) == ("low", None)


def along(score: float) -> HeardLine:
    return HeardLine(
        score=score,
        speed_ratio=1.1,
        semitones=2,
        start_ms=0,
        end_ms=90_000,
        other_start_ms=0,
        other_end_ms=99_000,
        coverage_left=0.9,
        coverage_right=0.9,
    )
