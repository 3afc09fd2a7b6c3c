"""Train the melody network: a phrase is found where it is played anew, over whatever else plays there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import torch
from torch import Tensor

from encoders.features.audio import FloatArray
from encoders.models.melody_net import MelodyNet, MelodyShape
from encoders.training.averaging import Averaged
from encoders.training.harmony_views import changed, scaled
from encoders.training.loop import Schedule, begun, load_weights, train
from encoders.training.melodies import AGAIN, CLIP_FRAMES, CLIP_S, DECOY, LEAD, PARTS, REST, Tune, tune_of
from encoders.training.melody_views import at_tempo, fits, mixed, moved, place_loss, placed
from encoders.training.note_bank import Names, NoteBank, joined
from encoders.training.performers import Performers, Repertoire
from encoders.training.run_record import RunRecord
from encoders.training.templates import Templates
from encoders.training.works import Work, digest_of

_COLUMNS: Final = CLIP_FRAMES // 2
_MEASURED_WINDOW: Final = 24
_MEASURED_SEED: Final = 1 << 20
_MEASURED_LEVEL_DB: Final = -3.0
# A phrase begins up to so many frames after the tune does.
_LATE: Final = 24
# Of the source: as a lead; played anew: from well below to well above what plays under it.
_SOURCE_DB: Final = (-4.0, 9.0)
_AGAIN_DB: Final = (-9.0, 8.0)
# Under a melody that is played anew: the rest of another tune, all of another tune, or a recording.
_REST_OF_ANOTHER: Final = 0.4
_RECORDINGS: Final = 0.35
_SOURCE_OVER_RECORDING: Final = 0.25
# The search knows tempos this well.
_TEMPO_ERROR: Final = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class MelodyConfig:
    """What a run is like.

    Attributes
    ----------
    seed : int
    batch : int
        tunes, each in two tracks; half as many tracks have a decoy
    pool : int
        tunes kept ready; the oldest makes room for a new one
    fresh : int
        at least so many are waited for before training begins
    new : int
        performed between two steps, if there are so many
    processes : int
        that perform
    window : pair of int
        least and most columns of 0.37 s of a phrase
    temperature : float
    held_out : float
        share of the works that is kept apart to measure
    measured : int
        tunes that are measured on
    shape : MelodyShape
    """

    seed: int = 1
    batch: int = 256
    pool: int = 40_000
    fresh: int = 2_000
    new: int = 160
    processes: int = 4
    window: tuple[int, int] = (15, 32)
    temperature: float = 0.05
    held_out: float = 0.08
    measured: int = 160
    shape: MelodyShape = field(default_factory=MelodyShape)


class _Pool:
    """Tunes on the device, a ring of them."""

    def __init__(self, size: int, bank: NoteBank, device: str) -> None:
        self._bank = bank
        self.frames = torch.zeros(size, PARTS, CLIP_FRAMES, 84, dtype=torch.float16, device=device)
        self.ratios = torch.ones(size, device=device)
        self.semitones = torch.zeros(size, dtype=torch.long, device=device)
        self.origins = torch.zeros(size, dtype=torch.long, device=device)
        self.filled = self._at = 0

    def add(self, tunes: Sequence[Tune]) -> None:
        size, frames = len(self.ratios), self._bank.rendered(joined([tune.notation for tune in tunes]))[0]
        at = (self._at + torch.arange(len(tunes))) % size
        at = at.to(self.ratios.device)
        self.frames[at] = frames.unflatten(0, (len(tunes), PARTS))
        self.ratios[at] = torch.tensor([tune.ratio for tune in tunes], device=at.device)
        self.semitones[at] = torch.tensor([tune.semitones for tune in tunes], device=at.device)
        self.origins[at] = torch.tensor([tune.origin for tune in tunes], device=at.device)
        self._at = (self._at + len(tunes)) % size
        self.filled = min(self.filled + len(tunes), size)


class _Batch(NamedTuple):
    """Tracks that melodies are from, those where they are played anew, and those with decoys; and the truth.

    Attributes
    ----------
    inputs : Tensor [shape=(n + n + m, 84, CLIP_FRAMES)]
    key : Tensor of int [shape=(n,)]
        semitones that each melody is higher anew
    ratio : Tensor [shape=(n,)]
    first, place : Tensor [shape=(n,)]
        where the phrase begins in the tune at the new tempo, and where it is played anew, in columns
    ignored : Tensor of bool [shape=(n, n)]
        source i and track j have something in common
    decoys : Tensor of bool [shape=(n, m)]
        source i and the track with decoy j likewise
    window : int
        columns of the phrase
    """

    inputs: Tensor
    key: Tensor
    ratio: Tensor
    first: Tensor
    place: Tensor
    ignored: Tensor
    decoys: Tensor
    window: int


def train_melody(
    works: Sequence[Work],
    templates: Sequence[Templates],
    tracks: Sequence[FloatArray],
    *,
    config: MelodyConfig,
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
        recordings as semitone frames over their mean, to play melodies over; may be empty
    config : MelodyConfig
    schedule : Schedule
    initial : Path, optional
        weights of an earlier run to begin with
    folder, device, resume, progress
        see `encoders.training.loop.train`

    Returns
    -------
    record : RunRecord
        the score is the share of phrases that are found in the right track, key and place
    """
    training = [work for work in works if work.draw >= config.held_out]
    kept = [work for work in works if work.draw < config.held_out]
    data = {"works": len(training), "sha256": digest_of(training), "tracks": len(tracks)}
    record = begun("melody", config, schedule=schedule, data=data, device=device)
    names = Names(templates, seconds=CLIP_S + 1e-3, out_of_tune=1)
    perform = partial(tune_of, repertoire=Repertoire.of(training), names=names, seed=config.seed)
    with Performers(perform, processes=config.processes) as troupe:
        # Processes are there before the device is touched.
        net = MelodyNet(config.shape)
        if initial is not None:
            load_weights(initial, net)
        net = net.to(device, memory_format=torch.channels_last)
        averaged = Averaged(net)
        bank = NoteBank(templates, names, device)
        beds = _stacked(tracks, device)
        measured = _measured(Repertoire.of(kept), bank, names, beds, config, device)
        pool = _Pool(config.pool, bank, device)
        while pool.filled < config.fresh:
            pool.add([troupe.next(), *troupe.ready(63)])
        return train(
            net,
            _losses(net, pool, troupe, beds, config),
            lambda: found_share(averaged.net, measured),
            schedule=schedule,
            record=record,
            folder=folder,
            device=device,
            resume=resume,
            averaged=averaged,
            progress=progress,
        )


def _measured(
    repertoire: Repertoire,
    bank: NoteBank,
    names: Names,
    beds: Tensor | None,
    config: MelodyConfig,
    device: str,
) -> _Batch:
    """Perform what is measured on, the same way every time."""
    pool, at_once = _Pool(config.measured, bank, device), 32
    for begin in range(0, config.measured, at_once):
        numbers = range(begin, min(begin + at_once, config.measured))
        pool.add([tune_of(number, repertoire, names, _MEASURED_SEED) for number in numbers])
    rows = torch.arange(config.measured, device=device)
    state = torch.random.get_rng_state()
    torch.manual_seed(_MEASURED_SEED)
    found = _batch(pool, rows, beds, _MEASURED_WINDOW, level_db=(_MEASURED_LEVEL_DB, _MEASURED_LEVEL_DB))
    torch.random.set_rng_state(state)
    return found


def _stacked(tracks: Sequence[FloatArray], device: str) -> Tensor | None:
    """Cut recordings into clips, half overlapping: (n, CLIP_FRAMES, 84)."""
    clips = [
        torch.from_numpy(track[begin : begin + CLIP_FRAMES]).half()
        for track in tracks
        for begin in range(0, len(track) - CLIP_FRAMES + 1, CLIP_FRAMES // 2)
    ]
    return torch.stack(clips).to(device) if clips else None


def _batch(
    pool: _Pool, rows: Tensor, beds: Tensor | None, window: int, *, level_db: tuple[float, float] = _AGAIN_DB
) -> _Batch:
    device, n = rows.device, len(rows)

    def uniform(low: float, high: float, count: int = n) -> Tensor:
        return low + (high - low) * torch.rand(count, device=device)

    def integers(low: int, high: int, count: int = n) -> Tensor:
        return torch.randint(low, high + 1, (count,), device=device)

    def recordings(count: int) -> Tensor | None:
        if beds is None:
            return None
        return moved(beds[integers(0, len(beds) - 1, count)].float(), integers(-5, 6, count))

    parts = pool.frames[rows].float()
    rest = parts[:, REST]
    if (under := recordings(n)) is not None:
        rest = torch.where((uniform(0, 1) < _SOURCE_OVER_RECORDING)[:, None, None], under, rest)
    source = mixed(rest, parts[:, LEAD], uniform(*_SOURCE_DB))

    other = torch.randperm(n, device=device)
    kind = uniform(0, 1)
    with_lead = kind > _REST_OF_ANOTHER
    host = torch.where(with_lead[:, None, None], source[other], parts[other, REST])
    if (under := recordings(n)) is not None:
        recorded = uniform(0, 1) < _RECORDINGS
        with_lead &= ~recorded
        host = torch.where(recorded[:, None, None], under, host)
    host = moved(host, integers(-5, 6))
    first, count = integers(0, _LATE), 2 * window
    place = (uniform(0, 1) * (CLIP_FRAMES - count + 1)).long()
    longer = integers(0, 8)
    again = placed(parts[:, AGAIN], first, place, count + longer)
    anew = mixed(host, again, uniform(*level_db))

    m = n // 2
    decoys = placed(parts[:m, DECOY], first[:m], place[:m], count + longer[:m])
    bed = moved(rest[torch.randperm(n, device=device)[:m]], integers(-5, 6, m))
    beside = mixed(bed, decoys, uniform(*level_db, m))

    lengths = torch.full((2 * n + m,), CLIP_FRAMES + 1, device=device)
    whole = torch.nn.functional.pad(torch.cat([source, anew, beside]), (0, 0, 0, 1))
    inputs = scaled(changed(whole, lengths, size=CLIP_FRAMES, semitones=0, tempo=0.0, reach=0.0))
    origins = pool.origins[rows]
    ignored = origins[:, None] == origins[None]
    column = torch.arange(n, device=device)
    # A track whose bed is all of another tune holds that tune's melody too.
    ignored[other[with_lead], column[with_lead]] = True
    ignored |= ignored[:, other] & with_lead[None]
    ignored[column, column] = False
    beside_one = origins[:, None] == origins[None, :m]
    beside_one[column[:m], column[:m]] = False
    ratio = pool.ratios[rows] * torch.exp(uniform(-_TEMPO_ERROR, _TEMPO_ERROR))
    return _Batch(
        inputs=inputs,
        key=pool.semitones[rows] % 12,
        ratio=ratio,
        first=first.float() / 2,
        place=place.float() / 2,
        ignored=ignored,
        decoys=beside_one,
        window=window,
    )


def _compared(net: torch.nn.Module, batch: _Batch) -> tuple[Tensor, Tensor]:
    """Lay the phrases of sources on what is played anew and on decoys, and the other way round."""
    n = len(batch.key)
    maps = net(batch.inputs)
    sources, others = maps[:n], maps[n:]
    zero = torch.zeros_like(batch.ratio)
    slow = at_tempo(sources, zero, batch.ratio, _COLUMNS)
    phrases = at_tempo(sources, batch.first * batch.ratio, batch.ratio, batch.window)
    back = at_tempo(others[:n], batch.place, torch.ones_like(zero), batch.window)
    return fits(phrases, others), fits(back, slow)


def _losses(
    net: MelodyNet, pool: _Pool, troupe: Performers[Tune], beds: Tensor | None, config: MelodyConfig
) -> Iterator[Callable[[], Tensor]]:
    device = pool.ratios.device
    while True:
        if tunes := troupe.ready(config.new):
            pool.add(tunes)
        rows = torch.randperm(pool.filled, device=device)[: config.batch]
        window = int(torch.randint(config.window[0], config.window[1] + 1, ()))
        with torch.no_grad(), torch.autocast(device.type, enabled=False):
            batch = _batch(pool, rows, beds, window)

        def loss(batch: _Batch = batch) -> Tensor:
            there, back = _compared(net, batch)
            ignored = torch.cat([batch.ignored, batch.decoys], dim=1)
            one = place_loss(there, batch.key, batch.place, ignored, temperature=config.temperature)
            other = place_loss(
                back, -batch.key % 12, batch.first, batch.ignored.T, temperature=config.temperature
            )
            return one + other

        yield loss


def found_share(net: torch.nn.Module, batch: _Batch) -> float:
    """Say how many phrases fit best where they are played anew: track, key and place."""
    there, _ = _compared(net, batch)
    n, _, keys, places = there.shape
    ignored = torch.cat([batch.ignored, batch.decoys], dim=1)
    best = there.masked_fill(ignored[:, :, None, None], -2.0).flatten(1).argmax(1)
    track, key, place = best // (keys * places), best // places % keys, best % places
    right = (track == torch.arange(n, device=best.device)) & (key == batch.key)
    return float((right & ((place - batch.place).abs() <= 1.5)).float().mean())
