"""`samesong up` and `samesong run`: the service, whole or one stage."""

from __future__ import annotations

import os
from enum import Enum
from typing import Annotated

import typer

from streams.cli.common import DataDir, settings_for, wiring


class Stage(Enum):
    """The stages that run as a process of their own."""

    encode = "encode"
    find = "find"
    arbitrate = "arbitrate"
    index = "index"
    audit = "audit"
    drift = "drift"


def up(data_dir: DataDir = None) -> None:
    """Run everything on this machine: the embedded Kafka and every stage, until Ctrl-C."""
    wiring().up(settings_for(data_dir))


def run(
    stage: Annotated[Stage, typer.Argument(help="Which one.")],
    data_dir: DataDir = None,
) -> None:
    """Run one stage until Ctrl-C."""
    # A stage is one of several on a machine, and its matrices are small: threads that spin for work would
    # take the cores from its neighbours. Read when NumPy is first imported, which the next line does.
    for library in ("OPENBLAS", "OMP", "MKL"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    wiring().run_stage(stage.value, settings_for(data_dir))
