"""The drift monitor as a Faust worker: sketches in, windows and alerts out.

The fold lives in a memory table with a changelog topic, and not in a second reading of the sketches: they are
kept for days, the reference must stay. Outputs are acknowledged before the table is written, and the table's
changes before the event counts as done and its offset may be committed. So a crash, or the end of the worker
in the middle of an event, repeats it: the fold counts a sketch once, and a repeated window or alert is the
same. How far it has come is kept with the fold: :mod:`streams.edges.faust_order` says why.
"""

import asyncio
import contextlib
import logging
import signal
import ssl
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import faust

from streams import steps
from streams.config import DriftSettings, KafkaSettings
from streams.core.drift import DriftRules, DriftStream, PartitionTime, Step, fold_sketch, never_closed
from streams.core.records import EmbeddingSketch
from streams.edges.drift_table import (
    SKETCH_TOPIC,
    Entry,
    position_change,
    positions_from,
    streams_from,
    table_changes,
)
from streams.edges.faust_order import InOrder
from streams.edges.faust_table import WrittenTable
from streams.edges.kafka_config import SESSION_TIMEOUT_MS
from streams.edges.metrics import Metrics
from streams.errors import FatalError, RecordError
from streams.ports import Codec
from streams.steps import Guard, unguarded
from streams.topics import topic

WINDOW_TOPIC, ALERT_TOPIC = "drift.window.v1", "drift.alert.v1"
APP_ID = "samesong-drift"
LOOK_SECONDS = 0.2
BUFFERED_EVENTS = 128
STOP_SECONDS = 8.0

_log = logging.getLogger(__name__)


def drift_rules(settings: DriftSettings) -> DriftRules:
    """Return the rules that the settings name."""
    return DriftRules(
        window_ms=max(1, round(settings.window_s * 1000)),
        grace_ms=round(settings.grace_s * 1000),
        reference_windows=settings.reference_windows,
        min_count=settings.min_count,
        p_value=settings.p_value,
    )


class _Fold:
    """The streams of this worker's partitions, and the time of each partition."""

    def __init__(self, rules: DriftRules, codec: Codec) -> None:
        self._rules = rules
        self._codec = codec
        self._streams: dict[tuple[str, str], DriftStream] | None = None
        self._times: dict[int, PartitionTime] = {}
        self._homes: dict[tuple[str, str], int] = {}

    def forget(self) -> None:
        """Read the table anew at the next event: partitions have moved."""
        self._streams = None
        self._times.clear()
        self._homes.clear()

    def restore(self, items: list[tuple[str, Entry]]) -> None:
        """Take up what the table holds."""
        self._streams = streams_from(items, self._codec)

    @property
    def restored(self) -> bool:
        """Say whether the table was read since partitions last moved."""
        return self._streams is not None

    def take(
        self, sketch: EmbeddingSketch, *, partition: int, at_ms: int
    ) -> tuple[Step, dict[str, Entry | None], dict[tuple[str, str], DriftStream]]:
        """Fold one event; give what follows, the table's changes, and the streams to keep afterwards."""
        streams = self._streams or {}
        name = (sketch.modality, sketch.model)
        self._homes[name] = partition
        time = self._times.get(partition, PartitionTime()).at(at_ms, self._rules)
        self._times[partition] = time
        before = streams.get(name) or DriftStream(modality=sketch.modality, model=sketch.model)
        step = fold_sketch(before, sketch, at_ms=at_ms, rules=self._rules)
        after = {name: step.stream}
        changes = table_changes(before, step.stream, self._codec)
        alerts = list(step.alerts)
        for other, stream in streams.items():
            if other != name and self._homes.get(other, partition) == partition:
                stuck = never_closed(stream, time=time, rules=self._rules)
                if stuck.alerts:
                    alerts += stuck.alerts
                    after[other] = stuck.stream
                    changes |= table_changes(stream, stuck.stream, self._codec)
        return Step(stream=step.stream, windows=step.windows, alerts=tuple(alerts)), changes, after

    def late(self, sketch: EmbeddingSketch) -> int:
        """Return how many sketches of this stream came late so far."""
        stream = (self._streams or {}).get((sketch.modality, sketch.model))
        return stream.late if stream is not None else 0

    def keep(self, streams: dict[tuple[str, str], DriftStream]) -> None:
        """Hold what was written; if partitions have moved meanwhile, the table is read anew instead."""
        if self._streams is not None:
            self._streams = {**self._streams, **streams}


def _credentials(kafka: KafkaSettings) -> Any:  # one of Faust's untyped credentials
    """Return how Faust is to log in; None for an unencrypted cluster without users."""
    if kafka.security_protocol == "PLAINTEXT":
        return None
    context = None
    if kafka.security_protocol.endswith("SSL"):
        context = ssl.create_default_context(cafile=kafka.ca_location)
        if kafka.certificate_location is not None:
            key_password = kafka.key_password.get_secret_value() if kafka.key_password else None
            context.load_cert_chain(kafka.certificate_location, kafka.key_location, key_password)
    if kafka.security_protocol == "SSL":
        return faust.SSLCredentials(context)
    return faust.SASLCredentials(
        username=kafka.username,
        password=kafka.password.get_secret_value() if kafka.password else None,
        ssl_context=context,
        mechanism=kafka.sasl_mechanism or "SCRAM-SHA-512",
    )


def _app(bootstrap: str, data_dir: Path, kafka: KafkaSettings, app_id: str) -> Any:  # Faust is untyped
    """Return the app: each departure from Faust's defaults is a rule of this project."""
    return faust.App(
        app_id,
        broker=";".join(f"kafka://{host.strip()}" for host in bootstrap.split(",")),
        broker_credentials=_credentials(kafka),
        store="memory://",
        Table=WrittenTable,
        datadir=str(data_dir / "drift"),
        web_enabled=False,
        processing_guarantee="at_least_once",
        topic_disable_leader=True,
        topic_replication_factor=kafka.replication_factor,
        topic_partitions=topic(SKETCH_TOPIC).partitions,
        consumer_auto_offset_reset="earliest",
        broker_commit_interval=1.0,
        # As the other consumers have it; Faust would wait a minute for a worker that was killed.
        broker_session_timeout=SESSION_TIMEOUT_MS / 1000,
        broker_heartbeat_interval=SESSION_TIMEOUT_MS / 4000,
        consumer_group_instance_id=kafka.instance_id,
        # Of 10 kB each; the default of 4,096 is 40 MB for a worker that lags.
        stream_buffer_maxsize=BUFFERED_EVENTS,
        # Waiting for a stream to run dry would hold up the end of the process.
        stream_wait_empty=False,
        autodiscover=False,
    )


def build_app(
    bootstrap: str,
    settings: DriftSettings,
    codec: Codec,
    data_dir: Path,
    *,
    kafka: KafkaSettings,
    metrics: Metrics,
    gate: Callable[[], bool] = lambda: True,
    app_id: str = APP_ID,
    guard: Guard = unguarded,
) -> Any:  # Faust is untyped
    """Wire the fold to its topics."""
    app = _app(bootstrap, data_dir, kafka, app_id)
    raw = {"key_type": bytes, "value_type": bytes, "key_serializer": "raw", "value_serializer": "raw"}
    sketches = app.topic(SKETCH_TOPIC, **raw)
    windows, alerts = app.topic(WINDOW_TOPIC, **raw), app.topic(ALERT_TOPIC, **raw)
    table = app.Table("fold", partitions=topic(SKETCH_TOPIC).partitions)
    fold = _Fold(drift_rules(settings), codec)
    order = InOrder(lambda: app.consumer)

    @app.on_partitions_assigned.connect  # type: ignore[untyped-decorator]  # Faust is untyped
    async def moved(_app: Any, assigned: Any, **_rest: Any) -> None:
        fold.forget()

    async def publish(step: Step) -> None:
        for out, name, records in (
            (windows, WINDOW_TOPIC, step.windows),
            (alerts, ALERT_TOPIC, step.alerts),
        ):
            for record in records:
                key = f"{record.modality}:{record.model}".encode()
                await (await out.send(key=key, value=codec.encode(name, record)))

    async def store(changes: Mapping[str, Entry | None], message: Any) -> None:
        position = position_change(message.partition, message.offset + 1)
        for key, entry in {**changes, **position}.items():
            if entry is not None:
                table[key] = entry
            elif key in table:
                del table[key]
        await table.written()
        order.done(message)

    async def take(event: Any) -> bool:
        """Fold one event, if it is due; then all that follows from it is in Kafka."""
        message = event.message
        if not fold.restored:
            items = list(table.items())
            fold.restore(items)
            order.take_up(positions_from(items))
        if not await order.due(message):
            return False
        try:
            sketch: EmbeddingSketch = codec.decode(SKETCH_TOPIC, event.value)
            with guard(steps.Step.fold):
                step, changes, after = await asyncio.to_thread(
                    fold.take, sketch, partition=message.partition, at_ms=round(message.timestamp * 1000)
                )
        except RecordError as exc:
            metrics.add("samesong.errors", code=exc.code)
            _log.warning(
                "sketch at %s-%d@%d is left out: %s", message.topic, message.partition, message.offset, exc
            )
            await store({}, message)
            return True
        with guard(steps.Step.publish):
            await publish(step)
        with guard(steps.Step.store):
            await store(changes, message)
        late = step.stream.late - fold.late(sketch)
        fold.keep(after)
        _measure(step, metrics, late=late)
        return True

    @app.agent(sketches, concurrency=1)  # type: ignore[untyped-decorator]  # Faust is untyped
    async def watch(stream: Any) -> None:
        # Left to itself Faust calls an event done whatever became of it: the one at hand when the worker is
        # asked to end, or when something fails, would be committed and never folded.
        unfinished = stream.noack()
        async for event in unfinished.events():
            # Polling and heartbeats are not in here: the worker keeps its partitions while it is paused.
            while not gate():
                await asyncio.sleep(LOOK_SECONDS)
            try:
                if await take(event):
                    await unfinished.ack(event)
            except Exception as exc:
                await app.crash(exc)
                # Faust would start the agent again, with the event after this one.
                await asyncio.Event().wait()

    return app


def _measure(step: Step, metrics: Metrics, *, late: int) -> None:
    """Say what an event led to."""
    stream = step.stream
    if late > 0:
        metrics.add("samesong.drift.late", late, modality=stream.modality, model=stream.model)
    if step.windows:
        for code in ("shift", "window_never_closed"):
            # A series that starts at 1 never increases: an alert rule would miss the first.
            metrics.add("samesong.drift.alerts", 0, modality=stream.modality, model=stream.model, code=code)
    for window in step.windows:
        _log.info("window %s", window)
        if window.reference not in {"building", "gathering"}:
            labels = {"modality": window.modality, "model": window.model}
            metrics.set("samesong.drift.distance", window.distance, **labels)
            metrics.set("samesong.drift.p_value", window.p_value, **labels)
    for alert in step.alerts:
        _log.warning("drift: %s", alert.message)
        metrics.add("samesong.drift.alerts", modality=alert.modality, model=alert.model, code=alert.code)


def run_drift(
    bootstrap: str,
    settings: DriftSettings,
    codec: Codec,
    data_dir: Path,
    stop_event: threading.Event | None = None,
    *,
    kafka: KafkaSettings | None = None,
    metrics: Metrics | None = None,
    gate: Callable[[], bool] = lambda: True,
    app_id: str = APP_ID,
    guard: Guard = unguarded,
) -> None:
    """Run the monitor in this process until SIGTERM, SIGINT or ``stop_event``; end within seconds.

    Raises
    ------
    FatalError
        the worker crashed: let the supervisor start it anew
    """
    found = metrics or Metrics("drift")
    asyncio.run(
        _serve(
            lambda: build_app(
                bootstrap,
                settings,
                codec,
                data_dir,
                kafka=kafka or KafkaSettings(),
                metrics=found,
                gate=gate,
                app_id=app_id,
                guard=guard,
            ),
            stop_event or threading.Event(),
        )
    )


async def _serve(build: Any, stop: threading.Event) -> None:
    """Start the app, wait for the end, stop it."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        # Outside the main thread signals are not ours; the event is.
        with contextlib.suppress(ValueError, RuntimeError):
            loop.add_signal_handler(number, stop.set)
    # Importing Faust takes seconds on a busy machine, and joining its group more of them.
    if stop.is_set():
        return
    app = build()
    app.finalize()
    await app.start()
    try:
        while not stop.is_set():
            if app.crashed or app.should_stop:
                raise FatalError(f"the drift worker crashed: {app.crash_reason}")
            await asyncio.sleep(LOOK_SECONDS)
    finally:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(app.stop(), STOP_SECONDS)
