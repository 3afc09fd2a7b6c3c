"""Index builds from outside of the index stage: list, rebuild, promote, drop, and what they missed."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from streams.config import Settings
from streams.connection import bootstrap_of, codec_for, kafka_extra
from streams.core.index_rows import LiveRows
from streams.core.rechecking import Proposal, last_good_watermark
from streams.core.records import IndexRow
from streams.edges.committed_log import read_topic
from streams.edges.log_reader import LogReader
from streams.edges.sound_comparison import FeatureConfirmer
from streams.errors import ConfigError
from streams.ports import CandidateIndex, IndexBuild, IndexSummary
from streams.stages.find import FindProcessor
from streams.stages.index import WATERMARK_TOPIC, decode_rows
from streams.stages.index_position import KafkaRowLog
from streams.stages.rebuild import rebuild
from streams.stages.recheck import recheck
from streams.wiring.parts import candidate_index, feature_store
from streams.wiring.restored import restored_arbiter


@dataclass(frozen=True, slots=True, kw_only=True)
class Rechecked:
    """What was looked up again.

    Attributes
    ----------
    since : int
        offset of `index.row.v1` from which uploads were looked up again
    rows : int
        rows from there on
    proposals : tuple of Proposal
    """

    since: int
    rows: int
    proposals: tuple[Proposal, ...]


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


def recheck_index(settings: Settings, *, since: int | None = None) -> Rechecked:
    """Look up again what was decided since the index was last known to be whole; propose merges.

    Parameters
    ----------
    settings : Settings
    since : int, optional
        offset of `index.row.v1`; by default the last watermark at which a build proved to be whole

    Raises
    ------
    ConfigError
        the index is not whole: it lacks rows, or holds others than its log says
    """
    codec, bootstrap, extra = codec_for(settings), bootstrap_of(settings), kafka_extra(settings)
    with _opened(settings) as index, LogReader(bootstrap, extra) as reader:
        log = KafkaRowLog(reader)
        rows = [
            (message.offset, row)
            for message in log.read(0, log.end())
            for row in decode_rows([message], codec)
        ]
        _must_be_whole(index, rows)
        if since is None:
            marks = (
                codec.decode(WATERMARK_TOPIC, message.value or b"")
                for message in read_topic(bootstrap, extra, WATERMARK_TOPIC)
            )
            since = last_good_watermark(rows, marks)
        confirm = FeatureConfirmer(feature_store(settings)).confirm
        arbiter = restored_arbiter(settings, reader, confirm)
        find = FindProcessor(index, codec, limit=settings.index.search_limit, confirm=confirm)
        later = [row for offset, row in rows if offset >= since]
        proposals = tuple(recheck(later, arbiter=arbiter, find=find, codec=codec))
    return Rechecked(since=since, rows=len(later), proposals=proposals)


def _must_be_whole(index: CandidateIndex, rows: Sequence[tuple[int, IndexRow]]) -> None:
    """Refuse to search in an index that lacks what its log says."""
    build = index.active()
    if rows and build.watermark <= rows[-1][0]:
        raise ConfigError(
            f"index build {build.name!r} has folded up to {build.watermark} of {rows[-1][0] + 1}: "
            "let the index stage come to the end, or `samesong index rebuild`"
        )
    live = LiveRows()
    live.fold(row for _, row in rows)
    if index.summary(build.name) != IndexSummary(rows=len(live.ids), checksum=live.checksum()):
        raise ConfigError(f"index build {build.name!r} differs from its log: `samesong index rebuild` first")


@contextmanager
def _opened(settings: Settings) -> Iterator[CandidateIndex]:
    index = candidate_index(settings)
    try:
        yield index
    finally:
        index.close()
