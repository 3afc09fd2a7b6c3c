"""The stages as processes: each runs until it is asked to stop."""

import gc
import logging
import os
from importlib.metadata import version

from streams.config import Settings
from streams.errors import ConfigError
from streams.telemetry import configure_logging
from streams.wiring.arbitrate import run_arbitrate
from streams.wiring.audit import run_audit
from streams.wiring.encode import run_encode
from streams.wiring.find import run_find
from streams.wiring.index import run_index
from streams.wiring.parts import COLLECTED_EVERY
from streams.wiring.stage_process import StageProcess

log = logging.getLogger(__name__)


def run_stage(name: str, settings: Settings) -> None:
    """Run one stage in this process until SIGTERM or SIGINT.

    Raises
    ------
    ConfigError
        the stage does not run by itself in this installation
    """
    configure_logging(settings.telemetry.log_level, name)
    gc.set_threshold(COLLECTED_EVERY)
    with StageProcess(settings, name) as process:
        # Whoever opens the log of a quiet stage sees when it began, as what, and on what.
        log.info(
            "samesong %s begins: Kafka at %s, data in %s, process %d",
            version("samesong"),
            process.bootstrap,
            settings.data_dir,
            os.getpid(),
        )
        if process.await_kafka():
            _work(name, process)
        log.info("ends as it was asked to")


def _work(name: str, process: StageProcess) -> None:
    match name:
        case "encode":
            run_encode(process)
        case "arbitrate":
            run_arbitrate(process)
        case "index":
            run_index(process)
        case "find":
            run_find(process)
        case "audit":
            run_audit(process)
        case "drift":
            _run_drift(process)
        case _:
            raise ConfigError(f"there is no stage {name!r}")


def _run_drift(process: StageProcess) -> None:
    """Watch the embeddings."""
    # Faust is slow to import and only this stage needs it.
    from streams.edges.faust_app import run_drift

    settings = process.settings
    run_drift(
        process.bootstrap,
        settings.drift,
        process.codec,
        settings.data_dir,
        process.stop,
        kafka=settings.kafka,
        metrics=process.metrics,
        guard=process.guard,
        gate=process.intake("drift"),
    )
