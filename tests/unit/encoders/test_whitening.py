"""The axes on which titles differ: what is learned, that the graph says the same, and what is packaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from encoders.build import TEXT_CARD, card_path, packaged_dir
from encoders.cards import EncoderCard, Modality
from encoders.errors import InvalidSignal
from encoders.export import export_whitening
from encoders.runtime import OnnxModel, unit_rows
from encoders.training.run_record import RunRecord
from encoders.training.whitening import Whitening, WhiteningConfig

DIMENSION, TITLES = 60, 500


def sentences(seed: int) -> NDArray[np.float32]:
    """Make vectors that share a direction, differ most along three axes, and little along the others."""
    rng = np.random.default_rng(seed)
    spread = np.concatenate([[9.0, 7.0, 5.0], np.full(DIMENSION - 3, 1.0)])
    return unit_rows((rng.standard_normal((TITLES, DIMENSION)) * spread + 6.0).astype(np.float32))


@pytest.fixture(scope="module")
def whitening() -> Whitening:
    found, _ = Whitening.fitted(sentences(1), WhiteningConfig(axes=24))
    return found


def test_strangers_that_looked_alike_do_so_no_more(whitening: Whitening) -> None:
    given = sentences(2)
    before = given @ given.T
    unit = unit_rows(whitening.apply(given))
    after = unit @ unit.T
    apart = ~np.eye(TITLES, dtype=bool)
    assert np.median(before[apart]) > 0.3
    assert abs(np.median(after[apart])) < 0.02
    assert np.quantile(after[apart], 0.99) < np.quantile(before[apart], 0.5)


@pytest.mark.parametrize(("power", "ratio"), [(0.0, 5.0), (1.0, 1.05)])
def test_the_power_says_how_far_the_spreads_of_axes_are_made_one(power: float, ratio: float) -> None:
    found, _ = Whitening.fitted(sentences(1), WhiteningConfig(axes=24, power=power))
    spread = found.apply(sentences(1)).std(axis=0)
    widest = float(spread.max() / spread.min())
    assert widest > ratio if power == 0.0 else widest < ratio


def test_the_same_vectors_give_the_same_axes_in_any_order() -> None:
    given = sentences(1)
    one, kept = Whitening.fitted(given, WhiteningConfig(axes=3))
    other, _ = Whitening.fitted(given[::-1].copy(), WhiteningConfig(axes=3))
    assert np.allclose(one.axes, other.axes, rtol=1e-4)
    assert 0.5 < kept < 1.0


def test_too_few_texts_are_refused() -> None:
    with pytest.raises(InvalidSignal, match="too few"):
        Whitening.fitted(sentences(1)[:DIMENSION], WhiteningConfig(axes=3))


def test_the_graph_says_the_same(whitening: Whitening, tmp_path: Path) -> None:
    card = export_whitening(whitening.arrays(), tmp_path, version="0")
    assert (card.name, card.modality, card.dimension) == (TEXT_CARD, Modality.TEXT, 24)
    model = OnnxModel(tmp_path, EncoderCard.load(card_path(tmp_path, card.name)))
    given = sentences(3)
    assert np.abs(unit_rows(model.run(given)) - unit_rows(whitening.apply(given))).max() < 1e-5


def test_the_packaged_axes_are_those_of_their_run_record() -> None:
    card = EncoderCard.load(card_path(packaged_dir(), TEXT_CARD))
    record = RunRecord.load(packaged_dir() / f"{TEXT_CARD}.run.json")
    assert record.configuration["axes"] == card.dimension
    found = OnnxModel(packaged_dir(), card).run(np.eye(512, dtype=np.float32))
    assert found.shape == (512, card.dimension)
