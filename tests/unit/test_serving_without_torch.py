"""Serving is NumPy and ONNX Runtime: every module that serves is imported where torch cannot be."""

import subprocess
import sys

SCRIPT = """
import importlib, pkgutil, sys

class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"torch", "torchaudio", "torchvision", "tensorflow"}:
            raise ImportError(f"{name} is blocked")
        return None

sys.meta_path.insert(0, NoTorch())
import streams, encoders, schemas
ROOMS_OF_TORCH = ("encoders.training", "encoders.models", "encoders.export")
names = [
    module.name
    for package in (streams, encoders, schemas)
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + ".")
    if not module.name.startswith(ROOMS_OF_TORCH) and not module.name.endswith(".__main__")
]
for name in names:
    importlib.import_module(name)
assert "torch" not in sys.modules
print(len(names))
"""


def said_by(script: str) -> str:
    """Run a script in a Python of its own."""
    done = subprocess.run(  # noqa: S603 - the scripts of this file
        [sys.executable, "-W", "ignore", "-c", script],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_every_serving_module_is_imported_without_torch() -> None:
    assert int(said_by(SCRIPT).split()[-1]) > 20


def test_who_opens_no_index_and_watches_no_drift_imports_neither_milvus_nor_faust() -> None:
    script = "import streams.wiring, sys; print(sorted({'pymilvus', 'pandas', 'faust'} & sys.modules.keys()))"
    assert said_by(script) == "[]"
