"""Write the two published networks as ONNX graphs, straight from their arrays.

Batch normalisation is folded into the convolution before it wherever one
stands directly before it; the numbers stay the published ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

FloatArray = NDArray[np.float32]

# The lowest opset that has every operator used here in its present form; old
# runtimes load it, and an exporter's default would move with the library.
OPSET: Final = 17
_IR_VERSION: Final = 8

_KERAS_EPS: Final = 1e-3
_LITE0_EPS: Final = 1e-3
_LITE0_STRIDED_BLOCKS: Final = frozenset({1, 3, 5, 11})


class Graph:
    """Collects nodes and constants; each call returns the new value's name."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._count = 0

    def constant(self, values: Any, dtype: Any = np.float32) -> str:
        """Keep an array."""
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values, dtype=dtype), name))
        return name

    def add(self, op: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        """Add an operator."""
        self._count += 1
        name = output or f"v{self._count}"
        self.nodes.append(helper.make_node(op, list(inputs), [name], **attributes))
        return name

    def finish(self, name: str, inputs: list[Any], outputs: list[Any]) -> bytes:
        """Write the graph, the same bytes every time."""
        graph = helper.make_graph(self.nodes, name, inputs, outputs, initializer=self.constants)
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="samesong"
        )
        model.ir_version = _IR_VERSION
        onnx.checker.check_model(model)
        return bytes(model.SerializeToString(deterministic=True))


def value_info(name: str, shape: list[int | str]) -> Any:
    """Describe an input or output."""
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def folded(
    kernel: FloatArray, bias: FloatArray | float, scale: FloatArray, shift: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Fold ``scale * (conv + bias) + shift`` into the kernel (out-channels first)."""
    wide = kernel.astype(np.float64) * scale.reshape(-1, *([1] * (kernel.ndim - 1)))
    return wide.astype(np.float32), np.asarray(bias * scale + shift, dtype=np.float32)


def affine(
    gamma: FloatArray, beta: FloatArray, mean: FloatArray, var: FloatArray, *, eps: float
) -> tuple[FloatArray, FloatArray]:
    """Turn batch normalisation into a scale and a shift."""
    scale = gamma.astype(np.float64) / np.sqrt(var.astype(np.float64) + eps)
    return scale.astype(np.float32), (beta - mean * scale).astype(np.float32)


def crema_graph(arrays: Mapping[str, FloatArray]) -> bytes:
    """Build the chord model's pitch head.

    Input ``hcqt`` (b, t, 216, 2): constant-Q magnitudes in dB under their
    maximum, harmonics 1 and 2. Output ``pitch`` (b, t, 12): how strongly each
    pitch class from C sounds, 0 to 1.
    """
    graph = Graph()

    def norm(index: int) -> tuple[FloatArray, FloatArray]:
        parts = (
            arrays[f"batch_normalization_{index}/{part}"]
            for part in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        return affine(*parts, eps=_KERAS_EPS)

    scale, shift = norm(1)
    value = graph.add("Mul", "hcqt", graph.constant(scale))
    value = graph.add("Add", value, graph.constant(shift))
    value = graph.add("Transpose", value, perm=[0, 3, 1, 2])
    value = _conv2d(graph, value, arrays, "conv2d_1", auto_pad="SAME_UPPER")
    scale, shift = norm(2)
    value = graph.add("Mul", value, graph.constant(scale.reshape(1, -1, 1, 1)))
    value = graph.add("Add", value, graph.constant(shift.reshape(1, -1, 1, 1)))
    value = _conv2d(graph, value, arrays, "conv2d_2", auto_pad="VALID")
    scale, shift = norm(3)
    value = graph.add("Mul", value, graph.constant(scale.reshape(1, -1, 1, 1)))
    value = graph.add("Add", value, graph.constant(shift.reshape(1, -1, 1, 1)))
    # (b, 72, t, 1) -> (t, b, 72), the order a GRU wants
    value = graph.add("Squeeze", value, graph.constant([3], np.int64))
    value = graph.add("Transpose", value, perm=[2, 0, 1])
    value = _bidirectional(graph, value, arrays, 1)
    scale, shift = norm(4)
    value = graph.add("Mul", value, graph.constant(scale))
    value = graph.add("Add", value, graph.constant(shift))
    value = _bidirectional(graph, value, arrays, 2)
    value = graph.add("Transpose", value, perm=[1, 0, 2])
    value = graph.add("MatMul", value, graph.constant(arrays["chord_pitch/kernel"]))
    value = graph.add("Add", value, graph.constant(arrays["chord_pitch/bias"]))
    graph.add("Sigmoid", value, output="pitch")
    return graph.finish(
        "crema-pitch", [value_info("hcqt", ["b", "t", 216, 2])], [value_info("pitch", ["b", "t", 12])]
    )


def _conv2d(graph: Graph, value: str, arrays: Mapping[str, FloatArray], name: str, *, auto_pad: str) -> str:
    kernel = arrays[f"{name}/kernel"].transpose(3, 2, 0, 1)  # (h, w, in, out) -> (out, in, h, w)
    weights, bias = graph.constant(kernel), graph.constant(arrays[f"{name}/bias"])
    value = graph.add("Conv", value, weights, bias, kernel_shape=list(kernel.shape[2:]), auto_pad=auto_pad)
    return graph.add("Relu", value)


def _bidirectional(graph: Graph, value: str, arrays: Mapping[str, FloatArray], index: int) -> str:
    """Add one bidirectional GRU; Keras and ONNX agree on the gate order z, r, h."""
    sides = [f"{side}_gru_{index}" for side in ("forward", "backward")]
    kernel = np.stack([arrays[f"{side}/kernel"].T for side in sides])
    recurrent = np.stack([arrays[f"{side}/recurrent_kernel"].T for side in sides])
    bias = np.stack([np.concatenate([arrays[f"{side}/bias"], np.zeros(384, np.float32)]) for side in sides])
    value = graph.add(
        "GRU",
        value,
        graph.constant(kernel),
        graph.constant(recurrent),
        graph.constant(bias),
        hidden_size=128,
        direction="bidirectional",
        linear_before_reset=0,
        activations=["HardSigmoid", "Tanh"] * 2,
        activation_alpha=[0.2, 0.0] * 2,
        activation_beta=[0.5, 0.0] * 2,
    )
    # (t, 2, b, 128) -> (t, b, 256)
    value = graph.add("Transpose", value, perm=[0, 2, 1, 3])
    return graph.add("Reshape", value, graph.constant([0, 0, 256], np.int64))


def lite0_graph(tensors: Mapping[str, FloatArray]) -> bytes:
    """Build EfficientNet-Lite0 up to its pooled features.

    Input ``pixels`` (b, 3, 224, 224): RGB as ``(x - 127) / 128``. Output
    ``features`` (b, 1280).
    """
    graph = Graph()

    def conv(value: str, name: str, norm: str, *, stride: int = 1, relu: bool = True) -> str:
        kernel = tensors[f"{name}.weight"]
        parts = (tensors[f"{norm}.{part}"] for part in ("weight", "bias", "running_mean", "running_var"))
        weights, bias = folded(kernel, 0.0, *affine(*parts, eps=_LITE0_EPS))
        value = graph.add(
            "Conv",
            value,
            graph.constant(weights),
            graph.constant(bias),
            kernel_shape=list(kernel.shape[2:]),
            strides=[stride, stride],
            group=kernel.shape[0] if "depthwise" in name else 1,
            auto_pad="SAME_UPPER",
        )
        return graph.add("Clip", value, zero, six) if relu else value

    zero, six = graph.constant(0.0), graph.constant(6.0)
    value = conv("pixels", "_conv_stem", "_bn0", stride=2)
    block = 0
    while f"_blocks.{block}._depthwise_conv.weight" in tensors:
        at, before = f"_blocks.{block}", value
        expands = f"{at}._expand_conv.weight" in tensors
        if expands:
            value = conv(value, f"{at}._expand_conv", f"{at}._bn0")
        stride = 2 if block in _LITE0_STRIDED_BLOCKS else 1
        value = conv(value, f"{at}._depthwise_conv", f"{at}._bn1", stride=stride)
        value = conv(value, f"{at}._project_conv", f"{at}._bn2", relu=False)
        same_width = (
            expands
            and tensors[f"{at}._expand_conv.weight"].shape[1]
            == tensors[f"{at}._project_conv.weight"].shape[0]
        )
        if stride == 1 and same_width:
            value = graph.add("Add", value, before)
        block += 1
    value = conv(value, "_conv_head", "_bn1")
    value = graph.add("GlobalAveragePool", value)
    graph.add("Flatten", value, output="features", axis=1)
    return graph.finish(
        "efficientnet-lite0",
        [value_info("pixels", ["b", 3, 224, 224])],
        [value_info("features", ["b", 1280])],
    )
