"""A stage that is started without Kafka waits for it, says so once, and goes on."""

import threading
from collections.abc import Iterator

import pytest

from streams.edges.batching import BackOff
from streams.edges.waiting import answers, await_kafka


def wait(answered: Iterator[bool], stop: threading.Event, told: list[bool]) -> bool:
    return await_kafka(
        lambda: next(answered),
        bootstrap="nowhere:9",
        stop=stop,
        told=told.append,
        back_off=BackOff(first=0.001, longest=0.002),
    )


def test_it_waits_and_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    told: list[bool] = []
    assert wait(iter([False] * 20 + [True]), threading.Event(), told)
    assert told == [True, False]
    first, last = (record.message for record in caplog.records)
    assert first.startswith("Kafka does not answer at nowhere:9: waiting for it")
    assert last.startswith("Kafka answers after")


def test_nothing_is_said_where_there_is_nothing_to_wait_for(caplog: pytest.LogCaptureFixture) -> None:
    told: list[bool] = []
    assert wait(iter([True]), threading.Event(), told)
    assert told == []
    assert caplog.records == []


def test_whoever_is_asked_to_stop_waits_no_longer() -> None:
    stop, told = threading.Event(), list[bool]()

    def answered() -> Iterator[bool]:
        yield False
        stop.set()
        yield False

    assert not wait(answered(), stop, told)
    assert told == [True]


def test_a_port_that_nobody_listens_at_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.edges.waiting.ASK_SECONDS", 0.5)
    assert not answers("127.0.0.1:9")()
