"""From where on a sound is heard again: more is asked in a larger catalogue, and never less than usual."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from streams.core.acceptance import USUAL, Acceptance, BestWrong
from streams.core.features import featurize
from streams.core.hearing import hear
from streams.core.records import HeardSpan, Kind, SoundAlignment, SoundEvidence, Upload
from streams.core.scoring import Bundle, Scorer
from streams.errors import SchemaError

# One absent query in 4,000.
RATE = 1 / 4_000
SIZES = st.integers(1, 50_000_000)
FITS = st.builds(
    BestWrong,
    location=st.floats(-2.0, 2.0),
    scale=st.floats(1e-3, 1.0),
    shape=st.one_of(st.just(0.0), st.floats(-0.4, 0.4)),
    growth=st.floats(0.0, 0.5),
    measured_at=st.integers(1, 10_000),
)
COPY = SoundEvidence(
    bit_error=0.18,
    overlap_ms=30_000,
    offset_ms=0,
    speed_ratio=1.0,
    coverage_left=1.0,
    coverage_right=1.0,
    windows=0.99,
)


def acceptance(*, growth: float = 0.01) -> Acceptance:
    """At 400 recordings the usual limits hold; from a few thousand on more is asked for."""
    agreement = BestWrong(location=0.66, scale=0.012, shape=0.0, growth=growth, measured_at=400)
    spans = BestWrong(location=2.0, scale=2.0, shape=0.0, growth=1.0, measured_at=400)
    return Acceptance(false_rate=RATE, agreement=agreement, spans=spans)


@given(fit=FITS)
def test_the_threshold_is_the_quantile_that_scipy_gives(fit: BestWrong) -> None:
    expected = stats.genextreme.isf(RATE, fit.shape, loc=fit.location, scale=fit.scale)
    assert math.isclose(fit.threshold(fit.measured_at, false_rate=RATE), expected, rel_tol=1e-6, abs_tol=1e-9)


@given(fit=FITS, one=SIZES, two=SIZES)
def test_a_larger_catalogue_asks_for_more(fit: BestWrong, one: int, two: int) -> None:
    small, large = sorted((one, two))
    before, after = (fit.threshold(size, false_rate=RATE) for size in (small, large))
    assert after >= before
    if fit.growth > 1e-3 and large > small:
        assert after > before


@given(size=SIZES)
def test_nothing_less_than_usual_is_asked_for(size: int) -> None:
    limits = acceptance().limits(size)
    assert 0.0 <= limits.max_bit_error <= USUAL.max_bit_error
    assert limits.least_log_odds >= USUAL.least_log_odds


@pytest.mark.parametrize("size", [100, 1_000, 10_000])
def test_absent_queries_stay_under_the_promised_rate(size: int) -> None:
    # The best of so many wrong scores that each fall off exponentially is Gumbel's, and grows by its scale.
    rng = np.random.default_rng(size)
    best = 0.05 * (rng.gumbel(size=200_000) + math.log(size))
    fit = BestWrong(location=0.05 * math.log(500), scale=0.05, shape=0.0, growth=0.05, measured_at=500)
    passed = float(np.mean(best >= fit.threshold(size, false_rate=RATE)))
    assert passed < 2 * RATE
    assert passed > RATE / 2  # and no more is asked than the promise needs


def test_what_is_a_copy_among_hundreds_is_doubtful_among_millions() -> None:
    assert hear(COPY, acceptance().limits(400)).level == "same_master"
    assert hear(COPY, acceptance().limits(5_000_000)).level == "doubtful"


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
        log_odds=21.0,
    )
    sound = SoundEvidence(bit_error=0.45, overlap_ms=30_000, windows=0.3, alignment=found)
    assert hear(sound, acceptance().limits(400)).level == "shares"
    assert hear(sound, acceptance().limits(1_000_000)).level == "other"


def test_a_bundle_asks_for_what_its_catalogue_needs() -> None:
    left, right = (
        featurize(Upload(source="s", item_id=item, kind=Kind.recording, title=title))
        for item, title in (("a", "Clear Water"), ("b", "Evening Bells"))
    )
    plain = Bundle.packaged()
    levels = []
    for size in (400, 5_000_000):
        bundle = dataclasses.replace(plain, sound=acceptance(), catalogue_size=size, measured_at=size)
        read = Bundle.from_json(bundle.to_json())
        assert read == bundle
        lines = Scorer(read).score(left, right, COPY).recording.lines
        levels.append(next(line.level for line in lines if line.name == "sound"))
    assert levels == ["same_master", "doubtful"]


@pytest.mark.parametrize(
    "broken",
    [
        dataclasses.replace(acceptance(), false_rate=0.0),
        dataclasses.replace(acceptance(), false_rate=1.0),
        acceptance(growth=-0.1),
    ],
)
def test_limits_that_fall_as_the_catalogue_grows_are_refused(broken: Acceptance) -> None:
    data = dataclasses.replace(Bundle.packaged(), sound=broken).to_json()
    with pytest.raises(SchemaError):
        Bundle.from_json(data)
