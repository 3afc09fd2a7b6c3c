"""Hearing real music: the whole encode stage beside bare decoding and bare ONNX Runtime on the same files.

CPU seconds, the decoding child's included, so that x realtime is per core. The three follow each other in
every round, each time another one first, and the median of the rounds' ratios is told: what is compared was
done at one moment, and no round counts for more than another. Beside it stands the ratio of the least
times, which favours what takes least time, since a short while is undisturbed more often than a long one.
"""

import tempfile
import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple
from unittest.mock import patch

import av
import numpy as np
import onnxruntime
import orjson
import psutil
from numpy.typing import NDArray

from benchmarks.long_medium import long_medium, peak_rss
from benchmarks.machine import machine_facts, write_result
from encoders.build import default_models_dir
from encoders.packages import DEMO_MUSIC, fetch
from encoders.runtime import OnnxModel
from streams.config import load_settings
from streams.edges.avro import AvroCodec
from streams.edges.encoder import BundleEncoder
from streams.edges.media_roots import add_media_roots
from streams.ports import Message
from streams.stages.encode import ENCODED, EncodeProcessor
from streams.wiring.parts import feature_store, media_reader

CLIPS = 10
ROUNDS = 15
SAMPLE_RATE = 22_050


class _Call(NamedTuple):
    """One run of a model, as the stage made it."""

    model: str
    array: NDArray[np.float32]


def cpu_seconds() -> float:
    """Return CPU time of this process and the children that it has now."""
    own = psutil.Process()
    return sum(sum(process.cpu_times()[:2]) for process in (own, *own.children(recursive=True)))


def measured(work: Callable[[], object]) -> tuple[float, float]:
    """Return the CPU and wall seconds of a call."""
    cpu, wall = cpu_seconds(), time.perf_counter()
    work()
    return cpu_seconds() - cpu, time.perf_counter() - wall


def clips(folder: Path) -> list[Path]:
    """Unpack freely licensed music, spread over its styles."""
    with zipfile.ZipFile(fetch(DEMO_MUSIC)) as wheel:
        names = sorted(name for name in wheel.namelist() if name.endswith(".opus"))
        paths = []
        for name in names[:: max(1, len(names) // CLIPS)][:CLIPS]:
            paths.append(folder / Path(name).name)
            paths[-1].write_bytes(wheel.read(name))
    return paths


def decode(path: Path) -> float:
    """Decode a file to mono samples with PyAV alone; give its seconds."""
    resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE)
    samples = 0
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            samples += sum(each.samples for each in resampler.resample(frame))
        samples += sum(each.samples for each in resampler.resample(None))
    return samples / SAMPLE_RATE


def messages(paths: Sequence[Path]) -> list[Message]:
    bodies = [
        {
            "source": "bench",
            "item_id": path.name,
            "kind": "recording",
            "title": path.stem,
            "media": [{"role": "audio", "uri": path.as_uri()}],
        }
        for path in paths
    ]
    return [
        Message(topic="catalog.upload.v1", partition=0, offset=at, key=b"k", value=orjson.dumps(body))
        for at, body in enumerate(bodies)
    ]


def sessions(calls: Sequence[_Call]) -> dict[str, Any]:
    """Open each model that was called, with the settings that serving uses and nothing around it."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_mem_pattern = False
    folder = default_models_dir()
    return {
        model: onnxruntime.InferenceSession(str(folder / model), options, providers=["CPUExecutionProvider"])
        for model in {call.model for call in calls}
    }


def main() -> None:
    started = machine_facts()
    with tempfile.TemporaryDirectory(prefix="samesong-bench-") as name:
        figures = measure(Path(name))
    write_result(
        "audio_encoding",
        f"{CLIPS} opus files of real music: the whole encode stage (fetch, decoding child, all sound "
        f"encoders, feature store, Avro), bare PyAV (decode, to mono {SAMPLE_RATE} Hz) and bare ONNX "
        f"Runtime; {ROUNDS} rounds, CPU seconds: medians",
        figures,
        started=started,
    )


def measure(folder: Path) -> dict[str, Any]:
    media, data = folder / "media", folder / "data"
    media.mkdir()
    data.mkdir()
    paths = clips(media)
    settings = load_settings(data_dir=data)
    add_media_roots(data, [media])
    reader = media_reader(settings)
    processor = EncodeProcessor(
        AvroCodec(), BundleEncoder.load(), media=reader, store=feature_store(settings)
    )
    batch, calls = messages(paths), list[_Call]()
    serve = OnnxModel.run

    def kept(self: OnnxModel, array: NDArray[np.float32], *, output: str | None = None) -> Any:
        calls.append(_Call(self.card.file, array.copy()))
        return serve(self, array, output=output)

    # Warms everything up too, the child included.
    with patch.object(OnnxModel, "run", kept):
        produced = processor.process(batch)
    codec = AvroCodec()
    refused = [
        each
        for each in produced
        if each.topic == ENCODED and codec.decode(ENCODED, each.value or b"").refusal is not None
    ]
    assert not refused, "every clip must be heard"
    audio_s = sum(decode(path) for path in paths)
    opened = sessions(calls)

    def infer() -> None:
        for model, array in calls:
            session = opened[model]
            session.run([session.get_outputs()[0].name], {session.get_inputs()[0].name: array})

    infer()
    works: dict[str, Callable[[], object]] = {
        "stage": lambda: processor.process(batch),
        "bare_decode": lambda: [decode(path) for path in paths],
        "bare_onnx": infer,
    }
    names = list(works)
    rounds = []
    for number in range(ROUNDS):
        turn = number % len(names)
        rounds.append({name: measured(works[name]) for name in names[turn:] + names[:turn]})
    hour = measure_hour(processor, paths, media / "hour.opus")
    reader.close()
    ratios = [each["stage"][0] / (each["bare_decode"][0] + each["bare_onnx"][0]) for each in rounds]
    middle, least = (
        {name: reduce(each[name][0] for each in rounds) for name in works} for reduce in (median, min)
    )
    return {
        "audio_s": round(audio_s, 1),
        "files": len(paths),
        "onnx_calls": len(calls),
        "cpu_s": {name: round(value, 3) for name, value in middle.items()},
        "least_cpu_s": {name: round(value, 3) for name, value in least.items()},
        "wall_s": {name: round(median(each[name][1] for each in rounds), 3) for name in works},
        "stage_x_realtime_per_core": round(audio_s / middle["stage"], 1),
        "stage_over_bare_decode_and_onnx": round(median(ratios), 2),
        "ratio_of_least_times": round(least["stage"] / (least["bare_decode"] + least["bare_onnx"]), 2),
        "ratio_of_each_round": [round(each, 2) for each in ratios],
        "hour": hour,
    }


def measure_hour(processor: EncodeProcessor, paths: Sequence[Path], path: Path) -> dict[str, Any]:
    """Hear an hour in one piece: memory first, then time, the models' measured inside the stage."""
    long_medium(paths, path, seconds=3600)
    batch, serve, spent = messages([path]), OnnxModel.run, [0.0]

    def timed(self: OnnxModel, array: NDArray[np.float32], *, output: str | None = None) -> Any:
        began = time.thread_time()
        try:
            return serve(self, array, output=output)
        finally:
            spent[0] += time.thread_time() - began

    before = psutil.Process().memory_info().rss
    own, child = peak_rss(lambda: processor.process(batch))
    with patch.object(OnnxModel, "run", timed):
        stage, _ = measured(lambda: processor.process(batch))
    bare, _ = measured(lambda: decode(path))
    return {
        "cpu_s": {"stage": round(stage, 2), "bare_decode": round(bare, 2), "onnx": round(spent[0], 2)},
        "stage_x_realtime_per_core": round(3600 / stage, 1),
        "stage_over_bare_decode_and_onnx": round(stage / (bare + spent[0]), 2),
        "rss_mb_before": round(before / 2**20),
        "peak_rss_mb": round(own / 2**20),
        "peak_rss_mb_child": round(child / 2**20),
    }


if __name__ == "__main__":
    main()
