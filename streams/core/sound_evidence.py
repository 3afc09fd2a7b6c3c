"""What a comparison of two sounds says, told from either side."""

from dataclasses import replace

from streams.core.records import SoundEvidence


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
        speed_ratio=round(1.0 / ratio, 6) if evidence.speed_ratio is not None else None,
        pitch_shift=(-shift if shift != 6.0 else shift) if shift is not None else None,
    )
