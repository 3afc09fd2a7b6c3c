"""Spans over Kafka: W3C context in the headers, a CONSUMER span per batch, a child of each item's own trace.

Without an exporter no span is made, but ids are, so that a decision always has a trace id. Providers are
passed, never global, and an exporter that fails or hangs costs spans, never records.
"""

import json
import logging
import random
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, SpanKind, TraceFlags

from streams.config import TelemetrySettings
from streams.core.trace_context import read_traceparent
from streams.ports import Headers, Message
from streams.telemetry import SpanRecord

TRACEPARENT = "traceparent"
EXPORT_SECONDS = 3.0
SHUTDOWN_SECONDS = 4.0
MAX_FILE_BYTES = 64 * 1024 * 1024
MAX_LINKS = 256

_log = logging.getLogger(__name__)


def parse_traceparent(value: bytes | None) -> SpanContext | None:
    """Read a W3C traceparent header; None where there is none or it is not valid."""
    found = read_traceparent(value)
    if found is None:
        return None
    return SpanContext(int(found.trace_id, 16), int(found.span_id, 16), True, TraceFlags(found.flags & 1))


def format_traceparent(context: SpanContext) -> bytes:
    """Write a W3C traceparent header."""
    return b"00-%032x-%016x-%02x" % (context.trace_id, context.span_id, context.trace_flags)


class _OnceLogged(SpanExporter):
    """An exporter whose failures are logged once, not once per batch."""

    def __init__(self, inner: SpanExporter, where: str) -> None:
        self._inner = inner
        self._where = where
        self._failed = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        try:
            result = self._inner.export(spans)
        except Exception as exc:  # whatever an exporter does, spans are all that may be lost
            self._say(exc)
            return SpanExportResult.FAILURE
        if result is not SpanExportResult.SUCCESS:
            self._say("not accepted")
        return result

    def shutdown(self) -> None:
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._inner.force_flush(timeout_millis)

    def _say(self, cause: object) -> None:
        if not self._failed:
            self._failed = True
            _log.warning("traces cannot be sent to %s (said once): %s", self._where, cause)


def _span_line(span: ReadableSpan, stage: str) -> str:
    """Return a finished span as a line of JSON."""
    context, parent = span.get_span_context(), span.parent
    if context is None:
        return ""
    return json.dumps(
        {
            "trace_id": f"{context.trace_id:032x}",
            "span_id": f"{context.span_id:016x}",
            "parent_id": f"{parent.span_id:016x}" if parent is not None else None,
            "name": span.name,
            "kind": span.kind.name.lower(),
            "stage": stage,
            "start_ns": span.start_time,
            "end_ns": span.end_time,
            "attributes": {key: str(value) for key, value in (span.attributes or {}).items()},
            "links": [f"{link.context.trace_id:032x}" for link in span.links],
        }
    )


class FileSpanExporter(SpanExporter):
    """Finished spans as JSON Lines; at most two files of 64 MB per stage."""

    def __init__(self, path: Path, *, stage: str) -> None:
        self._path = path
        self._stage = stage

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Append spans; a full disk loses them."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if self._path.exists() and self._path.stat().st_size > MAX_FILE_BYTES:
            self._path.replace(self._path.with_suffix(".old.jsonl"))
        with self._path.open("a", encoding="utf-8") as out:
            out.write("".join(f"{_span_line(span, self._stage)}\n" for span in spans))
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        """Nothing is held open."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Nothing is held back."""
        return True


def read_traces(data_dir: Path) -> tuple[SpanRecord, ...]:
    """Read the spans that stages wrote under ``data_dir``; a torn last line is left out."""
    spans = []
    for path in sorted((data_dir / "traces").glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                found = json.loads(line)
                spans.append(
                    SpanRecord(
                        trace_id=found["trace_id"],
                        span_id=found["span_id"],
                        parent_id=found["parent_id"],
                        name=found["name"],
                        kind=found["kind"],
                        stage=found["stage"],
                        start_ns=found["start_ns"],
                        end_ns=found["end_ns"],
                        attributes=tuple(found["attributes"].items()),
                        links=tuple(found["links"]),
                    )
                )
            except (ValueError, KeyError, TypeError):
                continue
    return tuple(spans)


class BatchSpans:
    """The spans of one batch in process: what the runners ask for headers."""

    def __init__(self, tracing: "Tracing", messages: Sequence[Message], items: Sequence[Span]) -> None:
        self._tracing = tracing
        self._messages = messages
        self._items = items
        self._made: dict[int, Headers] = {}

    def headers(self, cause: int | None) -> Headers:
        """Return the trace headers of a record that follows from message ``cause``; none without a cause."""
        if cause is None or not 0 <= cause < len(self._messages):
            return ()
        if self._items:
            return ((TRACEPARENT, format_traceparent(self._items[cause].get_span_context())),)
        if cause not in self._made:
            self._made[cause] = self._tracing.item_headers(self._messages[cause], "", 0, 0)
        return self._made[cause]


class Tracing:
    """The spans of one stage.

    Parameters
    ----------
    stage : str
    processors : sequence of SpanProcessor
        none: ids are made and passed on, spans are not
    """

    def __init__(self, stage: str, processors: Sequence[SpanProcessor] = ()) -> None:
        self._stage = stage
        self._ids = random.Random(random.SystemRandom().getrandbits(128))  # noqa: S311 - ids, not secrets
        self._provider: TracerProvider | None = None
        self._tracer: trace.Tracer | None = None
        if processors:
            resource = Resource({"service.name": f"samesong-{stage}", "service.namespace": "samesong"})
            self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
            for processor in processors:
                self._provider.add_span_processor(processor)
            self._tracer = self._provider.get_tracer("samesong")

    @classmethod
    def start(cls, settings: TelemetrySettings, *, stage: str, data_dir: Path) -> Self:
        """Start what the settings name: OTLP over HTTP, a file under ``data_dir``/traces, both or nothing."""
        processors: list[SpanProcessor] = []
        if settings.otlp_endpoint is not None:
            # The exporter's own loggers speak on every failed batch; ours says it once.
            for name in ("trace_exporter", "metric_exporter"):
                logging.getLogger(f"opentelemetry.exporter.otlp.proto.http.{name}").setLevel(logging.CRITICAL)
            url = f"{settings.otlp_endpoint.rstrip('/')}/v1/traces"
            sender = OTLPSpanExporter(endpoint=url, timeout=EXPORT_SECONDS)
            processors.append(BatchSpanProcessor(_OnceLogged(sender, url)))
        if settings.traces_file:
            path = data_dir / "traces" / f"{stage}.jsonl"
            writer = _OnceLogged(FileSpanExporter(path, stage=stage), str(path))
            processors.append(BatchSpanProcessor(writer, schedule_delay_millis=500))
        return cls(stage, processors)

    def publish_span(self, topic: str) -> Headers:
        """Start a trace where a record is first written: one PRODUCER span; give the headers to put on it."""
        if self._tracer is None:
            return ((TRACEPARENT, self._fresh(None)),)
        span = self._tracer.start_span(
            f"publish {topic}",
            context=Context(),
            kind=SpanKind.PRODUCER,
            attributes={"messaging.system": "kafka", "messaging.destination.name": topic},
        )
        span.end()
        return ((TRACEPARENT, format_traceparent(span.get_span_context())),)

    @contextmanager
    def batch(self, topic: str, messages: Sequence[Message]) -> Iterator["BatchSpans"]:
        """Cover a micro-batch by one CONSUMER span that links to the producer of each message.

        What it yields has one INTERNAL child ``resolver.<stage>`` per message, each in the trace of its own
        producer; all end with the batch.
        """
        if self._tracer is None:
            yield BatchSpans(self, messages, ())
            return
        span = self._start_batch(self._tracer, topic, messages)
        began = time.time_ns()
        items = tuple(self._start_item(self._tracer, m, self._stage, began) for m in messages)
        try:
            yield BatchSpans(self, messages, items)
        except BaseException as exc:
            for each in (span, *items):
                each.set_status(trace.StatusCode.ERROR, type(exc).__name__)
            raise
        finally:
            for each in (*items, span):
                each.end()

    def _start_batch(self, tracer: trace.Tracer, topic: str, messages: Sequence[Message]) -> Span:
        contexts = (parse_traceparent(message.header(TRACEPARENT)) for message in messages[:MAX_LINKS])
        return tracer.start_span(
            f"process {topic}",
            context=Context(),
            kind=SpanKind.CONSUMER,
            links=[Link(context) for context in contexts if context is not None],
            attributes={
                "messaging.system": "kafka",
                "messaging.operation.type": "process",
                "messaging.destination.name": topic,
                "messaging.batch.message_count": len(messages),
            },
        )

    def item_headers(self, message: Message, name: str, start_ns: int, end_ns: int) -> Headers:
        """Continue a message's own trace by one INTERNAL span ``resolver.<name>``, outside of a batch.

        Inside one the item has its span already: ask that batch's ``headers``.

        Parameters
        ----------
        message : Message
            the one that was processed; without valid context a trace is started
        name : str
            the stage
        start_ns, end_ns : int [ns since 1970]

        Returns
        -------
        headers for the records that were made of it
        """
        if self._tracer is None:
            parent = parse_traceparent(message.header(TRACEPARENT))
            return ((TRACEPARENT, self._fresh(parent)),)
        span = self._start_item(self._tracer, message, name, start_ns)
        span.end(end_ns)
        return ((TRACEPARENT, format_traceparent(span.get_span_context())),)

    def _start_item(self, tracer: trace.Tracer, message: Message, name: str, start_ns: int) -> Span:
        """Start one item's span in the trace of its producer, or in a new one."""
        parent = parse_traceparent(message.header(TRACEPARENT))
        context = Context()
        if parent is not None:
            context = trace.set_span_in_context(NonRecordingSpan(parent), context)
        return tracer.start_span(
            f"resolver.{name}",
            context=context,
            kind=SpanKind.INTERNAL,
            start_time=start_ns,
            attributes={
                "messaging.source.name": message.topic,
                "messaging.kafka.partition": message.partition,
                "messaging.kafka.offset": message.offset,
            },
        )

    def _fresh(self, parent: SpanContext | None) -> bytes:
        """Give a context of our own: the parent's trace, or a new one, with a new span id."""
        span_id = self._ids.getrandbits(64) or 1
        if parent is None:
            # Marked as sampled: a later stage that does export keeps it.
            return b"00-%032x-%016x-01" % (self._ids.getrandbits(128) or 1, span_id)
        return b"00-%032x-%016x-%02x" % (parent.trace_id, span_id, parent.trace_flags)

    def close(self) -> None:
        """Send what is left, for a few seconds at most."""
        if self._provider is None:
            return
        provider, self._provider = self._provider, None
        # An endpoint that accepts and never answers must not hold up the end of a stage.
        ending = threading.Thread(target=provider.shutdown, name="traces-shutdown", daemon=True)
        ending.start()
        ending.join(SHUTDOWN_SECONDS)
        if ending.is_alive():
            _log.warning("traces were not all sent within %.0f s", SHUTDOWN_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()


def trace_id_of(headers: Headers) -> str | None:
    """Return the trace id of a record's headers, as a decision keeps it."""
    for key, value in reversed(headers):
        if key == TRACEPARENT:
            context = parse_traceparent(value)
            return f"{context.trace_id:032x}" if context is not None else None
    return None
