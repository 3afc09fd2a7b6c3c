"""Works and what was heard of their renderings, kept outside of the repository: a run that ended goes on."""

from __future__ import annotations

import hashlib
import inspect
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from platformdirs import user_cache_path

from benchmarks import patch_spectrum, version_queries
from benchmarks.decoded_sounds import CACHE
from benchmarks.version_queries import Rendering, measured_works
from encoders.build import IDENTITY_CARD, NETWORK_CARD, VERSION_CARD, WORK_CARD, card_path, default_models_dir
from encoders.fingerprint import FINGERPRINT_VERSION
from encoders.landmarks import LANDMARKS_VERSION
from encoders.training import arranging, composing, playing
from encoders.training.works import Work, load_works, save_works
from encoders.version_lines import LINES_VERSION
from streams.edges.sound_blobs import FORMAT


def kept_works(count: int) -> list[Work]:
    """Give `measured_works`, read once: parsing the scores takes minutes."""
    path = _folder() / f"works-{count}.npz"
    if not path.is_file():
        unfinished = path.with_suffix(".part.npz")
        save_works(unfinished, measured_works(count))
        unfinished.replace(path)
    return list(load_works(path))


def kept_rendering(key: str, make: Callable[[], Rendering]) -> Rendering:
    """Give a rendering that was heard before by the same models, else make it.

    Parameters
    ----------
    key : str
        what is played, and how
    make : callable
    """
    name = hashlib.sha256(f"{_recipe()}|{key}".encode()).hexdigest()[:32]
    path = _folder() / f"rendering-{name}.npz"
    if path.is_file():
        with np.load(path, allow_pickle=False) as kept:
            fields: dict[str, Any] = {label: kept[label] for label in kept}
        return Rendering(**{**fields, "work": str(fields["work"])})
    found = make()
    unfinished = path.with_suffix(f".{os.getpid()}.part.npz")
    np.savez(unfinished, **asdict(found))
    unfinished.replace(path)
    return found


def _recipe() -> str:
    """Name what a rendering hangs on beside its work: the models, and the code that plays and damages."""
    cards = "".join(
        card_path(default_models_dir(), card).read_text(encoding="utf-8")
        for card in (IDENTITY_CARD, VERSION_CARD, NETWORK_CARD, WORK_CARD)
    )
    code = "".join(
        inspect.getsource(module)
        for module in (arranging, composing, playing, patch_spectrum, version_queries)
    )
    kept = FORMAT, FINGERPRINT_VERSION, LANDMARKS_VERSION, LINES_VERSION
    return hashlib.sha256(f"{cards}{kept}{code}".encode()).hexdigest()


def _folder() -> Path:
    folder = Path(os.environ.get(CACHE) or user_cache_path("samesong") / "bench-sounds")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
