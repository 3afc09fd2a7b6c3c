"""Renderings of works that no encoder was trained on: key, tempo, instruments, voices, structure, sound."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from encoders.features.audio import resample
from encoders.features.chroma import cens_of, fold_octaves
from encoders.features.cqt import cqt_magnitude
from encoders.features.semitones import semitone_frames
from encoders.training.arranging import Freedom, performance
from encoders.training.playing import SAMPLE_RATE, Player
from encoders.training.scores import MEASURED_SOURCES
from encoders.training.works import Work
from encoders.version import VersionEncoder, patch_spectrum, version_vector

RENDERINGS = 5
WORKS = 150
# Cut where the first two or three minutes end, so that every rendering has something of the others.
_BEATS = 200.0
_LEAST_BEATS = 48.0
_SECONDS = 110.0
_FREEDOM = Freedom(semitones=5, tempo=(0.75, 1.3), drop_voice=0.15, edits=0.4, drums=0.3, dropped_notes=0.1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """What each encoder makes of one rendering."""

    work: str
    number: int
    crema: NDArray[np.float32]
    cens: NDArray[np.float32]
    packaged: NDArray[np.float32]
    pitches: NDArray[np.uint8]
    frames: NDArray[np.float16]


def chosen(works: Sequence[Work], count: int = WORKS) -> list[Work]:
    """Choose works: of sources that are not trained on, long enough, the composers' own first."""
    able = [
        w for w in works if w.source in MEASURED_SOURCES and w.beats >= _LEAST_BEATS and len(w.notes) >= 100
    ]
    able.sort(key=lambda work: (work.source == "trecento", work.draw))
    return [work.head(_BEATS) for work in able[:count]]


def sounded(y: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Play a rendering through one of a few rooms, wires and machines."""
    kind = int(rng.integers(5))
    if kind == 0:
        delay, gain = int(rng.uniform(0.08, 0.3) * SAMPLE_RATE), rng.uniform(0.3, 0.6)
        y = y.copy()
        y[delay:] += np.float32(gain) * y[:-delay]
    elif kind == 1:
        y = resample(y, SAMPLE_RATE, round(SAMPLE_RATE * rng.uniform(0.95, 1.05)))
    elif kind == 2:
        sos = signal.butter(4, rng.uniform(1500, 4000), fs=SAMPLE_RATE, output="sos")
        y = signal.sosfilt(sos, y).astype(np.float32)
    elif kind == 3:
        noise = rng.standard_normal(len(y)).astype(np.float32)
        y = y + noise * np.float32(np.sqrt(np.mean(y**2)) * 10 ** (-rng.uniform(8, 20) / 20))
    return y


def rendering(
    work: Work,
    number: int,
    players: Sequence[Player],
    encoder: VersionEncoder,
    *,
    freedom: Freedom = _FREEDOM,
) -> Rendering:
    """Render a work once, and listen."""
    rng = np.random.default_rng([0xC0DE, int(work.draw * 2**32), number])
    notes = performance(work, rng, seconds=_SECONDS, freedom=freedom)
    y = sounded(players[number % len(players)].play(notes), rng)
    return heard(work.name, number, y, encoder)


def heard(work: str, number: int, y: NDArray[np.float32], encoder: VersionEncoder) -> Rendering:
    """Listen to a signal with every encoder."""
    magnitude = cqt_magnitude(y, sr=SAMPLE_RATE)
    pitches = encoder.pitches(y, SAMPLE_RATE)
    chroma = cens_of(fold_octaves(magnitude), rate=2.0)
    frames = semitone_frames(magnitude)
    return Rendering(
        work=work,
        number=number,
        crema=patch_spectrum(pitches.astype(np.float32) / 255.0),
        cens=patch_spectrum(chroma),
        packaged=version_vector(pitches, chroma),
        pitches=pitches,
        frames=(frames / max(float(frames.mean()), 1e-9)).astype(np.float16),
    )
