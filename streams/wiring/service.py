"""The stages as processes: what each is built of, and how it runs until it is asked to stop."""

import gc
import hashlib
import logging
import os
import signal
import socket
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from streams.config import Settings
from streams.connection import bootstrap_of, codec_for, kafka_extra
from streams.core.bundle import Bundle
from streams.core.policy import RefusalLimits
from streams.core.records import StageControl
from streams.edges.avro import current_schema, fingerprint_of
from streams.edges.batching import BackOff
from streams.edges.clock import SystemClock
from streams.edges.committed_log import CommittedLog
from streams.edges.control_log import ControlLog
from streams.edges.crash import guard_of
from streams.edges.disk import DiskRoom
from streams.edges.kafka_lag import GroupLagGate
from streams.edges.kafka_producer import Publisher
from streams.edges.landmark_material import LandmarkMaterial
from streams.edges.log_follower import LogFollower
from streams.edges.log_identity import read_identity
from streams.edges.log_reader import LogReader
from streams.edges.metrics import Metrics
from streams.edges.overdue import Overdue
from streams.edges.sound_comparison import FeatureConfirmer
from streams.edges.sqlite_store import SqliteStateStore
from streams.edges.stateless import StatelessRunner
from streams.edges.tracing import Tracing
from streams.edges.transactional import OVERDUE_SECONDS, TransactionalRunner
from streams.edges.waiting import answers, await_kafka
from streams.errors import ConfigError, TransientError
from streams.ports import CandidateIndex, Material, Processor
from streams.stages.arbitrate import FOLDED, HEAD, ROWS, STATE_TOPICS, ArbitrateStage
from streams.stages.audit import ARBITER_GROUP, ENCODE_GROUP, FIND_GROUP, Audit
from streams.stages.decision_metrics import DecisionMetrics
from streams.stages.encode import ENCODED, SKETCH_WAITS, EncodeProcessor
from streams.stages.find import AGAIN, INPUT, PASSED_ON, FindProcessor
from streams.stages.index import INDEX_GROUP, IndexProcessor
from streams.stages.index_position import FoldedTo, KafkaRowLog, catch_up
from streams.stages.kept_state import KeptState
from streams.stages.material_fold import MaterialFold
from streams.stages.refusal_guard import RefusalGuard
from streams.steps import Guard, Step
from streams.supervision import Supervisor, stage_command, supervise
from streams.telemetry import configure_logging
from streams.wiring.intake import Intake
from streams.wiring.parts import (
    COLLECTED_EVERY,
    candidate_index,
    encoder,
    feature_store,
    media_reader,
    rules,
    uncollected,
)

AUDIT_NICENESS = 19
AUDIT_EVERY_S = 60.0
GATE_S = 0.25
WRITING = frozenset({"encode", "find", "arbitrate", "index"})
# A search costs Milvus Lite 60 ms at 20,000 rows whatever it asks, and 2 ms per query more (measured), under
# a lock that folding waits for: fewer and larger ones.
FIND_BATCH_MS = 400
# Bytes of a batch: twice what 256 uploads of metadata have, or some forty songs of four minutes that were
# heard. Each of those may be compared with 20 others, at 0.2 s (measured; 0.025 s for half a minute).
FIND_BUDGET = 1024.0 * 1024.0
WATERMARKS = "index.watermark.v1"
FOLLOW_ALIAS_S = 2.0
# In the unit of `EncodeProcessor.work`: a batch of metadata, or a few files to hear.
ENCODE_BUDGET = 512.0

log = logging.getLogger(__name__)


def up(settings: Settings) -> None:
    """Supervise the broker and every stage of one installation until asked to stop."""
    configure_logging(settings.telemetry.log_level, "up")
    data_dir = settings.data_dir
    stages = [
        replace(
            stage_command(name, data_dir=data_dir),
            environment={"SAMESONG_KAFKA__INSTANCE_ID": _instance_id(name, data_dir)},
        )
        for name in processes(settings)
    ]
    supervisor = Supervisor(
        data_dir,
        stages,
        bootstrap=settings.kafka.bootstrap,
        client_config=kafka_extra(settings),
        replication_factor=settings.kafka.replication_factor,
    )
    supervise(supervisor)


def _instance_id(stage: str, data_dir: Path) -> str:
    """Name a stage of one data folder on one machine: the same after every start, and no other's."""
    place = f"{socket.gethostname()}:{data_dir.resolve()}"
    return f"{stage}-{hashlib.sha256(place.encode()).hexdigest()[:16]}"


def processes(settings: Settings) -> tuple[str, ...]:
    """Name the stages that run apart; with Milvus Lite one process owns the store and does two."""
    looking = ("index",) if settings.index.uri is None else ("find", "index")
    return ("encode", *looking, "arbitrate", "audit", "drift")


def run_stage(name: str, settings: Settings) -> None:
    """Run one stage in this process until SIGTERM or SIGINT.

    Raises
    ------
    ConfigError
        the stage does not run by itself in this installation
    """
    configure_logging(settings.telemetry.log_level, name)
    gc.set_threshold(COLLECTED_EVERY)
    with _Stage(settings, name) as stage:
        if not stage.await_kafka():
            return
        match name:
            case "encode":
                stage.encode()
            case "arbitrate":
                stage.arbitrate()
            case "index":
                stage.index()
            case "find":
                stage.find()
            case "audit":
                stage.audit()
            case "drift":
                stage.drift()
            case _:
                raise ConfigError(f"there is no stage {name!r}")


def auditor(settings: Settings) -> Audit:
    """Give what checks every hop, from look to look at what is new."""
    return Audit(CommittedLog(bootstrap_of(settings), kafka_extra(settings)), codec_for(settings))


class _Stage:
    """One stage at work, with its clients, traces and metrics, which are closed in bounded time."""

    def __init__(self, settings: Settings, name: str) -> None:
        self._settings = settings
        self._name = name
        self._bootstrap, self._extra = bootstrap_of(settings), kafka_extra(settings)
        self._codec = codec_for(settings)
        self._stop = _stop_on_signals()
        self._closing = ExitStack()
        self._guard = guard_of(name, settings.faults.point)
        self._tracing = Tracing.start(settings.telemetry, stage=name, data_dir=settings.data_dir)
        self._closing.callback(self._tracing.close)
        self._metrics = Metrics.start(settings.telemetry, name)
        self._closing.callback(self._metrics.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.close()

    def await_kafka(self) -> bool:
        """Wait until there is a Kafka to work with; false when asked to stop before."""

        def told(waiting: bool) -> None:
            self._metrics.set("samesong.intake.paused", float(waiting), stage=self._name, cause="kafka")

        ask = answers(self._bootstrap, self._extra)
        return await_kafka(ask, bootstrap=self._bootstrap, stop=self._stop, told=told)

    def encode(self) -> None:
        """Read, hear and embed uploads."""
        settings = self._settings
        embedding = encoder(settings)
        media = None
        if embedding is not None:
            media = media_reader(settings)
            self._closing.callback(media.close)
        # Several in a window, so that one that is lost keeps no window open.
        heartbeat_s = settings.drift.window_s / 4
        limits = RefusalLimits(**settings.refusals.model_dump())
        refusals = RefusalGuard("encode", limits, metrics=self._metrics)
        processor = EncodeProcessor(
            self._codec,
            embedding,
            media=media,
            store=feature_store(settings, guard=self._guard),
            clock=SystemClock(),
            refusals=refusals,
            heartbeat_s=heartbeat_s,
        )
        self._runner(
            processor,
            group_id=ENCODE_GROUP,
            topics=["catalog.upload.v1"],
            batch_items=settings.encode.batch_items,
            batch_ms=settings.encode.batch_ms,
            cost=processor.work,
            work_budget=ENCODE_BUDGET,
            gate=self._intake("encode", told=refusals.told),
            holds=refusals,
            idle=processor.idle,
            idle_seconds=heartbeat_s * SKETCH_WAITS,
        ).run(self._stop)

    def find(self) -> None:
        """Look uploads up in a Milvus server."""
        if self._settings.index.uri is None:
            raise ConfigError("with Milvus Lite `find` runs inside the index stage: `samesong run index`")
        self._finder(self._open_index(), guard=self._guard).run(self._stop)

    def index(self) -> None:
        """Fold rows; with Milvus Lite look up as well, in this same process and on the same client."""
        settings = self._settings
        index = self._open_index()
        finding = guard_of("find", settings.faults.point)
        reader = LogReader(self._bootstrap, self._extra)
        self._closing.callback(reader.close)
        log = KafkaRowLog(reader)
        processor = IndexProcessor(
            index,
            self._codec,
            SystemClock(),
            log=log,
            batch_rows=settings.index.batch_rows,
            metrics=self._metrics,
        )
        intake = self._intake("index")
        with self._guard(Step.catch_up):
            self._catch_up(processor, log, intake)
        runners = [
            self._runner(
                processor,
                group_id=INDEX_GROUP,
                topics=[ROWS],
                batch_items=settings.index.batch_rows,
                batch_ms=settings.index.batch_ms,
                gate=intake,
                idle=processor.idle,
                idle_seconds=FOLLOW_ALIAS_S,
            )
        ]
        if settings.index.uri is None:
            runners.append(self._finder(index, guard=finding))
        _run_together(runners, self._stop)

    def arbitrate(self) -> None:
        """Decide."""
        settings = self._settings
        watermarks = LogFollower(self._bootstrap, self._extra, WATERMARKS, start="beginning")
        self._closing.callback(watermarks.close)
        stage = ArbitrateStage(
            self._codec,
            rules(Bundle.packaged(), FeatureConfirmer(feature_store(settings)).confirm),
            watermark=FoldedTo(watermarks, self._codec),
            overlay_rows=settings.arbiter.overlay_rows,
            metrics=DecisionMetrics(self._metrics, SystemClock()),
            # The collector would walk the whole catalogue every few hundred uploads, and nothing is decided
            # meanwhile (0.45 s at 20,000 uploads, measured).
            settled=gc.freeze,
            restoring=uncollected,
            kept=self._kept_state(),
        )
        overdue = Overdue(OVERDUE_SECONDS)
        self._closing.callback(overdue.close)
        TransactionalRunner(
            stage,
            bootstrap=self._bootstrap,
            extra=self._extra,
            group_id=ARBITER_GROUP,
            state_topics=STATE_TOPICS,
            batch_items=settings.arbiter.batch_items,
            batch_ms=settings.arbiter.batch_ms,
            protocol=settings.kafka.group_protocol,
            instance_id=settings.kafka.instance_id,
            tracing=self._tracing,
            metrics=self._metrics,
            guard=self._guard,
            gate=self._intake("arbitrate"),
            limit=overdue.limit,
        ).run(self._stop)

    def _kept_state(self) -> KeptState:
        """Open the local store of the arbiter's state."""
        kept = KeptState(
            SqliteStateStore(self._settings.data_dir / "state" / "arbiter.db"),
            identity=lambda: read_identity(self._bootstrap, self._extra, FOLDED),
            # Another schema of any of them is another form.
            form="".join(fingerprint_of(current_schema(topic)).hex() for topic in FOLDED),
            codec=self._codec,
            head=HEAD,
        )
        self._closing.callback(kept.close)
        return kept

    def audit(self) -> None:
        """Check every hop again and again."""
        # No upload waits for it: what the others need of the processor they get first.
        os.nice(AUDIT_NICENESS)
        intake, auditing = self._intake("audit"), auditor(self._settings)
        while not self._stop.is_set():
            if not self._await(intake):
                break
            try:
                with self._guard(Step.look):
                    report = auditing.look()
            except TransientError as exc:
                log.warning("no look this time: %s", exc)
                self._metrics.add("samesong.errors", code=exc.code)
                self._stop.wait(AUDIT_EVERY_S)
                continue
            found = Counter(mismatch.hop for mismatch in report.mismatches)
            for hop in report.checked:
                self._metrics.set("samesong.audit.mismatches", found[hop], check=hop)
            for mismatch in report.mismatches:
                log.error("audit: %s", mismatch)
            self._stop.wait(AUDIT_EVERY_S)

    def drift(self) -> None:
        """Watch the embeddings."""
        # Faust is slow to import and only this stage needs it.
        from streams.edges.faust_app import run_drift

        settings = self._settings
        run_drift(
            self._bootstrap,
            settings.drift,
            self._codec,
            settings.data_dir,
            self._stop,
            kafka=settings.kafka,
            metrics=self._metrics,
            guard=self._guard,
            gate=self._intake("drift"),
        )

    def _intake(self, stage: str, *, told: Callable[[StageControl], None] | None = None) -> Intake:
        """Give the gate of a stage; with Milvus Lite two stages share a process, and each has its own."""
        words = ControlLog(self._bootstrap, self._extra, self._codec)
        room = DiskRoom.of(
            self._settings.data_dir, min_free=self._settings.disk.min_free_bytes, metrics=self._metrics
        )
        # What only looks may go on looking.
        causes = {"disk": room} if stage in WRITING else {}
        intake = Intake(stage, words, self._metrics, causes=causes, told=told)
        self._closing.callback(intake.close)
        return intake

    def _await(self, intake: Intake) -> bool:
        """Wait while intake is paused; false when we are asked to stop."""
        while not intake() and not self._stop.is_set():
            self._stop.wait(GATE_S)
        return not self._stop.is_set()

    def _open_index(self) -> CandidateIndex:
        index = candidate_index(self._settings, guard=self._guard)
        self._closing.callback(index.close)
        return index

    def _finder(self, index: CandidateIndex, *, guard: Guard) -> StatelessRunner:
        keeps_up = GroupLagGate(
            self._bootstrap,
            self._extra,
            group_id=ARBITER_GROUP,
            topic=INPUT,
            limit=self._settings.arbiter.find_lag,
        )
        self._closing.callback(keeps_up.close)
        intake = self._intake("find")
        # Also where it shares a process with index: a trace tells the two apart.
        tracing = Tracing.start(self._settings.telemetry, stage="find", data_dir=self._settings.data_dir)
        self._closing.callback(tracing.close)
        return self._runner(
            FindProcessor(
                index,
                self._codec,
                limit=self._settings.index.search_limit,
                confirm=FeatureConfirmer(feature_store(self._settings)).confirm,
                material=self._material(),
            ),
            group_id=FIND_GROUP,
            topics=[ENCODED, AGAIN, *PASSED_ON],
            batch_ms=FIND_BATCH_MS,
            cost=lambda message: len(message.value or b""),
            work_budget=FIND_BUDGET,
            gate=lambda: intake() and keeps_up(),
            tracing=tracing,
            guard=guard,
        )

    def _material(self) -> Callable[[], Material]:
        """Keep the catalogue's sounds by their landmarks; what was decided since is folded when asked."""
        reader = LogReader(self._bootstrap, self._extra)
        self._closing.callback(reader.close)
        entries = self._settings.index.material_entries
        material = LandmarkMaterial(feature_store(self._settings), most_entries=entries)
        fold = MaterialFold(material, KafkaRowLog(reader), self._codec)

        def up_to_date() -> Material:
            fold.catch_up()
            return material

        return up_to_date

    def _catch_up(self, processor: IndexProcessor, rows: KafkaRowLog, intake: Intake) -> None:
        """Fold what the index lacks, again and again while Kafka or the index does not answer."""
        back_off = BackOff()
        while not self._stop.is_set():
            try:
                with Publisher(self._bootstrap, self._extra) as publisher:
                    catch_up(processor, rows, publisher, may_go_on=lambda: self._await(intake))
            except TransientError as exc:
                seconds = back_off.step()
                log.warning("cannot catch up yet (%s): %s; again in %.1f s", exc.code, exc, seconds)
                self._stop.wait(seconds)
            else:
                return

    def _runner(self, processor: Processor, **how: Any) -> StatelessRunner:
        return StatelessRunner(
            processor,
            bootstrap=self._bootstrap,
            extra=self._extra,
            protocol=self._settings.kafka.group_protocol,
            instance_id=self._settings.kafka.instance_id,
            metrics=self._metrics,
            **{"tracing": self._tracing, "guard": self._guard, **how},
        )


def _run_together(runners: Sequence[StatelessRunner], stop: threading.Event) -> None:
    """Run each in a thread of its own; when one fails the others stop, and its error is raised."""
    with ThreadPoolExecutor(max_workers=len(runners)) as pool:
        running = [pool.submit(runner.run, stop) for runner in runners]
        wait(running, return_when=FIRST_COMPLETED)
        stop.set()
        for each in running:
            each.result()


def _stop_on_signals() -> threading.Event:
    """Give an event that SIGTERM and SIGINT set."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    return stop
