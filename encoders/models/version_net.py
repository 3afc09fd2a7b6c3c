"""The version network: one vector of a recording that stays when key, tempo and instruments change."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn

OCTAVES: Final = 7
CLASSES: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionShape:
    """How large the network is.

    Attributes
    ----------
    first, second : int
        channels of the two layers that see semitones
    width : int
        channels of the layers that see pitch classes
    dilations : tuple of int
        one block each; how far apart in time its three taps are
    dimension : int
        of the vector
    """

    first: int = 24
    second: int = 32
    width: int = 128
    dilations: tuple[int, ...] = (1, 2, 4, 8)
    dimension: int = 256

    def as_dict(self) -> dict[str, Any]:
        """Give the sizes for a run record or a checkpoint."""
        return asdict(self)


class VersionNet(nn.Module):
    """Listen to semitones, then to pitch classes on a circle.

    Two layers see where partials and chord notes stand. The seven octaves then become channels, so that the
    rest works on the circle of twelve pitch classes: every layer is the same for every key, and the maximum
    over the circle forgets it. Averages and maxima over time forget the order of sections.

    Parameters
    ----------
    shape : VersionShape
    """

    def __init__(self, shape: VersionShape = VersionShape()) -> None:
        super().__init__()
        self.shape = shape
        self.conv1 = nn.Conv2d(1, shape.first, (25, 3), padding=(12, 1), bias=False)
        self.norm1 = nn.BatchNorm2d(shape.first)
        self.conv2 = nn.Conv2d(shape.first, shape.second, (13, 3), padding=(6, 1), stride=(1, 2), bias=False)
        self.norm2 = nn.BatchNorm2d(shape.second)
        self.fold = nn.Conv2d(shape.second * OCTAVES, shape.width, 1, bias=False)
        self.norm3 = nn.BatchNorm2d(shape.width)
        self.convs = nn.ModuleList(
            nn.Conv2d(shape.width, shape.width, (7, 3), dilation=(1, d), padding=(0, d), bias=False)
            for d in shape.dilations
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(shape.width) for _ in shape.dilations)
        self.weigh = nn.Conv1d(shape.width, shape.width, 1)
        self.out = nn.Linear(2 * shape.width, shape.dimension)

    def forward(self, x: Tensor) -> Tensor:
        """Give vectors, not yet of unit length.

        Parameters
        ----------
        x : Tensor [shape=(b, 84, t)]
            `encoders.features.semitones.version_input`

        Returns
        -------
        vectors : Tensor [shape=(b, dimension)]
        """
        y = torch.relu(self.norm1(self.conv1(x[:, None])))
        y = torch.relu(self.norm2(self.conv2(y)))
        b, c, _, t = y.shape
        y = y.reshape(b, c * OCTAVES, CLASSES, t)
        y = torch.relu(self.norm3(self.fold(y)))
        for conv, norm in zip(self.convs, self.norms, strict=True):
            y = y + torch.relu(norm(conv(torch.cat([y[:, :, -3:], y, y[:, :, :3]], dim=2))))
        over_key = y.amax(dim=2) + y.mean(dim=2)
        weights = torch.softmax(self.weigh(over_key), dim=2)
        pooled = torch.cat([(weights * over_key).sum(dim=2), over_key.mean(dim=2)], dim=1)
        vectors: Tensor = self.out(pooled)
        return vectors
