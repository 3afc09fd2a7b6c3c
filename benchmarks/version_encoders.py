"""Which vector brings renderings of one work together, and what aligning the nearest adds."""

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache, cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.kept_renderings import kept_rendering, kept_works
from benchmarks.labelled_tables import DATA
from benchmarks.machine import machine_facts
from benchmarks.rows import write_rows
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
        "soundfonts": _fonts(),
        "vector": {label: ranked(found, labels) for label, found in close.items()},
        "after alignment of the nearest": {
            label: realigned(serves, labels, found)
            for label, found in {"crema (serves)": learned, "CENS": plain, "both": both}.items()
        },
        "average precision of a tenth of the queries at most": round(
            float(np.percentile(average_precisions(serves, labels), 10)), 4
        ),
    }


class _Rows:
    """The rows of the result: what they share is made when the first of them asks.

    Parameters
    ----------
    run : Run
    folder : Path
        where the untrained network is made
    """

    def __init__(self, run: Run, folder: Path) -> None:
        self._run = run
        self._folder = folder

    @cached_property
    def works(self) -> Sequence[Work]:
        """Give the works that are rendered."""
        return kept_works(COUNT)

    @cached_property
    def networks(self) -> Networks:
        """Give the network that serves a part of the vector."""
        network = TrainedVersion.load()
        return {network.card.key: network.of_input}

    def near(self) -> dict[str, Any]:
        """Rank renderings that differ as covers do that keep close, and again after alignment."""
        before = untrained(self._folder)
        networks = self.networks if before is None else {**self.networks, "untrained": before}
        near = self._run(rendered, [(work, k, NEAR) for work in self.works for k in range(RENDERINGS)])
        found = compared(near, networks, self._run)
        vectors = unit_rows(np.stack([each.vector for each in near]))
        straight = lined(vectors @ vectors.T, near, self._run)
        return found | {"straight lines, the first rendering of each work asks": straight}

    def piano(self) -> dict[str, Any]:
        """Rank performances by people, each through the next of the soundfonts."""
        if not PIANO.exists():
            return {}
        notes = enumerate(piano_performances(PIANO))
        played = self._run(_played, [(work, number, each) for number, (work, each) in notes])
        return compared(played, self.networks, self._run)

    def far(self) -> dict[str, Any]:
        """Rank renderings that differ by more than most covers do."""
        further = self.works[: max(1, len(self.works) // 3)]
        far = self._run(rendered, [(work, k, FAR) for work in further for k in range(RENDERINGS)])
        return compared(far, self.networks, self._run)

    def kinds(self) -> dict[str, Any]:
        """Look for the plain rendering of each work by one with a single change."""
        some = self.works[: max(1, len(self.works) // 7)]
        plain = self._run(rendered, [(work, RENDERINGS, KINDS["instruments"]) for work in some])
        changed = {
            kind: self._run(rendered, [(work, RENDERINGS + 1 + at, freedom) for work in some])
            for at, (kind, freedom) in enumerate(KINDS.items())
        }
        return by_kind(changed, plain)


def main() -> None:
    started = machine_facts()
    build_models(default_models_dir())
    several = len(soundfonts()) > 1
    with TemporaryDirectory(prefix="samesong-bench-") as name, ProcessPoolExecutor(PROCESSES) as pool:

        def run(task: Callable[[Any], Any], given: Sequence[Any]) -> list[Any]:
            return list(pool.map(task, given, chunksize=4))

        rows = _Rows(run, Path(name))
        write_rows(
            "version_encoders",
            f"{RENDERINGS} renderings of each work (far: of a third of the works, one change each: of a "
            "seventh), each ranked against all others; works and collections that were not trained on; "
            "rendered: nothing is claimed of covers by others",
            (
                ("near", rows.near),
                ("piano_several_soundfonts" if several else "piano-performances-midi", rows.piano),
                ("far", rows.far),
                ("one change each, mean reciprocal rank", rows.kinds),
            ),
            started=started,
            works=COUNT,
        )


if __name__ == "__main__":
    main()
