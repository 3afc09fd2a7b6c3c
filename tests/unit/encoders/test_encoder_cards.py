"""Cards refuse what they do not describe, and errors carry codes."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from encoders import errors
from encoders.cards import EncoderCard, Modality, TensorSpec
from encoders.errors import CardMismatch, EncoderError, ModelUnavailable

CARD = EncoderCard(
    name="toy",
    version="3",
    modality=Modality.IDENTITY,
    dimension=4,
    sample_rate=22_050,
    hop=2_048,
    inputs=(TensorSpec(name="samples", shape=("b", 1, "n"), dtype="float32"),),
    normalisation="l2",
    metric="cosine",
    sha256=hashlib.sha256(b"model").hexdigest(),
    file="toy.onnx",
    licence="MIT",
    source_package="toy",
    source_version="0.1",
    preprocessing_version=2,
    opset=17,
)


def test_a_card_survives_its_json(tmp_path: Path) -> None:
    path = tmp_path / "toy.json"
    path.write_text(CARD.to_json(), encoding="utf-8")
    assert EncoderCard.load(path) == CARD
    assert CARD.key == "toy@3+p2"


def test_a_missing_card_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="models build"):
        EncoderCard.load(tmp_path / "none.json")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"inputs": [], "modality": "identity"}', "null"])
def test_what_is_not_a_card_is_refused(text: str) -> None:
    with pytest.raises(CardMismatch):
        EncoderCard.from_json(text)


def test_a_card_names_no_file_elsewhere() -> None:
    with pytest.raises(CardMismatch):
        EncoderCard.from_json(replace(CARD, file="../toy.onnx").to_json())


def test_other_bytes_are_refused() -> None:
    CARD.check_bytes(b"model")
    with pytest.raises(CardMismatch, match="sha256"):
        CARD.check_bytes(b"other")


@pytest.mark.parametrize(
    "vectors",
    [
        np.eye(4, 3, dtype=np.float32),
        np.eye(4, dtype=np.float64),
        np.full((1, 4), 0.9, dtype=np.float32),
        np.full((1, 4), np.nan, dtype=np.float32),
    ],
)
def test_vectors_the_card_does_not_describe_are_refused(vectors: np.ndarray) -> None:
    with pytest.raises(CardMismatch):
        CARD.check(vectors)


def test_unit_and_silent_vectors_pass() -> None:
    CARD.check(np.vstack([np.eye(4), np.zeros((1, 4))]).astype(np.float32))


def test_every_error_has_its_own_code() -> None:
    tree = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, EncoderError)
    ]
    codes = [kind.code for kind in tree]
    assert len(set(codes)) == len(codes) > 1
