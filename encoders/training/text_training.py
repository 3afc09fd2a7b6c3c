"""Train the text encoder: tellings of one recording together, everything else apart."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from encoders.errors import NothingToTrainOn
from encoders.features.grams import grams_of, latin
from encoders.models.text_net import TextNet, TextShape
from encoders.training.averaging import Averaged
from encoders.training.contrast import contrastive_loss
from encoders.training.loop import Schedule, begun, train
from encoders.training.run_record import RunRecord
from encoders.training.tellings import Telling, told_otherwise

Song = tuple[Telling, ...]
"""One recording as it was told, once or several times."""
RATE: Final = 0.03
"""Of learning. Rows are about one long in each direction where training begins: steps are large, and few."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextConfig:
    """What a run is like.

    Attributes
    ----------
    seed : int
    songs_per_batch : int
        each told twice; every other one stands beside another song of its artist
    performed : float, 0-1
        share of them that is told once more by another artist: a work is found by its title
    temperature : float
    held_out : float
        share of the songs that is kept apart to measure
    shape : TextShape
    """

    seed: int = 1
    songs_per_batch: int = 384
    performed: float = 0.1
    temperature: float = 0.07
    held_out: float = 0.03
    shape: TextShape = field(default_factory=TextShape)


def songs_of(lines: Iterable[str]) -> list[Song]:
    """Read tellings, one a line: title, artist, and the song that it tells where others tell it too."""
    songs: dict[str, list[Telling]] = {}
    for line in lines:
        title, artist, song = (*line.split("\t"), "", "")[:3]
        songs.setdefault(song or line, []).append((title, artist))
    return [tuple(sorted(set(told))) for told in songs.values()]


def train_text(
    songs: Sequence[Song],
    *,
    config: TextConfig,
    schedule: Schedule,
    folder: Path,
    device: str,
    resume: bool = False,
    progress: Callable[[str], None] | None = None,
) -> RunRecord:
    """Train.

    Parameters
    ----------
    songs : sequence of Song
        a share of them, by what they are called, is only measured on
    config : TextConfig
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
    ordered = sorted(songs, key=lambda song: (latin(song[0][1]), song[0]))
    apart = [song for song in ordered if _draw(song) < config.held_out]
    training = [song for song in ordered if _draw(song) >= config.held_out]
    if len(training) < 2 or not apart:
        raise NothingToTrainOn(
            f"{len(ordered)} songs, of which chance keeps {config.held_out:.0%} apart to measure: too few"
        )
    record = begun("text", config, schedule=schedule, data=_described(training), device=device)
    net = TextNet(config.shape).to(device)
    net.table.data *= _rarity(training, config.shape.bits).to(device)[:, None]
    averaged = Averaged(net)
    return train(
        net,
        _losses(net, training, config),
        lambda: _right_at_first(averaged.net, apart, training, config),
        schedule=schedule,
        record=record,
        folder=folder,
        device=device,
        resume=resume,
        averaged=averaged,
        progress=progress,
    )


def _draw(song: Song) -> float:
    """Give a number in [0, 1) that goes with a title and its artist."""
    return int.from_bytes(hashlib.sha256("\n".join(song[0]).encode()).digest()[:6], "big") / 2.0**48


def _described(songs: Sequence[Song]) -> dict[str, Any]:
    told = "\n".join("\t".join(telling) for song in songs for telling in song)
    return {
        "songs": len(songs),
        "tellings": sum(map(len, songs)),
        "sha256": hashlib.sha256(told.encode()).hexdigest(),
    }


def _rarity(songs: Sequence[Song], bits: int) -> Tensor:
    """Give how much a bucket says of a text, where training begins: the fewer texts have it, the more."""
    found = grams_of(["\n".join(song[0]) for song in songs], bits=bits)
    owners = np.repeat(np.arange(len(songs)), np.diff(found.starts))
    seen = np.unique(owners << bits | found.buckets) & ((1 << bits) - 1)
    count = np.bincount(seen, minlength=1 << bits)
    rarity = np.log((len(songs) + 1) / (count + 1)) ** 1.5
    return torch.from_numpy((rarity / rarity.mean()).astype(np.float32))


def _vectors(net: TextNet, tellings: Sequence[Telling], bits: int) -> Tensor:
    device = net.table.device
    found = grams_of(["\n".join(telling) for telling in tellings], bits=bits)
    vectors: Tensor = net(*(torch.from_numpy(each).to(device) for each in found))
    return vectors


def _losses(net: TextNet, songs: Sequence[Song], config: TextConfig) -> Iterator[Callable[[], Tensor]]:
    rng = random.Random(config.seed)  # noqa: S311 - a run repeats
    while True:
        tellings: list[Telling] = []
        labels: list[int] = []
        first = [rng.randrange(len(songs) - 1) for _ in range(config.songs_per_batch // 2)]
        for label, number in enumerate(each for at in first for each in (at, at + 1)):
            song = songs[number]
            one, other = rng.choice(song), rng.choice(song)
            told = [one if rng.random() < 0.5 else told_otherwise(one, rng), told_otherwise(other, rng)]
            if rng.random() < config.performed:
                elsewhere = rng.choice(songs)[0][1]
                told.append(told_otherwise((other[0], elsewhere), rng))
            tellings += told
            labels += [label] * len(told)

        def loss(tellings: Sequence[Telling] = tellings, labels: Sequence[int] = labels) -> Tensor:
            _, title = np.unique([latin(telling[0]) for telling in tellings], return_inverse=True)
            titles = torch.from_numpy(title).to(net.table.device)
            return contrastive_loss(
                _vectors(net, tellings, config.shape.bits),
                torch.tensor(labels, device=net.table.device),
                temperature=config.temperature,
                # Another song of one title is no stranger.
                ignored=titles[:, None] == titles[None, :],
            )

        yield loss


def _right_at_first(
    net: TextNet, apart: Sequence[Song], training: Sequence[Song], config: TextConfig
) -> float:
    """Ask for songs that are not trained on, told otherwise, among many: how often the right one is first."""
    rng = random.Random(11)  # noqa: S311 - the same at every measurement
    gallery = [song[0] for song in (*apart, *training[:: max(1, len(training) // 10_000)])]
    asked = [told_otherwise(song[-1], rng) for song in apart]
    bits = config.shape.bits
    held = torch.nn.functional.normalize(_vectors(net, gallery, bits), dim=1)
    best = (_vectors(net, asked, bits) @ held.T).argmax(dim=1)
    return float((best.cpu() == torch.arange(len(asked))).float().mean())
