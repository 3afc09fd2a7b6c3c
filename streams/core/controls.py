"""The fold of `stage.control.v1`: which stages and partitions take nothing in, by the latest word on each."""

from streams.core.records import StageControl


class Controls:
    """The latest word on each stage and on each partition that a stage reads."""

    def __init__(self) -> None:
        self._latest: dict[str, StageControl] = {}

    def take(self, said: StageControl) -> None:
        """Fold one record, in the order of the log."""
        self._latest[said.key()] = said

    def paused(self, stage: str) -> StageControl | None:
        """Give the word that pauses a whole stage, if it is paused."""
        said = self._latest.get(stage)
        return said if said is not None and said.paused else None

    def held(self, stage: str) -> tuple[StageControl, ...]:
        """Give the words that hold single partitions of a stage, in a fixed order."""
        return tuple(
            said
            for _, said in sorted(self._latest.items())
            if said.stage == stage and said.topic is not None and said.paused
        )
