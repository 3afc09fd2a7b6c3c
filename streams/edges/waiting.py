"""Wait for Kafka: a stage that is started without it is not ended, and not started again and again."""

import logging
import threading
from collections.abc import Callable
from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from streams.edges.batching import BackOff
from streams.edges.kafka_config import ClientConfig, admin_config
from streams.edges.kafka_platform import MACHINE, Platform

ASK_SECONDS = 5.0

log = logging.getLogger(__name__)


def answers(bootstrap: str, extra: ClientConfig | None = None) -> Callable[[], bool]:
    """Give a question: whether Kafka answers now, within a few seconds."""
    # Its own lines about refused connections are no news: one of ours says it.
    quiet: dict[str, Any] = {"log_level": 0, "error_cb": lambda _error: None}
    admin = AdminClient({**admin_config(bootstrap, extra), **quiet})

    def ask() -> bool:
        try:
            return bool(admin.list_topics(timeout=ASK_SECONDS).brokers)
        except KafkaException:
            return False

    return ask


def await_kafka(
    ask: Callable[[], bool],
    *,
    bootstrap: str,
    stop: threading.Event,
    told: Callable[[bool], object] = lambda _waiting: None,
    back_off: BackOff | None = None,
    platform: Platform = MACHINE,
) -> bool:
    """Wait until Kafka answers; false when asked to stop before it does.

    Parameters
    ----------
    ask : callable
        see :func:`answers`
    bootstrap : str
        for the log
    stop : threading.Event
    told : callable, optional
        called with true when there is something to wait for, and with false when that is over
    back_off : BackOff, optional
        how long to wait between two questions
    platform : Platform
        its clock
    """
    pauses = back_off or BackOff(first=0.5, longest=5.0)
    began, waiting = platform.monotonic(), False
    while not stop.is_set():
        if ask():
            if waiting:
                log.warning("Kafka answers after %.0f s", platform.monotonic() - began)
                told(False)
            return True
        if not waiting:
            log.warning(
                "Kafka does not answer at %s: waiting for it (`samesong doctor` says more)", bootstrap
            )
            waiting = True
            told(True)
        stop.wait(pauses.step())
    return False
