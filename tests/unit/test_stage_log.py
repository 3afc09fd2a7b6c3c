"""What the log of a stage says when nothing happens."""

import logging
from importlib.metadata import version
from pathlib import Path
from typing import Self

import pytest

from streams.config import Settings, load_settings
from streams.wiring import run_stage


class _Unanswered:
    """A stage that is asked to end before Kafka answers."""

    bootstrap = "kafka:1"

    def __init__(self, settings: Settings, name: str) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def await_kafka(self) -> bool:
        return False


def test_it_says_when_it_began_as_what_and_that_it_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("streams.wiring.service.StageProcess", _Unanswered)
    monkeypatch.setattr("streams.wiring.service.configure_logging", lambda *_: None)
    monkeypatch.setattr("streams.wiring.service.gc.set_threshold", lambda _: None)
    with caplog.at_level(logging.INFO, logger="streams.wiring.service"):
        run_stage("encode", load_settings(data_dir=tmp_path))
    began, ended = caplog.messages
    for said in (version("samesong"), "kafka:1", str(tmp_path)):
        assert said in began
    assert "ends" in ended
