"""The index stage: rows are folded; with Milvus Lite the one process that owns the store looks up as well."""

import logging
import threading
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

from streams.edges.batching import BackOff
from streams.edges.clock import SystemClock
from streams.edges.crash import guard_of
from streams.edges.kafka_producer import Publisher
from streams.edges.log_reader import LogReader
from streams.edges.stateless_runner import StatelessRunner
from streams.errors import TransientError
from streams.stages.arbiter_records import ROWS
from streams.stages.index import INDEX_GROUP, IndexProcessor
from streams.stages.index_position import KafkaRowLog, catch_up
from streams.steps import Step
from streams.wiring.find import finder
from streams.wiring.intake import Intake
from streams.wiring.parts import candidate_index
from streams.wiring.stage_process import StageProcess

FOLLOW_ALIAS_S = 2.0

log = logging.getLogger(__name__)


def run_index(process: StageProcess) -> None:
    """Fold rows; with Milvus Lite look up as well, in this same process and on the same client."""
    settings = process.settings
    index = process.closed(candidate_index(settings, guard=process.guard))
    finding = guard_of("find", settings.faults.point)
    rows = KafkaRowLog(process.closed(LogReader(process.bootstrap, process.extra)))
    processor = IndexProcessor(
        index,
        process.codec,
        SystemClock(),
        log=rows,
        batch_rows=settings.index.batch_rows,
        metrics=process.metrics,
    )
    intake = process.intake("index")
    with process.guard(Step.catch_up):
        catch_up_patiently(process, processor, rows, intake)
    runners = [
        process.runner(
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
        runners.append(finder(process, index, guard=finding))
    _run_together(runners, process.stop)


def catch_up_patiently(
    process: StageProcess, processor: IndexProcessor, rows: KafkaRowLog, intake: Intake
) -> None:
    """Fold what the index lacks, again and again while Kafka or the index does not answer."""
    back_off = BackOff()
    while not process.stop.is_set():
        try:
            with Publisher(process.bootstrap, process.extra) as publisher:
                catch_up(processor, rows, publisher, may_go_on=lambda: process.await_open(intake))
        except TransientError as exc:
            seconds = back_off.step()
            log.warning("cannot catch up yet (%s): %s; again in %.1f s", exc.code, exc, seconds)
            process.stop.wait(seconds)
        else:
            return


def _run_together(runners: Sequence[StatelessRunner], stop: threading.Event) -> None:
    """Run each in a thread of its own; when one fails the others stop, and its error is raised."""
    with ThreadPoolExecutor(max_workers=len(runners)) as pool:
        running = [pool.submit(runner.run, stop) for runner in runners]
        wait(running, return_when=FIRST_COMPLETED)
        stop.set()
        for each in running:
            each.result()
