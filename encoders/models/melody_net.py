"""The melody network: which melodies may be heard at each moment, whatever else sounds."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from encoders.models.version_net import CLASSES, OCTAVES, Block


@dataclass(frozen=True, slots=True, kw_only=True)
class MelodyShape:
    """How large the network is.

    Attributes
    ----------
    first, second : int
        channels of the two layers that see semitones
    width, middle : int
        channels of a block outside and inside
    apart : tuple of int
        one block each: how far apart its three taps are in time
    channels : int
        numbers for each pitch class at each moment
    """

    first: int = 16
    second: int = 24
    width: int = 64
    middle: int = 28
    apart: tuple[int, ...] = (1, 2, 4)
    channels: int = 4

    def as_dict(self) -> dict[str, Any]:
        """Give the sizes for a run record or a checkpoint."""
        return asdict(self)


class MelodyNet(nn.Module):
    """Listen to semitones, then to pitch classes on a circle.

    As `encoders.models.version_net.VersionNet` begins; nothing is averaged over time or keys: what it gives
    of a melody in another key is the same, so many pitch classes further.

    Parameters
    ----------
    shape : MelodyShape
    """

    def __init__(self, shape: MelodyShape = MelodyShape()) -> None:
        super().__init__()
        self.shape = shape
        self.conv1 = nn.Conv2d(1, shape.first, (25, 3), padding=(12, 1), bias=False)
        self.norm1 = nn.BatchNorm2d(shape.first)
        # Each channel on its own, then all together: a tenth of the sums.
        self.conv2 = nn.Conv2d(
            shape.first,
            shape.first,
            (13, 3),
            padding=(6, 1),
            stride=(1, 2),
            groups=shape.first,
            bias=False,
        )
        self.mix = nn.Conv2d(shape.first, shape.second, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(shape.second)
        self.fold = nn.Conv2d(shape.second * OCTAVES, shape.width, 1, bias=False)
        self.norm3 = nn.BatchNorm2d(shape.width)
        self.blocks = nn.ModuleList(Block(shape.width, shape.middle, apart) for apart in shape.apart)
        self.out = nn.Conv2d(shape.width, shape.channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Give maps of melodies.

        Parameters
        ----------
        x : Tensor [shape=(b, 84, t)]
            `encoders.features.semitones.version_input`

        Returns
        -------
        maps : Tensor [shape=(b, channels, 12, (t + 1) // 2)]
            in (-1, 1)
        """
        y = torch.relu(self.norm1(self.conv1(x[:, None])))
        y = torch.relu(self.norm2(self.mix(self.conv2(y))))
        b, c, _, t = y.shape
        y = torch.relu(self.norm3(self.fold(y.reshape(b, c * OCTAVES, CLASSES, t))))
        for block in self.blocks:
            y = block(y)
        maps = self.out(y).float()
        # What all pitch classes have in common says nothing about a melody.
        return torch.tanh(maps - maps.mean(dim=2, keepdim=True))
