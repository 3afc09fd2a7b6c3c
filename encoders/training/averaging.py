"""An average of a network's weights over its last steps: steadier than the last ones alone."""

from __future__ import annotations

import copy
from typing import Final

import torch
from torch import nn

_DECAY: Final = 0.996


class Averaged:
    """Follow a network while it trains.

    Parameters
    ----------
    net : Module
    """

    def __init__(self, net: nn.Module) -> None:
        self.net = copy.deepcopy(net).eval()
        self._steps = 0

    @torch.no_grad()
    def follow(self, net: nn.Module) -> None:
        """Take in the weights after one step more; the first steps count little."""
        decay = min(_DECAY, (1 + self._steps) / (20 + self._steps))
        self._steps += 1
        for mine, theirs in zip(self.net.state_dict().values(), net.state_dict().values(), strict=True):
            if mine.dtype.is_floating_point:
                mine.lerp_(theirs, 1.0 - decay)
            else:
                mine.copy_(theirs)
