"""Titles with their artists to unit vectors: a row for each of the letters' buckets, summed."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from encoders.build import TEXT_CARD, card_path, packaged_dir
from encoders.cards import EncoderCard
from encoders.errors import CardMismatch, InvalidSignal, ModelUnavailable
from encoders.features.grams import grams_of
from encoders.runtime import unit_rows

FloatArray = NDArray[np.float32]

# Titles are short; a description pasted into a title field would cost as much as a hundred titles and say
# no more.
MAX_CHARS: Final = 512


class TextEncoder:
    """Encode titles and artists; each text's vector is its own, whichever others come with it.

    Parameters
    ----------
    card : EncoderCard
    table : float32 [shape=(2**bits, d)]
    artist : float
        what a letter of the artist counts beside one of the title

    Notes
    -----
    Version words would weigh as much as others: strip them first, and never use the cosine alone to decide.
    """

    def __init__(self, card: EncoderCard, table: FloatArray, artist: float) -> None:
        self.card = card
        self._table, self._artist = table, np.float32(artist)

    @classmethod
    def load(cls, models_dir: Path | None = None) -> TextEncoder:
        """Load the table, checked against the card beside it.

        Parameters
        ----------
        models_dir : Path, optional
            default: that of this package

        Raises
        ------
        ModelUnavailable
            the table or its card is missing
        CardMismatch
            the table is not the one that its card describes
        """
        folder = models_dir or packaged_dir()
        card = EncoderCard.load(card_path(folder, TEXT_CARD))
        try:
            data = (folder / card.file).read_bytes()
        except OSError as exc:
            raise ModelUnavailable(
                f"{card.key}: {card.file} is missing; run `samesong models build`"
            ) from exc
        card.check_bytes(data)
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
                table = arrays["table"] * arrays["scale"][:, None]
                return cls(card, table, float(arrays["artist"]))
        except (ValueError, KeyError, OSError) as exc:
            raise CardMismatch(
                f"{card.key}: {card.file} is no table of letters; run `samesong models build`"
            ) from exc

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Encode texts.

        Parameters
        ----------
        texts : sequence of str
            a title; its artist on the next line. Each is cut at 512 characters

        Returns
        -------
        vectors : float32 [shape=(n, 192)]
            of unit length; a text without letters gives zeros

        Raises
        ------
        InvalidSignal
            something other than text was given
        """
        if isinstance(texts, str) or not all(isinstance(text, str) for text in texts):
            raise InvalidSignal("texts must be a sequence of str")
        buckets, dimension = self._table.shape
        if not texts:
            return np.empty((0, dimension), dtype=np.float32)
        found = grams_of([text[:MAX_CHARS] for text in texts], bits=buckets.bit_length() - 1)
        counts = np.where(found.of_artist, self._artist, np.float32(1.0))
        made_of = csr_array((counts, found.buckets, found.starts), shape=(len(texts), buckets))
        return unit_rows(made_of @ self._table)
