"""Why a decision was made, in a few sentences, before all the figures."""

from __future__ import annotations

from streams.core.records import Decision, HeadScore, LedgerLine, Outcome

GUARDS = {
    "another_member": "The guard: another member of that upload's entity can be no recording of this one.",
    "too_large": "The guard: more uploads hang together here than are joined without a person.",
}
SCALE = (
    "Figures are log-odds: 0 is even, +3 is 95 in 100, -3 is 5 in 100.",
    "The lines of each table add up to its sum.",
)


def why(decision: Decision) -> list[str]:
    """Say which upload decided, what spoke for and against one recording, and what would have been enough."""
    if decision.outcome in {Outcome.duplicate, Outcome.withdrawn, Outcome.rejected}:
        said = decision.reason or decision.code or "nothing more is known"
        return [f"Why        {said}"]
    score = decision.recording_ledger
    if score is None:
        return ["Why        nothing in the catalogue was near enough to be compared"]
    other = f"{decision.deciding_source}/{decision.deciding_item_id}"
    bound = decision.recording.threshold if decision.recording is not None else None
    needed = f"; a match takes {bound:+.2f} or more" if bound is not None else ""
    return [
        f"Why        the closest upload is {other}: {score.log_odds:+.2f} for one recording{needed}",
        *side("For it", score, sign=1),
        *side("Against", score, sign=-1),
        *(f"           {GUARDS[line.level]}" for line in score.lines if line.level in GUARDS),
        f"           {_outcome(decision.outcome)}",
        *(f"           {line}" for line in SCALE),
    ]


def _outcome(outcome: Outcome) -> str:
    match outcome:
        case Outcome.match:
            return "So it joins the recording of that upload."
        case Outcome.review:
            return "Too little for a match and too much for none: a person must say (`samesong review`)."
        case _:
            return "So it is a recording of its own; below, whether it is of the same work."


def side(title: str, score: HeadScore, *, sign: int) -> list[str]:
    """Name the three weightiest lines that speak for, or against."""
    lines = [line for line in score.lines if line.contribution * sign > 0]
    lines.sort(key=lambda line: (-abs(line.contribution), line.name))
    return [f"{title:<10} {', '.join(map(_word, lines[:3]))}"] if lines else []


def _word(line: LedgerLine) -> str:
    return f"{line.name} {line.level.replace('_', ' ')} ({line.contribution:+.2f})"
