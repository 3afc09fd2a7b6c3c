"""Everything on one machine: the embedded broker, the topics, one process per stage, kept alive."""

from streams.supervision.child import StageCommand, stage_command
from streams.supervision.status import StageStatus, read_status
from streams.supervision.supervisor import AlreadyUp, Supervisor, supervise

__all__ = [
    "AlreadyUp",
    "StageCommand",
    "StageStatus",
    "Supervisor",
    "read_status",
    "stage_command",
    "supervise",
]
