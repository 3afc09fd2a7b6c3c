"""A stage driven exactly once: each micro-batch is one fenced Kafka transaction, offsets included."""

from streams.edges.transactional_runner.runner import TransactionalRunner
from streams.edges.transactional_runner.transaction import OVERDUE_SECONDS

__all__ = ["OVERDUE_SECONDS", "TransactionalRunner"]
