"""`samesong up`: the broker and every stage of one installation, supervised."""

import hashlib
import socket
from dataclasses import replace
from pathlib import Path

from streams.config import Settings
from streams.connection import kafka_extra
from streams.supervision import Supervisor, stage_command, supervise
from streams.telemetry import configure_logging


def up(settings: Settings) -> None:
    """Supervise the broker and every stage of one installation until asked to stop."""
    configure_logging(settings.telemetry.log_level, "up")
    data_dir = settings.data_dir
    stages = [
        replace(
            stage_command(name, data_dir=data_dir),
            environment={"SAMESONG_KAFKA__INSTANCE_ID": _instance_id(name, data_dir)},
        )
        for name in processes(settings)
    ]
    supervisor = Supervisor(
        data_dir,
        stages,
        bootstrap=settings.kafka.bootstrap,
        client_config=kafka_extra(settings),
        replication_factor=settings.kafka.replication_factor,
    )
    supervise(supervisor)


def _instance_id(stage: str, data_dir: Path) -> str:
    """Name a stage of one data folder on one machine: the same after every start, and no other's."""
    place = f"{socket.gethostname()}:{data_dir.resolve()}"
    return f"{stage}-{hashlib.sha256(place.encode()).hexdigest()[:16]}"


def processes(settings: Settings) -> tuple[str, ...]:
    """Name the stages that run apart; with Milvus Lite one process owns the store and does two."""
    looking = ("index",) if settings.index.uri is None else ("find", "index")
    return ("encode", *looking, "arbitrate", "audit", "drift")
