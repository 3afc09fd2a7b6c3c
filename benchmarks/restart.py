"""How long the arbiter's restore takes with 100,000 items, against a real broker: cold and warm.

The items are invented uploads with text vectors, decided before by the same stage and runner. Cold: all of
it is read from the topics. Filling: the same, into an empty local store. Warm: from the local store, and the
tail of the log. Each start is a new process; imports, fencing and the assignment by the group are not in the
times. What the store costs while uploads are decided is measured by writing its contents again, in batches.
"""

import argparse
import gc
import json
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.invented_uploads import invented_uploads
from benchmarks.machine import machine_facts, write_result
from streams.core.bundle import Bundle
from streams.core.catalogue import Changes
from streams.core.records import ArbiterInput, EncodedUpload, Found, Lookup, SoundEvidence, SoundFacts
from streams.edges.avro import AvroCodec
from streams.edges.broker import EmbeddedKafka
from streams.edges.kafka_producer import Publisher
from streams.edges.log_identity import read_identity
from streams.edges.log_reader import LogReader
from streams.edges.memory_encoder import MemoryEncoder
from streams.edges.sqlite_store import SqliteStateStore
from streams.edges.topics import ensure_topics
from streams.edges.transactional_runner import TransactionalRunner
from streams.errors import FatalError, InvariantError
from streams.ports import Message, StateReader
from streams.stages.arbiter_records import FOLDED, HEAD, ROWS, STATE_TOPICS
from streams.stages.arbitrate import ArbitrateStage
from streams.stages.encode import ENCODED, EncodeProcessor
from streams.stages.find import INPUT
from streams.stages.kept_state import KeptState
from streams.wiring.parts import rules, uncollected

ITEMS = 100_000
BATCH = 256
# The index is this many rows behind when the arbiter starts.
UNFOLDED = 1_024
REPEATS = 3
UPLOADS = "catalog.upload.v1"
WHAT = "Seconds that the arbiter's restore takes before it decides again, in a new process each time"


class _TimedStage(ArbitrateStage):
    """The arbiter, which notes how long its restores take."""

    restored_s = 0.0

    def restore(self, read: StateReader, *, ends: Mapping[str, int], committed: int | None) -> int:
        """Restore, and note the time."""
        began = time.monotonic()
        next_offset = super().restore(read, ends=ends, committed=committed)
        self.restored_s = time.monotonic() - began
        return next_offset


def fill(bootstrap: str, items: int) -> None:
    """Put uploads into the arbiter's log, as encode and find would."""
    codec = AvroCodec()
    encode = EncodeProcessor(codec, MemoryEncoder())
    uploads = invented_uploads(items)
    offset = 0
    with Publisher(bootstrap) as publisher:
        while batch := list(islice(uploads, BATCH)):
            arrived = []
            for upload in batch:
                value = codec.encode(UPLOADS, upload)
                arrived.append(
                    Message(
                        topic=UPLOADS, partition=0, offset=offset, key=upload.key.text().encode(), value=value
                    )
                )
                offset += 1
            for each in encode.process(arrived):
                if each.topic == ENCODED:
                    encoded: EncodedUpload = codec.decode(ENCODED, each.value or b"")
                    # As if the index had folded everything: the vectors are not what is measured.
                    found = Found(encoded=encoded, lookup=Lookup(build="b", watermark=2**40, rows=0))
                    value = codec.encode(INPUT, ArbiterInput(found=found))
                    publisher.publish(INPUT, key=each.key, value=value)


def run(bootstrap: str, stage: ArbitrateStage, until: Callable[[], bool]) -> float:
    """Run the arbiter until something holds; give the seconds that it took."""
    stop = threading.Event()
    runner = TransactionalRunner(stage, bootstrap=bootstrap, state_topics=STATE_TOPICS)
    thread = threading.Thread(target=runner.run, args=(stop,))
    began = time.monotonic()
    thread.start()
    while not until():
        if not thread.is_alive():
            raise FatalError("the arbiter has ended")
        time.sleep(0.05)
    seconds = time.monotonic() - began
    stop.set()
    thread.join()
    return seconds


def arbiter(bootstrap: str, watermark: Callable[[], int], store: Path | None = None) -> _TimedStage:
    """Build the stage as the service does."""
    codec = AvroCodec()
    kept = None
    if store is not None:
        kept = KeptState(
            SqliteStateStore(store),
            identity=lambda: read_identity(bootstrap, None, FOLDED),
            form="bench",
            codec=codec,
            head=HEAD,
        )
    return _TimedStage(
        codec,
        rules(Bundle.packaged(), _no_sound),
        watermark=watermark,
        overlay_rows=2**62,
        settled=gc.freeze,
        restoring=uncollected,
        kept=kept,
    )


def decide_all(bootstrap: str, items: int) -> float:
    """Decide on everything in the log; give the seconds."""
    stage = arbiter(bootstrap, lambda: 2**40 if stage.head.sequence else 0)
    return run(bootstrap, stage, lambda: stage.head.sequence >= items)


def start_once(bootstrap: str, store: Path | None) -> dict[str, Any]:
    """Start an arbiter in this process and say what it took."""
    with LogReader(bootstrap) as reader:
        ends = {topic: reader.bounds(topic)[1] for topic in STATE_TOPICS}
    stage = arbiter(bootstrap, lambda: ends[ROWS] - UNFOLDED, store)
    spent = time.process_time()
    run(bootstrap, stage, lambda: stage.restored_s > 0)
    return {
        "restore_s": round(stage.restored_s, 2),
        "cpu_s": round(time.process_time() - spent, 2),
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "items": stage.head.live_uploads,
    }


def cost_of_store(full: Path, empty: Path) -> dict[str, Any]:
    """Write what one store holds to another, in batches as they are decided."""
    source, target = SqliteStateStore(full), SqliteStateStore(empty)
    mark = source.take_over()
    held = source.read()
    if mark is None or held is None:
        raise InvariantError("the store that was filled is empty")
    target.take_over()
    uploads, entities, pairs = (
        iter(held.uploads.items()),
        iter(held.entities.items()),
        iter(held.pairs.items()),
    )
    batches = -(-len(held.uploads) // BATCH)
    spent, began, longest = time.process_time(), time.monotonic(), 0.0
    for _ in range(batches):
        changes = Changes(
            uploads=dict(islice(uploads, BATCH)),
            entities=dict(islice(entities, -(-len(held.entities) // batches))),
            pairs=dict(islice(pairs, -(-len(held.pairs) // batches))),
        )
        at = time.monotonic()
        target.write(changes, mark)
        longest = max(longest, time.monotonic() - at)
    target.close()
    source.close()
    return {
        "cpu_ms_per_upload": round(1000 * (time.process_time() - spent) / len(held.uploads), 4),
        "wall_ms_per_upload": round(1000 * (time.monotonic() - began) / len(held.uploads), 4),
        "longest_write_ms": round(1000 * longest),
        "megabytes": round(full.stat().st_size / 2**20, 1),
    }


def _start_in_child(bootstrap: str, store: Path | None = None) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.restart", "--start", bootstrap]
    command += [] if store is None else ["--store", str(store)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own command
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.restart", description=__doc__)
    parser.add_argument("--items", type=int, default=ITEMS)
    parser.add_argument("--start", metavar="BOOTSTRAP", help="only start once against this broker")
    parser.add_argument("--store", type=Path, help="with --start: the local store")
    options, _ = parser.parse_known_args()
    if options.start:
        print(json.dumps(start_once(options.start, options.store)))
        return
    facts = machine_facts()
    with (
        tempfile.TemporaryDirectory(prefix="samesong-bench-") as folder,
        EmbeddedKafka(Path(folder) / "kafka") as kafka,
    ):
        ensure_topics(kafka.bootstrap, replication_factor=1, create=True)
        fill(kafka.bootstrap, options.items)
        decided_s = decide_all(kafka.bootstrap, options.items)
        figures = measure(kafka.bootstrap, Path(folder))
    write_result("restart", WHAT, {**figures, "decide_all_s": round(decided_s)}, started=facts)


def measure(bootstrap: str, folder: Path) -> dict[str, Any]:
    """Start cold and warm, and say what the store costs."""
    store = folder / "arbiter.db"
    with LogReader(bootstrap) as reader:
        ends = {topic: reader.bounds(topic)[1] for topic in STATE_TOPICS}
    return {
        "cold": [_start_in_child(bootstrap) for _ in range(REPEATS)],
        "filling": _start_in_child(bootstrap, store),
        "warm": [_start_in_child(bootstrap, store) for _ in range(REPEATS)],
        "store": cost_of_store(store, folder / "again.db"),
        "ends_of_state_topics": ends,
    }


def _no_sound(_left: SoundFacts, _right: SoundFacts) -> SoundEvidence:
    raise InvariantError("nothing here has sound")


if __name__ == "__main__":
    main()
