"""The version network: what of a recording stays when key, tempo and instruments change."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn

from encoders.features.harmony import DIMENSION as STEPS

OCTAVES: Final = 7
CLASSES: Final = 12
# Patterns are counted under a root: one that comes ten times says little more than one that comes five times.
_LEAST: Final = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionShape:
    """How large the network is.

    Attributes
    ----------
    first, second : int
        channels of the two layers that see semitones
    width, middle : int
        channels of a block outside and inside
    near, far : tuple of int
        one block each, before and after time is halved: how far apart its three taps are
    patterns : int
        that are looked for on the circle of keys, and counted
    profiles : int
        that the average over time is held against, in every key
    dimension : int
        of the vector
    """

    first: int = 24
    second: int = 40
    width: int = 192
    middle: int = 80
    near: tuple[int, ...] = (1, 2, 4)
    far: tuple[int, ...] = (1, 2, 4, 8)
    patterns: int = 512
    profiles: int = 320
    dimension: int = 512

    def as_dict(self) -> dict[str, Any]:
        """Give the sizes for a run record or a checkpoint."""
        return asdict(self)


class Block(nn.Module):
    """Look at seven neighbouring pitch classes at three times, in few channels."""

    def __init__(self, width: int, middle: int, apart: int) -> None:
        super().__init__()
        self.into = nn.Conv2d(width, middle, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(middle)
        self.conv = nn.Conv2d(middle, middle, (7, 3), dilation=(1, apart), padding=(0, apart), bias=False)
        self.norm2 = nn.BatchNorm2d(middle)
        self.out = nn.Conv2d(middle, width, 1, bias=False)
        self.norm3 = nn.BatchNorm2d(width)

    def forward(self, y: Tensor) -> Tensor:
        """Add what is seen to ``y``: (b, width, 12, t)."""
        z = torch.relu(self.norm1(self.into(y)))
        z = torch.relu(self.norm2(self.conv(torch.cat([z[:, :, -3:], z, z[:, :, :3]], dim=2))))
        return y + torch.relu(self.norm3(self.out(z)))


class VersionNet(nn.Module):
    """Listen to semitones, then to pitch classes on a circle.

    Two layers see where partials and chord notes stand. The seven octaves then become channels, so that the
    rest works on the circle of twelve pitch classes: every layer is the same for every key. The maximum over
    the circle forgets the key, of each pattern on its own and of the average of the piece; averages over
    time forget the order of sections.

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
        self.near = nn.ModuleList(Block(shape.width, shape.middle, apart) for apart in shape.near)
        self.far = nn.ModuleList(Block(shape.width, shape.middle, apart) for apart in shape.far)
        self.patterns = nn.Conv2d(shape.width, shape.patterns, 1, bias=False)
        self.norm4 = nn.BatchNorm2d(shape.patterns)
        self.weigh = nn.Conv1d(shape.patterns, shape.patterns, 1)
        self.profiles = nn.Conv1d(shape.width, shape.profiles, CLASSES, bias=False)
        self.norm5 = nn.BatchNorm1d(shape.profiles)
        self.norm6 = nn.BatchNorm1d(2 * shape.patterns + shape.profiles)
        self.out = nn.Linear(2 * shape.patterns + shape.profiles, shape.dimension)

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
        y = torch.relu(self.norm3(self.fold(y.reshape(b, c * OCTAVES, CLASSES, t))))
        for block in self.near:
            y = block(y)
        y = nn.functional.avg_pool2d(y, (1, 2))
        for block in self.far:
            y = block(y)
        heard = torch.relu(self.norm4(self.patterns(y))).amax(dim=2)
        weights = torch.softmax(self.weigh(heard).float(), dim=2)
        heard = heard.float()
        average = y.float().mean(dim=3)
        around = torch.cat([average, average[:, :, : CLASSES - 1]], dim=2)
        profiles = torch.relu(self.norm5(self.profiles(around))).amax(dim=2).float()
        counts = [torch.sqrt(each + _LEAST) for each in (heard.mean(dim=2), (weights * heard).sum(dim=2))]
        vectors: Tensor = self.out(self.norm6(torch.cat([*counts, profiles], dim=1))).float()
        return vectors


class WorkNet(nn.Module):
    """The network, and what it adds to the chord steps of the same recording: for training only.

    Both are trained together, so that the network learns what the chord steps miss.

    Parameters
    ----------
    shape : VersionShape
    """

    def __init__(self, shape: VersionShape = VersionShape()) -> None:
        super().__init__()
        self.network = VersionNet(shape)
        self.steps_norm = nn.BatchNorm1d(STEPS, affine=False)
        self.steps = nn.Linear(STEPS, shape.dimension, bias=False)
        nn.init.normal_(self.steps.weight, std=0.6 / STEPS**0.5)

    def forward(self, x: Tensor, steps: Tensor) -> tuple[Tensor, Tensor]:
        """Give vectors of both together and of the network alone, neither of unit length."""
        alone = self.network(x)
        return alone + self.steps(self.steps_norm(steps)).float(), alone
