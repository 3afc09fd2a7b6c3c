"""The encoders trained here: the exported graphs say what torch says, and what torch said at training."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from encoders.build import IDENTITY_CARD, NETWORK_CARD, WORK_CARD, packaged_dir
from encoders.cards import Modality
from encoders.evaluation.synthetic import SR, song
from encoders.export import export
from encoders.features.cqt import cqt_magnitude
from encoders.features.mel import log_mel, window_input
from encoders.features.semitones import semitone_frames, version_input
from encoders.identity import IdentityEncoder
from encoders.trained import TrainedVersion
from encoders.work import WorkEncoder

REFERENCE = Path(__file__).parent / "trained_reference.npz"
# What torch gave for the same inputs differs by 2e-7 where it was recorded; another processor adds more.
PARITY = 1e-4


@pytest.fixture(scope="module")
def y() -> NDArray[np.float32]:
    return song(1, seconds=20.0)


def test_vectors_are_those_that_torch_gave(y: NDArray[np.float32]) -> None:
    with np.load(REFERENCE, allow_pickle=False) as recorded:
        _, windows = IdentityEncoder.load(packaged_dir()).windows(y, SR)
        assert np.abs(windows - recorded["identity"]).max() < PARITY
        assert np.abs(TrainedVersion.load().vector(y, SR) - recorded["version"]).max() < PARITY


def test_silence_has_no_vector_and_level_does_not_matter(y: NDArray[np.float32]) -> None:
    encoder, versions = IdentityEncoder.load(packaged_dir()), TrainedVersion.load()
    assert not encoder.windows(np.zeros(SR, dtype=np.float32), SR)[1].any()
    assert not versions.vector(np.zeros(SR, dtype=np.float32), SR).any()
    assert encoder.windows(y, SR)[0].tolist() == [0, 5_000, 10_000]
    quiet = y * np.float32(0.05)
    assert np.einsum("ij,ij->i", encoder.windows(y, SR)[1], encoder.windows(quiet, SR)[1]).min() > 0.999
    assert versions.vector(y, SR) @ versions.vector(quiet, SR) > 0.999


def work_of(encoder: WorkEncoder, y: NDArray[np.float32]) -> NDArray[np.float32]:
    return encoder.vector(semitone_frames(cqt_magnitude(y, sr=SR)))


def test_a_work_is_nearest_to_itself_in_another_key_and_tempo() -> None:
    encoder = WorkEncoder.load(packaged_dir())
    works = np.stack([work_of(encoder, song(seed, seconds=60.0)) for seed in range(1, 7)])
    covers = np.stack(
        [work_of(encoder, song(seed, seconds=60.0, semitones=3.0, tempo=1.1)) for seed in range(1, 7)]
    )
    close = covers @ works.T
    assert close.argmax(axis=1).tolist() == list(range(6))
    assert ((close > 0.0) & (close < 1.0)).all()


def test_a_work_has_a_vector_at_any_length_and_level(y: NDArray[np.float32]) -> None:
    encoder = WorkEncoder.load(packaged_dir())
    assert not work_of(encoder, np.zeros(SR, dtype=np.float32)).any()
    for seconds in (0.5, 3.0, 7.0):
        short = work_of(encoder, y[: int(seconds * SR)])
        assert np.linalg.norm(short) == pytest.approx(1.0, abs=1e-5)
    quiet = work_of(encoder, y * np.float32(0.05))
    assert quiet @ work_of(encoder, y) > 0.999
    # Longer than the network sees at once: cut evenly, and still the same work.
    assert work_of(encoder, np.tile(y, 14)) @ work_of(encoder, np.tile(y, 5)) > 0.9


@pytest.mark.parametrize("name", [IDENTITY_CARD, NETWORK_CARD, WORK_CARD])
def test_weights_that_are_kept_say_where_they_come_from(name: str) -> None:
    run = json.loads((packaged_dir() / f"{name}.run.json").read_text(encoding="utf-8"))
    assert len(run["data"]["sha256"]) == 64
    assert run["best"]["score"] > 0.5
    assert (packaged_dir() / f"{name}.onnx").stat().st_size < 20 * 2**20


def test_front_ends_of_torch_and_numpy_agree(y: NDArray[np.float32]) -> None:
    torch = pytest.importorskip("torch")
    from encoders.training.harmony_views import scaled
    from encoders.training.sound_views import bands, window_inputs

    numpy_bands = window_input(log_mel(y[: 5 * SR]))
    torch_bands = window_inputs(bands(torch.from_numpy(y[None, : 5 * SR])))[0].numpy()
    assert np.abs(numpy_bands - torch_bands).max() < 1e-4
    frames = semitone_frames(np.abs(np.random.default_rng(1).standard_normal((41, 252))).astype(np.float32))
    assert np.abs(version_input(frames) - scaled(torch.from_numpy(frames[None]))[0].numpy()).max() < 1e-5


def test_an_exported_graph_gives_what_torch_gives(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from encoders.cards import EncoderCard
    from encoders.models.identity_net import IdentityNet, IdentityShape
    from encoders.runtime import OnnxModel
    from encoders.training.loop import save_weights

    torch.manual_seed(3)
    net = IdentityNet(IdentityShape(channels=(4, 6, 8, 10, 12), width=16, dimension=8))
    x = torch.randn(2, 64, 70)
    net.train()
    net(x)  # so that the running averages are not the initial ones
    net.eval()
    save_weights(tmp_path / "weights.npz", net)
    card = export(Modality.IDENTITY, tmp_path / "weights.npz", tmp_path, version="0")
    model = OnnxModel(tmp_path, EncoderCard.load(tmp_path / f"{card.name}.json"))
    with torch.no_grad():
        wanted = net(x).numpy()
    assert np.abs(model.run(x.numpy()) - wanted).max() < 1e-5


def test_the_graph_of_a_version_network_gives_what_torch_gives(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from encoders.cards import EncoderCard
    from encoders.models.version_net import VersionShape, WorkNet
    from encoders.runtime import OnnxModel
    from encoders.training.loop import save_weights

    torch.manual_seed(3)
    shape = VersionShape(
        first=3, second=4, width=8, middle=6, near=(1, 2), far=(1, 2), patterns=10, profiles=6, dimension=8
    )
    net = WorkNet(shape)
    x, steps = torch.rand(3, 84, 71), torch.rand(3, 1008)
    net.train()
    net(x, steps)
    net.eval()
    save_weights(tmp_path / "weights.npz", net)
    card = export(Modality.VERSION, tmp_path / "weights.npz", tmp_path, version="0")
    network = OnnxModel(tmp_path, EncoderCard.load(tmp_path / f"{card.name}.json"))
    with torch.no_grad():
        _, alone = net(x, steps)
    assert np.abs(network.run(x.numpy()) - alone.numpy()).max() < 1e-5
