"""Conservation from hop to hop: nothing lost, nothing doubled, nothing torn, as a pure check over logs.

A stage has promised what lies below its committed offset; only that is checked, so a pipeline at work is as
clean as one at rest.
"""

from streams.core.audit.cut import (
    AuditLog,
    AuditReport,
    Carried,
    Committed,
    DecidedAt,
    IndexHolding,
    Mismatch,
    where,
)
from streams.core.audit.running import RunningAudit

__all__ = [
    "AuditLog",
    "AuditReport",
    "Carried",
    "Committed",
    "DecidedAt",
    "IndexHolding",
    "Mismatch",
    "RunningAudit",
    "where",
]
