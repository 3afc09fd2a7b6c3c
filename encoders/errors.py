"""What can go wrong inside the encoders.

The tree is small on purpose: a caller either refuses one signal, refuses to
start, or tells its operator to build the models.
"""

from __future__ import annotations

from typing import ClassVar


class EncoderError(Exception):
    """Base of every error this package raises on purpose."""

    code: ClassVar[str] = "encoder_error"


class InvalidSignal(EncoderError):
    """The samples, pixels or text given can never be encoded."""

    code: ClassVar[str] = "invalid_signal"


class UnusableOutput(EncoderError):
    """A model gave numbers that are not finite: when it does at its first run, it is broken."""

    code: ClassVar[str] = "unusable_output"


class CardMismatch(EncoderError):
    """A model and its card, or a vector and its card, do not agree."""

    code: ClassVar[str] = "card_mismatch"


class ModelUnavailable(EncoderError):
    """A model or package is not here and could not be fetched."""

    code: ClassVar[str] = "model_unavailable"


class CheckpointMismatch(EncoderError):
    """A training run cannot go on from a checkpoint of another run."""

    code: ClassVar[str] = "checkpoint_mismatch"


class NothingToTrainOn(EncoderError):
    """What is given holds too little sound to train on and to measure with."""

    code: ClassVar[str] = "nothing_to_train_on"
