"""Index builds from outside of the index stage: list, rebuild, promote, drop."""

from collections.abc import Iterator
from contextlib import contextmanager

from streams.config import Settings
from streams.connection import bootstrap_of, codec_for, kafka_extra
from streams.edges.log_reader import LogReader
from streams.errors import ConfigError
from streams.ports import CandidateIndex, IndexBuild
from streams.stages.index_position import KafkaRowLog
from streams.stages.rebuild import rebuild
from streams.wiring.parts import candidate_index


def rebuild_index(settings: Settings) -> IndexBuild:
    """Fold `index.row.v1` from its start into a new build, verify it, and switch the alias to it.

    With Milvus Lite the index stage must not run meanwhile: one process owns the store.
    """
    with _opened(settings) as index, LogReader(bootstrap_of(settings), kafka_extra(settings)) as reader:
        return rebuild(index, KafkaRowLog(reader), codec_for(settings))


def index_builds(settings: Settings) -> tuple[IndexBuild, ...]:
    """List the builds of the index."""
    with _opened(settings) as index:
        return index.builds()


def promote_build(settings: Settings, name: str) -> IndexBuild:
    """Switch the alias to a build: the roll-back after a rebuild.

    Raises
    ------
    ConfigError
        there is no such build, or the rebuild that made it did not finish
    """
    with _opened(settings) as index:
        if any(build.name == name and build.filling for build in index.builds()):
            raise ConfigError(f"index build {name!r} was never finished: `samesong index rebuild`")
        index.promote(name)
        return index.active()


def drop_build(settings: Settings, name: str) -> None:
    """Delete a build that is not active."""
    with _opened(settings) as index:
        index.drop(name)


@contextmanager
def _opened(settings: Settings) -> Iterator[CandidateIndex]:
    index = candidate_index(settings)
    try:
        yield index
    finally:
        index.close()
