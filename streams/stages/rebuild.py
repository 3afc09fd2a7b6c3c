"""Rebuild the index from the log: fold into a new build, verify it, then move the alias."""

from collections.abc import Iterator

from streams.core.index_rows import LiveRows
from streams.errors import ConfigError, CorruptState
from streams.ports import CandidateIndex, Codec, IndexBuild, IndexSummary, Message
from streams.stages.index import decode_rows

BATCH_ROWS = 4096


def rebuild(
    index: CandidateIndex,
    rows: Iterator[Message],
    codec: Codec,
    build_name: str,
    *,
    batch_rows: int = BATCH_ROWS,
) -> IndexBuild:
    """Fold the whole of `index.row.v1` into a new build and make it the active one.

    The build that was active stays, for roll-back (``promote`` it again), and goes on being folded until it
    is dropped.

    Parameters
    ----------
    index : CandidateIndex
    rows : iterator of Message
        the log from its start to where the rebuild shall end, in order
    codec : Codec
    build_name : str
        not the active build
    batch_rows : int >= 1
        rows folded between two flushes

    Raises
    ------
    ConfigError
        ``build_name`` is the active build
    CorruptState
        the new build does not hold what the log says; it is left for inspection and not promoted
    """
    if index.active().name == build_name:
        raise ConfigError(f"{build_name!r} is the active build: rebuild under another name")
    index.create(build_name)
    live = LiveRows()
    batch: list[Message] = []
    for message in rows:
        batch.append(message)
        if len(batch) >= batch_rows:
            _fold(index, batch, codec, build_name, live)
            batch = []
    if batch:
        _fold(index, batch, codec, build_name, live)
    expected = IndexSummary(rows=len(live.ids), checksum=live.checksum())
    found = index.summary(build_name)
    if found != expected:
        raise CorruptState(f"index build {build_name!r} holds {found}, its log says {expected}")
    index.promote(build_name)
    return index.active()


def _fold(index: CandidateIndex, batch: list[Message], codec: Codec, build_name: str, live: LiveRows) -> None:
    """Fold one batch into the build and into what the build must hold."""
    rows = decode_rows(batch, codec)
    live.fold(rows)
    index.apply(build_name, rows, watermark=batch[-1].offset + 1)
