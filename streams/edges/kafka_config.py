"""Settings of every Kafka client: one place, each departure from the library's default with its reason."""

from collections.abc import Mapping
from typing import Literal

Setting = str | int | float | bool
ClientConfig = Mapping[str, Setting]

# An indefinite produce must be known to have failed before the transaction is given up by the broker.
MESSAGE_TIMEOUT_MS = 30_000
TRANSACTION_TIMEOUT_MS = 45_000
SESSION_TIMEOUT_MS = 10_000
MAX_POLL_INTERVAL_MS = 300_000
MESSAGE_MAX_BYTES = 1_048_576
QUEUE_KBYTES = 8_192
# As syslog counts: a broker that is still loading, as after its start, is a warning.
ERRORS_ONLY = 3

# A worker takes its messages in batches, and every fetch costs broker and worker the same whatever it holds:
# the broker answers once there is a batch's worth, or after a time that a batch may wait anyway.
GATHERED_BYTES = 65_536
GATHERED_WITHIN_MS = 100

GroupProtocol = Literal["classic", "consumer"]


def security_config(
    *,
    protocol: str = "PLAINTEXT",
    mechanism: str | None = None,
    username: str | None = None,
    password: str | None = None,
    ca_location: str | None = None,
    certificate_location: str | None = None,
    key_location: str | None = None,
    key_password: str | None = None,
) -> dict[str, Setting]:
    """Return a client's security settings; what is None is left out.

    Parameters
    ----------
    protocol : {"PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"}
    mechanism : str, optional
        such as SCRAM-SHA-512
    username, password : str, optional
        for the mechanism
    ca_location : str, optional
        PEM file of who signs the brokers' certificates; by default the system's
    certificate_location, key_location, key_password : str, optional
        the client's own certificate
    """
    named = {
        "security.protocol": protocol,
        "sasl.mechanism": mechanism,
        "sasl.username": username,
        "sasl.password": password,
        "ssl.ca.location": ca_location,
        "ssl.certificate.location": certificate_location,
        "ssl.key.location": key_location,
        "ssl.key.password": key_password,
    }
    return {key: value for key, value in named.items() if value is not None}


def _common(bootstrap: str) -> dict[str, Setting]:
    """Return what all clients share."""
    return {
        "bootstrap.servers": bootstrap,
        # A broker that comes back is found within a second, not ten.
        "reconnect.backoff.max.ms": 1_000,
        "socket.keepalive.enable": True,
    }


def _consumer(bootstrap: str) -> dict[str, Setting]:
    """Return what all consumers share."""
    return {
        **_common(bootstrap),
        # Topics are declared; a misspelt one must fail.
        "allow.auto.create.topics": False,
        # Bytes that changed on the way are an error, not a record.
        "check.crcs": True,
        # Offsets are committed after their outcome is acknowledged, by us alone.
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        # What an aborted transaction wrote was never said.
        "isolation.level": "read_committed",
        # Messages carry vectors: the library's 64 MB per consumer would be most of a stage's memory.
        "queued.max.messages.kbytes": QUEUE_KBYTES,
        "fetch.message.max.bytes": MESSAGE_MAX_BYTES,
    }


def _group(group_id: str, *, instance_id: str | None, protocol: GroupProtocol) -> dict[str, Setting]:
    """Return a member's settings under either group protocol."""
    group: dict[str, Setting] = {
        "group.id": group_id,
        "group.protocol": protocol,
        "max.poll.interval.ms": MAX_POLL_INTERVAL_MS,
    }
    if protocol == "classic":
        # The newer protocol refuses these three, and holds a restarted static member out until its old
        # session is over: static membership is for the classic one only.
        group["session.timeout.ms"] = SESSION_TIMEOUT_MS
        group["heartbeat.interval.ms"] = SESSION_TIMEOUT_MS // 4
        group["partition.assignment.strategy"] = "cooperative-sticky"
        if instance_id is not None:
            group["group.instance.id"] = instance_id
    return group


def _fetching(*, gathered: bool) -> dict[str, Setting]:
    """Return how long the broker may hold a fetch to fill it."""
    if not gathered:
        return {}
    return {"fetch.min.bytes": GATHERED_BYTES, "fetch.wait.max.ms": GATHERED_WITHIN_MS}


def stateless_consumer_config(
    bootstrap: str,
    extra: ClientConfig | None = None,
    *,
    group_id: str,
    instance_id: str | None = None,
    protocol: GroupProtocol = "classic",
    gathered: bool = False,
) -> dict[str, Setting]:
    """Return settings of a consumer whose only state is its committed offset: it starts at the earliest.

    Parameters
    ----------
    bootstrap : str
        ``host:port``, several separated by commas
    extra : mapping, optional
        security and whatever else goes over the rest
    group_id : str
    instance_id : str, optional
        keeps the member's partitions over a quick restart (classic protocol only)
    protocol : {"classic", "consumer"}
    gathered : bool
        the broker answers with a batch's worth, or after a tenth of a second: for what works in batches
    """
    group = _group(group_id, instance_id=instance_id, protocol=protocol)
    own = {**group, **_fetching(gathered=gathered), "auto.offset.reset": "earliest"}
    return {**_consumer(bootstrap), **own, **(extra or {})}


def stateful_consumer_config(
    bootstrap: str,
    extra: ClientConfig | None = None,
    *,
    group_id: str,
    instance_id: str | None = None,
    protocol: GroupProtocol = "classic",
    gathered: bool = False,
) -> dict[str, Setting]:
    """Return settings of a consumer that folds into a store: a lost offset is an error, never a jump.

    Such a consumer seeks to where its store ends before it first polls. The parameters are those of
    :func:`stateless_consumer_config`.
    """
    group = _group(group_id, instance_id=instance_id, protocol=protocol)
    own = {**group, **_fetching(gathered=gathered), "auto.offset.reset": "error"}
    return {**_consumer(bootstrap), **own, **(extra or {})}


def _producer(bootstrap: str) -> dict[str, Setting]:
    """Return what all producers share."""
    return {
        **_common(bootstrap),
        "enable.idempotence": True,
        "acks": "all",
        # The same key goes to the same partition as with every Java client.
        "partitioner": "murmur2_random",
        "compression.type": "zstd",
        # A request costs the broker the same whatever it holds; `flush` does not wait for this.
        "linger.ms": 25,
        "message.timeout.ms": MESSAGE_TIMEOUT_MS,
        "message.max.bytes": MESSAGE_MAX_BYTES,
    }


def idempotent_producer_config(bootstrap: str, extra: ClientConfig | None = None) -> dict[str, Setting]:
    """Return settings of a producer without transactions, whose retries neither double nor reorder."""
    return {**_producer(bootstrap), **(extra or {})}


def transactional_producer_config(
    bootstrap: str, extra: ClientConfig | None = None, *, transactional_id: str
) -> dict[str, Setting]:
    """Return settings of a transactional producer.

    Parameters
    ----------
    bootstrap : str
        ``host:port``, several separated by commas
    extra : mapping, optional
        security and whatever else goes over the rest
    transactional_id : str
        one per partition that is written for: a newer producer with the same id fences the older
    """
    return {
        **_producer(bootstrap),
        "transactional.id": transactional_id,
        "transaction.timeout.ms": TRANSACTION_TIMEOUT_MS,
        **(extra or {}),
    }


def admin_config(bootstrap: str, extra: ClientConfig | None = None) -> dict[str, Setting]:
    """Return settings of an admin client: what goes wrong its calls raise, and the rest is no news."""
    return {**_common(bootstrap), "log_level": ERRORS_ONLY, **(extra or {})}
