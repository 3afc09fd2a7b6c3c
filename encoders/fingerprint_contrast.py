"""Whether an alignment says anything: a tone agrees with every tone, wherever one looks."""

from __future__ import annotations

from typing import Final

import numpy as np

from encoders.fingerprint import FRAME_MS, UNRELATED_BIT_ERROR, Fingerprint, FingerprintMatch

# 1 to 10 s, few of them multiples of one beat: a loop agrees with itself at its own length alone.
_SHIFTS: Final = (8, 11, 16, 21, 27, 35, 46, 57, 69, 81)
# How much better than with itself elsewhere a sound must agree. Bit error of a sound with itself, shifted
# (median of the shifts): tones 0, hum 0.08, a metronome up to 0.13; noise 0.40, speech 0.45; 42 recordings of
# music 0.38 and more, the most even 10 s of any of them 0.27, where a copy may still have an error of 0.17.
_CONTRAST: Final = 0.10
_EVEN: Final = 0.20


def self_error(words: Fingerprint) -> float:
    """Give the bit error of a fingerprint with itself some seconds later.

    Parameters
    ----------
    words : uint32 [shape=(n,)]

    Returns
    -------
    error : float in [0, 1]
        median over shifts of up to half of its length; 0.5 when it is too short to say
    """
    shifts = [shift for shift in _SHIFTS if shift <= len(words) // 2]
    if not shifts:
        return 0.5
    return float(np.median([np.bitwise_count(words[k:] ^ words[:-k]).mean() / 32 for k in shifts]))


def even(words: Fingerprint) -> bool:
    """Say whether a sound is the same all along, so that it cannot be told from others of its kind."""
    return self_error(words) <= _EVEN


def tells(match: FingerprintMatch, a: Fingerprint) -> bool:
    """Say whether an alignment shows more than that both sounds are even.

    Parameters
    ----------
    match : FingerprintMatch
    a : uint32 [shape=(n,)]
        the first of the two that were aligned

    Returns
    -------
    tells : bool
        false where the sound agrees with itself about as well as with the other; true where it does not agree
        with the other at all, which is plain
    """
    if match.bit_error > UNRELATED_BIT_ERROR:
        return True
    first, span = match.start_a_ms // FRAME_MS, match.span_ms // FRAME_MS
    return match.bit_error <= self_error(a[first : first + span] if span else a) - _CONTRAST
