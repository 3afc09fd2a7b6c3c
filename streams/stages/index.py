"""The index stage: folds `index.row.v1` into every build and says how far each has come."""

import itertools
from collections.abc import Sequence

from streams.core.index_rows import fold_rows
from streams.core.records import IndexRow, IndexWatermark
from streams.errors import CorruptState, DecodeError, OffsetRegression
from streams.ports import (
    CandidateIndex,
    Clock,
    Codec,
    Hit,
    IndexBuild,
    Message,
    Produced,
    RowLog,
    StageMetrics,
)

ROW_TOPIC = "index.row.v1"
WATERMARK_TOPIC = "index.watermark.v1"
INDEX_GROUP = "samesong.index"
PROBE_EVERY_S = 15.0
PROBE_ROWS = 16
PROBE_LIMIT = 20
TIED = 0.9995


def decode_rows(messages: Sequence[Message], codec: Codec) -> list[IndexRow]:
    """Read rows; a message without a value (compacted away) is nothing to fold.

    Raises
    ------
    CorruptState
        a row that cannot be read: only the arbiter writes them, so skipping one would lose it
    """
    rows: list[IndexRow] = []
    for message in messages:
        if message.value is None:
            continue
        try:
            row = codec.decode(message.topic, message.value)
        except DecodeError as exc:
            raise CorruptState(f"{message.topic}@{message.offset} cannot be read: {exc}") from exc
        if not isinstance(row, IndexRow):
            raise CorruptState(f"{message.topic}@{message.offset} is no index row")
        rows.append(row)
    return rows


class IndexProcessor:
    """`Processor` that folds index rows into every build: the active one and those kept for roll-back.

    A build that is being filled belongs to the rebuild that made it; two that fold one build could bring a
    deleted row back. Once promoted it lags behind this stage by what came meanwhile, which is read again.

    Parameters
    ----------
    index : CandidateIndex
    codec : Codec
    clock : Clock
    log : RowLog, optional
        what a build that lags lacks is read from it; without one such a build waits for ``resume_offset``
    batch_rows : int >= 1
        rows folded between two flushes
    metrics : StageMetrics, optional
        gets the recall probe: whether rows just folded are found again
    checksum_every_s : float >= 0 [s]
        a checksum reads the whole build, so a watermark carries one at most this often, else ""
    """

    def __init__(
        self,
        index: CandidateIndex,
        codec: Codec,
        clock: Clock,
        *,
        log: RowLog | None = None,
        batch_rows: int = 2048,
        checksum_every_s: float = 600.0,
        metrics: StageMetrics | None = None,
    ) -> None:
        self._index = index
        self._codec = codec
        self._clock = clock
        self._log = log
        self._batch_rows = batch_rows
        self._checksum_every_s = checksum_every_s
        self._metrics = metrics
        self._checked: dict[str, float] = {}
        self._told: dict[str, tuple[int, bool]] = {}
        self._probed = float("-inf")
        self._position: int | None = None

    def resume_offset(self, *, end: int | None = None) -> int:
        """Give the offset of `index.row.v1` to read from: the lowest watermark of any build kept up to date.

        Parameters
        ----------
        end : int, optional
            end offset of the log, when known

        Raises
        ------
        OffsetRegression
            a build has folded more than the log holds: it belongs to another log, delete and rebuild it
        """
        self._index.active()
        builds = self._kept()
        for build in builds:
            if end is not None and build.watermark > end:
                raise OffsetRegression(
                    f"index build {build.name!r} has folded up to {build.watermark}, "
                    f"{ROW_TOPIC} ends at {end}: delete the index and rebuild it"
                )
        self._position = min(build.watermark for build in builds)
        return self._position

    def process(self, batch: Sequence[Message]) -> Sequence[Produced]:
        """Fold a batch; give one watermark record per build that has come further."""
        if not batch:
            return ()
        if self._position is None:
            self.resume_offset()
        self._follow()
        produced: list[Produced] = []
        for start in range(0, len(batch), self._batch_rows):
            part = batch[start : start + self._batch_rows]
            last = start + self._batch_rows >= len(batch)
            produced.extend(self._fold(part, cause=len(batch) - 1) if last else self._fold(part, cause=None))
        return produced

    def idle(self, _assigned: object) -> Sequence[Produced]:
        """Follow the alias although no row came: announce what another process promoted."""
        if self._position is None:
            return ()
        self._follow()
        return [
            self._announce(build, None)
            for build in self._kept()
            if self._told.get(build.name) != (build.watermark, build.active)
        ]

    def _kept(self) -> list[IndexBuild]:
        """List the builds that are this stage's to fold."""
        return [build for build in self._index.builds() if build.active or not build.filling]

    def _follow(self) -> None:
        """Fold what builds lack that were promoted a moment ago, or made anew in a store that lost them."""
        if self._log is None:
            return
        position = self._position or 0
        self._index.active()
        for build in self._kept():
            if build.watermark < position:
                self._catch_up(build, position, self._log)

    def _catch_up(self, build: IndexBuild, position: int, log: RowLog) -> None:
        """Read again what one build lacks, part by part."""
        rows = log.read(build.watermark, position)
        while part := list(itertools.islice(rows, self._batch_rows)):
            self._index.apply(build.name, decode_rows(part, self._codec), watermark=part[-1].offset + 1)
        self._index.apply(build.name, (), watermark=position)

    def _fold(self, part: Sequence[Message], *, cause: int | None) -> list[Produced]:
        """Fold one slice; only the last one of a batch is announced."""
        end = part[-1].offset + 1
        position = self._position or 0
        for build in self._kept():
            if build.watermark >= position and build.watermark < end:
                fresh = [message for message in part if message.offset >= build.watermark]
                rows = decode_rows(fresh, self._codec)
                self._index.apply(build.name, rows, watermark=end)
                if build.active:
                    self._probe(build.name, rows)
        self._position = max(position, end)
        if cause is None:
            return []
        return [self._announce(build, cause) for build in self._kept() if build.watermark >= end]

    def _probe(self, build: str, rows: Sequence[IndexRow]) -> None:
        """Look some rows up again that were just folded: what a search misses, matching misses."""
        now = self._clock.monotonic()
        if self._metrics is None or now - self._probed < PROBE_EVERY_S:
            return
        last = fold_rows(rows)
        asked = found = 0
        for space, change in last.items():
            kept = change.kept[:PROBE_ROWS]
            if not kept:
                continue
            answers = self._index.search(
                build,
                modality=space.modality,
                model=space.model,
                vectors=change.vectors[:PROBE_ROWS],
                limit=PROBE_LIMIT,
            )
            asked += len(kept)
            found += sum(is_found(row, hits) for row, hits in zip(kept, answers, strict=True))
        if asked:
            self._probed = now
            self._metrics.set("samesong.recall.probe", found / asked, build=build)

    def _announce(self, build: IndexBuild, cause: int | None) -> Produced:
        self._told[build.name] = build.watermark, build.active
        rows, checksum = build.rows, ""
        now = self._clock.monotonic()
        if now - self._checked.get(build.name, float("-inf")) >= self._checksum_every_s:
            summary = self._index.summary(build.name)
            rows, checksum = summary.rows, summary.checksum
            self._checked[build.name] = now
        record = IndexWatermark(
            build=build.name,
            watermark=build.watermark,
            rows=rows,
            checksum=checksum,
            active=build.active,
            at_ms=self._clock.now_ms(),
        )
        return Produced(
            topic=WATERMARK_TOPIC,
            key=build.name.encode(),
            value=self._codec.encode(WATERMARK_TOPIC, record),
            cause=cause,
        )


def is_found(row: IndexRow, hits: Sequence[Hit]) -> bool:
    """Say whether a row is among its own nearest, or was crowded out by rows that are just as near."""
    crowded = len(hits) == PROBE_LIMIT and hits[-1].similarity > TIED
    return crowded or any((hit.source, hit.item_id) == (row.source, row.item_id) for hit in hits)
