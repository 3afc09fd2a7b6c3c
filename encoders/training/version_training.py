"""Train the version encoder: performances of one work together, everything else apart."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from encoders.features.audio import FloatArray
from encoders.models.version_net import VersionNet, VersionShape
from encoders.training.composing import harmonised, invented
from encoders.training.contrast import contrastive_loss
from encoders.training.harmony_views import changed, scaled
from encoders.training.loop import Schedule, begun, load_weights, train
from encoders.training.performers import FRAMES, GROUP, HalfArray, Performers, perform
from encoders.training.run_record import RunRecord
from encoders.training.templates import Templates
from encoders.training.works import Work, digest_of

_MEASURED_SCORES: Final = 120
_MEASURED_INVENTED: Final = 40
# Invented works with numbers from here on are never trained on.
_NEVER_DRAWN: Final = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionConfig:
    """What a run is like.

    Attributes
    ----------
    seed : int
    works_per_batch : int
        four performances each
    tracks_per_batch : int
        recordings per batch, four changed copies each; 0 without recordings
    pool : int
        works kept ready; the oldest makes room for a new one
    fresh : int
        at least so many new works are waited for before training begins
    processes : int
        that perform
    frames : pair of int
        least and most that the performances of a batch are cut to
    temperature : float
    held_out : float
        share of the works that is kept apart to measure
    shape : VersionShape
    """

    seed: int = 1
    works_per_batch: int = 96
    tracks_per_batch: int = 24
    pool: int = 24_000
    fresh: int = 400
    processes: int = 2
    frames: tuple[int, int] = (128, 256)
    temperature: float = 0.07
    held_out: float = 0.05
    shape: VersionShape = field(default_factory=VersionShape)


class _Pool:
    """Performances on the device, a ring of groups."""

    def __init__(self, size: int, device: str) -> None:
        self.frames = torch.zeros(size, GROUP, FRAMES, 84, dtype=torch.float16, device=device)
        self.lengths = torch.ones(size, GROUP, dtype=torch.long, device=device)
        self.labels = torch.zeros(size, dtype=torch.long, device=device)
        self.filled = self._at = 0

    def add(self, label: int, group: Sequence[HalfArray]) -> None:
        whole = np.zeros((GROUP, FRAMES, 84), dtype=np.float16)
        for number, part in enumerate(group):
            whole[number, : len(part)] = part[:FRAMES]
        self.frames[self._at] = torch.from_numpy(whole).to(self.frames.device)
        self.lengths[self._at] = torch.tensor([min(len(part), FRAMES) for part in group])
        self.labels[self._at] = label
        self._at = (self._at + 1) % len(self.labels)
        self.filled = min(self.filled + 1, len(self.labels))


def train_version(
    works: Sequence[Work],
    templates: Sequence[Templates],
    tracks: Sequence[FloatArray],
    *,
    config: VersionConfig,
    schedule: Schedule,
    folder: Path,
    device: str,
    resume: bool = False,
    initial: Path | None = None,
    progress: Callable[[str], None] | None = None,
) -> RunRecord:
    """Train.

    Parameters
    ----------
    works : sequence of Work
        a share of them, by name, is only measured on
    templates : sequence of Templates
        one per soundfont
    tracks : sequence of float [shape=(t, 84)]
        recordings as semitone frames over their mean; may be empty
    config : VersionConfig
    schedule : Schedule
    initial : Path, optional
        weights of an earlier run to begin with
    folder, device, resume, progress
        see `encoders.training.loop.train`

    Returns
    -------
    record : RunRecord
    """
    training = [work for work in works if work.draw >= config.held_out]
    measured = [work for work in works if work.draw < config.held_out][:_MEASURED_SCORES]
    measured += [invented(_NEVER_DRAWN + number) for number in range(_MEASURED_INVENTED)]
    data = _described(training, tracks)
    record = begun("version", config, schedule=schedule, data=data, device=device)
    net = VersionNet(config.shape)
    if initial is not None:
        load_weights(initial, net)
    # Half the time of a step on a GPU: its convolutions want channels last.
    net = net.to(device, memory_format=torch.channels_last)
    performed = [measured_group(work, templates, number) for number, work in enumerate(measured)]
    with Performers(training, templates, seed=config.seed, processes=config.processes) as troupe:
        pool = _Pool(config.pool, device)
        while pool.filled < config.fresh:
            pool.add(*troupe.next())
        losses = _losses(net, pool, troupe, _stacked(tracks, device), config)
        return train(
            net,
            losses,
            lambda: mean_average_precision(net, performed, device),
            schedule=schedule,
            record=record,
            folder=folder,
            device=device,
            resume=resume,
            progress=progress,
        )


def measured_group(work: Work, templates: Sequence[Templates], number: int) -> list[FloatArray]:
    """Perform a work that is measured on, the same way every time."""
    rng = np.random.default_rng([7, number])
    return [perform(harmonised(work), templates, rng) for _ in range(GROUP)]


def _described(works: Sequence[Work], tracks: Sequence[FloatArray]) -> dict[str, Any]:
    sources: dict[str, int] = {}
    for work in works:
        sources[work.source] = sources.get(work.source, 0) + 1
    return {"works": len(works), "sources": sources, "sha256": digest_of(works), "tracks": len(tracks)}


def _stacked(tracks: Sequence[FloatArray], device: str) -> tuple[Tensor, Tensor] | None:
    """Cut recordings into pieces of a training length: (n, t, 84) and their lengths."""
    pieces = [
        track[begin : begin + FRAMES]
        for track in tracks
        for begin in range(0, max(1, len(track) - FRAMES // 2), FRAMES)
    ]
    if not pieces:
        return None
    whole = np.zeros((len(pieces), FRAMES, 84), dtype=np.float16)
    for number, piece in enumerate(pieces):
        whole[number, : len(piece)] = piece
    lengths = torch.tensor([len(piece) for piece in pieces], device=device)
    return torch.from_numpy(whole).to(device), lengths


def _losses(
    net: VersionNet,
    pool: _Pool,
    troupe: Performers,
    tracks: tuple[Tensor, Tensor] | None,
    config: VersionConfig,
) -> Iterator[Callable[[], Tensor]]:
    device = pool.frames.device
    while True:
        for label, group in troupe.ready(8):
            pool.add(label, group)
        rows = torch.randperm(pool.filled, device=device)[: config.works_per_batch]
        frames = pool.frames[rows].flatten(0, 1)
        lengths = pool.lengths[rows].flatten()
        labels = pool.labels[rows].repeat_interleave(GROUP)
        size = int(torch.randint(config.frames[0], config.frames[1] + 1, ()))
        with torch.no_grad(), torch.autocast(device.type, enabled=False):
            inputs = changed(frames, lengths, size=size)
            if tracks is not None and config.tracks_per_batch:
                chosen = torch.randint(len(tracks[0]), (config.tracks_per_batch,), device=device)
                several = chosen.repeat_interleave(GROUP)
                copies = changed(tracks[0][several], tracks[1][several], size=size, reach=0.5)
                inputs = torch.cat([inputs, copies])
                # Beyond every number of a work, given or invented.
                labels = torch.cat([labels, several + (1 << 40)])

        def loss(inputs: Tensor = inputs, labels: Tensor = labels) -> Tensor:
            return contrastive_loss(net(inputs), labels, temperature=config.temperature)

        yield loss


def mean_average_precision(net: VersionNet, groups: Sequence[Sequence[FloatArray]], device: str) -> float:
    """Rank every performance against all others: how early those of its own work come."""
    vectors, labels = [], []
    for label, group in enumerate(groups):
        for part in group:
            frames = torch.from_numpy(np.asarray(part, dtype=np.float32)).to(device)[None]
            vectors.append(torch.nn.functional.normalize(net(scaled(frames)).float(), dim=1)[0])
            labels.append(label)
    both, wanted = torch.stack(vectors), torch.tensor(labels, device=device)
    close = both @ both.T
    close.fill_diagonal_(-2.0)
    order = close.argsort(dim=1, descending=True)[:, :-1]
    right = (wanted[order] == wanted[:, None]).float()
    ranks = torch.arange(1, right.shape[1] + 1, device=device)
    precision = (right.cumsum(dim=1) / ranks * right).sum(dim=1) / right.sum(dim=1).clamp(min=1)
    return float(precision.mean())
