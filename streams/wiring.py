"""The composition root: the one place that reads settings and builds edges from them."""

import itertools
import logging
import signal
import threading
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from pathlib import Path
from types import TracebackType
from typing import Self

from streams.config import Settings
from streams.connection import bootstrap_of, kafka_extra
from streams.core.arbiter import Rules
from streams.core.audit import AuditReport
from streams.core.placing import Thresholds
from streams.core.records import IndexWatermark
from streams.core.scoring import Bundle, Scorer
from streams.edges.attempt_marks import AttemptMarks
from streams.edges.avro import AvroCodec
from streams.edges.clock import SystemClock
from streams.edges.encoder import BundleEncoder, FeatureConfirmer
from streams.edges.feature_files import FileFeatureStore
from streams.edges.kafka_config import ClientConfig
from streams.edges.kafka_producer import Publisher
from streams.edges.kafka_reader import LogReader
from streams.edges.kafka_runner import StatelessRunner
from streams.edges.log_follower import LogFollower
from streams.edges.log_reader import CommittedLog
from streams.edges.media_decode import MediaDecoder
from streams.edges.media_fetch import MediaFetcher
from streams.edges.media_https import HttpsDownload
from streams.edges.media_reader import LimitedMediaReader
from streams.edges.media_roots import read_media_roots
from streams.edges.metrics import Metrics
from streams.edges.milvus import MilvusCandidateIndex
from streams.edges.tracing import Tracing
from streams.edges.transactional_runner import TransactionalRunner
from streams.errors import ConfigError
from streams.offline import compare_lines, read_lines, resolve_lines, write_lines
from streams.ports import CandidateIndex, Encoder, IndexBuild, MediaReader
from streams.stages.arbitrate import ROWS, STATE_TOPICS, ArbitrateStage
from streams.stages.audit import ARBITER_GROUP, ENCODE_GROUP, FIND_GROUP, run_audit
from streams.stages.encode import EncodeProcessor
from streams.stages.find import FindProcessor
from streams.stages.index import IndexProcessor
from streams.stages.rebuild import rebuild
from streams.supervisor import Supervisor, stage_command, supervise

INDEX_GROUP = "samesong.index"
AUDIT_EVERY_S = 60.0
CATCH_UP_ROWS = 5_000
# In the unit of `EncodeProcessor.work`: a batch of metadata, or a few files to hear.
ENCODE_BUDGET = 512.0

log = logging.getLogger(__name__)


def rules(bundle: Bundle) -> Rules:
    """Put a parameter bundle to work."""
    return Rules(
        scorer=Scorer(bundle),
        thresholds=Thresholds(
            recording_match=bundle.recording_match,
            recording_review=bundle.recording_review,
            work_match=bundle.work_match,
            work_review=bundle.work_review,
            guard=bundle.guard_tau,
        ),
        bundle_version=bundle.version,
    )


def resolve_file(settings: Settings, uploads: Path, output: Path) -> tuple[str, ...]:
    """Resolve a file of uploads; give a line for each that was refused or only half read."""
    lines = read_lines(uploads)
    answers = list(resolve_lines(lines, rules(Bundle.packaged())))
    write_lines(output, answers)
    refused = [
        f"line {number}: {answer.get('reason', 'refused')}"
        for number, answer in enumerate(answers, start=1)
        if answer["decision"] == "rejected"
    ]
    unheard = sum(b'"media"' in line for line in lines)
    if unheard:
        refused.append(f"{unheard} uploads name media: `resolve` read their metadata alone")
    return tuple(refused)


def compare_file(settings: Settings, pairs: Path, output: Path) -> tuple[str, ...]:
    """Compare a file of pairs; give a line for each that could not be read."""
    answers = list(compare_lines(read_lines(pairs), Scorer(Bundle.packaged())))
    write_lines(output, answers)
    return tuple(
        f"line {number}: {answer['error']}"
        for number, answer in enumerate(answers, start=1)
        if "error" in answer
    )


def up(settings: Settings) -> None:
    """Supervise the broker and every stage of one installation until asked to stop."""
    data_dir = settings.data_dir
    stages = [stage_command(name, data_dir=data_dir) for name in _processes(settings)]
    supervisor = Supervisor(
        data_dir,
        stages,
        bootstrap=settings.kafka.bootstrap,
        client_config=kafka_extra(settings),
        replication_factor=settings.kafka.replication_factor,
    )
    supervise(supervisor)


def _processes(settings: Settings) -> tuple[str, ...]:
    """Name the stages that run apart; with Milvus Lite one process owns the store and does both."""
    return (
        ("encode", "index", "arbitrate")
        if settings.index.uri is None
        else ("encode", "find", "index", "arbitrate")
    )


def run_stage(name: str, settings: Settings) -> None:
    """Run one stage in this process until SIGTERM or SIGINT.

    Raises
    ------
    ConfigError
        the stage does not run by itself in this installation
    """
    stop = stop_on_signals()
    match name:
        case "encode":
            _run_encode(settings, stop)
        case "arbitrate":
            with _Watched(settings, name) as watched:
                _run_arbitrate(settings, stop, watched)
        case "index":
            with _Watched(settings, name) as watched:
                _run_index(settings, stop, watched)
        case "find" if settings.index.uri is not None:
            with _Watched(settings, name) as watched:
                _find_runner(settings, _index(settings), watched).run(stop)
        case "find":
            raise ConfigError("with Milvus Lite `find` runs inside the index stage: `samesong run index`")
        case "audit":
            _run_audit(settings, stop)
        case "drift":
            _run_drift(settings, stop)
        case _:
            raise ConfigError(f"there is no stage {name!r}")


class _Watched:
    """Traces and metrics of one stage, closed in bounded time."""

    def __init__(self, settings: Settings, stage: str) -> None:
        self.tracing = Tracing.start(settings.telemetry, stage=stage, data_dir=settings.data_dir)
        self.metrics = Metrics.start(settings.telemetry, stage)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.tracing.close()
        self.metrics.close()


def _run_drift(settings: Settings, stop: threading.Event) -> None:
    # Faust is slow to import and only this stage needs it.
    from streams.edges.faust_app import run_drift

    run_drift(
        bootstrap_of(settings), settings.drift, AvroCodec(), settings.data_dir, stop, kafka=settings.kafka
    )


def rebuild_index(settings: Settings) -> IndexBuild:
    """Fold `index.row.v1` from its start into a new build, verify it, and switch the alias to it.

    With Milvus Lite the index stage must not run meanwhile: one process owns the store.
    """
    index = _index(settings)
    try:
        with LogReader(bootstrap_of(settings), kafka_extra(settings)) as reader:
            _, end = reader.bounds(ROWS)
            rows = reader.read_committed_to_end(ROWS, 0, end=end)
            # Named by where it ends and what was there: a build's name is never used twice.
            name = f"rebuild_{len(index.builds())}_{end}"
            return rebuild(index, rows, AvroCodec(), name)
    finally:
        index.close()


def audit_once(settings: Settings) -> AuditReport:
    """Check every hop once."""
    return run_audit(CommittedLog(bootstrap_of(settings), kafka_extra(settings)), AvroCodec())


def _run_audit(settings: Settings, stop: threading.Event) -> None:
    while not stop.is_set():
        report = audit_once(settings)
        for mismatch in report.mismatches:
            log.error("audit: %s", mismatch)
        stop.wait(AUDIT_EVERY_S)


def _run_encode(settings: Settings, stop: threading.Event) -> None:
    encoder = _encoder(settings)
    media = None if encoder is None else _media(settings)
    try:
        with _Watched(settings, "encode") as watched:
            _encode_runner(settings, watched, encoder, media).run(stop)
    finally:
        if media is not None:
            media.close()


def _features(settings: Settings) -> FileFeatureStore:
    return FileFeatureStore(settings.data_dir / "features")


def _media(settings: Settings) -> LimitedMediaReader:
    """Fetch and decode under the limits of the settings; folders given to `publish` may be read too."""
    limits, scratch = settings.media, settings.data_dir / "scratch"
    clock = SystemClock()
    fetcher = MediaFetcher(
        roots=lambda: (*limits.allowed_roots, *read_media_roots(settings.data_dir)),
        download=HttpsDownload(
            allowed_hosts=limits.allowed_hosts,
            max_bytes=limits.max_bytes,
            timeout_s=limits.fetch_timeout_s,
            clock=clock,
        ),
        max_bytes=limits.max_bytes,
        scratch=scratch,
        clock=clock,
    )
    decoder = MediaDecoder(
        marks=AttemptMarks(settings.data_dir / "attempts"),
        scratch=scratch,
        max_seconds=limits.max_seconds,
        max_pixels=limits.max_pixels,
        timeout_s=limits.decode_timeout_s,
        memory_mb=limits.decode_memory_mb,
    )
    return LimitedMediaReader(fetcher, decoder)


def _encode_runner(
    settings: Settings, watched: _Watched, encoder: Encoder | None, media: MediaReader | None
) -> StatelessRunner:
    processor = EncodeProcessor(AvroCodec(), encoder, media=media, store=_features(settings))
    return StatelessRunner(
        processor,
        bootstrap=bootstrap_of(settings),
        extra=kafka_extra(settings),
        group_id=ENCODE_GROUP,
        topics=["catalog.upload.v1"],
        batch_items=settings.encode.batch_items,
        batch_ms=settings.encode.batch_ms,
        cost=processor.work,
        work_budget=ENCODE_BUDGET,
        protocol=settings.kafka.group_protocol,
        tracing=watched.tracing,
        metrics=watched.metrics,
    )


def _encoder(settings: Settings) -> Encoder | None:
    """Load the models; without them records are found by their blocking keys alone, and that is said."""
    try:
        return BundleEncoder.load(settings.models_dir)
    except ConfigError as exc:
        log.warning("no vectors: %s; `samesong models build` makes the models", exc)
        return None


def _index(settings: Settings) -> CandidateIndex:
    index = settings.index
    if index.uri is not None:
        return MilvusCandidateIndex(index.uri, token=index.token.get_secret_value() if index.token else None)
    path = settings.data_dir / "index"
    path.mkdir(parents=True, exist_ok=True)
    return MilvusCandidateIndex(str(path / "milvus.db"))


def _find_runner(settings: Settings, index: CandidateIndex, watched: _Watched) -> StatelessRunner:
    return StatelessRunner(
        FindProcessor(index, AvroCodec(), limit=settings.index.search_limit),
        bootstrap=bootstrap_of(settings),
        extra=kafka_extra(settings),
        group_id=FIND_GROUP,
        topics=["upload.encoded.v1", "lookup.again.v1"],
        protocol=settings.kafka.group_protocol,
        tracing=watched.tracing,
        metrics=watched.metrics,
    )


def _run_index(settings: Settings, stop: threading.Event, watched: _Watched) -> None:
    """Fold rows; with Milvus Lite look up as well, in this same process and on the same client."""
    bootstrap, extra = bootstrap_of(settings), kafka_extra(settings)
    index = _index(settings)
    processor = IndexProcessor(index, AvroCodec(), SystemClock(), batch_rows=settings.index.batch_rows)
    try:
        _catch_up(processor, bootstrap, extra)
        runners = [
            StatelessRunner(
                processor,
                bootstrap=bootstrap,
                extra=extra,
                group_id=INDEX_GROUP,
                topics=[ROWS],
                batch_items=settings.index.batch_rows,
                batch_ms=settings.index.batch_ms,
                protocol=settings.kafka.group_protocol,
                tracing=watched.tracing,
                metrics=watched.metrics,
            )
        ]
        if settings.index.uri is None:
            runners.append(_find_runner(settings, index, watched))
        _run_together(runners, stop)
    finally:
        index.close()


def _catch_up(processor: IndexProcessor, bootstrap: str, extra: ClientConfig) -> None:
    """Fold what the index lacks before its group goes on: the index, not the group, knows its place."""
    with LogReader(bootstrap, extra) as reader, Publisher(bootstrap, extra) as publisher:
        _, end = reader.bounds(ROWS)
        start = processor.resume_offset(end=end)
        messages = reader.read_committed_to_end(ROWS, start)
        while batch := list(itertools.islice(messages, CATCH_UP_ROWS)):
            for produced in processor.process(batch):
                publisher.publish(produced.topic, key=produced.key, value=produced.value)
        publisher.flush()


def _run_together(runners: Sequence[StatelessRunner], stop: threading.Event) -> None:
    """Run each in a thread of its own; when one fails the others stop, and its error is raised."""
    with ThreadPoolExecutor(max_workers=len(runners)) as pool:
        running = [pool.submit(runner.run, stop) for runner in runners]
        wait(running, return_when=FIRST_COMPLETED)
        stop.set()
        for each in running:
            each.result()


class _Floor:
    """Follows what the index builds in use have folded; never goes back, as the overlay has let go."""

    def __init__(self, bootstrap: str, extra: ClientConfig) -> None:
        self._follower = LogFollower(bootstrap, extra, "index.watermark.v1", start="beginning")
        self._codec = AvroCodec()
        self._builds: dict[str, int] = {}
        self._floor = 0

    def __call__(self) -> int:
        """Read what is new and give the floor."""
        for message in self._follower.poll(0.0):
            mark: IndexWatermark = self._codec.decode("index.watermark.v1", message.value or b"")
            if mark.active:
                self._builds = {mark.build: mark.watermark}
        self._floor = max(self._floor, min(self._builds.values(), default=0))
        return self._floor


def _run_arbitrate(settings: Settings, stop: threading.Event, watched: _Watched) -> None:
    bootstrap, extra = bootstrap_of(settings), kafka_extra(settings)
    stage = ArbitrateStage(
        AvroCodec(),
        rules(Bundle.packaged()),
        FeatureConfirmer(_features(settings)).confirm,
        floor=_Floor(bootstrap, extra),
        overlay_rows=settings.arbiter.overlay_rows,
    )
    TransactionalRunner(
        stage,
        bootstrap=bootstrap,
        extra=extra,
        group_id=ARBITER_GROUP,
        state_topics=STATE_TOPICS,
        batch_items=settings.arbiter.batch_items,
        batch_ms=settings.arbiter.batch_ms,
        protocol=settings.kafka.group_protocol,
        tracing=watched.tracing,
        metrics=watched.metrics,
    ).run(stop)


def stop_on_signals() -> threading.Event:
    """Give an event that SIGTERM and SIGINT set."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    return stop
