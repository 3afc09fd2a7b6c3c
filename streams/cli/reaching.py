"""Whether there is a Kafka to talk to: a person hears at once that there is none, and where."""

from streams.config import Settings
from streams.connection import bootstrap_of, kafka_extra
from streams.edges.waiting import ASK_SECONDS, answers
from streams.errors import BrokerUnavailable


def reached(settings: Settings) -> str:
    """Return the address of brokers that answer.

    Left to itself the client library asks again and again for half a minute, and says so each time.

    Raises
    ------
    BrokerUnavailable
        none is named, or none answers within a few seconds
    """
    bootstrap = bootstrap_of(settings)
    if not answers(bootstrap, kafka_extra(settings))():
        raise BrokerUnavailable(
            f"No Kafka answers at {bootstrap} within {ASK_SECONDS:.0f} s. Is that the address, does it run, "
            "and may you log in? `samesong doctor` with the same options says more."
        )
    return bootstrap
