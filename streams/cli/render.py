"""Decisions, ledgers and entities as text that a person reads: pure functions, no colours in here."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable

from streams.cli.entities import EntityView
from streams.cli.why import why
from streams.core.records import (
    Decision,
    HeadScore,
    ItemKey,
    LedgerLine,
    Outcome,
)
from streams.core.visible import visible

STYLES = {
    Outcome.match: "green",
    Outcome.new: "cyan",
    Outcome.review: "yellow",
    Outcome.duplicate: "dim",
    Outcome.withdrawn: "magenta",
    Outcome.rejected: "red",
}


def short(identifier: str | None) -> str:
    """Shorten an id for a line; an id that is short stays."""
    if not identifier:
        return "-"
    return identifier if len(identifier) <= 12 else identifier[:8]


def decision_line(decision: Decision) -> str:
    """Say one decision on one line."""
    parts = [f"{decision.outcome.value:<9}", f"{decision.source}/{decision.item_id}"]
    if decision.revision > 1:
        parts.append(f"r{decision.revision}")
    if decision.outcome in {Outcome.match, Outcome.new, Outcome.review}:
        parts.append(f"-> {decision.kind.value.replace('_', ' ')} {short(decision.entity_id)}")
    # What is new is with nobody: the nearest stranger is named by `explain`.
    if decision.outcome is not Outcome.new:
        if decision.recording is not None and decision.recording.probability is not None:
            parts.append(f"p={decision.recording.probability:.3f}")
        if decision.deciding_item_id:
            parts.append(f"with {decision.deciding_source}/{decision.deciding_item_id}")
    if (relation := decision.relation) is not None:
        parts.append(f"[{relation.relation} {relation.to_source}/{relation.to_item_id}]")
    if decision.code:
        parts.append(decision.code)
    if decision.reason and decision.reason != decision.code:
        parts.append(f"({decision.reason})")
    return visible(" ".join(parts))


def _text(lines: Iterable[str]) -> str:
    """Join lines; what a stranger wrote into one cannot begin another."""
    return "\n".join(visible(line) for line in lines)


def ledger_line(line: LedgerLine) -> str:
    """Say one line of a ledger: weight, name, level reached, and both values where there are any."""
    values = f"  {line.left or '-'} | {line.right or '-'}" if line.left or line.right else ""
    return f"  {line.contribution:+8.3f}  {line.name:<24} {line.level}{values}"


def ledger(title: str, head: HeadScore) -> list[str]:
    """Say a whole score: the lines add up to the last one."""
    return [
        f"{title} (log-odds)",
        f"  {head.prior:+8.3f}  prior",
        *(ledger_line(line) for line in head.lines),
        f"  {head.log_odds:+8.3f}  sum, probability {head.probability:.4f}",
    ]


def _levels(decision: Decision) -> list[str]:
    """Say where the upload stands at each level of identity."""
    lines = []
    for name in ("audio", "master", "recording", "work"):
        level = getattr(decision, name)
        if level is None:
            continue
        odds = f"  p={level.probability:.4f}" if level.probability is not None else ""
        bound = f"  threshold {level.threshold:+.2f}" if level.threshold is not None else ""
        lines.append(f"  {name:<10} {level.id or '-'}{odds}{bound}")
    return ["Levels (thresholds in log-odds)", *lines] if lines else []


def _candidates(decision: Decision) -> list[str]:
    """Say what else was considered."""
    if not decision.candidates:
        return ["Candidates: none considered"]
    lines = [
        "Candidates (log-odds of one recording; how each was found)"
        + (", the list cut short" if decision.truncated else "")
    ]
    for found in decision.candidates:
        score = "not scored" if found.recording_log_odds is None else f"{found.recording_log_odds:+.3f}"
        why = f"  cannot link: {found.cannot_link}" if found.cannot_link else ""
        relation = f"  {found.relation}" if found.relation else ""
        by = ", ".join(found.proposed_by)
        lines.append(
            f"  {score:>10}  {found.source}/{found.item_id}  in {short(found.entity_id)}"
            f"  by {by} ({found.looked_up}){why}{relation}"
        )
    return lines


def fitted(text: str, width: int) -> str:
    """Break lines that are too long for a terminal; what follows stands below the line's own last column."""
    return "\n".join(_fitted(line, width) for line in text.split("\n"))


def _fitted(line: str, width: int) -> str:
    columns = [gap.end() for gap in re.finditer(r" {2,}", line) if gap.end() <= width // 2]
    return textwrap.fill(
        line,
        width,
        subsequent_indent=" " * max(columns, default=0),
        break_long_words=False,
        break_on_hyphens=False,
    )


def explanation(decision: Decision) -> str:
    """Say why, in words first, then levels, ledgers, counter-evidence, flip, candidates and versions."""
    lines = [decision_line(decision), "", *why(decision), ""]
    origin = decision.origin
    lines.append(f"Decision   {decision.decision_id}  (sequence {decision.sequence})")
    lines.append(f"Origin     {origin.topic} [{origin.partition}] @ {origin.offset}")
    if decision.first_decision_id:
        lines.append(f"First      {decision.first_decision_id}")
    if decision.video_id:
        lines.append(
            f"Video      {decision.video_id}, sound of {decision.sound_recording_id or 'no recording'}"
            + (f" (sound track {decision.sound_track})" if decision.sound_track else "")
        )
    lines += _levels(decision)
    if decision.recording_ledger is not None:
        lines += ["", *ledger("Same recording?", decision.recording_ledger)]
    if decision.work_ledger is not None:
        lines += ["", *ledger("Same work?", decision.work_ledger)]
    for name, above, level in (
        ("master", "recording", decision.master),
        ("audio", "master", decision.audio),
    ):
        if level is not None and level.ledger is not None:
            with_whom = f"{level.deciding_source}/{level.deciding_item_id}"
            lines += ["", *ledger(f"Same {name} as {with_whom}, given one {above}?", level.ledger)]
    lines.append("")
    if (heard := decision.heard) is not None:
        lines.append(
            f"Heard      {heard.start_ms / 1000:.1f} to {heard.end_ms / 1000:.1f} s, "
            f"in the other {heard.other_start_ms / 1000:.1f} to {heard.other_end_ms / 1000:.1f} s"
        )
    if decision.counter_evidence is not None:
        lines += ["Strongest evidence against this outcome", ledger_line(decision.counter_evidence)]
    if decision.flip is not None:
        flip = decision.flip
        other = "no match" if flip.to == "non_match" else flip.to
        lines.append(f"Would become {other} {flip.change} ({flip.log_odds:+.3f})")
    lines += _candidates(decision)
    if (relation := decision.relation) is not None:
        span = f", {relation.overlap_ms / 1000:.1f} s compared" if relation.overlap_ms is not None else ""
        at = f", offset {relation.offset_ms / 1000:+.2f} s" if relation.offset_ms is not None else ""
        speed = f", speed {relation.speed_ratio:.3f}" if relation.speed_ratio not in (None, 1.0) else ""
        lines.append(
            f"Relation   {relation.relation} {relation.to_source}/{relation.to_item_id} "
            f"(entity {short(relation.to_entity)}), p={relation.probability:.3f}{at}{span}{speed}"
        )
        if relation.pitch_cents is not None and abs(relation.pitch_cents) >= 1:
            tied = "with the speed" if relation.pitch_tied else "on its own"
            lines.append(f"           pitch {relation.pitch_cents / 100:+.2f} semitones, {tied}")
        for part in relation.spans:
            lines.append(
                f"           {part.start_ms / 1000:.1f} to {part.end_ms / 1000:.1f} s is "
                f"{part.other_start_ms / 1000:.1f} to {part.other_end_ms / 1000:.1f} s of the other"
            )
    for problem in decision.identifier_problems:
        lines.append(f"Ignored    {problem.scheme} {problem.value}: {problem.problem}")
    if decision.deciding_models:
        lines.append(f"Other's    {', '.join(decision.deciding_models)}")
    versions = [*decision.models, f"rules {decision.rule_version}", f"bundle {decision.bundle_version}"]
    lines.append("Versions   " + ", ".join(part for part in versions if not part.endswith(" ")))
    if decision.lookup is not None:
        lookup = decision.lookup
        lines.append(
            f"Index      {lookup.build} up to {lookup.watermark}, {lookup.rows} rows, "
            f"{decision.overlay_rows} more in the overlay"
        )
    lines.append(f"Trace      {decision.trace_id or 'none'}")
    return _text(lines)


def entity_text(view: EntityView) -> str:
    """Say an entity: what it is, its members, relations as they stood, and how it came to be."""
    side = view.side
    name = " - ".join(part for part in (side.artist, side.title) if part) or "untitled"
    lines = [f"{side.kind.replace('_', ' ')} {side.entity_id}  {name}", f"Status     {side.status}"]
    lines.append(f"As of      sequence {view.as_of}")
    if side.redirect_to:
        lines.append(f"Redirect   {side.redirect_to}")
    if view.stands_for != (side.redirect_to or side.entity_id):
        lines.append(f"Leads to   {view.stands_for}")
    if side.work_id:
        lines.append(f"Work       {side.work_id}")
    lines.append(f"Members    {len(side.members)}")
    places = {place.member: place for place in side.places}
    for member in side.members:
        place = places.get(member)
        below = f"  master {short(place.master_id)}  audio {short(place.audio_id)}" if place else ""
        lines.append(f"  {member_name(member)}{below}")
    lines.append(f"Relations  {len(view.relations)}")
    for relation in view.relations:
        outward = relation.from_entity == view.stands_for
        other = relation.to_entity if outward else relation.from_entity
        arrow = "->" if outward else "<-"
        lines.append(f"  {relation.relation} {arrow} {other}  p={relation.probability:.3f}")
    lines.append("History")
    for event in view.history:
        members = next((len(s.members) for s in event.sides if s.entity_id == side.entity_id), 0)
        others = [short(s.entity_id) for s in event.sides if s.entity_id != side.entity_id]
        beside = f" with {', '.join(others)}" if others else ""
        count = f"{members} member{'' if members == 1 else 's'}"
        lines.append(f"  {event.sequence:>6}  {event.change:<9} {count}{beside}  by {event.cause}")
    return _text(lines)


def member_name(member: str) -> str:
    """Give a member's source and item; entity ids of a work's members stay as they are."""
    size, colon, _ = member.partition(":")
    if colon and size.isdigit():
        return str(ItemKey.parse(member))
    return member
