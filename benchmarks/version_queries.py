"""Renderings of works that no encoder was trained on: key, tempo, instruments, voices, structure, sound."""

import csv
import io
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from benchmarks.patch_spectrum import both, patch_spectrum
from encoders.features.audio import resample
from encoders.features.chroma import cens_of, fold_octaves
from encoders.features.cqt import cqt_magnitude
from encoders.features.semitones import semitone_frames
from encoders.training.arranging import SOUND, Freedom, performance
from encoders.training.playing import SAMPLE_RATE, Player
from encoders.training.scores import MEASURED_SOURCES, music21_works
from encoders.training.works import Work
from streams.edges.media_sound import HeldSound
from streams.edges.sound_blobs import unpack
from streams.ports import Encoder

RENDERINGS = 5
# Cut where the first two or three minutes end, so that every rendering has something of the others.
_BEATS = 200.0
_LEAST_BEATS = 48.0
_LEAST_NOTES = 100
_SECONDS = 110.0

# What the renderings of each set may differ in. "near" is the recipe that other figures for this task were
# measured with, and sections cut and repeated besides; "far" goes further than most covers do.
NEAR = Freedom(semitones=3, tempo=(0.9, 1.15), drop_voice=0.0, edits=0.4, drums=0.0, dropped_notes=0.1)
FAR = Freedom(semitones=5, tempo=(0.75, 1.3), drop_voice=0.15, edits=0.4, drums=0.3, dropped_notes=0.1)
_SAME = Freedom(semitones=0, tempo=(1.0, 1.0), drop_voice=0.0, edits=0.0, drums=0.0, dropped_notes=0.0)
# One change each; instruments are others in every rendering.
KINDS = {
    "instruments": _SAME,
    "key": replace(_SAME, semitones=6),
    "tempo": replace(_SAME, tempo=(0.75, 1.3)),
    "structure": replace(_SAME, edits=1.0),
    "voices": replace(_SAME, drop_voice=0.3, dropped_notes=0.1),
    "drums": replace(_SAME, drums=1.0),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """What each encoder makes of one rendering.

    Attributes
    ----------
    work : str
    crema, cens, former : float32 [shape=(448,)]
        2-D FFT of the chord network's pitch classes, of plain chroma, of both
    vector : float32
        what serves
    pitches, chroma : uint8 [shape=(12, t)]
        what is aligned: the chord network's pitch classes, which serve, and plain chroma (CENS)
    frames : float16 [shape=(u, 84)]
        semitone frames over their mean
    features : uint8 [shape=(n,)]
        the blob that encode keeps of it
    """

    work: str
    crema: NDArray[np.float32]
    cens: NDArray[np.float32]
    former: NDArray[np.float32]
    vector: NDArray[np.float32]
    pitches: NDArray[np.uint8]
    chroma: NDArray[np.uint8]
    frames: NDArray[np.float16]
    features: NDArray[np.uint8]


def measured_works(count: int) -> list[Work]:
    """Read works of collections that are not trained on, the shortest files first."""
    found: list[Work] = []
    for work in music21_works(MEASURED_SOURCES, shortest_first=True):
        if work.beats >= _LEAST_BEATS and len(work.notes) >= _LEAST_NOTES:
            found.append(work.head(_BEATS))
            if len(found) == count:
                break
    return found


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
    work: Work, number: int, players: Sequence[Player], encoder: Encoder, *, freedom: Freedom
) -> Rendering:
    """Render a work once, and listen."""
    rng = np.random.default_rng([0xC0DE, int(work.draw * 2**32), number])
    notes = performance(work, rng, seconds=_SECONDS, freedom=freedom)
    y = sounded(players[number % len(players)].play(notes), rng)
    return heard(work.name, y, encoder)


def heard(work: str, y: NDArray[np.float32], encoder: Encoder) -> Rendering:
    """Listen to a signal as encode does, and with every other encoder."""
    sound = encoder.encode_sound(HeldSound.of(y, sr=SAMPLE_RATE))
    (row,) = (row for row in sound.vectors if row.modality == "version")
    pitches = unpack(sound.features).chroma
    magnitude = cqt_magnitude(y, sr=SAMPLE_RATE)
    chroma = cens_of(fold_octaves(magnitude), rate=2.0)
    sure = pitches.astype(np.float32) / 255.0
    frames = semitone_frames(magnitude)
    return Rendering(
        work=work,
        crema=patch_spectrum(sure),
        cens=patch_spectrum(chroma),
        former=both(sure, chroma),
        vector=np.frombuffer(row.values, dtype="<f2").astype(np.float32),
        pitches=pitches,
        chroma=np.rint(chroma * 255.0).astype(np.uint8),
        frames=(frames / max(float(frames.mean()), 1e-9)).astype(np.float16),
        features=np.frombuffer(sound.features, dtype=np.uint8),
    )


def piano_performances(folder: Path) -> Iterator[tuple[str, NDArray[np.void]]]:
    """Read performances by people: the work, and the notes of the first 110 s."""
    import pretty_midi

    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as table:
        rows = list(csv.DictReader(table))
    with zipfile.ZipFile(folder / "performances.zip") as archive:
        for row in rows:
            read = pretty_midi.PrettyMIDI(io.BytesIO(archive.read(row["file"])))
            notes = sorted(
                (note.start, note.end - note.start, note.pitch, 0, note.velocity)
                for part in read.instruments
                for note in part.notes
                if note.start < _SECONDS
            )
            # Two sonata movements stand there once more as "17-1_no_repeat" and "32-1_no_repeat".
            yield row["work"].removesuffix("_no_repeat"), np.array(notes, dtype=SOUND)
