"""What operators, and stages themselves, say about taking records in."""

from streams.core.records.record import Record


class StageControl(Record, frozen=True, kw_only=True):
    """Whether a stage may take records in (`stage.control.v1`): all of them, or those of one partition."""

    stage: str  # encode, find, arbitrate, index, audit or drift
    paused: bool  # false: goes on
    topic: str | None = None  # with a partition: what is said holds for that one alone
    partition: int | None = None
    by: str = ""
    code: str | None = None  # why a stage held a partition itself: deadletter_run, deadletter_share
    note: str | None = None
    offset: int | None = None  # the first record that a stage left when it held the partition itself
    exempt_before: int = 0  # offsets below this are not counted against the dead-letter limits

    def key(self) -> str:
        """Name what is spoken of: the latest word on it holds."""
        if self.topic is None:
            return self.stage
        return f"{self.stage}/{self.topic}/{self.partition}"
