"""From where on a sound counts as heard again: the best that a wrong recording ever reaches, and a margin.

A query is compared with the recordings that its vectors are nearest to. The wrong one among them that agrees
best agrees the better, the more recordings there are to choose from. Largest values follow a generalised
extreme-value distribution, fitted on queries whose recording is not there; the largest of k times as many is
distributed as its k-th power. Its quantile is the score that one absent query in so many passes.
"""

import math
from dataclasses import dataclass
from typing import Final, NamedTuple

MAX_BIT_ERROR: Final = 0.22
"""Above it two aligned fingerprints are never the same master: measured with the fingerprint's own tests."""
_FLAT: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class BestWrong:
    """How well the best wrong recording agrees with a query.

    Attributes
    ----------
    location, scale, shape : float
        of the distribution at ``measured_at``; a shape above 0 has an upper end, 0 is Gumbel's
    measured_at : int > 0
        recordings to choose from
    """

    location: float
    scale: float
    shape: float
    measured_at: int

    def margin(self, size: int, *, false_rate: float) -> float:
        """Give how far above the location this share of absent queries comes in a catalogue of this size."""
        tail = -math.log1p(-false_rate) * self.measured_at / size
        if abs(self.shape) < _FLAT:
            return -self.scale * math.log(tail)
        return self.scale * (1.0 - math.pow(tail, self.shape)) / self.shape


class SoundLimits(NamedTuple):
    """What two sounds must reach to be heard as one.

    Attributes
    ----------
    least_log_odds : float
        of the spans of an alignment
    agreement, margin : float
        of the best wrong recording, and what is asked for above it on a span of ``measured_ms``
    measured_ms : int > 0
    least_line : float
        of the straight line through two harmonies
    """

    least_log_odds: float = 0.0
    agreement: float = 0.0
    margin: float = 0.0
    measured_ms: int = 1
    least_line: float = math.inf

    def max_bit_error(self, span_ms: int) -> float:
        """Give the bit error up to which fingerprints that agree over a span are of one sound.

        What chance adds falls with the root of what is compared; a shorter span is asked for no more than
        was measured.
        """
        margin = self.margin * min(1.0, math.sqrt(self.measured_ms / max(1, span_ms)))
        return max(0.0, min(MAX_BIT_ERROR, 1.0 - self.agreement - margin))


USUAL: Final = SoundLimits()
"""Of bundles that say nothing of it: what the aligner and the fingerprint ask for; no line is believed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """The part of a bundle that says when a sound is accepted.

    Attributes
    ----------
    false_rate : float in (0, 1)
        of absent queries, how many may pass by each of the scores
    query_ms : int > 0
        length of the queries that the fits were made on
    agreement : BestWrong
        of 1 less the bit error
    spans : BestWrong, optional
        of the log-odds of an alignment; without it whatever the aligner tells is heard
    lines : BestWrong, optional
        of the straight line through the harmonies of two performances; without it none is believed
    """

    false_rate: float
    query_ms: int
    agreement: BestWrong
    spans: BestWrong | None = None
    lines: BestWrong | None = None

    @property
    def sensible(self) -> bool:
        """Whether these are distributions, and a share."""
        fits = (self.agreement, self.spans, self.lines)
        spread = all(each.scale > 0.0 and each.measured_at >= 1 for each in fits if each is not None)
        return spread and 0.0 < self.false_rate < 1.0 and self.query_ms >= 1

    def limits(self, size: int) -> SoundLimits:
        """Give the limits for a catalogue of this size; they never ask for less than the usual ones."""
        least, line = 0.0, math.inf
        if self.spans is not None:
            least = self.spans.location + self.spans.margin(size, false_rate=self.false_rate)
        if self.lines is not None:
            line = self.lines.location + self.lines.margin(size, false_rate=self.false_rate)
        return SoundLimits(
            least_log_odds=max(USUAL.least_log_odds, least),
            agreement=self.agreement.location,
            margin=self.agreement.margin(size, false_rate=self.false_rate),
            measured_ms=self.query_ms,
            least_line=line,
        )
