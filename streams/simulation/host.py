"""What a simulated client asks of the process that it belongs to, and the errors it raises there."""

from typing import Protocol

from confluent_kafka import KafkaError, KafkaException

from streams.simulation.groups import Cluster
from streams.simulation.weather import Weather


class Host(Protocol):
    """The process that a client belongs to."""

    cluster: Cluster
    weather: Weather
    name: str

    def point(self, what: str) -> None:
        """Pass a step."""
        ...

    def silence(self, since: float) -> float:
        """Return the longest time for which no heartbeat of it arrived, from a time on."""
        ...

    @property
    def cut(self) -> bool:
        """Whether the brokers cannot be reached from it."""
        ...


def failure(
    code: int, *, retriable: bool = False, abort: bool = False, fatal: bool = False
) -> KafkaException:
    """Make an exception as the library raises it."""
    return KafkaException(KafkaError(code, None, fatal, retriable, abort))
