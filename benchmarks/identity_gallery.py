"""Recordings that pieces are asked for, and recordings that only stand beside them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.damaged_queries import SR, Sound
from benchmarks.decoded_sounds import MOST, decoded_sounds
from encoders.build import IDENTITY_CARD, packaged_dir
from encoders.fingerprint import Verdict, align, confirm, fingerprint
from encoders.identity import IdentityEncoder
from encoders.landmarks import landmarks
from encoders.training.run_record import RunRecord
from streams.edges.sound_blobs import SoundFeatures

TRACK_S = 60.0
# Windows of one recording that stands in two sources are nearer than this.
_TWIN = 0.75
_NO_CHROMA = np.zeros((12, 0), dtype=np.uint8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One recording of the gallery.

    Attributes
    ----------
    source, name : str
    asked : bool
        whether pieces of it are asked for: no track of its source ever trained
    y : float16 [shape=(n,)]
        its first minute, mono at 22.05 kHz
    features : SoundFeatures
        of the same, by the encoders that serve; without harmony
    """

    source: str
    name: str
    asked: bool
    y: NDArray[np.float16]
    features: SoundFeatures

    def piece(self, begin_s: float, seconds: float) -> Sound:
        """Cut a piece."""
        first = int(begin_s * SR)
        return self.y[first : first + int(seconds * SR)].astype(np.float32)


def features_of(y: Sound, encoder: IdentityEncoder, *, points: bool = True) -> SoundFeatures:
    """Hear what a comparison of two sounds looks at, but for the harmony, which no relation here hangs on.

    Without points a comparison has the fingerprint alone.
    """
    return SoundFeatures(
        fingerprint=fingerprint(y, SR),
        chroma=_NO_CHROMA,
        windows=encoder.windows(y, SR)[1],
        model=encoder.card.key,
        colour=None,
        landmarks=landmarks(y, SR) if points else None,
        duration_ms=round(1000 * len(y) / SR),
    )


def trained_sources() -> frozenset[str]:
    """Name the sources that trained the encoder which comes with the package."""
    return frozenset(RunRecord.load(packaged_dir() / f"{IDENTITY_CARD}.run.json").data["sources"])


def gallery(encoder: IdentityEncoder) -> tuple[list[Track], list[str]]:
    """Read every recording once, those of sources that trained first.

    Returns
    -------
    tracks : list of Track
    left_out : list of str
        recordings that are in the gallery already, by their fingerprint: so nothing that trained is asked for
    """
    tracks: list[Track] = []
    left_out: list[str] = []
    for track in sorted(read_tracks(encoder), key=lambda track: track.asked):
        twin = next((each for each in tracks if _same(each.features, track.features)), None)
        if twin is None:
            tracks.append(track)
        else:
            left_out.append(f"{track.source}/{track.name} = {twin.source}/{twin.name}")
    return tracks, left_out


def _same(left: SoundFeatures, right: SoundFeatures) -> bool:
    if float((left.windows @ right.windows.T).max()) < _TWIN:
        return False
    return confirm(align(left.fingerprint, right.fingerprint)) is Verdict.SAME


def read_tracks(encoder: IdentityEncoder, most: int = MOST) -> Iterator[Track]:
    """Read the beginning of every recording, at most so many of each source."""
    trained = trained_sources()
    for sound in decoded_sounds(TRACK_S, most):
        yield Track(
            source=sound.source,
            name=sound.name,
            asked=sound.source not in trained,
            y=sound.y,
            features=features_of(sound.y.astype(np.float32), encoder),
        )
