"""What a kept pair says to the clusterings of its component, at recording and at work level."""

from typing import Final

from streams.core.records import PairState
from streams.core.rules import Thresholds

JOINS: Final = 1
PARTS: Final = 2
JOINS_WORKS: Final = 4
PARTS_WORKS: Final = 8
LET_GO: Final = 16


def bearing(pair: PairState, thresholds: Thresholds, fall: float = 0.0) -> int:
    """Say what a pair means to the clusterings, as flags; each changes but one way as the scores fall.

    Parameters
    ----------
    pair : PairState
    thresholds : Thresholds
    fall : float >= 0 [log-odds]
        taken off both scores

    Returns
    -------
    int
        ``JOINS`` or ``PARTS`` its ends as recordings, ``JOINS_WORKS`` or ``PARTS_WORKS``; ``LET_GO`` where
        it parts them but is too unlikely to be kept in a large component
    """
    recording, work = pair.recording_log_odds - fall, pair.work_log_odds - fall
    said = 0
    if pair.verdict == "match":
        said |= JOINS
    elif pair.verdict is not None or pair.cannot_link is not None or recording < -thresholds.guard:
        said |= PARTS
    elif recording >= thresholds.recording_match:
        said |= JOINS
    if pair.work_cannot_link is not None or work < -thresholds.guard:
        said |= PARTS_WORKS
    elif work >= thresholds.work_match:
        said |= JOINS_WORKS
    if said & (PARTS | PARTS_WORKS) and (
        recording < thresholds.recording_review and work < thresholds.work_review
    ):
        said |= LET_GO
    return said


def could_join(pair: PairState, thresholds: Thresholds) -> bool:
    """Say whether a pair can bring its ends into one recording or one work."""
    return bool(bearing(pair, thresholds) & (JOINS | JOINS_WORKS))
