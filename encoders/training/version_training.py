"""Train the version encoder: performances of one work together, everything else apart."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from encoders.features.audio import FloatArray
from encoders.models.version_net import VersionShape, WorkNet
from encoders.training.arranging import performance
from encoders.training.averaging import Averaged
from encoders.training.composing import harmonised, invented
from encoders.training.contrast import contrastive_loss
from encoders.training.harmony_views import changed, scaled, steps_of
from encoders.training.loop import Schedule, begun, load_weights, train
from encoders.training.note_bank import FRAMES, SECONDS, Names, NoteBank, joined
from encoders.training.performers import GROUP, NEAR, Group, Performers, Repertoire, group_of
from encoders.training.run_record import RunRecord
from encoders.training.templates import Templates
from encoders.training.works import Work, digest_of

_MEASURED_SCORES: Final = 50
_MEASURED_INVENTED: Final = 50
# Invented works with numbers from here on are never trained on.
_NEVER_DRAWN: Final = 1 << 30
# Beyond every label of a group.
_TRACKS: Final = 1 << 40
_BEATS: Final = 200.0
_AT_ONCE: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionConfig:
    """What a run is like.

    Attributes
    ----------
    seed : int
    groups_per_batch : int
        works, four performances each
    tracks_per_batch : int
        recordings per batch, four changed copies each; 0 without recordings
    pool : int
        groups kept ready; the oldest makes room for a new one
    fresh : int
        at least so many groups are waited for before training begins
    new : int
        groups rendered between two steps, if there are so many
    processes : int
        that perform
    frames : pair of int
        least and most that the performances of a batch are cut to
    temperature : float
    alone : float
        weight of the loss of the network without the chord steps
    held_out : float
        share of the works that is kept apart to measure
    shape : VersionShape
    """

    seed: int = 1
    groups_per_batch: int = 128
    tracks_per_batch: int = 20
    pool: int = 14_000
    fresh: int = 800
    new: int = 40
    processes: int = 4
    frames: tuple[int, int] = (288, 560)
    temperature: float = 0.06
    alone: float = 0.25
    held_out: float = 0.08
    shape: VersionShape = field(default_factory=VersionShape)


class _Pool:
    """Performances on the device, a ring of groups."""

    def __init__(self, size: int, bank: NoteBank, device: str) -> None:
        self._bank = bank
        self.frames = torch.zeros(size, GROUP, FRAMES, 84, dtype=torch.float16, device=device)
        self.lengths = torch.ones(size, GROUP, dtype=torch.long, device=device)
        self.labels = torch.zeros(size, dtype=torch.long, device=device)
        self.origins = torch.zeros(size, dtype=torch.long, device=device)
        self.filled = self._at = 0

    def add(self, groups: Sequence[Group]) -> None:
        frames, lengths = self._bank.rendered(joined([group.notation for group in groups]))
        for number, group in enumerate(groups):
            part = slice(GROUP * number, GROUP * (number + 1))
            self.frames[self._at], self.lengths[self._at] = frames[part], lengths[part]
            self.labels[self._at], self.origins[self._at] = group.label, group.origin
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
    data = _described(training, tracks)
    record = begun("version", config, schedule=schedule, data=data, device=device)
    names = Names(templates)
    perform = partial(group_of, repertoire=Repertoire.of(training), names=names, seed=config.seed)
    with Performers(perform, processes=config.processes) as troupe:
        # Processes are there before the device is touched.
        net = WorkNet(config.shape)
        if initial is not None:
            load_weights(initial, net)
        # Half the time of a step on a GPU: its convolutions want channels last.
        net = net.to(device, memory_format=torch.channels_last)
        averaged = Averaged(net)
        bank = NoteBank(templates, names, device)
        kept = [work for work in Repertoire.of(works).scores if work.draw < config.held_out][
            :_MEASURED_SCORES
        ]
        kept += [invented(_NEVER_DRAWN + number) for number in range(_MEASURED_INVENTED)]
        measured = _measured(kept, bank, names)
        pool = _Pool(config.pool, bank, device)
        while pool.filled < config.fresh:
            pool.add([troupe.next(), *troupe.ready(15)])
        losses = _losses(net, pool, troupe, _stacked(tracks, device), config)
        return train(
            net,
            losses,
            lambda: mean_average_precision(averaged.net, *measured),
            schedule=schedule,
            record=record,
            folder=folder,
            device=device,
            resume=resume,
            averaged=averaged,
            progress=progress,
        )


def _measured(works: Sequence[Work], bank: NoteBank, names: Names) -> tuple[Tensor, Tensor]:
    """Perform what is measured on, the same way every time: frames, repeated to one length, and labels."""
    found = []
    for begin in range(0, len(works), _AT_ONCE // GROUP):
        played: list[NDArray[np.void]] = []
        rng = np.random.default_rng([7, begin])
        for work in works[begin : begin + _AT_ONCE // GROUP]:
            whole = harmonised(work).head(_BEATS)
            played += [performance(whole, rng, seconds=SECONDS, freedom=NEAR) for _ in range(GROUP)]
        frames, lengths = bank.rendered(names.written(played, rng))
        found.append(changed(frames, lengths, size=FRAMES, tempo=0.02).half())
    labels = torch.arange(len(works)).repeat_interleave(GROUP)
    every = torch.cat(found)
    return every, labels.to(every.device)


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
    net: WorkNet,
    pool: _Pool,
    troupe: Performers[Group],
    tracks: tuple[Tensor, Tensor] | None,
    config: VersionConfig,
) -> Iterator[Callable[[], Tensor]]:
    device = pool.frames.device
    while True:
        if groups := troupe.ready(config.new):
            pool.add(groups)
        rows = torch.randperm(pool.filled, device=device)[: config.groups_per_batch]
        labels = pool.labels[rows].repeat_interleave(GROUP)
        origins = pool.origins[rows].repeat_interleave(GROUP)
        size = int(torch.randint(config.frames[0], config.frames[1] + 1, ()))
        with torch.no_grad(), torch.autocast(device.type, enabled=False):
            frames = changed(pool.frames[rows].flatten(0, 1), pool.lengths[rows].flatten(), size=size)
            if tracks is not None and config.tracks_per_batch:
                chosen = torch.randint(len(tracks[0]), (config.tracks_per_batch,), device=device)
                several = chosen.repeat_interleave(GROUP)
                copies = changed(tracks[0][several], tracks[1][several], size=size, tempo=0.25, reach=0.4)
                frames = torch.cat([frames, copies])
                labels = torch.cat([labels, several + _TRACKS])
                origins = torch.cat([origins, several + _TRACKS])
            inputs, steps = scaled(frames), steps_of(frames)
            # Other excerpts of one score are neither the same nor strangers.
            ignored = (origins[:, None] == origins[None]) & (labels[:, None] != labels[None])

        def loss(
            inputs: Tensor = inputs, steps: Tensor = steps, labels: Tensor = labels, ignored: Tensor = ignored
        ) -> Tensor:
            both, alone = net(inputs, steps)
            whole = contrastive_loss(both, labels, temperature=config.temperature, ignored=ignored)
            part = contrastive_loss(alone, labels, temperature=config.temperature, ignored=ignored)
            return whole + config.alone * part

        yield loss


def mean_average_precision(net: torch.nn.Module, frames: Tensor, labels: Tensor) -> float:
    """Rank every performance against all others: how early those of its own work come."""
    vectors = []
    for part in frames.split(_AT_ONCE):
        heard = part.float()
        both, _ = net(scaled(heard), steps_of(heard))
        vectors.append(torch.nn.functional.normalize(both.float(), dim=1))
    unit = torch.cat(vectors)
    close = unit @ unit.T
    close.fill_diagonal_(-2.0)
    order = close.argsort(dim=1, descending=True)[:, :-1]
    right = (labels[order] == labels[:, None]).float()
    ranks = torch.arange(1, right.shape[1] + 1, device=right.device)
    precision = (right.cumsum(dim=1) / ranks * right).sum(dim=1) / right.sum(dim=1).clamp(min=1)
    return float(precision.mean())
