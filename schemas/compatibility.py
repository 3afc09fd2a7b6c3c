"""Hold every schema to its released versions: ``python -m schemas.compatibility [--release VERSION]``.

``baseline/VERSION/`` holds the schemas of each release. A topic whose mode in ``subjects.toml`` is transitive
is checked against all of them, another against the newest; both ways round, with Apache's own ``avro``.
"""

import argparse
import shutil
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType
from avro.schema import parse

HERE = Path(__file__).parent


def incompatibility(*, reader: str, writer: str) -> str | None:
    """Say why a reader's schema cannot read what a writer's schema wrote, None when it can.

    Parameters
    ----------
    reader, writer : str
        schemas as JSON text
    """
    checker = ReaderWriterCompatibilityChecker()  # type: ignore[no-untyped-call]  # avro leaves it untyped
    result = checker.get_compatibility(parse(reader), parse(writer))
    if result.compatibility is SchemaCompatibilityType.compatible:
        return None
    places = ", ".join(sorted(set(result.locations)))
    return f"{'; '.join(sorted(set(result.messages)))} (at {places})"


def releases(folder: Path) -> tuple[Path, ...]:
    """Return the folders of the released versions, oldest first."""
    found = [path for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []
    return tuple(sorted(found, key=lambda path: tuple(int(part) for part in path.name.split("."))))


def _texts(folder: Path) -> Mapping[str, str]:
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.avsc"))}


def problems(*, current: Path, baseline: Path, modes: Mapping[str, str]) -> Iterator[str]:
    """Name every schema that does not understand a released one, or is not understood by it.

    Parameters
    ----------
    current, baseline : Path
        folder of the schemas; folder with one folder per released version
    modes : mapping of str to str
        compatibility mode by topic
    """
    schemas, versions = _texts(current), releases(baseline)
    for version in versions:
        for topic, released in _texts(version).items():
            if topic not in schemas:
                yield f"{topic}: its schema of {version.name} is gone; a released topic keeps its schema"
                continue
            if topic not in modes:
                yield f"{topic}: subjects.toml does not list it"
                continue
            if version is not versions[-1] and not modes[topic].endswith("_TRANSITIVE"):
                continue
            backward = incompatibility(reader=schemas[topic], writer=released)
            if backward:
                yield f"{topic}: cannot read what {version.name} wrote: {backward}"
            forward = incompatibility(reader=released, writer=schemas[topic])
            if forward:
                yield f"{topic}: {version.name} cannot read what it writes: {forward}"


def listed_modes() -> Mapping[str, str]:
    """Return the compatibility mode of each topic, as ``subjects.toml`` lists it."""
    with (HERE / "subjects.toml").open("rb") as file:
        return {topic: entry["compatibility"] for topic, entry in tomllib.load(file).items()}


def release(version: str, *, current: Path, baseline: Path) -> Path:
    """Keep the schemas as they are as those of a released version."""
    target = baseline / version
    target.mkdir(parents=True)
    for path in sorted(current.glob("*.avsc")):
        shutil.copyfile(path, target / path.name)
    return target


def main(arguments: list[str] | None = None) -> int:
    """Check; status 1 and one line per problem where something does not fit."""
    parser = argparse.ArgumentParser(
        prog="python -m schemas.compatibility", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--release", metavar="VERSION", help="then keep the schemas as those of this version")
    wanted = parser.parse_args(arguments).release
    found = tuple(problems(current=HERE, baseline=HERE / "baseline", modes=listed_modes()))
    for problem in found:
        print(problem, file=sys.stderr)
    if found:
        return 1
    if wanted:
        release(wanted, current=HERE, baseline=HERE / "baseline")
    print(f"{len(listed_modes())} schemas fit {len(releases(HERE / 'baseline'))} released version(s)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
