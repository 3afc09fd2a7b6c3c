"""The encoders trained here: the exported graphs say what torch says, and what torch said at training."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from encoders.build import IDENTITY_CARD, packaged_dir
from encoders.cards import Modality
from encoders.evaluation.synthetic import SR, song
from encoders.export import export
from encoders.features.mel import log_mel, window_input
from encoders.features.semitones import semitone_frames, version_input
from encoders.identity import IdentityEncoder
from encoders.trained import VERSION, TrainedVersion

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


@pytest.mark.parametrize("name", [IDENTITY_CARD, VERSION])
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


@pytest.mark.parametrize("modality", [Modality.IDENTITY, Modality.VERSION])
def test_an_exported_graph_gives_what_torch_gives(modality: Modality, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from encoders.cards import EncoderCard
    from encoders.models.identity_net import IdentityNet, IdentityShape
    from encoders.models.version_net import VersionNet, VersionShape
    from encoders.runtime import OnnxModel
    from encoders.training.loop import save_weights

    torch.manual_seed(3)
    identity = modality is Modality.IDENTITY
    net = (
        IdentityNet(IdentityShape(channels=(4, 6, 8, 10, 12), width=16, dimension=8))
        if identity
        else VersionNet(VersionShape(first=3, second=4, width=8, dilations=(1, 2), dimension=8))
    )
    x = torch.randn(2, 64 if identity else 84, 70)
    net.train()
    net(x)  # so that the running averages are not the initial ones
    net.eval()
    save_weights(tmp_path / "weights.npz", net)
    card = export(modality, tmp_path / "weights.npz", tmp_path, version="0")
    model = OnnxModel(tmp_path, EncoderCard.load(tmp_path / f"{card.name}.json"))
    with torch.no_grad():
        wanted = net(x).numpy()
    assert np.abs(model.run(x.numpy()) - wanted).max() < 1e-5
