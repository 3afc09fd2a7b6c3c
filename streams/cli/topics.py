"""`samesong topics`: make the declared topics exist and report those that differ."""

from __future__ import annotations

from typing import Annotated

import typer

from streams.cli.common import AsJson, Bootstrap, DataDir, messages, output, print_json, settings_for


def topics(
    data_dir: DataDir = None,
    as_json: AsJson = False,
    bootstrap: Bootstrap = None,
    check: Annotated[bool, typer.Option("--check", help="Only report; create nothing.")] = False,
) -> None:
    """Create the topics that are missing, and report those that are not as declared."""
    from streams.connection import bootstrap_of, kafka_extra
    from streams.edges.topics import ensure_topics

    settings = settings_for(data_dir, bootstrap=bootstrap)
    report = ensure_topics(
        bootstrap_of(settings),
        kafka_extra(settings),
        replication_factor=settings.kafka.replication_factor,
        create=not check,
    )
    if as_json:
        print_json(report)
    else:
        from rich.table import Column, Table

        from streams.topics import TOPICS

        table = Table(Column("topic", no_wrap=True), "state", "partitions", "kept", "purpose")
        wrong = {mismatch.topic for mismatch in report.mismatches}
        for spec in TOPICS:
            state = "created" if spec.name in report.created else "there"
            state = "MISSING" if spec.name in report.missing else state
            state = "DIFFERENT" if spec.name in wrong else state
            days = "for ever" if spec.retention_ms < 0 else f"{spec.retention_ms // 86_400_000} days"
            kept = "latest of each key" if spec.cleanup == "compact" else days
            table.add_row(spec.name, state, str(spec.partitions), kept, spec.purpose)
        output().print(table)
        for found in report.mismatches:
            messages().print(
                f"{found.topic}: {found.setting} is {found.found}, declared {found.expected}. "
                "Nothing was altered: change it with your Kafka's own tools, or delete an empty topic."
            )
    if not report.good:
        raise typer.Exit(1)
