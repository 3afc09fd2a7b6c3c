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
    path = RESULTS / f"{name}.json"
    known = json.loads(path.read_text(encoding="utf-8")) if asked and path.is_file() else {}
    kept = {row: found for row, found in known.items() if row not in {"what", "machine"}}
    figures: dict[str, Any] = {**kept, **facts}
    figures["measured_at"] = dict(kept.get("measured_at", {}))
    for row, measure in rows:
        if asked and row not in asked:
            continue
        figures[row], figures["measured_at"][row] = measure(), started["commit"]
        print(row, figures[row], flush=True)
        write_result(name, what, figures, started=started)
