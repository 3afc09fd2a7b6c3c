"""What runs are made from: scores, soundfonts and folders of music, read once and kept beside the run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import av
import numpy as np

from encoders.errors import ModelUnavailable
from encoders.features.audio import FloatArray, resample
from encoders.features.cqt import cqt_magnitude
from encoders.features.mel import SAMPLE_RATE
from encoders.features.semitones import semitone_frames
from encoders.training.arranging import Freedom, performance
from encoders.training.composing import harmonised, invented
from encoders.training.playing import SAMPLE_RATE as PLAYED_RATE
from encoders.training.playing import Player
from encoders.training.scores import TRAINING_SOURCES, midi_works, music21_works
from encoders.training.templates import Templates
from encoders.training.works import Work, load_works, save_works

SUFFIXES: Final = (".ogg", ".opus", ".mp3", ".flac", ".wav", ".m4a")
_RENDERED_S: Final = 40.0
_FIRST_RENDERED: Final = 5_000_000


def works_for(scores: Path | None, folder: Path, progress: Callable[[str], None]) -> tuple[Work, ...]:
    """Read the scores to train on, or those read before.

    Parameters
    ----------
    scores : Path or None
        a folder of MIDI files, one sub-folder per source; without it, the sources of the ``music21`` corpus
        that are not kept for measuring
    folder : Path
        of the run; keeps ``works.npz``
    progress : callable
        told when scores must be read

    Raises
    ------
    ModelUnavailable
        the package that reads them is not installed
    """
    kept = folder / "works.npz"
    if kept.is_file():
        return load_works(kept)
    progress("reading scores, once: some minutes")
    try:
        works = tuple(midi_works(scores) if scores is not None else music21_works(TRAINING_SOURCES))
    except ImportError as exc:
        raise ModelUnavailable(f"scores cannot be read: install samesong[train] ({exc})") from exc
    folder.mkdir(parents=True, exist_ok=True)
    save_works(kept, works)
    return works


def templates_for(
    soundfonts: Sequence[Path], folder: Path, progress: Callable[[str], None]
) -> list[Templates]:
    """Record the notes of soundfonts, or load them from before."""
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for soundfont in soundfonts:
        kept = folder / f"notes-{soundfont.stem}.npz"
        if not kept.is_file():
            progress(f"playing every note of {soundfont.name}")
            Templates.record(soundfont).save(kept)
        found.append(Templates.load(kept))
    return found


def recordings_in(folder: Path, progress: Callable[[str], None]) -> list[tuple[str, str, FloatArray]]:
    """Read a folder of music: name, source (the sub-folder) and samples at 11.025 kHz.

    Parameters
    ----------
    folder : Path
    progress : callable
        told how many there are, and what cannot be read and is left out
    """
    found = []
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    progress(f"reading {len(paths)} files of {folder}")
    for path in paths:
        parts = path.relative_to(folder).parts
        try:
            samples = _samples(path)
        except (av.error.FFmpegError, IndexError) as exc:  # IndexError: a file without sound
            progress(f"left out, for it cannot be read: {path} ({exc})")
            continue
        found.append((path.stem, parts[0] if len(parts) > 1 else folder.name, samples))
    return found


def rendered(works: Sequence[Work], player: Player, count: int) -> list[tuple[str, str, FloatArray]]:
    """Play works, given and invented in turn; every sixth twice, as alike as two takes are."""
    found = []
    for number in range(count):
        given = number % 2 and len(works) > 0
        work = harmonised(works[number % len(works)]) if given else invented(_FIRST_RENDERED + number)
        for take in range(2 if number % 6 == 0 else 1):
            rng = np.random.default_rng([77, number, take])
            notes = performance(work, rng, seconds=_RENDERED_S, freedom=Freedom(edits=0.2))
            y = resample(player.play(notes), PLAYED_RATE, SAMPLE_RATE)
            found.append((f"rendered/{number}/{take}", "rendered", y))
    return found


def harmony_of(y: FloatArray) -> FloatArray:
    """Give a recording as the version network's training wants it: semitone frames over their mean."""
    frames = semitone_frames(cqt_magnitude(y, sr=SAMPLE_RATE))
    return frames / np.float32(max(float(frames.mean()), 1e-9))


def _samples(path: Path) -> FloatArray:
    with av.open(str(path)) as container:
        resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE)
        parts = [
            part.to_ndarray().reshape(-1)
            for frame in container.decode(audio=0)
            for part in resampler.resample(frame)
        ]
    return np.concatenate(parts).astype(np.float32) if parts else np.zeros(0, dtype=np.float32)
