"""One stage in a process of its own, as `samesong run` runs it, but with encoders that need no models.

The processes are forked from a server that has imported everything, so that one starts in a moment.
"""

import ctypes
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Mapping
from functools import partial
from multiprocessing import forkserver
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from streams.config import Settings, load_settings
from streams.edges.memory_encoder import MemoryConfirmer, MemoryEncoder
from streams.stages.index import IndexProcessor
from streams.threads import one_thread
from streams.wiring import arbitrate, audit, encode, find, index, service, stage_process
from tests.chaos import faults

PR_SET_PDEATHSIG = 1
# What a stage imports only when it needs it: seconds, at each start.
LATE = ("streams.edges.milvus",)


def start(stage: str, *, data_dir: Path, environment: Mapping[str, str], log_path: Path) -> ForkServerProcess:
    """Start a stage; it ends with this process, however that ends."""
    ready_file(log_path).unlink(missing_ok=True)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, *LATE])
    process = context.Process(
        target=_run, args=(stage, data_dir, dict(environment), log_path), name=stage, daemon=True
    )
    process.start()
    return process


def end_server() -> None:
    """End the server that the stages are forked from, and wait for it: alone it ends a while after us."""
    forkserver._forkserver._stop()  # type: ignore[attr-defined]  # nothing public does it


def ready_file(log_path: Path) -> Path:
    """Name the file that is there once a stage listens to signals: before that SIGTERM just ends it."""
    return log_path.with_suffix(".ready")


def _run(stage: str, data_dir: Path, environment: Mapping[str, str], log_path: Path) -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.environ.update(environment)
    log = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, sys.stdout.fileno())
    os.dup2(log, sys.stderr.fileno())
    _without_models()
    # Here the audit is waited for, also where other tests keep the machine busy.
    audit.AUDIT_NICENESS = 0
    faults.arm(environment)
    _say_when_ready(ready_file(log_path))
    service.run_stage(stage, load_settings(data_dir=data_dir))


def _say_when_ready(file: Path) -> None:
    listen = stage_process.stop_on_signals

    def listening() -> threading.Event:
        stop = listen()
        file.touch()
        return stop

    stage_process.stop_on_signals = listening


def _without_models() -> None:
    """Put crude encoders in the place of the models, and let every watermark carry a checksum."""

    def encoder(_settings: Settings) -> MemoryEncoder:
        return MemoryEncoder()

    for module, name, part in (
        (encode, "encoder", encoder),
        (find, "FeatureConfirmer", MemoryConfirmer),
        (arbitrate, "FeatureConfirmer", MemoryConfirmer),
        (index, "IndexProcessor", partial(IndexProcessor, checksum_every_s=0.0)),
    ):
        setattr(module, name, part)


one_thread()
