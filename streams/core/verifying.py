"""Verifying: a decision computed again from its own event and the bundle that it names, and nothing else.

A ledger adds up when each line is what the bundle says of the level of comparison that it names, the lines
and the prior sum to the score, the score gives the probability, and score and thresholds give the outcome. A
relation is that of the likeliest other candidate.
"""

import math
from collections.abc import Iterator
from typing import Final

from streams.core.bundle import Bundle, Head, size_prior
from streams.core.comparison import FIELDS, one_sided_rule
from streams.core.explaining import counter_evidence, smallest_flip
from streams.core.hearing import ABSENT
from streams.core.levels import LEVEL_FIELDS
from streams.core.records import Decision, HeadScore, Level, Outcome
from streams.core.scoring import (
    CALIBRATION,
    CATALOGUE_SIZE,
    SHORT_OF_A_MATCH,
    VERSION_RULE,
    bound,
    probability,
)
from streams.core.standing import AGGREGATION, GUARD, RULED_OUT, outcome_of
from streams.core.verifying_relations import relation_problems

TOLERANCE: Final = 1e-9
SCORED: Final = frozenset({Outcome.match, Outcome.new, Outcome.review})


def verify(decision: Decision, bundle: Bundle) -> tuple[str, ...]:
    """Say what does not follow from a decision's own evidence; nothing when it adds up.

    Parameters
    ----------
    decision : Decision
    bundle : Bundle
        the one whose version the decision names
    """
    if decision.bundle_version != bundle.version:
        return (f"it was decided by bundle {decision.bundle_version!r}, not by {bundle.version!r}",)
    if decision.outcome not in SCORED:
        scored = decision.recording_ledger or decision.work_ledger or decision.recording
        return (f"a {decision.outcome.value} decision has scores",) if scored else ()
    return (*_Verifier(decision, bundle).problems(), *relation_problems(decision, bundle))


class _Verifier:
    """One decision beside its bundle."""

    def __init__(self, decision: Decision, bundle: Bundle) -> None:
        self._decision = decision
        self._bundle = bundle

    def problems(self) -> Iterator[str]:
        """Go through everything that follows from something else."""
        decision, bundle = self._decision, self._bundle
        yield from self._ids()
        recording, work = decision.recording_ledger, decision.work_ledger
        if recording is None or work is None:
            if decision.outcome is Outcome.match or decision.deciding_item_id is not None:
                yield "nothing explains the outcome: there is no ledger"
            return
        yield from _ledger(
            "recording", recording, bundle.recording, FIELDS, bundle, rule=self._version_rule(recording)
        )
        yield from _ledger("work", work, bundle.work, FIELDS, bundle)
        yield from self._outcome(recording)
        yield from self._levels(recording, work)

    def _ids(self) -> Iterator[str]:
        """Compare the ids on top with those of the levels."""
        decision = self._decision
        for name, level, own, threshold in (
            ("audio", decision.audio, decision.audio_id, self._bundle.audio_match),
            ("master", decision.master, decision.master_id, self._bundle.master_match),
            ("recording", decision.recording, decision.recording_id, self._bundle.recording_match),
            ("work", decision.work, decision.work_id, self._bundle.work_match),
        ):
            if level is None or level.id is None:
                yield f"{name}: it has no place there"
            elif level.id != own:
                yield f"{name}: the id is {own}, that of the level {level.id}"
            elif level.threshold != threshold:
                yield f"{name}: the threshold is {level.threshold}, the bundle says {threshold}"
        if decision.recording_id != decision.entity_id:
            yield f"recording: {decision.recording_id} is not the entity {decision.entity_id}"

    def _version_rule(self, ledger: HeadScore) -> tuple[str, float] | None:
        """Compute the line by which a one-sided version word bounds a score, where it does."""
        bundle = self._bundle
        reached = {line.name: line.level for line in ledger.lines}
        # The levels' own constant: the rule tells an absent one by identity.
        levels = tuple(reached.get(name, ABSENT) for name in FIELDS)
        rule = one_sided_rule(levels)
        if rule is None:
            return None
        scored = (line for line in ledger.lines if line.name in {*FIELDS, CALIBRATION, CATALOGUE_SIZE})
        total = ledger.prior + sum(line.contribution for line in scored)
        ceiling = bundle.recording_match - SHORT_OF_A_MATCH
        bounded = bound(total, rule=rule, review=bundle.recording_review, below_match=ceiling)
        return None if bounded == total else (rule, bounded - total)

    def _outcome(self, ledger: HeadScore) -> Iterator[str]:
        """Compute the outcome from the score, and what is said of it."""
        decision, bundle = self._decision, self._bundle
        said = outcome_of(ledger.log_odds, match=bundle.recording_match, review=bundle.recording_review)
        if said is not decision.outcome:
            yield f"{ledger.log_odds:+.3f} says {said.value}, the outcome is {decision.outcome.value}"
        guards = [line for line in ledger.lines if line.name == GUARD]
        if guards and decision.outcome is Outcome.match:
            yield f"a match in spite of {guards[0].level}"
        if guards and decision.outcome is Outcome.new and not _close(ledger.log_odds, RULED_OUT):
            yield f"{guards[0].level} leaves {ledger.log_odds:+.3f}, not {RULED_OUT:+.3f}"
        positive = decision.outcome is Outcome.match
        if decision.counter_evidence != counter_evidence(ledger, positive=positive):
            yield "the counter-evidence is not the strongest line against the outcome"
        if decision.flip != smallest_flip(ledger, threshold=bundle.recording_match):
            yield "the flip is not the smallest change that would do it"

    def _levels(self, recording: HeadScore, work: HeadScore) -> Iterator[str]:
        """Multiply the probabilities through, from the work down to the audio."""
        decision, bundle = self._decision, self._bundle
        yield from _probability("recording", decision.recording, recording.probability)
        yield from _probability("work", decision.work, max(work.probability, recording.probability))
        above = decision.recording
        for name, level, head in (
            ("master", decision.master, bundle.master),
            ("audio", decision.audio, bundle.audio),
        ):
            if level is None or level.ledger is None:
                if level is not None and level.probability is not None:
                    yield f"{name}: nothing explains the probability: there is no ledger"
                return
            yield from _ledger(name, level.ledger, head, LEVEL_FIELDS, None)
            if above is not None and above.probability is not None:
                yield from _probability(name, level, above.probability * level.ledger.probability)
            above = level


def _probability(name: str, level: Level | None, expected: float) -> Iterator[str]:
    if level is not None and (level.probability is None or not _close(level.probability, expected)):
        yield f"{name}: the probability is {level.probability}, its ledger gives {expected}"


def _ledger(
    name: str,
    ledger: HeadScore,
    head: Head,
    fields: tuple[str, ...],
    sized: Bundle | None,
    *,
    rule: tuple[str, float] | None = None,
) -> Iterator[str]:
    """Compare each line with the bundle, and the sum with the lines."""
    stratum = next((line.level for line in ledger.lines if line.name == CALIBRATION), None)
    fitted = head.calibration.get(stratum) if stratum is not None else None
    if stratum is not None and fitted is not None:
        head = head.calibrated(stratum)
    if not _close(ledger.prior, head.prior):
        yield f"{name}: the prior is {ledger.prior}, the bundle says {head.prior}"
    compared = [line.name for line in ledger.lines if line.name in fields]
    if compared != [field for field in fields if field in compared]:
        yield f"{name}: a comparison stands there twice, or out of its place"
    ruled, size = None, size_prior(sized, head) if sized is not None else 0.0
    for line in ledger.lines:
        if line.name in fields:
            expected = head.weight(line.name, line.level)
        elif line.name == VERSION_RULE:
            ruled, expected = line, rule[1] if rule is not None else 0.0
        elif line.name == AGGREGATION:
            expected = 0.0
        elif line.name == CALIBRATION and fitted is not None:
            expected = fitted.shift
        elif line.name == CATALOGUE_SIZE and sized is not None:
            expected = size
        elif line.name == GUARD:
            continue
        else:
            yield f"{name}: there is no comparison {line.name!r}"
            continue
        if not _close(line.contribution, expected):
            yield f"{name}: {line.name} ({line.level}) weighs {line.contribution}, the bundle says {expected}"
    if size and all(line.name != CATALOGUE_SIZE for line in ledger.lines):
        yield f"{name}: the size of the catalogue is left out"
    if (rule[0] if rule is not None else None) != (ruled.level if ruled is not None else None):
        yield f"{name}: the rule on version words is not the one that its levels ask for"
    total = ledger.prior + math.fsum(line.contribution for line in ledger.lines)
    if not _close(total, ledger.log_odds):
        yield f"{name}: prior and lines make {total}, the score is {ledger.log_odds}"
    if not _close(probability(ledger.log_odds), ledger.probability):
        yield f"{name}: {ledger.log_odds} in log-odds is not probability {ledger.probability}"


def _close(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=0.0, abs_tol=TOLERANCE)
