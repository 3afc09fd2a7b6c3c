"""The loss of both encoders: what is the same draws together, everything else in the batch is pushed away."""

from __future__ import annotations

import torch
from torch import Tensor


def contrastive_loss(
    vectors: Tensor, labels: Tensor, *, temperature: float, ignored: Tensor | None = None
) -> Tensor:
    """Compare every row with every other.

    Parameters
    ----------
    vectors : Tensor [shape=(n, d)]
        of any length; they are scaled to one
    labels : Tensor of int [shape=(n,)]
        rows of one label belong together; each label at least twice
    temperature : float > 0
        how much the nearest wrong rows count above the others
    ignored : Tensor of bool [shape=(n, n)], optional
        pairs that are neither: two places of one track, say

    Returns
    -------
    loss : Tensor
        a scalar

    References
    ----------
    Khosla et al., "Supervised Contrastive Learning", NeurIPS 2020.
    """
    unit = torch.nn.functional.normalize(vectors.float(), dim=1)
    logits = unit @ unit.T / temperature
    own = torch.eye(len(unit), dtype=torch.bool, device=unit.device)
    same = (labels[:, None] == labels[None, :]) & ~own
    left_out = own if ignored is None else own | (ignored & ~same)
    logits = logits.masked_fill(left_out, float("-inf"))
    share = logits - torch.logsumexp(logits, dim=1, keepdim=True)
    wanted = torch.where(same, share, torch.zeros_like(share)).sum(dim=1) / same.sum(dim=1).clamp(min=1)
    return -wanted.mean()
