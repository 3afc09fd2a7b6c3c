"""`samesong trace`: one upload's way through the stages."""

from __future__ import annotations

from typing import Annotated

import typer

from streams.cli.common import AsJson, DataDir, messages, output, print_json, settings_for


def trace(
    trace_id: Annotated[str, typer.Argument(help="From a decision (`samesong explain`).")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Show the spans of one trace as a tree; needs SAMESONG_TELEMETRY__TRACES_FILE=true while it ran."""
    from streams.edges.tracing import read_traces
    from streams.telemetry import trace_lines, trace_tree

    data = settings_for(data_dir).data_dir
    roots = trace_tree(read_traces(data), trace_id)
    if not roots:
        messages().print(
            f"No spans of {trace_id} under {data / 'traces'}. Spans are kept there when the service runs "
            "with SAMESONG_TELEMETRY__TRACES_FILE=true. Else look "
            "where SAMESONG_TELEMETRY__OTLP_ENDPOINT leads."
        )
        raise typer.Exit(1)
    if as_json:
        print_json(roots)
        return
    console = output()
    for line in trace_lines(roots):
        console.print(line)
