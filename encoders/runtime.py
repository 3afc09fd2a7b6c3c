"""ONNX Runtime sessions behind a small, deterministic, NumPy-only face."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from encoders.cards import EncoderCard
from encoders.errors import CardMismatch, InvalidSignal, ModelUnavailable, UnusableOutput

FloatArray = NDArray[np.float32]


class OnnxModel:
    """One ONNX graph, checked against its card.

    The file is read once: its digest is compared with the card's and the
    session is built from those same bytes, so a file swapped in between is
    never run. One instance may be shared by threads.

    Parameters
    ----------
    models_dir : Path
        folder that holds ``card.file``
    card : EncoderCard
    threads : int > 0
        intra-op threads; 1 keeps results and timings repeatable
    arena : bool
        keep the memory of a run for the next one: where inputs are large and bounded

    Raises
    ------
    ModelUnavailable
        the file is missing
    CardMismatch
        digest, input names or types differ from the card
    """

    def __init__(self, models_dir: Path, card: EncoderCard, *, threads: int = 1, arena: bool = False) -> None:
        try:
            data = (models_dir / card.file).read_bytes()
        except OSError as exc:
            raise ModelUnavailable(
                f"{card.key}: {card.file} is missing; run `samesong models build`"
            ) from exc
        card.check_bytes(data)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.use_deterministic_compute = True
        # The arena keeps what the largest input needed for ever. Without it, inputs of tens of MB leave holes
        # in the heap: 20 MB for each half minute of an hour of sound (measured).
        options.enable_cpu_mem_arena = arena
        options.enable_mem_pattern = False
        options.log_severity_level = 3
        try:
            self._session: Any = onnxruntime.InferenceSession(
                data, sess_options=options, providers=["CPUExecutionProvider"]
            )
        except Exception as exc:  # onnxruntime's own errors share no narrower base
            raise CardMismatch(f"{card.key}: the file is not a graph this runtime can load: {exc}") from exc
        found = {spec.name for spec in self._session.get_inputs()}
        expected = {spec.name for spec in card.inputs}
        if found != expected:
            raise CardMismatch(f"{card.key}: graph has inputs {sorted(found)}, card says {sorted(expected)}")
        self.card = card
        self.outputs: tuple[str, ...] = tuple(spec.name for spec in self._session.get_outputs())

    def run(self, array: FloatArray, *, output: str | None = None) -> FloatArray:
        """Run the graph on its single input.

        Parameters
        ----------
        array : float32
            in the shape the card gives
        output : str, optional
            name of the output wanted; the first one by default

        Returns
        -------
        result : float32
            always finite

        Raises
        ------
        InvalidSignal
            the input has a wrong rank or type
        UnusableOutput
            the output is not finite
        """
        spec = self.card.inputs[0]
        if array.dtype != np.float32 or array.ndim != len(spec.shape):
            raise InvalidSignal(
                f"{self.card.key}: wants float32 {spec.shape}, got {array.dtype} {array.shape}"
            )
        for have, want in zip(array.shape, spec.shape, strict=True):
            if isinstance(want, int) and have != want:
                raise InvalidSignal(f"{self.card.key}: wants {spec.shape}, got {array.shape}")
        name = output or self.outputs[0]
        result: FloatArray = self._session.run([name], {spec.name: np.ascontiguousarray(array)})[0]
        if not np.isfinite(result).all():
            raise UnusableOutput(f"{self.card.key}: the model's output is not finite")
        return result


def unit_rows(vectors: NDArray[np.floating[Any]]) -> FloatArray:
    """Scale each row to unit length; an all-zero row stays zero.

    Parameters
    ----------
    vectors : float [shape=(n, d)]

    Returns
    -------
    unit : float32 [shape=(n, d)]
    """
    wide = np.asarray(vectors, dtype=np.float64)
    lengths = np.linalg.norm(wide, axis=1, keepdims=True)
    return np.asarray(wide / np.where(lengths > 1e-12, lengths, 1.0), dtype=np.float32)
