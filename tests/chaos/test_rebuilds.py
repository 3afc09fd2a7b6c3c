"""Every store but Kafka's can be deleted and comes back the same; the index is rebuilt under load."""

import hashlib
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest

from streams.core.index_rows import fold_rows
from streams.core.records import IndexRow, IndexWatermark
from streams.edges.avro import AvroCodec
from streams.edges.broker import EmbeddedKafka
from streams.edges.milvus import MilvusCandidateIndex
from streams.edges.milvus.store import let_go, take_lite
from streams.ports import Message
from streams.simulation.codecs import RememberingCodec
from streams.stages.arbiter_records import ROWS, STATE_TOPICS
from streams.stages.index import PROBE_LIMIT, WATERMARK_TOPIC, is_found
from tests.chaos.index_servers import Server, apart, index_server
from tests.chaos.logs import read_everything
from tests.chaos.stages import ALL, Stages, stages
from tests.chaos.trickle import Trickle
from tests.chaos.undisturbed import SAID
from tests.chaos.uploads import Load
from tests.waiting import wait_until

pytestmark = [pytest.mark.broker, pytest.mark.timeout(900)]

Chronicle = Callable[..., None]
CODEC = RememberingCodec(AvroCodec())
# What is no copy of the log: the log itself, and the feature store, since media cannot be fetched again.
RECORDS = {"kafka", "features", "music"}
PROBED = 64
PROBE_SECONDS = 1.0


@pytest.fixture(params=["lite", pytest.param("milvus", marks=[pytest.mark.network, pytest.mark.slow])])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """Give an index that is a process of its own."""
    with index_server(request.param, tmp_path / "server") as made:
        yield made


# --- the drill -------------------------------------------------------------------------------------------


def held(index: Path) -> str:
    """Digest every row of a Milvus Lite folder that nobody has open, vectors included."""
    store = take_lite(str(index / "milvus.db"))
    digest = hashlib.sha256()
    try:
        for name in sorted(store.client.list_collections()):
            store.client.load_collection(name)
            rows = store.client.query(name, filter='key != ""', output_fields=["*"], limit=16_000)
            for row in sorted(rows, key=lambda each: str(each["key"])):
                fields = {key: value for key, value in sorted(row.items()) if key != "vector"}
                vector = np.asarray(row["vector"], dtype=np.float32)
                digest.update(f"{name} {fields}".encode() + vector.tobytes())
    finally:
        let_go(store)
    return digest.hexdigest()


def said(running: Stages) -> dict[str, list[Any]]:
    """Give everything that the arbiter ever said or kept, by topic."""
    topics = {*SAID, *STATE_TOPICS}
    return {topic: [(m.offset, m.key, m.value) for m in running.onlooker.seen(topic)] for topic in topics}


def stop_all(running: Stages) -> None:
    for name in ALL:
        running.stop(name)


@pytest.mark.parametrize(
    "loads", [pytest.param(10, id="short"), pytest.param(300, marks=pytest.mark.slow, id="long")]
)
def test_every_store_but_the_log_can_be_deleted_and_comes_back_bit_for_bit(
    tmp_path: Path, loads: int, chronicle: Chronicle
) -> None:
    with EmbeddedKafka(tmp_path) as kafka, stages(tmp_path, bootstrap=kafka.bootstrap) as running:
        running.start_all()
        load = Load(running.music)
        for _ in range(loads):
            running.publish(load.next())
        before = running.judge()
        stop_all(running)
        first, rows = said(running), held(tmp_path / "index")
        gone = [path for path in tmp_path.iterdir() if path.is_dir() and path.name not in RECORDS]
        assert tmp_path / "index" in gone
        for path in gone:
            shutil.rmtree(path)
        end = running.onlooker.seen(ROWS)[-1].offset + 1
        told = len(running.onlooker.seen(WATERMARK_TOPIC))

        def folded() -> bool:
            marks: list[IndexWatermark] = [
                CODEC.decode(WATERMARK_TOPIC, m.value or b"")
                for m in running.onlooker.seen(WATERMARK_TOPIC, since=told)
            ]
            return any(mark.active and mark.watermark >= end for mark in marks)

        began = time.monotonic()
        running.start_all()
        wait_until(folded, 120, "the index's fold")
        took = time.monotonic() - began
        stop_all(running)
        assert (said(running), held(tmp_path / "index")) == (first, rows)
        running.start_all()
        running.publish(load.next())
        running.judge()
    chronicle(
        where="every store but the log and the features",
        step="at rest",
        fault="deleted",
        outcome=f"the same again, bit for bit, with {before.decisions} decisions; "
        f"the index was whole {took:.1f} s after the start",
    )


# --- blue and green --------------------------------------------------------------------------------------


class Probe:
    """Looks a sample of what the index says it holds up again, every second, as find would."""

    def __init__(self, running: Stages, uri: str) -> None:
        self._running = running
        self._index = MilvusCandidateIndex(uri)
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="probe", daemon=True)
        self.recalls: list[tuple[str, float]] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._index.close()
        assert self._failure is None, self._failure

    def _run(self) -> None:
        try:
            while not self._stop.wait(PROBE_SECONDS):
                self._look()
        except BaseException as exc:
            self._failure = exc

    def _look(self) -> None:
        messages = self._running.onlooker.seen(ROWS)
        # As find does: first where the alias points and how far that build is, then the search.
        build = self._index.active()
        rows = [
            CODEC.decode(ROWS, m.value or b"")
            for m in messages
            if m.offset < build.watermark and m.value is not None
        ]
        deleted = self._deleted(messages)
        asked = 0
        missed: list[IndexRow] = []
        for space, change in fold_rows(rows).items():
            at = [i for i, row in enumerate(change.kept) if row.row_id not in deleted][-PROBED:]
            if not at:
                continue
            answers = self._index.search(
                build.name,
                modality=space.modality,
                model=space.model,
                vectors=change.vectors[at],
                limit=PROBE_LIMIT,
            )
            asked += len(at)
            missed += [
                change.kept[i]
                for i, hits in zip(at, answers, strict=True)
                if not is_found(change.kept[i], hits)
            ]
        if missed:
            # One deleted while we asked: the onlooker may not have read it yet, but it is in the log.
            deleted = self._deleted(read_everything(self._running.bootstrap, starts={}, topics=(ROWS,)))
            asked -= sum(row.row_id in deleted for row in missed)
            missed = [row for row in missed if row.row_id not in deleted]
        if asked:
            self.recalls.append((build.name, 1 - len(missed) / asked))

    def _deleted(self, messages: Iterable[Message]) -> set[str]:
        """Name what was deleted by now: it may be gone from the index before its watermark says so."""
        rows: Iterator[IndexRow] = (CODEC.decode(ROWS, message.value or b"") for message in messages)
        return {row.row_id for row in rows if row.state == "deleted"}


# Dies in the middle: after the second of many small batches that it folds into its new build.
DYING = """
import os, signal, sys
from pathlib import Path
from streams import wiring
from streams.config import load_settings
from streams.edges.milvus import MilvusCandidateIndex
from streams.stages import rebuild
from streams.simulation.codecs import RememberingCodec

applied, apply = [], MilvusCandidateIndex.apply

def dying(index, build, rows, *, watermark):
    apply(index, build, rows, watermark=watermark)
    applied.append(build)
    if len(applied) == 2:
        os.kill(os.getpid(), signal.SIGKILL)

MilvusCandidateIndex.apply = dying
rebuild.rebuild.__kwdefaults__["batch_rows"] = 8
wiring.rebuild_index(load_settings(data_dir=Path(sys.argv[1])))
"""


def test_a_rebuild_under_load_killed_then_finished_then_rolled_back_is_never_missed_by_a_search(
    tmp_path: Path, server: Server, chronicle: Chronicle
) -> None:
    with apart(tmp_path, server) as running:
        load = Load()
        for _ in range(5):
            running.publish(load.next())
        running.judge()
        with Trickle(running, load) as trickle, Probe(running, server.uri) as probe:
            trickle.await_flow()
            wait_until(lambda: len(probe.recalls) >= 2, 60, "the first probes")
            died = subprocess.run(  # noqa: S603 - our own script
                [sys.executable, "-c", DYING, str(tmp_path)], env=running.settings, check=False, timeout=120
            )
            assert died.returncode == -signal.SIGKILL
            half = builds(server)
            assert [filling for _, _, filling in half] == [False, True]
            began = time.monotonic()
            command(running, "index", "rebuild")
            took = time.monotonic() - began
            assert [active for _, active, _ in builds(server)] == [False, True]
            await_probes(probe, "rebuild_1")
            command(running, "index", "promote", "main")
            await_probes(probe, "main")
            command(running, "index", "promote", "rebuild_1")
            command(running, "index", "drop", "main")
            await_probes(probe, "rebuild_1")
        verdict = running.judge()
        assert {recall for _, recall in probe.recalls} == {1.0}, probe.recalls
    chronicle(
        where="the vector index",
        step="rebuilt under load",
        fault="the rebuild killed in the middle, then done, promoted, rolled back, the old build dropped",
        outcome=f"{len(probe.recalls)} recall probes, all of them 1.0; the rebuild took {took:.1f} s; "
        f"holds: {verdict}",
    )


def builds(server: Server) -> list[tuple[str, bool, bool]]:
    """Give name, active and filling of each build."""
    index = MilvusCandidateIndex(server.uri)
    try:
        return [(build.name, build.active, build.filling) for build in index.builds()]
    finally:
        index.close()


def command(running: Stages, *arguments: str) -> None:
    """Run a command of ours on the installation."""
    done = subprocess.run(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-m", "streams.cli", *arguments, "--data-dir", str(running.data_dir)],
        env=running.settings,
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr.decode()


def await_probes(probe: Probe, build: str) -> None:
    """Wait until a build has answered a few probes, and the newest row that it was asked for."""
    before = len(probe.recalls)
    wait_until(
        lambda: [name for name, _ in probe.recalls[before:]].count(build) >= 3, 60, f"probes of {build}"
    )
