"""Which encoder brings renderings of one work together: the packaged ones, ours, and ours before training."""

import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.machine import machine_facts, write_result
from benchmarks.version_queries import RENDERINGS, WORKS, Rendering, chosen, rendering
from encoders.build import build_models, default_models_dir, packaged_dir
from encoders.evaluation.metrics import average_precision
from encoders.features.semitones import version_input
from encoders.runtime import OnnxModel
from encoders.training.playing import Player, default_soundfont
from encoders.training.scores import MEASURED_SOURCES, music21_works
from encoders.version import VersionEncoder

# Soundfonts that no encoder was trained on, with ":" between them; default: the small one of pretty_midi.
SOUNDFONTS = "SAMESONG_BENCH_SOUNDFONTS"
COUNT = int(os.environ.get("SAMESONG_BENCH_WORKS", str(WORKS)))


def mean_average_precision(vectors: NDArray[np.float32], labels: Sequence[str]) -> float:
    """Rank every rendering against all others."""
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    close = unit @ unit.T
    found = []
    for number, label in enumerate(labels):
        order = [int(other) for other in np.argsort(-close[number], kind="stable") if other != number]
        wanted = {other for other, name in enumerate(labels) if name == label and other != number}
        found.append(average_precision(order, wanted))
    return float(np.mean(found))


def vectors_of(model: OnnxModel, renderings: Sequence[Rendering]) -> NDArray[np.float32]:
    """Give our network's vector of each rendering."""
    inputs = (version_input(each.frames.astype(np.float32)) for each in renderings)
    return np.concatenate([model.run(each[None]) for each in inputs])


def untrained(folder: Path) -> OnnxModel | None:
    """Make our network as it is before training; none without torch."""
    try:
        import torch

        from encoders.models.version_net import VersionNet
        from encoders.training.loop import save_weights
    except ImportError:
        return None
    from encoders.cards import Modality
    from encoders.export import export

    torch.manual_seed(0)
    save_weights(folder / "weights.npz", VersionNet())
    return OnnxModel(folder, export(Modality.VERSION, folder / "weights.npz", folder, version="0"))


def main() -> None:
    from encoders.cards import EncoderCard
    from encoders.trained import VERSION

    started = machine_facts()
    build_models(default_models_dir())
    given = os.environ.get(SOUNDFONTS)
    fonts = [Path(part) for part in given.split(":")] if given else [default_soundfont()]
    players = [Player(font) for font in fonts]
    encoder = VersionEncoder.load(default_models_dir())
    works = chosen(list(music21_works(MEASURED_SOURCES)), COUNT)
    renderings = [rendering(work, k, players, encoder) for work in works for k in range(RENDERINGS)]
    labels = [each.work for each in renderings]
    packaged = packaged_dir()
    models = {VERSION: OnnxModel(packaged, EncoderCard.load(packaged / f"{VERSION}.json"))}
    with TemporaryDirectory(prefix="samesong-bench-") as name:
        before = untrained(Path(name))
        if before is not None:
            models["untrained"] = before
        found = {
            "crema, 2-D FFT": np.stack([each.crema for each in renderings]),
            "CENS, 2-D FFT": np.stack([each.cens for each in renderings]),
            "packaged (both)": np.stack([each.packaged for each in renderings]),
            **{label: vectors_of(model, renderings) for label, model in models.items()},
        }
    figures: dict[str, Any] = {
        "works": len(works),
        "renderings": len(renderings),
        "soundfonts": [font.name for font in fonts],
        "map": {label: round(mean_average_precision(each, labels), 4) for label, each in found.items()},
    }
    write_result(
        "version_encoders",
        f"{RENDERINGS} renderings of each work, every one ranked against all others; works and collections "
        "that were not trained on",
        figures,
        started=started,
    )


if __name__ == "__main__":
    main()
