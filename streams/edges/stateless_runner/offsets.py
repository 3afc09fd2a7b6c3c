"""Offsets of finished work, committed in order and again where that failed."""

import logging

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from streams.edges.kafka_errors import ErrorClass, classify, is_fenced, kafka_error, translate
from streams.edges.kafka_platform import KafkaConsumer
from streams.edges.stateless_runner.handover import Handover
from streams.steps import Guard, Step

log = logging.getLogger(__name__)


def commit_finished(consumer: KafkaConsumer, handover: Handover, *, guard: Guard, wait: bool) -> None:
    """Commit what is finished; what fails is committed again, although nothing new may ever come."""
    finished = handover.take_finished()
    if not finished:
        return
    offsets = [TopicPartition(t, p, offset) for (t, p), offset in sorted(finished.items())]
    try:
        with guard(Step.commit):
            consumer.commit(offsets=offsets, asynchronous=not wait)
    except KafkaException as exc:
        error = kafka_error(exc)
        if is_fenced(error) or classify(error) is ErrorClass.fatal:
            raise translate(error, "committing offsets") from exc
        keep_uncommitted(handover, error, offsets)


def keep_uncommitted(handover: Handover, error: KafkaError | None, offsets: list[TopicPartition]) -> None:
    """Keep what could not be committed for the next commit."""
    failed = [each for each in offsets if (error or each.error) is not None]
    if not failed:
        return
    log.warning("offsets are not committed yet: %s", error or failed[0].error)
    handover.give_back([((each.topic, each.partition), each.offset) for each in failed])
