"""`samesong broker`: the embedded Kafka alone."""

from __future__ import annotations

from typing import Annotated

import typer

from streams.cli.common import AsJson, DataDir, messages, output, print_json, settings_for


def broker(
    data_dir: DataDir = None,
    as_json: AsJson = False,
    brokers: Annotated[int, typer.Option("--brokers", min=1, max=3, help="1, or 3 with replication.")] = 1,
) -> None:
    """Run the embedded Kafka in the foreground until Ctrl-C; its topics are created."""
    import signal
    import threading

    from streams.edges.broker import EmbeddedKafka
    from streams.edges.topics import ensure_topics

    if brokers == 2:
        raise typer.BadParameter("two brokers have no quorum: 1 or 3", param_hint="--brokers")
    settings = settings_for(data_dir)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stop.set())
    messages().print("Starting Kafka ...")
    kafka = EmbeddedKafka(settings.data_dir, brokers=brokers)
    with kafka:
        ensure_topics(kafka.bootstrap, replication_factor=brokers)
        if as_json:
            print_json({"bootstrap": kafka.bootstrap, "pids": kafka.pids})
        else:
            output().print(f"Kafka is ready at {kafka.bootstrap}; Ctrl-C stops it.")
        stop.wait()
        messages().print("Stopping Kafka ...")
