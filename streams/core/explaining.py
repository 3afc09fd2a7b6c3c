"""What spoke against a decision, and the smallest change that would flip it."""

from streams.core.records import Flip, HeadScore, LedgerLine


def counter_evidence(head: HeadScore, positive: bool) -> LedgerLine | None:
    """Find the strongest line against the outcome.

    Parameters
    ----------
    positive : bool
        the outcome was a match, so that counter-evidence is negative
    """
    sign = -1.0 if positive else 1.0
    against = [line for line in head.lines if line.contribution * sign > 0]
    return max(against, key=lambda line: (abs(line.contribution), line.name), default=None)


def smallest_flip(head: HeadScore, threshold: float) -> Flip | None:
    """Find the line whose absence alone would move the score across the threshold, the weakest such line.

    Without one such line, the fewest lines (strongest first) that do it together; none where even
    losing all of them would not.
    """
    positive = head.log_odds >= threshold
    sign = 1.0 if positive else -1.0
    gap = abs(head.log_odds - threshold)
    target = "non_match" if positive else "match"
    helping = sorted(
        (line for line in head.lines if line.contribution * sign > 0),
        key=lambda line: (abs(line.contribution), line.name),
    )
    for line in helping:
        if abs(line.contribution) > gap:
            return Flip(to=target, change=f"without {line.name} ({line.level})", log_odds=line.contribution)
    taken: list[LedgerLine] = []
    total = 0.0
    for line in reversed(helping):
        taken.append(line)
        total += line.contribution
        if abs(total) > gap:
            change = " and ".join(f"{part.name} ({part.level})" for part in taken)
            return Flip(to=target, change=f"without {change}", log_odds=total)
    return None
