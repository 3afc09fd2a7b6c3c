"""`resolve` and `compare`: the packaged rules, files in and files out."""

from pathlib import Path

from streams.config import Settings
from streams.core.scoring import Bundle, Scorer
from streams.offline import compare_lines, read_lines, resolve_lines, write_lines
from streams.wiring.parts import rules


def resolve_file(settings: Settings, uploads: Path, output: Path) -> tuple[str, ...]:
    """Resolve a file of uploads; give a line for each that was refused or only half read."""
    lines = read_lines(uploads)
    answers = list(resolve_lines(lines, rules(Bundle.packaged())))
    write_lines(output, answers)
    refused = [
        f"line {number}: {answer.get('reason', 'refused')}"
        for number, answer in enumerate(answers, start=1)
        if answer["decision"] == "rejected"
    ]
    unheard = sum(b'"media"' in line for line in lines)
    if unheard:
        refused.append(f"{unheard} uploads name media: `resolve` read their metadata alone")
    return tuple(refused)


def compare_file(settings: Settings, pairs: Path, output: Path) -> tuple[str, ...]:
    """Compare a file of pairs; give a line for each that could not be read."""
    answers = list(compare_lines(read_lines(pairs), Scorer(Bundle.packaged())))
    write_lines(output, answers)
    return tuple(
        f"line {number}: {answer['error']}"
        for number, answer in enumerate(answers, start=1)
        if "error" in answer
    )
