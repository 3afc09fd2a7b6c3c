"""What a comparison of two sounds says, told from either side."""

from msgspec.structs import replace

from streams.core.records import ComparedSpan, SoundEvidence


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
    )


def compared_span(evidence: SoundEvidence | None) -> ComparedSpan | None:
    """Give where the two sounds were found alike, in the clock of each; none where nothing was aligned."""
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
