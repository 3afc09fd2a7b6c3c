"""`samesong up` and `samesong run`: the service, whole or one stage."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer

from streams.cli.common import Bootstrap, DataDir, settings_for, wiring
from streams.heaps import few_heaps
from streams.threads import one_thread


class Stage(Enum):
    """The stages that run as a process of their own."""

    encode = "encode"
    find = "find"
    arbitrate = "arbitrate"
    index = "index"
    audit = "audit"
    drift = "drift"


def up(data_dir: DataDir = None, bootstrap: Bootstrap = None) -> None:
    """Run everything on this machine: the embedded Kafka and every stage, until Ctrl-C."""
    wiring().up(settings_for(data_dir, bootstrap=bootstrap))


def run(
    stage: Annotated[Stage, typer.Argument(help="Which one.")],
    data_dir: DataDir = None,
    bootstrap: Bootstrap = None,
) -> None:
    """Run one stage until Ctrl-C."""
    one_thread()
    few_heaps()
    wiring().run_stage(stage.value, settings_for(data_dir, bootstrap=bootstrap))
