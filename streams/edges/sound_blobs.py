"""What is kept of a sound for comparing it later: its features in one blob, written and read."""

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encoders.bundle import AudioFeatures
from encoders.fingerprint import FINGERPRINT_VERSION
from encoders.landmarks import LANDMARKS_VERSION, Landmarks
from encoders.version_lines import LINES_VERSION, LineClasses
from streams.errors import FeatureMissing
from streams.ports import FloatArray

# Raised when the blob's contents change their meaning; a blob of another format asks for re-encoding.
FORMAT = 1
_NO_LEVELS = np.empty(0, dtype=np.uint8)


def pack(heard: AudioFeatures, *, model: str) -> bytes:
    """Put what comparison needs into one blob; the same features always give the same bytes.

    Parameters
    ----------
    heard : AudioFeatures
    model : str
        that the windows are of: those of two models are never compared
    """
    out = io.BytesIO()
    np.savez(
        out,
        allow_pickle=False,
        format=np.array([FORMAT, FINGERPRINT_VERSION], dtype="<i4"),
        duration_ms=np.array(heard.duration_ms, dtype="<i8"),
        fingerprint=heard.fingerprint.astype("<u4"),
        chroma=heard.chroma,
        lines=np.array(LINES_VERSION, dtype="<i4"),
        line_classes=heard.classes,
        starts_ms=heard.starts_ms.astype("<i4"),
        windows=heard.vectors.astype("<f2"),
        landmarks=np.array(LANDMARKS_VERSION, dtype="<i4"),
        landmark_frames=heard.landmarks.frames.astype("<i4"),
        landmark_cents=heard.landmarks.cents.astype("<u2"),
        landmark_levels=heard.landmarks.levels if heard.landmarks.levels is not None else _NO_LEVELS,
        landmark_heights=heard.landmarks.heights if heard.landmarks.heights is not None else _NO_LEVELS,
        **_faint_arrays(heard.landmarks.faint),
        model=np.array(model, dtype="<U64"),
        colour=heard.colour.astype("<f2"),
    )
    return out.getvalue()


def _faint_arrays(faint: Landmarks | None) -> dict[str, NDArray[Any]]:
    if faint is None:
        return {}
    return {
        "faint_frames": faint.frames.astype("<i4"),
        "faint_cents": faint.cents.astype("<u2"),
        "faint_heights": faint.heights if faint.heights is not None else _NO_LEVELS,
    }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SoundFeatures:
    """An unpacked blob: what `pack` was given, but for the level facts.

    Attributes
    ----------
    fingerprint, chroma, windows
        see `encoders.bundle.AudioFeatures`
    model : str
        that the windows are of; empty where the blob does not say
    colour : float32 [shape=(64,)] or None
        None where the blob has none
    """

    fingerprint: NDArray[np.uint32]
    chroma: NDArray[np.uint8]
    windows: FloatArray
    model: str
    colour: FloatArray | None
    landmarks: Landmarks | None = None  # none in a blob of before there were any
    classes: LineClasses | None = None  # likewise
    duration_ms: int = 0


def unpack(blob: bytes) -> SoundFeatures:
    """Read what `pack` wrote.

    Raises
    ------
    FeatureMissing
        another format, or damaged: the upload has to be encoded again
    """
    try:
        with np.load(io.BytesIO(blob), allow_pickle=False) as arrays:
            found = tuple(int(number) for number in arrays["format"])
            features = SoundFeatures(
                fingerprint=arrays["fingerprint"].astype(np.uint32),
                chroma=arrays["chroma"],
                classes=_classes(arrays),
                windows=arrays["windows"].astype(np.float32),
                landmarks=_landmarks(arrays),
                duration_ms=int(arrays["duration_ms"]),
                model=str(arrays["model"]) if "model" in arrays else "",
                colour=arrays["colour"].astype(np.float32) if "colour" in arrays else None,
            )
    except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile) as exc:
        raise FeatureMissing(f"a feature blob cannot be read: {exc}") from exc
    if found != (FORMAT, FINGERPRINT_VERSION):
        raise FeatureMissing(f"a feature blob has format {found}, not {(FORMAT, FINGERPRINT_VERSION)}")
    return features


def classes_of(blob: bytes) -> LineClasses | None:
    """Read of a blob what lines go through, and nothing else; none in a blob of before it was kept.

    Raises
    ------
    FeatureMissing
        damaged: the upload has to be encoded again
    """
    try:
        with np.load(io.BytesIO(blob), allow_pickle=False) as arrays:
            return _classes(arrays)
    except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile) as exc:
        raise FeatureMissing(f"a feature blob cannot be read: {exc}") from exc


def _classes(arrays: Mapping[str, NDArray[Any]]) -> LineClasses | None:
    """Read the pitch classes of a blob, if it holds those that our lines go through."""
    if "lines" not in arrays or int(arrays["lines"]) != LINES_VERSION:
        return None
    return arrays["line_classes"]


def _landmarks(arrays: Mapping[str, NDArray[Any]]) -> Landmarks | None:
    """Read the landmarks of a blob, if it holds those that we find."""
    if "landmarks" not in arrays or int(arrays["landmarks"]) != LANDMARKS_VERSION:
        return None
    return Landmarks(
        frames=arrays["landmark_frames"].astype(np.int32),
        cents=arrays["landmark_cents"].astype(np.uint16),
        levels=_kept(arrays, "landmark_levels"),
        heights=_kept(arrays, "landmark_heights"),
        faint=_faint(arrays),
    )


def _faint(arrays: Mapping[str, NDArray[Any]]) -> Landmarks | None:
    """Read the faint points; none in a blob of before they were kept."""
    if "faint_frames" not in arrays:
        return None
    return Landmarks(
        frames=arrays["faint_frames"].astype(np.int32),
        cents=arrays["faint_cents"].astype(np.uint16),
        heights=_kept(arrays, "faint_heights"),
    )


def _kept(arrays: Mapping[str, NDArray[Any]], name: str) -> NDArray[np.uint8] | None:
    """Read an array of bytes; none in a blob of before it was kept."""
    return arrays[name] if name in arrays and len(arrays[name]) else None
