"""What is counted of decisions, once their transaction is committed."""

from collections.abc import Sequence

from streams.core.records import DeadLetter, Decision, Outcome
from streams.core.saying import Event
from streams.ports import Clock, StageMetrics


class DecisionMetrics:
    """Counts the events of committed batches.

    Parameters
    ----------
    metrics : StageMetrics
    clock : Clock
        freshness runs from the broker's time of the upload to now
    """

    def __init__(self, metrics: StageMetrics, clock: Clock) -> None:
        self._metrics = metrics
        self._clock = clock

    def committed(self, events: Sequence[Event], *, unfolded: int, again: int) -> None:
        """Count a batch.

        Parameters
        ----------
        events : sequence of Event
        unfolded : int
            rows that the index has not folded
        again : int
            records that were sent back to be looked up again
        """
        now = self._clock.now_ms()
        decisions = [event for event in events if isinstance(event, Decision)]
        for decision in decisions:
            self._metrics.add("samesong.decisions", outcome=decision.outcome.value, kind=decision.kind.value)
            self._metrics.record("samesong.freshness", max(0, now - decision.received_ms) / 1000)
            for name, level in (("recording", decision.recording), ("work", decision.work)):
                if level is not None and level.probability is not None:
                    self._metrics.record("samesong.score", level.probability, level=name)
        for event in events:
            if isinstance(event, DeadLetter):
                self._metrics.add("samesong.dead_letters", code=event.code)
        if decisions:
            share = sum(decision.outcome is Outcome.new for decision in decisions) / len(decisions)
            self._metrics.set("samesong.new_entities", share)
        self._metrics.set("samesong.overlay.rows", unfolded)
        if again:
            self._metrics.add("samesong.lookups.repeated", again)
