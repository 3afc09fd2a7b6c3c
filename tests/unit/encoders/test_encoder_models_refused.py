"""A model file that is not the one its card describes never gives a vector."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from encoders.build import FRAME_CARD, IDENTITY_CARD, card_path
from encoders.cards import EncoderCard, Modality, TensorSpec
from encoders.errors import CardMismatch, ModelUnavailable, UnusableOutput
from encoders.frames import FrameEncoder
from encoders.identity import IdentityEncoder
from encoders.runtime import OnnxModel
from tests.unit.toy_model import PIXELS, graph


def folder(tmp_path: Path, data: bytes, *, file: bytes | None = None, **changes: Any) -> Path:
    """Put a model and its card into a folder."""
    card = EncoderCard(
        name="toy",
        version="1",
        modality=Modality.FRAME,
        dimension=1280,
        sample_rate=None,
        hop=None,
        inputs=(TensorSpec(name="images", shape=PIXELS, dtype="float32"),),
        normalisation="l2",
        metric="cosine",
        sha256=hashlib.sha256(data).hexdigest(),
        file="toy.onnx",
        licence="MIT",
        source_package="toy",
        source_version="1",
        preprocessing_version=1,
        opset=17,
    )
    for name in (FRAME_CARD, IDENTITY_CARD):
        path = card_path(tmp_path, name)
        path.write_text(replace(card, **changes).to_json(), encoding="utf-8")
    (tmp_path / "toy.onnx").write_bytes(data if file is None else file)
    return tmp_path


def test_the_model_of_its_card_is_loaded(tmp_path: Path) -> None:
    encoder = FrameEncoder.load(folder(tmp_path, graph(1.0)))
    assert encoder.encode([np.full((9, 9, 3), 200, dtype=np.uint8)]).shape == (1, 1280)


def test_a_file_with_another_digest_is_never_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*_: object, **__: object) -> None:
        raise AssertionError("a session was built from bytes nobody vouches for")

    monkeypatch.setattr("encoders.runtime.onnxruntime.InferenceSession", run)
    with pytest.raises(CardMismatch, match="sha256"):
        FrameEncoder.load(folder(tmp_path, graph(1.0), file=graph(2.0)))
    with pytest.raises(CardMismatch, match="sha256"):
        FrameEncoder.load(folder(tmp_path, graph(1.0), file=b""))


def test_a_file_that_is_no_graph_is_refused(tmp_path: Path) -> None:
    for data in (b"", b"no graph", graph(1.0)[:-40]):
        with pytest.raises(CardMismatch):
            FrameEncoder.load(folder(tmp_path, data))


def test_a_graph_of_other_inputs_or_another_dimension_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CardMismatch, match="inputs"):
        FrameEncoder.load(folder(tmp_path, graph(1.0, name="pixels")))
    with pytest.raises(CardMismatch, match="1280"):
        FrameEncoder.load(folder(tmp_path, graph(1.0, dimension=640)))


def test_a_missing_file_says_what_to_run(tmp_path: Path) -> None:
    made = folder(tmp_path, graph(1.0))
    (made / "toy.onnx").unlink()
    with pytest.raises(ModelUnavailable, match="models build"):
        FrameEncoder.load(made)


@pytest.mark.parametrize("weight", [float("nan"), float("inf"), -float("inf")])
def test_a_model_that_gives_no_numbers_does_not_start(tmp_path: Path, weight: float) -> None:
    made = folder(tmp_path, graph(weight))
    with pytest.raises(UnusableOutput):
        FrameEncoder.load(made)


def test_a_model_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CardMismatch, match="shape"):
        IdentityEncoder.load(folder(tmp_path, graph(1.0)))


def test_numbers_that_end_on_one_input_are_of_that_input_alone(tmp_path: Path) -> None:
    card = EncoderCard.load(card_path(folder(tmp_path, graph(3e38)), FRAME_CARD))
    model = OnnxModel(tmp_path, card)
    assert np.isfinite(model.run(np.full((1, 3, 224, 224), 0.5, dtype=np.float32))).all()
    with pytest.raises(UnusableOutput):
        model.run(np.full((1, 3, 224, 224), 9.0, dtype=np.float32))
