"""From where on a sound counts as heard again: the best that a wrong recording ever reaches, and a margin.

A query is compared with the recordings that its vectors are nearest to. Of those the wrong one that agrees
best agrees the better, the more recordings there are to choose from. Largest values follow a generalised
extreme-value distribution; it is fitted on queries whose recording is not there, with its location as a
function of the catalogue's size, and gives the score that one absent query in so many passes.
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
    growth : float >= 0
        by how much the location rises each time the catalogue grows by a factor of e
    measured_at : int > 0
        recordings to choose from
    """

    location: float
    scale: float
    shape: float
    growth: float
    measured_at: int

    def threshold(self, size: int, *, false_rate: float) -> float:
        """Give the score that this share of absent queries passes in a catalogue of this size."""
        tail = -math.log1p(-false_rate)
        if abs(self.shape) < _FLAT:
            quantile = -math.log(tail)
        else:
            quantile = (1.0 - tail**self.shape) / self.shape
        return self.location + self.scale * quantile + self.growth * math.log(size / self.measured_at)


class SoundLimits(NamedTuple):
    """What two sounds must reach to be heard as one.

    Attributes
    ----------
    max_bit_error : float
        of the aligned fingerprints
    least_log_odds : float
        of the spans of an alignment
    """

    max_bit_error: float = MAX_BIT_ERROR
    least_log_odds: float = 0.0


USUAL: Final = SoundLimits()
"""Of bundles that say nothing of it: what the aligner and the fingerprint ask for by themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """The part of a bundle that says when a sound is accepted.

    Attributes
    ----------
    false_rate : float in (0, 1)
        of absent queries, how many may pass by each of the two scores
    agreement : BestWrong
        of 1 less the bit error
    spans : BestWrong
        of the log-odds of an alignment
    """

    false_rate: float
    agreement: BestWrong
    spans: BestWrong

    @property
    def sensible(self) -> bool:
        """Whether the limits rise with the catalogue."""
        fits = (self.agreement, self.spans)
        rising = all(each.scale > 0.0 and each.growth >= 0.0 and each.measured_at >= 1 for each in fits)
        return rising and 0.0 < self.false_rate < 1.0

    def limits(self, size: int) -> SoundLimits:
        """Give the limits for a catalogue of this size; they never ask for less than the usual ones."""
        agreement = self.agreement.threshold(size, false_rate=self.false_rate)
        spans = self.spans.threshold(size, false_rate=self.false_rate)
        return SoundLimits(
            max_bit_error=max(0.0, min(USUAL.max_bit_error, 1.0 - agreement)),
            least_log_odds=max(USUAL.least_log_odds, spans),
        )
