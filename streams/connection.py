"""What an installation talks to, and how: its Kafka, its security, its schema registry."""

from streams.config import Settings
from streams.errors import BrokerUnavailable
from streams.ports import Codec


def bootstrap_of(settings: Settings) -> str:
    """Return the brokers' addresses.

    Raises
    ------
    BrokerUnavailable
        none is named, and no embedded broker runs on the data folder
    """
    from streams.edges.broker_discovery import discover_bootstrap

    if settings.kafka.bootstrap:
        return settings.kafka.bootstrap
    found = discover_bootstrap(settings.data_dir)
    if found is None:
        raise BrokerUnavailable(
            f"No Kafka: no embedded broker runs on {settings.data_dir}. Start everything with `samesong up` "
            "(the same --data-dir), or name a cluster: SAMESONG_KAFKA__BOOTSTRAP=HOST:PORT."
        )
    return found


def kafka_extra(settings: Settings) -> dict[str, str | int | float | bool]:
    """Return the security settings that every client of this installation needs."""
    from streams.edges.kafka_config import security_config

    kafka = settings.kafka
    return security_config(
        protocol=kafka.security_protocol,
        mechanism=kafka.sasl_mechanism,
        username=kafka.username,
        password=kafka.password.get_secret_value() if kafka.password else None,
        ca_location=kafka.ca_location,
        certificate_location=kafka.certificate_location,
        key_location=kafka.key_location,
        key_password=kafka.key_password.get_secret_value() if kafka.key_password else None,
    )


def codec_for(settings: Settings) -> Codec:
    """Return an installation's codec: a registry's where one is named, else single-object encoding."""
    registry = settings.registry
    if registry.url is None:
        from streams.edges.avro import AvroCodec

        return AvroCodec()
    from streams.edges.registry import ConfluentCodec, ConfluentRegistry

    password = registry.password.get_secret_value() if registry.password else None
    return ConfluentCodec(ConfluentRegistry(registry.url, username=registry.username, password=password))
