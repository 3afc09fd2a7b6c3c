"""Which vector brings renderings of one work together, and what aligning the nearest adds."""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.kept_renderings import kept_rendering, kept_works
from benchmarks.labelled_tables import DATA
from benchmarks.machine import machine_facts, write_result
from benchmarks.version_queries import (
    FAR,
    KINDS,
    NEAR,
    RENDERINGS,
    Rendering,
    heard,
    piano_performances,
    rendering,
)
from benchmarks.version_realigned import Aligned, Run, aligned, labels_of, lined, ranked, realigned
from encoders.build import build_models, default_models_dir
from encoders.evaluation.metrics import average_precisions
from encoders.features.semitones import version_input
from encoders.runtime import unit_rows
from encoders.trained import TrainedVersion
from encoders.training.arranging import Freedom
from encoders.training.playing import Player, default_soundfont
from encoders.training.works import Work
from streams.edges.encoder import BundleEncoder

# Soundfonts that no encoder was trained on, with ":" between them; default: the small one of pretty_midi.
SOUNDFONTS = "SAMESONG_BENCH_SOUNDFONTS"
COUNT = int(os.environ.get("SAMESONG_BENCH_WORKS", "150"))
PROCESSES = int(os.environ.get("SAMESONG_BENCH_PROCESSES", str(os.cpu_count() or 1)))
PIANO = DATA / "piano-performances-midi"

Networks = Mapping[str, Callable[[NDArray[np.float32]], Any]]


def soundfonts() -> list[Path]:
    """Give the soundfonts that renderings take in turn."""
    given = os.environ.get(SOUNDFONTS)
    return [Path(part) for part in given.split(":")] if given else [default_soundfont()]


class _Tools(NamedTuple):
    """What a process listens with."""

    players: list[Player]
    encoder: BundleEncoder


@cache
def _tools() -> _Tools:
    return _Tools([Player(font) for font in soundfonts()], BundleEncoder.load(default_models_dir()))


def rendered(task: tuple[Work, int, Freedom]) -> Rendering:
    """Render a work once, or take what was kept: its work, the rendering's number, what may differ."""
    work, number, freedom = task
    key = f"{work.name}|{_digest(work.notes)}|{number}|{freedom}|{_fonts()}"
    return kept_rendering(key, lambda: rendering(work, number, *_tools(), freedom=freedom))


def _played(task: tuple[str, int, NDArray[np.void]]) -> Rendering:
    work, number, notes = task

    def played() -> Rendering:
        players, encoder = _tools()
        return heard(work, players[number % len(players)].play(notes), encoder)

    return kept_rendering(f"{work}|{_digest(notes)}|{number}|{_fonts()}", played)


def _digest(notes: NDArray[np.void]) -> str:
    return hashlib.sha256(notes.tobytes()).hexdigest()


def _fonts() -> list[str]:
    return [font.name for font in soundfonts()]


def untrained(folder: Path) -> Callable[[NDArray[np.float32]], Any] | None:
    """Make our network as it is before training; none without torch."""
    try:
        import torch

        from encoders.models.version_net import WorkNet
        from encoders.training.loop import save_weights
    except ImportError:
        return None
    from encoders.cards import Modality
    from encoders.export import export

    torch.manual_seed(0)
    save_weights(folder / "weights.npz", WorkNet())
    export(Modality.VERSION, folder / "weights.npz", folder, version="0")
    return TrainedVersion.load(folder).of_input


def similarities(renderings: Sequence[Rendering], networks: Networks) -> dict[str, NDArray[np.float32]]:
    """Compare every rendering with every other by each vector."""
    inputs = [version_input(each.frames.astype(np.float32)) for each in renderings]
    vectors = {
        "crema, 2-D FFT": [each.crema for each in renderings],
        "CENS, 2-D FFT": [each.cens for each in renderings],
        "both, 2-D FFT (served before)": [each.former for each in renderings],
        **{label: [network(each) for each in inputs] for label, network in networks.items()},
        "samesong-work (serves)": [each.vector for each in renderings],
    }
    units = {label: unit_rows(np.stack(rows)) for label, rows in vectors.items()}
    return {label: unit @ unit.T for label, unit in units.items()}


def by_kind(found: Mapping[str, Sequence[Rendering]], plain: Sequence[Rendering]) -> dict[str, Any]:
    """Look for the plain rendering of each work by one with a single change: mean reciprocal rank."""
    works = labels_of(plain)
    base = np.stack([each.vector for each in plain])
    former = np.stack([each.former for each in plain])
    out = {}
    for kind, renderings in found.items():
        scores = {}
        for label, gallery, queries in (
            ("samesong-work", base, [each.vector for each in renderings]),
            ("2-D FFT", former, [each.former for each in renderings]),
        ):
            close = np.stack(queries) @ gallery.T
            ranks = (close > close[works, works][:, None]).sum(axis=1) + 1
            scores[label] = round(float((1.0 / ranks).mean()), 4)
        out[kind] = scores
    return out


def compared(renderings: Sequence[Rendering], networks: Networks, run: Run) -> dict[str, Any]:
    """Rank by each vector, and again after alignment."""
    labels = labels_of(renderings)
    close = similarities(renderings, networks)
    serves = close["samesong-work (serves)"]
    learned = aligned(serves, [each.pitches for each in renderings], run)
    plain = aligned(serves, [each.chroma for each in renderings], run)
    both = Aligned((learned.shared + plain.shared) / 2.0, learned.seconds + plain.seconds)
    return {
        "renderings": len(renderings),
        "vector": {label: ranked(found, labels) for label, found in close.items()},
        "after alignment of the nearest": {
            label: realigned(serves, labels, found)
            for label, found in {"crema (serves)": learned, "CENS": plain, "both": both}.items()
        },
        "average precision of a tenth of the queries at most": round(
            float(np.percentile(average_precisions(serves, labels), 10)), 4
        ),
    }


def sections(works: Sequence[Work], run: Run, folder: Path) -> Iterator[tuple[str, Any]]:
    """Give each figure under its name."""
    network = TrainedVersion.load()
    networks: Networks = {network.card.key: network.of_input}
    before = untrained(folder)
    with_untrained = networks if before is None else {**networks, "untrained": before}
    near = run(rendered, [(work, k, NEAR) for work in works for k in range(RENDERINGS)])
    found = compared(near, with_untrained, run)
    vectors = unit_rows(np.stack([each.vector for each in near]))
    yield (
        "near",
        found
        | {"straight lines, the first rendering of each work asks": lined(vectors @ vectors.T, near, run)},
    )
    if PIANO.exists():
        notes = enumerate(piano_performances(PIANO))
        played = run(_played, [(work, number, each) for number, (work, each) in notes])
        yield "piano-performances-midi", compared(played, networks, run)
    further = works[: max(1, len(works) // 3)]
    some = works[: max(1, len(works) // 7)]
    far = run(rendered, [(work, k, FAR) for work in further for k in range(RENDERINGS)])
    yield "far", compared(far, networks, run)
    plain = run(rendered, [(work, RENDERINGS, KINDS["instruments"]) for work in some])
    changed = {
        kind: run(rendered, [(work, RENDERINGS + 1 + at, freedom) for work in some])
        for at, (kind, freedom) in enumerate(KINDS.items())
    }
    yield "one change each, mean reciprocal rank", by_kind(changed, plain)


def main() -> None:
    started = machine_facts()
    build_models(default_models_dir())
    works = kept_works(COUNT)
    figures: dict[str, Any] = {"works": len(works), "soundfonts": [font.name for font in soundfonts()]}
    with TemporaryDirectory(prefix="samesong-bench-") as name, ProcessPoolExecutor(PROCESSES) as pool:

        def run(task: Callable[[Any], Any], given: Sequence[Any]) -> list[Any]:
            return list(pool.map(task, given, chunksize=4))

        for label, found in sections(works, run, Path(name)):
            figures[label] = found
            # What ends early leaves what it had.
            write_result(
                "version_encoders",
                f"{RENDERINGS} renderings of each work (far: of a third of the works, one change each: of a "
                "seventh), each ranked against all others; works and collections that were not trained on; "
                "rendered: nothing is claimed of covers by others",
                figures,
                started=started,
            )


if __name__ == "__main__":
    main()
