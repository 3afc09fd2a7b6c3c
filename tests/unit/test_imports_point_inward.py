"""Imports point inward: core, then ports, then edges, then stages, then what wires them."""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# What decides may compute, and nothing more: no I/O, no clock, no randomness, no environment, no logging.
CORE_THIRD_PARTY = {
    "anyascii",
    "ftfy",
    "langcodes",
    "msgspec",
    "numpy",
    "opencc",
    "orjson",
    "rapidfuzz",
    "scipy",
}  # they compute; none reaches out
NOT_IN_CORE = set(
    "asyncio concurrent http logging multiprocessing os random secrets select shutil signal socket "
    "sqlite3 ssl subprocess sys tempfile threading time urllib".split()
)

SHARED = ("streams.errors", "streams.topics")  # names and numbers alone
INNER = {
    "streams.core": ("streams.core", *SHARED),
    "streams.errors": (),
    "streams.topics": (),
    "streams.ports": ("streams.core", "streams.ports", *SHARED),
}
OUTERMOST = ("streams.wiring", "streams.cli", "streams.demo", "streams.simulation", "streams.evaluation")
# Commands build the models, and the demo makes its music; neither is part of serving.
MAY_IMPORT_ENCODERS = (
    "streams.edges.encoder",
    "streams.edges.harmony_lines",
    "streams.edges.landmark_material",
    "streams.edges.sound_blobs",
    "streams.edges.sound_comparison",
    *OUTERMOST,
)


def _modules(package: str) -> Iterator[tuple[str, Path]]:
    for path in sorted((ROOT / package).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def _imports(module: str, path: Path) -> set[str]:
    """List the full names that a module imports, at its top or anywhere inside."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                outer = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*outer, base]) if base else ".".join(outer)
            # `from streams import errors` names a module only together with what follows.
            found.update(f"{base}.{alias.name}" for alias in node.names)
    return found


def _inside(name: str, rooms: tuple[str, ...]) -> bool:
    return any(name == room or name.startswith(f"{room}.") for room in rooms)


@cache
def _graph(package: str) -> tuple[tuple[str, frozenset[str]], ...]:
    """List the modules of a package with what they import: seconds of reading, which collecting is spared."""
    return tuple((module, frozenset(_imports(module, path))) for module, path in _modules(package))


@pytest.mark.parametrize("room", INNER)
def test_an_inner_room_imports_only_what_lies_further_in(room: str) -> None:
    outward = {
        module: sorted(
            name for name in imports if _inside(name, ("streams",)) and not _inside(name, INNER[room])
        )
        for module, imports in _graph("streams")
        if _inside(module, (room,))
    }
    assert {module: names for module, names in outward.items() if names} == {}


def test_edges_and_stages_do_not_know_who_wires_them() -> None:
    outward = {
        module: sorted(name for name in imports if _inside(name, OUTERMOST))
        for module, imports in _graph("streams")
        if _inside(module, ("streams.edges", "streams.stages"))
    }
    assert {module: names for module, names in outward.items() if names} == {}


def test_edges_do_not_import_stages() -> None:
    outward = {
        module: sorted(name for name in imports if _inside(name, ("streams.stages",)))
        for module, imports in _graph("streams")
        if _inside(module, ("streams.edges",))
    }
    assert {module: names for module, names in outward.items() if names} == {}


def test_the_core_computes_and_does_nothing_else() -> None:
    impure: dict[str, list[str]] = {}
    for module, imports in _graph("streams"):
        if not _inside(module, ("streams.core",)):
            continue
        roots = {name.partition(".")[0] for name in imports}
        third_party = roots - sys.stdlib_module_names - {"streams", *CORE_THIRD_PARTY}
        if wrong := sorted(third_party | (roots & NOT_IN_CORE)):
            impure[module] = wrong
    assert impure == {}


def test_encoders_never_import_streams() -> None:
    assert [
        module for module, imports in _graph("encoders") if any(_inside(n, ("streams",)) for n in imports)
    ] == []


def test_one_edge_wraps_the_encoders() -> None:
    others = [
        module
        for module, imports in _graph("streams")
        if any(_inside(name, ("encoders",)) for name in imports) and not _inside(module, MAY_IMPORT_ENCODERS)
    ]
    assert others == []


def test_only_the_composition_root_reads_settings() -> None:
    """Edges and stages get their slice; they may name its type, and never load it."""
    loaders = [
        module
        for module, imports in _graph("streams")
        if "streams.config.load_settings" in imports and not _inside(module, OUTERMOST)
    ]
    assert loaders == []


def test_torch_stays_in_its_rooms() -> None:
    elsewhere = [
        module
        for module, imports in [*_graph("streams"), *_graph("encoders")]
        if any(_inside(name, ("torch",)) for name in imports)
        and not _inside(module, ("encoders.training", "encoders.models", "encoders.export"))
    ]
    assert elsewhere == []
