"""Trained weights to ONNX graphs, and the cards that go with them.

The graphs are written operator by operator, as those of the published networks are: the same weights give the
same bytes, whatever version of torch trained them.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from encoders.build import TEXT_CARD, WORK_CARD
from encoders.cards import EncoderCard, Modality, TensorSpec
from encoders.errors import ModelUnavailable
from encoders.features import cqt, mel, semitones
from encoders.graphs import OPSET, Graph, affine, folded, value_info

FloatArray = NDArray[np.float32]
Weights = Mapping[str, FloatArray]

_EPS: Final = 1e-5  # torch's batch normalisation
_SPREAD_EPS: Final = 1e-4
_COUNT_EPS: Final = 1e-4
_OCTAVES: Final = 7
_CLASSES: Final = 12


def read_weights(path: Path) -> dict[str, FloatArray]:
    """Read what training wrote.

    Raises
    ------
    ModelUnavailable
        there is no such file, or it holds no arrays
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {name: np.asarray(arrays[name], dtype=np.float32) for name in arrays.files}
    except (OSError, ValueError) as exc:
        raise ModelUnavailable(f"{path} holds no trained weights: {exc}") from exc


def identity_graph(weights: Weights) -> bytes:
    """Build the identity network.

    Input ``bands`` (b, 64, t): `encoders.features.mel.window_input`. Output ``vectors`` (b, d).
    """
    graph = Graph()
    value = graph.add("Unsqueeze", "bands", graph.constant([1], np.int64))
    number = 0
    while f"convs.{number}.weight" in weights:
        # All but the second and the fourth halve time as well as bands.
        stride = [2, 1] if number in (1, 3) else [2, 2]
        half = weights[f"convs.{number}.weight"].shape[2] // 2
        value = _normalised(
            graph, value, weights, f"convs.{number}", f"norms.{number}", strides=stride, pads=[half] * 4
        )
        number += 1
    value = _normalised(graph, value, weights, "last", "last_norm", strides=[1, 1], pads=[0, 1, 0, 1])
    value = graph.add("Squeeze", value, graph.constant([2], np.int64))
    mean = graph.add("ReduceMean", value, axes=[2], keepdims=1)
    apart = graph.add("Sub", value, mean)
    spread = graph.add("ReduceMean", graph.add("Mul", apart, apart), axes=[2], keepdims=1)
    spread = graph.add("Sqrt", graph.add("Add", spread, graph.constant(_SPREAD_EPS)))
    both = graph.add("Flatten", graph.add("Concat", mean, spread, axis=1), axis=1)
    return _finished(graph, both, weights, "samesong-identity", ("bands", ["b", mel.N_MELS, "t"]))


def version_graph(weights: Weights) -> bytes:
    """Build the version network.

    Input ``semitones`` (b, 84, t): `encoders.features.semitones.version_input`. Output ``vectors`` (b, d).
    """
    graph = Graph()
    value = graph.add("Unsqueeze", "semitones", graph.constant([1], np.int64))
    value = _normalised(graph, value, weights, "conv1", "norm1", strides=[1, 1], pads=[12, 1, 12, 1])
    value = _normalised(graph, value, weights, "conv2", "norm2", strides=[1, 2], pads=[6, 1, 6, 1])
    channels = weights["conv2.weight"].shape[0] * _OCTAVES
    value = graph.add("Reshape", value, graph.constant([0, channels, _CLASSES, -1], np.int64))
    value = _normalised(graph, value, weights, "fold", "norm3", strides=[1, 1], pads=[0] * 4)
    value = _blocks(graph, value, weights, "near")
    value = graph.add("AveragePool", value, kernel_shape=[1, 2], strides=[1, 2])
    value = _blocks(graph, value, weights, "far")
    heard = _normalised(graph, value, weights, "patterns", "norm4", strides=[1, 1], pads=[0] * 4)
    heard = graph.add("ReduceMax", heard, axes=[2], keepdims=0)
    weighed = graph.add(
        "Conv", heard, graph.constant(weights["weigh.weight"]), graph.constant(weights["weigh.bias"])
    )
    chosen = graph.add("Mul", graph.add("Softmax", weighed, axis=2), heard)
    chosen = graph.add("ReduceSum", chosen, graph.constant([2], np.int64), keepdims=0)
    least = graph.constant(np.float32(_COUNT_EPS))
    counts = [
        graph.add("Sqrt", graph.add("Add", each, least))
        for each in (graph.add("ReduceMean", heard, axes=[2], keepdims=0), chosen)
    ]
    average = graph.add("ReduceMean", value, axes=[3], keepdims=0)
    again = graph.add("Slice", average, *(graph.constant([k], np.int64) for k in (0, _CLASSES - 1, 2)))
    around = graph.add("Concat", average, again, axis=2)
    profiles = _normalised(graph, around, weights, "profiles", "norm5", strides=[1], pads=[0, 0])
    profiles = graph.add("ReduceMax", profiles, axes=[2], keepdims=0)
    every = graph.add("Concat", *counts, profiles, axis=1)
    scale, shift = affine(*_norm_of(weights, "norm6"), eps=_EPS)
    every = graph.add("Add", graph.add("Mul", every, graph.constant(scale)), graph.constant(shift))
    return _finished(
        graph, every, weights, "samesong-version", ("semitones", ["b", semitones.SEMITONES, "t"])
    )


def melody_graph(weights: Weights) -> bytes:
    """Build the melody network.

    Input ``semitones`` (b, 84, t): `encoders.features.semitones.version_input`. Output ``maps``
    (b, channels, 12, (t + 1) // 2).
    """
    graph = Graph()
    value = graph.add("Unsqueeze", "semitones", graph.constant([1], np.int64))
    value = _normalised(graph, value, weights, "conv1", "norm1", strides=[1, 1], pads=[12, 1, 12, 1])
    kernel = weights["conv2.weight"]
    value = graph.add(
        "Conv",
        value,
        graph.constant(kernel),
        kernel_shape=list(kernel.shape[2:]),
        strides=[1, 2],
        pads=[6, 1, 6, 1],
        group=len(kernel),
    )
    value = _normalised(graph, value, weights, "mix", "norm2", strides=[1, 1], pads=[0] * 4)
    channels = weights["mix.weight"].shape[0] * _OCTAVES
    value = graph.add("Reshape", value, graph.constant([0, channels, _CLASSES, -1], np.int64))
    value = _normalised(graph, value, weights, "fold", "norm3", strides=[1, 1], pads=[0] * 4)
    value = _blocks(graph, value, weights, "blocks")
    kernel = weights["out.weight"]
    value = graph.add("Conv", value, graph.constant(kernel), graph.constant(weights["out.bias"]))
    value = graph.add("Sub", value, graph.add("ReduceMean", value, axes=[2], keepdims=1))
    graph.add("Tanh", value, output="maps")
    given = value_info("semitones", ["b", semitones.SEMITONES, "t"])
    return graph.finish(
        "samesong-melody", [given], [value_info("maps", ["b", kernel.shape[0], _CLASSES, "u"])]
    )


def _blocks(graph: Graph, value: str, weights: Weights, name: str) -> str:
    """Add the blocks whose names begin so; `encoders.models.version_net.Block`."""
    axis, big = graph.constant([2], np.int64), graph.constant([1 << 31], np.int64)
    zero, three, less = (graph.constant([k], np.int64) for k in (0, 3, -3))
    for number in range(sum(key.startswith(f"{name}.") and key.endswith(".into.weight") for key in weights)):
        block, apart = f"{name}.{number}", 1 << number
        inside = _normalised(
            graph, value, weights, f"{block}.into", f"{block}.norm1", strides=[1, 1], pads=[0] * 4
        )
        above = graph.add("Slice", inside, less, big, axis)
        below = graph.add("Slice", inside, zero, three, axis)
        inside = _normalised(
            graph,
            graph.add("Concat", above, inside, below, axis=2),
            weights,
            f"{block}.conv",
            f"{block}.norm2",
            strides=[1, 1],
            pads=[0, apart, 0, apart],
            dilations=[1, apart],
        )
        outside = _normalised(
            graph, inside, weights, f"{block}.out", f"{block}.norm3", strides=[1, 1], pads=[0] * 4
        )
        value = graph.add("Add", value, outside)
    return value


def _normalised(
    graph: Graph,
    value: str,
    weights: Weights,
    conv: str,
    norm: str,
    *,
    strides: list[int],
    pads: list[int],
    dilations: list[int] | None = None,
) -> str:
    """Add a convolution, with the normalisation behind it folded in, and what is negative cut off."""
    kernel, bias = folded(weights[f"{conv}.weight"], 0.0, *affine(*_norm_of(weights, norm), eps=_EPS))
    value = graph.add(
        "Conv",
        value,
        graph.constant(kernel),
        graph.constant(bias),
        kernel_shape=list(kernel.shape[2:]),
        strides=strides,
        pads=pads,
        dilations=dilations or [1] * len(strides),
    )
    return graph.add("Relu", value)


def _norm_of(weights: Weights, norm: str) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    gamma, beta, mean, var = (
        weights[f"{norm}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")
    )
    return gamma, beta, mean, var


def _finished(
    graph: Graph, value: str, weights: Weights, name: str, given: tuple[str, list[int | str]]
) -> bytes:
    kernel, bias = graph.constant(weights["out.weight"]), graph.constant(weights["out.bias"])
    graph.add("Gemm", value, kernel, bias, transB=1, output="vectors")
    dimension = weights["out.weight"].shape[0]
    return graph.finish(name, [value_info(*given)], [value_info("vectors", ["b", dimension])])


def weighing_graph(weights: Weights) -> bytes:
    """Build what weighs the views of a recording; see `encoders.training.weighing`.

    Input ``parts`` (b, d): `encoders.work.parts_of`. Output ``vectors`` (b, d + 1).

    The last number is as long as the rest together. So cosines lie between 0 and 1 with strangers at a half,
    in the range of the other models, whose candidates are put in one order with these; ranks do not change.
    """
    graph = Graph()
    split, dimension = int(weights["split"]), len(weights["centre"])
    apart = graph.add("Sub", "parts", graph.constant(weights["centre"]))
    axis = graph.constant([1], np.int64)
    views = []
    for (begin, end), factor in zip(((0, split), (split, dimension)), weights["scale"], strict=True):
        view = graph.add(
            "Slice", apart, graph.constant([begin], np.int64), graph.constant([end], np.int64), axis
        )
        view = graph.add("LpNormalization", view, axis=1, p=2)
        views.append(graph.add("Mul", view, graph.constant(factor)))
    value = graph.add("Concat", *views, axis=1)
    directions = graph.constant(weights["directions"])
    along = graph.add("MatMul", value, graph.add("Transpose", directions, perm=[1, 0]))
    shortened = graph.add("Mul", along, graph.constant(weights["gains"]))
    value = graph.add("Add", value, graph.add("MatMul", shortened, directions))
    value = graph.add("LpNormalization", value, axis=1, p=2)
    first = graph.add("Slice", value, graph.constant([0], np.int64), graph.constant([1], np.int64), axis)
    none = graph.add("Mul", first, graph.constant(np.float32(0.0)))
    graph.add(
        "Concat", value, graph.add("Add", none, graph.constant(np.float32(1.0))), axis=1, output="vectors"
    )
    given = value_info("parts", ["b", dimension])
    return graph.finish("samesong-work", [given], [value_info("vectors", ["b", dimension + 1])])


def export_weighing(weights: Weights, folder: Path, *, version: str) -> EncoderCard:
    """Write the graph and the card of a weighing; as `export` does for a network."""
    data, dimension = weighing_graph(weights), len(weights["centre"])
    card = dataclasses.replace(
        card_of(Modality.VERSION, data, version=version, dimension=dimension + 1),
        name=WORK_CARD,
        file=f"{WORK_CARD}.onnx",
        inputs=(TensorSpec(name="parts", shape=("b", dimension), dtype="float32"),),
    )
    return _written(card, data, folder)


def text_table(weights: Weights) -> bytes:
    """Write the table of the text network in 8 bits, each row with its scale, as one ``.npz``."""
    table = weights["table"]
    scale = np.abs(table).max(axis=1) / np.float32(127)
    rows = np.rint(table / np.where(scale > 0, scale, 1)[:, None]).astype(np.int8)
    written = io.BytesIO()
    np.savez(written, table=rows, scale=scale, artist=np.float32(weights["artist"]))
    return written.getvalue()


def export_text(weights: Path, folder: Path, *, version: str) -> EncoderCard:
    """Write a trained table and its card; as `export` does for a network."""
    arrays = read_weights(weights)
    data = text_table(arrays)
    card = dataclasses.replace(
        card_of(Modality.TEXT, data, version=version, dimension=arrays["table"].shape[1]),
        file=f"{TEXT_CARD}.npz",
        opset=None,
    )
    return _written(card, data, folder)


class _Given(NamedTuple):
    """What a trained graph looks at."""

    input: TensorSpec
    sample_rate: int | None
    hop: int | None
    preprocessing_version: int


_GIVEN: Final = {
    Modality.IDENTITY: _Given(
        TensorSpec(name="bands", shape=("b", mel.N_MELS, "t"), dtype="float32"), mel.SAMPLE_RATE, mel.HOP, 1
    ),
    # 2: frames of versions are half as long.
    Modality.VERSION: _Given(
        TensorSpec(name="semitones", shape=("b", semitones.SEMITONES, "t"), dtype="float32"),
        mel.SAMPLE_RATE,
        semitones.POOL * cqt.HOP,
        2,
    ),
    # 2: letters in place of sentence vectors.
    Modality.TEXT: _Given(TensorSpec(name="texts", shape=("n",), dtype="str"), None, None, 2),
}


def card_of(modality: Modality, data: bytes, *, version: str, dimension: int) -> EncoderCard:
    """Describe an exported graph.

    Parameters
    ----------
    modality : Modality
        identity, version or text
    data : bytes
        the graph
    version : str
        raised with every training whose weights are kept
    dimension : int > 0
    """
    given = _GIVEN[modality]
    name = f"samesong-{modality.value}"
    return EncoderCard(
        name=name,
        version=version,
        modality=modality,
        dimension=dimension,
        sample_rate=given.sample_rate,
        hop=given.hop,
        inputs=(given.input,),
        normalisation="l2",
        metric="cosine",
        sha256=hashlib.sha256(data).hexdigest(),
        file=f"{name}.onnx",
        licence="Apache-2.0",
        source_package="samesong",
        source_version=version,
        preprocessing_version=given.preprocessing_version,
        opset=OPSET,
    )


def export(modality: Modality, weights: Path, folder: Path, *, version: str) -> EncoderCard:
    """Write a trained network's graph and card.

    Parameters
    ----------
    modality : Modality
        identity or version
    weights : Path
        ``weights.npz`` of a run
    folder : Path
        gets ``samesong-*.onnx`` and ``samesong-*.json``
    version : str

    Returns
    -------
    card : EncoderCard

    Raises
    ------
    ModelUnavailable
        the weights cannot be read
    """
    arrays = read_weights(weights)
    # The version network was trained with chord steps beside it, which are weighed apart.
    begins = "network."
    if modality is Modality.VERSION:
        arrays = {name.removeprefix(begins): each for name, each in arrays.items() if name.startswith(begins)}
    data = identity_graph(arrays) if modality is Modality.IDENTITY else version_graph(arrays)
    card = card_of(modality, data, version=version, dimension=arrays["out.weight"].shape[0])
    return _written(card, data, folder)


def export_melody(weights: Path, folder: Path) -> Path:
    """Write a trained melody network's graph; without a card, for no stage asks it."""
    path = folder / "samesong-melody.onnx"
    path.write_bytes(melody_graph(read_weights(weights)))
    return path


def _written(card: EncoderCard, data: bytes, folder: Path) -> EncoderCard:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / card.file).write_bytes(data)
    (folder / f"{card.name}.json").write_text(card.to_json(), encoding="utf-8")
    return card
