"""The index stage before its group goes on: it waits for Kafka and the index instead of ending."""

import threading
from typing import Any, cast

import pytest

from streams.errors import BrokerUnavailable, FatalError, IndexUnavailable
from streams.wiring import index
from streams.wiring.stage_process import StageProcess


def process() -> StageProcess:
    """Give as much of a stage as catching up needs."""
    made = object.__new__(StageProcess)
    made.stop = threading.Event()
    made.bootstrap, made.extra = "127.0.0.1:9", {}
    return made


def test_what_does_not_answer_yet_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[Exception | None] = [BrokerUnavailable("no leader yet"), IndexUnavailable("starts"), None]

    def catch_up(*_: object, **__: object) -> None:
        answer = answers.pop(0)
        if answer is not None:
            raise answer

    monkeypatch.setattr(index, "catch_up", catch_up)
    nothing = cast(Any, None)
    index.catch_up_patiently(process(), nothing, nothing, nothing)
    assert answers == []


def test_what_would_corrupt_the_index_ends_the_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    def catch_up(*_: object, **__: object) -> None:
        raise FatalError("of another log")

    monkeypatch.setattr(index, "catch_up", catch_up)
    nothing = cast(Any, None)
    with pytest.raises(FatalError):
        index.catch_up_patiently(process(), nothing, nothing, nothing)
