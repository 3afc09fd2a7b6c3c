import sys
from pathlib import Path

import pytest

from streams.edges.broker_discovery import discover_bootstrap
from streams.edges.topics import ensure_topics
from streams.supervision import StageCommand, Supervisor

pytestmark = pytest.mark.broker


def test_broker_topics_and_stages_come_and_go_together(tmp_path: Path) -> None:
    print_bootstrap = (
        "import os, threading; print(os.environ['SAMESONG_KAFKA__BOOTSTRAP'], flush=True); "
        "threading.Event().wait()"
    )
    stage = StageCommand(name="one", command=(sys.executable, "-c", print_bootstrap))
    supervisor = Supervisor(tmp_path, [stage])
    bootstrap = supervisor.start()
    try:
        assert discover_bootstrap(tmp_path) == bootstrap
        assert ensure_topics(bootstrap, replication_factor=1, create=False).good
        assert [s.alive for s in supervisor.status()] == [True]
    finally:
        supervisor.stop()
    assert discover_bootstrap(tmp_path) is None
    assert [s.alive for s in supervisor.status()] == [False]
