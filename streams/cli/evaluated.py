"""Evaluations as a person reads them: tables for a terminal, and a report in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from streams.cli.why import side as words
from streams.core.visible import visible

if TYPE_CHECKING:
    from rich.table import Table

    from streams.core.records import HeadScore
    from streams.evaluation.diff import Flip, SetDiff
    from streams.evaluation.figures import Case, Figure, SetReport, Side, Stratum
    from streams.evaluation.run import Evaluation
    from streams.evaluation.targets import Check

_CHECKED = ("set", "figure", "value", "95 %", "to reach", "floor")
_COUNTED = ("false joins", "false matches")


def set_table(report: SetReport, held_out: SetReport | None) -> Table:
    """Lay out the figures of a set."""
    from rich.table import Table

    table = Table(title=f"{report.name}: {report.how}, {report.size:,}", title_justify="left")
    for name in _heads(held_out):
        table.add_column(name)
    for row in _figures(report, held_out):
        table.add_row(*row)
    return table


def checks_table(checks: Sequence[Check], *, floors: bool) -> Table:
    """Lay out targets and floors."""
    from rich.table import Table

    table = Table(title="Floors, on fixed samples" if floors else "Targets", title_justify="left")
    for name in _CHECKED:
        table.add_column(name, overflow="fold")
    for check in checks:
        table.add_row(*_check(check))
    return table


def _heads(held_out: SetReport | None) -> tuple[str, ...]:
    return ("figure", "value", "95 %", *(("fitted without this set",) if held_out else ()))


def _figures(report: SetReport, held_out: SetReport | None) -> Iterator[tuple[str, ...]]:
    for figure in report.figures:
        row = (figure.name, value(figure), interval(figure))
        if held_out is None:
            yield row
            continue
        beside = held_out.figure(figure.name)
        yield (*row, value(beside) if beside is not None else "-")


def _check(check: Check) -> tuple[str, ...]:
    target = check.target
    sign = "at most " if target.at_most else ""
    of = " (lower end)" if target.of == "low" else ""
    return (
        target.set,
        f"{target.name}{of}" + (f", {target.stratum}" if target.stratum else ""),
        value(check.figure),
        interval(check.figure),
        f"{sign}{target.reach:g}{_missed(check.reached)}" if target.reach is not None else "-",
        f"{sign}{target.floor:g}{_missed(check.above_floor)}" if target.floor is not None else "-",
    )


def _missed(said: bool | None) -> str:
    return ": missed" if said is False else ""


def value(figure: Figure) -> str:
    """Write a value: a count as it is, a share with four places."""
    if figure.value is None:
        return "-"
    return f"{figure.value:,.0f}" if figure.name.endswith(_COUNTED) else f"{figure.value:.4f}"


def interval(figure: Figure) -> str:
    """Write the interval of a figure, where it has one."""
    return (
        f"{figure.low:.4f} to {figure.high:.4f}" if figure.low is not None and figure.high is not None else ""
    )


def as_plain(done: Evaluation, checks: Sequence[Check]) -> dict[str, Any]:
    """Give all of it as JSON would hold it."""
    return {
        "bundle": done.bundle_version,
        "sets": [asdict(report) for report in done.reports],
        "held_out": {name: asdict(report) for name, report in done.held_out.items()},
        "absent": dict(done.absent),
        "targets": [asdict(check) for check in checks],
    }


def as_markdown(done: Evaluation, checks: Sequence[Check]) -> str:
    """Write the whole report."""
    lines = [f"# Evaluation of bundle {done.bundle_version}", ""]
    if checks:
        lines += ["## Targets", "", *_table(_CHECKED, map(_check, checks)), ""]
    for name, why in done.absent.items():
        lines.append(f"Absent: {name}: {why}.")
    for report in done.reports:
        lines += ["", f"## {report.name}", "", f"{report.how.capitalize()}; {report.size:,}.", ""]
        lines += [f"{note}.\n" for note in report.notes]
        beside = done.held_out.get(report.name)
        lines += _table(_heads(beside), _figures(report, beside))
        lines += _strata("Strata", report.strata)
        lines += _strata("Calibration", report.calibration)
        if report.groups:
            rows = ((group.kind, group.levels, f"{group.count:,}") for group in report.groups)
            lines += [
                "",
                "### What goes wrong",
                "",
                *_table(("kind", "levels that told most", "pairs"), rows),
            ]
        if report.cases:
            lines += ["", f"### The {len(report.cases)} worst cases", ""]
            for number, case in enumerate(report.cases, start=1):
                lines += _case(number, case)
    return "\n".join(lines) + "\n"


def _strata(title: str, strata: Sequence[Stratum]) -> list[str]:
    if not strata:
        return []
    names = list(dict.fromkeys(figure.name for each in strata for figure in each.figures))
    rows = []
    for each in strata:
        own = {figure.name: figure for figure in each.figures}
        rows.append((each.name, f"{each.count:,}", *(value(own[n]) if n in own else "-" for n in names)))
    return ["", f"### {title}", "", *_table(("stratum", "count", *names), rows)]


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [
        f"| {' | '.join(heads)} |",
        f"| {' | '.join('---' for _ in heads)} |",
        *(f"| {' | '.join(_cell(cell) for cell in row)} |" for row in rows),
    ]


def _cell(text: str) -> str:
    return visible(text).replace("|", "\\|")


def _case(number: int, case: Case) -> list[str]:
    score = f" at {case.score.log_odds:+.2f}" if case.score is not None else ""
    lines = [f"{number}. **{case.kind}**{score}: {_side(case.left)} / {_side(case.right)}"]
    lines += [f"   {line}" for line in _ledger(case.score)]
    if case.guard is not None:
        lines.append(f"   Ruled out by {case.guard}")
    return lines


def _side(side: Side) -> str:
    length = f", {side.duration_ms // 1000} s" if side.duration_ms is not None else ""
    version = f" ({side.version})" if side.version else ""
    return visible(f"“{side.title or '-'}”{version} by {', '.join(side.artists) or '-'}{length}")


def _ledger(score: HeadScore | None) -> list[str]:
    """Say in words what spoke for the pair and what against it."""
    if score is None:
        return []
    told = [*words("for it", score, sign=1), *words("against", score, sign=-1)]
    return [" ".join(line.split()) for line in told]


def diff_plain(
    before: str, after: str, diffs: Sequence[SetDiff], absent: Mapping[str, str]
) -> dict[str, Any]:
    """Give a diff as JSON would hold it."""
    sets = [
        asdict(each) | {"flips": [{"before": b, "after": a, "count": n} for (b, a), n in each.flips.items()]}
        for each in diffs
    ]
    return {"before": before, "after": after, "sets": sets, "absent": dict(absent)}


def diff_markdown(before: str, after: str, diffs: Sequence[SetDiff]) -> str:
    """Write what a bundle would change, set by set."""
    lines = [f"# From bundle {before} to bundle {after}", ""]
    heads = ("set", "size", "flips", "merges", "splits", "rearranged", "touched", "put right", "put wrong")
    rows = [
        (
            each.name,
            f"{each.size:,}",
            f"{sum(each.flips.values()):,}",
            *(f"{n:,}" for n in (each.merges, each.splits, each.rearranged, each.touched)),
            *("-" if n is None else f"{n:,}" for n in (each.right, each.wrong)),
        )
        for each in diffs
    ]
    lines += _table(heads, rows)
    for each in diffs:
        if not each.flips:
            continue
        lines += ["", f"## {each.name}", ""]
        counts = sorted(each.flips.items(), key=lambda flip: -flip[1])
        lines += _table(("before", "after", "count"), ((b, a, f"{n:,}") for (b, a), n in counts))
        lines += [""]
        for number, flip in enumerate(each.examples, start=1):
            lines += _flip(number, flip)
    return "\n".join(lines) + "\n"


def _flip(number: int, flip: Flip) -> list[str]:
    other = f" / {_side(flip.other)}" if flip.other is not None else ""
    truth = "" if flip.truth is None else " (truly one)" if flip.truth else " (truly two)"
    lines = [f"{number}. **{flip.before} → {flip.after}**{truth}: {_side(flip.upload)}{other}"]
    for name, score in (("before", flip.before_score), ("after", flip.after_score)):
        if score is not None:
            lines.append(f"   {name} {score.log_odds:+.2f}: {'; '.join(_ledger(score))}")
    return lines
