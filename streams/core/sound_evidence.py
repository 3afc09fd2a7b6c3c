"""What a comparison of two sounds says, told from either side."""

from typing import NamedTuple

from msgspec.structs import replace

from streams.core.records import ComparedSpan, HeardLine, HeardSpan, SoundAlignment, SoundEvidence


def mirrored(evidence: SoundEvidence) -> SoundEvidence:
    """Tell the same comparison from the other side."""
    ratio = evidence.speed_ratio or 1.0
    offset, overlap, shift = evidence.offset_ms, evidence.overlap_ms, evidence.pitch_shift
    return replace(
        evidence,
        # Times were in the left side's clock and are now in the other's.
        offset_ms=round(-offset * ratio) if offset is not None else None,
        overlap_ms=round(overlap * ratio) if overlap is not None else None,
        coverage_left=evidence.coverage_right,
        coverage_right=evidence.coverage_left,
        start_ms=round((evidence.start_ms - (offset or 0)) * ratio)
        if evidence.start_ms is not None
        else None,
        speed_ratio=round(1.0 / ratio, 6) if evidence.speed_ratio is not None else None,
        pitch_shift=(-shift if shift != 6.0 else shift) if shift is not None else None,
        alignment=_turned(evidence.alignment) if evidence.alignment is not None else None,
        line=_turned_line(evidence.line) if evidence.line is not None else None,
    )


def _turned(found: SoundAlignment) -> SoundAlignment:
    spans = (
        HeardSpan(
            start_ms=span.other_start_ms,
            end_ms=span.other_end_ms,
            other_start_ms=span.start_ms,
            other_end_ms=span.end_ms,
            agreement=span.agreement,
        )
        for span in found.spans
    )
    return SoundAlignment(
        spans=tuple(sorted(spans, key=lambda span: (span.start_ms, span.other_start_ms))),
        speed_ratio=round(1.0 / found.speed_ratio, 6),
        pitch_cents=0.0 - found.pitch_cents,
        pitch_tied=found.pitch_tied,
        coverage_left=found.coverage_right,
        coverage_right=found.coverage_left,
        longest_left=found.longest_right,
        longest_right=found.longest_left,
        log_odds=found.log_odds,
        only_left=found.only_right,
        only_right=found.only_left,
        in_both=found.in_both,
    )


def _turned_line(line: HeardLine) -> HeardLine:
    return HeardLine(
        score=line.score,
        speed_ratio=round(1.0 / line.speed_ratio, 6),
        semitones=-line.semitones if line.semitones != 6 else 6,
        start_ms=line.other_start_ms,
        end_ms=line.other_end_ms,
        other_start_ms=line.start_ms,
        other_end_ms=line.end_ms,
        coverage_left=line.coverage_right,
        coverage_right=line.coverage_left,
    )


class Placed(NamedTuple):
    """How one sound lies on the other, at the longest part that is the same."""

    offset_ms: int | None = None
    overlap_ms: int | None = None
    speed_ratio: float | None = None
    pitch_cents: float | None = None
    pitch_tied: bool | None = None


def placed(evidence: SoundEvidence | None) -> Placed:
    """Say how the left sound lies on the right one, by the alignment where there is one."""
    if evidence is None:
        return Placed()
    found = evidence.alignment
    if found is None:
        return Placed(evidence.offset_ms, evidence.overlap_ms, evidence.speed_ratio)
    longest = max(found.spans, key=lambda span: span.end_ms - span.start_ms)
    return Placed(
        offset_ms=round(found.offset(longest)),
        overlap_ms=longest.end_ms - longest.start_ms,
        speed_ratio=found.speed_ratio,
        pitch_cents=found.pitch_cents,
        pitch_tied=found.pitch_tied,
    )


def compared_spans(evidence: SoundEvidence | None) -> tuple[ComparedSpan, ...]:
    """Give every part of the two sounds that was found alike, ascending in the left one."""
    if evidence is None or evidence.alignment is None:
        span = compared_span(evidence)
        return (span,) if span is not None else ()
    found = evidence.alignment
    return tuple(
        ComparedSpan(
            start_ms=span.start_ms,
            end_ms=span.end_ms,
            other_start_ms=span.other_start_ms,
            other_end_ms=span.other_end_ms,
            speed_ratio=found.speed_ratio,
        )
        for span in found.spans
    )


def compared_span(evidence: SoundEvidence | None) -> ComparedSpan | None:
    """Give where the two sounds were found alike, in the clock of each; none where nothing was aligned.

    Of several parts it is the longest.
    """
    if evidence is not None and evidence.alignment is not None:
        return max(compared_spans(evidence), key=lambda span: span.end_ms - span.start_ms)
    if evidence is None or evidence.offset_ms is None or evidence.overlap_ms is None:
        return None
    ratio = evidence.speed_ratio or 1.0
    start = evidence.start_ms if evidence.start_ms is not None else max(0, evidence.offset_ms)
    other = round((start - evidence.offset_ms) * ratio)
    return ComparedSpan(
        start_ms=start,
        end_ms=start + evidence.overlap_ms,
        other_start_ms=other,
        other_end_ms=other + round(evidence.overlap_ms * ratio),
        bit_error=evidence.bit_error,
        speed_ratio=evidence.speed_ratio,
    )
