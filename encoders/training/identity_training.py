"""Train the identity encoder: a place in a recording and its damaged copies together, the rest apart."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from encoders.errors import NothingToTrainOn
from encoders.features.audio import FloatArray
from encoders.features.mel import LEVEL, SAMPLE_RATE
from encoders.models.identity_net import IdentityNet, IdentityShape
from encoders.training.contrast import contrastive_loss
from encoders.training.loop import Schedule, begun, train
from encoders.training.run_record import RunRecord
from encoders.training.sound_views import Damage, bands, cut, damaged, levelled, window_inputs

WINDOW_S: Final = 10.0
HOP_S: Final = 5.0
# What a window of the catalogue has been through: other pressings and files, no rooms.
_LIGHT: Final = Damage(
    room=0.0, equaliser=0.2, band=0.05, noise=0.1, babble=0.0, clip=0.05, codec=0.2, speed=0.0, stretch=0.0
)
_HEAVY: Final = Damage()
_SHORT_S: Final = 3.0
# Queries are as long as a window more often than not.
_LENGTHS_S: Final = (10.0, 10.0, 10.0, 6.0, _SHORT_S)
# Half of the changes of speed, and of tempo alone, are small; the others reach what is sold as sped up.
_SMALL: Final = 0.06
_LARGE: Final = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One recording to train on.

    Attributes
    ----------
    name, source : str
    y : float16 [shape=(n,)]
        mono at 11.025 kHz, at the catalogue's level
    """

    name: str
    source: str
    y: np.ndarray[tuple[int], np.dtype[np.float16]]

    @property
    def draw(self) -> float:
        """A number in [0, 1) that goes with the name."""
        return int.from_bytes(hashlib.sha256(self.name.encode()).digest()[:6], "big") / 2.0**48


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityConfig:
    """What a run is like.

    Attributes
    ----------
    seed : int
    windows_per_batch : int
        each seen twice
    temperature : float
    held_out : float
        share of the recordings that is kept apart to measure
    queries : int
        that are asked at each measurement
    shape : IdentityShape
    """

    seed: int = 1
    windows_per_batch: int = 384
    temperature: float = 0.07
    held_out: float = 0.08
    queries: int = 400
    shape: IdentityShape = field(default_factory=IdentityShape)


def levelled_recording(name: str, source: str, y: FloatArray) -> Recording:
    """Bring a recording to the catalogue's level."""
    level = float(np.sqrt(np.mean(np.square(y, dtype=np.float64))))
    return Recording(
        name=name, source=source, y=(y * np.float32(LEVEL / max(level, 1e-6))).astype(np.float16)
    )


class _Shelf:
    """All recordings on the device, one behind the other."""

    def __init__(self, recordings: Sequence[Recording], device: str) -> None:
        lengths = np.array([len(recording.y) for recording in recordings])
        self.sound = torch.from_numpy(np.concatenate([r.y for r in recordings])).to(device)
        self.lengths = torch.from_numpy(lengths).to(device)
        self.firsts = torch.from_numpy(np.cumsum(lengths) - lengths).to(device)
        self.share = (self.lengths.float() / self.lengths.sum()).clamp(min=1e-9)

    def places(self, count: int) -> tuple[Tensor, Tensor]:
        """Draw places: which recording, and the sample at which a window begins, from its beginning."""
        which = torch.multinomial(self.share, count, replacement=True)
        spare = (self.lengths[which] - int((WINDOW_S + 1.0) * SAMPLE_RATE)).clamp(min=0)
        return which, (torch.rand(count, device=spare.device) * spare).long()


def train_identity(
    recordings: Sequence[Recording],
    *,
    config: IdentityConfig,
    schedule: Schedule,
    folder: Path,
    device: str,
    resume: bool = False,
    progress: Callable[[str], None] | None = None,
) -> RunRecord:
    """Train.

    Parameters
    ----------
    recordings : sequence of Recording
        a share of them, by name, is only measured on
    config : IdentityConfig
    schedule : Schedule
    folder, device, resume, progress
        see `encoders.training.loop.train`

    Returns
    -------
    record : RunRecord

    Raises
    ------
    NothingToTrainOn, CheckpointMismatch
    """
    longer = [r for r in recordings if len(r.y) > (WINDOW_S + 2.0) * SAMPLE_RATE]
    training = [r for r in longer if r.draw >= config.held_out]
    measured = [r for r in longer if r.draw < config.held_out]
    if not training or not measured:
        raise NothingToTrainOn(
            f"{len(longer)} recordings of more than {WINDOW_S + 2:g} s, of which chance keeps "
            f"{config.held_out:.0%} apart to measure: more are needed"
        )
    record = begun("identity", config, schedule=schedule, data=_described(training), device=device)
    net = IdentityNet(config.shape).to(device)
    apart = _Shelf(measured, device)
    return train(
        net,
        _losses(net, _Shelf(training, device), config),
        lambda: right_at_first(net, apart, config),
        schedule=schedule,
        record=record,
        folder=folder,
        device=device,
        resume=resume,
        progress=progress,
    )


def _described(recordings: Sequence[Recording]) -> dict[str, Any]:
    sources: dict[str, int] = {}
    sha = hashlib.sha256()
    for recording in recordings:
        sources[recording.source] = sources.get(recording.source, 0) + 1
        sha.update(recording.name.encode())
        sha.update(recording.y.tobytes())
    hours = sum(len(r.y) for r in recordings) / SAMPLE_RATE / 3600
    return {
        "recordings": len(recordings),
        "hours": round(hours, 2),
        "sources": sources,
        "sha256": sha.hexdigest(),
    }


def _losses(net: IdentityNet, shelf: _Shelf, config: IdentityConfig) -> Iterator[Callable[[], Tensor]]:
    numbers = torch.arange(config.windows_per_batch, device=shelf.sound.device)
    while True:
        with torch.no_grad(), torch.autocast(shelf.sound.device.type, enabled=False):
            which, starts = shelf.places(config.windows_per_batch)
            kept = _window_views(shelf, which, starts)
            asked = _query_views(shelf, which, starts, float(np.random.choice(_LENGTHS_S)))
            one_track = (which[:, None] == which[None, :]).repeat(2, 2)

        def loss(kept: Tensor = kept, asked: Tensor = asked, one_track: Tensor = one_track) -> Tensor:
            vectors = torch.cat([net(kept), net(asked)])
            return contrastive_loss(
                vectors, numbers.repeat(2), temperature=config.temperature, ignored=one_track
            )

        yield loss


def _window_views(shelf: _Shelf, which: Tensor, starts: Tensor) -> Tensor:
    """Give windows as a catalogue holds them."""
    one = torch.ones(len(which), device=starts.device)
    y = cut(shelf.sound, shelf.firsts[which] + starts, int(WINDOW_S * SAMPLE_RATE), one)
    # The level of the track, not of the window: quiet passages stay quiet.
    return window_inputs(bands(damaged(y, _LIGHT), codec=_LIGHT.codec))


def _query_views(shelf: _Shelf, which: Tensor, starts: Tensor, seconds: float) -> Tensor:
    """Give damaged pieces from about the same places, of this length."""
    b, device = len(which), starts.device
    # A query as long as a window begins at most half a hop from one; a shorter one lies inside of it.
    low, high = (-HOP_S / 2, HOP_S / 2) if seconds >= WINDOW_S else (-0.5, WINDOW_S - seconds + 0.5)
    offset = ((low + (high - low) * torch.rand(b, device=device)) * SAMPLE_RATE).long()
    ratios = _ratios(b, _HEAVY.speed, starts)
    length = int(seconds * SAMPLE_RATE)
    spare = shelf.lengths[which] - int(length * (1 + _LARGE)) - 2
    begin = torch.minimum((starts + offset).clamp(min=0), spare.clamp(min=0))
    y = cut(shelf.sound, shelf.firsts[which] + begin, length, ratios)
    found = bands(damaged(levelled(y, LEVEL), _HEAVY), codec=_HEAVY.codec)
    return window_inputs(_stretched(found))


def _ratios(b: int, chance: float, like: Tensor) -> Tensor:
    """Draw how many times as fast each piece is played; one for most."""
    chosen = torch.rand(b, device=like.device) < chance
    reach = torch.where(torch.rand(b, device=like.device) < 0.5, _SMALL, _LARGE)
    return 1.0 + reach * (2.0 * torch.rand(b, device=like.device) - 1.0) * chosen


def _stretched(found: Tensor) -> Tensor:
    """Play some of the pieces at another tempo, their pitch kept: (b, t, 64)."""
    b, t, _ = found.shape
    ratio = _ratios(b, _HEAVY.stretch, found)
    middle = (t - 1) / 2
    where = (torch.arange(t, device=found.device)[None] - middle) * ratio[:, None] + middle
    where = where.clamp(0, t - 1)
    low = where.floor().long().clamp(max=t - 2)
    part = (where - low)[:, :, None]
    rows = torch.arange(b, device=found.device)[:, None]
    return found[rows, low] * (1 - part) + found[rows, low + 1] * part


def right_at_first(net: IdentityNet, shelf: _Shelf, config: IdentityConfig) -> float:
    """Ask for damaged pieces of recordings that are not trained on: how often the right one comes first."""
    device = shelf.sound.device
    step, length = int(HOP_S * SAMPLE_RATE), int(WINDOW_S * SAMPLE_RATE)
    which, starts = [], []
    for number, samples in enumerate(shelf.lengths.tolist()):
        begins = range(0, samples - length, step)
        which += [number] * len(begins)
        starts += list(begins)
    owner = torch.tensor(which, device=device)
    gallery = []
    for part, begin in zip(owner.split(256), torch.tensor(starts, device=device).split(256), strict=True):
        one = torch.ones(len(part), device=device)
        y = cut(shelf.sound, shelf.firsts[part] + begin, length, one)
        gallery.append(torch.nn.functional.normalize(net(window_inputs(bands(y))).float(), dim=1))
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(11)
        chosen, begin = shelf.places(config.queries)
        found, wanted = [], []
        for part, at in zip(chosen.split(200), begin.split(200), strict=True):
            for seconds in (WINDOW_S, _SHORT_S):
                vectors = net(_query_views(shelf, part, at, seconds)).float()
                found.append(torch.nn.functional.normalize(vectors, dim=1))
                wanted.append(part)
    best = (torch.cat(found) @ torch.cat(gallery).T).argmax(dim=1)
    return float((owner[best] == torch.cat(wanted)).float().mean())
