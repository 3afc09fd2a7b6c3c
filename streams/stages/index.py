"""The index stage: folds `index.row.v1` into every build and says how far each has come."""

from collections.abc import Sequence

from streams.core.records import IndexRow, IndexWatermark
from streams.errors import CorruptState, DecodeError, OffsetRegression
from streams.ports import CandidateIndex, Clock, Codec, IndexBuild, Message, Produced

ROW_TOPIC = "index.row.v1"
WATERMARK_TOPIC = "index.watermark.v1"


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
    """`Processor` that folds index rows into every live build.

    A build is folded when it already holds everything below this batch; one that lags is being filled by a
    rebuild, and folding it here would leave a gap below its watermark. ``resume_offset`` takes it in again.

    Parameters
    ----------
    index : CandidateIndex
    codec : Codec
    clock : Clock
    batch_rows : int >= 1
        rows folded between two flushes
    checksum_every_s : float >= 0 [s]
        a checksum reads the whole build, so a watermark carries one at most this often, else ""
    """

    def __init__(
        self,
        index: CandidateIndex,
        codec: Codec,
        clock: Clock,
        *,
        batch_rows: int = 2048,
        checksum_every_s: float = 60.0,
    ) -> None:
        self._index = index
        self._codec = codec
        self._clock = clock
        self._batch_rows = batch_rows
        self._checksum_every_s = checksum_every_s
        self._checked: dict[str, float] = {}
        self._position: int | None = None

    def resume_offset(self, *, end: int | None = None) -> int:
        """Give the offset of `index.row.v1` to read from: the lowest watermark of any build.

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
        builds = self._index.builds()
        for build in builds:
            if end is not None and build.watermark > end:
                raise OffsetRegression(
                    f"index build {build.name!r} has folded up to {build.watermark}, "
                    f"{ROW_TOPIC} ends at {end}: delete the index and rebuild it"
                )
        self._position = min(build.watermark for build in builds)
        return self._position

    def lagging(self) -> bool:
        """Say whether some build lies behind what was folded here: seek to ``resume_offset`` again."""
        return self._position is not None and any(
            build.watermark < self._position for build in self._index.builds()
        )

    def process(self, batch: Sequence[Message]) -> Sequence[Produced]:
        """Fold a batch; give one watermark record per build that has come further."""
        if not batch:
            return ()
        if self._position is None:
            self.resume_offset()
        produced: list[Produced] = []
        for start in range(0, len(batch), self._batch_rows):
            part = batch[start : start + self._batch_rows]
            last = start + self._batch_rows >= len(batch)
            produced.extend(self._fold(part, cause=len(batch) - 1) if last else self._fold(part, cause=None))
        return produced

    def _fold(self, part: Sequence[Message], *, cause: int | None) -> list[Produced]:
        """Fold one slice; only the last one of a batch is announced."""
        end = part[-1].offset + 1
        position = self._position or 0
        for build in self._index.builds():
            if build.watermark >= position and build.watermark < end:
                fresh = [message for message in part if message.offset >= build.watermark]
                self._index.apply(build.name, decode_rows(fresh, self._codec), watermark=end)
        self._position = max(position, end)
        if cause is None:
            return []
        return [self._announce(b, cause) for b in self._index.builds() if b.watermark >= end]

    def _announce(self, build: IndexBuild, cause: int) -> Produced:
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
