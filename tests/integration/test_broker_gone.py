"""A stage that is started while its broker is gone, on a real broker that then comes back."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from streams.edges.broker import EmbeddedKafka
from streams.edges.topics import ensure_topics
from tests.waiting import wait_until

pytestmark = [pytest.mark.broker, pytest.mark.timeout(600)]

WAITS = "Kafka does not answer"
LONGER_SECONDS = 12.0


def test_an_arbiter_started_without_its_broker_waits_and_goes_on_when_it_is_back(tmp_path: Path) -> None:
    said = tmp_path / "arbitrate.log"
    with EmbeddedKafka(tmp_path) as kafka:
        ensure_topics(kafka.bootstrap, replication_factor=1)
        kafka.kill(0)
        with said.open("wb") as out:
            stage = subprocess.Popen(  # noqa: S603 - our own command
                [sys.executable, "-m", "streams.cli", "run", "arbitrate", "--data-dir", str(tmp_path)],
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**os.environ, "SAMESONG_KAFKA__BOOTSTRAP": kafka.bootstrap},
            )
        try:
            wait_until(lambda: WAITS in said.read_text(), 120, "the word that it waits")
            # As long as many a time-out inside: it is there still, and has said so once.
            time.sleep(LONGER_SECONDS)
            assert stage.poll() is None, said.read_text()
            assert said.read_text().count(WAITS) == 1
            kafka.restart(0)
            wait_until(lambda: "owns arbiter.input.v1[0]" in said.read_text(), 120, said.read_text)
            stage.terminate()
            assert stage.wait(60) == 0
        finally:
            stage.kill()
            stage.wait()
