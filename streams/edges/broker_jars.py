"""The jars of Apache Kafka: resolved by jgo, pinned by sha256, cached by content.

``python -m streams.edges.broker_jars lock [VERSION]`` resolves anew and rewrites the lock.
"""

import hashlib
import os
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import platformdirs
from jgo.maven import MavenContext

from streams.errors import ConfigError

KAFKA = "org.apache.kafka:kafka_2.13"
KAFKA_VERSION = "4.4.0"
# Kafka brings log4j's core but no binding of slf4j to it: without one the broker logs nothing.
LOG_BINDING = "org.apache.logging.log4j:log4j-slf4j-impl"
LOG_CORE = "org.apache.logging.log4j:log4j-core"
LOCK_NAME = "kafka_jars.lock"
FETCHES_AT_ONCE = 8
TIMEOUT_SECONDS = 60


class BrokerJarsMissing(ConfigError):
    """The embedded Kafka's jars are neither cached nor to be had."""

    code = "broker_jars_missing"


class BrokerJarsChanged(ConfigError):
    """A fetched jar is not the one that was pinned."""

    code = "broker_jars_changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Jar:
    """One pinned jar.

    Attributes
    ----------
    coordinate : str
        ``group:artifact:version`` on Maven Central
    sha256 : str
        of the jar's bytes, in hex
    size : int [bytes]
    """

    coordinate: str
    sha256: str
    size: int

    @property
    def file_name(self) -> str:
        """Return the name the jar has in its repository."""
        _, artifact, version = self.coordinate.split(":")
        return f"{artifact}-{version}.jar"

    def path_in(self, cache: Path) -> Path:
        """Return where the jar lies in a cache, addressed by its content."""
        return cache / self.sha256[:24] / self.file_name


def parse_lock(text: str) -> tuple[Jar, ...]:
    """Read a lock: per line a coordinate, a sha256 and a size; ``#`` starts a comment.

    Raises
    ------
    ConfigError
        a line has another form
    """
    jars = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        fields = line.split()
        if len(fields) != 3 or fields[0].count(":") != 2 or len(fields[1]) != 64 or not fields[2].isdecimal():
            raise ConfigError(f"{LOCK_NAME} line {number} is not 'group:artifact:version sha256 size'")
        jars.append(Jar(coordinate=fields[0], sha256=fields[1], size=int(fields[2])))
    return tuple(jars)


def format_lock(jars: Iterable[Jar]) -> str:
    """Write a lock that :func:`parse_lock` reads, sorted by coordinate."""
    lines = [
        "# The embedded Kafka: Maven coordinate, sha256, bytes. Every jar is checked before it is used.",
        "# Written by: python -m streams.edges.broker_jars lock",
    ]
    lines += [f"{jar.coordinate} {jar.sha256} {jar.size}" for jar in sorted(jars, key=lambda j: j.coordinate)]
    return "\n".join(lines) + "\n"


def locked_jars() -> tuple[Jar, ...]:
    """Return the jars of the lock that ships with the package."""
    return parse_lock(resources.files("streams.edges").joinpath(LOCK_NAME).read_text(encoding="utf-8"))


def default_cache() -> Path:
    """Return the folder below the user's cache where jars are kept."""
    return Path(platformdirs.user_cache_dir("samesong")) / "jars"


def digest_of(path: Path) -> str:
    """Return a file's sha256 in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_good(path: Path, *, jar: Jar) -> bool:
    """Say whether a file is there and is exactly the pinned jar."""
    return path.is_file() and path.stat().st_size == jar.size and digest_of(path) == jar.sha256


def _fetch(jar: Jar, *, context: MavenContext, cache: Path) -> None:
    """Fetch one jar, check it, then put it into the cache in one step."""
    fetched = Path(context.create_dependency(jar.coordinate).artifact.resolve())
    found = digest_of(fetched)
    if found != jar.sha256:
        raise BrokerJarsChanged(
            f"{jar.coordinate} has sha256 {found}, but {jar.sha256} is pinned: it is not used. "
            "Check the repository or proxy that it came from."
        )
    target = jar.path_in(cache)
    target.parent.mkdir(parents=True, exist_ok=True)
    os.replace(fetched, target)


def ensure_jars(jars: tuple[Jar, ...] | None = None, *, cache: Path | None = None) -> tuple[Path, ...]:
    """Return the checked jars of the embedded Kafka, fetching what the cache lacks.

    Parameters
    ----------
    jars : tuple of Jar, optional
        by default those of the lock that ships with the package
    cache : Path, optional
        by default a folder below the user's cache

    Returns
    -------
    paths : tuple of Path
        in the order of ``jars``; every one has the pinned sha256

    Raises
    ------
    BrokerJarsMissing
        some are not cached and cannot be fetched
    BrokerJarsChanged
        a fetched jar has another sha256 than the pinned one
    """
    jars = locked_jars() if jars is None else jars
    cache = cache or default_cache()
    missing = [jar for jar in jars if not is_good(jar.path_in(cache), jar=jar)]
    if missing:
        cache.mkdir(parents=True, exist_ok=True)
        # Fetched aside, since an interrupted download would leave half a jar under its final name.
        with tempfile.TemporaryDirectory(dir=cache, prefix="fetch-") as aside:
            context = MavenContext(repo_cache=Path(aside), timeout=TIMEOUT_SECONDS)
            try:
                with ThreadPoolExecutor(FETCHES_AT_ONCE) as pool:
                    list(pool.map(lambda jar: _fetch(jar, context=context, cache=cache), missing))
            except (OSError, RuntimeError) as exc:  # what requests and jgo raise
                still = [jar.coordinate for jar in missing if not jar.path_in(cache).is_file()]
                raise BrokerJarsMissing(
                    f"The embedded Kafka needs {len(still)} of its {len(jars)} jars from Maven Central "
                    f"and could not fetch them (first: {still[0] if still else missing[0].coordinate}; "
                    f"{type(exc).__name__}). Connect to the network once; they are then kept in {cache}. "
                    "Or use a Kafka cluster of your own: --bootstrap HOST:PORT, or set "
                    "SAMESONG_KAFKA__BOOTSTRAP=HOST:PORT."
                ) from exc
    return tuple(jar.path_in(cache) for jar in jars)


def resolve_jars(version: str = KAFKA_VERSION) -> tuple[Jar, ...]:
    """Resolve Kafka's whole runtime on Maven Central and hash it (network).

    Parameters
    ----------
    version : str
        of ``org.apache.kafka:kafka_2.13``
    """
    with tempfile.TemporaryDirectory(prefix="samesong-jars-") as aside:
        context = MavenContext(repo_cache=Path(aside), timeout=TIMEOUT_SECONDS)
        direct, transitive = context.resolver.resolve([context.create_dependency(f"{KAFKA}:{version}")])
        found = {f"{d.groupId}:{d.artifactId}": d for d in (*direct, *transitive)}
        binding = f"{LOG_BINDING}:{found[LOG_CORE].version}"
        found[LOG_BINDING] = context.create_dependency(binding)
        with ThreadPoolExecutor(FETCHES_AT_ONCE) as pool:
            paths = list(pool.map(lambda d: Path(d.artifact.resolve()), found.values()))
        return tuple(
            Jar(coordinate=f"{name}:{d.version}", sha256=digest_of(path), size=path.stat().st_size)
            for (name, d), path in zip(found.items(), paths, strict=True)
        )


def main(arguments: list[str]) -> int:
    """Write the lock anew beside this module."""
    if not arguments or arguments[0] != "lock" or len(arguments) > 2:
        print("usage: python -m streams.edges.broker_jars lock [VERSION]", file=sys.stderr)
        return 2
    jars = resolve_jars(*arguments[1:])
    target = Path(__file__).with_name(LOCK_NAME)
    target.write_text(format_lock(jars), encoding="utf-8")
    print(f"{target.name}: {len(jars)} jars, {sum(jar.size for jar in jars)} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
