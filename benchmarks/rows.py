"""Rows of one result: those that are asked for are measured, the others stay as they were."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from benchmarks.machine import RESULTS, write_result

ROWS: Final = "SAMESONG_BENCH_ROWS"
"""Names of rows, with commas: only these are measured. Without it all are."""

Row = tuple[str, Callable[[], dict[str, Any]]]


def write_rows(
    name: str, what: str, rows: Sequence[Row], *, started: Mapping[str, Any], **facts: Any
) -> None:
    """Measure rows in their order, and write the result after each: what ends early keeps what it has.

    Parameters
    ----------
    name, what : str
        see :func:`benchmarks.machine.write_result`
    rows : sequence of (str, callable)
        `measured_at` names the commit that each was measured at
    started : mapping
        :func:`benchmarks.machine.machine_facts` from before the measurement
    **facts
        of all rows

    Raises
    ------
    ValueError
        a row is asked for that there is not
    """
    names = [row for row, _ in rows]
    asked = [each for each in os.environ.get(ROWS, "").split(",") if each]
    if unknown := set(asked) - set(names):
        raise ValueError(f"{ROWS} names {sorted(unknown)}; the rows are {', '.join(names)}")
    figures: dict[str, Any] = {}
    for row, measure in rows:
        if asked and row not in asked:
            continue
        found = measure()
        # Read again each time: another process may have measured other rows meanwhile.
        figures = {**(_known(name) if asked else figures), **facts, row: found}
        figures["measured_at"] = {**figures.get("measured_at", {}), row: started["commit"]}
        print(row, found, flush=True)
        write_result(name, what, figures, started=started)


def _known(name: str) -> dict[str, Any]:
    """Read what was measured before."""
    path = RESULTS / f"{name}.json"
    result = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return {row: found for row, found in result.items() if row not in {"what", "machine"}}
