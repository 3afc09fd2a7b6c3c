"""The identity network: one vector of ten seconds, or fewer, that stays when the sound is damaged."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn

# Channels, (bands, frames) of each kernel's stride; the bands go 64 -> 2, three frames in four go.
_STRIDES: Final = ((2, 2), (2, 1), (2, 2), (2, 1), (2, 2))


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityShape:
    """How large the network is.

    Attributes
    ----------
    channels : tuple of five int
        of the layers that halve the bands
    width : int
        channels after the bands are gone
    dimension : int
        of the vector
    """

    channels: tuple[int, int, int, int, int] = (40, 80, 112, 160, 224)
    width: int = 384
    dimension: int = 256

    def as_dict(self) -> dict[str, Any]:
        """Give the sizes for a run record or a checkpoint."""
        return asdict(self)


class IdentityNet(nn.Module):
    """Convolutions over bands and time, then mean and spread over time.

    Parameters
    ----------
    shape : IdentityShape
    """

    def __init__(self, shape: IdentityShape = IdentityShape()) -> None:
        super().__init__()
        self.shape = shape
        before = 1
        self.convs, self.norms = nn.ModuleList(), nn.ModuleList()
        for number, (channels, stride) in enumerate(zip(shape.channels, _STRIDES, strict=True)):
            size = 5 if number == 0 else 3
            self.convs.append(nn.Conv2d(before, channels, size, stride=stride, padding=size // 2, bias=False))
            self.norms.append(nn.BatchNorm2d(channels))
            before = channels
        self.last = nn.Conv2d(before, shape.width, (2, 3), padding=(0, 1), bias=False)
        self.last_norm = nn.BatchNorm2d(shape.width)
        self.out = nn.Linear(2 * shape.width, shape.dimension)

    def forward(self, x: Tensor) -> Tensor:
        """Give vectors, not yet of unit length.

        Parameters
        ----------
        x : Tensor [shape=(b, 64, t)]
            `encoders.features.mel.window_input`

        Returns
        -------
        vectors : Tensor [shape=(b, dimension)]
        """
        y = x[:, None]
        for conv, norm in zip(self.convs, self.norms, strict=True):
            y = torch.relu(norm(conv(y)))
        y = torch.relu(self.last_norm(self.last(y)))[:, :, 0]
        mean = y.mean(dim=2)
        spread = torch.sqrt(((y - mean[:, :, None]) ** 2).mean(dim=2) + 1e-4)
        vectors: Tensor = self.out(torch.cat([mean, spread], dim=1))
        return vectors
