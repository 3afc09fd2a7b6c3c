"""Pair scores: two additive heads in log-odds over comparison levels, with an exact ledger.

A score is a pure function of two records, the heard evidence and one frozen, versioned bundle.
"""

import math
from functools import cache
from typing import Final

from msgspec.structs import replace

from streams.core.acceptance import USUAL
from streams.core.bundle import Bundle, Head, narrowest, size_prior
from streams.core.comparison import (
    FIELDS,
    Comparison,
    compare_prepared,
    one_sided_rule,
    version_readings,
)
from streams.core.field_levels.prepared import Prepared, is_identified, prepare, sender_of
from streams.core.hearing import ABSENT
from streams.core.levels import LEVEL_FIELDS, Values, compare_levels, level_values
from streams.core.records import (
    HeadScore,
    LedgerLine,
    LevelScores,
    LinkageRecord,
    PairScore,
    SoundEvidence,
)

# Nearly every pair that is compared is of strangers, and they differ in few ways (62 in 40,000 random pairs,
# measured); a score is about 3 kB.
_KEPT_SCORES = 16_384
VERSION_RULE, CALIBRATION, CATALOGUE_SIZE = "version_rule", "calibration", "catalogue_size"
SHORT_OF_A_MATCH = 0.01
"""How far in log-odds below the threshold a score stays that a rule keeps from being a match."""


def stratum_of(left: LinkageRecord, right: LinkageRecord, sound: SoundEvidence | None = None) -> str:
    """Name the stratum of a pair, whichever side its senders stand on.

    What the two senders are, then ``+ids`` where both give an identifier of recordings, then ``+sound`` where
    their sounds were compared.
    """
    identified = is_identified(left) and is_identified(right)
    return _stratum(sender_of(left), sender_of(right), identified, sound is not None)


def _stratum_of(one: Prepared, other: Prepared, sound: SoundEvidence | None) -> str:
    return _stratum(one.sender, other.sender, one.identified and other.identified, sound is not None)


@cache
def _stratum(one: str, other: str, identified: bool, heard: bool) -> str:
    return "|".join(sorted((one, other))) + "+ids" * identified + "+sound" * heard


def probability(log_odds: float) -> float:
    """Turn log-odds into a probability without overflow."""
    if log_odds >= 0:
        return 1.0 / (1.0 + math.exp(-log_odds))
    odds = math.exp(log_odds)
    return odds / (1.0 + odds)


def bound(log_odds: float, *, rule: str, review: float, below_match: float) -> float:
    """Keep a score that hangs on a one-sided version word from being a match, and in review where it must."""
    log_odds = min(log_odds, below_match)
    return max(log_odds, min(review, below_match)) if rule == "review" else log_odds


class Scorer:
    """Score pairs by one bundle; holds nothing but the bundle and a memo of scores and ledger lines.

    Parameters
    ----------
    bundle : Bundle
    staged : bool
        False compares every field of every pair; see :func:`streams.core.comparison.compare_records`
    """

    __slots__ = (
        "_audio",
        "_has_strata",
        "_heads",
        "_kept",
        "_kept_levels",
        "_limits",
        "_master",
        "_staged",
        "bundle",
    )

    def __init__(self, bundle: Bundle, *, staged: bool = True) -> None:
        self.bundle = bundle
        self._staged = staged
        self._limits = bundle.sound.limits(bundle.catalogue_size) if bundle.sound else USUAL
        band = (bundle.recording_review, bundle.recording_match - SHORT_OF_A_MATCH)
        self._heads = (
            _HeadScorer(bundle.recording, band=band, sized=bundle),
            _HeadScorer(bundle.work, sized=bundle),
        )
        self._has_strata = bool(bundle.recording.calibration or bundle.work.calibration)
        self._master = _HeadScorer(bundle.master, fields=LEVEL_FIELDS)
        self._audio = _HeadScorer(bundle.audio, fields=LEVEL_FIELDS)
        self._kept: dict[tuple[Comparison, str | None], PairScore] = {}
        self._kept_levels: dict[tuple[str, ...], LevelScores] = {}  # a few dozen in all

    def score(
        self, left: LinkageRecord, right: LinkageRecord, sound: SoundEvidence | None = None
    ) -> PairScore:
        """Score a pair; ledger lines name levels, without the compared values (see ``explain``)."""
        one, other = prepare(left), prepare(right)
        comparison = self._compare(left, right, one, other, sound)
        stratum = _stratum_of(one, other, sound) if self._has_strata else None
        score = self._kept.get((comparison, stratum))
        if score is None:
            if len(self._kept) >= _KEPT_SCORES:
                self._kept.clear()
            score = self._kept[comparison, stratum] = self._assemble(comparison, stratum)
        return score

    def explain(
        self, left: LinkageRecord, right: LinkageRecord, sound: SoundEvidence | None = None
    ) -> PairScore:
        """Score a pair as ``score`` does, with the compared values on every line."""
        return explained(self.score(left, right, sound), left, right, sound)

    def levels(
        self,
        left: LinkageRecord,
        right: LinkageRecord,
        sound: SoundEvidence | None = None,
        *,
        explained: bool = False,
    ) -> LevelScores:
        """Score two uploads of one recording at master and at audio level."""
        found = compare_levels(left, right, sound, limits=self._limits)
        if explained:
            return self._scored_levels(found.levels, level_values(found, sound))
        scores = self._kept_levels.get(found.levels)
        if scores is None:
            scores = self._kept_levels[found.levels] = self._scored_levels(found.levels, None)
        return scores

    def _scored_levels(self, levels: tuple[str, ...], values: Values | None) -> LevelScores:
        return LevelScores(master=self._master.score(levels, values), audio=self._audio.score(levels, values))

    def _compare(
        self,
        left: LinkageRecord,
        right: LinkageRecord,
        one: Prepared,
        other: Prepared,
        sound: SoundEvidence | None,
    ) -> Comparison:
        return compare_prepared(left, right, one, other, sound, staged=self._staged, limits=self._limits)

    def _assemble(self, comparison: Comparison, stratum: str | None) -> PairScore:
        recording, work = (head.of(stratum).score(comparison.levels, None) for head in self._heads)
        return PairScore(
            recording=recording,
            work=work,
            relation=comparison.relation,
            cannot_link=comparison.cannot_link,
            work_cannot_link=comparison.work_cannot_link,
            contradiction=comparison.contradiction,
            reading_left=comparison.reading_left,
            reading_right=comparison.reading_right,
        )


class _HeadScorer:
    __slots__ = ("_band", "_constant", "_fields", "_head", "_lines", "_strata")

    def __init__(
        self,
        head: Head,
        *,
        fields: tuple[str, ...] = FIELDS,
        band: tuple[float, float] | None = None,
        shift: LedgerLine | None = None,
        sized: Bundle | None = None,
    ) -> None:
        self._strata = {
            stratum: _HeadScorer(
                head.calibrated(stratum),
                fields=fields,
                band=band,
                shift=LedgerLine(name=CALIBRATION, level=stratum, contribution=fitted.shift),
                sized=sized,
            )
            for stratum, fitted in head.calibration.items()
        }
        self._fields = fields
        self._band = band  # of reviews, where rules of this head bound its score
        self._head = head
        self._constant = tuple(line for line in (shift, _size_line(head, sized)) if line is not None)
        self._lines: dict[tuple[str, str], LedgerLine] = {}

    def of(self, stratum: str | None) -> "_HeadScorer":
        """Return the scorer of a stratum: of the narrowest that was calibrated."""
        if stratum is None:
            return self
        found = self._strata.get(stratum)
        if found is None:
            name = narrowest(stratum, self._strata)
            self._strata[stratum] = found = self if name is None else self._strata[name]
        return found

    def score(self, levels: tuple[str, ...], values: Values | None) -> HeadScore:
        lines: list[LedgerLine] = []
        total = self._head.prior
        for key in zip(self._fields, levels, strict=True):
            name, level = key
            if level is ABSENT:
                continue
            line = self._lines.get(key)
            if line is None:
                weight = self._head.weight(name, level)
                line = self._lines[key] = LedgerLine(name=name, level=level, contribution=weight)
            if values is not None and name in values:
                one, two = values[name]
                line = LedgerLine(name=name, level=level, contribution=line.contribution, left=one, right=two)
            total += line.contribution
            lines.append(line)
        for line in self._constant:
            lines.append(line)
            total += line.contribution
        if self._band is not None and (rule := one_sided_rule(levels)):
            bounded = bound(total, rule=rule, review=self._band[0], below_match=self._band[1])
            if bounded != total:
                lines.append(LedgerLine(name=VERSION_RULE, level=rule, contribution=bounded - total))
                total = bounded
        return HeadScore(
            prior=self._head.prior, lines=tuple(lines), log_odds=total, probability=probability(total)
        )


def _size_line(head: Head, bundle: Bundle | None) -> LedgerLine | None:
    """Say what the size of the catalogue takes off, where it takes something off."""
    prior = size_prior(bundle, head) if bundle is not None else 0.0
    if bundle is None or not prior:
        return None
    return LedgerLine(name=CATALOGUE_SIZE, level=str(bundle.catalogue_size), contribution=prior)


def explained(
    score: PairScore, left: LinkageRecord, right: LinkageRecord, sound: SoundEvidence | None
) -> PairScore:
    """Put the compared values on the lines of a pair's score."""
    values = _values(left, right, score, sound)
    return replace(
        score, recording=_with_values(score.recording, values), work=_with_values(score.work, values)
    )


def _with_values(head: HeadScore, values: Values) -> HeadScore:
    lines = []
    for line in head.lines:
        one, two = values.get(line.name, _UNTOLD)
        lines.append(replace(line, left=one, right=two) if one is not None or two is not None else line)
    return replace(head, lines=tuple(lines))


_UNTOLD: Final = (None, None)


def _values(
    left: LinkageRecord, right: LinkageRecord, score: PairScore, sound: SoundEvidence | None
) -> Values:
    """Show what was compared, field by field."""

    def show(value: object) -> str | None:
        if value is None or value == ():
            return None
        return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)

    def reading(record: LinkageRecord, title: int, version: int) -> tuple[str | None, str | None, str | None]:
        if not record.readings:
            return None, None, None
        said = prepare(record).versions[version].values()
        versions = ", ".join(f"{part.type}: {part.text}" if part.text else part.type for part in said) or None
        numbers = (
            ", ".join(f"{number.scheme} {number.value}" for number in record.readings[0].numbers) or None
        )
        return record.readings[title].base, versions, numbers

    readings = (score.reading_left, score.reading_right)
    title_level = next((line.level for line in score.recording.lines if line.name == FIELDS[0]), None)
    of_versions = version_readings(title_level, *readings)
    (one, two) = (
        reading(record, title, version)
        for record, title, version in zip((left, right), readings, of_versions, strict=True)
    )
    pairs: Values = {
        "title": (one[0], two[0]),
        "version": (one[1], two[1]),
        "numbers": (one[2], two[2]),
        "artist": (show(left.artists), show(right.artists)),
        "duration": (show(left.duration_ms), show(right.duration_ms)),
        "album": (show(left.albums), show(right.albums)),
        "year": (show(left.year), show(right.year)),
        "isrc": (show(left.isrcs), show(right.isrcs)),
        "iswc": (show(left.iswcs), show(right.iswcs)),
        "gtin": (show(left.gtins), show(right.gtins)),
        "language": (show(left.languages), show(right.languages)),
        "explicit": (show(left.explicit), show(right.explicit)),
        "cover": (show(left.declared_cover), show(right.declared_cover)),
        "shown": (show(left.shown and left.shown.lines), show(right.shown and right.shown.lines)),
    }
    if sound is not None:
        pairs["sound"] = (
            f"bit error {sound.bit_error}, overlap {sound.overlap_ms} ms, speed {sound.speed_ratio}",
            f"coverage {sound.coverage_left} / {sound.coverage_right}",
        )
        if (found := sound.alignment) is not None:
            pairs["sound"] = (
                f"{pairs['sound'][0]}; {len(found.spans)} spans, speed {found.speed_ratio}, "
                f"pitch {found.pitch_cents:+g} cents",
                f"{pairs['sound'][1]}; in spans {found.coverage_left} / {found.coverage_right}",
            )
        pairs["harmony"] = (show(sound.harmony), None)
        if (line := sound.line) is not None:
            pairs["harmony"] = (
                f"path {sound.harmony}; line {line.score}, speed {line.speed_ratio}, "
                f"pitch {line.semitones:+d} semitones",
                f"on the line {line.coverage_left} / {line.coverage_right}",
            )
    return pairs
