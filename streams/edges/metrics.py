"""Metrics of one stage: Prometheus scrape on loopback, OTLP when an endpoint is set, or nothing.

A port that is taken or a collector that is down is said once and harms nothing.
"""

import logging
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import Counter, Histogram, Meter
from opentelemetry.metrics import _Gauge as Gauge
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    MetricExporter,
    MetricExportResult,
    MetricReader,
    MetricsData,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.resources import Resource
from prometheus_client import CollectorRegistry, start_http_server

from streams.config import TelemetrySettings
from streams.telemetry import METRICS, MetricSpec

EXPORT_SECONDS = 3.0
EXPORT_EVERY_MS = 10_000
SHUTDOWN_SECONDS = 4.0
STAGE_PORTS = ("encode", "find", "index", "arbitrate", "audit", "drift")
LOOPBACK = "127.0.0.1"

_log = logging.getLogger(__name__)
_SPECS = {spec.name: spec for spec in METRICS}


class _OnceLogged(MetricExporter):
    """An exporter whose failures are logged once, not at every interval."""

    def __init__(self, inner: OTLPMetricExporter, where: str) -> None:
        super().__init__(
            preferred_temporality=inner._preferred_temporality,
            preferred_aggregation=inner._preferred_aggregation,
        )
        self._inner = inner
        self._where = where
        self._failed = False

    def export(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: object
    ) -> MetricExportResult:
        try:
            result = self._inner.export(metrics_data, timeout_millis=timeout_millis)
        except Exception as exc:  # whatever an exporter does, samples are all that may be lost
            self._say(exc)
            return MetricExportResult.FAILURE
        if result is not MetricExportResult.SUCCESS:
            self._say("not accepted")
        return result

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return self._inner.force_flush(timeout_millis)

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: object) -> None:
        self._inner.shutdown(timeout_millis)

    def _say(self, cause: object) -> None:
        if not self._failed:
            self._failed = True
            _log.warning("metrics cannot be sent to %s (said once): %s", self._where, cause)


class Metrics:
    """The metrics of one stage, by the names of ``streams.telemetry.METRICS``.

    Parameters
    ----------
    stage : str
    readers : sequence of MetricReader
        none: every call returns at once
    port : int, optional
        where Prometheus may scrape
    """

    def __init__(self, stage: str, readers: Sequence[MetricReader] = (), *, port: int | None = None) -> None:
        self.port = port
        self._provider: MeterProvider | None = None
        self._counters: dict[str, Counter] = {}
        self._gauges: dict[str, Gauge] = {}
        self._histograms: dict[str, Histogram] = {}
        self._stop_server: tuple[object, threading.Thread] | None = None
        if readers:
            resource = Resource({"service.name": f"samesong-{stage}", "service.namespace": "samesong"})
            self._provider = MeterProvider(readers, resource=resource, shutdown_on_exit=False)
            meter = self._provider.get_meter("samesong")
            for spec in METRICS:
                self._make(meter, spec)

    def _make(self, meter: Meter, spec: MetricSpec) -> None:
        if spec.kind == "counter":
            self._counters[spec.name] = meter.create_counter(spec.name, spec.unit, spec.meaning)
        elif spec.kind == "gauge":
            self._gauges[spec.name] = meter.create_gauge(spec.name, spec.unit, spec.meaning)
        else:
            self._histograms[spec.name] = meter.create_histogram(
                spec.name, spec.unit, spec.meaning, explicit_bucket_boundaries_advisory=list(spec.buckets)
            )

    @classmethod
    def start(cls, settings: TelemetrySettings, stage: str) -> Self:
        """Start what the settings name; ``port`` tells where Prometheus may scrape (None: nowhere)."""
        readers: list[MetricReader] = []
        port: int | None = None
        server = None
        if settings.prometheus_port is not None:
            registry = CollectorRegistry()
            wanted = stage_port(settings.prometheus_port, stage)
            try:
                server = start_http_server(wanted, addr=LOOPBACK, registry=registry)
            except (OSError, OverflowError) as exc:
                _log.warning("no metrics on port %d: %s", wanted, exc)
            else:
                readers.append(PrometheusMetricReader(registry=registry))
                port = int(server[0].server_port)
                _log.info("metrics on http://%s:%d/metrics", LOOPBACK, port)
        if settings.otlp_endpoint is not None:
            logging.getLogger("opentelemetry.exporter.otlp.proto.http.metric_exporter").setLevel(
                logging.CRITICAL
            )
            url = f"{settings.otlp_endpoint.rstrip('/')}/v1/metrics"
            sender = _OnceLogged(OTLPMetricExporter(endpoint=url, timeout=EXPORT_SECONDS), url)
            readers.append(
                PeriodicExportingMetricReader(
                    sender,
                    export_interval_millis=EXPORT_EVERY_MS,
                    export_timeout_millis=EXPORT_SECONDS * 1000,
                )
            )
        metrics = cls(stage, readers, port=port)
        metrics._stop_server = server
        return metrics

    def add(self, name: str, value: float = 1, **labels: str) -> None:
        """Count ``value`` more."""
        _check(name, "counter", labels)
        if self._provider is not None:
            self._counters[name].add(value, labels)

    def record(self, name: str, value: float, **labels: str) -> None:
        """Put one value into a histogram."""
        _check(name, "histogram", labels)
        if self._provider is not None:
            self._histograms[name].record(value, labels)

    def set(self, name: str, value: float, **labels: str) -> None:
        """Say what a gauge stands at."""
        _check(name, "gauge", labels)
        if self._provider is not None:
            self._gauges[name].set(value, labels)

    def processed(self, topic: str, *, items: int, seconds: float) -> None:
        """Count a finished batch."""
        self.record("samesong.stage.latency", seconds, topic=topic)
        self.record("samesong.batch.size", items, topic=topic)

    def retried(self, topic: str, *, code: str) -> None:
        """Count a batch of ``topic`` that is given again after an error with this code."""
        self.add("samesong.errors", code=code)

    def transaction(self, outcome: str) -> None:
        """Count a transaction: committed, aborted or recycled."""
        self.add("samesong.transactions", result=outcome)

    def lag(self, topic: str, partition: int, *, records: int, seconds: float) -> None:
        """Tell how far behind the end of a partition we are, and how old the record last read was."""
        self.set("samesong.lag.records", records, topic=topic, partition=str(partition))
        self.set("samesong.lag.time", seconds, topic=topic, partition=str(partition))

    def close(self) -> None:
        """Send what is left, for a few seconds at most, and free the port."""
        provider, self._provider = self._provider, None
        if provider is not None:
            ending = threading.Thread(target=provider.shutdown, name="metrics-shutdown", daemon=True)
            ending.start()
            ending.join(SHUTDOWN_SECONDS)
            if ending.is_alive():
                _log.warning("metrics were not all sent within %.0f s", SHUTDOWN_SECONDS)
        server, self._stop_server = self._stop_server, None
        if server is not None:
            server[0].shutdown()  # type: ignore[attr-defined]  # a WSGIServer, typed loosely by its maker
            server[0].server_close()  # type: ignore[attr-defined]  # the same
            server[1].join(SHUTDOWN_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()


def stage_port(first: int, stage: str) -> int:
    """Give a stage's own port, the same at every start: what is scraped must be known; 0 is any free one."""
    return first + STAGE_PORTS.index(stage) if first and stage in STAGE_PORTS else first


def _check(name: str, kind: str, labels: dict[str, str]) -> None:
    """Refuse a name, kind or label that is not in the list: a typing error, not a matter of luck."""
    spec = _SPECS[name]
    if spec.kind != kind or not labels.keys() <= set(spec.labels):
        raise ValueError(f"{name} is a {spec.kind} with labels {spec.labels}, not {kind} with {set(labels)}")
