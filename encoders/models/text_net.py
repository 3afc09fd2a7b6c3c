"""The text network: a row for each bucket of letters, summed; what is told of the artist counts less."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True, slots=True, kw_only=True)
class TextShape:
    """What a network is like.

    Attributes
    ----------
    bits : int > 0
        of the number of a bucket
    width : int > 0
        of a vector
    artist : float
        what a letter of the artist counts beside one of the title. Left to itself training makes it 0.5, by
        which works are found better and recordings worse
    """

    bits: int = 15
    width: int = 192
    artist: float = 0.8


class TextNet(nn.Module):
    """Sum the rows of a text's buckets.

    Parameters
    ----------
    shape : TextShape
    """

    def __init__(self, shape: TextShape) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.randn(1 << shape.bits, shape.width))
        self.artist: Tensor
        self.register_buffer("artist", torch.tensor(shape.artist))

    def forward(self, buckets: Tensor, starts: Tensor, of_artist: Tensor) -> Tensor:
        """Give the vectors of texts.

        Parameters
        ----------
        buckets : Tensor of int [shape=(g,)]
            of all texts, one text after the other
        starts : Tensor of int [shape=(n + 1,)]
            where each text begins, and where the last one ends
        of_artist : Tensor of bool [shape=(g,)]

        Returns
        -------
        vectors : Tensor [shape=(n, width)]
            not of unit length
        """
        weights = torch.where(of_artist, self.artist, torch.ones_like(self.artist))
        return nn.functional.embedding_bag(
            buckets, self.table, starts, mode="sum", per_sample_weights=weights, include_last_offset=True
        )
