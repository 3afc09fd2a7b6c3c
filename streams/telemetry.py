"""Names of spans and metrics in one typed list, the tree of a trace, and the shape of log lines.

Nothing in here knows a vendor: ``streams.edges.tracing`` and ``streams.edges.metrics`` do the exporting.
"""

import json
import logging
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal, TextIO
from urllib.parse import quote

from streams.core.visible import visible, visible_json

MetricKind = Literal["counter", "gauge", "histogram"]

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
SIZES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0)
UNIT_SHARE = (*(round(step / 20, 2) for step in range(1, 20)), 0.99, 0.999)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricSpec:
    """One metric.

    Attributes
    ----------
    name : str
        as in OpenTelemetry, dotted
    kind : {"counter", "gauge", "histogram"}
    unit : str
        UCUM: ``s`` seconds, ``1`` a ratio, ``{record}`` a count of records
    meaning : str
    labels : tuple of str
        closed sets only, never an id of a record
    buckets : tuple of float
        upper bounds, of a histogram
    """

    name: str
    kind: MetricKind
    unit: str
    meaning: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()

    @property
    def prometheus(self) -> str:
        """The name of the series that the Prometheus exporter makes of it."""
        base = re.sub(r"[^a-zA-Z0-9_]", "_", self.name)
        unit = {"s": "_seconds", "By": "_bytes"}.get(self.unit, "")
        return f"{base}{unit}_total" if self.kind == "counter" else f"{base}{unit}"


def _counter(name: str, unit: str, meaning: str, *labels: str) -> MetricSpec:
    return MetricSpec(name=name, kind="counter", unit=unit, meaning=meaning, labels=labels)


def _gauge(name: str, unit: str, meaning: str, *labels: str) -> MetricSpec:
    return MetricSpec(name=name, kind="gauge", unit=unit, meaning=meaning, labels=labels)


def _histogram(
    name: str, unit: str, meaning: str, *labels: str, buckets: tuple[float, ...] = SECONDS
) -> MetricSpec:
    return MetricSpec(name=name, kind="histogram", unit=unit, meaning=meaning, labels=labels, buckets=buckets)


METRICS: tuple[MetricSpec, ...] = (
    _gauge("samesong.lag.records", "{record}", "records a stage has not processed", "topic", "partition"),
    _gauge("samesong.lag.time", "s", "age of the record last read", "topic", "partition"),
    _histogram("samesong.freshness", "s", "from the upload's broker time to its decision"),
    _histogram("samesong.stage.latency", "s", "one micro-batch from read to acknowledged", "topic"),
    _histogram("samesong.batch.size", "{record}", "records in a micro-batch", "topic", buckets=SIZES),
    _counter("samesong.decisions", "{decision}", "decisions by outcome", "outcome", "kind"),
    _gauge("samesong.new_entities", "1", "share of the last batch's decisions that are new"),
    _histogram("samesong.score", "1", "probability of the best candidate", "level", buckets=UNIT_SHARE),
    _gauge("samesong.overlay.rows", "{row}", "rows that the index has not folded, searched exactly"),
    _counter("samesong.dead_letters", "{record}", "refused records by code", "code"),
    _counter("samesong.transactions", "{transaction}", "committed, aborted or recycled", "result"),
    _counter("samesong.errors", "{error}", "errors that paused or stopped a stage", "code"),
    _gauge("samesong.intake.paused", "1", "1 while a stage takes nothing in", "stage", "cause"),
    _gauge(
        "samesong.partition.held", "1", "1 while a partition is held for its refusals", "topic", "partition"
    ),
    _gauge("samesong.disk.free", "By", "free where the fullest part of the data folder is"),
    _gauge("samesong.disk.reserved", "By", "below this intake pauses"),
    _counter("samesong.lookups.repeated", "{record}", "records looked up anew for a stale watermark"),
    _gauge(
        "samesong.audit.mismatches", "{record}", "records lost, doubled or torn in the last audit", "check"
    ),
    _gauge("samesong.recall.probe", "1", "share of probed rows that the index finds again", "build"),
    _gauge("samesong.drift.distance", "1", "distance of the last judged window", "modality", "model"),
    _gauge("samesong.drift.p_value", "1", "p-value of the last judged window", "modality", "model"),
    _counter("samesong.drift.alerts", "{alert}", "drift alerts by code", "modality", "model", "code"),
    _counter("samesong.drift.late", "{sketch}", "sketches that came after their window", "modality", "model"),
)


def metrics_table() -> str:
    """Return the metrics as a Markdown table, as docs/telemetry.md shows it."""
    lines = [
        "| metric | Prometheus | kind | unit | labels | meaning |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| `{m.name}` | `{m.prometheus}` | {m.kind} | `{m.unit}` "
        f"| {', '.join(m.labels) or '-'} | {m.meaning} |"
        for m in METRICS
    ]
    return "\n".join(lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanRecord:
    """One finished span as the traces file holds it."""

    trace_id: str
    span_id: str
    parent_id: str | None
    name: str
    kind: str
    stage: str
    start_ns: int
    end_ns: int
    attributes: tuple[tuple[str, str], ...] = ()
    links: tuple[str, ...] = ()  # trace ids of the linked messages


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceNode:
    """A span with the spans that follow from it, in order of start."""

    span: SpanRecord
    children: tuple["TraceNode", ...] = ()


def trace_tree(spans: Iterable[SpanRecord], trace_id: str) -> tuple[TraceNode, ...]:
    """Arrange the spans of one trace under their parents.

    A span whose parent was not kept (made where nothing is exported) is a root of its own. The same span
    twice counts once.

    Returns
    -------
    roots : tuple of TraceNode, in order of start
    """
    mine = {span.span_id: span for span in spans if span.trace_id == trace_id}
    below: dict[str | None, list[SpanRecord]] = {}
    for span in sorted(mine.values(), key=lambda s: (s.start_ns, s.span_id)):
        parent = span.parent_id if span.parent_id in mine and span.parent_id != span.span_id else None
        below.setdefault(parent, []).append(span)

    def build(parent: str | None) -> tuple[TraceNode, ...]:
        return tuple(TraceNode(span=s, children=build(s.span_id)) for s in below.get(parent, ()))

    return build(None)


def trace_lines(roots: Sequence[TraceNode], *, depth: int = 0) -> list[str]:
    """Return one line per span, indented: name, stage and duration; equal ones beside each other are counted.

    An upload has many rows in the index, and those of one batch took the same time.
    """
    lines = []
    for (said, children), alike in groupby(roots, key=lambda node: (_said(node), node.children)):
        count = len(list(alike))
        times = f" ({count} times)" if count > 1 else ""
        lines.append(f"{'  ' * depth}{said}{times}")
        lines += trace_lines(children, depth=depth + 1)
    return lines


def _said(node: TraceNode) -> str:
    took = (node.span.end_ns - node.span.start_ns) / 1e6
    return f"{node.span.name} [{node.span.stage}] {took:.1f} ms"


# --- logging -----------------------------------------------------------------------------------------

_SECRET = re.compile(
    r"(?i)([\"']?\b(?:[\w.-]*(?:password|passwd|secret|token|api[_-]?key))[\"']?\s*[=:]\s*)"
    r"(\"[^\"]*\"|'[^']*'|[^\s,;&}]+)"
)
_BEARER = re.compile(r"(?i)\b((?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{6,}")
_URL_SECRET = re.compile(r"([a-z][a-z0-9+.-]*://[^\s:/@]*:)[^\s/@]+@")
MASK = "********"
# Shorter ones would mask half of every line; they are no secrets either.
_SHORTEST_SECRET = 4
_secrets: set[str] = set()


def never_show(secret: str) -> None:
    """Mask this text from now on wherever secrets are masked, as it is and as it stands in an address."""
    if len(secret) >= _SHORTEST_SECRET:
        _secrets.update((secret, quote(secret, safe="")))


def mask_secrets(text: str) -> str:
    """Replace the secrets of the settings, and what looks like a password, token or key, by asterisks."""
    for secret in sorted(_secrets, key=len, reverse=True):
        text = text.replace(secret, MASK)
    text = _URL_SECRET.sub(rf"\1{MASK}@", text)
    text = _BEARER.sub(rf"\1{MASK}", text)
    return _SECRET.sub(rf"\1{MASK}", text)


class _Lines(logging.Formatter):
    """One line per event: JSON, or plain for a person at a terminal."""

    def __init__(self, stage: str, *, as_json: bool) -> None:
        super().__init__()
        self._stage = stage
        self._as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        message = record.getMessage()
        if record.exc_info and record.exc_info[0] is not None:
            message = f"{message}\n{self.formatException(record.exc_info)}"
        message = mask_secrets(message)
        at = self.formatTime(record, "%Y-%m-%dT%H:%M:%S")
        if not self._as_json:
            one_line = visible(message.replace("\n", "\\n"))
            return f"{at} {record.levelname.lower()} {self._stage} {one_line}"
        event: dict[str, Any] = {
            "at": f"{at}.{int(record.msecs):03d}",
            "level": record.levelname.lower(),
            "stage": self._stage,
            "logger": record.name,
            "message": message,
        }
        return visible_json(json.dumps(event, ensure_ascii=False))


def configure_logging(
    level: str, stage: str, *, as_json: bool | None = None, stream: TextIO | None = None
) -> None:
    """Send every log event to standard error as one line, secrets masked.

    Parameters
    ----------
    level : {"debug", "info", "warning", "error"}
    stage : str
        named in every line
    as_json : bool, optional
        by default JSON unless the stream is a terminal
    stream : text stream, optional
        by default standard error
    """
    target = sys.stderr if stream is None else stream
    handler = logging.StreamHandler(target)
    handler.setFormatter(_Lines(stage, as_json=not target.isatty() if as_json is None else as_json))
    root = logging.getLogger()
    for old in root.handlers[:]:
        if isinstance(old.formatter, _Lines):
            root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())


if __name__ == "__main__":
    sys.stdout.write(metrics_table() + "\n")
