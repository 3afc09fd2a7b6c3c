"""What a training run was: enough to tell two apart and to do one again."""

from __future__ import annotations

import json
import subprocess
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(slots=True, kw_only=True)
class RunRecord:
    """Configuration, data and course of one run.

    Attributes
    ----------
    task : str
        identity or version
    configuration : dict
    data : dict
        digest and counts of what it was trained on
    commit : str
        of the code; "unknown" outside a checkout
    device : str
    steps : list of dict
        step, seconds and score; loss and rate too, but for the first: the untrained network
    best : dict
        the step whose weights were kept
    """

    task: str
    configuration: dict[str, Any]
    data: dict[str, Any]
    commit: str
    device: str
    steps: list[dict[str, float]] = field(default_factory=list)
    best: dict[str, float] = field(default_factory=dict)

    def save(self, path: Path) -> None:
        """Write as JSON."""
        path.write_text(json.dumps(asdict(self), indent=1, sort_keys=True) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> RunRecord:
        """Read what `save` wrote."""
        return cls(**json.loads(path.read_text(encoding="utf-8")))


def commit_of(folder: Path) -> str:
    """Name the commit that a checkout is at."""
    try:
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"],  # noqa: S607 - whichever git there is
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()


def draw_curves(record: RunRecord, path: Path) -> None:
    """Draw loss and score over steps as a PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4), dpi=100)
    FigureCanvasAgg(figure)
    left = figure.add_subplot()
    trained = [row for row in record.steps if "loss" in row]
    left.plot([row["step"] for row in trained], [row["loss"] for row in trained], color="tab:blue")
    left.set_xlabel("step")
    left.set_ylabel("loss", color="tab:blue")
    scored = [row for row in record.steps if "score" in row]
    right = left.twinx()
    right.plot([row["step"] for row in scored], [row["score"] for row in scored], "o-", color="tab:red")
    right.set_ylabel("score on works that are not trained on", color="tab:red")
    right.set_ylim(0.0, 1.0)
    figure.suptitle(f"{record.task}: {record.device}")
    figure.tight_layout()
    figure.savefig(path)
