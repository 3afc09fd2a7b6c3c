"""Model cards: what a model is, where it came from and what it expects."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from encoders.errors import CardMismatch, ModelUnavailable

# Unit vectors are computed in float32; 1e-3 is far above its rounding and far
# below any vector that was never normalised.
UNIT_TOLERANCE: Final = 1e-3


class Modality(StrEnum):
    """What a model listens to, looks at or reads."""

    TEXT = "text"
    IDENTITY = "identity"
    VERSION = "version"
    FRAME = "frame"


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorSpec:
    """One input of a model; a free dimension is written as its name."""

    name: str
    shape: tuple[int | str, ...]
    dtype: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderCard:
    """The contract that travels with a model file.

    Attributes
    ----------
    name, version : str
        together the identity of the vectors: an index holds one such pair only
    modality : Modality
    dimension : int > 0
        length of the vectors handed out
    sample_rate : int [Hz] or None
        rate the model expects; None when it does not listen
    hop : int [samples] or None
        distance between two frames of its input at ``sample_rate``
    inputs : tuple of TensorSpec
    normalisation : str
        what is done to the model's output ("l2")
    metric : str
        how two vectors are compared ("cosine")
    sha256 : str
        of the model file, lower-case hexadecimal
    file : str
        name of the model file; a bare name beside the card
    licence, source_package, source_version : str
        where the weights come from
    preprocessing_version : int
        raised whenever the same samples would give other vectors
    opset : int or None
        of the ONNX graph; None for a model that is not ONNX
    """

    name: str
    version: str
    modality: Modality
    dimension: int
    sample_rate: int | None
    hop: int | None
    inputs: tuple[TensorSpec, ...]
    normalisation: str
    metric: str
    sha256: str
    file: str
    licence: str
    source_package: str
    source_version: str
    preprocessing_version: int
    opset: int | None

    @property
    def key(self) -> str:
        """Name, version and preprocessing in one string, such as ``soundnet-conv5@1+p1``."""
        return f"{self.name}@{self.version}+p{self.preprocessing_version}"

    def check_bytes(self, data: bytes) -> None:
        """Refuse a model whose bytes are not the ones the card describes.

        Raises
        ------
        CardMismatch
            the digests differ
        """
        found = hashlib.sha256(data).hexdigest()
        if found != self.sha256:
            raise CardMismatch(f"{self.key}: model file has sha256 {found}, card says {self.sha256}")

    def check(self, vectors: NDArray[np.float32]) -> None:
        """Refuse vectors that the card does not describe.

        Parameters
        ----------
        vectors : float32 [shape=(n, dimension)]
            finite; of unit length, or all zero, when ``normalisation`` is "l2"

        Raises
        ------
        CardMismatch
            wrong shape or type, a value that is not finite, or a wrong length
        """
        if vectors.ndim != 2 or vectors.shape[1] != self.dimension or vectors.dtype != np.float32:
            raise CardMismatch(
                f"{self.key}: got {vectors.dtype} {vectors.shape}, card says float32 (n, {self.dimension})"
            )
        if not np.isfinite(vectors).all():
            raise CardMismatch(f"{self.key}: vectors are not finite")
        if self.normalisation == "l2":
            lengths = np.linalg.norm(vectors, axis=1)
            wrong = (np.abs(lengths - 1.0) > UNIT_TOLERANCE) & (lengths > 0.0)
            if wrong.any():
                raise CardMismatch(f"{self.key}: {int(wrong.sum())} vectors are not of unit length")

    def to_json(self) -> str:
        """Write the card as JSON with sorted keys."""
        return json.dumps(asdict(self), indent=2, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str) -> EncoderCard:
        """Read a card back.

        Raises
        ------
        CardMismatch
            the text is not a card
        """
        try:
            raw = json.loads(text)
            inputs = tuple(
                TensorSpec(name=spec["name"], shape=tuple(spec["shape"]), dtype=spec["dtype"])
                for spec in raw.pop("inputs")
            )
            card = cls(inputs=inputs, modality=Modality(raw.pop("modality")), **raw)
        except (ValueError, KeyError, TypeError, AttributeError) as exc:
            raise CardMismatch(f"not a model card: {exc}") from exc
        if not isinstance(card.dimension, int) or card.dimension <= 0 or Path(card.file).name != card.file:
            raise CardMismatch(f"{card.key}: bad dimension or file name")
        return card

    @classmethod
    def load(cls, path: Path) -> EncoderCard:
        """Read a card from a file.

        Raises
        ------
        ModelUnavailable
            there is no such file
        CardMismatch
            it is not a card
        """
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as exc:
            raise ModelUnavailable(f"no model card at {path}; run `samesong models build`") from exc
        return cls.from_json(text)
