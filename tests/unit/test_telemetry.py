import io
import json
import logging
import re
import socket
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from streams.config import TelemetrySettings
from streams.edges.metrics import STAGE_PORTS, Metrics, stage_port
from streams.edges.tracing import Tracing, parse_traceparent, read_traces, trace_id_of
from streams.ports import Headers, Message, RunnerMetrics
from streams.ports import Tracing as TracingPort
from streams.telemetry import (
    METRICS,
    SpanRecord,
    configure_logging,
    mask_secrets,
    metrics_table,
    trace_lines,
    trace_tree,
)

DOCS = Path(__file__).parents[2] / "docs" / "telemetry.md"


def _message(headers: Headers = (), offset: int = 0) -> Message:
    return Message(
        topic="catalog.upload.v1", partition=1, offset=offset, key=None, value=b"", headers=headers
    )


def _span_id(span: ReadableSpan) -> int:
    context = span.get_span_context()
    assert context is not None
    return context.span_id


@pytest.fixture
def hanging() -> Iterator[str]:
    """An endpoint that accepts and never answers."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(16)
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def refusing() -> str:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
    return f"http://127.0.0.1:{port}"


def test_items_continue_their_own_trace_and_the_batch_links_to_all() -> None:
    exporter = InMemorySpanExporter()
    with Tracing("encode", [SimpleSpanProcessor(exporter)]) as tracing:
        messages = [_message(tracing.publish_span("catalog.upload.v1"), n) for n in range(3)]
        with tracing.batch("catalog.upload.v1", messages) as batch_spans:
            made = [batch_spans.headers(n) for n in range(3)]
    spans = exporter.get_finished_spans()
    producers = [s for s in spans if s.kind is SpanKind.PRODUCER]
    items = [s for s in spans if s.kind is SpanKind.INTERNAL]
    (batch,) = [s for s in spans if s.kind is SpanKind.CONSUMER]
    assert batch.name == "process catalog.upload.v1"
    assert [link.context.span_id for link in batch.links] == [_span_id(s) for s in producers]
    for message, item, producer, headers in zip(messages, items, producers, made, strict=True):
        assert item.name == "resolver.encode"
        assert item.parent is not None
        assert item.parent.span_id == _span_id(producer)
        assert trace_id_of(headers) == trace_id_of(message.headers)
        parsed = parse_traceparent(headers[0][1])
        assert parsed is not None
        assert parsed.span_id == _span_id(item)


def test_an_item_outside_a_batch_has_the_times_it_was_given() -> None:
    exporter = InMemorySpanExporter()
    tracing = Tracing("encode", [SimpleSpanProcessor(exporter)])
    headers = tracing.item_headers(_message(), "encode", 1_000, 2_000)
    (span,) = exporter.get_finished_spans()
    assert (span.name, span.start_time, span.end_time) == ("resolver.encode", 1_000, 2_000)
    assert trace_id_of(headers) is not None


def test_without_exporter_the_context_still_travels() -> None:
    tracing = Tracing("find")
    published = tracing.publish_span("catalog.upload.v1")
    onward = tracing.item_headers(_message(published), "find", 0, 1)
    first, second = parse_traceparent(published[0][1]), parse_traceparent(onward[0][1])
    assert first is not None
    assert second is not None
    assert first.trace_id == second.trace_id
    assert first.span_id != second.span_id
    assert first.trace_flags == second.trace_flags == 1


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"nonsense",
        b"00-" + b"0" * 32 + b"-" + b"1" * 16 + b"-01",
        b"00-" + b"1" * 32 + b"-" + b"0" * 16 + b"-01",
        b"ff-" + b"1" * 32 + b"-" + b"1" * 16 + b"-01",
        b"00-" + b"g" * 32 + b"-" + b"1" * 16 + b"-01",
        b"00-" + b"1" * 32 + b"-" + b"1" * 16 + b"-01-extra",
    ],
)
def test_invalid_context_starts_a_new_trace(value: bytes) -> None:
    headers = Tracing("find").item_headers(_message((("traceparent", value),)), "find", 0, 1)
    assert trace_id_of(headers) is not None


def test_an_error_in_a_batch_marks_its_span_and_goes_on_up() -> None:
    exporter = InMemorySpanExporter()
    tracing = Tracing("find", [SimpleSpanProcessor(exporter)])
    with pytest.raises(KeyError), tracing.batch("t", []):
        raise KeyError("x")
    assert not exporter.get_finished_spans()[0].status.is_ok


def test_a_trace_reads_as_a_tree_over_stages(tmp_path: Path) -> None:
    settings = TelemetrySettings(traces_file=True)
    headers: Headers = ()
    for stage in ("encode", "find", "arbitrate"):
        with Tracing.start(settings, stage=stage, data_dir=tmp_path) as tracing:
            if not headers:
                headers = tracing.publish_span("catalog.upload.v1")
            headers = tracing.item_headers(_message(headers), stage, 10**9, 2 * 10**9)
    trace_id = trace_id_of(headers)
    assert trace_id is not None
    with (tmp_path / "traces" / "find.jsonl").open("a") as out:
        out.write('{"torn')
    lines = trace_lines(trace_tree(read_traces(tmp_path), trace_id))
    assert [line.split(" [")[0] for line in lines] == [
        "publish catalog.upload.v1",
        "  resolver.encode",
        "    resolver.find",
        "      resolver.arbitrate",
    ]


def test_a_span_without_its_parent_is_a_root() -> None:
    span = SpanRecord(
        trace_id="a", span_id="2", parent_id="1", name="n", kind="internal", stage="s", start_ns=0, end_ns=1
    )
    (root,) = trace_tree([span, span], "a")
    assert root.children == ()
    assert trace_tree([span], "b") == ()


def test_equal_spans_beside_each_other_are_one_line_with_their_number() -> None:
    rows = [
        SpanRecord(
            trace_id="a", span_id=str(number), parent_id=None, name="resolver.index", kind="internal",
            stage="index", start_ns=0, end_ns=took,
        )
        for number, took in enumerate((1_000_000, 1_000_000, 2_000_000))
    ]  # fmt: skip
    assert trace_lines(trace_tree(rows, "a")) == [
        "resolver.index [index] 1.0 ms (2 times)",
        "resolver.index [index] 2.0 ms",
    ]


@pytest.mark.parametrize("endpoint", ["refusing", "hanging"])
def test_a_collector_that_is_down_costs_seconds_at_the_end_and_one_line(
    endpoint: str, request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> None:
    settings = TelemetrySettings(otlp_endpoint=request.getfixturevalue(endpoint))
    tracing = Tracing.start(settings, stage="encode", data_dir=Path())
    metrics = Metrics.start(settings, "encode")
    before = time.monotonic()
    for n in range(100):
        tracing.item_headers(_message(offset=n), "encode", 0, 1)
        metrics.add("samesong.dead_letters", code="x")
    assert time.monotonic() - before < 1
    tracing.close()
    metrics.close()
    assert time.monotonic() - before < 10
    said = [r.message for r in caplog.records if "said once" in r.message]
    assert len([m for m in said if "traces" in m]) <= 1
    assert len([m for m in said if "metrics" in m]) <= 1
    if endpoint == "refusing":
        assert len(said) == 2


def test_metrics_are_scraped_on_loopback() -> None:
    with Metrics.start(TelemetrySettings(prometheus_port=0), "arbitrate") as metrics:
        metrics.add("samesong.decisions", 2, outcome="new", kind="recording")
        metrics.set("samesong.overlay.rows", 7)
        metrics.record("samesong.freshness", 0.3)
        assert metrics.port
        with urllib.request.urlopen(f"http://127.0.0.1:{metrics.port}/metrics", timeout=5) as answer:
            text = answer.read().decode()
    assert re.search(r'samesong_decisions_total\{.*outcome="new".*\} 2\.0', text)
    assert re.search(r"samesong_overlay_rows\{.*\} 7\.0", text)
    assert re.search(r"samesong_freshness_seconds_count\{.*\} 1", text)


def test_every_metric_has_the_prometheus_name_it_says() -> None:
    with Metrics.start(TelemetrySettings(prometheus_port=0), "x") as metrics:
        for spec in METRICS:
            labels = dict.fromkeys(spec.labels, "v")
            act = {"counter": metrics.add, "gauge": metrics.set, "histogram": metrics.record}[spec.kind]
            act(spec.name, 1.0, **labels)
        with urllib.request.urlopen(f"http://127.0.0.1:{metrics.port}/metrics", timeout=5) as answer:
            text = answer.read().decode()
    series = {line.split("{")[0] for line in text.splitlines() if not line.startswith("#")}
    for spec in METRICS:
        name = spec.prometheus + ("_count" if spec.kind == "histogram" else "")
        assert name in series, (name, sorted(series))


def test_a_taken_port_harms_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with Metrics.start(TelemetrySettings(prometheus_port=0), "a") as first:
        with Metrics.start(TelemetrySettings(prometheus_port=first.port), "b") as second:
            second.add("samesong.dead_letters", code="x")
            assert second.port is None
    assert len([r for r in caplog.records if "no metrics on port" in r.message]) == 1


def test_each_stage_has_its_own_port_and_one_beyond_the_last_is_only_unsaid(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert [stage_port(9464, stage) for stage in STAGE_PORTS] == list(range(9464, 9470))
    assert (stage_port(9464, "other"), stage_port(0, "drift")) == (9464, 0)
    with Metrics.start(TelemetrySettings(prometheus_port=65_535), "drift") as metrics:
        assert metrics.port is None
    assert "no metrics on port 65540" in caplog.text


def test_metrics_reach_a_reader_and_wrong_names_are_refused() -> None:
    reader = InMemoryMetricReader()
    with Metrics("find", [reader]) as metrics:
        metrics.add("samesong.transactions", 3, result="committed")
        data = reader.get_metrics_data()
        assert data is not None
        (metric,) = data.resource_metrics[0].scope_metrics[0].metrics
        assert metric.name == "samesong.transactions"
        with pytest.raises(KeyError):
            metrics.add("samesong.unknown")
        with pytest.raises(ValueError, match="counter"):
            metrics.set("samesong.transactions", 1)
        with pytest.raises(ValueError, match="labels"):
            metrics.add("samesong.transactions", 1, item="A-1")


def test_metric_names_are_unique() -> None:
    assert len({m.name for m in METRICS}) == len({m.prometheus for m in METRICS}) == len(METRICS)


def test_docs_hold_the_metrics_table() -> None:
    assert metrics_table() in DOCS.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("password=hunter2, user=x", "hunter2"),
        ('{"token": "abc def"}', "abc def"),
        ("sasl.password: hunter2", "hunter2"),
        ("Authorization: Bearer abcdef123456", "abcdef123456"),
        ("https://user:hunter2@host/x", "hunter2"),
    ],
)
def test_secrets_are_masked(text: str, hidden: str) -> None:
    assert hidden not in mask_secrets(text)


def test_log_events_are_one_line_of_json_each() -> None:
    out = io.StringIO()
    root = logging.getLogger()
    level = root.level
    try:
        configure_logging("info", "encode", stream=out)
        configure_logging("info", "encode", stream=out)
        try:
            int("password=hunter2")
        except ValueError:
            logging.getLogger("streams.x").exception("broke\nhere")
        logging.getLogger("streams.x").debug("not this")
    finally:
        configure_logging("warning", "test", stream=sys.stderr)
        root.removeHandler(root.handlers[-1])
        root.setLevel(level)
    (line,) = out.getvalue().splitlines()
    event = json.loads(line)
    assert (event["level"], event["stage"], event["logger"]) == ("error", "encode", "streams.x")
    assert "hunter2" not in line
    assert "broke\nhere" in event["message"]


def test_item_headers_cost_little_without_exporter() -> None:
    tracing = Tracing("find")
    message = _message(tracing.publish_span("t"))
    best = min(_timed(tracing, message) for _ in range(5))
    assert best < 200e-6, best  # 40 us is the aim; a busy machine must not fail the suite


def _timed(tracing: Tracing, message: Message) -> float:
    before = time.perf_counter()
    for _ in range(500):
        tracing.item_headers(message, "find", 0, 1)
    return (time.perf_counter() - before) / 500


def test_no_threads_without_exporter() -> None:
    before = threading.active_count()
    Tracing.start(TelemetrySettings(), stage="x", data_dir=Path()).close()
    Metrics.start(TelemetrySettings(), "x").close()
    assert threading.active_count() == before


@pytest.mark.parametrize("exporting", [True, False])
def test_runners_get_headers_by_cause(exporting: bool) -> None:
    exporter = InMemorySpanExporter()
    tracing: TracingPort = Tracing("find", [SimpleSpanProcessor(exporter)] if exporting else [])
    sent = Tracing("upstream")
    messages = [_message(sent.publish_span("t"), n) for n in range(2)]
    with tracing.batch("t", messages) as spans:
        first, again, second = spans.headers(0), spans.headers(0), spans.headers(1)
        assert spans.headers(None) == spans.headers(9) == ()
    assert first == again != second
    assert [trace_id_of(h) for h in (first, second)] == [trace_id_of(m.headers) for m in messages]
    names = sorted(s.name for s in exporter.get_finished_spans())
    assert names == (["process t", "resolver.find", "resolver.find"] if exporting else [])


def test_metrics_are_what_runners_ask_for() -> None:
    reader = InMemoryMetricReader()
    with Metrics("find", [reader]) as metrics:
        asked: RunnerMetrics = metrics
        asked.processed("t", items=3, seconds=0.1)
        asked.retried("t", code="index_unavailable")
        asked.transaction("aborted")
        asked.lag("t", 0, records=5, seconds=1.5)
        data = reader.get_metrics_data()
    assert data is not None
    assert {m.name for m in data.resource_metrics[0].scope_metrics[0].metrics} == {
        "samesong.stage.latency",
        "samesong.batch.size",
        "samesong.errors",
        "samesong.transactions",
        "samesong.lag.records",
        "samesong.lag.time",
    }
