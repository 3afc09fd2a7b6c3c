"""The settings of an embedded broker, as pure text: server properties, logging, Java options."""

from dataclasses import dataclass

# Small internal topics start faster and need fewer files; the load of one machine fits them.
OFFSETS_PARTITIONS = 4
TRANSACTION_PARTITIONS = 4
MESSAGE_MAX_BYTES = 1_048_576
SESSION_MS = 3_000
HEAP = "256m"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePorts:
    """The two loopback ports of one node: for clients and brokers, and for the controllers' quorum."""

    broker: int
    controller: int


def server_properties(
    *, node: int, ports: tuple[NodePorts, ...], log_dir: str, controller_only: bool = False
) -> str:
    """Write ``server.properties`` of one node that is broker and controller.

    Parameters
    ----------
    node : int >= 1
        the node's id; its ports are ``ports[node - 1]``
    ports : tuple of NodePorts
        of every node; their number decides the replication of internal topics
    log_dir : str
        folder of the node's partitions
    controller_only : bool
        leave the broker out
    """
    own = ports[node - 1]
    count = len(ports)
    replication = min(count, 3)
    voters = ",".join(f"{n}@127.0.0.1:{p.controller}" for n, p in enumerate(ports, start=1))
    settings = {
        "process.roles": "broker,controller",
        "node.id": node,
        "controller.quorum.voters": voters,
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "listeners": f"PLAINTEXT://127.0.0.1:{own.broker},CONTROLLER://127.0.0.1:{own.controller}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{own.broker}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": log_dir,
        "auto.create.topics.enable": "false",
        "default.replication.factor": replication,
        "min.insync.replicas": max(1, replication - 1),
        "message.max.bytes": MESSAGE_MAX_BYTES,
        "offsets.topic.num.partitions": OFFSETS_PARTITIONS,
        "offsets.topic.replication.factor": replication,
        "transaction.state.log.num.partitions": TRANSACTION_PARTITIONS,
        "transaction.state.log.replication.factor": replication,
        "transaction.state.log.min.isr": max(1, replication - 1),
        "share.coordinator.state.topic.num.partitions": 1,
        "share.coordinator.state.topic.replication.factor": replication,
        "share.coordinator.state.topic.min.isr": max(1, replication - 1),
        # A group of one machine needs no waiting for late joiners.
        "group.initial.rebalance.delay.ms": 0,
        # Under KIP-848 the broker, not the member, says after how long a killed member is out: as the clients
        # have it in the classic protocol, where the default of 45 s would stop a stage for as long.
        "group.consumer.session.timeout.ms": 10_000,
        "group.consumer.min.session.timeout.ms": 6_000,
        "group.consumer.heartbeat.interval.ms": 2_500,
        "group.consumer.min.heartbeat.interval.ms": 1_000,
        # A killed leader is noticed after this long; the default of 9 s triples the stall.
        "broker.session.timeout.ms": SESSION_MS,
        "broker.heartbeat.interval.ms": 500,
        # Kafka's own threads, sized for 2 cores.
        "num.network.threads": 2,
        "num.io.threads": 4,
        "background.threads": 2,
        "log.cleaner.dedupe.buffer.size": 16_777_216,
        "log.segment.bytes": 268_435_456,
    }
    if controller_only:
        for of_brokers in ("inter.broker.listener.name", "advertised.listeners"):
            del settings[of_brokers]
        settings["process.roles"] = "controller"
        settings["listeners"] = f"CONTROLLER://127.0.0.1:{own.controller}"
    return "".join(f"{key}={value}\n" for key, value in settings.items())


def log_properties(*, log_path: str) -> str:
    """Write log4j's settings: warnings and the start to a file that cannot grow without bound."""
    return f"""\
status = error
# Else logging ends before the broker has, on the same signal.
shutdownHook = disable
appender.file.type = RollingFile
appender.file.name = file
appender.file.fileName = {log_path}
appender.file.filePattern = {log_path}.%i
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d{{ISO8601}} %-5p %c{{1}} %m%n
appender.file.policies.type = Policies
appender.file.policies.size.type = SizeBasedTriggeringPolicy
appender.file.policies.size.size = 10MB
appender.file.strategy.type = DefaultRolloverStrategy
appender.file.strategy.max = 2
rootLogger.level = info
rootLogger.appenderRef.file.ref = file
# Prints every setting of every component at each start.
logger.config.name = org.apache.kafka.common.config.AbstractConfig
logger.config.level = warn
"""


def java_options(*, log_config: str) -> tuple[str, ...]:
    """Return the options of a broker's Java: small heap, serial collector, headless.

    Parameters
    ----------
    log_config : str
        path of the log4j settings
    """
    return (
        # Of one size, and taken whole at the start. One that may grow does so for hours, on garbage: a full
        # collection waits until it cannot grow any more. Measured in 12 minutes at 15 uploads/s: 54 MB are in
        # use, and the heap of 64 to 512 MB had grown from 128 to 198 MB.
        f"-Xms{HEAP}",
        f"-Xmx{HEAP}",
        "-XX:+AlwaysPreTouch",
        "-XX:+UseSerialGC",
        # On 2 cores, runs of 300 transactions of 256 records: start 2.2 to 1.7 s, 215 to 178 MB, and twice
        # the transactions/s (two short runs each, presumably as the optimizing compiler no longer competes
        # for the cores). A long run, where that compiler would pay off, was not measured.
        "-XX:TieredStopAtLevel=1",
        "-XX:+ExitOnOutOfMemoryError",
        "-Djava.awt.headless=true",
        f"-Dlog4j2.configurationFile={log_config}",
        "-Dlog4j2.disable.jmx=true",
    )
